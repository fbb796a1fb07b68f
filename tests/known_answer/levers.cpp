// The named methods and levers of configs: closed form against every printed digit.
#include "host/model/levers.hpp"
#include "host/model/lever_file.hpp"
#include "tests/support/places.hpp"

#include <clvsim/error.hpp>
#include <clvsim/migration_chain.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace clvsim {
namespace {

using testing::HasSubstr;

MigrationChain model(const std::string& name) {
  return read_model(test::source_dir() + "/configs/models/" + name + ".toml");
}

// Value from the start, the first period undiscounted.
ChainMoments value(const MigrationChain& chain, double rate, int horizon, int start = -1) {
  std::vector<double> discount;
  for (int t = 0; t < horizon; ++t) discount.push_back(std::pow(1 + rate, -t));
  const PeriodGrid grid(Date{0}, chain.unit);
  return exact_moments(chain, start < 0 ? chain.start_state : start, discount, grid);
}

MigrationChain with_scenario(const std::string& model_name, const std::string& name) {
  MigrationChain chain = model(model_name);
  const TomlFile file(test::source_dir() + "/configs/scenarios/" + name + ".toml");
  chain.levers = read_levers(file.root(), chain);
  return chain;
}

Lever lever(LeverTarget target, LeverOperation operation, double by) {
  Lever of;
  of.name = "lever";
  of.effects = {{target, operation, by}};
  return of;
}

TEST(NamedMethods, GeneralFormula) {
  EXPECT_NEAR(value(model("annuity"), 0.1, 3).mean, 273.5537, 5e-5);
  EXPECT_NEAR(value(model("annuity"), 0.1, 5).mean, 416.9865, 5e-5);
  EXPECT_NEAR(value(model("annuity"), 0.1, 30).mean, 1036.9606, 5e-5);
  EXPECT_NEAR(value(model("annuity"), 0.1, 30).sd, 0, 1e-9);
}

TEST(NamedMethods, ConstantRetention) {
  const ChainMoments all = value(model("constant_retention"), 0.1, 200);  // the rest is below 1e-25
  EXPECT_NEAR(all.mean, 366.6667, 5e-5);
  EXPECT_NEAR(all.sd, 229.0549, 5e-5);
  EXPECT_NEAR(value(model("constant_retention"), 0.1, 5).mean, 292.0634, 5e-5);
  EXPECT_NEAR(value(model("constant_retention"), 0.1, 10).mean, 351.4876, 5e-5);
}

TEST(NamedMethods, ThreeYearTable) {
  const MigrationChain chain = model("ltv_three_years");
  EXPECT_NEAR(value(chain, 0.2, 1).mean, -12, 1e-9);
  EXPECT_NEAR(value(chain, 0.2, 2).mean, 34, 1e-9);
  EXPECT_NEAR(value(chain, 0.2, 3).mean, 66.0833, 5e-5);
  EXPECT_NEAR(value(chain, 0.2, 3).sd, 69.2814, 5e-5);
  // The largest retention budget worth paying: 60 to 65 % stay after year 1; and 70 to 75 % after year 2.
  MigrationChain kept = chain;
  kept.levers = {lever(LeverTarget::retention, LeverOperation::set, 0.65)};
  kept.levers[0].last_period = 1;
  EXPECT_NEAR(value(kept, 0.2, 3).mean, 72.5903, 5e-5);
  EXPECT_NEAR(10000 * (value(kept, 0.2, 3).mean - value(chain, 0.2, 3).mean), 65069, 0.5);
  kept.levers[0].last_period.reset();
  kept.levers[0].effects[0] = {LeverTarget::retention, LeverOperation::add, 0.05};
  EXPECT_NEAR(value(kept, 0.2, 3).mean, 75.0729, 5e-5);
}

TEST(NamedMethods, AcquisitionFunnel) {
  const MigrationChain chain = model("acquisition_funnel");
  EXPECT_NEAR(value(chain, 0.1, 3).mean, 132.3140, 5e-5);
  EXPECT_NEAR(value(chain, 0.1, 3).sd, 75.6469, 5e-5);
  MigrationChain two = chain;  // nobody goes on, and nothing is paid for it
  two.states[1].amount = 95;
  EXPECT_NEAR(value(two, 0.1, 2).mean, 103.1818, 5e-5);
  two.states[0].amount = 70;  // without effort
  two.states[0].outcomes[0].probability = 0.1;
  two.states[0].outcomes[1].probability = 0.9;
  EXPECT_NEAR(value(two, 0.1, 2).mean, 78.6364, 5e-5);
}

TEST(NamedMethods, WinBack) {
  const MigrationChain chain = model("win_back");
  EXPECT_NEAR(value(chain, 0.01, 60).mean, 604.9154, 5e-5);
  EXPECT_NEAR(value(chain, 0.01, 60).sd, 567.6426, 5e-5);
  const int gone = static_cast<int>(chain.states.size()) - 1;
  EXPECT_NEAR(value(chain, 0.01, 60, gone).mean, 255.3537, 5e-5);
  EXPECT_NEAR(value(chain, 0.01, 5000).mean, 1050.9282, 5e-5);
  EXPECT_NEAR(value(chain, 0.01, 5000, gone).mean, 700.6188, 5e-5);
  // A lever says the same of the chain without win-back, whose one way out of E leads to E.
  MigrationChain levered = chain;
  levered.states.back().outcomes[0].probability = 0;
  levered.states.back().outcomes[1].probability = 1;
  EXPECT_NEAR(value(levered, 0.01, 60).mean, 430.3257, 5e-5);
  levered.levers = {lever(LeverTarget::reactivation, LeverOperation::set, 0.02)};
  EXPECT_NEAR(value(levered, 0.01, 60).mean, 604.9154, 5e-5);
}

TEST(Levers, PairsWithTheirSideEffects) {
  EXPECT_NEAR(value(model("subscription"), 0.01, 1500).mean, 1515, 1e-4);
  struct Pair {
    const char* name;
    double alone, all;
  };
  for (const Pair& pair :
       {Pair{"lever_plan_optimisation", 1782.35, 1485.29}, Pair{"lever_data_services", 1666.50, 1603.375},
        Pair{"lever_self_service", 1616.00, 1436.44}}) {
    MigrationChain chain = with_scenario("subscription", pair.name);
    EXPECT_NEAR(value(chain, 0.01, 1500).mean, pair.all, 5e-3) << pair.name;
    chain.levers[0].effects.resize(1);
    EXPECT_NEAR(value(chain, 0.01, 1500).mean, pair.alone, 5e-3) << pair.name;
  }
  // Where the side effect takes all: a cut of 9.00, and a churn of 3.2667 %.
  MigrationChain even = with_scenario("subscription", "lever_plan_optimisation");
  even.levers[0].effects[1].value = -9;
  EXPECT_NEAR(value(even, 0.01, 1500).mean, 1515, 1e-4);
  even = with_scenario("subscription", "lever_self_service");
  even.levers[0].effects[1].value = 0.032667;
  EXPECT_NEAR(value(even, 0.01, 1500).mean, 1515, 0.02);
}

TEST(Levers, RetentionSensitivity) {
  MigrationChain chain = model("constant_retention");
  const auto rise = [&](double from) {
    chain.levers = {lever(LeverTarget::retention, LeverOperation::set, from)};
    const double before = value(chain, 0.1, 600).mean;
    chain.levers[0].effects[0].value = from + 0.05;
    return value(chain, 0.1, 600).mean / before - 1;
  };
  EXPECT_NEAR(rise(0.80), 0.20, 5e-5);
  EXPECT_NEAR(rise(0.85), 0.25, 5e-5);
  EXPECT_NEAR(rise(0.90), 0.3333, 5e-5);
}

TEST(Levers, DoNotDependOnTheirOrderAndKeepRowsThatTheyDoNotMove) {
  const MigrationChain chain = model("lifecycle_a_e");
  std::vector<Lever> levers{
      lever(LeverTarget::churn, LeverOperation::multiply, 0.9), lever(LeverTarget::churn, LeverOperation::logit, 0.3),
      lever(LeverTarget::churn, LeverOperation::add, 0.01), lever(LeverTarget::amount, LeverOperation::add, 2),
      lever(LeverTarget::amount, LeverOperation::multiply, 1.1)};
  for (std::size_t l = 0; l < levers.size(); ++l) levers[l].name = std::to_string(l);
  MigrationChain one = chain, other = chain;
  one.levers = levers;
  other.levers.assign(levers.rbegin(), levers.rend());
  const ChainMoments a = value(one, 0.01, 40), b = value(other, 0.01, 40);
  EXPECT_EQ(a.mean, b.mean);
  EXPECT_EQ(a.sd, b.sd);
  EXPECT_NE(a.mean, value(chain, 0.01, 40).mean);
  // What multiplies by one changes nothing, to the bit.
  one.levers = {lever(LeverTarget::churn, LeverOperation::multiply, 1)};
  const MigrationChain same = with_levers(one, {true});
  for (std::size_t s = 0; s < chain.states.size(); ++s)
    for (std::size_t k = 0; k < chain.states[s].outcomes.size(); ++k)
      EXPECT_EQ(same.states[s].outcomes[k].probability, chain.states[s].outcomes[k].probability);
}

// Sums and factors of several levers are taken together before they are checked, whatever their order.
TEST(Levers, AreTakenTogether) {
  MigrationChain chain = model("subscription");
  for (const std::vector<double>& by : {std::vector<double>{-0.1, 0.12}, {0.12, -0.1}}) {
    chain.levers.clear();
    for (const double v : by) {
      chain.levers.push_back(lever(LeverTarget::churn, LeverOperation::add, v));
      chain.levers.back().name = std::to_string(v);
    }
    EXPECT_NEAR(value(chain, 0, 2).mean, 60 * (1 + 0.95), 1e-9);
  }
  for (const std::vector<double>& by : {std::vector<double>{0.5, 40}, {40, 0.5}}) {
    chain.levers.clear();
    for (const double v : by) {
      chain.levers.push_back(lever(LeverTarget::churn, LeverOperation::multiply, v));
      chain.levers.back().name = std::to_string(v);
    }
    EXPECT_NEAR(value(chain, 0, 2).mean, 60 * (1 + 0.4), 1e-9);
  }
  // What is set is set, whatever is shifted.
  chain.levers = {lever(LeverTarget::retention, LeverOperation::set, 0.8),
                  lever(LeverTarget::churn, LeverOperation::logit, 3)};
  chain.levers[1].name = "another";
  EXPECT_NEAR(value(chain, 0, 2).mean, 60 * (1 + 0.8), 1e-9);
}

// A state of a model with dwells is the whole stay.
TEST(Levers, AreOnForAWholeStay) {
  MigrationChain chain = model("semi_markov");
  ASSERT_FALSE(chain.part_of.empty());
  const std::string name = chain.states[0].name;
  const TomlFile file = TomlFile::parse(
      "[[lever]]\nname = \"x\"\ntarget = \"amount\"\noperation = \"set\"\nvalue = "
      "1000\nstates = [\"" +
          name + "\"]\n",
      "s.toml");
  const std::vector<Lever> levers = read_levers(file.root(), chain);
  ASSERT_EQ(levers.size(), 1U);
  const auto parts = std::count(chain.part_of.begin(), chain.part_of.end(), 0);
  EXPECT_GT(parts, 1);
  EXPECT_EQ(levers[0].states.size(), static_cast<std::size_t>(parts));
  chain.levers = levers;
  const MigrationChain with = with_levers(chain, {true});
  for (std::size_t s = 0; s < with.states.size(); ++s)
    EXPECT_EQ(with.states[s].amount, chain.part_of[s] == 0 ? 1000 : chain.states[s].amount);
}

// A regime's row stands in place of the model's, and seasons move it.
TEST(Regimes, KeepSeasons) {
  MigrationChain chain = model("seasonal_migration");
  const PeriodGrid grid(make_date(2025, 11, 30), chain.unit);
  const std::vector<double> discount(1, 1.0);
  const double before = exact_moments(chain, chain.start_state, discount, grid).transactions;
  Regime only;
  only.name = "as ever";
  only.start = 1;
  only.transition = {1};
  Regime::Row row;
  row.state = chain.start_state;
  for (const ChainOutcome& outcome : chain.states[static_cast<std::size_t>(row.state)].outcomes)
    row.probabilities.push_back(outcome.probability);
  only.rows.push_back(row);
  chain.regimes.push_back(only);
  EXPECT_NEAR(exact_moments(chain, chain.start_state, discount, grid).transactions, before, 1e-12);
  MigrationChain still = model("seasonal_migration");
  for (ChainCovariate& covariate : still.covariates)
    for (LogitEffect& effect : covariate.effects) effect.effect = 0;
  EXPECT_GT(std::abs(exact_moments(still, still.start_state, discount, grid).transactions - before), 0.01);
}

TEST(Levers, WindowsStatesAndSegments) {
  MigrationChain chain = model("subscription");
  const double before = value(chain, 0, 3).mean;  // 60 (1 + .97 + .97^2)
  chain.levers = {lever(LeverTarget::churn, LeverOperation::set, 0)};
  chain.levers[0].first_period = 2;
  chain.levers[0].last_period = 2;
  EXPECT_NEAR(value(chain, 0, 3).mean, 60 * (1 + 0.97 + 0.97), 1e-9);
  chain.levers[0].states = {0};
  EXPECT_NEAR(value(chain, 0, 3).mean, 60 * (1 + 0.97 + 0.97), 1e-9);
  chain.levers[0].segments = {"web"};
  EXPECT_EQ(value(chain, 0, 3).mean, before);
  const PeriodGrid grid(Date{0}, chain.unit);
  EXPECT_NEAR(exact_moments(chain, 0, {1, 1, 1}, grid, "web").mean, 60 * (1 + 0.97 + 0.97), 1e-9);
  chain.levers = {lever(LeverTarget::churn, LeverOperation::multiply, 1)};
  chain.levers[0].cost = 5;
  EXPECT_NEAR(value(chain, 0, 3).mean, before * 55 / 60, 1e-9);
}

// Amounts that change in a window, as one chain of the engine that has them all.
TEST(Levers, SharedAmountsKeepEveryMoment) {
  MigrationChain chain = model("lifecycle_a_e");
  chain.levers = {lever(LeverTarget::amount, LeverOperation::multiply, 1.5),
                  lever(LeverTarget::churn, LeverOperation::logit, 0.2)};
  chain.levers[0].first_period = 3;
  chain.levers[0].last_period = 7;
  chain.levers[0].states = {1, 2};
  chain.levers[1].name = "another";
  chain.levers[1].first_period = 5;
  std::vector<MigrationChain> chains;
  for (const auto& on : {std::vector<bool>{false, false}, {true, false}, {true, true}, {false, true}})
    chains.push_back(with_levers(chain, on));
  const std::vector<MigrationChain> before = chains;
  share_amounts(chains);
  EXPECT_EQ(chains[0].states[0].outcomes.size(), before[0].states[0].outcomes.size()) << "not moved by money";
  EXPECT_EQ(chains[0].states[1].outcomes.size(), 2 * before[0].states[1].outcomes.size());
  for (std::size_t c = 0; c < chains.size(); ++c) {
    EXPECT_NO_THROW(check(chains[c]));
    const ChainMoments a = value(chains[c], 0.01, 20), b = value(before[c], 0.01, 20);
    EXPECT_NEAR(a.mean, b.mean, 1e-9);
    EXPECT_NEAR(a.sd, b.sd, 1e-9);
    for (std::size_t s = 0; s < chain.states.size(); ++s) {
      EXPECT_EQ(chains[c].states[s].amount, chains[0].states[s].amount);
      for (std::size_t k = 0; k < chains[c].states[s].outcomes.size(); ++k)
        EXPECT_EQ(chains[c].states[s].outcomes[k].amount, chains[0].states[s].outcomes[k].amount);
    }
  }
}

TEST(Levers, MoneyInAWindow) {
  MigrationChain chain = model("subscription");
  chain.levers = {lever(LeverTarget::amount, LeverOperation::add, -60)};
  chain.levers[0].first_period = 2;
  chain.levers[0].last_period = 3;
  EXPECT_NEAR(value(chain, 0, 4).mean, 60 + 60 * 0.97 * 0.97 * 0.97, 1e-9);
}

// 1,000 and a million customers who share two regimes (methods of the model's file).
TEST(Regimes, ArePairCovariances) {
  const MigrationChain chain = model("two_regimes");
  std::vector<double> discount;
  for (int t = 0; t < 400; ++t) discount.push_back(std::pow(0.95, t));
  const PeriodGrid grid(Date{0}, chain.unit);
  const auto relative = [&](std::int64_t n) {
    const PortfolioMoments of = exact_portfolio(chain, {6 * n / 10, 4 * n / 10, 0}, discount, grid);
    return std::pair(100 * of.sd_independent / of.mean, 100 * of.sd / of.mean);
  };
  EXPECT_NEAR(relative(1000).first, 1.98, 5e-3);
  EXPECT_NEAR(relative(1000).second, 18.7, 5e-2);
  EXPECT_NEAR(relative(1000000).first, 0.06, 5e-3);
  EXPECT_NEAR(relative(1000000).second, 18.6, 5e-2);
  // One customer is a customer, and pairs without a shared world have no covariance.
  const ChainMoments one = exact_moments(chain, 0, discount, grid);
  const PortfolioMoments alone = exact_portfolio(chain, {1, 0, 0}, discount, grid);
  EXPECT_NEAR(alone.mean, one.mean, 1e-9);
  EXPECT_NEAR(alone.sd, one.sd, 1e-9);
  MigrationChain still = chain;
  still.regimes.pop_back();
  still.regimes[0].transition = {1};
  const PortfolioMoments many = exact_portfolio(still, {600, 400, 0}, discount, grid);
  EXPECT_NEAR(many.sd, many.sd_independent, 1e-6);
}

// Every path of two regimes over three periods, and of a customer, by hand.
TEST(Regimes, MomentsAreThoseOfEveryPath) {
  const MigrationChain chain = model("two_regimes");
  const PeriodGrid grid(Date{0}, chain.unit);
  const ChainMoments exact = exact_moments(chain, 0, {1, 0.9, 0.8}, grid);
  const std::vector<double> discount{1, 0.9, 0.8};
  double mean = 0, square = 0;
  for (int path = 0; path < 2 * 2 * 2 * 27; ++path) {
    int regime[3] = {path & 1, path >> 1 & 1, path >> 2 & 1}, move[3] = {path / 8 % 3, path / 24 % 3, path / 72};
    double p = chain.regimes[static_cast<std::size_t>(regime[0])].start, sum = 0;
    std::size_t state = 0;
    for (std::size_t t = 0; t < 3; ++t) {
      const Regime& now = chain.regimes[static_cast<std::size_t>(regime[t])];
      const auto k = static_cast<std::size_t>(move[t]);
      const bool has_row = !now.rows.empty() && state < 2;
      sum += discount[t] * (has_row ? *now.rows[state].amount : chain.states[state].amount);
      if (state == 2)
        p *= k == 0 ? 1 : 0;
      else
        p *= has_row ? now.rows[state].probabilities[k] : chain.states[state].outcomes[k].probability;
      if (state != 2) state = k;
      if (t < 2) p *= now.transition[static_cast<std::size_t>(regime[t + 1])];
    }
    mean += p * sum;
    square += p * sum * sum;
  }
  EXPECT_NEAR(exact.mean, mean, 1e-12);
  EXPECT_NEAR(exact.sd, std::sqrt(square - mean * mean), 1e-10);
}

TEST(Levers, WhatCannotBeIsRefused) {
  const auto message = [](const MigrationChain& chain) -> std::string {
    try {
      (void)value(chain, 0, 3);
    } catch (const ConfigError& e) {
      return e.what();
    }
    return "";
  };
  MigrationChain chain = model("lifecycle_a_e");
  const auto with = [&](const std::function<void(Lever&)>& change) {
    chain.levers = {lever(LeverTarget::churn, LeverOperation::multiply, 0.9)};
    change(chain.levers[0]);
    return message(chain);
  };
  EXPECT_EQ(with([](Lever&) {}), "");
  EXPECT_THAT(with([](Lever& l) { l.effects[0].value = 11; }), HasSubstr("makes a probability of"));
  EXPECT_THAT(with([](Lever& l) { l.effects[0].value = -1; }), HasSubstr("multiplies a probability by -1"));
  EXPECT_THAT(with([](Lever& l) {
                l.effects[0] = {LeverTarget::purchase, LeverOperation::multiply, 2};
              }),
              HasSubstr("moves no probability"));
  EXPECT_THAT(with([](Lever& l) {
                l.effects[0] = {LeverTarget::churn, LeverOperation::set, 1.5};
              }),
              HasSubstr("sets a probability to 1.5"));
  EXPECT_THAT(with([](Lever& l) {
                l.effects[0] = {LeverTarget::amount, LeverOperation::logit, 1};
              }),
              HasSubstr("logit of money"));
  EXPECT_THAT(with([](Lever& l) {
                l.effects[0] = {LeverTarget::spend, LeverOperation::add, 1};
              }),
              HasSubstr("multiply it"));
  EXPECT_THAT(with([](Lever& l) { l.effects.clear(); }), HasSubstr("'target'"));
  EXPECT_THAT(with([](Lever& l) { l.name.clear(); }), HasSubstr("'name'"));
  EXPECT_THAT(with([](Lever& l) { l.states = {9}; }), HasSubstr("'states'"));
  EXPECT_THAT(with([](Lever& l) { l.first_period = 0; }), HasSubstr("'first_period'"));
  EXPECT_THAT(with([](Lever& l) { l.cost = -1; }), HasSubstr("'cost'"));
  chain.levers = {lever(LeverTarget::churn, LeverOperation::set, 0.1),
                  lever(LeverTarget::churn, LeverOperation::set, 0.2)};
  chain.levers[1].name = "another";
  EXPECT_THAT(message(chain), HasSubstr("set probabilities of the state"));
  // A row's churn is what its retention leaves.
  chain.levers[1].effects[0].target = LeverTarget::retention;
  EXPECT_THAT(message(chain), HasSubstr("set probabilities of the state"));
  for (Lever& of : chain.levers) of.effects[0] = {LeverTarget::amount, LeverOperation::set, 7};
  EXPECT_THAT(message(chain), HasSubstr("set the amount of the state"));
  chain.levers[0].effects[0] = {LeverTarget::spend, LeverOperation::multiply, 2};
  EXPECT_THAT(message(chain), HasSubstr("none of its states has any that bring something"));
  chain.levers[0] = lever(LeverTarget::churn, LeverOperation::multiply, 0.9);
  chain.levers.pop_back();
  chain.levers[0].segments = {""};
  EXPECT_THAT(message(chain), HasSubstr("'segments'"));
  chain.levers[0].segments.clear();
  chain.measure = Measure::revenue;
  chain.levers[0].cost = 1;
  EXPECT_THAT(message(chain), HasSubstr("of a model of revenue"));
  chain = model("two_regimes");
  chain.regimes[0].start = 0.5;
  EXPECT_THAT(message(chain), HasSubstr("starts that sum to 0.5"));
  chain.regimes[0].start = 1;
  chain.regimes[1].transition = {0.5, 0.6};
  EXPECT_THAT(message(chain), HasSubstr("no. 2 ('recession') has a transition"));
  chain.regimes[1].transition = {0.5, 0.5};
  chain.regimes[1].rows[0].probabilities.pop_back();
  EXPECT_THAT(message(chain), HasSubstr("has a row of 'new'"));
  chain = model("lifecycle_differing");
  chain.levers = {lever(LeverTarget::churn, LeverOperation::multiply, 0.9)};
  EXPECT_THAT(message(chain), HasSubstr("stands beside concentrations"));
}

}  // namespace
}  // namespace clvsim
