// Draws of a chain's probabilities: Dirichlet rows, shared by tied states and by all customers of a path.
#include "tests/support/chains.hpp"
#include "tests/support/statistical.hpp"

#include <clvsim/error.hpp>
#include <clvsim/simulate.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

namespace clvsim {
namespace {

using testing::HasSubstr;

// Rows of which n periods were seen; the second state shares the first's; what is gone is gone.
MigrationChain counted(double n) {
  MigrationChain chain;
  chain.states = {
      test::state("high", {test::outcome(0, 0.85), test::outcome(1, 0.1), test::outcome(2, 0.05)}, true, 100),
      test::state("low", {test::outcome(0, 0.85), test::outcome(1, 0.1), test::outcome(2, 0.05)}, true, 20),
      test::state("new", {test::outcome(1, 0.6), test::outcome(2, 0.4)}, true, 10),
      test::state("gone", {test::outcome(3, 1)}, false)};
  for (ChainState& state : chain.states)
    for (ChainOutcome& outcome : state.outcomes)
      outcome.standard_error = std::sqrt(outcome.probability * (1 - outcome.probability) / (n + 1));
  chain.start_state = 0;
  return chain;
}

TEST(ChainDraws, AreDirichletRows) {
  constexpr std::uint32_t n_draws = 100000;
  constexpr double n = 30;
  const MigrationChain chain = counted(n);
  const auto draws = draw_chains(chain, n_draws, 4);
  const auto values = [&](const auto& of) {
    std::vector<double> all;
    for (const MigrationChain& draw : draws) all.push_back(of(draw));
    return all;
  };
  for (std::size_t k = 0; k < 3; ++k) {
    const double p = chain.states[0].outcomes[k].probability;
    EXPECT_TRUE(test::mean_agrees(values([&](const MigrationChain& c) { return c.states[0].outcomes[k].probability; }),
                                  p, 0.0025));
    EXPECT_TRUE(test::mean_agrees(
        values([&](const MigrationChain& c) { return std::pow(c.states[0].outcomes[k].probability - p, 2); }),
        p * (1 - p) / (n + 1), 0.00025));
  }
  EXPECT_TRUE(test::mean_agrees(values([&](const MigrationChain& c) {
                                  const auto& row = c.states[0].outcomes;
                                  return (row[0].probability - 0.85) * (row[1].probability - 0.1);
                                }),
                                -0.85 * 0.1 / (n + 1), 0.00025));
  // Independent of the first.
  EXPECT_TRUE(test::mean_agrees(values([&](const MigrationChain& c) {
                                  return (c.states[0].outcomes[0].probability - 0.85) *
                                         (c.states[2].outcomes[0].probability - 0.6);
                                }),
                                0, 0.00025));
  for (const MigrationChain& draw : {draws[0], draws[77]}) {
    EXPECT_NO_THROW(check(draw));
    for (std::size_t k = 0; k < 3; ++k)
      EXPECT_EQ(draw.states[0].outcomes[k].probability, draw.states[1].outcomes[k].probability);
    EXPECT_EQ(draw.states[3].outcomes[0].probability, 1);
  }
  EXPECT_EQ(draw_chains(chain, 3, 4)[2].states[0].outcomes[0].probability, draws[2].states[0].outcomes[0].probability);
  EXPECT_NE(draw_chains(chain, 3, 5)[2].states[0].outcomes[0].probability, draws[2].states[0].outcomes[0].probability);
}

TEST(ChainDraws, AreRefusedWhereNothingIsKnownOfThem) {
  const auto refusal = [](MigrationChain chain, const auto& spoil) -> std::string {
    spoil(chain);
    try {
      (void)draw_chains(chain, 2, 1);
    } catch (const ConfigError& error) {
      return error.what();
    }
    return "accepted";
  };
  EXPECT_THAT(refusal(counted(30),
                      [](MigrationChain& c) {
                        for (ChainState& s : c.states)
                          for (ChainOutcome& o : s.outcomes) o.standard_error = 0;
                      }),
              HasSubstr("leave --parameter-draws out"));
  EXPECT_THAT(refusal(counted(30), [](MigrationChain& c) { c.states[2].outcomes[0].standard_error = 0.9; }),
              HasSubstr("state 'new'"));
}

// The parameters' part of a total's variance grows with the square of the number of customers: it is shared. The law of
// total variance, both parts exact given the draws.
TEST(ChainDraws, AreSharedByTheCustomersOfAPath) {
  constexpr std::uint32_t n_draws = 50, n_paths = 20000;
  const MigrationChain chain = counted(200);
  SimulationOptions options;
  options.horizon = 12;
  options.n_paths = n_paths;
  options.parameter_draws = n_draws;
  options.seed = 9;
  options.discounting = {0.01, RatePeriod::month, DiscountConvention::first};
  const std::vector<double> weight = discount_factors(options.discounting, chain.unit, options.horizon);
  double mean = 0, within = 0, squares = 0;
  for (const MigrationChain& draw : draw_chains(chain, n_draws, options.seed)) {
    const ChainMoments moments = exact_moments(draw, 0, weight);
    mean += moments.mean / n_draws;
    squares += moments.mean * moments.mean / n_draws;
    within += moments.sd * moments.sd / n_draws;
  }
  const double between = squares - mean * mean;
  double known_sd = 0;
  for (const std::int64_t n_customers : {1, 100}) {
    const auto n = static_cast<double>(n_customers);
    const RunInfo run = simulate_customers(n_customers, chain, options, {}, false);
    const double variance = n * within + n * n * between;
    EXPECT_NEAR(run.total.mean.mean, n * mean, 4 * std::sqrt(n * within / n_paths));
    EXPECT_NEAR(run.total.sd.mean / std::sqrt(variance), 1, 0.03) << n_customers;
    SimulationOptions known = options;
    known.parameter_draws = 0;
    known_sd = simulate_customers(n_customers, chain, known, {}, false).total.sd.mean;
  }
  // Of a hundred customers already, what is not known of the probabilities is more than the customers' own chance.
  EXPECT_GT(100 * 100 * between, 100 * within);
  EXPECT_LT(known_sd, 0.8 * std::sqrt(100 * within + 100 * 100 * between));
  options.parameter_draws = n_paths + 1;
  EXPECT_THROW((void)simulate_customers(1, chain, options, {}, false), ConfigError);
}

}  // namespace
}  // namespace clvsim
