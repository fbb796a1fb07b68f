/// \file
/// Dates, periods, and the grid of periods around the end of observation that every model and every run shares.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace clvsim {

/// A calendar day of the proleptic Gregorian calendar: days since 1970-01-01.
struct Date {
  std::int32_t days = 0;
  auto operator<=>(const Date&) const = default;
};

/// The dates that clvsim accepts, both ends included: 1900-01-01 to 2199-12-31.
inline constexpr Date first_valid_date{-25567};
inline constexpr Date last_valid_date{84005};

/// The date of a civil year, month (1 to 12) and day of month (1 to 31). Throws DataError where there is no such day.
[[nodiscard]] Date make_date(int year, int month, int day);
/// "YYYY-MM-DD".
[[nodiscard]] std::string to_string(Date date);
/// Parses exactly "YYYY-MM-DD". Throws DataError otherwise, or outside first_valid_date..last_valid_date.
[[nodiscard]] Date parse_iso_date(std::string_view text);

/// The period of a model: a day, exactly seven days, a calendar month, or a calendar year (twelve calendar months).
enum class PeriodUnit : std::uint8_t { day, week, month, year };
/// Mean length of a period in sixteenths of a day, a whole number: a year is 365.25 days, a month a twelfth of it.
[[nodiscard]] std::int64_t mean_length(PeriodUnit unit);
inline constexpr std::int64_t sixteenths_a_day = 16;
[[nodiscard]] std::string_view name_of(PeriodUnit unit);
/// Throws ConfigError for anything but "day", "week", "month", "year".
[[nodiscard]] PeriodUnit parse_period_unit(std::string_view text);

/// Numbers the periods around the end of observation.
///
/// Future period k = 1, 2, ... is the days (end(k-1), end(k)], where end(0) is the last day of observation: period 1
/// starts the day after it. Past period j = 0, 1, ... is (end(-j-1), end(-j)]: period 0 ends on the last day of
/// observation. A month is a calendar month: end(k) is the same day of the month k months later, or the month's last
/// day where there is no such day; when observation ends on the last day of a month every end(k) is the last of its
/// month.
class PeriodGrid {
 public:
  PeriodGrid(Date observation_end, PeriodUnit unit) : observation_end_(observation_end), unit_(unit) {}

  [[nodiscard]] Date observation_end() const { return observation_end_; }
  [[nodiscard]] PeriodUnit unit() const { return unit_; }
  /// Last day of future period k (k >= 1), of observation (k = 0), or of past period -k (k < 0).
  [[nodiscard]] Date end(int k) const;
  /// The k with end(k-1) < day <= end(k): at most 0 for a day of observation, at least 1 afterwards.
  [[nodiscard]] int index_of(Date day) const;
  /// Past period of a day of observation: 0 for the latest. Precondition: day <= observation_end().
  [[nodiscard]] int periods_ago(Date day) const { return -index_of(day); }

 private:
  Date observation_end_;
  PeriodUnit unit_;
};

}  // namespace clvsim
