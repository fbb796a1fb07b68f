// Forecasts of generated customers against what they then did: intervals cover, PIT values are uniform, totals agree.
#include "tests/support/fit_line.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <random>
#include <utility>

namespace clvsim {
namespace {

using test::Forecast;
using test::total_deviation;

#ifdef CLVSIM_SANITIZED
constexpr std::int64_t n_customers = 2000;
constexpr std::uint32_t n_paths = 200;
#else
constexpr std::int64_t n_customers = 10000;
constexpr std::uint32_t n_paths = 400;
#endif
constexpr int horizon = 12;

GenerateOptions generation(std::uint64_t seed) {
  GenerateOptions options;
  options.n_customers = n_customers;
  options.seed = seed;
  options.observed_periods = 24;
  options.holdout_periods = horizon;
  return options;
}

SimulationOptions simulation(std::vector<double> quantiles) {
  return test::undiscounted(horizon, n_paths, std::move(quantiles));
}

double share_covered(const std::vector<Forecast>& all) {
  double inside = 0;
  for (const Forecast& one : all) inside += one.quantiles.front() <= one.truth && one.truth <= one.quantiles.back();
  return inside / static_cast<double>(all.size());
}

// The parameters are estimated from twice as many periods as are forecast: the total misses by up to 1.5 times the
// spread of the customers' own luck.
constexpr double total_limit = 1.5 * 4;

void expect_covered(std::uint64_t seed) {
  test::TemporaryFolder folder;
  const MigrationChain truth = test::shipped_model("generator_frequent");
  const StoreReader store = test::generated_store(folder, truth, generation(seed));
  const FitReport fit = fit_migration_chain(store, {});
  const auto all = test::forecasts(folder, store, fit.chain, simulation({0.05, 0.95}));
  ASSERT_EQ(all.size(), static_cast<std::size_t>(n_customers));
  const double share = share_covered(all);
  testing::Test::RecordProperty("share_covered", std::to_string(share));
  EXPECT_GE(share, 0.87);
  EXPECT_LE(share, 0.93);
  EXPECT_LT(std::abs(total_deviation(all)), total_limit);
}

TEST(FitCoverage, NinetyPercentIntervalsHoldTheTruth) { expect_covered(21); }
TEST(FitCoverage, NinetyPercentIntervalsHoldTheTruthOfAnotherSeed) { expect_covered(22); }

// The band is narrow enough to see a model that is wrong: levels shrunk too far, or too much noise.
TEST(FitCoverage, TheBandSeesAWrongModel) {
  test::TemporaryFolder folder;
  GenerateOptions options = generation(23);
  options.n_customers = 2000;
  const StoreReader store = test::generated_store(folder, test::shipped_model("generator_frequent"), options);
  MigrationChain chain = fit_migration_chain(store, {}).chain;
  const double within = chain.spend->within_sd;
  chain.spend->within_sd = 2 * within;
  EXPECT_GT(share_covered(test::forecasts(folder, store, chain, simulation({0.05, 0.95}))), 0.93);
  chain.spend->within_sd = within;
  chain.spend->between_sd *= 0.05;
  EXPECT_LT(share_covered(test::forecasts(folder, store, chain, simulation({0.05, 0.95}))), 0.87);
}

// Many retail customers buy nothing: the randomised probability integral transform (Smith 1985; Czado, Gneiting & Held
// 2009) is uniform all the same. A truth of 0 is drawn within the probability of 0, another between its quantiles.
TEST(FitCoverage, RandomisedPitIsUniformForRetail) {
  test::TemporaryFolder folder;
  const MigrationChain truth = test::shipped_model("generator_retail");
  const StoreReader store = test::generated_store(folder, truth, generation(24));
  const FitReport fit = fit_migration_chain(store, {});
  const std::vector<double> levels{0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95};
  const auto all = test::forecasts(folder, store, fit.chain, simulation(levels));
  std::mt19937_64 random(5);
  std::vector<double> decile(10, 0);
  double central = 0, n_zero = 0;
  for (const Forecast& one : all) {
    if (!(one.truth > 0)) ++n_zero;
    const double u = test::randomised_pit(one, levels, std::uniform_real_distribution<double>(0, 1)(random));
    decile[std::min(static_cast<std::size_t>(u * 10), std::size_t{9})] += 1;
    central += u > 0.05 && u <= 0.95;
  }
  const double n = static_cast<double>(all.size());
  EXPECT_GT(n_zero, 0.1 * n);
  EXPECT_LT(n_zero, 0.9 * n);
  EXPECT_GE(central / n, 0.87);
  EXPECT_LE(central / n, 0.93);
  // Chi-square of 9 degrees: above 50 with probability 1e-7. The estimated parameters add a little.
  double chi_square = 0;
  for (const double count : decile) chi_square += (count - n / 10) * (count - n / 10) / (n / 10);
  EXPECT_LT(chi_square, 50) << testing::PrintToString(decile);
  EXPECT_LT(std::abs(total_deviation(all)), total_limit);
}

// Two customers that bought on the same days, one large and one small amounts, are in the same state and have different
// distributions.
TEST(FitCoverage, SpendHistoriesTellCustomersOfOneStateApart) {
  test::TemporaryFolder folder;
  std::string log = "customer,date,amount\n";
  const auto add = [&](const std::string& customer, int month, const std::string& amount) {
    log += customer + ",2024-" + (month < 10 ? "0" : "") + std::to_string(month) + "-15," + amount + "\n";
  };
  for (int i = 0; i < 60; ++i)
    for (int month = 1 + i % 5; month <= 12; month += 1 + i % 3)
      add("other" + std::to_string(i), month, std::to_string(20 + (i * 7 + month * 5) % 30) + ".00");
  for (const int month : {2, 5, 8, 12}) {
    add("large", month, "90.00");
    add("small", month, "9.00");
  }
  test::write_file(folder / "log.csv", log);
  const StoreReader store = test::import_text(folder, folder / "log.csv", PeriodUnit::month, make_date(2024, 12, 31));
  const MigrationChain chain = fit_migration_chain(store, {}).chain;
  CustomerBatch batch;
  store.read(0, store.info().n_customers, batch);
  const PeriodGrid grid(store.info().observation_end, chain.unit);
  std::size_t large = 0, small = 0;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    if (batch.key_of(i) == "large") large = i;
    if (batch.key_of(i) == "small") small = i;
  }
  ASSERT_EQ(chain.state_of(batch, large, grid), chain.state_of(batch, small, grid));
  const auto all = test::forecasts(folder, store, chain, simulation({0.05, 0.5, 0.95}));
  EXPECT_GT(all[large].mean, 2 * all[small].mean);
  for (std::size_t q = 0; q < 3; ++q) EXPECT_GT(all[large].quantiles[q], 1.5 * all[small].quantiles[q]);
}

}  // namespace
}  // namespace clvsim
