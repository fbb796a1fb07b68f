#include "host/io/child.hpp"
#include "host/io/store_file.hpp"

#include <algorithm>

namespace clvsim {

using namespace store_format;

namespace {

// Values that a check holds at a time.
constexpr std::int64_t check_rows_at_once = std::int64_t{1} << 19;

void check_range(std::int64_t first, std::int64_t count, std::int64_t n) {
  if (first < 0 || count < 0 || first > n || count > n - first)
    throw Error(ExitCode::internal, fmt::format("customers {} to {} of {} were asked for", first, first + count, n));
}

// Offsets of customers [first, first + count] (the end included) relative to the first; returns the first row.
std::int64_t read_offsets(const h5::TableReader& owners, std::size_t column, std::int64_t first, std::int64_t count,
                          std::int64_t n_rows, std::vector<std::int64_t>& offset) {
  const auto n = static_cast<std::int64_t>(owners.rows());
  const bool to_the_end = first + count == n;
  offset.resize(static_cast<std::size_t>(count) + 1);
  owners.read(column, static_cast<std::size_t>(first), offset.size() - (to_the_end ? 1 : 0), offset.data());
  if (to_the_end) offset.back() = n_rows;
  const std::int64_t base = first == 0 ? 0 : offset.front();
  if (offset.front() != base || (n == 0 && n_rows != 0)) throw h5::Failure("the first history does not begin at row 0");
  for (std::size_t i = 0; i < offset.size(); ++i) {
    if (offset[i] < (i == 0 ? 0 : offset[i - 1]) || offset[i] > n_rows)
      throw h5::Failure(
          fmt::format("the history of customer row {} is out of range", first + static_cast<std::int64_t>(i)));
  }
  for (std::int64_t& value : offset) value -= base;
  return base;
}

void read_rows(const h5::TableReader& table, const StoreInfo& info, std::int64_t base, History& rows) {
  const auto first = static_cast<std::size_t>(base), count = static_cast<std::size_t>(rows.offset.back());
  table.read(0, first, count, rows.day);
  table.read(1, first, count, rows.amount);
  table.read(2, first, count, rows.kind);
  rows.cost.clear();
  rows.quantity.clear();
  if (info.has_cost) table.read(3, first, count, rows.cost);
  if (info.has_quantity) table.read(info.has_cost ? 4 : 3, first, count, rows.quantity);
}

}  // namespace

StoreFile::StoreFile(const std::filesystem::path& path, const SealInfo& seal)
    : file_(h5::open_file(path, seal.identity)) {
  {
    const h5::Handle root(H5Gopen2(file_.get(), "/", H5P_DEFAULT), H5Gclose, "opening the root");
    attributes_ = h5::read_attributes(root.get(), root_attribute_specs(), "/");
  }
  info_ = info_from(attributes_);
  if (info_.content_digest != to_hex(seal.content_digest))
    throw h5::Failure("attribute 'content_digest' differs from the seal");
  for (const auto& [group, names] : groups(info_)) h5::check_children(file_.get(), group, names);

  const auto open = [&](const char* group, const std::vector<h5::Column>& columns) {
    return h5::TableReader(file_.get(), group, columns, seal.payload_bytes);
  };
  StoreInfo any_width = info_;
  any_width.key_width = 0;
  customers_ = open("/customers", customer_columns(any_width));
  info_.key_width = customers_.type(key).width;
  if (info_.key_width > max_key_bytes) throw h5::Failure("customer keys are longer than they may be");
  history_ = open("/history", history_columns(info_));
  holdout_customers_ = open("/holdout_customers", holdout_customer_columns(info_));
  holdout_ = open("/holdout", history_columns(info_));
  segments_ = open("/segments", segment_columns(0));
  covariates_ = open("/covariates", covariate_columns(0));
  ledger_ = open("/ledger", ledger_columns(info_, 0));
  rejects_ = open("/ledger", reject_columns(0));
  const auto count = [](const h5::TableReader& table, std::int64_t expected, const char* name) {
    if (table.rows() != static_cast<std::uint64_t>(expected))
      throw h5::Failure(fmt::format("{} has {} rows, its attribute says {}", name, table.rows(), expected));
  };
  count(customers_, info_.n_customers, "/customers");
  count(history_, info_.n_rows, "/history");
  count(holdout_customers_, info_.n_holdout_customers, "/holdout_customers");
  count(holdout_, info_.n_holdout_rows, "/holdout");
  count(covariates_, static_cast<std::int64_t>(info_.covariates.size()), "/covariates");

  for (h5::TableReader* table :
       {&customers_, &history_, &holdout_customers_, &holdout_, &segments_, &covariates_, &ledger_, &rejects_})
    table->start_hashing();
  info_.segments = segments_.read_texts(0);
  info_.covariates = covariates_.read_texts(0);
  std::vector<std::int64_t> rows, amounts;
  ledger_.read(1, 0, ledger_.rows(), rows);
  ledger_.read(2, 0, ledger_.rows(), amounts);
  info_.ledger = ledger_from(ledger_.read_texts(0), rows, amounts);
  const std::vector<std::string> reasons = rejects_.read_texts(0);
  rejects_.read(1, 0, rejects_.rows(), rows);
  for (std::size_t i = 0; i < reasons.size(); ++i)
    if (!info_.ledger.rejected_by_reason.emplace(reasons[i], rows[i]).second)
      throw h5::Failure("the ledger has a reason twice");
}

void StoreFile::read(std::int64_t first, std::int64_t count, CustomerBatch& batch) const {
  check_range(first, count, info_.n_customers);
  const auto from = static_cast<std::size_t>(first), n = static_cast<std::size_t>(count);
  batch.first_index = first;
  batch.key_width = info_.key_width;
  customers_.read(key, from, n, batch.key);
  customers_.read(key_hash, from, n, batch.key_hash);
  customers_.read(first_day, from, n, batch.first_day);
  customers_.read(last_purchase_day, from, n, batch.last_purchase_day);
  customers_.read(n_purchase_days, from, n, batch.n_purchase_days);
  customers_.read(frequency, from, n, batch.frequency);
  customers_.read(recency, from, n, batch.recency_days);
  customers_.read(observed, from, n, batch.observed_days);
  customers_.read(spend_sum, from, n, batch.spend_sum);
  customers_.read(refund_sum, from, n, batch.refund_sum);
  customers_.read(segment, from, n, batch.segment);
  batch.covariates.resize(info_.covariates.size());
  for (std::size_t k = 0; k < batch.covariates.size(); ++k)
    customers_.read(store_format::covariates + k, from, n, batch.covariates[k]);
  const std::int64_t base = read_offsets(customers_, history_offset, first, count, info_.n_rows, batch.history.offset);
  read_rows(history_, info_, base, batch.history);
}

void StoreFile::read_holdout(std::int64_t first, std::int64_t count, std::vector<char>& keys, History& rows) const {
  check_range(first, count, info_.n_holdout_customers);
  holdout_customers_.read(0, static_cast<std::size_t>(first), static_cast<std::size_t>(count), keys);
  const std::int64_t base = read_offsets(holdout_customers_, 1, first, count, info_.n_holdout_rows, rows.offset);
  read_rows(holdout_, info_, base, rows);
}

Digest StoreFile::read_all(bool values_checked) {
  Checker checker(info_);
  const auto at_once = [](std::int64_t customers, std::int64_t rows) {
    return std::clamp<std::int64_t>(check_rows_at_once / (rows / std::max<std::int64_t>(1, customers) + 1), 1,
                                    static_cast<std::int64_t>(h5::block_rows));
  };
  CustomerBatch batch;
  const std::int64_t step = at_once(info_.n_customers, info_.n_rows);
  for (std::int64_t first = 0; first < info_.n_customers; first += step) {
    read(first, std::min(step, info_.n_customers - first), batch);
    if (values_checked) checker.add(batch, info_.segments.size());
  }
  std::vector<char> keys;
  History rows;
  const std::int64_t holdout_step = at_once(info_.n_holdout_customers, info_.n_holdout_rows);
  for (std::int64_t first = 0; first < info_.n_holdout_customers; first += holdout_step) {
    read_holdout(first, std::min(holdout_step, info_.n_holdout_customers - first), keys, rows);
    if (values_checked) checker.add_holdout(keys, rows);
  }
  if (values_checked) checker.finish(info_);
  h5::ContentDigest digest;
  digest.add_root(attributes_);
  for (const h5::TableReader* table : tables()) table->add_to(digest);
  return digest.digest();
}

std::vector<const h5::TableReader*> StoreFile::tables() const {
  return {&customers_, &history_, &holdout_customers_, &holdout_, &segments_, &covariates_, &ledger_, &rejects_};
}

void check_store(const std::filesystem::path& path, const SealInfo& seal) {
  check_sealed_in_child(path, seal, [&] {
    StoreFile file(path, seal);
    if (file.read_all() != seal.content_digest) throw h5::Failure("its values do not match their digest");
  });
}

struct StoreReader::Impl {
  Impl(std::filesystem::path where, const SealInfo& seal) : path(std::move(where)), file(path, seal) {}
  std::filesystem::path path;
  StoreFile file;
};

StoreReader::StoreReader(const std::filesystem::path& path) {
  const SealInfo seal = check_seal(path, type);
  check_store(path, seal);
  h5::reading(path, [&] { impl_ = std::make_unique<Impl>(path, seal); });
}
StoreReader::~StoreReader() { h5::destroy(impl_); }
StoreReader::StoreReader(StoreReader&&) noexcept = default;
StoreReader& StoreReader::operator=(StoreReader&& other) noexcept {
  if (this != &other) {
    h5::destroy(impl_);
    impl_ = std::move(other.impl_);
  }
  return *this;
}

const StoreInfo& StoreReader::info() const { return impl_->file.info(); }

void StoreReader::read(std::int64_t first, std::int64_t count, CustomerBatch& batch) const {
  h5::reading(impl_->path, [&] { impl_->file.read(first, count, batch); });
}

void StoreReader::read_holdout(std::int64_t first, std::int64_t count, std::vector<char>& keys, History& rows) const {
  h5::reading(impl_->path, [&] { impl_->file.read_holdout(first, count, keys, rows); });
}

}  // namespace clvsim
