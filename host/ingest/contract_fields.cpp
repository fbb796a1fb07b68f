// The fields of a contract book that a log has not.
#include "host/ingest/fields.hpp"

#include <algorithm>
#include <array>

namespace clvsim {

Reject parse_tenure(std::string_view text, std::int32_t& periods) {
  constexpr std::size_t most_digits = 9;
  if (text.empty()) return Reject::empty;
  if (text.front() == '-') return Reject::negative;
  if (!std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; })) return Reject::no_period;
  if (text.size() > most_digits) return Reject::too_large;
  periods = 0;
  for (const char c : text) periods = 10 * periods + (c - '0');
  return Reject::none;
}

Reject parse_churned(std::string_view text, bool& churned) {
  constexpr std::array<std::string_view, 4> yes{"yes", "true", "1", "churned"}, no{"no", "false", "0", "active"};
  if (text.empty()) return Reject::empty;
  const auto is = [text](std::string_view word) {
    return std::equal(text.begin(), text.end(), word.begin(), word.end(), [](char a, char b) {
      return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b;
    });
  };
  churned = std::any_of(yes.begin(), yes.end(), is);
  return churned || std::any_of(no.begin(), no.end(), is) ? Reject::none : Reject::unknown_answer;
}

}  // namespace clvsim
