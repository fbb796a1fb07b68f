#include <clvsim/calendar.hpp>
#include <clvsim/error.hpp>

#include <fmt/format.h>

#include <charconv>
#include <chrono>

namespace clvsim {
namespace {

using namespace std::chrono;

year_month_day civil(Date date) { return year_month_day{sys_days{days{date.days}}}; }
Date from_civil(year_month_day ymd) { return {static_cast<std::int32_t>(sys_days{ymd}.time_since_epoch().count())}; }

constexpr std::int32_t days_a_week = 7;
constexpr int months_a_year = 12;

std::int32_t floor_divide(std::int32_t a, std::int32_t b) { return a >= 0 ? a / b : -((-a + b - 1) / b); }

}  // namespace

Date make_date(int year_number, int month_number, int day_number) {
  const year_month_day ymd{year{year_number}, month{static_cast<unsigned>(month_number)},
                           day{static_cast<unsigned>(day_number)}};
  if (month_number < 1 || day_number < 1 || !ymd.ok())
    throw DataError(fmt::format("{:04}-{:02}-{:02} is no calendar day", year_number, month_number, day_number));
  return from_civil(ymd);
}

std::string to_string(Date date) {
  const year_month_day ymd = civil(date);
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(ymd.year()), static_cast<unsigned>(ymd.month()),
                     static_cast<unsigned>(ymd.day()));
}

Date parse_iso_date(std::string_view text) {
  const auto fail = [&] {
    throw DataError(fmt::format("'{}' is no date of the form YYYY-MM-DD between 1900 and 2199", text));
  };
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') fail();
  const auto number = [&](std::size_t at, std::size_t length) {
    int value = 0;
    const char* end = text.data() + at + length;
    const auto result = std::from_chars(text.data() + at, end, value);
    if (result.ec != std::errc() || result.ptr != end || text[at] == '-') fail();
    return value;
  };
  const Date date = make_date(number(0, 4), number(5, 2), number(8, 2));
  if (date < first_valid_date || date > last_valid_date) fail();
  return date;
}

std::string_view name_of(PeriodUnit unit) {
  switch (unit) {
    case PeriodUnit::day:
      return "day";
    case PeriodUnit::week:
      return "week";
    case PeriodUnit::month:
      return "month";
    case PeriodUnit::year:
      return "year";
  }
  return "";
}

PeriodUnit parse_period_unit(std::string_view text) {
  for (const PeriodUnit unit : {PeriodUnit::day, PeriodUnit::week, PeriodUnit::month, PeriodUnit::year})
    if (text == name_of(unit)) return unit;
  throw ConfigError(fmt::format("'{}' is no period unit; use day, week, month or year", text));
}

Date PeriodGrid::end(int k) const {
  switch (unit_) {
    case PeriodUnit::day:
      return {observation_end_.days + k};
    case PeriodUnit::week:
      return {observation_end_.days + days_a_week * k};
    case PeriodUnit::month:
    case PeriodUnit::year:
      break;
  }
  const year_month_day start = civil(observation_end_);
  const year_month target =
      year_month{start.year(), start.month()} + months{unit_ == PeriodUnit::year ? months_a_year * k : k};
  const year_month_day_last last{target.year(), month_day_last{target.month()}};
  const bool on_last = year_month_day{year_month_day_last{start.year(), month_day_last{start.month()}}} == start;
  if (on_last || start.day() > last.day()) return from_civil(last);
  return from_civil(year_month_day{target.year(), target.month(), start.day()});
}

int PeriodGrid::index_of(Date day) const {
  const std::int32_t after = day.days - observation_end_.days;
  switch (unit_) {
    case PeriodUnit::day:
      return after;
    case PeriodUnit::week:
      return -floor_divide(-after, days_a_week);
    case PeriodUnit::month:
    case PeriodUnit::year:
      break;
  }
  const year_month_day from = civil(observation_end_), to = civil(day);
  int k = (static_cast<int>(to.year()) - static_cast<int>(from.year())) * months_a_year +
          (static_cast<int>(static_cast<unsigned>(to.month())) - static_cast<int>(static_cast<unsigned>(from.month())));
  if (unit_ == PeriodUnit::year) k /= months_a_year;
  while (end(k) < day) ++k;
  while (day <= end(k - 1)) --k;
  return k;
}

std::int64_t mean_length(PeriodUnit unit) {
  constexpr std::int64_t month = 487, year = 5844;
  static_assert(year == 12 * month && 4 * year == 1461 * sixteenths_a_day);
  switch (unit) {
    case PeriodUnit::day:
      return sixteenths_a_day;
    case PeriodUnit::week:
      return 7 * sixteenths_a_day;
    case PeriodUnit::month:
      return month;
    case PeriodUnit::year:
      break;
  }
  return year;
}

}  // namespace clvsim
