// Covariates: what a log says of a customer in numbers.
#include "host/ingest/fields.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <string>

namespace clvsim {

Reject parse_covariate(std::string_view text, char decimal_mark, double& value) {
  constexpr std::size_t longest = 64;
  if (text.empty()) return Reject::empty;
  if (text.size() > longest) return Reject::not_a_number;
  std::string word(text);
  for (char& c : word) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (decimal_mark != '.' && c == '.') return Reject::not_a_number;
    if (c == decimal_mark) c = '.';
  }
  for (const auto& [answer, number] :
       std::array<std::pair<std::string_view, double>, 4>{{{"yes", 1}, {"true", 1}, {"no", 0}, {"false", 0}}})
    if (word == answer) {
      value = number;
      return Reject::none;
    }
  if (word.front() == '+') word.erase(0, 1);
  const char* const end = word.data() + word.size();
  const auto [stop, error] = std::from_chars(word.data(), end, value);
  if (error == std::errc::result_out_of_range) return Reject::too_large;
  if (error != std::errc() || stop != end) return Reject::not_a_number;
  if (!std::isfinite(value)) return Reject::not_finite;
  if (value == 0) value = 0;  // not -0
  return Reject::none;
}

}  // namespace clvsim
