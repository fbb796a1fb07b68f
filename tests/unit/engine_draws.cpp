// Random draws: where they read their words, what becomes of them where every attempt is rejected or no law is defined,
// and the numbers that counts are accepted by. Their distributions: tests/statistical.
#include "kernels/math/count_draws.hpp"
#include "kernels/math/gamma_draws.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace clvsim::kernels {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr DrawIndex where{Purpose::spend_level, 5, 0, 7};

// The same words for every index, which it remembers.
struct ConstantWords {
  Words words;
  mutable std::vector<DrawIndex> asked = {};
  Words operator()(DrawIndex index) const {
    asked.push_back(index);
    return words;
  }
};
constexpr Words lowest{0, 0, 0, 0}, highest{~0U, ~0U, ~0U, ~0U};

// What every attempt rejects is tried max_attempts times, each at its own address, and counted.
template <class Sampler, class Value>
void expect_exhausted(const Sampler& draw, const Words& words, Value fallback) {
  const ConstantWords draws{words};
  std::uint32_t n_exhausted = 4;
  EXPECT_EQ(draw(draws, where, n_exhausted), fallback);
  EXPECT_EQ(n_exhausted, 5U);
  ASSERT_EQ(draws.asked.size(), max_attempts);
  for (std::size_t i = 0; i < max_attempts; ++i) {
    const DrawIndex& index = draws.asked[i];
    EXPECT_EQ(index.purpose, where.purpose);
    EXPECT_EQ(index.period, where.period);
    EXPECT_EQ(index.block, where.block);
    EXPECT_EQ(index.attempt, i);
  }
}

TEST(Draws, ExhaustionIsCounted) {
  // A normal of -8.2 makes 1 + c x negative; a U next to -1/2 proposes a negative count, or one above n.
  expect_exhausted(LogGammaSampler(1), lowest, LogGammaSampler(1).log_d);
  EXPECT_NEAR(LogGammaSampler(1).log_d, std::log(2.0 / 3), 1e-15);
  expect_exhausted(PoissonSampler(12.5), lowest, 12U);
  expect_exhausted(BinomialSampler(40, 0.3), lowest, 12U);
  expect_exhausted(BinomialSampler(40, 0.7), highest, 28U);
}

TEST(Draws, WhatNoLawIsDefinedForIsCounted) {
  const auto count = [](const auto& draw) {
    std::uint32_t n_exhausted = 0;
    static_cast<void>(draw(PathDraws{1, 2, 3}, where, n_exhausted));
    return n_exhausted;
  };
  for (const double shape : {0.0, -0.5, -3.0, 1e-301, 2e15, std::numeric_limits<double>::infinity(), nan}) {
    EXPECT_EQ(count(LogGammaSampler(shape)), 1U) << shape;
    EXPECT_EQ(count(LogBetaSampler(shape, 1)), 1U) << shape;
    EXPECT_EQ(count(LogBetaSampler(1, shape)), 1U) << shape;
  }
  for (const double mean : {-1e-300, -20.0, 2e15, std::numeric_limits<double>::infinity(), nan}) {
    EXPECT_EQ(count(PoissonSampler(mean)), 1U) << mean;
  }
  for (const double p : {-1e-300, -1.0, 1.0000001, 2.0, nan}) EXPECT_EQ(count(BinomialSampler(7, p)), 1U) << p;
  EXPECT_EQ(count(BinomialSampler(std::uint64_t{1} << 51, 0.5)), 1U);
}

TEST(Draws, BetaTakesTwoBlocks) {
  const ConstantWords draws{{0, 0x80000000, 0, 0x80000000}};
  std::uint32_t n_exhausted = 0;
  const LogProbabilities p = LogBetaSampler(2, 2)(draws, where, n_exhausted);
  EXPECT_NEAR(p.log_p, std::log(0.5), 1e-15);
  EXPECT_NEAR(p.log_1_minus_p, std::log(0.5), 1e-15);
  ASSERT_EQ(draws.asked.size(), 2U);
  EXPECT_EQ(draws.asked[0].block, where.block);
  EXPECT_EQ(draws.asked[1].block, where.block + 1);
}

TEST(Draws, EndsOfAnExponential) {
  EXPECT_NEAR(exponential(lowest), 53 * std::log(2.0), 1e-14);
  EXPECT_NEAR(exponential(highest) / 0x1p-53, 1, 1e-15);
  EXPECT_NEAR(exponential({0, 0x80000000, 0, 0}), std::log(2.0), 1e-15);
}

TEST(Draws, EndsOfCounts) {
  std::uint32_t n_exhausted = 0;
  for (const Words& words : {lowest, highest}) {
    const ConstantWords draws{words};
    EXPECT_EQ(PoissonSampler(0)(draws, where, n_exhausted), 0U);
    EXPECT_EQ(BinomialSampler(0, 0.3)(draws, where, n_exhausted), 0U);
    EXPECT_EQ(BinomialSampler(1000, 0)(draws, where, n_exhausted), 0U);
    EXPECT_EQ(BinomialSampler(1000, 1)(draws, where, n_exhausted), 1000U);
    EXPECT_EQ(BinomialSampler(std::uint64_t{1} << 50, 0)(draws, where, n_exhausted), 0U);
    EXPECT_EQ(BinomialSampler(3, 0.5)(draws, where, n_exhausted), words == lowest ? 0U : 3U);
  }
  EXPECT_EQ(n_exhausted, 0U);
  // The largest uniform, 1 - 2^-53, is no excuse for a count that never occurs: P(N > 2) = 1.7e-19 of mean 1e-6.
  EXPECT_EQ(PoissonSampler(1e-6)(ConstantWords{highest}, where, n_exhausted), 2U);
  EXPECT_LT(PoissonSampler(std::nextafter(10.0, 0))(ConstantWords{highest}, where, n_exhausted), 60U);
}

// The count of a uniform u is the smallest whose distribution function reaches it, but for roundings of 1e-15.
template <class Ratio>
void expect_inverted(double mean, long double p_0, double u, std::uint64_t count, Ratio ratio) {
  long double p = p_0, below = 0, up_to = p_0;
  for (std::uint64_t k = 1; k <= count; ++k) {
    below = up_to;
    up_to += p *= ratio(static_cast<long double>(k));
  }
  EXPECT_GE(static_cast<double>(up_to) + 1e-15, u) << mean << ": " << count;
  EXPECT_LE(static_cast<double>(below) - 1e-15, u) << mean << ": " << count;
}

TEST(Draws, SmallCountsInvertTheirDistribution) {
  std::mt19937_64 random(1);
  std::uint32_t n_exhausted = 0;
  for (int i = 0; i < 20000; ++i) {
    // Every distance of the uniform from 0 and from 1, as a power of two.
    std::uint64_t k = (random() >> 12) >> (i % 52);
    if (i % 2 == 1) k = (std::uint64_t{1} << 52) - 1 - k;
    const ConstantWords draws{{static_cast<std::uint32_t>(k << 12), static_cast<std::uint32_t>(k >> 20), 0, 0}};
    const double u = (static_cast<double>(k) + 0.5) * 0x1p-52;
    for (const double mean : {1e-9, 1e-6, 0.3, 1.0, 4.5, 9.999}) {
      const auto m = static_cast<long double>(mean);
      expect_inverted(mean, std::exp(-m), u, PoissonSampler(mean)(draws, where, n_exhausted),
                      [m](long double n) { return m / n; });
    }
    for (const std::uint64_t n : {std::uint64_t{1}, std::uint64_t{19}, std::uint64_t{1000000000}}) {
      const double p = 9.5 / static_cast<double>(n < 19 ? 19 : n);
      const auto trials = static_cast<long double>(n), q = static_cast<long double>(p);
      expect_inverted(9.5, std::exp(trials * std::log1p(-q)), u, BinomialSampler(n, p)(draws, where, n_exhausted),
                      [=](long double y) { return (trials - y + 1) / y * q / (1 - q); });
    }
  }
  EXPECT_EQ(n_exhausted, 0U);
}

void expect_log_poisson(double k, double mean, double exact) {
  EXPECT_NEAR(log_poisson(k, mean), exact, 1e-15 * (10 + std::sqrt(mean) - exact)) << k << ' ' << mean;
}

// Against the logarithms of the C library's long double, and mpmath (60 digits) where these lose too much: from 10^4
// on.
TEST(Draws, LogPoissonIsExactForLargeMeans) {
  std::mt19937_64 random(2);
  const auto unit = [&] { return static_cast<double>(random() >> 11) * 0x1p-53; };
  for (int i = 0; i < 100000; ++i) {
    const double mean = 10 * std::exp(7 * unit());
    const double k = std::max(0.0, std::floor(mean + 12 * (unit() - 0.5) * std::sqrt(mean)));
    const auto m = static_cast<long double>(mean), n = static_cast<long double>(k);
    const auto exact = static_cast<double>(n * std::log(m) - m - std::lgamma(n + 1));
    expect_log_poisson(k, mean, exact);
  }
  expect_log_poisson(1000050000.0, 1000000000.0, -12.530575618323712695);
  expect_log_poisson(999910000.0, 1000000000.0, -15.330647955203892908);
  expect_log_poisson(1000000000000.0, 1000003000000.0, -19.234440091189280131);
  expect_log_poisson(1000000100000000.0, 1000000000000000.0, -23.188326613993354622);
  expect_log_poisson(40, 1000.5, -834.49043355380587143);
  expect_log_poisson(1000, 10, -3619.5430854941176649);
}

}  // namespace
}  // namespace clvsim::kernels
