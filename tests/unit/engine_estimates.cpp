// From integers to estimates: ranks, fractional CVaR, standard errors.
#include "host/run/estimates.hpp"
#include "kernels/stats/team.hpp"
#include "tests/support/statistical.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

namespace clvsim {
namespace {

std::vector<std::int64_t> ascending(std::uint32_t n) {
  std::vector<std::int64_t> values(n);
  for (std::uint32_t i = 0; i < n; ++i) values[i] = static_cast<std::int64_t>(i) + 1;
  return values;
}

TEST(RankPlan, QuantileIsTheOrderStatisticCeil) {
  // Products that are whole but for their rounding (0.07 * 100 = 7.000000000000001) take the whole rank.
  for (const std::uint32_t n : {2U, 3U, 17U, 100U, 1000U, 100000U}) {
    for (const int percent : {1, 5, 7, 14, 25, 28, 29, 50, 55, 56, 57, 58, 75, 95, 99}) {
      const std::uint64_t expected = (static_cast<std::uint64_t>(percent) * n + 99) / 100;
      const RankPlan plan = plan_ranks(n, {percent / 100.0}, percent / 100.0);
      EXPECT_EQ(plan.ranks[plan.quantiles[0].at] + 1, expected) << percent << " % of " << n;
      EXPECT_EQ(plan.ranks[plan.tail] + 1, expected);
      EXPECT_TRUE(std::is_sorted(plan.ranks.begin(), plan.ranks.end()));
      EXPECT_LT(plan.ranks.back(), n);
      EXPECT_LT(plan.ranks[plan.quantiles[0].low], plan.ranks[plan.quantiles[0].high]);
    }
  }
}

TEST(RankPlan, SixteenQuantilesFit) {
  std::vector<double> quantiles;
  for (int i = 1; i <= 16; ++i) quantiles.push_back(i / 17.0);
  const RankPlan plan = plan_ranks(100000, quantiles, 0.03);
  EXPECT_EQ(plan.ranks.size(), kernels::max_ranks);
}

TEST(Estimates, MomentsOfKnownValues) {
  // 1..n: mean (n + 1) / 2, variance with divisor n - 1: n (n + 1) / 12.
  for (const std::uint32_t n : {2U, 3U, 17U, 1000U}) {
    const RankPlan plan = plan_ranks(n, {0.5}, 0.05);
    const Distribution d = distribution_over_paths(ascending(n), plan, 1);
    const double x = n;
    EXPECT_DOUBLE_EQ(d.mean.mean, (x + 1) / 2);
    EXPECT_NEAR(d.sd.mean, std::sqrt(x * (x + 1) / 12), 1e-12 * x);
    EXPECT_NEAR(d.mean.se, std::sqrt((x + 1) / 12), 1e-12 * x);
    EXPECT_EQ(d.quantiles[0].mean, std::ceil(x / 2));
    // Fourth central moment of 1..n about its mean: (n^2 - 1)(3 n^2 - 7) / 240.
    const double s2 = x * (x + 1) / 12;
    const double m4 = (x * x - 1) * (3 * x * x - 7) / 240;
    EXPECT_NEAR(d.sd.se, std::sqrt(std::max(0.0, (m4 - s2 * s2 * (x - 3) / (x - 1)) / x)) / (2 * std::sqrt(s2)),
                1e-9 * x);
  }
}

// Rockafellar & Uryasev 2002, section 4: (1 / (a M)) [sum of the floor(a M) lowest + (a M - floor(a M)) times the
// next].
TEST(Estimates, CvarTakesTheFractionalLastOrderStatistic) {
  for (const std::uint32_t n : {2U, 3U, 17U, 19U, 20U, 21U, 1000U}) {
    for (const double a : {0.01, 0.05, 0.1, 0.37, 0.99}) {
      const Distribution d = distribution_over_paths(ascending(n), plan_ranks(n, {0.5}, a), 1);
      const double am = a * n;
      const double whole = std::floor(am + 1e-9);
      const double expected = (whole * (whole + 1) / 2 + (am - whole) * (whole + 1)) / am;
      EXPECT_NEAR(d.cvar.mean, expected, 1e-9 * n) << n << " " << a;
    }
  }
}

TEST(Estimates, ScaleIsCurrencyUnits) {
  const RankPlan plan = plan_ranks(3, {0.5}, 0.5);
  const Distribution d = distribution_over_paths({21000 * 256, 21000 * 256, 21000 * 256}, plan, 25600);
  EXPECT_EQ(d.mean.mean, 210);
  EXPECT_EQ(d.quantiles[0].mean, 210);
  EXPECT_EQ(d.cvar.mean, 210);
  EXPECT_EQ(d.sd.mean, 0);
  EXPECT_EQ(d.sd.se, 0);
  EXPECT_EQ(d.quantiles[0].se, 0);
}

// Errors are finite even where their order statistics do not exist.
TEST(Estimates, FewPathsGiveFiniteErrors) {
  for (std::uint32_t n = 2; n < 40; ++n) {
    const RankPlan plan = plan_ranks(n, {0.001, 0.05, 0.5, 0.95, 0.999}, 0.01);
    const Distribution d = distribution_over_paths(ascending(n), plan, 1);
    for (const Estimate& q : d.quantiles) {
      EXPECT_TRUE(std::isfinite(q.se));
      EXPECT_GT(q.se, 0);
    }
    EXPECT_TRUE(std::isfinite(d.cvar.se));
    EXPECT_GT(d.cvar.se, 0);
    EXPECT_TRUE(std::isfinite(d.sd.se));
  }
}

// Each standard error equals the spread of its estimate over independent samples.
TEST(Estimates, StandardErrorsAreTheSpreadOfTheEstimates) {
  constexpr int replications = 2000;
  constexpr std::uint32_t n = 2000;
  const RankPlan plan = plan_ranks(n, {0.05, 0.5}, 0.05);
  std::mt19937_64 bits(11);
  std::exponential_distribution<double> exponential;
  std::vector<std::vector<double>> estimate(5), variance(5);
  for (int r = 0; r < replications; ++r) {
    std::vector<std::int64_t> values(n);
    for (auto& v : values) v = static_cast<std::int64_t>(exponential(bits) * 1e6);
    const Distribution d = distribution_over_paths(values, plan, 1e6);
    const Estimate all[] = {d.mean, d.sd, d.quantiles[0], d.quantiles[1], d.cvar};
    for (std::size_t k = 0; k < 5; ++k) {
      estimate[k].push_back(all[k].mean);
      variance[k].push_back(all[k].se * all[k].se);
    }
  }
  for (std::size_t k = 0; k < 5; ++k) {
    double mean = 0, squares = 0, claimed = 0;
    for (const double x : estimate[k]) mean += x / replications;
    for (const double x : estimate[k]) squares += (x - mean) * (x - mean) / (replications - 1);
    for (const double v : variance[k]) claimed += v / replications;
    // The spread's own relative error is about 1 / sqrt(2 replications) = 1.6 %; quantile errors are biased by a few
    // per cent at this size.
    EXPECT_NEAR(std::sqrt(claimed / squares), 1, 0.12) << "estimate " << k;
  }
}

// A tail of few paths, of one even, has an error of the right size: of log-normal values and of their negatives, whose
// worst paths lie far apart.
TEST(Estimates, CvarErrorOfSmallTails) {
  constexpr int replications = 10000;
  constexpr double a = 0.05;
  std::mt19937_64 bits(5);
  std::normal_distribution<double> normal;
  for (const double sign : {1.0, -1.0}) {
    for (const std::uint32_t n : {5U, 10U, 20U, 21U, 30U, 40U, 200U, 1000U}) {
      const RankPlan plan = plan_ranks(n, {0.05, 0.5, 0.95}, a);
      double sum = 0, squares = 0, claimed = 0;
      std::vector<std::int64_t> values(n);
      for (int r = 0; r < replications / (n < 100 ? 1 : 10); ++r) {
        for (auto& v : values) v = static_cast<std::int64_t>(sign * std::exp(0.5 * normal(bits)) * 1e6);
        const Estimate cvar = distribution_over_paths(values, plan, 1e6).cvar;
        ASSERT_GT(cvar.se, 0) << n << " paths";
        sum += cvar.mean;
        squares += cvar.mean * cvar.mean;
        claimed += cvar.se;
      }
      const double m = replications / (n < 100 ? 1 : 10);
      const double spread = std::sqrt((squares - sum * sum / m) / (m - 1));
      EXPECT_GT(claimed / m / spread, 0.7) << n << " paths, sign " << sign;
      EXPECT_LT(claimed / m / spread, 1.4) << n << " paths, sign " << sign;
    }
  }
}

TEST(Estimates, CvarErrorByHand) {
  // One path in the tail: the distance to the next.
  const std::vector<std::int64_t> twenty = [] {
    std::vector<std::int64_t> values(20, 1000);
    values[3] = 100;
    values[7] = 300;
    return values;
  }();
  const RankPlan plan = plan_ranks(20, {0.5}, 0.05);
  // sqrt((200^2 - 200^2 / 20) / 19 / 20) / 0.05 = 200, less than 900 / 2 sqrt(0.95), of the third path.
  EXPECT_NEAR(distribution_over_paths(twenty, plan, 1).cvar.se, 450 * std::sqrt(0.95), 1e-9);
  std::vector<std::int64_t> values = twenty;
  values[9] = 310;
  EXPECT_NEAR(distribution_over_paths(values, plan, 1).cvar.se, 200, 1e-9);
  values[3] = 300;  // tied up to the third: the fourth and later say nothing of a tail of one path
  EXPECT_NEAR(distribution_over_paths(values, plan, 1).cvar.se, 5 * std::sqrt(0.95), 1e-9);
  EXPECT_EQ(distribution_over_paths(std::vector<std::int64_t>(20, 7), plan, 1).cvar.se, 0);
  // A tail of all paths: the mean's error, scaled.
  const Distribution two = distribution_over_paths({100, 300}, plan_ranks(2, {0.5}, 0.99), 1);
  EXPECT_NEAR(two.cvar.se, 100 / 0.99, 1e-9);
}

TEST(Estimates, CvarErrorDoesNotDependOnTheQuantiles) {
  std::vector<double> quantiles;
  for (int i = 1; i <= 16; ++i) quantiles.push_back(0.1 + i / 20.0);
  for (const double a : {0.001, 0.05, 0.9999}) {
    const double one = distribution_over_paths(ascending(1000), plan_ranks(1000, {0.5}, a), 1).cvar.se;
    const double sixteen = distribution_over_paths(ascending(1000), plan_ranks(1000, quantiles, a), 1).cvar.se;
    EXPECT_GT(one, 0);
    EXPECT_DOUBLE_EQ(sixteen, one) << a;
  }
}

TEST(Estimates, SharesAndPeriods) {
  EXPECT_EQ(share_of(25, 100).mean, 0.25);
  EXPECT_NEAR(share_of(25, 100).se, std::sqrt(0.25 * 0.75 / 100), 1e-15);
  EXPECT_EQ(share_of(0, 100).se, 0);
  // [periods, paths]
  const std::vector<std::int64_t> sums{1, 2, 3, 10, 10, 10};
  const std::vector<Estimate> periods = period_estimates(sums, 3, 2, 2.0);
  EXPECT_DOUBLE_EQ(periods[0].mean, 1);
  EXPECT_DOUBLE_EQ(periods[0].se, std::sqrt(1.0 / 3) / 2);
  EXPECT_DOUBLE_EQ(periods[1].mean, 5);
  EXPECT_EQ(periods[1].se, 0);
}

TEST(Estimates, RefusesSaturatedTotals) {
  EXPECT_THROW(static_cast<void>(distribution_over_paths({1, kernels::fixed_limit}, plan_ranks(2, {0.5}, 0.5), 1)),
               std::runtime_error);
}

}  // namespace
}  // namespace clvsim
