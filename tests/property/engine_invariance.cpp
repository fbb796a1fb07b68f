// What must not change a run, and what must change it in one direction only.
#include "tests/support/chains.hpp"
#include "tests/support/engine_run.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

namespace clvsim {
namespace {

// The customers of another source in another order.
class Permuted final : public CustomerSource {
 public:
  Permuted(const CustomerSource& source, std::vector<std::int64_t> order) : source_(source), order_(std::move(order)) {}
  [[nodiscard]] std::int64_t size() const override { return static_cast<std::int64_t>(order_.size()); }
  [[nodiscard]] std::size_t key_width() const override { return source_.key_width(); }
  void read(std::int64_t first, std::int64_t count, CustomerRows& rows) const override {
    auto& customers = rows.of<kernels::ChainCustomer>();
    customers.clear();
    rows.key.clear();
    for (std::int64_t i = first; i < first + count; ++i) {
      CustomerRows one;
      source_.read(order_[static_cast<std::size_t>(i)], 1, one);
      customers.push_back(one.of<kernels::ChainCustomer>().front());
      rows.key.insert(rows.key.end(), one.key.begin(), one.key.end());
    }
  }

 private:
  const CustomerSource& source_;
  std::vector<std::int64_t> order_;
};

SimulationOptions base() { return test::options(24, 200, 0.01); }

TEST(Invariance, ThreadsAndBatches) {
  const test::EngineRun expected = test::run_engine(37, test::with_spend(), base());
  for (const int threads : {1, 2, 5}) {
    for (const std::int64_t batch : {0, 1, 7, 1000}) {
      SimulationOptions options = base();
      options.threads = threads;
      options.batch = batch;
      EXPECT_TRUE(same_bits(test::run_engine(37, test::with_spend(), options), expected)) << threads << " " << batch;
    }
  }
}

// What a run says of a customer follows from the kept values of its paths, by the definitions.
TEST(KeptPaths, GiveTheResultsOfTheRun) {
  SimulationOptions options = base();
  options.keep_paths = true;
  options.quantiles = {0.05, 0.31, 0.5, 0.9};
  options.cvar_level = 0.1;  // 20 whole paths of 200
  const test::EngineRun run = test::run_engine(21, test::with_spend(), options);
  const std::size_t n_paths = options.n_paths, n_quantiles = options.quantiles.size();
  ASSERT_EQ(run.results.path_value.size(), 21 * n_paths);
  const double unit = fixed_per_unit(run.info.currency);
  for (std::size_t i = 0; i < 21; ++i) {
    std::vector<double> value;
    for (std::size_t p = 0; p < n_paths; ++p)
      value.push_back(static_cast<double>(run.results.path_value[i * n_paths + p]) / unit);
    std::sort(value.begin(), value.end());
    const double n = static_cast<double>(n_paths);
    const double mean = std::accumulate(value.begin(), value.end(), 0.0) / n;
    double squares = 0;
    for (const double v : value) squares += (v - mean) * (v - mean);
    const double rounding = 1e-12 * (std::abs(value.front()) + std::abs(value.back()));
    EXPECT_NEAR(run.results.mean[i], mean, rounding);
    EXPECT_NEAR(run.results.sd[i], std::sqrt(squares / (n - 1)), rounding);
    for (std::size_t k = 0; k < n_quantiles; ++k) {
      const auto rank = static_cast<std::size_t>(std::ceil(options.quantiles[k] * n - 1e-9)) - 1;
      EXPECT_EQ(run.results.quantile[i * n_quantiles + k], value[rank]) << options.quantiles[k];
    }
    EXPECT_NEAR(run.results.cvar[i], std::accumulate(value.begin(), value.begin() + 20, 0.0) / 20, rounding);
    const auto at_most_0 = std::count_if(value.begin(), value.end(), [](double v) { return v <= 0; });
    EXPECT_EQ(run.results.p_nonpositive[i], static_cast<double>(at_most_0) / n);
  }
}

TEST(KeptPaths, DoNotChangeTheRunNorDependOnBatches) {
  test::EngineRun without = test::run_engine(37, test::with_spend(), base());
  EXPECT_TRUE(without.results.path_value.empty());
  SimulationOptions options = base();
  options.keep_paths = true;
  const test::EngineRun with = test::run_engine(37, test::with_spend(), options);
  without.results.path_value = with.results.path_value;
  EXPECT_TRUE(same_bits(with, without));
  for (const std::int64_t batch : {1, 7}) {
    options.batch = batch;
    options.threads = 3;
    EXPECT_TRUE(same_bits(test::run_engine(37, test::with_spend(), options), with)) << batch;
  }
}

TEST(Invariance, OrderOfTheCustomers) {
  const MigrationChain chain = test::with_spend();
  const CountedSource source(23, chain);
  const test::EngineRun expected = test::run_engine(source, chain, base());
  std::vector<std::int64_t> order(23);
  std::iota(order.begin(), order.end(), 0);
  std::shuffle(order.begin(), order.end(), std::mt19937(3));
  const test::EngineRun permuted = test::run_engine(Permuted(source, order), chain, base());
  EXPECT_EQ(permuted.total_by_path, expected.total_by_path);
  EXPECT_TRUE(test::same_bits(test::all_numbers(permuted.info), test::all_numbers(expected.info)));
  for (std::size_t i = 0; i < order.size(); ++i) {
    EXPECT_EQ(permuted.results.mean[i], expected.results.mean[static_cast<std::size_t>(order[i])]);
    EXPECT_EQ(permuted.results.cvar[i], expected.results.cvar[static_cast<std::size_t>(order[i])]);
  }
}

// Adding a customer shifts nobody's draws, and adds its own paths to the portfolio's.
TEST(Invariance, OthersDoNotShiftACustomer) {
  const MigrationChain chain = test::with_spend();
  const test::EngineRun nine = test::run_engine(9, chain, base());  // keys of one digit: the same in both runs
  const test::EngineRun eight = test::run_engine(8, chain, base());
  const CountedSource source(9, chain);
  const test::EngineRun last = test::run_engine(Permuted(source, {8}), chain, base());
  for (std::size_t i = 0; i < 8; ++i) EXPECT_EQ(nine.results.mean[i], eight.results.mean[i]);
  for (std::size_t p = 0; p < nine.total_by_path.size(); ++p) {
    EXPECT_EQ(nine.total_by_path[p], eight.total_by_path[p] + last.total_by_path[p]);
  }
}

TEST(Invariance, SeedsDiffer) {
  SimulationOptions options = base();
  const test::EngineRun one = test::run_engine(3, test::with_spend(), options);
  options.seed = 0;  // an ordinary seed
  const test::EngineRun zero = test::run_engine(3, test::with_spend(), options);
  EXPECT_NE(one.total_by_path, zero.total_by_path);
  EXPECT_TRUE(same_bits(test::run_engine(3, test::with_spend(), options), zero));
}

// The same of events: threads, batches and order, with forecasts by period (the reference) and without (vector code),
// which change no result of a customer; longer horizons and more paths continue what there is.
TEST(Invariance, Events) {
  const MigrationChain chain = test::life_cycle();
  SimulationOptions options = base();
  options.sampler = StepSampler::event;
  const test::EngineRun with_periods = test::run_engine(23, chain, options);
  options.periods = false;
  const test::EngineRun expected = test::run_engine(23, chain, options);
  EXPECT_EQ(with_periods.total_by_path, expected.total_by_path);
  EXPECT_TRUE(test::same_bits(test::all_numbers(with_periods.results), test::all_numbers(expected.results)));
  for (const int threads : {1, 3}) {
    for (const std::int64_t batch : {0, 1, 7}) {
      SimulationOptions other = options;
      other.threads = threads;
      other.batch = batch;
      EXPECT_TRUE(same_bits(test::run_engine(23, chain, other), expected)) << threads << " " << batch;
    }
  }
  std::vector<std::int64_t> order(23);
  std::iota(order.begin(), order.end(), 0);
  std::shuffle(order.begin(), order.end(), std::mt19937(3));
  const CountedSource source(23, chain);
  const test::EngineRun permuted = test::run_engine(Permuted(source, order), chain, options);
  EXPECT_EQ(permuted.total_by_path, expected.total_by_path);
  for (std::size_t i = 0; i < order.size(); ++i) {
    EXPECT_EQ(permuted.results.mean[i], expected.results.mean[static_cast<std::size_t>(order[i])]);
  }
  options.n_paths = 50;
  const test::EngineRun fewer = test::run_engine(23, chain, options);
  EXPECT_TRUE(std::equal(fewer.total_by_path.begin(), fewer.total_by_path.end(), expected.total_by_path.begin()));
  options = base();
  options.sampler = StepSampler::event;
  options.horizon = 7;
  const test::EngineRun shorter = test::run_engine(23, chain, options);
  for (std::size_t t = 0; t < 7; ++t) {
    EXPECT_EQ(shorter.info.periods[t].revenue.mean, with_periods.info.periods[t].revenue.mean);
    EXPECT_EQ(shorter.info.periods[t].active.se, with_periods.info.periods[t].active.se);
  }
}

// A longer horizon continues the same paths.
TEST(Invariance, HorizonExtendsPaths) {
  SimulationOptions options = base();
  const test::EngineRun longer = test::run_engine(5, test::with_spend(), options);
  options.horizon = 7;
  const test::EngineRun shorter = test::run_engine(5, test::with_spend(), options);
  for (std::size_t t = 0; t < 7; ++t) {
    EXPECT_EQ(longer.info.periods[t].revenue.mean, shorter.info.periods[t].revenue.mean);
    EXPECT_EQ(longer.info.periods[t].active.se, shorter.info.periods[t].active.se);
  }
}

// More paths keep the first ones.
TEST(Invariance, PathsExtendSamples) {
  SimulationOptions options = base();
  const test::EngineRun more = test::run_engine(2, test::with_spend(), options);
  options.n_paths = 50;
  const test::EngineRun fewer = test::run_engine(2, test::with_spend(), options);
  EXPECT_TRUE(std::equal(fewer.total_by_path.begin(), fewer.total_by_path.end(), more.total_by_path.begin()));
}

// With cash flows that are never negative, a higher discount rate lowers every path's value, hence every mean, quantile
// and CVaR.
TEST(Monotone, DiscountRateNeverRaisesNonNegativeValue) {
  MigrationChain chain = test::with_spend();
  chain.spend->refund_rate = 0;
  for (const auto convention :
       {DiscountConvention::first, DiscountConvention::end, DiscountConvention::mid, DiscountConvention::continuous}) {
    test::EngineRun before;
    for (const double rate : {0.0, 0.001, 0.02, 0.1, 0.9, 5.0}) {
      SimulationOptions options = base();
      options.discounting = {rate, RatePeriod::year, convention};
      test::EngineRun now = test::run_engine(4, chain, options);
      if (!before.total_by_path.empty()) {
        for (std::size_t p = 0; p < now.total_by_path.size(); ++p)
          ASSERT_LE(now.total_by_path[p], before.total_by_path[p]);
        for (std::size_t i = 0; i < now.results.quantile.size(); ++i) {
          ASSERT_LE(now.results.quantile[i], before.results.quantile[i]);
        }
        for (std::size_t i = 0; i < 4; ++i) {
          ASSERT_LT(now.results.mean[i], before.results.mean[i]);
          ASSERT_LE(now.results.cvar[i], before.results.cvar[i]);
        }
      }
      before = std::move(now);
    }
  }
}

// Profit is the margin's share of revenue: values scale, up to the fixed point's rounding.
TEST(Margin, ScalesTheValue) {
  SimulationOptions options = base();
  const test::EngineRun revenue = test::run_engine(4, test::with_spend(), options);
  options.margin = 0.25;
  const test::EngineRun profit = test::run_engine(4, test::with_spend(), options);
  EXPECT_EQ(profit.info.measure_name, "clv");
  for (std::size_t i = 0; i < 4; ++i) EXPECT_NEAR(profit.results.mean[i], revenue.results.mean[i] / 4, 1e-4);
  EXPECT_EQ(profit.info.total_revenue.mean.mean, revenue.info.total_revenue.mean.mean);
  EXPECT_EQ(profit.info.periods[3].profit.mean, 0.25 * revenue.info.periods[3].revenue.mean);
  EXPECT_EQ(profit.info.periods[3].profit.se, 0.25 * revenue.info.periods[3].revenue.se);
}

// The parts of a forecast agree with each other.
TEST(Consistency, PeriodsAddUp) {
  SimulationOptions options = base();
  options.discounting.rate = 0;
  const test::EngineRun run = test::run_engine(11, test::with_spend(), options);
  double revenue = 0, transactions = 0, of_customers = 0, value = 0;
  for (const PeriodForecast& period : run.info.periods) {
    revenue += period.revenue.mean;
    transactions += period.transactions.mean;
  }
  for (std::size_t i = 0; i < 11; ++i) {
    of_customers += run.results.transactions_mean[i];
    value += run.results.mean[i];
  }
  const double active = std::accumulate(run.results.p_active.begin(), run.results.p_active.end(), 0.0);
  EXPECT_NEAR(revenue, run.info.total_revenue.mean.mean, 1e-9 * revenue);
  EXPECT_EQ(run.info.total.mean.mean, run.info.total_revenue.mean.mean);  // undiscounted revenue is the value
  EXPECT_NEAR(value, revenue, 1e-9 * revenue);
  EXPECT_NEAR(transactions, of_customers, 1e-9 * transactions);
  EXPECT_NEAR(run.info.periods.back().active.mean, active, 1e-9 * active);
}

}  // namespace
}  // namespace clvsim
