// Where a log is cut.
#include <clvsim/backtest.hpp>
#include <clvsim/error.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace clvsim {
namespace {

constexpr int parts_of_log = 3;  // one of them is the holdout

// Periods k = 1 ... n after the cut.
LogSplit split_at(Date cut, PeriodUnit unit, int n, std::string why) {
  LogSplit split{cut, {}, std::move(why)};
  const PeriodGrid grid(cut, unit);
  for (int k = 1; k <= n; ++k) split.period_end.push_back(grid.end(k));
  return split;
}

// The last n periods up to `end`: their last days are counted from there, so that the log reaches them all.
LogSplit split_before(Date end, PeriodUnit unit, int n, std::string why) {
  const PeriodGrid grid(end, unit);
  LogSplit split{grid.end(-n), {}, std::move(why)};
  for (int k = 1; k <= n; ++k) split.period_end.push_back(grid.end(k - n));
  return split;
}

// Whole periods after the cut that are over by `end`.
int periods_until(Date cut, Date end, PeriodUnit unit) {
  const PeriodGrid grid(cut, unit);
  const int k = grid.index_of(end);
  return grid.end(k) == end ? k : k - 1;
}

}  // namespace

LogSplit split_log(const StoreInfo& store, std::optional<Date> at, std::optional<int> horizon) {
  const Date end = std::max(store.last_day, store.observation_end);
  const std::string_view unit = name_of(store.unit);
  const std::string log = fmt::format("the log of {} to {}", to_string(store.first_day), to_string(end));
  if (horizon && *horizon < 1) throw ConfigError(fmt::format("a holdout of {} {}s; give at least 1", *horizon, unit));
  if (at) {
    const int most = *at < end ? periods_until(*at, end, store.unit) : 0;
    if (*at < store.first_day || most < 1)
      throw ConfigError(
          fmt::format("{} cannot be cut at {}: give a day in it that a whole {} follows", log, to_string(*at), unit));
    if (horizon && *horizon > most)
      throw ConfigError(fmt::format("{} has {} whole {}s after {}, not {}: give a shorter holdout, or cut it earlier",
                                    log, most, unit, to_string(*at), *horizon));
    return split_at(*at, store.unit, horizon.value_or(most), "as asked for");
  }
  if (horizon) {
    LogSplit split = split_before(end, store.unit, *horizon, "as asked for");
    if (split.calibration_end < store.first_day)
      throw ConfigError(
          fmt::format("{} has nothing before its last {} {}s: give a shorter holdout", log, *horizon, unit));
    return split;
  }
  if (const int n = periods_until(store.observation_end, end, store.unit); n >= 1)
    return split_at(store.observation_end, store.unit, n, "the store's end of observation");
  const int n = periods_until(Date{store.first_day.days - 1}, end, store.unit);
  if (n < 2) throw ConfigError(fmt::format("{} has {} whole {}s: too few to cut it", log, n, unit));
  return split_before(end, store.unit, std::max(1, n / parts_of_log), fmt::format("the last third of {} {}s", n, unit));
}

}  // namespace clvsim
