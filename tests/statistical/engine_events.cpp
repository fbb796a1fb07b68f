// The event sampler against closed forms: its laws of stays, its jumps, and the moments that follow.
#include "host/run/event_tables.hpp"
#include "kernels/path/simulator.hpp"
#include "tests/support/chains.hpp"
#include "tests/support/engine_outcome.hpp"
#include "tests/support/engine_run.hpp"
#include "tests/support/statistical.hpp"

#include <clvsim/error.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

namespace clvsim {
namespace {

SimulationOptions event_options(int horizon, std::uint32_t n_paths, double rate = 0) {
  SimulationOptions options = test::options(horizon, n_paths, rate);
  options.sampler = StepSampler::event;
  options.periods = false;
  return options;
}

// The state of every period of a path.
struct StateSink {
  std::vector<std::uint32_t> states;
  void purchase(std::uint32_t, std::int64_t) { ADD_FAILURE(); }
  void refund(std::uint32_t, std::int64_t) { ADD_FAILURE(); }
  void period_end(std::uint32_t, const kernels::PeriodOutcome& outcome) { states.push_back(outcome.state); }
};

// How many of n paths stay k + 1 periods in state 0, and how many leave it for each state.
struct Stays {
  std::vector<double> periods, to;
};

Stays stays(const MigrationChain& chain, const std::vector<DwellLaw>& laws, std::uint32_t n, std::uint32_t horizon) {
  ChainTables tables = pack(chain, 2);
  add_event_tables(tables, laws);
  Stays found{std::vector<double>(horizon + 1), std::vector<double>(chain.states.size())};
  for (std::uint32_t p = 0; p < n; ++p) {
    StateSink sink;
    kernels::walk(tables.view(kernels::Sampler::event), {.hash = 11}, p, 5, horizon, sink);
    const auto left = std::find_if(sink.states.begin(), sink.states.end(), [](std::uint32_t s) { return s != 0; });
    found.periods[static_cast<std::size_t>(left - sink.states.begin())] += 1;
    if (left != sink.states.end()) found.to[*left] += 1;
  }
  return found;
}

// Pearson's statistic against a distribution, cells of an expected count below 10 taken together.
struct ChiSquare {
  double statistic = 0;
  int degrees = -1;
};

ChiSquare chi_square(const std::vector<double>& count, const std::vector<double>& probability, double n) {
  ChiSquare result;
  double observed = 0, expected = 0;
  const auto close = [&] {
    result.statistic += (observed - expected) * (observed - expected) / expected;
    ++result.degrees;
    observed = expected = 0;
  };
  for (std::size_t k = 0; k < count.size(); ++k) {
    observed += count[k];
    expected += n * probability[k];
    if (expected >= 10) close();
  }
  if (expected > 0) close();
  return result;
}

// Within six standard deviations of what chance gives: a false alarm in some 10^7, by Wilson & Hilferty's (1931) normal
// approximation of the cube root.
::testing::AssertionResult follows(const std::vector<double>& count, const std::vector<double>& probability, double n) {
  const ChiSquare chi = chi_square(count, probability, n);
  const double d = chi.degrees, a = 2 / (9 * d);
  const double z = (std::cbrt(chi.statistic / d) - (1 - a)) / std::sqrt(a);
  if (d >= 1 && z < 6) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << "chi-square " << chi.statistic << " of " << d << " degrees, z = " << z;
}

// P(stay lasts k + 1 periods), the last element what is left beyond the horizon.
std::vector<double> seen(const std::vector<double>& law, std::size_t horizon) {
  std::vector<double> result(horizon + 1);
  for (std::size_t k = 0; k < law.size(); ++k) result[std::min(k, horizon)] += law[k];
  return result;
}

std::vector<double> geometric(double q, std::size_t length) {
  std::vector<double> law(length);
  for (std::size_t k = 0; k < length; ++k) law[k] = std::pow(q, static_cast<double>(k)) * (1 - q);
  law.back() = std::pow(q, static_cast<double>(length - 1));
  return law;
}

// Three states, the first left for the second three times as often as for the third.
MigrationChain leaving(double stay) {
  MigrationChain chain;
  chain.states = {test::state("here", {test::outcome(0, stay), test::outcome(1, 0.75 * (1 - stay)),
                                       test::outcome(2, 0.25 * (1 - stay))}),
                  test::state("near", {test::outcome(1, 1)}), test::state("far", {test::outcome(2, 1)}, false)};
  if (stay == 0) chain.states[0].outcomes.erase(chain.states[0].outcomes.begin());
  return chain;
}

// Beyond the longest class the law goes on: 32 classes for short stays, 64 for long ones.
TEST(Events, StaysAreGeometric) {
  constexpr std::uint32_t n = 200000;
  for (const double stay : {0.0, 0.3, 0.875, 0.95, 0.99}) {
    constexpr std::uint32_t horizon = 150;
    const Stays found = stays(leaving(stay), {}, n, horizon);
    if (stay == 0) {
      EXPECT_EQ(found.periods[0], n);
    } else {
      EXPECT_TRUE(follows(found.periods, geometric(stay, horizon + 1), n)) << stay;
      EXPECT_FALSE(follows(found.periods, geometric(stay + 0.009, horizon + 1), n)) << stay;
    }
    EXPECT_TRUE(test::share_agrees(found.to[1], found.to[1] + found.to[2], 0.75, 0.015)) << stay;
  }
}

// A law that no geometric one resembles, shorter and longer than the classes.
std::vector<double> two_humps(std::size_t length) {
  std::vector<double> law(length);
  double sum = 0;
  for (std::size_t k = 0; k < length; ++k) {
    const double x = static_cast<double>(k) / static_cast<double>(length);
    sum += law[k] =
        k % 4 == 3 ? 0 : std::exp(-40 * (x - 0.2) * (x - 0.2)) + 0.7 * std::exp(-90 * (x - 0.8) * (x - 0.8));
  }
  for (double& p : law) p /= sum;
  return law;
}

TEST(Events, StaysFollowAGivenLaw) {
  constexpr std::uint32_t n = 200000;
  for (const std::size_t length : {1U, 2U, 31U, 32U, 33U, 63U, 64U, 65U, 127U, 200U}) {
    const std::vector<double> law = two_humps(length);
    const Stays found = stays(leaving(0), {law}, n, 220);
    if (length == 1) {
      EXPECT_EQ(found.periods[0], n);
      continue;
    }
    EXPECT_TRUE(follows(found.periods, seen(law, 220), n)) << length;
    EXPECT_TRUE(test::share_agrees(found.to[1], n, 0.75, 0.01)) << length;
    for (std::size_t k = 3; k < length; k += 4) EXPECT_EQ(found.periods[k], 0) << length;
  }
}

// A dwell law given as what self-loops give is the chain itself.
TEST(Events, AGeometricLawIsTheChain) {
  constexpr std::uint32_t n = 100000;
  const std::vector<double> law = geometric(0.9, 400);
  const Stays found = stays(leaving(0), {law}, n, 100);
  EXPECT_TRUE(follows(found.periods, geometric(0.9, 101), n));
}

// Mean and second moment of the discounted value of a semi-Markov process, by states (Howard 1971; the recursion of the
// renewal argument at a state's entry): with the generating function D~(v) = E v^D of the stay, r a period,
//   m  = r (1 - D~(v)) / (1 - v) + D~(v) P m
//   m2 = r^2 (1 - 2 D~(v) + D~(v^2)) / (1 - v)^2 + 2 r (D~(v) - D~(v^2)) / (1 - v) P m + D~(v^2) P m2
TEST(Events, SemiMarkovMomentsEqualTheClosedForm) {
  MigrationChain chain;
  chain.states = {test::state("A", {test::outcome(1, 0.6), test::outcome(2, 0.4)}, true, 20),
                  test::state("B", {test::outcome(0, 0.5), test::outcome(2, 0.2), test::outcome(3, 0.3)}, true, 50),
                  test::state("C", {test::outcome(0, 0.3), test::outcome(3, 0.7)}, true, -5),
                  test::state("gone", {test::outcome(3, 1)}, false)};
  const std::vector<DwellLaw> laws{two_humps(9), two_humps(40), two_humps(100), {}};
  constexpr double v = 1 / 1.03;
  constexpr int horizon = 600;  // v^600 is 2e-8
  double m[4] = {}, m2[4] = {};
  for (int sweep = 0; sweep < 2000; ++sweep) {
    for (std::size_t s = 0; s < 3; ++s) {
      double d1 = 0, d2 = 0, next = 0, next2 = 0;
      for (std::size_t k = 0; k < laws[s].size(); ++k) {
        d1 += laws[s][k] * std::pow(v, static_cast<double>(k + 1));
        d2 += laws[s][k] * std::pow(v * v, static_cast<double>(k + 1));
      }
      for (const ChainOutcome& outcome : chain.states[s].outcomes) {
        next += outcome.probability * m[outcome.to];
        next2 += outcome.probability * m2[outcome.to];
      }
      const double r = chain.states[s].amount;
      m[s] = r * (1 - d1) / (1 - v) + d1 * next;
      m2[s] = r * r * (1 - 2 * d1 + d2) / ((1 - v) * (1 - v)) + 2 * r * (d1 - d2) / (1 - v) * next + d2 * next2;
    }
  }
  const std::vector<double> discount =
      discount_factors({0.03, RatePeriod::month, DiscountConvention::first}, PeriodUnit::month, horizon);
  for (std::size_t s = 0; s < 3; ++s) {
    ChainTables tables = pack(chain, 2, discount);
    add_event_tables(tables, laws);
    const kernels::MigrationChainView view = tables.view(kernels::Sampler::event);
    struct ValueSink {
      std::int64_t value = 0;
      void purchase(std::uint32_t, std::int64_t) { ADD_FAILURE(); }
      void refund(std::uint32_t, std::int64_t) { ADD_FAILURE(); }
      void period_end(std::uint32_t, const kernels::PeriodOutcome& outcome) { value += outcome.value; }
    };
    std::vector<double> values, squares;
    for (std::uint32_t p = 0; p < 160000; ++p) {
      ValueSink sink;
      kernels::walk(view, {.hash = 21, .state = static_cast<std::uint32_t>(s)}, p, 9, horizon, sink);
      values.push_back(static_cast<double>(kernels::MigrationChainModel::path_value(view, sink.value)) / 25600);
      squares.push_back(values.back() * values.back());
    }
    EXPECT_TRUE(test::mean_agrees(values, m[s], 0.05 * std::sqrt(m2[s]))) << s;
    EXPECT_TRUE(test::mean_agrees(squares, m2[s], 0.08 * m2[s])) << s;
  }
}

// Rare events are exact, over 10^9 path-steps: see Sampler.RareEventsHaveTheirProbability.
TEST(Events, RareEventsHaveTheirProbability) {
  constexpr double hazard = 1e-5;
  constexpr int horizon = 1000;
  constexpr std::uint32_t n_paths = 1000000;
  const MigrationChain chain = test::constant_hazard(hazard);
  const test::EngineRun run = test::run_engine(1, chain, event_options(horizon, n_paths));
  const double still_here = std::pow(1 - hazard, horizon);
  const double error = std::sqrt(still_here * (1 - still_here) / n_paths);
  EXPECT_NEAR(run.results.p_active[0], still_here, 4 * error);
  EXPECT_NEAR(run.results.mean[0], (1 - still_here) / hazard, 4 * run.results.se[0]);
}

// Mean, spread, activity and purchases are those of the chain, as the alias sampler's are; the quantiles of the two
// samplers agree.
TEST(Events, AgreeWithTheChainAndTheAliasSampler) {
  const std::vector<MigrationChain> chains{test::life_cycle(), test::dwyer_migration(), test::dwyer_retention(),
                                           test::mixed_chain(8, 7, 40), test::mixed_chain(28, 2, 90)};
  for (const MigrationChain& chain : chains) {
    const int horizon = chain.states.size() > 8 ? 3 : 30;
    SimulationOptions options = event_options(horizon, 400000, 0.01);
    const ChainMoments exact =
        exact_moments(chain, chain.start_state, discount_factors(options.discounting, chain.unit, horizon));
    const test::EngineRun run = test::run_engine(1, chain, options);
    const CustomerResults& event = run.results;
    EXPECT_EQ(run.info.sampler, "philox4x32-10 event 1");
    EXPECT_TRUE(test::agrees(event.mean[0], event.se[0], exact.mean, 0.05 * exact.sd));
    EXPECT_TRUE(test::agrees(event.sd[0], event.sd_se[0], exact.sd, 0.05 * exact.sd));
    EXPECT_TRUE(test::agrees(event.p_active[0], std::max(event.p_active_se[0], 1e-9), exact.p_active, 0.01));
    EXPECT_TRUE(test::agrees(event.transactions_mean[0], std::max(event.transactions_se[0], 1e-9), exact.transactions,
                             0.05 + 0.02 * exact.transactions));
    options.sampler = StepSampler::alias;
    const CustomerResults alias = test::run_engine(1, chain, options).results;
    for (std::size_t q = 0; q < event.quantile.size(); ++q) {
      const double error = std::hypot(event.quantile_se[q], alias.quantile_se[q]);
      EXPECT_NEAR(event.quantile[q], alias.quantile[q], 6 * error + 1e-9) << q;
    }
    EXPECT_NEAR(event.cvar[0], alias.cvar[0], 6 * std::hypot(event.cvar_se[0], alias.cvar_se[0]));
  }
}

std::string message_of(const MigrationChain& chain, const std::vector<DwellLaw>& laws) {
  ChainTables tables = pack(chain, 2);
  try {
    add_event_tables(tables, laws);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

TEST(Events, LawsThatAreNoneAreRefused) {
  const MigrationChain chain = leaving(0);
  EXPECT_EQ(message_of(chain, {{0.5, 0.5}}), "");
  EXPECT_NE(message_of(chain, {{0.5, 0.6}}).find("sum to 1.1; make them sum to 1"), std::string::npos);
  EXPECT_NE(message_of(chain, {{1.5, -0.5}}).find("of 2 periods; give a number in 0 to 1"), std::string::npos);
  EXPECT_NE(message_of(chain, {{std::nan(""), 1}}).find("of 1 periods"), std::string::npos);
  EXPECT_NE(message_of(leaving(0.5), {{1.0}}).find("leads back to it; leave it out"), std::string::npos);
}

// A stay is drawn for all its periods at once: they must have one table.
TEST(Events, TablesThatChangeAreRefused) {
  ChainProgram program;
  program.chains = {leaving(0.5), leaving(0.6)};
  program.chain_of = {0, 1, 0};
  ChainTables tables = pack(program, 2, {1, 1, 1});
  EXPECT_THROW(add_event_tables(tables), ConfigError);
}

TEST(Events, DrawnSpendIsRefused) {
  try {
    test::run_engine(1, test::with_spend(), event_options(3, 100));
    ADD_FAILURE() << "ran";
  } catch (const ConfigError& error) {
    EXPECT_NE(std::string(error.what()).find("use --sampler alias"), std::string::npos);
  }
}

}  // namespace
}  // namespace clvsim
