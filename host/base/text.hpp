// Small text helpers that messages need.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace clvsim {

// The candidate nearest to `word` by Damerau-Levenshtein distance (optimal string alignment), if it is at most 2 away
// and less than half the word's length; the first of equals.
std::optional<std::string> nearest(std::string_view word, const std::vector<std::string>& candidates);

// " - did you mean 'x'?" or "".
std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates);

// 1234567 -> "1,234,567".
std::string with_separators(long long value);

// Minor units as a decimal number: (123456, 2) -> "1,234.56".
std::string money(long long minor_units, int decimals);

// Appends a field of a CSV file, quoted where it must be, and with an apostrophe where a spreadsheet would run it.
void append_csv_text(std::string& out, std::string_view text);

}  // namespace clvsim
