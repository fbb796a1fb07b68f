#include "host/io/run_file.hpp"
#include "host/io/run_format.hpp"
#include "host/io/sealed_writer.hpp"

#include <sys/statvfs.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

namespace clvsim {

using namespace run_format;

namespace {

// Throws IoError where the disk of `path` has not room for the run. The width of the keys is not known yet: 16 bytes.
void check_space(const std::filesystem::path& path, const RunInfo& info) {
  const double paths = 8 * static_cast<double>(info.options.n_paths), customers = static_cast<double>(info.n_customers);
  const double row = 16 + 8 * static_cast<double>(result_columns(info).size());
  const double kept = info.options.keep_paths ? paths * customers : 0;
  const double need = row * customers + paths + kept;
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : ".";
  struct statvfs disk {};
  if (::statvfs(folder.c_str(), &disk) != 0) return;  // the file system does not say
  const double free = static_cast<double>(disk.f_bavail) * static_cast<double>(disk.f_frsize);
  if (free >= need) return;
  constexpr double megabyte = 1e6;
  throw IoError(
      fmt::format("cannot write '{}': it needs about {:.0f} MB{} and its disk has {:.0f} MB free; {}free space "
                  "on that disk, or write to another",
                  path.string(), std::ceil(need / megabyte),
                  kept > 0 ? fmt::format(", {:.0f} of them for the kept paths,", std::ceil(kept / megabyte)) : "",
                  std::floor(free / megabyte), kept > 0 ? "keep no paths, simulate fewer, or fewer customers, " : ""));
}

}  // namespace

struct RunWriter::Impl {
  Impl(const std::filesystem::path& path, const RunInfo& given, double path_scale, bool overwrite)
      : info(given), scale(path_scale), columns(result_columns(given)), file(path, overwrite, groups(given)) {
    if (info.options.keep_paths) paths.emplace(file.id(), "/paths", path_columns(info, scale));
  }
  ~Impl() {
    const h5::LibraryLock lock;
    customers.reset();
    paths.reset();
  }

  void begin_customers(std::size_t width) {
    key_width = width;
    customers.emplace(file.id(), "/customers", customer_columns(info, width));
  }

  void append(const CustomerResults& results) {
    if (!customers) begin_customers(results.key_width);
    std::vector<std::vector<double>> gathered;  // the columns that CustomerResults interleaves
    gathered.reserve(columns.size());
    std::vector<const void*> pointers{results.key.data()};
    if (!info.segments.empty()) pointers.push_back(results.segment.data());
    for (const ResultColumn& column : columns) {
      if (column.stride == 1) {
        pointers.push_back((results.*column.values).data());
        continue;
      }
      std::vector<double>& values = gathered.emplace_back(results.size());
      for (std::size_t i = 0; i < values.size(); ++i) values[i] = column.at(results, i);
      pointers.push_back(values.data());
    }
    if (!paths) return customers->append(pointers, results.size());
    // Blocks of both tables are complete in an order that does not depend on the batches: the paths of the customers of
    // a block first.
    const std::vector<h5::Column> table = customer_columns(info, key_width);
    const std::size_t n_paths = info.options.n_paths;
    for (std::size_t first = 0; first < results.size();) {
      const std::size_t count = std::min(results.size() - first, customers->room());
      paths->append(std::array<const void*, 1>{results.path_value.data() + first * n_paths}, count * n_paths);
      customers->append(pointers, count);
      for (std::size_t c = 0; c < pointers.size(); ++c)
        pointers[c] = static_cast<const char*>(pointers[c]) + count * table[c].type.width;
      first += count;
    }
  }

  void write_periods() {
    const std::size_t n = info.periods.size();
    std::vector<std::int32_t> first(n), last(n);
    std::vector<std::vector<double>> values;
    for (std::size_t t = 0; t < n; ++t) {
      first[t] = info.periods[t].first_day.days;
      last[t] = info.periods[t].last_day.days;
    }
    for (const auto estimate : period_estimates(info)) {
      std::vector<double> mean, se;
      for (const PeriodForecast& period : info.periods) {
        mean.push_back((period.*estimate).mean);
        se.push_back((period.*estimate).se);
      }
      values.push_back(std::move(mean));
      values.push_back(std::move(se));
    }
    std::vector<const void*> pointers;
    if (info.has_dates) pointers = {first.data(), last.data()};
    for (const std::vector<double>& column : values) pointers.push_back(column.data());
    file.write_table("/periods", period_columns(info), pointers, n);
  }

  void write_portfolio(const std::vector<std::int64_t>& total_by_path) {
    const std::vector<PortfolioLine> lines = portfolio_lines(info);
    std::size_t width = 1;
    for (const PortfolioLine& line : lines) width = std::max(width, line.name.size());
    std::vector<char> names(lines.size() * width);
    std::vector<double> values, errors;
    for (std::size_t i = 0; i < lines.size(); ++i) {
      std::copy(lines[i].name.begin(), lines[i].name.end(), names.begin() + static_cast<std::ptrdiff_t>(i * width));
      values.push_back(lines[i].value->mean);
      errors.push_back(lines[i].value->se);
    }
    file.write_table("/portfolio", portfolio_columns(info, width), {names.data(), values.data(), errors.data()},
                     lines.size());
    file.write_table("/portfolio", total_columns(info, scale), {total_by_path.data()}, total_by_path.size());
  }

  void write_segments() {
    if (info.segments.empty()) return;
    std::size_t width = 1;
    for (const SegmentForecast& segment : info.segments) width = std::max(width, segment.name.size());
    std::vector<char> names;
    std::vector<std::int64_t> counts;
    std::vector<std::vector<double>> values;
    for (const SegmentForecast& segment : info.segments) {
      names.insert(names.end(), segment.name.begin(), segment.name.end());
      names.insert(names.end(), width - segment.name.size(), '\0');
      counts.push_back(segment.n_customers);
    }
    for (const auto estimate : segment_estimates()) {
      std::vector<double> mean, se;
      for (const SegmentForecast& segment : info.segments) {
        mean.push_back((segment.*estimate).mean);
        se.push_back((segment.*estimate).se);
      }
      values.push_back(std::move(mean));
      values.push_back(std::move(se));
    }
    std::vector<const void*> pointers{names.data(), counts.data()};
    for (const std::vector<double>& column : values) pointers.push_back(column.data());
    file.write_table("/segments", segment_columns(info, width), pointers, info.segments.size());
  }

  Digest finish(const std::vector<std::int64_t>& total_by_path) {
    if (!customers) begin_customers(1);
    customers->finish(file.digest());
    if (paths) paths->finish(file.digest());
    write_periods();
    write_portfolio(total_by_path);
    write_segments();
    return file.finish(type, root_attributes(info));
  }

  RunInfo info;
  double scale;
  std::vector<ResultColumn> columns;
  h5::SealedWriter file;
  std::optional<h5::TableWriter> customers, paths;
  std::size_t key_width = 0;
  std::int64_t n_customers = 0;
  std::vector<char> last_key;
};

RunWriter::RunWriter(const std::filesystem::path& path, const RunInfo& info, double path_scale, bool overwrite) {
  h5::checked("a run", [&] {
    check_info(info);
    if (!(path_scale > 0)) throw h5::Failure("the scale of the paths is not positive");
  });
  check_output(path, overwrite);
  check_space(path, info);
  h5::writing(path, [&] { impl_ = std::make_unique<Impl>(path, info, path_scale, overwrite); });
}
RunWriter::~RunWriter() = default;

void RunWriter::append(const CustomerResults& results) {
  if (results.size() == 0) return;
  h5::checked("a run", [&] {
    if (impl_->customers && results.key_width != impl_->key_width)
      throw h5::Failure("a batch has keys of another width than the one before");
    if (results.key_width > h5::max_text_bytes) throw h5::Failure("a batch has keys wider than a column may be");
    const SimulationOptions& options = impl_->info.options;
    if (results.path_value.size() != (options.keep_paths ? results.size() * options.n_paths : 0))
      throw h5::Failure("a batch has another number of path values than are kept");
    check_results(impl_->info, results, impl_->n_customers, impl_->last_key);
  });
  impl_->n_customers += static_cast<std::int64_t>(results.size());
  h5::writing(impl_->file.path(), [&] { impl_->append(results); });
}

std::string RunWriter::finish(const RunInfo& info, const std::vector<std::int64_t>& total_by_path) {
  h5::checked("a run", [&] {
    check_info(info);
    if (run_column_names(info) != run_column_names(impl_->info))
      throw h5::Failure("the columns differ from those that were begun");
    if (info.options.keep_paths != impl_->info.options.keep_paths ||
        info.options.n_paths != impl_->info.options.n_paths)
      throw h5::Failure("the paths differ from those that were begun");
    if (info.n_customers != impl_->n_customers)
      throw h5::Failure(fmt::format("{} customers were announced, {} written", info.n_customers, impl_->n_customers));
    if (total_by_path.size() != info.options.n_paths)
      throw h5::Failure(fmt::format("{} totals for {} paths", total_by_path.size(), info.options.n_paths));
    check_periods(info);
    check_portfolio(info);
    if (info.segments.size() != impl_->info.segments.size())
      throw h5::Failure("the segments differ from those that were begun");
    check_segments(info);
  });
  impl_->info = info;
  return h5::writing(impl_->file.path(), [&] { return to_hex(impl_->finish(total_by_path)); });
}

}  // namespace clvsim
