#include <clvsim/gamma_gamma.hpp>

#include "host/math/special.hpp"
#include "host/math/vector_math.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace clvsim {

// Fader & Hardie 2013, "The Gamma-Gamma model of monetary value", equation 1a.
double GammaGamma::log_likelihood(std::span<const SpendHistory> histories, std::span<double> gradient,
                                  std::span<double> each) const {
  constexpr std::size_t tile = 128;  // histories at once
  const double log_gamma_ = portable_log(gamma), log_gamma_q = log_gamma(q), digamma_q = digamma(q);
  VectorBuffer mean, total, scale, log_mean, log_total, log_scale;
  CompensatedSum sum;
  std::array<double, 3> slope{};
  std::int32_t known = -1;  // number of purchases whose functions these are
  double ratio = 0, of_sum = 0, of_shape = 0;
  for (std::size_t first = 0; first < histories.size(); first += tile) {
    const auto some = histories.subspan(first, std::min(tile, histories.size() - first));
    for (VectorBuffer* buffer : {&mean, &total, &scale}) buffer->resize(some.size());
    for (std::size_t i = 0; i < some.size(); ++i) {
      mean[i] = some[i].mean;
      total[i] = some[i].x * some[i].mean;
      scale[i] = gamma + total[i];
    }
    log_mean.be_log_of(mean);
    log_total.be_log_of(total);
    log_scale.be_log_of(scale);
    for (std::size_t i = 0; i < some.size(); ++i) {
      const SpendHistory& h = some[i];
      const double x = h.x, shape = p * x;
      if (h.x != known) {
        known = h.x;
        ratio = log_gamma_ratio(shape, q);
        of_sum = digamma(shape + q);
        of_shape = digamma(shape);
      }
      const double value =
          ratio - log_gamma_q + q * log_gamma_ - log_mean[i] + shape * log_total[i] - (shape + q) * log_scale[i];
      sum.add(h.weight * value);
      if (!each.empty()) each[first + i] = value;
      if (gradient.empty()) continue;
      slope[0] += h.weight * x * (of_sum - of_shape + log_total[i] - log_scale[i]);
      slope[1] += h.weight * (of_sum - digamma_q + log_gamma_ - log_scale[i]);
      slope[2] += h.weight * (q / gamma - (shape + q) / scale[i]);
    }
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
