// Statistical assertions that state both of their error rates.
//
// An estimate x with standard error s is tested against its expectation m: |x - m| <= z s, z the two-sided normal
// quantile of `false_alarm`. So that the assertion can fail, the caller states the discrepancy that matters; the sample
// must be large enough that it would be missed with a probability of at most `false_pass`, or the assertion fails too.
// (After TensorFlow Probability, statistical_testing.py.)
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace clvsim::test {

// z with P(N > z) = tail, by bisection on erfc; independent of the product's own quantile.
inline double upper_normal_quantile(double tail) {
  double low = 0, high = 40;
  for (int i = 0; i < 200; ++i) {
    const double middle = (low + high) / 2;
    (0.5 * std::erfc(middle / std::sqrt(2.0)) > tail ? low : high) = middle;
  }
  return low;
}

struct ErrorRates {
  double false_alarm = 1e-9;
  double false_pass = 1e-3;
};

// `detect`: the discrepancy that the test must see.
inline ::testing::AssertionResult agrees(double estimate, double standard_error, double expected, double detect,
                                         ErrorRates rates = {}) {
  const double alarm = upper_normal_quantile(rates.false_alarm / 2) * standard_error;
  const double needed = alarm + upper_normal_quantile(rates.false_pass) * standard_error;
  if (!(needed <= detect)) {
    return ::testing::AssertionFailure() << "the sample is too small: a standard error of " << standard_error
                                         << " shows discrepancies from " << needed << " on, not " << detect;
  }
  if (!(std::abs(estimate - expected) <= alarm)) {
    return ::testing::AssertionFailure() << estimate << " differs from " << expected << " by "
                                         << (estimate - expected) / standard_error << " standard errors ("
                                         << standard_error << "); allowed are " << alarm / standard_error;
  }
  return ::testing::AssertionSuccess();
}

// Mean of a sample, its standard error from the sample itself.
inline ::testing::AssertionResult mean_agrees(const std::vector<double>& sample, double expected, double detect,
                                              ErrorRates rates = {}) {
  const auto n = static_cast<double>(sample.size());
  double mean = 0, squares = 0;
  for (const double x : sample) mean += x / n;
  for (const double x : sample) squares += (x - mean) * (x - mean);
  return agrees(mean, std::sqrt(squares / (n - 1) / n), expected, detect, rates);
}

// A share `count` / `n` against a probability, with the error of the probability itself.
inline ::testing::AssertionResult share_agrees(double count, double n, double probability, double detect,
                                               ErrorRates rates = {}) {
  return agrees(count / n, std::sqrt(probability * (1 - probability) / n), probability, detect, rates);
}

}  // namespace clvsim::test
