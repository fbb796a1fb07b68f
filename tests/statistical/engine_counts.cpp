// Poisson and binomial draws against their laws.
#include "kernels/math/count_draws.hpp"
#include "tests/support/statistical.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <iostream>
#include <vector>

namespace clvsim::kernels {
namespace {

using test::Bins;

constexpr double two_percent = 4e-4;  // discrepancy to detect: all bins' probabilities off by 2 %

// Bins of whole numbers from their probabilities, by ratio(k) = P(k) / P(k - 1) from that of `mode` in both directions.
template <class Ratio>
Bins bins_of_counts(double mode, long double log_p_mode, double low, double high, Ratio ratio) {
  const long double p_mode = std::exp(log_p_mode);
  std::vector<long double> below;  // mode, mode - 1, ... low
  for (double k = mode; k >= low; --k) below.push_back(k == mode ? p_mode : below.back() / ratio(k + 1));
  Bins bins;
  long double p = p_mode, cumulative = 0, before = 0;
  const double* bound = test::bin_bounds;
  for (double k = low; k <= high; ++k) {
    p = k <= mode ? below[static_cast<std::size_t>(mode - k)] : p * ratio(k);
    cumulative += p;
    bool is_bound = false;
    for (; bound != std::end(test::bin_bounds) && cumulative >= *bound; ++bound) is_bound = true;
    // What is rarer than 1e-4 stays with its neighbour.
    if (!is_bound || cumulative - before < 9e-5L || 1 - cumulative < 9e-5L) continue;
    bins.bounds.push_back(k + 0.5);
    bins.probabilities.push_back(static_cast<double>(cumulative - before));
    before = cumulative;
  }
  bins.probabilities.push_back(static_cast<double>(1 - before));
  return bins;
}

// Draws of one law: its bins, its mean and variance. Prints the attempts a draw.
template <class Sampler>
void expect_law(const Sampler& draw, double mean, double variance, Bins* bins, std::uint32_t n) {
  std::uint32_t n_exhausted = 0;
  std::uint64_t n_blocks = 0;
  std::vector<double> deviations, squares;
  for (std::uint32_t path = 0; path < n; ++path) {
    const auto draws = [&](DrawIndex index) {
      ++n_blocks;
      return PathDraws{7, 99, path}(index);
    };
    const auto count = static_cast<double>(draw(draws, {}, n_exhausted));
    if (bins != nullptr) bins->count(count);
    deviations.push_back(count - mean);
    squares.push_back((count - mean) * (count - mean));
  }
  EXPECT_EQ(n_exhausted, 0U);
  EXPECT_TRUE(test::mean_agrees(deviations, 0, 0.02 * std::sqrt(variance)));
  // Of few counts the bins tell all.
  if (variance > 1) {
    EXPECT_TRUE(test::mean_agrees(squares, variance, 0.1 * variance));
  }
  if (bins != nullptr && bins->counts.size() > 1) {
    EXPECT_TRUE(test::counts_agree(bins->counts, bins->probabilities, two_percent));
  }
  const double attempts = static_cast<double>(n_blocks) / n;
  std::cout << attempts << " attempts a draw\n";
  EXPECT_LT(attempts, 1.5);
}

TEST(Draws, PoissonFollowsItsLaw) {
  for (const double mean : {0.01, 0.5, 3.0, 9.999, 10.0, 13.7, 100.0, 1e4, 1e6, 1e9}) {
    SCOPED_TRACE(mean);
    const double mode = std::floor(mean), reach = 15 * std::sqrt(mean) + 30;
    const auto m = static_cast<long double>(mean), k = static_cast<long double>(mode);
    Bins bins = bins_of_counts(mode, k * std::log(m) - m - std::lgamma(k + 1), std::max(0.0, std::floor(mean - reach)),
                               mean + reach, [&](double n) { return m / static_cast<long double>(n); });
    expect_law(PoissonSampler(mean), mean, mean, &bins, 500000);
  }
  // Too wide for bins.
  expect_law(PoissonSampler(1e15), 1e15, 1e15, nullptr, 500000);
}

TEST(Draws, BinomialFollowsItsLaw) {
  struct Law {
    std::uint64_t n;
    double p;
  };
  for (const auto& [n, p] : {Law{1, 0.5},
                             {7, 0.02},
                             {19, 0.5},
                             {20, 0.5},
                             {33, 0.31},
                             {33, 0.69},
                             {1000, 0.003},
                             {1000, 0.997},
                             {100000, 0.25},
                             {1000000000, 1e-9},
                             {1000000000, 2e-8},
                             {1000000000, 0.3},
                             {1000000000, 0.9999999}}) {
    SCOPED_TRACE(testing::Message() << n << " trials of " << p);
    const auto trials = static_cast<long double>(n), q = 1 - static_cast<long double>(p);
    const double mean = static_cast<double>(n) * p, variance = mean * static_cast<double>(q);
    const double mode = std::floor(mean), reach = 15 * std::sqrt(variance) + 30;
    const auto k = static_cast<long double>(mode);
    const long double log_p_mode = std::lgamma(trials + 1) - std::lgamma(k + 1) - std::lgamma(trials - k + 1) +
                                   k * std::log(static_cast<long double>(p)) + (trials - k) * std::log(q);
    Bins bins = bins_of_counts(mode, log_p_mode, std::max(0.0, std::floor(mean - reach)),
                               std::min(static_cast<double>(n), std::ceil(mean + reach)), [&](double x) {
                                 const auto y = static_cast<long double>(x);
                                 return (trials - y + 1) / y * static_cast<long double>(p) / q;
                               });
    expect_law(BinomialSampler(n, p), mean, variance, &bins, 500000);
  }
}

TEST(Draws, ABrokenMeanFails) {
  const long double m = 100;
  Bins bins = bins_of_counts(100, 100 * std::log(m) - m - std::lgamma(101.0L), 0, 300,
                             [&](double n) { return m / static_cast<long double>(n); });
  std::uint32_t n_exhausted = 0;
  for (std::uint32_t p = 0; p < 500000; ++p) {
    bins.count(static_cast<double>(PoissonSampler(100.3)(PathDraws{7, 99, p}, {}, n_exhausted)));
  }
  EXPECT_FALSE(test::counts_agree(bins.counts, bins.probabilities, two_percent));
}

}  // namespace
}  // namespace clvsim::kernels
