#include "host/base/output_file.hpp"
#include "host/io/run_format.hpp"

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>

namespace clvsim {
namespace {

constexpr std::int64_t batch_rows = 16384;

// A spreadsheet runs a text that begins with one of these as a formula (OWASP, CSV injection): it gets an apostrophe in
// front. So does one that has the apostrophes already, or the id could not be told from what it was.
bool runs_as_formula(std::string_view text) {
  const std::size_t begin = text.find_first_not_of('\'');
  return begin != std::string_view::npos && std::string_view("=+-@\t\r").find(text[begin]) != std::string_view::npos;
}

void append_text(std::string& out, std::string_view text) {
  const bool quoted = text.find_first_of(",\"\r\n") != std::string_view::npos;
  if (quoted) out += '"';
  if (runs_as_formula(text)) out += '\'';
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  if (quoted) out += '"';
}

}  // namespace

void export_csv(const RunReader& run, const std::filesystem::path& path, bool overwrite) {
  const RunInfo& info = run.info();
  const std::vector<run_format::ResultColumn> columns = run_format::result_columns(info);
  OutputFile file(path, overwrite);
  std::string text = "key";
  for (const auto& column : columns) text += "," + column.name;
  text += "\r\n";
  CustomerResults results;
  for (std::int64_t first = 0; first < info.n_customers; first += batch_rows) {
    run.read(first, std::min(batch_rows, info.n_customers - first), results);
    for (std::size_t i = 0; i < results.size(); ++i) {
      const char* key = results.key.data() + i * results.key_width;
      append_text(text, {key, ::strnlen(key, results.key_width)});
      for (const auto& column : columns) fmt::format_to(std::back_inserter(text), ",{}", column.at(results, i));
      text += "\r\n";
    }
    file.write(text);
    text.clear();
  }
  file.write(text);  // the header, where there are no customers
  file.commit();
}

}  // namespace clvsim
