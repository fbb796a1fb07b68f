/// \file
/// Laws of counts, and how well they told what then came. docs/theory/backtest.md has the formulas and their sources.
#pragma once

#include <cstddef>
#include <vector>

namespace clvsim {

/// Counts from `lowest` to `highest`, both included.
struct CountInterval {
  int lowest = 0, highest = 0;
  auto operator<=>(const CountInterval&) const = default;
};

/// The probabilities of the counts 0 ... size() - 1. What they lack of one is taken to be rounding: more is impossible.
class CountLaw {
 public:
  /// Throws ConfigError unless all are finite and not negative, and add up to 1 within 1e-9.
  explicit CountLaw(std::vector<double> probability);

  [[nodiscard]] std::size_t size() const { return probability_.size(); }
  [[nodiscard]] double probability(int n) const;
  [[nodiscard]] double cumulative(int n) const;  ///< P(Y <= n)
  [[nodiscard]] double mean() const { return mean_; }
  [[nodiscard]] double variance() const { return variance_; }
  /// The smallest n with P(Y <= n) >= q, within 1e-12; 0 <= q <= 1.
  [[nodiscard]] int quantile(double q) const;
  /// From the quantile (1 - level) / 2 to the quantile (1 + level) / 2.
  [[nodiscard]] CountInterval central(double level) const;

  /// Continuous ranked probability score of what came: sum over n of (P(Y <= n) - [y <= n])^2. In counts; less is
  /// better.
  [[nodiscard]] double crps(int y) const;
  /// -ln P(Y = y): infinite where the law calls y impossible; less is better.
  [[nodiscard]] double log_score(int y) const;
  /// The probability that the randomised PIT of y, uniform between P(Y < y) and P(Y <= y), is in the central band
  /// [(1 - level) / 2, (1 + level) / 2]. Its mean over y from the law is the level.
  [[nodiscard]] double pit_share(int y, double level) const;

 private:
  std::vector<double> probability_, cumulative_;
  double mean_ = 0, variance_ = 0;
};

/// A normal law as a part of an equal mixture.
struct NormalPart {
  double mean = 0, variance = 0;
};
/// Mean and variance of the mixture: the mean of the variances and the variance of the means.
[[nodiscard]] NormalPart moments_of(const std::vector<NormalPart>& parts);
/// The q-quantile of the equal mixture, 0 < q < 1. Precondition: there is a part.
[[nodiscard]] double quantile_of(const std::vector<NormalPart>& parts, double q);

}  // namespace clvsim
