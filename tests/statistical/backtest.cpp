// Backtests of logs whose truth is known: the true model is found calibrated, a change after the cut and a wrong model
// are not, and the choice finds the truth.
#include "tests/support/drawn_log.hpp"
#include "tests/support/ingest_files.hpp"
#include "tests/support/statistical.hpp"

#include <clvsim/backtest.hpp>
#include <clvsim/import.hpp>

#include <gtest/gtest.h>

#include <cmath>

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

TEST(BacktestOfDrawnLog, FindsTheTrueModelCalibrated) {
  DrawnLogOptions log;
  log.n_customers = 20000;
  BacktestOptions options;
  options.model = "mbg_nbd";
  options.parameter_draws = 50;
  const Backtest test = backtest_of(log, options);
  const CountScores& scores = test.models[0].purchases;
  for (const CountScores::Level& level : scores.levels)
    EXPECT_TRUE(test::agrees(level.pit, level.pit_se, level.level, detect)) << level.level;
  EXPECT_TRUE(test::agrees(scores.expected, test.uncertainty->total.sd, scores.actual, detect_total * scores.actual));
}

TEST(BacktestOfDrawnLog, CatchesAChangeAfterTheCut) {
  DrawnLogOptions log;
  log.n_customers = 20000;
  log.later_rate = 2;
  BacktestOptions options;
  options.model = "mbg_nbd";
  options.parameter_draws = 50;
  const Backtest test = backtest_of(log, options);
  const CountScores& scores = test.models[0].purchases;
  for (const CountScores::Level& level : scores.levels)
    EXPECT_FALSE(test::agrees(level.pit, level.pit_se, level.level, detect)) << level.level;
  EXPECT_FALSE(test::agrees(scores.expected, test.uncertainty->total.sd, scores.actual, detect_total * scores.actual));
}

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

}  // namespace
}  // namespace clvsim
