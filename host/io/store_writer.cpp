#include "host/io/sealed_writer.hpp"
#include "host/io/store_format.hpp"

#include <clvsim/store.hpp>

#include <algorithm>
#include <array>
#include <optional>

namespace clvsim {

using namespace store_format;

namespace {

// Texts as the rows of a fixed-width column.
struct TextColumn {
  std::size_t width = 1;
  std::vector<char> bytes;

  explicit TextColumn(const std::vector<std::string>& texts) {
    for (const std::string& text : texts) width = std::max(width, text.size());
    h5::checked("a store", [&] {
      if (width > h5::max_text_bytes) throw h5::Failure(fmt::format("a text of {} bytes", width));
    });
    for (const std::string& text : texts) {
      bytes.insert(bytes.end(), text.begin(), text.end());
      bytes.resize(bytes.size() + width - text.size());
    }
  }
};

}  // namespace

struct StoreWriter::Impl {
  Impl(const std::filesystem::path& path, const StoreInfo& given, bool overwrite)
      : info(given), checker(given), file(path, overwrite, groups(given)) {
    customers.emplace(file.id(), "/customers", customer_columns(info));
    history.emplace(file.id(), "/history", history_columns(info));
  }
  ~Impl() {
    const h5::LibraryLock lock;
    customers.reset();
    history.reset();
    holdout_customers.reset();
    holdout.reset();
  }

  void append_history(h5::TableWriter& table, const History& rows, std::size_t first, std::size_t count) {
    std::vector<const void*> columns{rows.day.data() + first, rows.amount.data() + first, rows.kind.data() + first};
    if (info.has_cost) columns.push_back(rows.cost.data() + first);
    if (info.has_quantity) columns.push_back(rows.quantity.data() + first);
    table.append(columns, count);
  }

  // Hands customers and their rows over so that blocks are completed in an order that depends on the customers alone,
  // not on how they were batched: the rows of a customer first, then the customer. `append_customers(first, count)`
  // gets the customers.
  template <class F>
  void append_with_rows(h5::TableWriter& owners, h5::TableWriter& table, const History& rows, F&& append_customers) {
    const std::size_t n = rows.offset.size() - 1;
    const std::int64_t base = static_cast<std::int64_t>(table.rows());
    offsets.resize(n);
    for (std::size_t i = 0; i < n; ++i) offsets[i] = base + rows.offset[i];
    for (std::size_t i = 0; i < n;) {
      const std::size_t count = std::min(n - i, owners.room());
      const auto begin = static_cast<std::size_t>(rows.offset[i]),
                 end = static_cast<std::size_t>(rows.offset[i + count]);
      append_history(table, rows, begin, end - begin);
      append_customers(i, count);
      i += count;
    }
  }

  void append(const CustomerBatch& b) {
    append_with_rows(*customers, *history, b.history, [&](std::size_t i, std::size_t count) {
      std::vector<const void*> columns{
          b.key.data() + i * b.key_width, b.key_hash.data() + i,        b.first_day.data() + i,
          b.last_purchase_day.data() + i, b.n_purchase_days.data() + i, b.frequency.data() + i,
          b.recency_days.data() + i,      b.observed_days.data() + i,   b.spend_sum.data() + i,
          b.refund_sum.data() + i,        b.segment.data() + i,         offsets.data() + i};
      for (const std::vector<double>& covariate : b.covariates) columns.push_back(covariate.data() + i);
      customers->append(columns, count);
    });
  }

  // Customers are complete when the first holdout rows come, or at the end.
  void begin_holdout() {
    if (holdout_customers) return;
    customers->finish(file.digest());
    history->finish(file.digest());
    holdout_customers.emplace(file.id(), "/holdout_customers", holdout_customer_columns(info));
    holdout.emplace(file.id(), "/holdout", history_columns(info));
  }

  void append_holdout(const std::vector<char>& keys, const History& rows) {
    begin_holdout();
    append_with_rows(*holdout_customers, *holdout, rows, [&](std::size_t i, std::size_t count) {
      holdout_customers->append(std::array<const void*, 2>{keys.data() + i * info.key_width, offsets.data() + i},
                                count);
    });
  }

  void write_names_and_ledger() {
    const TextColumn names(info.segments), covariates(info.covariates);
    file.write_table("/segments", segment_columns(names.width), {names.bytes.data()}, info.segments.size());
    file.write_table("/covariates", covariate_columns(covariates.width), {covariates.bytes.data()},
                     info.covariates.size());

    std::vector<std::string> texts;
    std::vector<std::int64_t> rows, amounts;
    for (const NamedLine& line : lines_of(info.ledger)) {
      texts.push_back(line.name);
      rows.push_back(line.line.rows);
      amounts.push_back(line.line.amount);
    }
    const TextColumn lines(texts);
    file.write_table("/ledger", ledger_columns(info, lines.width), {lines.bytes.data(), rows.data(), amounts.data()},
                     rows.size());
    texts.clear();
    rows.clear();
    for (const auto& [reason, count] : info.ledger.rejected_by_reason) {
      texts.push_back(reason);
      rows.push_back(count);
    }
    const TextColumn reasons(texts);
    file.write_table("/ledger", reject_columns(reasons.width), {reasons.bytes.data(), rows.data()}, rows.size());
  }

  void finish() {
    begin_holdout();
    info.n_customers = static_cast<std::int64_t>(customers->rows());
    info.n_rows = static_cast<std::int64_t>(history->rows());
    info.n_holdout_customers = static_cast<std::int64_t>(holdout_customers->rows());
    info.n_holdout_rows = static_cast<std::int64_t>(holdout->rows());
    h5::checked("a store", [&] { checker.finish(info); });
    holdout_customers->finish(file.digest());
    holdout->finish(file.digest());
    write_names_and_ledger();
    file.finish(type, root_attributes(info));
  }

  StoreInfo info;
  Checker checker;
  std::vector<std::int64_t> offsets;
  h5::SealedWriter file;
  std::optional<h5::TableWriter> customers, history, holdout_customers, holdout;
};

StoreWriter::StoreWriter(const std::filesystem::path& path, const StoreInfo& info, bool overwrite) {
  if (info.key_width < 1 || info.key_width > max_key_bytes)
    throw DataError(
        fmt::format("customer ids of {} bytes cannot be stored; at most {} can: shorten them, or use "
                    "--hash-ids",
                    info.key_width, max_key_bytes));
  if (info.currency.decimals < 0 || info.currency.decimals > 6 || info.currency.code.size() > 8)
    throw ConfigError("a currency has a code of at most 8 bytes and 0 to 6 decimals");
  h5::writing(path, [&] { impl_ = std::make_unique<Impl>(path, info, overwrite); });
}
StoreWriter::~StoreWriter() = default;

void StoreWriter::append(const CustomerBatch& batch) {
  if (impl_->holdout_customers) throw Error(ExitCode::internal, "customers were added to a store after its holdout");
  // Segment names come last; the codes are checked against them when the store is opened.
  h5::checked("a store", [&] { impl_->checker.add(batch, ~std::size_t{0}); });
  h5::writing(impl_->file.path(), [&] { impl_->append(batch); });
}

void StoreWriter::append_holdout(const std::vector<char>& keys, const History& rows) {
  h5::checked("a store", [&] { impl_->checker.add_holdout(keys, rows); });
  h5::writing(impl_->file.path(), [&] { impl_->append_holdout(keys, rows); });
}

void StoreWriter::finish(const Ledger& ledger, const std::vector<std::string>& segments) {
  impl_->info.ledger = ledger;
  impl_->info.segments = segments;
  h5::writing(impl_->file.path(), [&] { impl_->finish(); });
}

}  // namespace clvsim
