// Exact parsing of the fields of a transaction log: money, quantities, days.
#pragma once

#include <clvsim/import.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace clvsim {

// Why a field, or a row, is rejected.
enum class Reject : std::uint8_t {
  none,
  empty,
  not_a_number,
  not_finite,
  exponent,
  wrong_groups,
  too_many_decimals,
  too_large,
  no_date,
  two_digit_year,
  no_such_day,
  no_such_time,
  outside_years,
  other_order,
  too_long,
  unknown_kind,
  zero_refund,
  no_period,
  negative,
  no_whole_number,
  zero_count,
  unknown_answer,
  too_long_ago,
  churned_at_0,
  quoting,
  n_fields,
};
// The reason as a phrase, e.g. "is empty"; never with the value.
std::string_view phrase(Reject reason);

// The currency signs that an amount may carry; `code` is the code of --currency, `other_code` three capitals that are
// not.
enum class CurrencySign : std::uint8_t { none, dollar, euro, pound, yen, code, other_code };
std::string_view text_of(CurrencySign sign);

struct MoneyFormat {
  char decimal_mark = '.';
  int decimals = 2;
  std::string_view currency_code;  // may be empty
};

// Amounts of more than 18 digits in minor units are too large: sums of nine of them still fit 64 bits.
inline constexpr int max_money_digits = 18;

// Parses an amount exactly into minor units: digits with one decimal mark; thousands marks (whichever of . and , is not
// the decimal mark, apostrophe, space, no-break space), one kind a number and in groups of three alone; a sign before
// or a minus behind, or parentheses for a negative; a currency sign, or the code, before or behind; spaces and tabs
// around. Decimals beyond `decimals` must be zeros. Sets `sign` where the text holds a currency sign; to other_code,
// and returns not_a_number, where it would be an amount but for another code.
Reject parse_money(std::string_view text, const MoneyFormat& format, MinorUnits& out, CurrencySign& sign);

// The three capitals before or behind an amount that are not the code of --currency; empty where there are none.
std::string_view other_code(std::string_view text, std::string_view currency_code);

struct DateFormat {
  DateOrder order = DateOrder::ymd;
  bool order_given = false;  // by the user: 03.04.2024 follows it; else a dotted date is day.month.year
  bool utc = false;
};

// Parses a day: YYYY-MM-DD (also / and . between), YYYYMMDD, and with a year at the end D.M.YYYY, D/M/YYYY or M/D/YYYY
// as `order` says; then optionally T or spaces and HH:MM[:SS[.fraction]], and Z, UTC or an offset +hh[:mm]. The day is
// the local one as written; with `utc` it is the UTC day of the time, where there is an offset. Years 1900 to 2199.
Reject parse_day(std::string_view text, const DateFormat& format, std::int32_t& days);

// Parses a tenure: a whole number of periods, digits alone; and whether a contract has churned: yes/no, true/false,
// 1/0, churned/active, in any case.
Reject parse_tenure(std::string_view text, std::int32_t& periods);
Reject parse_churned(std::string_view text, bool& churned);

// Parses a number of contracts alike: a whole number from 1 to most_contracts, digits alone.
inline constexpr std::int64_t most_contracts = 10'000'000;
Reject parse_count(std::string_view text, std::int64_t& count);

// Parses a number: digits with one decimal mark, a sign and an exponent where they are wanted, no thousands mark; yes
// and true are 1, no and false 0, in any case.
Reject parse_covariate(std::string_view text, char decimal_mark, double& value);

// What a date says about the order of the dates of its column.
enum class OrderEvidence : std::uint8_t { none, year_first, day_first, month_first, either };
OrderEvidence order_evidence(std::string_view text);

// What an amount says about the decimal mark of its column: the marks under which it reads as a number. An amount in
// another currency than the one given says nothing.
enum class MarkEvidence : std::uint8_t { none, point, comma, either };
MarkEvidence mark_evidence(std::string_view text, std::string_view currency_code);
// The thousands mark of an amount under a decimal mark, 0 where there is none.
char thousands_mark(std::string_view text, char decimal_mark);

// Without the spaces and tabs around it.
inline std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

}  // namespace clvsim
