// Chains that depend on segment, period and world: simulated results against exact ones, and what the grid of levels
// costs.
#include "host/run/worlds.hpp"
#include "tests/support/chains.hpp"
#include "tests/support/engine_run.hpp"
#include "tests/support/statistical.hpp"

#include <clvsim/error.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

namespace clvsim {
namespace {

struct Moments {
  double mean = 0, variance = 0;
};

// Of the value from state 0 over weight.size() periods, when period t follows chain_at(t), by backward recursion.
Moments moments(const std::function<const MigrationChain&(std::size_t)>& chain_at, const std::vector<double>& weight) {
  const std::size_t n = chain_at(0).states.size();
  std::vector<double> first(n), second(n);
  for (std::size_t t = weight.size(); t-- > 0;) {
    std::vector<double> new_first(n), new_second(n);
    for (std::size_t s = 0; s < n; ++s) {
      const ChainState& state = chain_at(t).states[s];
      for (const ChainOutcome& outcome : state.outcomes) {
        const auto to = static_cast<std::size_t>(outcome.to);
        const double cash = weight[t] * (state.amount + outcome.amount);
        new_first[s] += outcome.probability * (cash + first[to]);
        new_second[s] += outcome.probability * (cash * cash + 2 * cash * first[to] + second[to]);
      }
    }
    first = new_first;
    second = new_second;
  }
  return {first[0], second[0] - first[0] * first[0]};
}

// Customers who spend much, little, or are gone for good.
MigrationChain three_states() {
  MigrationChain chain;
  chain.states = {
      test::state("high", {test::outcome(0, 0.85), test::outcome(1, 0.1), test::outcome(2, 0.05)}, true, 100),
      test::state("low", {test::outcome(0, 0.15), test::outcome(1, 0.75), test::outcome(2, 0.1)}, true, 20),
      test::state("gone", {test::outcome(2, 1)}, false)};
  return chain;
}
const std::vector<double> towards_loss{-0.3, 0, 1.2};

std::vector<double> weights(int horizon) {
  return discount_factors(Discounting{0.01, RatePeriod::month, DiscountConvention::first}, PeriodUnit::month, horizon);
}

Moments of_total(const std::vector<std::int64_t>& total_by_path) {
  double sum = 0, squares = 0;
  const auto n = static_cast<double>(total_by_path.size());
  for (const std::int64_t v : total_by_path) sum += static_cast<double>(v) / 25600;
  const double mean = sum / n;
  for (const std::int64_t v : total_by_path) {
    const double d = static_cast<double>(v) / 25600 - mean;
    squares += d * d;
  }
  return {mean, squares / (n - 1)};
}

// The customers of a counted source, spread over segments in turn.
class SegmentedSource final : public CustomerSource {
 public:
  SegmentedSource(std::int64_t n, const MigrationChain& chain, std::uint32_t n_segments)
      : source_(n, chain), n_segments_(n_segments) {}
  [[nodiscard]] std::int64_t size() const override { return source_.size(); }
  [[nodiscard]] std::size_t key_width() const override { return source_.key_width(); }
  void read(std::int64_t first, std::int64_t count, CustomerRows& rows) const override {
    source_.read(first, count, rows);
    auto& customers = rows.of<kernels::ChainCustomer>();
    for (std::size_t i = 0; i < customers.size(); ++i) {
      customers[i].segment = static_cast<std::uint32_t>((static_cast<std::uint64_t>(first) + i) % n_segments_);
    }
  }

 private:
  CountedSource source_;
  std::uint32_t n_segments_;
};

TEST(Worlds, SegmentsAndPeriodsFollowTheirChains) {
  constexpr int horizon = 24;
  ChainProgram program;
  for (const double factor : {0.0, 1.0, -1.0}) program.chains.push_back(tilted(three_states(), towards_loss, factor));
  program.n_segments = 2;
  for (int t = 0; t < horizon; ++t) program.chain_of.push_back(static_cast<std::uint16_t>(t % 3));
  for (int t = 0; t < horizon; ++t) program.chain_of.push_back(static_cast<std::uint16_t>(t < 12 ? 1 : 2));
  const test::EngineRun run =
      test::run_engine(SegmentedSource(4, program.chains[0], 2), program, test::options(horizon, 200000, 0.01));
  for (std::size_t i = 0; i < 4; ++i) {
    const Moments exact = moments(
        [&](std::size_t t) -> const MigrationChain& { return program.chains[program.chain_of[i % 2 * horizon + t]]; },
        weights(horizon));
    EXPECT_TRUE(test::agrees(run.results.mean[i], run.results.se[i], exact.mean, 0.02 * exact.mean)) << i;
    EXPECT_NEAR(run.results.sd[i], std::sqrt(exact.variance), 6 * run.results.sd_se[i]) << i;
  }
}

// All regime paths of six periods are enumerated: given one, customers are independent, so that the variance of n of
// them is n E Var + n^2 Var E. Drawn apart for every customer, the regimes would leave a tenth of it.
TEST(Worlds, ARegimeIsARiskThatCustomersShare) {
  constexpr int horizon = 6;
  constexpr std::int64_t n_customers = 40;
  constexpr std::uint32_t n_paths = 40000;
  const std::vector<double> start{0.7, 0.3};
  const std::vector<std::vector<double>> transition{{0.9, 0.1}, {0.3, 0.7}};
  ChainProgram program;
  program.chains = {three_states(), tilted(three_states(), towards_loss, 1.5)};
  program.n_levels = 2;
  program.n_worlds = n_paths;
  for (int t = 0; t < horizon; ++t) program.chain_of.insert(program.chain_of.end(), {0, 1});
  program.level = regime_levels(start, transition, 1, horizon, n_paths);
  const test::EngineRun run =
      test::run_engine(CountedSource(n_customers, program.chains[0]), program, test::options(horizon, n_paths, 0.01));

  double mean = 0, within = 0, squares = 0;
  for (unsigned path = 0; path < 1U << horizon; ++path) {
    double probability = 1;
    for (unsigned t = 0; t < horizon; ++t) {
      const unsigned regime = path >> t & 1U;
      probability *= t == 0 ? start[regime] : transition[path >> (t - 1) & 1U][regime];
    }
    const Moments given = moments(
        [&](std::size_t t) -> const MigrationChain& { return program.chains[path >> t & 1U]; }, weights(horizon));
    mean += probability * given.mean;
    within += probability * given.variance;
    squares += probability * given.mean * given.mean;
  }
  const double n = n_customers, between = squares - mean * mean;
  const double variance = n * within + n * n * between;
  const Moments total = of_total(run.total_by_path);
  EXPECT_TRUE(test::agrees(total.mean, std::sqrt(variance / n_paths), n * mean, 0.02 * n * mean));
  // The total is a mixture of near-normals: its fourth moment is below three times the normal one.
  EXPECT_TRUE(test::agrees(total.variance, variance * std::sqrt(8.0 / n_paths), variance, 0.2 * variance));
  EXPECT_LT(n * (within + between), 0.2 * variance);
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_NEAR(run.results.mean[i], mean, 6 * run.results.se[i]);
    EXPECT_NEAR(run.results.sd[i], std::sqrt(within + between), 6 * run.results.sd_se[i]);
  }
}

TEST(Worlds, PathsTakeParameterDrawsInTurn) {
  constexpr int horizon = 12;
  constexpr std::uint32_t n_draws = 16, n_paths = 16 * 2000;
  std::vector<MigrationChain> chains;
  for (std::uint32_t d = 0; d < n_draws; ++d) chains.push_back(tilted(three_states(), towards_loss, 0.2 * d - 1.5));
  const ChainProgram program = one_a_world(std::move(chains), horizon);
  const test::EngineRun run =
      test::run_engine(CountedSource(3, program.chains[0]), program, test::options(horizon, n_paths, 0.01));
  for (std::uint32_t d = 0; d < n_draws; ++d) {
    const Moments exact =
        moments([&](std::size_t) -> const MigrationChain& { return program.chains[d]; }, weights(horizon));
    double sum = 0;
    for (std::uint32_t p = d; p < n_paths; p += n_draws) sum += static_cast<double>(run.total_by_path[p]) / 25600;
    constexpr double n = n_paths / n_draws;
    EXPECT_TRUE(test::agrees(sum / n, std::sqrt(3 * exact.variance / n), 3 * exact.mean, 0.25 * 3 * exact.mean)) << d;
  }
}

TEST(Worlds, AFactorHasItsStationaryMoments) {
  const Autoregression factor{0.8, 0.5, std::nullopt};
  constexpr std::uint32_t n_worlds = 100000;
  const std::vector<double> paths = factor_paths(factor, 3, 3, n_worlds);
  std::vector<double> square, product;
  for (std::uint32_t w = 0; w < n_worlds; ++w) {
    square.push_back(paths[2 * n_worlds + w] * paths[2 * n_worlds + w]);
    product.push_back(paths[w] * paths[2 * n_worlds + w]);
  }
  EXPECT_TRUE(test::mean_agrees(std::vector<double>(paths.begin() + 2 * n_worlds, paths.end()), 0, 0.03));
  EXPECT_TRUE(test::mean_agrees(square, 0.25, 0.02));
  EXPECT_TRUE(test::mean_agrees(product, 0.64 * 0.25, 0.02));
  const std::vector<double> fixed = factor_paths({0.8, 0.5, 2.0}, 3, 2, 10);
  for (std::uint32_t w = 0; w < 10; ++w) EXPECT_EQ(fixed[w], 2.0);
}

// What rounding a factor to the nearest level costs, by exact expectations along the same factor paths.
TEST(Worlds, TheGridOfLevelsIsFineEnough) {
  constexpr int horizon = 24;
  constexpr std::uint32_t n_worlds = 400;
  const Autoregression factor{0.9, 1.0, std::nullopt};
  const std::vector<double> paths = factor_paths(factor, 5, horizon, n_worlds);
  const auto mean_over_worlds = [&](const std::function<MigrationChain(double)>& chain_of) {
    double sum = 0;
    for (std::uint32_t w = 0; w < n_worlds; ++w) {
      std::vector<MigrationChain> chains;
      for (std::size_t t = 0; t < horizon; ++t) chains.push_back(chain_of(paths[t * n_worlds + w]));
      sum += moments([&](std::size_t t) -> const MigrationChain& { return chains[t]; }, weights(horizon)).mean;
    }
    return sum / n_worlds;
  };
  const double exact = mean_over_worlds([](double f) { return tilted(three_states(), towards_loss, f); });
  double error[2] = {};
  const std::uint32_t levels[2] = {17, 65};
  for (int i = 0; i < 2; ++i) {
    const LevelGrid grid = level_grid(factor, levels[i]);
    const double rounded =
        mean_over_worlds([&](double f) { return tilted(three_states(), towards_loss, grid.value(grid.nearest(f))); });
    error[i] = std::abs(rounded / exact - 1);
  }
  EXPECT_LT(error[0], 1e-2);
  EXPECT_LT(error[1], 1e-3);
  EXPECT_LT(error[1], error[0]);
  RecordProperty("relative_error_17_levels", std::to_string(error[0]));
  RecordProperty("relative_error_65_levels", std::to_string(error[1]));
}

TEST(Worlds, LevelsAreTheNearestAndEndAtTheEnds) {
  const LevelGrid grid = level_grid({0.5, 2.0, std::nullopt}, 65);
  EXPECT_EQ(grid.value(0), -8);
  EXPECT_EQ(grid.value(64), 8);
  for (std::uint32_t l = 0; l < 65; ++l) {
    EXPECT_EQ(grid.nearest(grid.value(l)), l);
    EXPECT_EQ(grid.nearest(grid.value(l) + 0.49 * grid.step), l);
    EXPECT_EQ(grid.nearest(grid.value(l) - 0.49 * grid.step), l);
  }
  EXPECT_EQ(grid.nearest(-1e300), 0);
  EXPECT_EQ(grid.nearest(1e300), 64);
}

TEST(Worlds, TiltedRowsAreDistributions) {
  const MigrationChain chain = tilted(three_states(), towards_loss, 2);
  double sum = 0;
  for (const ChainOutcome& outcome : chain.states[0].outcomes) sum += outcome.probability;
  EXPECT_NEAR(sum, 1, 1e-15);
  const double odds = chain.states[0].outcomes[2].probability / chain.states[0].outcomes[1].probability;
  EXPECT_NEAR(odds, 0.5 * std::exp(2.4), 1e-12);
  // Nothing overflows: the outcome with the largest loading takes all.
  EXPECT_EQ(tilted(three_states(), {-500, 0, 500}, 2).states[0].outcomes[2].probability, 1);
  EXPECT_THROW((void)tilted(three_states(), {0, 0}, 1), ConfigError);
  EXPECT_THROW((void)tilted(three_states(), {0, 0, INFINITY}, 1), ConfigError);
}

TEST(Worlds, ProgramsAreChecked) {
  ChainProgram program;
  EXPECT_THROW(check(program, 3), ConfigError);
  program.chains = {three_states(), three_states()};
  EXPECT_NO_THROW(check(program, 3));
  program.chain_of = {0, 1};
  EXPECT_THROW(check(program, 3), ConfigError);
  program.chain_of = {0, 1, 2};
  EXPECT_THROW(check(program, 3), ConfigError);
  program.chain_of = {0, 1, 0};
  EXPECT_NO_THROW(check(program, 3));
  program.level = {0, 0, 1};
  EXPECT_THROW(check(program, 3), ConfigError);
  program.level.clear();
  program.chains[1].states[0].amount = 7;
  EXPECT_THROW(check(program, 3), ConfigError);
  EXPECT_THROW((void)regime_levels({0.5, 0.4}, {{1, 0}, {0, 1}}, 1, 2, 2), ConfigError);
  EXPECT_THROW((void)regime_levels({1, 0}, {{1, 0}, {0, -1}}, 1, 2, 2), ConfigError);
  EXPECT_THROW((void)factor_paths({1.0, 1.0, std::nullopt}, 1, 2, 2), ConfigError);
  EXPECT_THROW((void)level_grid({0.5, 1.0, std::nullopt}, 1), ConfigError);
}

}  // namespace
}  // namespace clvsim
