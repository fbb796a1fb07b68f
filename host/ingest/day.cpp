#include "host/ingest/fields.hpp"

#include <array>

namespace clvsim {
namespace {

constexpr int minutes_a_day = 24 * 60;
constexpr int max_offset_hours = 18;
constexpr int first_year = 1900, last_year = 2199;

bool digit(char c) { return c >= '0' && c <= '9'; }

// Days since 1970-01-01 of a civil day (Hinnant, "chrono-compatible low-level date algorithms", days_from_civil).
constexpr std::int32_t days_of(int year, int month, int day) {
  year -= month <= 2 ? 1 : 0;
  const int era = year / 400, year_of_era = year - era * 400;
  const int day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
  const int day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146097 + day_of_era - 719468;
}
static_assert(days_of(1900, 1, 1) == first_valid_date.days && days_of(2199, 12, 31) == last_valid_date.days);

constexpr int months_a_year = 12;

// The first day of every month from January of the first year to the January after the last.
constexpr auto month_starts = [] {
  std::array<std::int32_t, (last_year - first_year + 1) * months_a_year + 1> starts{};
  for (std::size_t i = 0; i < starts.size(); ++i)
    starts[i] = days_of(first_year + static_cast<int>(i) / months_a_year, static_cast<int>(i) % months_a_year + 1, 1);
  return starts;
}();

// Takes up to `most` digits from the front; the number of digits taken.
int take_number(std::string_view& text, int most, int& value) {
  value = 0;
  int n = 0;
  for (; n < most && !text.empty() && digit(text.front()); ++n, text.remove_prefix(1))
    value = 10 * value + (text.front() - '0');
  return n;
}

struct DateParts {
  int first = 0, second = 0, third = 0;  // in the order written
  bool year_first = false;
  char separator = 0;  // 0: YYYYMMDD
};

// Takes the date from the front of `text`.
Reject take_date(std::string_view& text, DateParts& parts) {
  int n = take_number(text, 8, parts.first);
  if (n == 8) {
    parts = {parts.first / 10000, parts.first / 100 % 100, parts.first % 100, true, 0};
    return Reject::none;
  }
  if (text.empty() || (n != 1 && n != 2 && n != 4)) return Reject::no_date;
  parts.separator = text.front();
  if (parts.separator != '-' && parts.separator != '/' && parts.separator != '.') return Reject::no_date;
  text.remove_prefix(1);
  parts.year_first = n == 4;
  n = take_number(text, 2, parts.second);
  if (n == 0 || text.empty() || text.front() != parts.separator) return Reject::no_date;
  text.remove_prefix(1);
  n = take_number(text, parts.year_first ? 2 : 4, parts.third);
  if (parts.year_first) return n == 0 ? Reject::no_date : Reject::none;
  if (n == 2) return Reject::two_digit_year;
  return n == 4 ? Reject::none : Reject::no_date;
}

// Parses what follows the date: nothing, or a time and perhaps an offset. `shift` is the days to add for the UTC day.
Reject parse_time(std::string_view text, int& shift) {
  shift = 0;
  if (text.empty()) return Reject::none;
  if (text.front() != 'T' && text.front() != 't' && text.front() != ' ') return Reject::no_date;
  text.remove_prefix(1);
  text = trimmed(text);
  int hour = 0, minute = 0, second = 0;
  const auto two = [&](int& value) { return take_number(text, 2, value) == 2; };
  if (take_number(text, 2, hour) == 0 || text.empty() || text.front() != ':') return Reject::no_such_time;
  text.remove_prefix(1);
  if (!two(minute)) return Reject::no_such_time;
  if (!text.empty() && text.front() == ':') {
    text.remove_prefix(1);
    if (!two(second)) return Reject::no_such_time;
    if (!text.empty() && (text.front() == '.' || text.front() == ',')) {
      text.remove_prefix(1);
      std::size_t n = 0;
      for (; !text.empty() && digit(text.front()); ++n) text.remove_prefix(1);
      if (n == 0) return Reject::no_such_time;
    }
  }
  if (hour > 23 || minute > 59 || second > 60) return Reject::no_such_time;
  text = trimmed(text);
  if (text.empty() || text == "Z" || text == "z" || text == "UTC") return Reject::none;
  if (text.front() != '+' && text.front() != '-') return Reject::no_such_time;
  const bool west = text.front() == '-';
  text.remove_prefix(1);
  int hours = 0, minutes = 0;
  if (!two(hours)) return Reject::no_such_time;
  if (!text.empty() && text.front() == ':') {
    text.remove_prefix(1);
    if (text.empty()) return Reject::no_such_time;
  }
  if ((!text.empty() && !two(minutes)) || !text.empty() || hours > max_offset_hours || minutes > 59)
    return Reject::no_such_time;
  const int offset = (west ? -1 : 1) * (60 * hours + minutes);
  const int utc_minutes = 60 * hour + minute - offset;
  shift = utc_minutes < 0 ? -1 : utc_minutes >= minutes_a_day ? 1 : 0;
  return Reject::none;
}

Reject to_days(int year, int month, int day, std::int32_t& days) {
  constexpr int longest_month = 31;
  if (month < 1 || month > months_a_year || day < 1 || day > longest_month) return Reject::no_such_day;
  if (year < first_year || year > last_year) return Reject::outside_years;
  const auto at = static_cast<std::size_t>((year - first_year) * months_a_year + month - 1);
  days = month_starts[at] + day - 1;
  return days < month_starts[at + 1] ? Reject::none : Reject::no_such_day;
}

}  // namespace

Reject parse_day(std::string_view text, const DateFormat& format, std::int32_t& days) {
  // The common case: YYYY-MM-DD and nothing else.
  if (text.size() == 10 && text[4] == '-' && text[7] == '-') {
    unsigned bad = 0;
    const auto value = [&](std::size_t i) {
      const unsigned d = static_cast<unsigned char>(text[i]) - static_cast<unsigned>('0');
      bad |= d > 9 ? 1u : 0u;
      return static_cast<int>(d);
    };
    const int year = 1000 * value(0) + 100 * value(1) + 10 * value(2) + value(3);
    const int month = 10 * value(5) + value(6), day = 10 * value(8) + value(9);
    if (bad == 0) return to_days(year, month, day, days);
  }
  text = trimmed(text);
  if (text.empty()) return Reject::empty;
  DateParts parts;
  if (const Reject reason = take_date(text, parts); reason != Reject::none) return reason;
  int shift = 0;
  if (const Reject reason = parse_time(text, shift); reason != Reject::none) return reason;
  int year = parts.first, month = parts.second, day = parts.third;
  if (!parts.year_first) {
    year = parts.third;
    if (format.order == DateOrder::ymd) return Reject::other_order;
    const bool day_first = format.order == DateOrder::dmy;
    if (!day_first && parts.separator == '.' && !format.order_given) return Reject::other_order;
    day = day_first ? parts.first : parts.second;
    month = day_first ? parts.second : parts.first;
    if (month > 12 && day >= 1 && day <= 12) return Reject::other_order;
  }
  if (const Reject reason = to_days(year, month, day, days); reason != Reject::none) return reason;
  if (format.utc) days += shift;
  return days < first_valid_date.days || days > last_valid_date.days ? Reject::outside_years : Reject::none;
}

OrderEvidence order_evidence(std::string_view text) {
  text = trimmed(text);
  DateParts parts;
  int shift = 0;
  if (text.empty() || take_date(text, parts) != Reject::none || parse_time(text, shift) != Reject::none)
    return OrderEvidence::none;
  if (parts.year_first) return OrderEvidence::year_first;
  if (parts.first == 0 || parts.second == 0 || (parts.first > 12 && parts.second > 12)) return OrderEvidence::none;
  if (parts.separator == '.') return parts.second > 12 ? OrderEvidence::month_first : OrderEvidence::day_first;
  if (parts.first > 12) return OrderEvidence::day_first;
  if (parts.second > 12) return OrderEvidence::month_first;
  return OrderEvidence::either;
}

}  // namespace clvsim
