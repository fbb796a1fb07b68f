// A log of customers who buy and leave as a (M)BG/CNBD-k model says, as CSV. The random numbers are std's.
#pragma once

#include <clvsim/calendar.hpp>

#include <fmt/format.h>

#include <cstdint>
#include <random>
#include <string>

namespace clvsim::test {

struct DrawnLog {
  std::string csv;              // customer_id,date,amount
  std::int64_t later_days = 0;  // with a purchase after the end of calibration, of customers before it
};

struct DrawnLogOptions {
  int n_customers = 2000;
  int regularity = 1;          // k
  bool after_first = true;     // may leave after the first purchase already
  double r = 0.8, alpha = 10;  // of rates a week
  double a = 0.7, b = 2.5;     // of drop-out
  double later_rate = 1;       // factor of the rates after the calibration
  int first_weeks = 12, calibration_weeks = 52, holdout_weeks = 26;
  std::uint64_t seed = 20261126;
};

inline constexpr Date drawn_log_begin{19723};  // 2024-01-01
inline Date calibration_end(const DrawnLogOptions& o) { return {drawn_log_begin.days + 7 * o.calibration_weeks - 1}; }
inline Date log_end(const DrawnLogOptions& o) { return {calibration_end(o).days + 7 * o.holdout_weeks}; }

inline DrawnLog drawn_log(const DrawnLogOptions& o) {
  std::mt19937_64 random(o.seed);
  const auto gamma = [&](double shape, double rate) {
    return std::gamma_distribution<double>(shape, 1 / rate)(random);
  };
  const auto uniform = [&] { return std::uniform_real_distribution<double>()(random); };
  DrawnLog log{"customer_id,date,amount\n", 0};
  const int end = log_end(o).days, cut = calibration_end(o).days;
  for (int i = 0; i < o.n_customers; ++i) {
    const double rate = gamma(o.r, o.alpha) * o.regularity, x = gamma(o.a, 1), drops = x / (x + gamma(o.b, 1));
    const double level = 3 * 20 / gamma(4, 1);  // of amounts
    double time = drawn_log_begin.days + 7 * o.first_weeks * uniform();
    int before = 0;
    for (bool first = true; static_cast<int>(time) <= end; first = false) {
      const int day = static_cast<int>(time);
      if (day != before) {
        log.csv += fmt::format("c{:06d},{},{:.2f}\n", i, to_string(Date{day}), 0.01 + level * gamma(5, 5));
        if (!first && day > cut) ++log.later_days;
      }
      before = day;
      if ((!first || o.after_first) && uniform() < drops) break;
      const double weeks = gamma(o.regularity, rate);
      time += 7 * weeks;
      if (time > cut + 1 && o.later_rate != 1) {  // what lies after the cut passes faster
        const double from = std::max(time - 7 * weeks, cut + 1.0);
        time = from + (time - from) / o.later_rate;
      }
    }
  }
  // The log is known to its end.
  log.csv += fmt::format("last,{},1.00\n", to_string(Date{end}));
  return log;
}

}  // namespace clvsim::test
