// Draws of Poisson and binomial counts: by inversion where the mean is small, else by transformed rejection with
// squeeze (Hoermann 1993, "The transformed rejection method for generating Poisson random variables", Insurance:
// Mathematics and Economics 12, and "The generation of binomial random variates", J. Statist. Comput. Simul. 46: PTRS
// and BTRS). The same bits on every machine. Sources of draws, bounded loops and `n_exhausted` are those of
// kernels/math/gamma_draws.hpp.
//
// Acceptance needs log P(k), formed from the deviance of k (Loader 2000, "Fast and accurate computation of binomial
// probabilities") and never as a difference of log-gammas, whose rounding grows with the mean: of k log k - log k! it
// leaves 1e-6 at 10^9, and nothing at 10^16.
#pragma once

#include "kernels/math/gamma_draws.hpp"
#include "kernels/math/log_gamma.hpp"

#include <cstdint>
#include <limits>

namespace clvsim::kernels {

inline constexpr double smallest_rejection_mean = 10;        // below, inversion
inline constexpr double largest_count = 1125899906842624.0;  // 2^50: of means and of n

// log P(N = k) of a Poisson variate, k a whole number below 2^52, mean > 0: k (log1p(r) - r) - log(2 pi k) / 2 - S(k),
// r = (mean - k) / k; within 1e-15 (10 + sqrt(mean) + |log P|).
CLVSIM_HD inline double log_poisson(double k, double mean) {
  using namespace elementary;
  constexpr double two_pi = 6.28318530717958647692;
  if (k == 0) return -mean;
  const double r = (mean - k) / k;
  return k * (log1p<ScalarDoubles>(r) - r) - 0.5 * log_of_normal<ScalarDoubles>(two_pi * k) -
         stirling_rest<ScalarDoubles>(k);
}

// The smallest k of which u <= p_0 + ... + p_k, from p_0 and ratio(k) = p_k / p_(k - 1): it increases with u. It ends
// where what is left of the law is below 2^-60, before max_terms for every mean below smallest_rejection_mean.
template <class Ratio>
CLVSIM_HD_INLINE std::uint64_t invert(double u, double p_0, double mean, Ratio ratio) {
  constexpr double smallest_term = 8.673617379884035e-19;  // 2^-60
  constexpr std::uint32_t max_terms = 64;
  double p = p_0;
  std::uint32_t k = 0;
  while (u > p && k < max_terms) {
    u -= p;
    p *= ratio(static_cast<double>(k + 1));
    if (p < smallest_term && static_cast<double>(k) >= mean) break;
    ++k;
  }
  return k;
}

// What the rejection of a law needs beside its log-probability. U uniform in (-1/2, 1/2) proposes k = floor((2 a / s +
// b) U + centre), s = 1/2 - |U|, which a second uniform V accepts where V scale / (a / s^2 + b) <= P(k); without
// looking at P(k) where s >= 0.07 and V <= squeeze: most draws.
struct RejectionHat {
  double a = 0, b = 0, centre = 0, scale = 0, squeeze = 0;

  // log_p(k), k = 0 ... most; fallback: where every attempt was rejected.
  template <class Draws, class LogProbability>
  [[nodiscard]] CLVSIM_HD_INLINE std::uint64_t draw(const Draws& draws, DrawIndex index, double most,
                                                    LogProbability log_p, std::uint64_t fallback,
                                                    std::uint32_t& n_exhausted) const {
    using namespace elementary;
    for (std::uint32_t attempt = 0; attempt < max_attempts; ++attempt) {
      index.attempt = static_cast<std::uint8_t>(attempt);
      const Words words = draws(index);
      const double u = uniform_of_bits<ScalarDoubles, 52>(upper_52_bits(words.x, words.y)) - 0.5;
      const double v = uniform_of_bits<ScalarDoubles, 52>(upper_52_bits(words.z, words.w));
      const double s = 0.5 - (u < 0 ? -u : u);
      const double x = (2 * a / s + b) * u + centre;
      if (!(x >= 0 && x < most + 1)) continue;
      const auto k = static_cast<std::uint64_t>(x);
      if (s >= 0.07 && v <= squeeze) return k;
      if (log_of_normal<ScalarDoubles>(v * scale / (a / (s * s) + b)) <= log_p(static_cast<double>(k))) return k;
    }
    ++n_exhausted;
    return fallback;
  }
};

// The first uniform of an index.
template <class Draws>
CLVSIM_HD_INLINE double first_uniform(const Draws& draws, DrawIndex index) {
  const Words words = draws(index);
  return elementary::uniform_of_bits<ScalarDoubles, 52>(upper_52_bits(words.x, words.y));
}

// Poisson(mean), mean from 0 to 2^50; increases with its uniform where the mean is below 10. 1 to 1.4 blocks of words a
// draw.
struct PoissonSampler {
  double mean = 0;
  double p_0 = 1;    // below smallest_rejection_mean
  RejectionHat hat;  // from there on

  PoissonSampler() = default;
  explicit CLVSIM_HD PoissonSampler(double mean_count) : mean(mean_count) {
    if (!(mean >= 0 && mean <= largest_count)) mean = std::numeric_limits<double>::quiet_NaN();
    if (mean < smallest_rejection_mean) {
      p_0 = elementary::exp<ScalarDoubles>(-mean);
      return;
    }
    hat.b = 0.931 + 2.53 * ScalarDoubles::square_root(mean);
    hat.a = -0.059 + 0.02483 * hat.b;
    hat.centre = mean + 0.43;
    hat.scale = 1.1239 + 1.1328 / (hat.b - 3.4);
    hat.squeeze = 0.9277 - 3.6224 / (hat.b - 2);
  }

  template <class Draws>
  [[nodiscard]] CLVSIM_HD std::uint64_t operator()(const Draws& draws, DrawIndex index,
                                                   std::uint32_t& n_exhausted) const {
    if (mean < smallest_rejection_mean) {
      const double m = mean;
      return invert(first_uniform(draws, index), p_0, m, [m](double k) { return m / k; });
    }
    const double m = mean;
    const std::uint64_t middle = mean >= 0 ? static_cast<std::uint64_t>(mean) : 0;
    return hat.draw(
        draws, index, 2 * largest_count, [m](double k) { return log_poisson(k, m); }, middle, n_exhausted);
  }
};

// Binomial(n, p), n up to 2^50, p from 0 to 1; increases with its uniform where n p < 10, decreases where n (1 - p) <
// 10. 1 to 1.5 blocks of words a draw. P(k) = Po(k; n p) Po(n - k; n (1 - p)) / Po(n; n), Po of Poisson laws.
struct BinomialSampler {
  double n = 0, p = 0;                           // p at most 1/2
  double mean_successes = 0, mean_failures = 0;  // n p, n (1 - p)
  double p_0 = 1;                                // below smallest_rejection_mean
  RejectionHat hat;                              // from there on, relative to the most probable count
  std::uint64_t mode = 0;
  double log_mode = 0;           // log of P(mode) Po(n; n)
  bool counts_failures = false;  // of the p that was asked for

  BinomialSampler() = default;
  CLVSIM_HD BinomialSampler(std::uint64_t n_trials, double probability) : n(static_cast<double>(n_trials)) {
    counts_failures = probability > 0.5;
    p = counts_failures ? 1 - probability : probability;
    if (!(p >= 0 && n <= largest_count)) p = std::numeric_limits<double>::quiet_NaN();
    mean_successes = n * p;
    mean_failures = n * (1 - p);
    if (mean_successes < smallest_rejection_mean) {
      p_0 = elementary::exp<ScalarDoubles>(n * elementary::log1p<ScalarDoubles>(-p));
      return;
    }
    const double sd = ScalarDoubles::square_root(mean_successes * (1 - p));
    hat.b = 1.15 + 2.53 * sd;
    hat.a = -0.0873 + 0.0248 * hat.b + 0.01 * p;
    hat.centre = mean_successes + 0.5;
    hat.scale = (2.83 + 5.1 / hat.b) * sd;
    hat.squeeze = 0.92 - 4.2 / hat.b;
    if (p >= 0) mode = static_cast<std::uint64_t>(mean_successes + p);
    log_mode = log_of(static_cast<double>(mode));
  }

  template <class Draws>
  [[nodiscard]] CLVSIM_HD std::uint64_t operator()(const Draws& draws, DrawIndex index,
                                                   std::uint32_t& n_exhausted) const {
    std::uint64_t count = 0;
    if (mean_successes < smallest_rejection_mean) {
      const double most = n, odds = p / (1 - p);
      count = invert(first_uniform(draws, index), p_0, mean_successes,
                     [most, odds](double k) { return (most + 1 - k) / k * odds; });
    } else {
      count = hat.draw(
          draws, index, n, [this](double k) { return log_of(k) - log_mode; }, mode, n_exhausted);
    }
    return counts_failures ? static_cast<std::uint64_t>(n) - count : count;
  }

 private:
  [[nodiscard]] CLVSIM_HD double log_of(double k) const {
    return log_poisson(k, mean_successes) + log_poisson(n - k, mean_failures);
  }
};

}  // namespace clvsim::kernels
