#include <clvsim/log_normal.hpp>

#include "host/math/special.hpp"

#include <cmath>

namespace clvsim {

// Of x purchases the mean logarithm is N(ln median, between^2 + within^2 / x), and their squared deviations from it are
// within^2 chi-squared of x - 1, independent of it. The amounts' density has 1 / z for every amount.
double LogNormalSpend::log_likelihood(std::span<const SpendHistory> histories, std::span<double> gradient) const {
  constexpr double log_2_pi = 1.8378770664093454836;
  const double centre = portable_log(median), between = between_sd * between_sd, within = within_sd * within_sd;
  const double log_within = portable_log(within_sd);
  CompensatedSum sum;
  double slope[3] = {};
  std::int32_t known = -1;
  double log_spread = 0;
  for (const SpendHistory& h : histories) {
    const double x = h.x, spread = within + x * between, away = h.log_mean - centre;
    if (h.x != known) log_spread = portable_log(spread);
    known = h.x;
    sum.add(h.weight * (-0.5 * x * log_2_pi - (x - 1) * log_within - 0.5 * log_spread -
                        0.5 * (h.log_squares / within + x * away * away / spread) - x * h.log_mean));
    if (gradient.empty()) continue;
    const double of_spread = 1 / spread - x * away * away / (spread * spread);  // minus twice the slope by spread
    slope[0] += h.weight * x * away / spread;
    slope[1] -= h.weight * x * between * of_spread;
    slope[2] += h.weight * (h.log_squares / within - (x - 1) - within * of_spread);
  }
  for (std::size_t i = 0; i < gradient.size(); ++i) gradient[i] = slope[i];
  return sum.value();
}

LogNormalSpend::Level LogNormalSpend::level(const SpendHistory& history) const {
  const double precision = 1 / (between_sd * between_sd), own = history.x / (within_sd * within_sd);
  const double log_mean = history.x > 0 ? history.log_mean : 0;
  return {(precision * portable_log(median) + own * log_mean) / (precision + own), 1 / std::sqrt(precision + own)};
}

double LogNormalSpend::expected_spend(const SpendHistory& history) const {
  const Level own = level(history);
  return portable_exp(own.mean + 0.5 * (own.sd * own.sd + within_sd * within_sd));
}

}  // namespace clvsim
