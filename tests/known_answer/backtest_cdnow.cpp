// CDNOW to 1997-09-30, and 39 weeks after it: published holdout errors, and scores that were computed independently.
#include "tests/support/cdnow.hpp"
#include "tests/support/files.hpp"

#include <clvsim/backtest.hpp>
#include <clvsim/import.hpp>

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <string>
#include <vector>

namespace clvsim {
namespace {

class CdnowBacktest : public testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(test::public_data("cdnow_sample.csv")))
      GTEST_SKIP() << "the public data sets are not beside the project";
  }
  [[nodiscard]] StoreReader import_log(const std::string& name) const {
    ImportOptions options;
    options.logs = {test::public_data(name)};
    if (name == "cdnow_sample.csv") options.customer_column = "customer_id";
    options.observation_end = parse_iso_date("1997-09-30");
    options.output = folder_ / "store.h5";
    options.overwrite = true;
    (void)import_logs(options);
    return StoreReader(options.output);
  }
  test::TemporaryFolder folder_;
};

// total error, MAE and RMSE of purchases, MAE and total error of money: lifetimes, BTYD and CLVTools, as printed.
// CRPS, log score, closed intervals and PIT: by an independent program, whose laws are sums of negative binomials
// (BG/NBD, MBG/NBD) and a 120-node integral over drop-out (Pareto/NBD).
struct Published {
  std::string model;
  double error, mae, rmse, spend_mae, spend_error;
  double crps, log_score, sd;
  std::array<double, 3> interval, mass, pit;
  // A simulation's randomised PIT at 80 and 90 % (0: none published), and the standard deviation of the randomisation.
  std::array<double, 2> drawn_pit, drawn_sd;
};

void expect_published(const Backtest& test, const std::vector<Published>& rows) {
  for (const Published& row : rows) {
    SCOPED_TRACE(row.model);
    const auto found = std::find_if(test.models.begin(), test.models.end(),
                                    [&](const ModelBacktest& m) { return m.model == row.model; });
    ASSERT_NE(found, test.models.end());
    ASSERT_EQ(found->refused, "");
    const CountScores& scores = found->purchases;
    EXPECT_NEAR(scores.expected / scores.actual - 1, row.error, 5.1e-4);
    EXPECT_NEAR(scores.mae, row.mae, 5.1e-5);
    EXPECT_NEAR(scores.rmse, row.rmse, 5.1e-4);
    ASSERT_TRUE(found->spend.has_value());
    EXPECT_NEAR(found->spend->mae, row.spend_mae, 5.1e-3);
    EXPECT_NEAR(found->spend->expected / found->spend->actual - 1, row.spend_error, 5.1e-4);
    EXPECT_NEAR(scores.crps, row.crps, 1.5e-6);
    EXPECT_NEAR(scores.log_score, row.log_score, 1.5e-6);
    EXPECT_EQ(scores.n_impossible, 0);
    EXPECT_NEAR(found->total.sd, row.sd, 1.5e-3);
    for (std::size_t l = 0; l < 3; ++l) {
      EXPECT_NEAR(scores.levels[l].interval, row.interval[l], 5.1e-6) << l;
      EXPECT_NEAR(scores.levels[l].interval_mass, row.mass[l], 1.5e-5) << l;
      EXPECT_NEAR(scores.levels[l].pit, row.pit[l], 1.5e-5) << l;
    }
    for (std::size_t l = 0; l < 2; ++l)
      if (row.drawn_pit[l] > 0) {
        EXPECT_NEAR(scores.levels[l + 1].pit, row.drawn_pit[l], 3 * row.drawn_sd[l] + 5e-4) << l;
      }
  }
}

void expect_choice_holds(const Backtest& test) {
  ASSERT_TRUE(test.selection.has_value());
  EXPECT_LE(test.selection->split.end(), test.split.calibration_end);
  const ModelBacktest& chosen = test.models[test.chosen];
  EXPECT_LE(chosen.crps_excess, 2 * chosen.crps_excess_se);
}

// The lowest CRPS of ours beside a package's, whose score has four digits. Two standard errors would not tell them
// apart (one is .025 of the sample): ours is no higher at all.
void expect_not_beaten(const Backtest& test, const std::vector<double>& packages) {
  const ModelBacktest* best = nullptr;
  for (const ModelBacktest& model : test.models)
    if (model.refused.empty() && (best == nullptr || model.purchases.crps < best->purchases.crps)) best = &model;
  ASSERT_NE(best, nullptr);
  ASSERT_GT(best->purchases.crps_se, 0);
  for (const double package : packages) {
    EXPECT_LT(best->purchases.crps, package + 2 * best->purchases.crps_se) << best->model;
    EXPECT_LT(best->purchases.crps, package + 5e-5) << best->model;
  }
}

TEST_F(CdnowBacktest, OfTheSampleIsThePublishedOne) {
  const StoreReader store = import_log("cdnow_sample.csv");
  const Backtest test = backtest(store, {});
  EXPECT_EQ(test.n_customers, 2357);
  EXPECT_EQ(test.n_unique, 1016);
  EXPECT_EQ(test.split.horizon(), 39);
  EXPECT_EQ(test.models[test.chosen].purchases.actual, 1882);
  EXPECT_EQ(test.models[test.chosen].spend->actual, 70976.39);
  EXPECT_EQ(test.new_customers, 0);
  expect_published(test, {{"bg_nbd",
                           -.121,
                           .7855,
                           1.608,
                           30.41,
                           -.156,
                           .510371,
                           .984455,
                           69.550,
                           {.81502, .92830, .94654},
                           {.82166, .94401, .96031},
                           {.50172, .79781, .88928},
                           {.804, .893},
                           {.00644, .00454}},
                          {"mbg_nbd",
                           -.162,
                           .7648,
                           1.607,
                           29.71,
                           -.195,
                           .510033,
                           .982106,
                           68.531,
                           {.81332, .92830, .94569},
                           {.84226, .94687, .96231},
                           {.48949, .78923, .88743},
                           {0, 0},
                           {0, 0}},
                          {"pareto_nbd",
                           -.115,
                           .7545,
                           1.603,
                           29.45,
                           -.148,
                           .510656,
                           .987186,
                           70.178,
                           {.82266, .88927, .95121},
                           {.86595, .92029, .96606},
                           {.47897, .77300, .88232},
                           {.779, .886},
                           {.00609, .00482}}});
  expect_choice_holds(test);
  // BTYDplus' Pareto/NBD and Abe by MCMC; simulations of BG/NBD and Pareto/NBD at their maxima.
  expect_not_beaten(test, {.5101, .5104, .5106, .5103});
  // BTYD's walkthrough: means by frequency.
  ASSERT_EQ(test.frequency.size(), 8U);
  const std::array<double, 8> actual{.2367, .6970, 1.3925, 1.5600, 2.5323, 2.9474, 3.8621, 6.3594};
  for (std::size_t i = 0; i < actual.size(); ++i)
    EXPECT_NEAR(static_cast<double>(test.frequency[i].actual) / static_cast<double>(test.frequency[i].n_customers),
                actual[i], 5.1e-5);
  ASSERT_EQ(test.periods.size(), 39U);
  EXPECT_EQ(test.periods.back().actual, 1882);
  EXPECT_NEAR(test.periods.back().expected, test.models[test.chosen].purchases.expected, 1e-9);
  ASSERT_EQ(test.cohorts.size(), 3U);
  EXPECT_EQ(test.cohorts[0].name, "1997-01");
}

// Customers by themselves miss what came by 3.1 standard deviations. With draws of the parameters Pareto/NBD's interval
// holds it, as that of its MCMC (BTYDplus: 1531 to 1939), and BG/NBD's is as wide as published.
TEST_F(CdnowBacktest, SharedUncertaintyWidensTheTotal) {
  const StoreReader store = import_log("cdnow_sample.csv");
  BacktestOptions options;
  options.spend = SpendLaw::none;
  options.model = "pareto_nbd";
  const Backtest pareto = backtest(store, options);
  EXPECT_FALSE(pareto.selection.has_value());
  const TotalForecast &known = pareto.models[0].total, &uncertain = pareto.uncertainty->total;
  EXPECT_LT(known.interval[2][1], 1882);
  EXPECT_LT(uncertain.interval[2][0], 1882);
  EXPECT_GT(uncertain.interval[2][1], 1882);
  EXPECT_EQ(pareto.spend_refused, "spend was left out");

  options.model = "bg_nbd";
  options.parameter_draws = 800;
  const Backtest bg = backtest(store, options);
  // A standard deviation of 75.8 by the normal posterior; the error of one from 800 draws is 1 / sqrt(1600).
  EXPECT_NEAR(bg.uncertainty->parameters_sd / 75.8, 1, 4 / std::sqrt(1600.0));
  EXPECT_EQ(bg.uncertainty->n_draws, 800U);
}

TEST_F(CdnowBacktest, OfTheWholeLogIsThePublishedOne) {
  const StoreReader store = import_log("cdnow_master.csv");
  BacktestOptions options;
  options.parameter_draws = 0;
  const Backtest test = backtest(store, options);
  EXPECT_EQ(test.n_customers, 23570);
  EXPECT_EQ(test.models[test.chosen].purchases.actual, 19684);
  EXPECT_EQ(test.models[test.chosen].spend->actual, 776961.13);
  EXPECT_FALSE(test.uncertainty.has_value());
  expect_published(test, {{"bg_nbd",
                           -.143,
                           .8187,
                           1.733,
                           32.68,
                           -.173,
                           .539824,
                           1.015610,
                           227.176,
                           {.80420, .91990, .94234},
                           {.81876, .94345, .96067},
                           {.49698, .78904, .88407},
                           {.792, .884},
                           {.00204, .00144}},
                          {"mbg_nbd",
                           -.191,
                           .7945,
                           1.740,
                           31.84,
                           -.219,
                           .539916,
                           1.014939,
                           222.774,
                           {.80327, .92036, .94081},
                           {.84505, .94695, .96245},
                           {.48186, .77690, .88136},
                           {0, 0},
                           {0, 0}},
                          {"pareto_nbd",
                           -.129,
                           .7938,
                           1.726,
                           31.99,
                           -.158,
                           .539486,
                           1.018725,
                           226.132,
                           {.80904, .88269, .94561},
                           {.86196, .92166, .96486},
                           {.47623, .76486, .87844},
                           {.767, .879},
                           {.00191, .00152}}});
  expect_choice_holds(test);
  expect_not_beaten(test, {.5405, .5401});  // simulations of BG/NBD and Pareto/NBD at their maxima
}

}  // namespace
}  // namespace clvsim
