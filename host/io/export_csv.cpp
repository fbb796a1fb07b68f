#include "host/base/output_file.hpp"
#include "host/base/text.hpp"
#include "host/io/run_format.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <string>
#include <string_view>

namespace clvsim {
namespace {

constexpr std::int64_t batch_rows = 16384;
constexpr std::size_t text_bytes = std::size_t{1} << 18;

std::string_view key_of(const CustomerResults& results, std::size_t i) {
  const char* key = results.key.data() + i * results.key_width;
  return {key, ::strnlen(key, results.key_width)};
}

}  // namespace

void export_csv(const RunReader& run, const std::filesystem::path& path, bool overwrite) {
  const RunInfo& info = run.info();
  const std::vector<run_format::ResultColumn> columns = run_format::result_columns(info);
  OutputFile file(path, overwrite);
  std::string text = info.segments.empty() ? "key" : "key,segment";
  for (const auto& column : columns) text += "," + column.name;
  text += "\r\n";
  CustomerResults results;
  for (std::int64_t first = 0; first < info.n_customers; first += batch_rows) {
    run.read(first, std::min(batch_rows, info.n_customers - first), results);
    for (std::size_t i = 0; i < results.size(); ++i) {
      append_csv_text(text, key_of(results, i));
      if (!results.segment.empty()) {
        text += ',';
        append_csv_text(text, info.segments[results.segment[i]].name);
      }
      for (const auto& column : columns) {
        text += ',';
        const double value = column.at(results, i);
        if (!std::isnan(value)) fmt::format_to(std::back_inserter(text), "{}", value);  // empty: infinite
      }
      text += "\r\n";
    }
    file.write(text);
    text.clear();
  }
  file.write(text);  // the header, where there are no customers
  file.commit();
}

void export_paths_csv(const RunReader& run, const std::filesystem::path& path, bool overwrite) {
  const RunInfo& info = run.info();
  const std::size_t n_paths = info.options.n_paths;
  std::vector<std::int64_t> values;
  run.read_paths(0, 0, values);  // a run without them is refused before a file is begun
  constexpr std::size_t values_at_once = std::size_t{1} << 17;
  const auto at_once = static_cast<std::int64_t>(std::clamp<std::size_t>(values_at_once / n_paths, 1, batch_rows));
  OutputFile file(path, overwrite);
  file.write(fmt::format("key,path,{}\r\n", info.measure_name));
  CustomerResults results;
  std::string key, text;
  for (std::int64_t first = 0; first < info.n_customers; first += at_once) {
    const std::int64_t count = std::min(at_once, info.n_customers - first);
    run.read(first, count, results);
    run.read_paths(first, count, values);
    for (std::size_t i = 0; i < results.size(); ++i) {
      key.clear();
      append_csv_text(key, key_of(results, i));
      for (std::size_t p = 0; p < n_paths; ++p) {
        const double value = static_cast<double>(values[i * n_paths + p]) * run.path_scale();
        fmt::format_to(std::back_inserter(text), "{},{},{}\r\n", key, p, value);
        if (text.size() < text_bytes) continue;
        file.write(text);
        text.clear();
      }
    }
  }
  file.write(text);
  file.commit();
}

}  // namespace clvsim
