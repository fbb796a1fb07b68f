// Exponential, gamma and beta draws against their laws.
#include "kernels/lanes/lanes.hpp"
#include "kernels/math/gamma_draws.hpp"
#include "tests/support/statistical.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <iostream>
#include <vector>

namespace clvsim::kernels {
namespace {

using test::Bins;

constexpr double one_percent = 1e-4;  // discrepancy to detect: all bins' probabilities off by 1 %

// P(log G < l) of Gamma(a): x^a e^-x / Gamma(a + 1) sum x^n / ((a + 1) ... (a + n)), all terms positive.
double gamma_distribution(double shape, double l) {
  const auto a = static_cast<long double>(shape), log_x = static_cast<long double>(l), x = std::exp(log_x);
  long double sum = 1, term = 1;
  for (long double n = 1; term > 1e-20L * sum; ++n) sum += term *= x / (a + n);
  return static_cast<double>(std::exp(a * log_x - x - std::lgamma(a + 1)) * sum);
}

// P(log(p / (1 - p)) < l) of Beta(a, b), l <= 0: x^a / B(a, b) sum (1 - b)_n x^n / (n! (a + n)), x = p at most 1/2.
long double beta_series(long double a, long double b, long double l) {
  const long double log_x = l - std::log1p(std::exp(l)), x = std::exp(log_x);
  long double sum = 1 / a, term = 1;
  for (long double n = 1; n < 200; ++n) sum += (term *= (n - b) * x / n) / (a + n);
  return std::exp(a * log_x + std::lgamma(a + b) - std::lgamma(a) - std::lgamma(b)) * sum;
}
double beta_distribution(double a, double b, double logit) {
  return static_cast<double>(logit <= 0 ? beta_series(a, b, logit) : 1 - beta_series(b, a, -logit));
}

// Mean and variance of log G: digamma and trigamma, by recurrence to 20 and their series from there.
double digamma(double x) {
  double sum = 0;
  for (; x < 20; ++x) sum -= 1 / x;
  const double w = 1 / (x * x);
  return sum + std::log(x) - 0.5 / x - w * (1 / 12.0 - w * (1 / 120.0 - w / 252));
}
double trigamma(double x) {
  double sum = 0;
  for (; x < 20; ++x) sum += 1 / (x * x);
  const double w = 1 / (x * x);
  return sum + 1 / x + w / 2 + w / x * (1 / 6.0 - w * (1 / 30.0 - w / 42));
}

// n draws of the fastest instruction set here: the bits of one path at a time (parity/engine_lanes.cpp).
std::vector<double> log_gammas(double shape, std::size_t n) {
  std::vector<double> draws(n);
  EXPECT_EQ(lane_kernels()[0]->math.log_gamma_draws(LogGammaSampler(shape), {7, 99, 0}, {}, n, draws.data()), 0U);
  return draws;
}

TEST(Draws, LogGammaFollowsItsLaw) {
  constexpr std::size_t n = 4000000;
  for (const double shape : {1e-3, 0.01, 0.1, 0.5, 0.999, 1.0, 1.5, 3.0, 40.0, 1e6}) {
    const double mean = digamma(shape), sd = std::sqrt(trigamma(shape));
    Bins bins = test::bins_of([&](double l) { return gamma_distribution(shape, l); }, mean - 12 * sd, mean + 12 * sd);
    std::vector<double> draws = log_gammas(shape, n);
    for (const double l : draws) bins.count(l);
    EXPECT_TRUE(test::counts_agree(bins.counts, bins.probabilities, one_percent)) << shape;
    EXPECT_TRUE(test::mean_agrees(draws, mean, 0.01 * sd)) << shape;
    for (double& l : draws) l = (l - mean) * (l - mean) / (sd * sd);
    EXPECT_TRUE(test::mean_agrees(draws, 1, 0.02)) << shape;
  }
}

// The far end of the law that tiny shapes draw from hardly ever: P(log G > 0) of shape a is near a E1(1) = 0.2194 a.
TEST(Draws, LogGammaOfTinyShapesReachesWhatMatters) {
  constexpr std::size_t n = 20000000;
  std::size_t n_above = 0;
  for (const double l : log_gammas(1e-3, n)) n_above += l > 0 ? 1 : 0;
  const double probability = 1 - gamma_distribution(1e-3, 0);
  EXPECT_NEAR(probability / 2.194e-4, 1, 0.01);
  EXPECT_TRUE(test::share_agrees(static_cast<double>(n_above), n, probability, 0.15 * probability));
}

TEST(Draws, ABrokenShapeFails) {
  Bins bins = test::bins_of([](double l) { return gamma_distribution(3, l); }, -20, 5);
  for (const double l : log_gammas(3.03, 4000000)) bins.count(l);
  EXPECT_FALSE(test::counts_agree(bins.counts, bins.probabilities, one_percent));
  // A sample too small to see what it must detect fails, however well it agrees.
  Bins few = test::bins_of([](double l) { return gamma_distribution(3, l); }, -20, 5);
  for (const double l : log_gammas(3, 400000)) few.count(l);
  EXPECT_FALSE(test::counts_agree(few.counts, few.probabilities, one_percent));
}

TEST(Draws, ExponentialFollowsItsLaw) {
  Bins bins = test::bins_of([](double x) { return -std::expm1(-x); }, 0, 50);
  std::vector<double> draws;
  for (std::uint32_t p = 0; p < 2000000; ++p) draws.push_back(exponential(PathDraws{7, 99, p}({})));
  for (const double x : draws) bins.count(x);
  EXPECT_TRUE(test::counts_agree(bins.counts, bins.probabilities, one_percent));
  EXPECT_TRUE(test::mean_agrees(draws, 1, 0.01));
}

TEST(Draws, LogBetaFollowsItsLaw) {
  const std::vector<std::vector<double>> laws = {{1e-3, 1}, {1, 1e-3}, {1e-3, 1e-3}, {0.01, 2}, {0.5, 0.5},
                                                 {1, 1},    {3, 0.2},  {0.02, 8},    {5, 4}};
  for (const std::vector<double>& law : laws) {
    const double a = law[0], b = law[1];
    Bins bins = test::bins_of([&](double logit) { return beta_distribution(a, b, logit); }, -20 / a, 20 / b);
    const LogBetaSampler draw(a, b);
    std::uint32_t n_exhausted = 0;
    double worst_sum = 0;
    std::vector<double> logs;
    for (std::uint32_t p = 0; p < 400000; ++p) {
      const LogProbabilities drawn = draw(PathDraws{7, 99, p}, {}, n_exhausted);
      bins.count(drawn.log_p - drawn.log_1_minus_p);
      logs.push_back(drawn.log_p);
      worst_sum = std::max(worst_sum, std::abs(std::exp(drawn.log_p) + std::exp(drawn.log_1_minus_p) - 1));
    }
    EXPECT_EQ(n_exhausted, 0U);
    EXPECT_LT(worst_sum, 1e-15);
    EXPECT_TRUE(test::counts_agree(bins.counts, bins.probabilities, 4 * one_percent)) << a << ' ' << b;
    const double sd = std::sqrt(trigamma(a) - trigamma(a + b));
    EXPECT_TRUE(test::mean_agrees(logs, digamma(a) - digamma(a + b), 0.05 * sd)) << a << ' ' << b;
  }
}

}  // namespace
}  // namespace clvsim::kernels
