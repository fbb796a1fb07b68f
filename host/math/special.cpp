#include "host/math/special.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace clvsim {
namespace {

constexpr double least_for_series = 10;

// ln x - 1 / (2x) - digamma(x) of x >= 10 (Abramowitz & Stegun 1964, 6.3.18).
double digamma_series(double x) {
  const double w = 1 / (x * x);
  // B_2k / 2k, k = 1 to 7.
  constexpr std::array<double, 7> terms{1.0 / 12,  -1.0 / 120,     1.0 / 252, -1.0 / 240,
                                        1.0 / 132, -691.0 / 32760, 1.0 / 12};
  double series = 0;
  for (std::size_t k = terms.size(); k-- > 0;) series = (series + terms[k]) * w;
  return series;
}

}  // namespace

double log_gamma_ratio(double y, double a) {
  using kernels::elementary::stirling_rest;
  if (y < least_for_series || y + a < least_for_series) return log_gamma(y + a) - log_gamma(y);
  return (y - 0.5) * portable_log1p(a / y) + a * (portable_log(y + a) - 1) +
         (stirling_rest<kernels::ScalarDoubles>(y + a) - stirling_rest<kernels::ScalarDoubles>(y));
}

double digamma(double x) {
  double shift = 0;
  while (x < least_for_series) {
    shift -= 1 / x;
    x += 1;
  }
  return shift + portable_log(x) - 0.5 / x - digamma_series(x);
}

double digamma_difference(double y, double a) {
  double sum = 0;
  while (y < least_for_series) {
    sum += a / (y * (y + a));
    y += 1;
  }
  return sum + portable_log1p(a / y) + 0.5 * a / (y * (y + a)) + (digamma_series(y) - digamma_series(y + a));
}

double log_beta(double a, double b) {
  if (a > b) std::swap(a, b);
  return log_gamma(a) - log_gamma_ratio(b, a);
}

double log_add(double a, double b) {
  if (a < b) std::swap(a, b);
  if (b == -std::numeric_limits<double>::infinity()) return a;
  return a + portable_log1p(portable_exp(b - a));
}

double portable_expm1(double x) {
  // Kahan's correction of e^x - 1 by what the rounded e^x is the exponential of (Higham 2002, section 1.14.1).
  const double y = portable_exp(x);
  if (y == 1) return x;
  const double less = y - 1;
  if (less == -1 || !(y < std::numeric_limits<double>::max())) return less;
  return less * (x / portable_log(y));
}

}  // namespace clvsim
