// Special functions of the likelihoods: the same bits on every machine, as they are made of kernels/math alone.
#pragma once

#include "kernels/math/log_gamma.hpp"
#include "kernels/math/portable.hpp"

namespace clvsim {

using kernels::portable_exp;
using kernels::portable_log;
using kernels::portable_log1p;

// A sum whose error does not grow with the number of terms (Neumaier 1974).
class CompensatedSum {
 public:
  void add(double term) {
    const double sum = sum_ + term;
    rest_ += (sum_ < 0 ? -sum_ : sum_) >= (term < 0 ? -term : term) ? (sum_ - sum) + term : (term - sum) + sum_;
    sum_ = sum;
  }
  [[nodiscard]] double value() const { return sum_ + rest_; }

 private:
  double sum_ = 0, rest_ = 0;
};

// ln Gamma(x), x > 0.
inline double log_gamma(double x) { return kernels::elementary::log_gamma<kernels::ScalarDoubles>(x); }

// ln Gamma(y + a) - ln Gamma(y), y > 0, y + a > 0, without the cancellation of the difference where y is large.
[[nodiscard]] double log_gamma_ratio(double y, double a);

// d/dx ln Gamma(x), x > 0: by recurrence to x >= 10, then the asymptotic series (Abramowitz & Stegun 1964, 6.3.18).
[[nodiscard]] double digamma(double x);

// digamma(y + a) - digamma(y), y > 0, a >= 0, without the cancellation of the difference where a is small beside y.
[[nodiscard]] double digamma_difference(double y, double a);

// ln B(a, b), a, b > 0.
[[nodiscard]] double log_beta(double a, double b);

// ln(e^a + e^b); either may be -inf.
[[nodiscard]] double log_add(double a, double b);

// e^x - 1 without cancellation near 0.
[[nodiscard]] double portable_expm1(double x);

}  // namespace clvsim
