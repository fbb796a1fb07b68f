// Draws of exponential, gamma and beta variates, the latter two as logarithms: a gamma variate of shape 0.02 underflows
// to 0 in an eighth of all single-precision draws, its logarithm never does. The same bits on every machine.
//
// A source of draws is anything that gives the four random words of a DrawIndex (PathDraws, kernels/rng/address.hpp).
// The attempt of a rejection loop is part of the index: how often one draw was rejected shifts no other. Loops end
// after max_attempts; a draw that none of them gave, one in 10^40, adds 1 to `n_exhausted` and is the middle of its
// law. So does one of parameters outside the law's domain, whose value means nothing. Callers must not use results
// where it is not 0.
#pragma once

#include "kernels/math/elementary.hpp"
#include "kernels/rng/address.hpp"

#include <cstdint>
#include <limits>

namespace clvsim::kernels {

inline constexpr std::uint32_t max_attempts = 32;

// The first 52 bits of two words, and the other 12.
constexpr CLVSIM_HD_INLINE std::uint64_t upper_52_bits(std::uint32_t low, std::uint32_t high) {
  return (std::uint64_t{high} << 32 | low) >> 12;
}
constexpr CLVSIM_HD_INLINE std::uint32_t lower_12_bits(std::uint32_t low) { return low & 0xFFF; }

namespace elementary {

// (k + 1/2) 2^-bits, exact, k below 2^bits, bits up to 52: in (0, 1).
template <class D, int bits>
CLVSIM_HD_INLINE typename D::Doubles uniform_of_bits(typename D::Register k) {
  constexpr double unit = 1.0 / static_cast<double>(std::int64_t{1} << bits);
  return D::multiply(D::add(D::from_52_bits(k), D::splat_double(0.5)), D::splat_double(unit));
}

// A standard exponential from 52 random bits: from 1.1e-16 to 36.8, decreasing in k.
template <class D>
CLVSIM_HD_INLINE typename D::Doubles exponential_52(typename D::Register k) {
  return D::subtract(D::splat_double(0), log_of_normal<D>(uniform_of_bits<D, 52>(k)));
}

}  // namespace elementary

// A standard exponential from the first two words of a block: the budget of hazards that a path can survive.
CLVSIM_HD_INLINE double exponential(const Words& words) {
  return elementary::exponential_52<ScalarDoubles>(upper_52_bits(words.x, words.y));
}

// The logarithm of Gamma(shape), rate 1 (density proportional to x^(shape - 1) e^-x), by Marsaglia & Tsang (2000, "A
// simple method for generating gamma variables", ACM TOMS 26): with d = shape - 1/3 and c = 1 / sqrt(9 d), a normal x
// is made d (1 + c x)^3 and accepted with probability e^h,
//
//   h = x^2 / 2 + d - d v + d log v,  v = (1 + c x)^3,
//
// computed with t = c x as d (3 (log1p(t) - t) + t^2 (3/2 - t)), whose terms are small where h is. Since 1 + h <= e^h,
// most draws are settled without the logarithm of the uniform. Below shape 1 a draw of shape + 1 is multiplied by
// U^(1 / shape). 1.00 to 1.06 attempts a draw, a block of words each: 52 bits of them the normal, 32 the acceptance,
// 44 U.
//
// shape: 1e-300 to 2^50, where h is still exact to 1e-8.
struct LogGammaSampler {
  double d = 0, c = 0, log_d = 0;
  double inverse_shape = 0;  // below shape 1; else 0

  LogGammaSampler() = default;
  explicit CLVSIM_HD LogGammaSampler(double shape) {
    constexpr double largest = 1125899906842624.0;
    const bool allowed = shape >= 1e-300 && shape <= largest;
    const double at_least_1 = shape < 1 ? shape + 1 : shape;
    d = allowed ? at_least_1 - 1.0 / 3 : std::numeric_limits<double>::quiet_NaN();  // NaN: nothing is accepted
    c = 1 / ScalarDoubles::square_root(9 * d);
    log_d = elementary::log<ScalarDoubles>(d);
    inverse_shape = shape < 1 ? 1 / shape : 0;
  }

  template <class Draws>
  [[nodiscard]] CLVSIM_HD double operator()(const Draws& draws, DrawIndex index, std::uint32_t& n_exhausted) const;

  // Where every attempt was rejected.
  [[nodiscard]] CLVSIM_HD_INLINE double fallback() const { return log_d - inverse_shape; }
};

// What one block of words proposes.
template <class D>
struct LogGammaProposal {
  typename D::Doubles value;    // accepted where uniform < 1 + h or log(uniform) < h
  typename D::Doubles uniform;  // in (0, 1)
  typename D::Doubles h;        // -inf where nothing accepts
};

// From 52 random bits, 32 and 44.
template <class D>
CLVSIM_HD_INLINE LogGammaProposal<D> propose_log_gamma(const LogGammaSampler& law, typename D::Register normal_bits,
                                                       typename D::Register accept_bits,
                                                       typename D::Register power_bits) {
  using namespace elementary;
  const auto t = D::multiply(normal_52<D>(normal_bits), D::splat_double(law.c));
  const auto log_1_plus_t = log1p_of_normal<D>(t);
  const auto small = D::subtract(D::splat_double(1.5), t);
  const auto bracket = D::fma(D::subtract(log_1_plus_t, t), D::splat_double(3), D::multiply(D::multiply(t, t), small));
  const auto h = D::select(D::less(D::splat_double(-1), t), D::multiply(bracket, D::splat_double(law.d)),
                           D::splat_double(-infinity));
  auto value = D::fma(log_1_plus_t, D::splat_double(3), D::splat_double(law.log_d));
  if (law.inverse_shape != 0) {
    const auto log_u = log_of_normal<D>(uniform_of_bits<D, 44>(power_bits));
    value = D::fma(log_u, D::splat_double(law.inverse_shape), value);
  }
  return {value, uniform_of_bits<D, 32>(accept_bits), h};
}

template <class Draws>
CLVSIM_HD double LogGammaSampler::operator()(const Draws& draws, DrawIndex index, std::uint32_t& n_exhausted) const {
  for (std::uint32_t attempt = 0; attempt < max_attempts; ++attempt) {
    index.attempt = static_cast<std::uint8_t>(attempt);
    const Words words = draws(index);
    const auto proposal = propose_log_gamma<ScalarDoubles>(*this, upper_52_bits(words.x, words.y), words.z,
                                                           std::uint64_t{words.w} << 12 | lower_12_bits(words.x));
    if (proposal.uniform < 1 + proposal.h || elementary::log_of_normal<ScalarDoubles>(proposal.uniform) < proposal.h) {
      return proposal.value;
    }
  }
  ++n_exhausted;
  return fallback();
}

// log p and log(1 - p) of a p: neither loses digits where p is near 0 or 1, where p itself would. -log(1 - p) is the
// hazard of a trial that ends something with probability p.
struct LogProbabilities {
  double log_p = 0, log_1_minus_p = 0;
};

// p of Beta(a, b), from two gamma variates, G_a / (G_a + G_b). a, b: as a LogGammaSampler's shape. Takes two blocks:
// the index's and the next.
struct LogBetaSampler {
  LogGammaSampler a, b;

  LogBetaSampler() = default;
  CLVSIM_HD LogBetaSampler(double shape_a, double shape_b) : a(shape_a), b(shape_b) {}

  template <class Draws>
  [[nodiscard]] CLVSIM_HD LogProbabilities operator()(const Draws& draws, DrawIndex index,
                                                      std::uint32_t& n_exhausted) const {
    DrawIndex next = index;
    ++next.block;
    const double logit = a(draws, index, n_exhausted) - b(draws, next, n_exhausted);
    return {-elementary::softplus<ScalarDoubles>(-logit), -elementary::softplus<ScalarDoubles>(logit)};
  }
};

}  // namespace clvsim::kernels
