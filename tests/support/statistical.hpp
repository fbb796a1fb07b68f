// Statistical assertions that state both of their error rates.
//
// An estimate x with standard error s is tested against its expectation m: |x - m| <= z s, z the two-sided normal
// quantile of `false_alarm`. So that the assertion can fail, the caller states the discrepancy that matters; the sample
// must be large enough that it would be missed with a probability of at most `false_pass`, or the assertion fails too.
// (After TensorFlow Probability, statistical_testing.py.)
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
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

// Pearson's chi-square of the counts of bins against their probabilities. `detect`: the discrepancy sum (q - p)^2 / p
// of the bins' true probabilities q that the test must see; all of them off by 1 % make 1e-4. Quantiles by Wilson &
// Hilferty (1931), the power by the mean and variance of the noncentral chi-square.
inline ::testing::AssertionResult counts_agree(const std::vector<double>& counts,
                                               const std::vector<double>& probabilities, double detect,
                                               ErrorRates rates = {}) {
  double n = 0, sum = 0;
  for (const double count : counts) n += count;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const double expected = n * probabilities[i];
    if (!(expected >= 20)) {
      return ::testing::AssertionFailure() << "bin " << i << " expects " << expected << " draws: too few";
    }
    sum += (counts[i] - expected) * (counts[i] - expected) / expected;
  }
  const auto freedom = static_cast<double>(counts.size()) - 1;
  const double narrow = 2 / (9 * freedom);
  const double root = 1 - narrow + upper_normal_quantile(rates.false_alarm) * std::sqrt(narrow);
  const double alarm = freedom * root * root * root, shift = n * detect;
  const double least = freedom + shift - upper_normal_quantile(rates.false_pass) * std::sqrt(2 * freedom + 4 * shift);
  if (!(least >= alarm)) {
    return ::testing::AssertionFailure() << "the sample is too small: " << least << " must be above " << alarm;
  }
  if (!(sum <= alarm)) {
    return ::testing::AssertionFailure() << "chi-square " << sum << " of " << freedom
                                         << " degrees of freedom; allowed is " << alarm;
  }
  return ::testing::AssertionSuccess();
}

// Cumulative probabilities that bound bins: deciles, and tails.
inline constexpr double bin_bounds[] = {1e-4, 1e-3, 0.01, 0.05, 0.1,  0.2,  0.3,   0.4,   0.5,
                                        0.6,  0.7,  0.8,  0.9,  0.95, 0.99, 0.999, 0.9999};

// Bins of numbers, and how many draws fell into each.
struct Bins {
  std::vector<double> bounds;         // ascending: bin i has x < bounds[i], the last all that is left
  std::vector<double> probabilities;  // bounds.size() + 1
  std::vector<double> counts;

  void count(double x) {
    if (counts.empty()) counts.resize(probabilities.size());
    ++counts[static_cast<std::size_t>(std::upper_bound(bounds.begin(), bounds.end(), x) - bounds.begin())];
  }
};

// Bins of a continuous law from its distribution function, increasing on [low, high].
template <class Distribution>
Bins bins_of(Distribution distribution, double low, double high) {
  Bins bins;
  double before = 0;
  for (const double bound : bin_bounds) {
    double from = low, to = high;
    for (int i = 0; i < 100; ++i) {
      const double middle = (from + to) / 2;
      (distribution(middle) < bound ? from : to) = middle;
    }
    bins.bounds.push_back(from);
    const auto here = static_cast<double>(distribution(from));
    bins.probabilities.push_back(here - before);
    before = here;
  }
  bins.probabilities.push_back(1 - before);
  return bins;
}

}  // namespace clvsim::test
