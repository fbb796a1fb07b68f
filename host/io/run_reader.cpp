#include "host/io/child.hpp"
#include "host/io/run_reading.hpp"

#include <algorithm>
#include <limits>

namespace clvsim {

using namespace run_format;

RunFile::RunFile(const std::filesystem::path& path, const SealInfo& seal) : file_(h5::open_file(path, seal.identity)) {
  {
    const h5::Handle root(H5Gopen2(file_.get(), "/", H5P_DEFAULT), H5Gclose, "opening the root");
    attributes_ = h5::read_attributes(root.get(), root_attribute_specs(), "/");
  }
  info_ = info_from(attributes_);
  if (info_.content_digest != to_hex(seal.content_digest))
    throw h5::Failure("attribute 'content_digest' differs from the seal");
  const auto has = [&](const char* name) { return H5Lexists(file_.get(), name, H5P_DEFAULT) > 0; };
  if (has("customers")) {
    info_.has_closed_forms = has("customers/p_alive");
    info_.has_dert = has("customers/dert");
  }
  columns_ = result_columns(info_);
  info_.options.keep_paths = has("paths");
  if (has("segments")) info_.segments.resize(1);  // how many follows
  for (const auto& [group, names] : groups(info_)) h5::check_children(file_.get(), group, names);

  const auto open = [&](const char* group, const std::vector<h5::Column>& columns) {
    return h5::TableReader(file_.get(), group, columns, seal.payload_bytes);
  };
  customers_ = open("/customers", customer_columns(info_, 0));
  periods_ = open("/periods", period_columns(info_));
  portfolio_ = open("/portfolio", portfolio_columns(info_, 0));
  totals_ = open("/portfolio", total_columns(info_, 1));
  if (customers_.rows() != static_cast<std::uint64_t>(info_.n_customers))
    throw h5::Failure("/customers has another number of rows than its attribute says");
  if (periods_.rows() != static_cast<std::size_t>(info_.options.horizon))
    throw h5::Failure("/periods has another number of rows than the horizon");
  if (totals_.rows() != info_.options.n_paths) throw h5::Failure("total_by_path has not one row a path");
  if (!(path_scale() > 0)) throw h5::Failure("total_by_path has no scale");
  if (info_.options.keep_paths) {
    paths_ = open("/paths", path_columns(info_, 1));
    if (paths_.rows() / info_.options.n_paths != customers_.rows() || paths_.rows() % info_.options.n_paths != 0)
      throw h5::Failure("/paths/value has not one row a path of every customer");
    if (paths_.scale(0) != path_scale()) throw h5::Failure("/paths/value has another scale than total_by_path");
  }
  if (!info_.segments.empty()) {
    segments_ = open("/segments", segment_columns(info_, 0));
    if (segments_.rows() == 0) throw h5::Failure("/segments has no rows");
  }
  for (h5::TableReader* table : {&customers_, &periods_, &portfolio_, &totals_, &paths_, &segments_})
    table->start_hashing();

  const std::size_t n = periods_.rows();
  // Without costs or a margin no profit is known, and none is in the file.
  const double unknown = std::numeric_limits<double>::quiet_NaN();
  PeriodForecast blank;
  blank.profit = {unknown, unknown};
  info_.periods.assign(n, blank);
  std::size_t column = 0;
  if (info_.has_dates) {
    std::vector<std::int32_t> days;
    periods_.read(column++, 0, n, days);
    for (std::size_t t = 0; t < n; ++t) info_.periods[t].first_day.days = days[t];
    periods_.read(column++, 0, n, days);
    for (std::size_t t = 0; t < n; ++t) info_.periods[t].last_day.days = days[t];
  }
  std::vector<double> values;
  for (const auto estimate : period_estimates(info_)) {
    periods_.read(column++, 0, n, values);
    for (std::size_t t = 0; t < n; ++t) (info_.periods[t].*estimate).mean = values[t];
    periods_.read(column++, 0, n, values);
    for (std::size_t t = 0; t < n; ++t) (info_.periods[t].*estimate).se = values[t];
  }
  read_segments();
  const std::vector<PortfolioLine> lines = portfolio_lines(info_);
  const std::vector<std::string> names = portfolio_.read_texts(0);
  std::vector<double> errors;
  portfolio_.read(1, 0, portfolio_.rows(), values);
  portfolio_.read(2, 0, portfolio_.rows(), errors);
  if (names.size() != lines.size()) throw h5::Failure("/portfolio has a wrong number of lines");
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (names[i] != lines[i].name) throw h5::Failure("/portfolio has other lines than it should");
    *lines[i].value = {values[i], errors[i]};
  }
}

void RunFile::read_segments() {
  if (segments_.rows() == 0) return;
  const std::vector<std::string> names = segments_.read_texts(0);
  const std::size_t n = names.size();
  info_.segments.assign(n, {});
  std::vector<std::int64_t> counts;
  segments_.read(1, 0, n, counts);
  for (std::size_t s = 0; s < n; ++s) {
    info_.segments[s].name = names[s];
    info_.segments[s].n_customers = counts[s];
  }
  std::vector<double> values;
  std::size_t column = 2;
  for (const auto estimate : segment_estimates()) {
    segments_.read(column++, 0, n, values);
    for (std::size_t s = 0; s < n; ++s) (info_.segments[s].*estimate).mean = values[s];
    segments_.read(column++, 0, n, values);
    for (std::size_t s = 0; s < n; ++s) (info_.segments[s].*estimate).se = values[s];
  }
}

void RunFile::check_range(std::int64_t first, std::int64_t count) const {
  if (first < 0 || count < 0 || first > info_.n_customers || count > info_.n_customers - first)
    throw Error(ExitCode::internal,
                fmt::format("customers {} to {} of {} were asked for", first, first + count, info_.n_customers));
}

void RunFile::read(std::int64_t first, std::int64_t count, CustomerResults& results) const {
  check_range(first, count);
  results.path_value.clear();
  const auto from = static_cast<std::size_t>(first), n = static_cast<std::size_t>(count);
  results.key_width = customers_.type(0).width;
  customers_.read(0, from, n, results.key);
  std::size_t at = 1;
  results.segment.clear();
  if (!info_.segments.empty()) customers_.read(at++, from, n, results.segment);
  std::vector<double> values;
  for (std::size_t c = 0; c < columns_.size(); ++c) {
    const ResultColumn& column = columns_[c];
    std::vector<double>& target = results.*column.values;
    if (column.stride == 1) {
      customers_.read(at + c, from, n, target);
      continue;
    }
    target.resize(n * column.stride);
    customers_.read(at + c, from, n, values);
    for (std::size_t i = 0; i < n; ++i) target[i * column.stride + column.index] = values[i];
  }
}

void RunFile::read_paths(std::int64_t first, std::int64_t count, std::vector<std::int64_t>& values) const {
  check_range(first, count);
  const std::size_t n_paths = info_.options.n_paths;
  paths_.read(0, static_cast<std::size_t>(first) * n_paths, static_cast<std::size_t>(count) * n_paths, values);
}

void RunFile::read_all_paths(bool values_checked) const {
  std::vector<std::int64_t> totals, values;
  totals_.read(0, 0, totals_.rows(), totals);
  if (paths_.rows() == 0) return;
  std::size_t path = 0;
  for (std::size_t first = 0; first < paths_.rows(); first += h5::block_rows) {
    paths_.read(0, first, std::min(h5::block_rows, paths_.rows() - first), values);
    for (const std::int64_t value : values) {
      // Unsigned: what a foreign file holds may be any number.
      const auto rest = static_cast<std::uint64_t>(totals[path]) - static_cast<std::uint64_t>(value);
      totals[path] = static_cast<std::int64_t>(rest);
      if (++path == totals.size()) path = 0;
    }
  }
  if (values_checked && std::any_of(totals.begin(), totals.end(), [](std::int64_t rest) { return rest != 0; }))
    throw h5::Failure("the values of /paths do not add up to total_by_path");
}

Digest RunFile::read_all(bool values_checked) {
  CustomerResults results;
  std::vector<char> last_key;
  constexpr auto step = static_cast<std::int64_t>(h5::block_rows);
  for (std::int64_t first = 0; first < info_.n_customers; first += step) {
    read(first, std::min(step, info_.n_customers - first), results);
    if (values_checked) check_results(info_, results, first, last_key);
  }
  read_all_paths(values_checked);
  if (values_checked) {
    check_periods(info_);
    check_portfolio(info_);
    check_segments(info_);
  }
  h5::ContentDigest digest;
  digest.add_root(attributes_);
  for (const h5::TableReader* table : tables()) table->add_to(digest);
  return digest.digest();
}

std::vector<const h5::TableReader*> RunFile::tables() const {
  return {&customers_, &periods_, &portfolio_, &totals_, &paths_, &segments_};
}

void check_run(const std::filesystem::path& path, const SealInfo& seal) {
  check_sealed_in_child(path, seal, [&] {
    RunFile file(path, seal);
    if (file.read_all() != seal.content_digest) throw h5::Failure("its values do not match their digest");
  });
}

struct RunReader::Impl {
  Impl(std::filesystem::path where, const SealInfo& seal) : path(std::move(where)), file(path, seal) {}
  std::filesystem::path path;
  RunFile file;
};

RunReader::RunReader(const std::filesystem::path& path) {
  const SealInfo seal = check_seal(path, type);
  check_run(path, seal);
  h5::reading(path, [&] { impl_ = std::make_unique<Impl>(path, seal); });
}
RunReader::~RunReader() { h5::destroy(impl_); }
RunReader::RunReader(RunReader&&) noexcept = default;
RunReader& RunReader::operator=(RunReader&& other) noexcept {
  if (this != &other) {
    h5::destroy(impl_);
    impl_ = std::move(other.impl_);
  }
  return *this;
}

const RunInfo& RunReader::info() const { return impl_->file.info(); }

void RunReader::read(std::int64_t first, std::int64_t count, CustomerResults& results) const {
  h5::reading(impl_->path, [&] { impl_->file.read(first, count, results); });
}

void RunReader::read_paths(std::int64_t first, std::int64_t count, std::vector<std::int64_t>& values) const {
  if (!info().options.keep_paths)
    throw ConfigError(fmt::format("'{}' has kept no paths; simulate again with --keep-paths", impl_->path.string()));
  h5::reading(impl_->path, [&] { impl_->file.read_paths(first, count, values); });
}

void RunReader::read_totals(std::vector<std::int64_t>& values) const {
  h5::reading(impl_->path, [&] { impl_->file.read_totals(values); });
}

double RunReader::path_scale() const { return impl_->file.path_scale(); }

}  // namespace clvsim
