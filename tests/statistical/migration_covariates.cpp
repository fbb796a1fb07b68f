// Chains with season, campaign and segment effects: simulated as their exact moments say, and found again by a fit.
#include "tests/support/fit_line.hpp"
#include "tests/support/statistical.hpp"

#include <clvsim/error.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace clvsim {
namespace {

using testing::HasSubstr;

SimulationOptions options(int horizon, std::uint32_t n_paths) {
  SimulationOptions result;
  result.horizon = horizon;
  result.n_paths = n_paths;
  result.discounting = {0.01, RatePeriod::month, DiscountConvention::first};
  result.device.kind = DeviceChoice::Kind::cpu;
  result.threads = 1;
  return result;
}

TEST(MigrationCovariates, SimulationsHaveTheExactMoments) {
  const MigrationChain chain = test::shipped_model("seasonal_migration");
  for (const StepSampler sampler : {StepSampler::alias, StepSampler::ordered}) {
    SimulationOptions run = options(24, 400000);
    run.first_day = make_date(2026, 1, 1);
    run.sampler = sampler;
    CustomerResults results;
    const RunInfo info = simulate_customers(1, chain, run, "", false, &results);
    const ChainMoments exact = exact_moments(chain, 0, discount_factors(run.discounting, chain.unit, 24),
                                             {make_date(2025, 12, 31), chain.unit});
    EXPECT_TRUE(test::agrees(results.mean[0], results.se[0], exact.mean, 0.02 * exact.mean));
    EXPECT_NEAR(results.sd[0], exact.sd, 6 * results.sd_se[0]);
    EXPECT_TRUE(test::agrees(results.p_active[0], results.p_active_se[0], exact.p_active, 0.02));
    EXPECT_TRUE(test::agrees(results.transactions_mean[0], results.transactions_se[0], exact.transactions, 0.05));
    // Without the covariates the value is another.
    MigrationChain plain = chain;
    plain.covariates.clear();
    EXPECT_GT(std::abs(exact_moments(plain, 0, discount_factors(run.discounting, chain.unit, 24)).mean - exact.mean),
              20 * results.se[0]);
    ASSERT_EQ(info.periods.size(), 24U);
    EXPECT_EQ(info.periods[0].first_day, make_date(2026, 1, 1));
    EXPECT_EQ(info.periods[23].last_day, make_date(2027, 12, 31));
  }
}

// By period too: purchases of a month are the difference of the moments of two horizons.
TEST(MigrationCovariates, ForecastsByPeriodShowTheSeason) {
  const MigrationChain chain = test::shipped_model("seasonal_migration");
  SimulationOptions run = options(12, 20000);
  run.first_day = make_date(2026, 1, 1);
  const RunInfo info = simulate_customers(20, chain, run, "", false);
  const PeriodGrid grid(make_date(2025, 12, 31), chain.unit);
  double before = 0;
  for (int t = 1; t <= 12; ++t) {
    const double sum = exact_moments(chain, 0, std::vector<double>(static_cast<std::size_t>(t), 1), grid).transactions;
    const Estimate& purchases = info.periods[static_cast<std::size_t>(t - 1)].transactions;
    EXPECT_TRUE(test::agrees(purchases.mean, purchases.se, 20 * (sum - before), 0.2)) << t;
    before = sum;
  }
  EXPECT_GT(info.periods[10].transactions.mean, 1.2 * info.periods[9].transactions.mean) << "November and October";
}

TEST(MigrationCovariates, DatesAreNeededAndAskedFor) {
  MigrationChain chain = test::shipped_model("seasonal_migration");
  SimulationOptions run = options(12, 100);
  const auto message = [&] {
    try {
      (void)simulate_customers(2, chain, run, "", false);
    } catch (const ConfigError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_THAT(message(), HasSubstr("--first-day"));
  run.first_day = make_date(2026, 1, 1);
  EXPECT_EQ(message(), "");
  run.parameter_draws = 10;
  EXPECT_THAT(message(), HasSubstr("--parameter-draws"));
  run = options(12, 100);
  chain.covariates.erase(chain.covariates.begin(), chain.covariates.begin() + 2);
  EXPECT_EQ(message(), "") << "a segment needs no dates";
}

// A log of 24 months with effects: the fit finds them, and the forecast of the following year has their season.
TEST(MigrationCovariates, AFitFindsTheEffectsOfAGeneratedLog) {
  test::TemporaryFolder folder;
  MigrationChain truth = test::shipped_model("generator_retail");
  ChainCovariate winter, sale;
  winter.name = "winter";
  winter.months = {10, 11, 12};
  winter.effects = {{0.8, 0, {}, -1}};
  sale.name = "sale";
  sale.kind = ChainCovariate::Kind::campaign;
  sale.windows = {{make_date(1997, 5, 1), make_date(1997, 6, 15)},
                  {make_date(1998, 2, 10), make_date(1998, 3, 20)},
                  {make_date(1999, 2, 10), make_date(1999, 3, 20)}};
  sale.effects = {{-0.7, 0, {}, -1}};
  truth.covariates = {winter, sale};
  GenerateOptions generation;
  generation.n_customers = 20000;
  generation.seed = 5;
  generation.observed_periods = truth.unit == PeriodUnit::week ? 104 : 24;
  generation.holdout_periods = generation.observed_periods / 2;
  const StoreReader store = test::generated_store(folder, truth, generation);
  FitOptions fit;
  fit.states = *truth.recency_frequency;
  fit.min_periods = 30;
  fit.covariates.season = TransitionCovariates::Season::quarter;
  fit.covariates.campaigns = {{"sale", sale.windows}};
  const FitReport report = fit_migration_chain(store, fit);
  const std::vector<double> expected{0, 0, 0.8, -0.7};
  ASSERT_EQ(report.chain.covariates.size(), expected.size());
  for (std::size_t c = 0; c < expected.size(); ++c) {
    const LogitEffect& effect = report.chain.covariates[c].effects[0];
    EXPECT_TRUE(test::agrees(effect.effect, effect.standard_error, expected[c], 0.4, {1e-6, 1e-3}))
        << report.chain.covariates[c].name;
  }
  // The fitted model, written and read, forecasts a fourth quarter above the third and the customers' truth in all.
  write_model(report.chain, folder / "model.toml", true);
  const MigrationChain model = read_model(folder / "model.toml");
  SimulationOptions run = options(generation.holdout_periods, 200);
  const RunInfo info = simulate(store, model, run, folder / "run.h5", true);
  double third = 0, fourth = 0;
  for (const PeriodForecast& period : info.periods) {
    const int month = std::stoi(to_string(period.first_day).substr(5, 2));
    if (month >= 7 && month <= 9) third += period.transactions.mean;
    if (month >= 10) fourth += period.transactions.mean;
  }
  EXPECT_GT(fourth, 1.2 * third);
}

// Customers of a store by segment, each as its exact moments say.
TEST(MigrationCovariates, StoresHaveTheEffectsOfTheirSegments) {
  test::TemporaryFolder folder;
  std::string log = "customer,date,amount,segment\n";
  for (int i = 0; i < 8; ++i)
    log += "c" + std::to_string(i) + ",2025-10-" + std::to_string(10 + i) + ",5.00," +
           (i % 4 == 0   ? "gold"
            : i % 4 == 1 ? "plain"
            : i % 4 == 2 ? ""
                         : "silver") +
           "\n";
  OutputFile file(folder / "log.csv", false);
  file.write(log);
  file.commit();
  ImportOptions import;
  import.logs = {folder / "log.csv"};
  import.output = folder / "customers.h5";
  import.unit = PeriodUnit::month;
  import.segment_column = "segment";
  import.observation_end = make_date(2025, 10, 31);
  import_logs(import);
  const StoreReader store(import.output);
  MigrationChain chain;
  chain.unit = PeriodUnit::month;
  chain.recency_frequency = RecencyFrequency{1, {1}};
  chain.states = {{"recent", true, 0, {{0, 0.3, 0, 0, 20, true}, {1, 0.7, 0, 0, 0, false}}},
                  {"lapsed", false, 0, {{0, 0.1, 0, 0, 30, true}, {1, 0.9, 0, 0, 0, false}}}};
  ChainCovariate december, gold, silver;
  december.name = "December";
  december.months = {12};
  december.effects = {{1, 0, {}, -1}};
  gold.name = "gold";
  gold.kind = silver.kind = ChainCovariate::Kind::segment;
  gold.segment = "gold";
  gold.effects = {{0.9, 0, {}, -1}};
  silver.name = silver.segment = "silver";
  silver.effects = {{-0.9, 0, {}, -1}};
  chain.covariates = {december, gold, silver};
  SimulationOptions run = options(6, 200000);
  (void)simulate(store, chain, run, folder / "run.h5", true);
  const RunReader reader(folder / "run.h5");
  CustomerResults results;
  reader.read(0, 8, results);
  const auto discount = discount_factors(run.discounting, chain.unit, run.horizon);
  for (std::size_t i = 0; i < 8; ++i) {
    const std::string segment = std::vector<std::string>{"gold", "plain", "", "silver"}[i % 4];
    const ChainMoments exact = exact_moments(chain, 0, discount, {make_date(2025, 10, 31), chain.unit}, segment);
    EXPECT_TRUE(test::agrees(results.mean[i], results.se[i], exact.mean, 0.04 * exact.mean)) << i;
    EXPECT_NEAR(results.sd[i], exact.sd, 6 * results.sd_se[i]) << i;
  }
  run.first_day = make_date(2026, 1, 1);
  EXPECT_THROW((void)simulate(store, chain, run, folder / "run.h5", true), ConfigError);
  run.first_day.reset();
  chain.covariates[1].segment = "golden";
  try {
    (void)simulate(store, chain, run, folder / "run.h5", true);
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), HasSubstr("the segment 'golden' apart, which the store does not have - did you mean"));
  }
}

}  // namespace
}  // namespace clvsim
