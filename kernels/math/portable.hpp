// Elementary functions in double from +, -, *, / and sqrt alone: the same bits from every compiler and device, provided
// that nothing is contracted to a fused multiply-add (-ffp-contract=off, nvcc --fmad=false) and every operation rounds
// once (SSE2 or later, CUDA). No libm: its results differ between versions; hence the prefix, which no lookup mixes up.
//
// log and exp follow FDLIBM 5.3 (e_log.c, e_exp.c: Copyright (C) 1993 by Sun Microsystems, Inc. All rights reserved.
// Permission to use, copy, modify, and distribute this software is freely granted, provided that this notice is
// preserved), with the reduction of log centred on [sqrt(1/2), sqrt(2)).
#pragma once

#include "kernels/math/doubles.hpp"
#include "kernels/portability.hpp"

#include <cmath>
#include <cstdint>
#include <limits>

namespace clvsim::kernels {

inline constexpr double two_to_minus_32 = 1.0 / 4294967296.0;

// A uniform in (0, 1) from a random word: (k + 1/2) 2^-32, exact.
constexpr CLVSIM_HD double uniform(std::uint32_t k) { return (static_cast<double>(k) + 0.5) * two_to_minus_32; }

inline constexpr double ln2_high = 6.93147180369123816490e-01;  // 33 bits, so that k * ln2_high is exact
inline constexpr double ln2_low = 1.90821492927058770002e-10;

// Natural logarithm, below 1 ulp. -inf for 0, NaN for negative x and NaN, +inf for +inf.
constexpr CLVSIM_HD double portable_log(double x) {
  constexpr double l1 = 6.666666666666735130e-01, l2 = 3.999999999940941908e-01, l3 = 2.857142874366239149e-01,
                   l4 = 2.222219843214978396e-01, l5 = 1.818357216161805012e-01, l6 = 1.531383769920937332e-01,
                   l7 = 1.479819860511658591e-01;
  constexpr double smallest_normal = 2.2250738585072014e-308, two_to_54 = 18014398509481984.0;
  constexpr std::uint64_t sqrt_half = 0x3FE6A09E667F3BCD, one = 0x3FF0000000000000, mantissa = 0x000FFFFFFFFFFFFF;
  int k = 0;
  if (!(x >= smallest_normal)) {
    if (x == 0) return -std::numeric_limits<double>::infinity();
    if (!(x > 0)) return std::numeric_limits<double>::quiet_NaN();
    x *= two_to_54;
    k = -54;
  }
  if (x == std::numeric_limits<double>::infinity()) return x;
  // x = 2^k (1 + f) with 1 + f in [sqrt(1/2), sqrt(2))
  const std::uint64_t shifted = bits_of(x) + (one - sqrt_half);
  k += static_cast<int>(shifted >> 52) - 1023;
  const double f = double_of((shifted & mantissa) + sqrt_half) - 1.0;
  const double half_square = 0.5 * f * f;
  const double s = f / (2.0 + f);
  const double z = s * s;
  const double w = z * z;
  const double t1 = w * (l2 + w * (l4 + w * l6));
  const double t2 = z * (l1 + w * (l3 + w * (l5 + w * l7)));
  const double r = t2 + t1;
  const auto dk = static_cast<double>(k);
  return s * (half_square + r) + dk * ln2_low - half_square + f + dk * ln2_high;
}

// ln(1 + x) for x > -1, within 2 ulp: portable_log(u) corrected by what 1 + x lost in rounding to u.
constexpr CLVSIM_HD double portable_log1p(double x) {
  const double u = 1.0 + x;
  if (u == 1.0) return x;
  if (!(u < std::numeric_limits<double>::infinity())) return u;
  return portable_log(u) + (x - (u - 1.0)) / u;
}

// 2^k for -1022 <= k <= 1023.
constexpr CLVSIM_HD double power_of_two(int k) { return double_of(static_cast<std::uint64_t>(k + 1023) << 52); }

// Exponential function, below 1 ulp (one rounding more for a subnormal result). +inf above 709.78, 0 below -745.13.
constexpr CLVSIM_HD double portable_exp(double x) {
  constexpr double p1 = 1.66666666666666019037e-01, p2 = -2.77777777770155933842e-03, p3 = 6.61375632143793436117e-05,
                   p4 = -1.65339022054652515390e-06, p5 = 4.13813679705723846039e-08;
  constexpr double inverse_ln2 = 1.44269504088896338700e+00, largest = 709.782712893383973096,
                   smallest = -745.13321910194110842;
  if (x != x) return x;
  if (x > largest) return std::numeric_limits<double>::infinity();
  if (x < smallest) return 0.0;
  // x = k ln 2 + r, |r| <= ln(2) / 2
  const int k = static_cast<int>(inverse_ln2 * x + (x < 0 ? -0.5 : 0.5));
  const auto dk = static_cast<double>(k);
  const double high = x - dk * ln2_high;
  const double low = dk * ln2_low;
  const double r = high - low;
  const double square = r * r;
  const double c = r - square * (p1 + square * (p2 + square * (p3 + square * (p4 + square * p5))));
  const double y = 1.0 + (r * c / (2.0 - c) - low + high);
  if (k > 1023) return y * 2.0 * power_of_two(1023);
  if (k < -1021) return y * power_of_two(k + 1000) * power_of_two(-1000);
  return y * power_of_two(k);
}

// Square root, correctly rounded on the host and on the device.
inline CLVSIM_HD double square_root(double x) {
#if defined(__CUDA_ARCH__)
  return __dsqrt_rn(x);
#else
  return std::sqrt(x);
#endif
}

// The normal quantile of p in (0, 1): Wichura 1988, "Algorithm AS 241", PPND16, relative error about 1e-16 in exact
// arithmetic.
inline CLVSIM_HD double normal_quantile(double p) {
  const double q = p - 0.5;
  if (q >= -0.425 && q <= 0.425) {
    const double r = 0.180625 - q * q;
    return q *
           (((((((2.5090809287301226727e+3 * r + 3.3430575583588128105e+4) * r + 6.7265770927008700853e+4) * r +
                4.5921953931549871457e+4) *
                   r +
               1.3731693765509461125e+4) *
                  r +
              1.9715909503065514427e+3) *
                 r +
             1.3314166789178437745e+2) *
                r +
            3.3871328727963666080e+0) /
           (((((((5.2264952788528545610e+3 * r + 2.8729085735721942674e+4) * r + 3.9307895800092710610e+4) * r +
                2.1213794301586595867e+4) *
                   r +
               5.3941960214247511077e+3) *
                  r +
              6.8718700749205790830e+2) *
                 r +
             4.2313330701600911252e+1) *
                r +
            1.0);
  }
  double r = square_root(-portable_log(q < 0 ? p : 1.0 - p));
  double z = 0;
  if (r <= 5.0) {
    r -= 1.6;
    z = (((((((7.74545014278341407640e-4 * r + 2.27238449892691845833e-2) * r + 2.41780725177450611770e-1) * r +
             1.27045825245236838258e+0) *
                r +
            3.64784832476320460504e+0) *
               r +
           5.76949722146069140550e+0) *
              r +
          4.63033784615654529590e+0) *
             r +
         1.42343711074968357734e+0) /
        (((((((1.05075007164441684324e-9 * r + 5.47593808499534494600e-4) * r + 1.51986665636164571966e-2) * r +
             1.48103976427480074590e-1) *
                r +
            6.89767334985100004550e-1) *
               r +
           1.67638483018380384940e+0) *
              r +
          2.05319162663775882187e+0) *
             r +
         1.0);
  } else {
    r -= 5.0;
    z = (((((((2.01033439929228813265e-7 * r + 2.71155556874348757815e-5) * r + 1.24266094738807843860e-3) * r +
             2.65321895265761230930e-2) *
                r +
            2.96560571828504891230e-1) *
               r +
           1.78482653991729133580e+0) *
              r +
          5.46378491116411436990e+0) *
             r +
         6.65790464350110377720e+0) /
        (((((((2.04426310338993978564e-15 * r + 1.42151175831644588870e-7) * r + 1.84631831751005468180e-5) * r +
             7.86869131145613259100e-4) *
                r +
            1.48753612908506148525e-2) *
               r +
           1.36929880922735805310e-1) *
              r +
          5.99832206555887937690e-1) *
             r +
         1.0);
  }
  return q < 0 ? -z : z;
}

// A standard normal from a random word, within +-6.34.
inline CLVSIM_HD double normal(std::uint32_t k) { return normal_quantile(uniform(k)); }

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
