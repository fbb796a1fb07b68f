// A log of customers that differ: a fit with heterogeneity finds how much, and forecasts what the fit without it
// misses.
#include "host/run/dirichlet_program.hpp"
#include "tests/support/cdnow.hpp"
#include "tests/support/fit_line.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
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

// Each customer has a row of its own in every state: near to all or nothing.
constexpr double concentration = 1;
MigrationChain differing() {
  MigrationChain chain = test::shipped_model("generator_retail");
  for (ChainState& state : chain.states) state.concentration = concentration;
  return chain;
}

GenerateOptions generation(std::uint64_t seed) {
  GenerateOptions options;
  options.n_customers = n_customers;
  options.seed = seed;
  options.observed_periods = 30;
  options.holdout_periods = horizon;
  return options;
}

SimulationOptions simulation(std::vector<double> quantiles) {
  return test::undiscounted(horizon, n_paths, std::move(quantiles));
}

// Chi-square of the deciles of the randomised probability integral transform, 9 degrees of freedom.
double pit_statistic(const std::vector<Forecast>& all, const std::vector<double>& levels) {
  std::mt19937_64 random(5);
  std::vector<double> decile(10, 0);
  for (const Forecast& one : all) {
    const double u = test::randomised_pit(one, levels, std::uniform_real_distribution<double>(0, 1)(random));
    decile[std::min(static_cast<std::size_t>(u * 10), std::size_t{9})] += 1;
  }
  const double expected = static_cast<double>(all.size()) / 10;
  double statistic = 0;
  for (const double count : decile) statistic += (count - expected) * (count - expected) / expected;
  return statistic;
}

constexpr double pit_limit = 50;  // above with probability 1e-7

// What the history of a customer says: periods since the last purchase, and days with purchases.
struct Stratum {
  const char* name;
  int least_recency, least_days, most_recency, most_days;
};
constexpr int any = 1000;
constexpr std::array<Stratum, 8> strata{{{"bought in the last 2 periods", 0, 0, 1, any},
                                         {"3 to 6 periods ago", 2, 0, 5, any},
                                         {"7 to 12 periods ago", 6, 0, 11, any},
                                         {"longer ago", 12, 0, any, any},
                                         {"one day", 0, 1, any, 1},
                                         {"2 or 3 days", 0, 2, any, 3},
                                         {"4 to 9 days", 0, 4, any, 9},
                                         {"10 days or more", 0, 10, any, any}}};

// Those of the forecasts whose customer is of the stratum.
std::vector<Forecast> of_stratum(const Stratum& stratum, const StoreReader& store, const std::vector<Forecast>& all) {
  const MigrationChain chain = differing();
  const PeriodGrid grid(store.info().observation_end, store.info().unit);
  const int n_cells = chain.recency_frequency->recency_cells + 1;
  CustomerBatch batch;
  store.read(0, store.info().n_customers, batch);
  std::vector<Forecast> some;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const int recency = chain.state_of(batch, i, grid) % n_cells;
    const auto first = batch.history.kind.begin() + batch.history.offset[i],
               last = batch.history.kind.begin() + batch.history.offset[i + 1];
    const auto days = std::count(first, last, static_cast<std::uint8_t>(RowKind::purchase));
    if (recency >= stratum.least_recency && recency <= stratum.most_recency && days >= stratum.least_days &&
        days <= stratum.most_days)
      some.push_back(all[i]);
  }
  return some;
}

// Simulation-based calibration: histories drawn from the model, forecast by the model itself given each history, are
// what comes, whatever the history says. With the mean rows of all customers they are not.
TEST(FitHeterogeneity, ForecastsGivenTheHistoryAreCalibrated) {
  test::TemporaryFolder folder;
  const std::vector<double> levels{0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95};
  const std::size_t least = n_customers / 40;  // of a stratum: deciles of 250 customers, off by 48 %
  for (const std::uint64_t seed : {31, 32}) {
    const StoreReader store = test::generated_store(folder, differing(), generation(seed));
    const auto all = test::forecasts(folder, store, differing(), simulation(levels));
    ASSERT_EQ(all.size(), static_cast<std::size_t>(n_customers));
    EXPECT_LT(pit_statistic(all, levels), pit_limit);
    EXPECT_LT(std::abs(total_deviation(all)), 4);
    MigrationChain alike = differing();
    for (ChainState& state : alike.states) state.concentration.reset();
    const auto ignored = test::forecasts(folder, store, alike, simulation(levels));
    EXPECT_GT(pit_statistic(ignored, levels), pit_limit);
    for (const Stratum& stratum : strata) {
      const std::vector<Forecast> some = of_stratum(stratum, store, all);
      ASSERT_GE(some.size(), least) << stratum.name;
      EXPECT_LT(pit_statistic(some, levels), pit_limit) << stratum.name << ", " << some.size() << " customers";
      EXPECT_LT(std::abs(total_deviation(some)), 4) << stratum.name << ", " << some.size() << " customers";
      // The mean rows miss most of all those whose history says most.
      if (&stratum == &strata.front() || &stratum == &strata.back()) {
        EXPECT_GT(pit_statistic(of_stratum(stratum, store, ignored), levels), 5 * pit_limit) << stratum.name;
      }
    }
  }
}

TEST(FitHeterogeneity, FindsHowMuchCustomersDifferAndForecastsThem) {
  test::TemporaryFolder folder;
  const StoreReader store = test::generated_store(folder, differing(), generation(33));
  FitOptions options;
  options.states = *differing().recency_frequency;
  options.heterogeneity = true;
  const FitReport fit = fit_migration_chain(store, options);
  const MigrationChain truth = differing();
  int n = 0;
  for (const RowFit& row : fit.rows) {
    if (!row.concentration || row.n_twice < 500) continue;
    ++n;
    EXPECT_NEAR(*row.concentration, concentration, 4.5 * row.standard_error) << row.state;
    const ChainOutcome &found = fit.chain.states[static_cast<std::size_t>(row.state)].outcomes.back(),
                       &drawn = truth.states[static_cast<std::size_t>(row.state)].outcomes.back();
    EXPECT_NEAR(found.probability, drawn.probability, 4.5 * found.standard_error) << row.state;
  }
  EXPECT_GE(n, 3);
  const auto all = test::forecasts(folder, store, fit.chain, simulation({0.05, 0.95}));
  // As in FitCoverage: the parameters are estimated from about twice as many periods as are forecast.
  EXPECT_LT(std::abs(total_deviation(all)), 1.5 * 4);
  double inside = 0;
  for (const Forecast& one : all) inside += one.quantiles.front() <= one.truth && one.truth <= one.quantiles.back();
  EXPECT_GE(inside / static_cast<double>(all.size()), 0.89);  // a value of 0 is often the lowest of many paths

  options.heterogeneity = false;
  const auto alike =
      test::forecasts(folder, store, fit_migration_chain(store, options).chain, simulation({0.05, 0.95}));
  EXPECT_GT(std::abs(total_deviation(alike)), 1.5 * 4);
}

// What each customer of a store did is counted as the fit counts it: all customers together have the counts of the
// file.
TEST(FitHeterogeneity, CustomersCountWhatTheFitCounts) {
  test::TemporaryFolder folder;
  GenerateOptions options = generation(34);
  options.n_customers = 500;
  const StoreReader store = test::generated_store(folder, differing(), options);
  FitOptions fit;
  fit.min_periods = 400;  // some states share a row
  fit.heterogeneity = true;
  const MigrationChain chain = fit_migration_chain(store, fit).chain;
  ASSERT_TRUE(std::any_of(chain.states.begin(), chain.states.end(), [](const auto& s) { return s.row_of >= 0; }));
  RunInfo info = describe(resolve(SimulationOptions(), chain), chain, store.info().n_customers);
  info.observation_end = store.info().observation_end;
  const DirichletProgram program(chain, info, &store.info());
  CustomerBatch batch;
  store.read(0, store.info().n_customers, batch);
  CustomerRows rows;
  for (std::size_t i = 0; i < batch.size(); ++i) program.add(batch, i, rows);
  using Customer = kernels::DirichletChain::Customer;
  const std::vector<Customer>& records = rows.of<Customer>();
  const std::size_t n = kernels::DirichletChain::records(program.tables().view());
  ASSERT_EQ(records.size(), n * batch.size());
  ASSERT_GT(n, 0U);
  std::vector<double> from_here(program.tables().n_counts);
  for (std::size_t r = 0; r < records.size(); ++r)
    for (std::size_t i = r % n * Customer::n_counts; i < std::min(from_here.size(), (r % n + 1) * Customer::n_counts);
         ++i)
      from_here[i] += records[r].count[i % Customer::n_counts];
  std::vector<double> expected(from_here.size());
  const DirichletTables& tables = program.tables();
  for (std::size_t s = 0; s < chain.states.size(); ++s)
    for (std::size_t k = 0; k < chain.states[s].outcomes.size(); ++k)
      for (int at = tables.counts[s][k]; at >= static_cast<int>(tables.rows[s].count); --at)
        expected[static_cast<std::size_t>(at)] += chain.states[s].outcomes[k].count;
  EXPECT_EQ(from_here, expected);
}

// The log-likelihoods are those of a program of its own, which searches without gradients; 19,684 purchases came.
TEST(FitHeterogeneity, CdnowBuysAsOftenAsCustomersThatDiffer) {
  if (!std::filesystem::exists(test::public_data("cdnow_master.csv")))
    GTEST_SKIP() << "the public data sets are not beside the project";
  test::TemporaryFolder folder;
  ImportOptions import;
  import.logs = {test::public_data("cdnow_master.csv")};
  import.output = folder / "customers.h5";
  import.observation_end = parse_iso_date("1997-09-30");
  import_logs(import);
  const StoreReader store(import.output);
  const auto purchases = [&](const MigrationChain& chain) {
    SimulationOptions options = simulation({0.5});
    options.horizon = 39;
    options.n_paths = 20;
    double sum = 0;
    for (const PeriodForecast& period : simulate(store, chain, options, folder / "run.h5", true).periods)
      sum += period.transactions.mean;
    return sum;
  };
  FitOptions options;
  const MigrationChain alike = fit_migration_chain(store, options).chain;
  options.heterogeneity = true;
  const FitReport fit = fit_migration_chain(store, options);
  double differ_likelihood = 0, alike_likelihood = 0;
  for (const RowFit& row : fit.rows) {
    differ_likelihood += row.log_likelihood;
    alike_likelihood += row.log_likelihood_alike;
  }
  EXPECT_NEAR(differ_likelihood, -90188.9, 0.1);
  EXPECT_NEAR(alike_likelihood, -91053.8, 0.1);
  EXPECT_NEAR(purchases(fit.chain) / 19684, 0.947, 0.01);
  EXPECT_NEAR(purchases(alike) / 19684, 1.243, 0.01);
}

}  // namespace
}  // namespace clvsim
