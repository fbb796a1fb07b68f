// The logarithm of the gamma function of positive numbers, and what Stirling's formula leaves of it: like
// kernels/math/elementary.hpp, one source for every instruction set and the device, the same bits everywhere.
//
//   x < 1/2          log Gamma(1 + x) - log x
//   1/2 <= x < 5/2   (x - 1) (x - 2) R(x): both zeros are factors, so that the result keeps its digits next to them
//   5/2 <= x         (x - 1/2) (log x - 1) + (log(2 pi) - 1) / 2 + S(x)
//
// R(x) - 1/4 as a function of x - 1/2, and x S(x) as one of 1 / x^2, are rational (scripts/fit_functions.py). S is a
// Stieltjes function of 1 / x^2 (Binet's second formula: Whittaker & Watson 1927, section 12.32), which rational
// functions approximate well down to x = 1, where Stirling's series is of no use.
#pragma once

#include "kernels/math/elementary.hpp"

#include <limits>

namespace clvsim::kernels::elementary {

// S(x) = log Gamma(x) - ((x - 1/2) log x - x + log(2 pi) / 2), x >= 1; relative error below 1.3e-15.
template <class D>
CLVSIM_HD_INLINE typename D::Doubles stirling_rest(typename D::Doubles x) {
  constexpr double numerator[] = {0.007404079440636934, 0.4546291230450721, 4.147238202986516,  11.816236639043453,
                                  13.287863779831437,   6.378934866271387,  1.2690305575894782, 0.08333333333333329};
  constexpr double denominator[] = {0.1544984468751761, 6.49676434222997,  53.529473917856976, 146.55612168685676,
                                    161.8843726098247,  77.04641792002222, 15.261700024406403, 1.0};
  const auto inverse = D::divide(D::splat_double(1), x);
  const auto w = D::multiply(inverse, inverse);
  return D::divide(D::multiply(inverse, polynomial<D>(w, numerator)), polynomial<D>(w, denominator));
}

// log Gamma(x), below 5.5 ulp. inf for 0 and inf, NaN for negative x and NaN.
template <class D>
CLVSIM_HD_INLINE typename D::Doubles log_gamma(typename D::Doubles x) {
  constexpr double numerator[] = {-0.0005405224577680129, -0.01651928474737795, -0.08805571806217535,
                                  0.21132624257971286,    2.3078666749813563,   5.558442435000771,
                                  5.8467132521938,        2.8288582191626244,   0.5131532572329334};
  constexpr double denominator[] = {0.0022485340753681704, 0.09971050751259895, 1.2484547760056632,
                                    6.553097975565525,     17.004571008980616,  23.50820243834836,
                                    17.547696338580042,    6.64868864511818,    1.0};
  constexpr double half_log_2_pi_less_half = 0.41893853320467274178;
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  const auto zero = D::splat_double(0), one = D::splat_double(1), most = D::splat_double(infinity);
  // log x = high + low
  const auto d = decompose_any<D>(x);
  const auto rest = log_rest<D>(d.exponent, d.f, zero);
  const auto high = D::fma(d.exponent, D::splat_double(ln2_high), rest);
  const auto low = D::subtract(rest, D::subtract(high, D::multiply(d.exponent, D::splat_double(ln2_high))));

  const auto below_half = D::less(x, D::splat_double(0.5));
  const auto u = D::select(below_half, x, D::subtract(x, one));
  const auto t = D::add(u, D::splat_double(0.5));
  const auto fraction = D::divide(polynomial<D>(t, numerator), polynomial<D>(t, denominator));
  const auto ratio = D::add(fraction, D::splat_double(0.25));
  const auto product = D::multiply(D::multiply(u, D::subtract(u, one)), ratio);
  const auto near = D::select(below_half, D::subtract(product, high), product);

  const auto less_half = D::subtract(x, D::splat_double(0.5));
  const auto constant = D::add(stirling_rest<D>(x), D::splat_double(half_log_2_pi_less_half));
  const auto far = D::fma(less_half, D::subtract(high, one), D::fma(less_half, low, constant));

  const auto value = D::select(D::less(x, D::splat_double(2.5)), near, far);
  const auto inside = D::select(D::equal(x, most), most, value);
  return D::select(D::less(zero, x), inside, D::select(D::equal(x, zero), most, D::splat_double(nan)));
}

}  // namespace clvsim::kernels::elementary
