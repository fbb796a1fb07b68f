// The elementary functions of kernels/math/elementary.hpp for one double, with a prefix that no lookup mixes up with
// libm; uniforms and normals from random words; and fixed-point numbers. The same bits on every machine.
#pragma once

#include "kernels/math/doubles.hpp"
#include "kernels/math/elementary.hpp"
#include "kernels/portability.hpp"

#include <cstdint>

namespace clvsim::kernels {

inline constexpr double two_to_minus_32 = 1.0 / 4294967296.0;

// A uniform in (0, 1) from a random word: (k + 1/2) 2^-32, exact.
constexpr CLVSIM_HD double uniform(std::uint32_t k) { return (static_cast<double>(k) + 0.5) * two_to_minus_32; }

// Natural logarithm, below 0.9 ulp. -inf for 0, NaN for negative x and NaN, inf for inf.
inline CLVSIM_HD double portable_log(double x) { return elementary::log<ScalarDoubles>(x); }

// ln(1 + x), below 1 ulp. -inf for -1, NaN below and for NaN, inf for inf.
inline CLVSIM_HD double portable_log1p(double x) { return elementary::log1p<ScalarDoubles>(x); }

// Exponential function, below 0.95 ulp. inf above 709.78, 0 below -745.13.
inline CLVSIM_HD double portable_exp(double x) { return elementary::exp<ScalarDoubles>(x); }

// Square root, correctly rounded on the host and on the device.
inline CLVSIM_HD double square_root(double x) { return ScalarDoubles::square_root(x); }

// The normal quantile of p, 2^-53 <= p <= 1 - 2^-53, relative error below 1.2e-15.
inline CLVSIM_HD double normal_quantile(double p) {
  return elementary::normal_of<ScalarDoubles, elementary::NormalRatio52>(p - 0.5, 4.0 * p * (1.0 - p));
}

// A standard normal from a random word, within +-6.34.
inline CLVSIM_HD double normal(std::uint32_t k) { return elementary::normal_32<ScalarDoubles>(k); }

// The largest magnitude of a fixed-point number of the engine; what lies beyond saturates and is counted.
inline constexpr std::int64_t fixed_limit = std::int64_t{1} << 62;

// Nearest integer, halves away from zero, whatever the rounding mode; beyond +-fixed_limit, and for NaN, the limit.
constexpr CLVSIM_HD std::int64_t round_to_fixed(double x) {
  constexpr double limit = 4611686018427387904.0;
  if (!(x < limit)) return fixed_limit;
  if (x <= -limit) return -fixed_limit;
  const auto whole = static_cast<std::int64_t>(x);
  const double rest = x - static_cast<double>(whole);
  if (rest >= 0.5) return whole + 1;
  if (rest <= -0.5) return whole - 1;
  return whole;
}

// Nearest integer of x in [0, 2^52), halves to the even one: 2^52 + x has no fraction bits.
constexpr CLVSIM_HD_INLINE std::uint64_t rounded_52_bits(double x) {
  constexpr double two_to_52 = 4503599627370496.0;
  return bits_of(x + two_to_52) - bits_of(two_to_52);
}

// |a - b|.
constexpr CLVSIM_HD std::uint64_t distance(std::int64_t a, std::int64_t b) {
  return a > b ? static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b)
               : static_cast<std::uint64_t>(b) - static_cast<std::uint64_t>(a);
}

// a + b of numbers within +-fixed_limit, cut off there.
constexpr CLVSIM_HD std::int64_t add_fixed(std::int64_t a, std::int64_t b) {
  if (a > 0 && b > fixed_limit - a) return fixed_limit;
  if (a < 0 && b < -fixed_limit - a) return -fixed_limit;
  return a + b;
}

// Whether a rounded number is at the limit, that is, may have been cut off.
constexpr CLVSIM_HD bool saturated(std::int64_t fixed) { return fixed >= fixed_limit || fixed <= -fixed_limit; }

}  // namespace clvsim::kernels
