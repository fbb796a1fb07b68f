// Draws against closed forms; and the assertions themselves against a broken sampler.
#include "host/run/chain_tables.hpp"
#include "kernels/path/simulator.hpp"
#include "tests/support/chains.hpp"
#include "tests/support/engine_run.hpp"
#include "tests/support/statistical.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

namespace clvsim {
namespace {

using kernels::PathDraws;
using kernels::Purpose;

TEST(StatisticalAssertions, ABrokenSamplerFails) {
  std::mt19937_64 bits(1);
  std::normal_distribution<double> right(5, 2), shifted(5.02, 2);
  std::vector<double> good, bad;
  for (int i = 0; i < 2000000; ++i) {
    good.push_back(right(bits));
    bad.push_back(shifted(bits));
  }
  EXPECT_TRUE(test::mean_agrees(good, 5, 0.02));
  EXPECT_FALSE(test::mean_agrees(bad, 5, 0.02));
  // A sample too small to see what it must detect fails, however near its mean is.
  EXPECT_FALSE(test::mean_agrees(std::vector<double>(good.begin(), good.begin() + 10000), 5, 0.02));
  EXPECT_FALSE(test::agrees(std::nan(""), 0.001, 5, 1));
  EXPECT_FALSE(test::agrees(5, std::nan(""), 5, 1));
  EXPECT_TRUE(test::share_agrees(500300, 1e6, 0.5, 0.005));
  EXPECT_FALSE(test::share_agrees(506300, 1e6, 0.5, 0.005));
  EXPECT_NEAR(test::upper_normal_quantile(0.025), 1.959964, 1e-6);
}

// An engine with a sampler that swaps two outcomes' probabilities is found out.
TEST(StatisticalAssertions, ABrokenChainFails) {
  MigrationChain broken = test::dwyer_migration();
  broken.states[3].outcomes[0].probability = 0.83;  // instead of 0.85
  broken.states[3].outcomes[1].probability = 0.17;
  const auto run = test::run_engine(1, broken, test::options(3, 1000000));
  EXPECT_FALSE(test::agrees(run.results.mean[0], run.results.se[0], 203.24, 1.1));
}

TEST(Sampler, NormalMoments) {
  std::vector<double> first, second, fourth;
  for (std::uint32_t p = 0; p < 300000; ++p) {
    const kernels::Words words = PathDraws{7, 99, p}({Purpose::spend, 3});
    for (unsigned i = 0; i < 4; ++i) {
      const double z = kernels::normal(kernels::word(words, i));
      first.push_back(z);
      second.push_back(z * z);
      fourth.push_back(z * z * z * z);
    }
  }
  EXPECT_TRUE(test::mean_agrees(first, 0, 0.01));
  EXPECT_TRUE(test::mean_agrees(second, 1, 0.02));
  EXPECT_TRUE(test::mean_agrees(fourth, 3, 0.1));
}

// Draws of neighbouring paths, periods, customers and purposes are uncorrelated.
TEST(Sampler, NeighboursAreUncorrelated) {
  const auto z = [](std::uint64_t customer, std::uint32_t path, std::uint32_t period, Purpose purpose) {
    return kernels::normal(PathDraws{1, customer, path}({purpose, period}).x);
  };
  std::vector<std::vector<double>> products(4);
  for (std::uint32_t p = 0; p < 300000; ++p) {
    const double base = z(5, p, 9, Purpose::chain_step);
    products[0].push_back(base * z(5, p + 1, 9, Purpose::chain_step));
    products[1].push_back(base * z(5, p, 10, Purpose::chain_step));
    products[2].push_back(base * z(6, p, 9, Purpose::chain_step));
    products[3].push_back(base * z(5, p, 9, Purpose::spend));
  }
  for (const auto& product : products) EXPECT_TRUE(test::mean_agrees(product, 0, 0.02));
}

// Rare events are exact: a hazard of 1e-5 a period over 10^9 path-steps. Drawn with 16 bits alone it would be 1.5e-5,
// some fifty standard errors away.
TEST(Sampler, RareEventsHaveTheirProbability) {
  constexpr double hazard = 1e-5;
  constexpr int horizon = 1000;
  constexpr std::uint32_t n_paths = 1000000;
  const MigrationChain chain = test::constant_hazard(hazard);
  SimulationOptions options = test::options(horizon, n_paths);
  options.periods = false;
  const test::EngineRun run = test::run_engine(1, chain, options);
  const double still_here = std::pow(1 - hazard, horizon);
  const double error = std::sqrt(still_here * (1 - still_here) / n_paths);
  EXPECT_NEAR(run.results.p_active[0], still_here, 4 * error);
  EXPECT_NEAR(run.results.p_active_se[0] / error, 1, 0.05);
  EXPECT_NEAR(run.results.mean[0], (1 - still_here) / hazard, 4 * run.results.se[0]);
}

// The steps of the engine follow every row, whatever its length.
void expect_steps_to_follow_the_row(kernels::Sampler sampler) {
  for (const int n_outcomes : {1, 2, 3, 5, 16}) {
    const MigrationChain chain = test::mixed_chain(16, n_outcomes, 1);
    const ChainTables tables = pack(chain, 2);
    constexpr std::uint32_t n = 200000;
    std::vector<double> count(16);
    struct Sink {
      std::uint32_t state = 0;
      void purchase(std::uint32_t, std::int64_t) {}
      void refund(std::uint32_t, std::int64_t) {}
      void period_end(std::uint32_t, const kernels::PeriodOutcome& outcome) { state = outcome.state; }
    };
    for (std::uint32_t p = 0; p < n; ++p) {
      Sink sink;
      kernels::walk(tables.view(sampler), {.hash = 5, .state = 3}, p, 1, 1, sink);
      count[sink.state] += 1;
    }
    std::vector<double> expected(16);
    for (const ChainOutcome& outcome : chain.states[3].outcomes) {
      expected[static_cast<std::size_t>(outcome.to)] += outcome.probability;
    }
    for (std::size_t s = 0; s < 16; ++s) {
      if (expected[s] == 0) {
        EXPECT_EQ(count[s], 0) << s;
      } else {
        EXPECT_TRUE(test::share_agrees(count[s], n, expected[s], 0.01)) << n_outcomes << " outcomes, state " << s;
      }
    }
  }
}

TEST(Sampler, AliasStepsFollowTheRow) { expect_steps_to_follow_the_row(kernels::Sampler::alias); }
TEST(Sampler, OrderedStepsFollowTheRow) { expect_steps_to_follow_the_row(kernels::Sampler::ordered); }

// Moments of what a period with a purchase brings, given a customer whose level is N(m, s^2).
TEST(Spend, MomentsEqualClosedForms) {
  const MigrationChain chain = test::with_spend();
  const SpendModel& spend = *chain.spend;
  const ChainTables tables = pack(chain, 2);
  constexpr double level_mean = 3.4, level_sd = 0.3;
  struct Sink {
    double n = 0, n_zero = 0, amount = 0, square = 0, n_refunds = 0, refunded = 0, cash = 0;
    void purchase(std::uint32_t, std::int64_t x) {
      n += 1;
      n_zero += x == 0 ? 1 : 0;
      amount += static_cast<double>(x) / 100;
      square += static_cast<double>(x) * static_cast<double>(x) / 1e4;
    }
    void refund(std::uint32_t, std::int64_t x) {
      n_refunds += 1;
      refunded += static_cast<double>(x) / 100;
    }
    void period_end(std::uint32_t, const kernels::PeriodOutcome& outcome) {
      cash += static_cast<double>(outcome.cash) / 25600;
    }
  };
  std::vector<double> n, zeros, amounts, squares, refunds, refund_amounts, cash;
  for (std::uint32_t p = 0; p < 600000; ++p) {
    Sink sink;
    kernels::walk(tables.view(), {.hash = 42, .level_mean = level_mean, .level_sd = level_sd}, p, 5, 1, sink);
    n.push_back(sink.n);
    zeros.push_back(sink.n_zero);
    amounts.push_back(sink.amount);
    squares.push_back(sink.square);
    refunds.push_back(sink.n_refunds);
    refund_amounts.push_back(sink.refunded);
    cash.push_back(sink.cash);
  }
  const double per_period = 0.6 * (0.7 + 0.2 * 2 + 0.1 * 3);
  const auto log_normal = [](double mean, double variance, double power) {
    return std::exp(power * mean + power * power * variance / 2);
  };
  const double variance = level_sd * level_sd + spend.within_sd * spend.within_sd;
  const double paid = per_period * (1 - spend.zero_share);
  const double refund_variance = level_sd * level_sd + spend.refund_log_sd * spend.refund_log_sd;
  const double mean_amount = paid * spend.smearing * log_normal(level_mean, variance, 1);
  const double mean_refund = per_period * spend.refund_rate * spend.smearing *
                             log_normal(level_mean + spend.refund_log_shift, refund_variance, 1);
  EXPECT_TRUE(test::mean_agrees(n, per_period, 0.02));
  EXPECT_TRUE(test::mean_agrees(zeros, per_period * spend.zero_share, 0.003));
  EXPECT_TRUE(test::mean_agrees(amounts, mean_amount, 0.03 * mean_amount));
  const double mean_square = paid * std::pow(spend.smearing, 2) * log_normal(level_mean, variance, 2);
  EXPECT_TRUE(test::mean_agrees(squares, mean_square, 0.1 * mean_square));
  EXPECT_TRUE(test::mean_agrees(refunds, per_period * spend.refund_rate, 0.005));
  EXPECT_TRUE(test::mean_agrees(refund_amounts, mean_refund, 0.1 * mean_refund));
  EXPECT_TRUE(test::mean_agrees(cash, mean_amount - mean_refund, 0.03 * mean_amount));
}

// The level is drawn once a path: purchases of a path share it, those of different paths do not.
TEST(Spend, LevelBelongsToThePath) {
  MigrationChain chain = test::with_spend();
  chain.states[0].outcomes = {test::outcome(0, 1, 0, true)};
  chain.spend->zero_share = 0;
  chain.spend->refund_rate = 0;
  chain.spend->purchases_in_period = {1};
  const ChainTables tables = pack(chain, 6);
  struct Sink {
    std::vector<double> logs;
    void purchase(std::uint32_t, std::int64_t x) { logs.push_back(std::log(static_cast<double>(x) / 1.05e6)); }
    void refund(std::uint32_t, std::int64_t) { ADD_FAILURE(); }
    void period_end(std::uint32_t, const kernels::PeriodOutcome&) {}
  };
  std::vector<double> within, total;
  double before = 3.2;
  std::vector<double> across;
  for (std::uint32_t p = 0; p < 200000; ++p) {
    Sink sink;
    kernels::walk(tables.view(), {.hash = 8, .level_mean = 3.2, .level_sd = 0.4}, p, 1, 2, sink);
    const double a = sink.logs[0] - 3.2, b = sink.logs[1] - 3.2;
    within.push_back(a * b);
    total.push_back(a * a);
    across.push_back(a * (before - 3.2));
    before = sink.logs[0];
  }
  EXPECT_TRUE(test::mean_agrees(within, 0.16, 0.02));
  EXPECT_TRUE(test::mean_agrees(total, 0.16 + 0.36, 0.02));
  EXPECT_TRUE(test::mean_agrees(across, 0, 0.02));
}

}  // namespace
}  // namespace clvsim
