#include "host/base/text.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace clvsim {
namespace {

std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), previous(b.size() + 1), current(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) previous[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    current[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t change = a[i - 1] == b[j - 1] ? 0 : 1;
      current[j] = std::min({previous[j] + 1, current[j - 1] + 1, previous[j - 1] + change});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        current[j] = std::min(current[j], before[j - 2] + 1);
    }
    before.swap(previous);
    previous.swap(current);
  }
  return previous[b.size()];
}

// A spreadsheet runs a text that begins with one of these as a formula (OWASP, CSV injection): it gets an apostrophe in
// front. So does one that has the apostrophes already, or the id could not be told from what it was.
bool runs_as_formula(std::string_view text) {
  const std::size_t begin = text.find_first_not_of('\'');
  return begin != std::string_view::npos && std::string_view("=+-@\t\r").find(text[begin]) != std::string_view::npos;
}

}  // namespace

std::optional<std::string> nearest(std::string_view word, const std::vector<std::string>& candidates) {
  std::optional<std::string> best;
  std::size_t best_distance = 3;
  for (const std::string& candidate : candidates) {
    const std::size_t d = distance(word, candidate);
    if (d < best_distance && 2 * d < std::max(word.size(), std::size_t{2})) {
      best_distance = d;
      best = candidate;
    }
  }
  return best;
}

std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates) {
  const auto found = nearest(word, candidates);
  return found ? fmt::format(" - did you mean '{}'?", *found) : std::string();
}

std::string with_separators(long long value) {
  std::string digits =
      fmt::format("{}", value < 0 ? -static_cast<unsigned long long>(value) : static_cast<unsigned long long>(value));
  for (std::size_t i = digits.size(); i > 3;) {
    i -= 3;
    digits.insert(digits.begin() + static_cast<std::ptrdiff_t>(i), ',');
  }
  if (value < 0) digits.insert(digits.begin(), '-');
  return digits;
}

std::string money(long long minor_units, int decimals) {
  unsigned long long magnitude =
      minor_units < 0 ? -static_cast<unsigned long long>(minor_units) : static_cast<unsigned long long>(minor_units);
  unsigned long long scale = 1;
  for (int i = 0; i < decimals; ++i) scale *= 10;
  std::string text = with_separators(static_cast<long long>(magnitude / scale));
  if (decimals > 0) text += fmt::format(".{:0{}}", magnitude % scale, decimals);
  if (minor_units < 0) text.insert(text.begin(), '-');
  return text;
}

void append_csv_text(std::string& out, std::string_view text) {
  const bool quoted = text.find_first_of(",\"\r\n") != std::string_view::npos;
  if (quoted) out += '"';
  if (runs_as_formula(text)) out += '\'';
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  if (quoted) out += '"';
}

}  // namespace clvsim
