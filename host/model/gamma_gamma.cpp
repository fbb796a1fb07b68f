#include <clvsim/gamma_gamma.hpp>

#include "host/math/special.hpp"

#include <array>
#include <limits>

namespace clvsim {

// Fader & Hardie 2013, "The Gamma-Gamma model of monetary value", equation 1a.
double GammaGamma::log_likelihood(std::span<const SpendHistory> histories, std::span<double> gradient) const {
  const double log_gamma_ = portable_log(gamma), log_gamma_q = log_gamma(q), digamma_q = digamma(q);
  CompensatedSum sum;
  std::array<double, 3> slope{};
  for (const SpendHistory& h : histories) {
    const double x = h.x, shape = p * x, total = x * h.mean;
    const double log_mean = portable_log(h.mean), log_total = portable_log(total),
                 log_scale = portable_log(gamma + total);
    sum.add(h.weight * (log_gamma_ratio(shape, q) - log_gamma_q + q * log_gamma_ - log_mean + shape * log_total -
                        (shape + q) * log_scale));
    if (gradient.empty()) continue;
    const double by_shape = digamma(shape + q);
    slope[0] += h.weight * x * (by_shape - digamma(shape) + log_total - log_scale);
    slope[1] += h.weight * (by_shape - digamma_q + log_gamma_ - log_scale);
    slope[2] += h.weight * (q / gamma - (shape + q) / (gamma + total));
  }
  if (!gradient.empty()) {
    gradient[0] = slope[0] * p;
    gradient[1] = slope[1] * q;
    gradient[2] = slope[2] * gamma;
  }
  return sum.value();
}

double GammaGamma::expected_spend(std::int32_t x, double mean) const {
  const double shape = p * x + q;
  if (shape <= 1) return std::numeric_limits<double>::infinity();
  const double total = x == 0 ? 0 : x * mean;  // without a purchase there is no mean
  return p * (gamma + total) / (shape - 1);
}

}  // namespace clvsim
