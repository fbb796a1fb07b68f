// log, exp, log1p, softplus and the normal quantile, once for every instruction set and for the device: templates on a
// Simd type (kernels/math/doubles.hpp), free of branches, of which every operation rounds once. So all of them give the
// same bits, provided that the compiler contracts nothing (-ffp-contract=off, nvcc --fmad=false). No libm but fma: its
// functions differ between versions.
//
// log follows FDLIBM 5.3 (e_log.c: Copyright (C) 1993 by Sun Microsystems, Inc. All rights reserved. Permission to use,
// copy, modify, and distribute this software is freely granted, provided that this notice is preserved), with the
// reduction centred on [sqrt(1/2), sqrt(2)). Other coefficients: scripts/fit_functions.py. Bounds are those that
// tests/unit/engine_elementary.cpp asserts.
#pragma once

#include "kernels/math/doubles.hpp"

#include <cstdint>
#include <limits>

namespace clvsim::kernels::elementary {

inline constexpr double ln2_high = 6.93147180369123816490e-01;  // 33 bits, so that k * ln2_high is exact
inline constexpr double ln2_low = 1.90821492927058770002e-10;
inline constexpr double infinity = std::numeric_limits<double>::infinity();

// c[0] x^(n-1) + c[1] x^(n-2) + ... + c[n-1].
template <class D, unsigned n>
CLVSIM_HD_INLINE typename D::Doubles polynomial(typename D::Doubles x, const double (&c)[n]) {
  typename D::Doubles sum = D::splat_double(c[0]);
  CLVSIM_UNROLL(16)
  for (unsigned i = 1; i < n; ++i) sum = D::fma(sum, x, D::splat_double(c[i]));
  return sum;
}

// x = 2^exponent (1 + f), sqrt(1/2) <= 1 + f < sqrt(2), of a positive normal number.
template <class D>
struct Decomposed {
  typename D::Doubles exponent, f;
  typename D::Register biased;  // (exponent + 1023) << 52
};

template <class D>
CLVSIM_HD_INLINE Decomposed<D> decompose(typename D::Doubles x) {
  constexpr std::int64_t sqrt_half = 0x3FE6A09E667F3BCD, one = 0x3FF0000000000000, mantissa = 0x000FFFFFFFFFFFFF;
  const auto shifted = D::add_64(D::to_bits(x), D::splat_64(one - sqrt_half));
  const auto fraction = D::bit_and(shifted, D::splat_64(mantissa));
  const auto m = D::from_bits(D::add_64(fraction, D::splat_64(sqrt_half)));
  return {D::subtract(D::from_52_bits(D::template shift_right_64_by<52>(shifted)), D::splat_double(1023)),
          D::subtract(m, D::splat_double(1)), D::subtract_64(shifted, fraction)};
}

// The same of any positive number.
template <class D>
CLVSIM_HD_INLINE Decomposed<D> decompose_any(typename D::Doubles x) {
  constexpr double two_to_54 = 18014398509481984.0;
  const auto tiny = D::less(x, D::splat_double(std::numeric_limits<double>::min()));
  auto d = decompose<D>(D::select(tiny, D::multiply(x, D::splat_double(two_to_54)), x));
  d.exponent = D::subtract(d.exponent, D::select(tiny, D::splat_double(54), D::splat_double(0)));
  return d;
}

// ln(1 + f) + exponent ln2_low + low, low tiny: what exponent ln2_high, which is exact, is to be added to.
template <class D>
CLVSIM_HD_INLINE typename D::Doubles log_rest(typename D::Doubles exponent, typename D::Doubles f,
                                              typename D::Doubles low) {
  constexpr double series[] = {1.479819860511658591e-01, 1.531383769920937332e-01, 1.818357216161805012e-01,
                               2.222219843214978396e-01, 2.857142874366239149e-01, 3.999999999940941908e-01,
                               6.666666666666735130e-01};
  const auto s = D::divide(f, D::add(f, D::splat_double(2)));
  const auto z = D::multiply(s, s);
  const auto half_square = D::multiply(D::multiply(f, D::splat_double(0.5)), f);
  const auto r = D::fma(z, polynomial<D>(z, series), half_square);
  const auto t = D::fma(s, r, D::fma(exponent, D::splat_double(ln2_low), low));
  return D::subtract(f, D::subtract(half_square, t));
}

// exponent ln 2 + ln(1 + f) + low, low tiny.
template <class D>
CLVSIM_HD_INLINE typename D::Doubles log_of(typename D::Doubles exponent, typename D::Doubles f,
                                            typename D::Doubles low) {
  return D::fma(exponent, D::splat_double(ln2_high), log_rest<D>(exponent, f, low));
}

// Natural logarithm of a positive, normal, finite number, below 0.9 ulp.
template <class D>
CLVSIM_HD_INLINE typename D::Doubles log_of_normal(typename D::Doubles x) {
  const auto d = decompose<D>(x);
  return log_of<D>(d.exponent, d.f, D::splat_double(0));
}

// `value`, the logarithm of x where that is positive and finite, with the other cases: inf for inf, -inf for 0, NaN.
template <class D>
CLVSIM_HD_INLINE typename D::Doubles with_ends(typename D::Doubles x, typename D::Doubles value) {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  const auto zero = D::splat_double(0), most = D::splat_double(infinity);
  const auto low_end = D::select(D::equal(x, zero), D::splat_double(-infinity), D::splat_double(nan));
  return D::select(D::less(zero, x), D::select(D::equal(x, most), most, value), low_end);
}

// Natural logarithm, below 0.9 ulp. -inf for 0, NaN for negative x and NaN, inf for inf.
template <class D>
CLVSIM_HD_INLINE typename D::Doubles log(typename D::Doubles x) {
  const auto d = decompose_any<D>(x);
  return with_ends<D>(x, log_of<D>(d.exponent, d.f, D::splat_double(0)));
}

// ln(1 + x), where 1 + x is positive and finite. What 1 + x lost in rounding to u, c, gives c / u more, and 1 / u
// is 2^-exponent (1 - f + f^2) as closely as it matters.
template <class D>
CLVSIM_HD_INLINE typename D::Doubles log1p_of_normal(typename D::Doubles x) {
  constexpr std::int64_t twice_bias = std::int64_t{2046} << 52;
  const auto one = D::splat_double(1);
  const auto u = D::add(x, one);
  const auto c = D::subtract(x, D::subtract(u, one));
  const auto d = decompose<D>(u);
  // Above 2^1023.5 the bits are those of -inf; c matters only below 2^53.
  const auto scale = D::maximum(D::from_bits(D::subtract_64(D::splat_64(twice_bias), d.biased)), D::splat_double(0));
  const auto inverse = D::multiply(scale, D::fma(d.f, D::subtract(d.f, one), one));
  return log_of<D>(d.exponent, d.f, D::multiply(c, inverse));
}

// ln(1 + x), below 1 ulp. -inf for -1, NaN below and for NaN, inf for inf.
template <class D>
CLVSIM_HD_INLINE typename D::Doubles log1p(typename D::Doubles x) {
  return with_ends<D>(D::add(x, D::splat_double(1)), log1p_of_normal<D>(x));
}

// Exponential function, below 0.95 ulp, where the result is subnormal as well. inf above 709.78, 0
// below -745.13.
template <class D>
CLVSIM_HD_INLINE typename D::Doubles exp(typename D::Doubles x) {
  constexpr double series[] = {2.506811809740355e-08,
                               2.7620040372182684e-07,
                               2.755735564151431e-06,
                               2.480152140960416e-05,
                               0.00019841269784546427,
                               0.0013888888917129754,
                               0.00833333333335624,
                               0.04166666666662432,
                               0.16666666666666644,
                               0.5000000000000001,
                               1,
                               1};
  constexpr double inverse_ln2 = 1.44269504088896338700e+00;
  constexpr double shifter = 6755399441055744.0;  // 1.5 2^52: added to a small number, it leaves the nearest integer
  constexpr std::int64_t bias = std::int64_t{1023} << 52;
  const auto shift = D::splat_double(shifter);
  // Beyond these ends the result is inf or 0 whatever x. Their order lets a NaN through.
  x = D::minimum(D::splat_double(710), D::maximum(D::splat_double(-746), x));
  // x = k ln 2 + r, |r| <= ln(2) / 2
  const auto k = D::subtract(D::fma(x, D::splat_double(inverse_ln2), shift), shift);
  const auto r = D::fma(k, D::splat_double(-ln2_low), D::fma(k, D::splat_double(-ln2_high), x));
  const auto y = polynomial<D>(r, series);
  // Times 2^k in two steps, so that neither overflows and only the last rounds.
  const auto half = D::fma(k, D::splat_double(0.5), shift);
  const auto rest = D::add(D::subtract(k, D::subtract(half, shift)), shift);
  const auto power = [](typename D::Doubles shifted) __attribute__((always_inline)) {
    return D::from_bits(D::add_64(D::template shift_left_64<52>(D::to_bits(shifted)), D::splat_64(bias)));
  };
  return D::multiply(D::multiply(y, power(half)), power(rest));
}

// ln(1 + e^x), below 2 ulp: ln(1 + e^-|x|) + max(x, 0). NaN for NaN.
template <class D>
CLVSIM_HD_INLINE typename D::Doubles softplus(typename D::Doubles x) {
  const auto zero = D::splat_double(0);
  const auto negative = D::select(D::less(zero, x), D::subtract(zero, x), x);
  return D::add(D::maximum(x, zero), log1p_of_normal<D>(exp<D>(negative)));
}

// z / q as a function of s = -ln(4 p (1 - p)), q = p - 1/2, where z is the normal quantile of p. Smooth from the centre
// to the tails, and symmetric: one rational function serves all of them.
struct NormalRatio32 {  // p from 2^-33 to 1 - 2^-33
  // To 4.3e-16.
  template <class D>
  static CLVSIM_HD_INLINE typename D::Doubles numerator(typename D::Doubles s) {
    constexpr double c[] = {4.236432969270507e-15,  5.6715499103811784e-12, 6.381867848707935e-10,
                            2.000847826866882e-08,  4.407887761479931e-07,  7.538734848263115e-06,
                            0.00010062165680088588, 0.0010536664016009896,  0.008718139154356026,
                            0.056820148193023085,   0.2818548346071654,     1.0076700675486865,
                            2.506628274631};
    return polynomial<D>(s, c);
  }
  template <class D>
  static CLVSIM_HD_INLINE typename D::Doubles denominator(typename D::Doubles s) {
    constexpr double c[] = {8.50789216405502e-14,   2.6683374777266584e-11, 1.4115644974852851e-09,
                            3.541514858540237e-08,  6.744183928029209e-07,  1.103450533376266e-05,
                            0.00011392380636571059, 0.0013266634325052983,  0.007059118815683412,
                            0.06270676451254294,    0.14020280684095598,    1.0};
    return polynomial<D>(s, c);
  }
};
struct NormalRatio52 {  // p from 2^-53 to 1 - 2^-53
  // To 2.5e-16.
  template <class D>
  static CLVSIM_HD_INLINE typename D::Doubles numerator(typename D::Doubles s) {
    constexpr double c[] = {1.962375106416127e-17,  2.651465713023849e-14,  3.333412816695223e-12,
                            9.491690947931046e-11,  3.0325464216807537e-09, 6.536474885998854e-08,
                            1.1518681451249798e-06, 1.6647425341621436e-05, 0.0001947499954709759,
                            0.0018326039859214672,  0.013838555626318156,   0.08272882937373055,
                            0.374735112753687,      1.2520613171440278,     2.506628274631001};
    return polynomial<D>(s, c);
  }
  template <class D>
  static CLVSIM_HD_INLINE typename D::Doubles denominator(typename D::Doubles s) {
    constexpr double c[] = {3.8400285623130356e-16, 1.3258871737323462e-13,
                            7.265770362474359e-12,  1.7915235147451378e-10,
                            5.834691895642504e-09,  9.371227976652589e-08,
                            1.7953248287263768e-06, 2.0124855637806415e-05,
                            0.0002420884383841927,  0.0018929110936804553,
                            0.013106316865608604,   0.07423571713357943,
                            0.23770080926472917,    1.0};
    return polynomial<D>(s, c);
  }
};

template <class D, class Ratio>
CLVSIM_HD_INLINE typename D::Doubles normal_of(typename D::Doubles q, typename D::Doubles four_p_1_minus_p) {
  const auto s = D::subtract(D::splat_double(0), log_of_normal<D>(four_p_1_minus_p));
  const auto numerator = D::multiply(q, Ratio::template numerator<D>(s));
  return D::divide(numerator, Ratio::template denominator<D>(s));
}

// The standard normal that belongs to p = (k + 1/2) 2^-bits, k below 2^bits: relative error below 1.2e-15, not
// decreasing in k, and that of ~k is its negative.
template <class D, int bits, class Ratio>
CLVSIM_HD_INLINE typename D::Doubles normal_of_bits(typename D::Register k) {
  constexpr double all = static_cast<double>(std::int64_t{1} << bits);
  const auto below = D::add(D::from_52_bits(k), D::splat_double(0.5));  // p 2^bits
  const auto above = D::subtract(D::splat_double(all), below);
  const auto q = D::multiply(D::subtract(below, above), D::splat_double(0.5 / all));
  return normal_of<D, Ratio>(q, D::multiply(D::multiply(below, above), D::splat_double(4 / all / all)));
}

// From a random word in each lane's low half, the high half 0: within 6.34.
template <class D>
CLVSIM_HD_INLINE typename D::Doubles normal_32(typename D::Register word) {
  return normal_of_bits<D, 32, NormalRatio32>(word);
}

// From 52 random bits: within 8.21.
template <class D>
CLVSIM_HD_INLINE typename D::Doubles normal_52(typename D::Register k) {
  return normal_of_bits<D, 52, NormalRatio52>(k);
}

}  // namespace clvsim::kernels::elementary
