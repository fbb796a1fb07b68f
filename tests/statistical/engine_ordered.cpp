// Ordered steps: rare outcomes, the next state as a function of the uniform, and pairs of models that share their
// draws.
#include "host/run/chain_tables.hpp"
#include "kernels/path/simulator.hpp"
#include "tests/support/chains.hpp"
#include "tests/support/engine_outcome.hpp"
#include "tests/support/engine_run.hpp"
#include "tests/support/statistical.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <vector>

namespace clvsim {
namespace {

using kernels::PathDraws;
using kernels::Purpose;
using kernels::Sampler;
using test::outcome;
using test::state;

// The states of a path after every period.
struct StatesSink {
  std::vector<std::uint32_t> states{};
  void purchase(std::uint32_t, std::int64_t) {}
  void refund(std::uint32_t, std::int64_t) {}
  void period_end(std::uint32_t, const kernels::PeriodOutcome& outcome) { states.push_back(outcome.state); }
};

std::vector<std::uint32_t> states_of(const kernels::MigrationChainView& chain, std::uint32_t start, std::uint32_t path,
                                     std::uint32_t horizon, std::uint32_t segment = 0) {
  StatesSink sink;
  kernels::walk(chain, {.hash = 3, .state = start, .segment = segment}, path, 1, horizon, sink);
  return sink.states;
}

// The 48 bits that decide the first step of a path.
std::uint64_t uniform_of(std::uint32_t path) {
  const std::uint32_t both = PathDraws{1, 3, path / 2}({Purpose::ordered_pair, 0}).x;
  const std::uint64_t x = path % 2 == 0 ? both & 0xFFFF : both >> 16;
  return x << 32 | PathDraws{1, 3, path}({Purpose::ordered_tie, 0}).x;
}

TEST(OrderedSteps, AreTheInverseCdfOfTheirUniform) {
  constexpr std::uint32_t n_paths = 60000;
  for (const MigrationChain& chain : {test::life_cycle(), test::mixed_chain(16, 16, 1), test::mixed_chain(16, 7, 1)}) {
    const ChainTables tables = pack(chain, 2);
    for (std::uint32_t start = 0; start < chain.states.size(); start += 3) {
      std::vector<double> probability(chain.states.size());
      for (const ChainOutcome& o : chain.states[start].outcomes) {
        probability[static_cast<std::size_t>(o.to)] += o.probability;
      }
      for (std::uint32_t path = 0; path < n_paths; ++path) {
        const std::uint32_t at = states_of(tables.view(Sampler::ordered), start, path, 1)[0];
        double below = 0;
        for (std::uint32_t s = 0; s < at; ++s) below += probability[s];
        const double u = static_cast<double>(uniform_of(path)) * 0x1p-48;
        constexpr double rounding = 1e-13;
        ASSERT_GE(u, below - rounding) << path;
        ASSERT_LE(u, below + probability[at] + rounding) << path;
      }
    }
  }
}

// So near to each other that 16 bits cannot tell them apart, at both ends of the row and in its middle; several
// thresholds to a cell of the 16 bits.
TEST(OrderedSteps, RareOutcomesHaveTheirProbability) {
  constexpr double rare = 1e-5;
  MigrationChain chain;
  const std::vector<ChainOutcome> row{outcome(0, rare),     outcome(1, 0.5 - rare),     outcome(2, rare),
                                      outcome(3, 2 * rare), outcome(4, 0.5 - 6 * rare), outcome(5, 3 * rare)};
  for (int s = 0; s < 6; ++s) chain.states.push_back(state("s" + std::to_string(s), row));
  const ChainTables tables = pack(chain, 2);
  constexpr std::uint32_t n_paths = 80000, horizon = 1000;
  std::vector<double> count(6);
  for (std::uint32_t path = 0; path < n_paths; ++path) {
    for (const std::uint32_t s : states_of(tables.view(Sampler::ordered), 1, path, horizon)) count[s] += 1;
  }
  for (std::size_t s = 0; s < 6; ++s) {
    EXPECT_TRUE(test::share_agrees(count[s], 1.0 * n_paths * horizon, row[s].probability, s % 3 == 1 ? 1e-3 : 0.6e-5))
        << s;
  }
}

// Chances of a period on a ladder of levels 1 to 8, below which is 0, lost: the rest goes a level down.
struct Chances {
  double lost, stay, up;
};
// Rows ascend stochastically with the level; and with the chances where mass moves up.
MigrationChain ladder(Chances of) {
  MigrationChain chain;
  constexpr int top = 8;
  chain.states.push_back(state("lost", {outcome(0, 1)}, false));
  for (int s = 1; s <= top; ++s) {
    // In no order: it is the states' order that counts.
    chain.states.push_back(
        state("level " + std::to_string(s),
              {outcome(std::min(s + 1, top), of.up, 10.0 * s, true), outcome(0, of.lost), outcome(s, of.stay, 10.0 * s),
               outcome(std::max(s - 1, 1), 1 - of.lost - of.stay - of.up)}));
  }
  chain.start_state = 4;
  return chain;
}
MigrationChain retaining(double retention) { return ladder({1 - retention, 0.6 * retention, 0.2 * retention}); }

// Paths in which the model with the higher retention is ever below the other one, of all paths.
double share_below(Sampler sampler, const ChainTables& base, const ChainTables& raised, std::uint32_t n_paths,
                   std::uint32_t horizon, std::uint32_t n_segments = 1) {
  double n_below = 0;
  for (std::uint32_t path = 0; path < n_paths; ++path) {
    const auto low = states_of(base.view(sampler), 2, path, horizon, path % n_segments),
               high = states_of(raised.view(sampler), 2, path, horizon, path % n_segments);
    bool below = false;
    for (std::uint32_t t = 0; t < horizon; ++t) below |= high[t] < low[t];
    n_below += below ? 1 : 0;
  }
  return n_below / n_paths;
}

// A lever that raises retention never lowers a path. By alias steps it does, in some.
TEST(OrderedSteps, ARaisedRetentionLowersNoPath) {
  constexpr std::uint32_t n_paths = 20000, horizon = 36;
  for (const double retention : {0.5, 0.8, 0.95}) {
    const ChainTables base = pack(retaining(retention), 2), raised = pack(retaining(retention + 0.02), 2);
    EXPECT_EQ(share_below(Sampler::ordered, base, raised, n_paths, horizon), 0) << retention;
    const double by_alias = share_below(Sampler::alias, base, raised, n_paths, horizon);
    std::printf("retention %g: %g of the paths are lowered by alias steps\n", retention, by_alias);
    EXPECT_GT(by_alias, 0.001) << retention;
  }
}

// The same with tables by segment, period and world.
TEST(OrderedSteps, ARaisedRetentionLowersNoPathWhereTablesChange) {
  constexpr std::uint32_t horizon = 24, n_paths = 6000;
  test::Case schedule{retaining(0.5), horizon, n_paths, 1, Sampler::ordered, 3, 4, 10};
  const std::vector<double> weight(horizon, 1.0);
  const auto tables = [&](double more) {
    ChainProgram program = program_of(schedule);
    program.chains = {retaining(0.9 + more), retaining(0.6 + more), retaining(0.75 + more)};
    return pack(program, 2, weight);
  };
  const ChainTables base = tables(0), raised = tables(0.03);
  EXPECT_EQ(share_below(Sampler::ordered, base, raised, n_paths, horizon, 3), 0);
  EXPECT_GT(share_below(Sampler::alias, base, raised, n_paths, horizon, 3), 0.001);
}

// Var(raised - base) over paths of one customer, by a sampler; or, where `seed` is another one, of independent runs.
double variance_of_difference(StepSampler sampler, const MigrationChain& base, const MigrationChain& raised,
                              std::uint64_t seed = 1) {
  SimulationOptions options = test::options(36, 50000);
  options.periods = false;
  options.sampler = sampler;
  const auto low = test::run_engine(1, base, options).total_by_path;
  options.seed = seed;
  const auto high = test::run_engine(1, raised, options).total_by_path;
  double sum = 0, squares = 0;
  for (std::size_t p = 0; p < low.size(); ++p) {
    const double difference = static_cast<double>(high[p] - low[p]) / 25600;
    sum += difference;
    squares += difference * difference;
  }
  const auto n = static_cast<double>(low.size());
  return (squares - sum * sum / n) / (n - 1);
}

// What common random numbers are for: fewer paths for the same error of a difference. By alias steps differences vary
// more, and much more where the lever changes which columns of a row are shared; by events, which follow no order and
// drift apart, as well.
TEST(OrderedSteps, DifferencesOfModelsVaryLess) {
  struct Lever {
    Chances base, raised;
    double of_alias, of_event;  // bounds of the ratios of variances
  };
  for (const Lever& lever : {Lever{{0.1, 0.5, 0.2}, {0.09, 0.5, 0.21}, 0.85, 0.85},
                             Lever{{0.02, 0.26, 0.4}, {0.02, 0.24, 0.42}, 0.1, 0.1}}) {
    const auto variance = [&](StepSampler sampler, std::uint64_t seed = 1) {
      return variance_of_difference(sampler, ladder(lever.base), ladder(lever.raised), seed);
    };
    const double independent = variance(StepSampler::ordered, 2), ordered = variance(StepSampler::ordered),
                 alias = variance(StepSampler::alias), event = variance(StepSampler::event);
    std::printf("variance of a difference, of that of independent runs: %.4f ordered, %.4f alias, %.4f event\n",
                ordered / independent, alias / independent, event / independent);
    EXPECT_LT(ordered, lever.of_alias * alias);
    EXPECT_LT(ordered, lever.of_event * event);
    EXPECT_LT(ordered, 0.25 * independent);
  }
}

}  // namespace
}  // namespace clvsim
