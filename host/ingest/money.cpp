#include "host/ingest/fields.hpp"

#include <array>
#include <utility>

namespace clvsim {
namespace {

constexpr std::array<std::int64_t, 19> power_of_ten = [] {
  std::array<std::int64_t, 19> powers{1};
  for (std::size_t i = 1; i < powers.size(); ++i) powers[i] = 10 * powers[i - 1];
  return powers;
}();

constexpr int group_digits = 3;

// UTF-8 first; the single bytes are Windows-1252, which cannot begin, nor alone end, a UTF-8 character.
constexpr std::pair<std::string_view, CurrencySign> signs[] = {
    {"$", CurrencySign::dollar},     {"\xe2\x82\xac", CurrencySign::euro}, {"\xc2\xa3", CurrencySign::pound},
    {"\xc2\xa5", CurrencySign::yen}, {"\x80", CurrencySign::euro},         {"\xa3", CurrencySign::pound},
    {"\xa5", CurrencySign::yen}};
constexpr std::string_view spaces[] = {" ", "\t", "\xc2\xa0", "\xe2\x80\xaf", "\xa0"};
constexpr std::string_view minuses[] = {"-", "\xe2\x88\x92"};
// Thousands marks besides . and , by the byte that stands for them in Dialect.
constexpr std::pair<std::string_view, char> other_groups[] = {
    {"'", '\''}, {"\xe2\x80\x99", '\''}, {"\xc2\xa0", ' '}, {"\xe2\x80\xaf", ' '}, {" ", ' '}, {"\xa0", ' '}};

bool digit(char c) { return c >= '0' && c <= '9'; }

bool drop_front(std::string_view& text, std::string_view what) {
  if (what.empty() || !text.starts_with(what)) return false;
  text.remove_prefix(what.size());
  return true;
}
bool drop_back(std::string_view& text, std::string_view what) {
  if (what.empty() || !text.ends_with(what)) return false;
  text.remove_suffix(what.size());
  return true;
}

void drop_spaces(std::string_view& text) {
  for (bool again = true; again;) {
    again = false;
    for (const std::string_view space : spaces) again = again || drop_front(text, space) || drop_back(text, space);
  }
}

bool drop_sign(std::string_view& text, std::string_view code, CurrencySign& sign) {
  if (drop_front(text, code) || drop_back(text, code)) {
    sign = CurrencySign::code;
    return true;
  }
  for (const auto& [bytes, which] : signs)
    if (drop_front(text, bytes) || drop_back(text, bytes)) {
      sign = which;
      return true;
    }
  return false;
}

// Three capitals at either end of the text, no more, that are not the code of --currency: a currency code.
bool drop_other_code(std::string_view& text, std::string_view own, std::string_view& code) {
  constexpr std::size_t length = 3;
  const auto capital = [&](std::size_t at) { return text[at] >= 'A' && text[at] <= 'Z'; };
  const auto is_code = [&](std::size_t at) {
    const std::string_view word = text.substr(at, length);
    return capital(at) && capital(at + 1) && capital(at + 2) && word != "NAN" && word != "INF";
  };
  const std::size_t size = text.size();
  if (size < length) return false;
  const bool own_first = !own.empty() && text.starts_with(own), own_last = !own.empty() && text.ends_with(own);
  if (!own_first && is_code(0) && (size == length || !capital(length))) {
    code = text.substr(0, length);
    text.remove_prefix(length);
    return true;
  }
  if (!own_last && is_code(size - length) && (size == length || !capital(size - length - 1))) {
    code = text.substr(size - length);
    text.remove_suffix(length);
    return true;
  }
  return false;
}

// The digits and marks of an amount, without parentheses, signs and currency.
struct Bare {
  std::string_view text, other_code;
  CurrencySign sign = CurrencySign::none;
  bool negative = false, valid = true;
};

Bare strip(std::string_view text, std::string_view code) {
  Bare bare;
  drop_spaces(text);
  int n_signs = 0, n_currencies = 0, n_other_codes = 0;
  const auto drop_code = [&] {
    const bool dropped = drop_other_code(text, code, bare.other_code);
    n_other_codes += dropped ? 1 : 0;
    return dropped;
  };
  if (drop_code()) drop_spaces(text);
  if (text.size() >= 2 && text.front() == '(' && text.back() == ')') {
    text = text.substr(1, text.size() - 2);
    bare.negative = true;
    ++n_signs;
  }
  for (bool again = true; again;) {
    drop_spaces(text);
    again = drop_sign(text, code, bare.sign);
    n_currencies += again ? 1 : 0;
    again = drop_code() || again;
    for (const std::string_view minus : minuses)
      if (drop_front(text, minus) || drop_back(text, minus)) {
        bare.negative = again = true;
        ++n_signs;
      }
    if (drop_front(text, "+")) {
      again = true;
      ++n_signs;
    }
  }
  bare.text = text;
  bare.valid = n_signs <= 1 && n_currencies <= 1 && n_other_codes <= 1;
  return bare;
}

bool equals_ignoring_case(std::string_view text, std::string_view lower) {
  if (text.size() != lower.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i)
    if ((text[i] | 0x20) != lower[i]) return false;
  return true;
}

Reject why_no_number(std::string_view text) {
  for (const std::string_view word : {"nan", "inf", "infinity", "-nan", "-inf", "1.#inf", "1.#qnan"})
    if (equals_ignoring_case(text, word)) return Reject::not_finite;
  bool any_digit = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    any_digit = any_digit || digit(text[i]);
    const bool exponent = (text[i] == 'e' || text[i] == 'E') && i > 0 && i + 1 < text.size();
    if (exponent && any_digit &&
        (digit(text[i + 1]) || ((text[i + 1] == '+' || text[i + 1] == '-') && i + 2 < text.size())))
      return Reject::exponent;
  }
  return Reject::not_a_number;
}

// A thousands mark at the start of `text`: its length in bytes, 0 where there is none; `mark` names it.
std::size_t group_mark(std::string_view text, char decimal_mark, char& mark) {
  const char other = decimal_mark == '.' ? ',' : '.';
  if (text.front() == other) {
    mark = other;
    return 1;
  }
  for (const auto& [bytes, which] : other_groups)
    if (text.starts_with(bytes)) {
      mark = which;
      return bytes.size();
    }
  return 0;
}

// Digits, thousands marks and a decimal mark.
Reject parse_bare(std::string_view text, const MoneyFormat& format, MinorUnits& out) {
  std::int64_t value = 0;
  int n_significant = 0, n_digits = 0, n_in_group = 0;
  char group = 0;
  bool leading_zero = false, too_large = false;
  const auto push = [&](char c) {
    if (n_significant > 0 || c != '0') ++n_significant;
    if (n_significant > max_money_digits)
      too_large = true;
    else
      value = 10 * value + (c - '0');
  };
  while (!text.empty() && text.front() != format.decimal_mark) {
    if (digit(text.front())) {
      leading_zero = leading_zero || (n_digits == 0 && text.front() == '0');
      push(text.front());
      ++n_digits;
      ++n_in_group;
      text.remove_prefix(1);
      continue;
    }
    char mark = 0;
    const std::size_t length = group_mark(text, format.decimal_mark, mark);
    if (length == 0) return why_no_number(text);
    const bool first = group == 0;
    if ((first ? n_in_group == 0 || n_in_group > group_digits || leading_zero
               : n_in_group != group_digits || mark != group))
      return Reject::wrong_groups;
    group = mark;
    n_in_group = 0;
    text.remove_prefix(length);
  }
  if (group != 0 && n_in_group != group_digits) return Reject::wrong_groups;
  int n_decimals = 0;
  bool excess = false;
  if (!text.empty()) {
    text.remove_prefix(1);
    for (; !text.empty() && digit(text.front()); text.remove_prefix(1)) {
      ++n_digits;
      if (n_decimals == format.decimals) {
        excess = excess || text.front() != '0';
        continue;
      }
      push(text.front());
      ++n_decimals;
    }
    if (!text.empty()) {
      char mark = 0;
      const bool is_mark = text.front() == format.decimal_mark || group_mark(text, format.decimal_mark, mark) != 0;
      return is_mark ? Reject::wrong_groups : Reject::not_a_number;
    }
  }
  if (n_digits == 0) return Reject::not_a_number;
  for (; n_decimals < format.decimals; ++n_decimals) push('0');
  if (excess) return Reject::too_many_decimals;
  if (too_large) return Reject::too_large;
  out = value;
  return Reject::none;
}

Reject parse_any_money(std::string_view text, const MoneyFormat& format, MinorUnits& out, CurrencySign& sign) {
  const Bare bare = strip(text, format.currency_code);
  if (bare.text.empty()) return trimmed(text).empty() ? Reject::empty : Reject::not_a_number;
  if (const Reject why = why_no_number(bare.text); why != Reject::not_a_number) return why;
  if (!bare.valid) return Reject::not_a_number;
  const Reject reason = parse_bare(bare.text, format, out);
  if (!bare.other_code.empty()) {
    // A number even where its marks or decimals are those of another currency than the column's.
    if (reason != Reject::not_a_number) sign = CurrencySign::other_code;
    return Reject::not_a_number;
  }
  if (reason != Reject::none) return reason;
  if (bare.negative) out = -out;
  if (bare.sign != CurrencySign::none) sign = bare.sign;
  return Reject::none;
}

}  // namespace

Reject parse_money(std::string_view text, const MoneyFormat& format, MinorUnits& out, CurrencySign& sign) {
  // The common case, [-]digits[.digits] of few digits. The loop has no branch that depends on where the mark stands: a
  // wrong guess would cost more than the rest.
  constexpr std::size_t max_fast = 17;
  if (text.size() <= max_fast && !text.empty()) {
    const std::size_t from = text.front() == '-' ? 1 : 0;
    std::int64_t value = 0;
    std::size_t mark_at = text.size(), n_marks = 0;
    bool other = false;
    for (std::size_t i = from; i < text.size(); ++i) {
      const unsigned digit_value = static_cast<unsigned char>(text[i]) - static_cast<unsigned>('0');
      const bool is_digit = digit_value <= 9, is_mark = text[i] == format.decimal_mark;
      value = is_digit ? 10 * value + digit_value : value;
      mark_at = is_mark ? i : mark_at;
      n_marks += is_mark ? 1u : 0u;
      other |= !is_digit & !is_mark;
    }
    const int n_decimals = n_marks == 0 ? 0 : static_cast<int>(text.size() - mark_at - 1);
    const int missing = format.decimals - n_decimals;
    const bool digit_first = mark_at > from;
    if (!other && n_marks <= 1 && digit_first && missing >= 0 &&
        static_cast<int>(text.size()) + missing <= max_money_digits) {
      value *= power_of_ten[static_cast<std::size_t>(missing)];
      out = from == 1 ? -value : value;
      return Reject::none;
    }
  }
  return parse_any_money(text, format, out, sign);
}

std::string_view other_code(std::string_view text, std::string_view currency_code) {
  return strip(text, currency_code).other_code;
}

MarkEvidence mark_evidence(std::string_view text, std::string_view currency_code) {
  const Bare stripped = strip(text, currency_code);
  if (!stripped.other_code.empty() && !currency_code.empty()) return MarkEvidence::none;
  const std::string_view bare = stripped.text;
  if (bare.find_first_of(".,") == std::string_view::npos) return MarkEvidence::none;
  const auto reads = [&](char mark) {
    MinorUnits value = 0;
    const Reject reason = parse_bare(bare, {mark, 2, {}}, value);
    return reason == Reject::none || reason == Reject::too_many_decimals || reason == Reject::too_large;
  };
  const bool point = reads('.'), comma = reads(',');
  if (point && comma) return MarkEvidence::either;
  return point ? MarkEvidence::point : comma ? MarkEvidence::comma : MarkEvidence::none;
}

char thousands_mark(std::string_view text, char decimal_mark) {
  std::string_view bare = strip(text, {}).text;
  for (; !bare.empty() && bare.front() != decimal_mark; bare.remove_prefix(1)) {
    char mark = 0;
    if (!digit(bare.front()) && group_mark(bare, decimal_mark, mark) != 0) return mark;
  }
  return 0;
}

std::string_view text_of(CurrencySign sign) {
  switch (sign) {
    case CurrencySign::none:
      return "none";
    case CurrencySign::dollar:
      return "$";
    case CurrencySign::euro:
      return "\xe2\x82\xac";
    case CurrencySign::pound:
      return "\xc2\xa3";
    case CurrencySign::yen:
      return "\xc2\xa5";
    case CurrencySign::code:
      return "the code of --currency";
    case CurrencySign::other_code:
      return "another code than that of --currency";
  }
  return "";
}

std::string_view phrase(Reject reason) {
  switch (reason) {
    case Reject::none:
      return "";
    case Reject::empty:
      return "is empty";
    case Reject::not_a_number:
      return "is not a number";
    case Reject::not_finite:
      return "is not finite";
    case Reject::exponent:
      return "is written with an exponent";
    case Reject::wrong_groups:
      return "has misplaced thousands marks";
    case Reject::too_many_decimals:
      return "has too many decimals";
    case Reject::too_large:
      return "is too large";
    case Reject::no_date:
      return "is not a date";
    case Reject::two_digit_year:
      return "has a year of two digits";
    case Reject::no_such_day:
      return "is no calendar day";
    case Reject::no_such_time:
      return "has no valid time of day";
    case Reject::outside_years:
      return "is outside 1900-2199";
    case Reject::other_order:
      return "contradicts the date order";
    case Reject::too_long:
      return "is longer than 256 bytes";
    case Reject::unknown_kind:
      return "is neither a purchase nor a refund";
    case Reject::zero_refund:
      return "a refund of 0 is neither a purchase nor a negative cash flow";
    case Reject::no_period:
      return "is not a whole number of periods";
    case Reject::negative:
      return "is negative";
    case Reject::no_whole_number:
      return "is not a whole number";
    case Reject::zero_count:
      return "is 0: such a row stands for no contract";
    case Reject::unknown_answer:
      return "is neither yes nor no";
    case Reject::too_long_ago:
      return "goes back before 1900";
    case Reject::churned_at_0:
      return "is 0 though the contract has churned: the first opportunity is 1";
    case Reject::quoting:
      return "text after a closing quote";
    case Reject::n_fields:
      return "wrong number of fields";
  }
  return "";
}

}  // namespace clvsim
