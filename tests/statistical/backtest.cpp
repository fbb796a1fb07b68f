// Backtests of logs whose truth is known: the true model is found calibrated, a change after the cut and a wrong model
// are not, and the choice finds the truth.
#include "tests/support/drawn_log.hpp"
#include "tests/support/ingest_files.hpp"
#include "tests/support/statistical.hpp"

#include <clvsim/backtest.hpp>
#include <clvsim/import.hpp>

#include <gtest/gtest.h>

#include <fmt/format.h>
#include <random>
#include <string>
#include <vector>

namespace clvsim {
namespace {

using test::DrawnLogOptions;

Backtest backtest_of(const DrawnLogOptions& log, const BacktestOptions& options) {
  const test::LogFolder folder;
  ImportOptions import = folder.import_of(test::drawn_log(log).csv);
  import.observation_end = test::calibration_end(log);
  (void)import_logs(import);
  return backtest(StoreReader(import.output), options);
}

// Seen are a band that holds 2.5 % of the customers more or less than it says, and a total that is 20 % off.
constexpr double detect = 0.025, detect_total = 0.2;

// Whether each band holds as many as it says, and then whether the total is what came; after the cut customers buy
// `later_rate` times as often.
std::vector<bool> agreement(double later_rate) {
  DrawnLogOptions log;
  log.n_customers = 20000;
  log.later_rate = later_rate;
  BacktestOptions options;
  options.model = "mbg_nbd";
  options.parameter_draws = 50;
  const Backtest test = backtest_of(log, options);
  const CountScores& scores = test.models[0].purchases;
  std::vector<bool> agrees;
  for (const CountScores::Level& level : scores.levels)
    agrees.push_back(test::agrees(level.pit, level.pit_se, level.level, detect));
  agrees.push_back(
      test::agrees(scores.expected, test.uncertainty->total.sd, scores.actual, detect_total * scores.actual));
  return agrees;
}

TEST(BacktestOfDrawnLog, FindsTheTrueModelCalibrated) { EXPECT_EQ(agreement(1), std::vector<bool>(4, true)); }

TEST(BacktestOfDrawnLog, CatchesAChangeAfterTheCut) { EXPECT_EQ(agreement(2), std::vector<bool>(4, false)); }

// Purchases at regular intervals: of the models, bg_cnbd_k and mbg_cnbd_k know them.
TEST(BacktestOfDrawnLog, ChoosesTheModelOfRegularPurchases) {
  DrawnLogOptions log;
  log.n_customers = 2500;
  log.regularity = 4;
  log.r = 3;
  log.alpha = 15;
  log.b = 5;
  BacktestOptions options;
  options.parameter_draws = 0;
  const Backtest test = backtest_of(log, options);
  const ModelBacktest& chosen = test.models[test.chosen];
  EXPECT_EQ(chosen.model, "mbg_cnbd_k");
  EXPECT_EQ(chosen.k, 4);
  EXPECT_EQ(test.models[0].model, "pareto_nbd");
  EXPECT_GT(test.models[0].crps_excess, 5 * test.models[0].crps_excess_se);
}

// Donors of a year, asked once in each of the ten years after it; five of these are forecast.
TEST(BacktestOfDrawnLog, CountsPeriodsAsOpportunitiesForBgBb) {
  std::mt19937_64 random(20261126);
  const auto gamma = [&](double shape) { return std::gamma_distribution<double>(shape)(random); };
  const auto happens = [&](double p) { return std::uniform_real_distribution<double>()(random) < p; };
  std::string text = "customer_id,date,amount\n";
  for (int i = 0; i < 15000; ++i) {
    const double a = gamma(1.2), buys = a / (a + gamma(0.75)), b = gamma(0.66), leaves = b / (b + gamma(2.78));
    for (int year = 2010; year <= 2020; ++year) {
      if (year > 2010 && happens(leaves)) break;
      if (year == 2010 || happens(buys))
        text += fmt::format("c{},{}-{:02d}-{:02d},10\n", i, year, 1 + random() % 12, 1 + random() % 28);
    }
  }
  text += "last,2020-12-31,10\n";
  const test::LogFolder folder;
  ImportOptions import = folder.import_of(text);
  import.unit = PeriodUnit::year;
  import.observation_end = parse_iso_date("2015-12-31");
  (void)import_logs(import);
  BacktestOptions options;
  options.model = "bg_bb";
  const Backtest test = backtest(StoreReader(import.output), options);
  ASSERT_EQ(test.split.horizon(), 5);
  const ModelBacktest& result = test.models[0];
  ASSERT_EQ(result.refused, "");
  EXPECT_EQ(result.purchases.n_impossible, 0);
  // Each parameter is found within its error; delta's is the largest.
  const std::vector<double> truth{1.2, 0.75, 0.66, 2.78};
  for (std::size_t p = 0; p < truth.size(); ++p)
    EXPECT_TRUE(test::agrees(result.fit.parameters[p], result.fit.standard_errors[p], truth[p], 1.2 * truth[p]));
  for (const CountScores::Level& level : result.purchases.levels)
    EXPECT_TRUE(test::agrees(level.pit, level.pit_se, level.level, detect)) << level.level;
  ASSERT_TRUE(test.uncertainty.has_value());
  EXPECT_TRUE(test::agrees(result.purchases.expected, test.uncertainty->total.sd, result.purchases.actual,
                           detect_total * result.purchases.actual));
  ASSERT_EQ(test.periods.size(), 5U);
  // An opportunity taken for another one would be off by a year's share in five, a fifth and more.
  for (const BacktestPeriod& period : test.periods)
    EXPECT_NEAR(period.expected / static_cast<double>(period.actual), 1, 0.05) << to_string(period.last_day);
  EXPECT_GT(test.uncertainty->total.sd, result.total.sd);
}

}  // namespace
}  // namespace clvsim
