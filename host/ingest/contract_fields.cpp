// The fields of a contract book that a log has not.
#include "host/ingest/fields.hpp"

#include <algorithm>
#include <array>

namespace clvsim {
namespace {

// Digits alone; `no_number`: what other text is rejected as.
Reject parse_whole(std::string_view text, Reject no_number, std::int32_t& number) {
  constexpr std::size_t most_digits = 9;
  if (text.empty()) return Reject::empty;
  if (text.front() == '-') return Reject::negative;
  if (!std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; })) return no_number;
  if (text.size() > most_digits) return Reject::too_large;
  number = 0;
  for (const char c : text) number = 10 * number + (c - '0');
  return Reject::none;
}

}  // namespace

Reject parse_tenure(std::string_view text, std::int32_t& periods) {
  return parse_whole(text, Reject::no_period, periods);
}

Reject parse_count(std::string_view text, std::int64_t& count) {
  std::int32_t number = 0;
  if (const Reject bad = parse_whole(text, Reject::no_whole_number, number); bad != Reject::none) return bad;
  if (number == 0) return Reject::zero_count;
  if (number > most_contracts) return Reject::too_large;
  count = number;
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
