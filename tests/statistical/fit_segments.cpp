// A log of two segments that behave and differ in their own ways, through the whole line.
#include "tests/support/files.hpp"
#include "tests/support/fit_line.hpp"

#include "host/model/chain_segments.hpp"

#include <clvsim/error.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <random>
#include <sstream>
#include <string>

namespace clvsim {
namespace {

using test::Forecast;
using testing::HasSubstr;

#ifdef CLVSIM_SANITIZED
constexpr std::int64_t n_customers = 1500;
constexpr std::uint32_t n_paths = 100;
#else
constexpr std::int64_t n_customers = 6000;
constexpr std::uint32_t n_paths = 200;
#endif
constexpr int horizon = 12;

// Customers of "loyal" buy more often and are much alike; those of "mixed" differ widely.
const std::map<std::string, std::pair<double, double>> segments{{"loyal", {1.5, 30}}, {"mixed", {0.6, 1}}};

MigrationChain model_of(const std::string& name) {
  MigrationChain chain = test::shipped_model("generator_retail");
  const auto [factor, concentration] = segments.at(name);
  for (ChainState& state : chain.states) {
    state.concentration = concentration;
    state.outcomes[0].probability *= factor;
    state.outcomes[1].probability = 1 - state.outcomes[0].probability;
  }
  return chain;
}

// A model of both segments; customers of none behave as those of "loyal".
MigrationChain truth() {
  MigrationChain chain = model_of("loyal");
  for (const auto& [name, numbers] : segments) chain.segments.push_back({name, model_of(name).states});
  return chain;
}

// Logs of both segments in one store.
class FitSegments : public testing::Test {
 protected:
  [[nodiscard]] StoreReader store(std::uint64_t seed, std::int64_t n = n_customers, bool with_segments = true) const {
    std::string csv = with_segments ? "customer_id,date,amount,channel\n" : "customer_id,date,amount\n";
    std::optional<Date> end;
    for (const auto& [name, numbers] : segments) {
      GenerateOptions options;
      options.n_customers = n;
      options.seed = seed++;
      options.observed_periods = 30;
      options.holdout_periods = horizon;
      options.output = folder_ / "log.csv";
      options.overwrite = true;
      end = generate(model_of(name), options).observation_end;
      std::istringstream lines(test::read_file(options.output));
      std::string line;
      std::getline(lines, line);
      while (std::getline(lines, line)) csv += name + line + (with_segments ? "," + name : "") + "\n";
    }
    test::write_file(folder_ / "all.csv", csv);
    ImportOptions options;
    options.logs = {folder_ / "all.csv"};
    options.output = folder_ / "customers.h5";
    options.overwrite = true;
    options.unit = PeriodUnit::month;
    options.currency = "USD";
    options.observation_end = end;
    if (with_segments) options.segment_column = "channel";
    import_logs(options);
    return StoreReader(options.output);
  }

  [[nodiscard]] static FitOptions fit_options() {
    FitOptions options;
    options.states = *model_of("loyal").recency_frequency;
    options.heterogeneity = options.by_segment = true;
    return options;
  }

  test::TemporaryFolder folder_;
};

TEST_F(FitSegments, FindsTheRowsOfEverySegmentAndForecastsThem) {
  const StoreReader store = this->store(71);
  const FitReport fit = fit_migration_chain(store, fit_options());
  ASSERT_EQ(fit.segments.size(), 2U);
  ASSERT_EQ(fit.chain.segments.size(), 2U);
  for (const RowsOfSegment& segment : fit.segments) {
    EXPECT_EQ(segment.n_customers, n_customers) << segment.name;
    // Twice the rise has a chi-square law where the segment is as all are.
    EXPECT_GT(segment.log_likelihood - segment.log_likelihood_of_all, 5 * segment.n_parameters) << segment.name;
    const MigrationChain drawn = model_of(segment.name), found = chain_of(fit.chain, segment.name);
    int n = 0;
    for (const RowFit& row : segment.rows) {
      if (!row.concentration || row.n_twice < 500) continue;
      ++n;
      EXPECT_NEAR(std::log(*row.concentration / segments.at(segment.name).second), 0,
                  4.5 * row.standard_error / *row.concentration)
          << segment.name << row.state;
      const auto s = static_cast<std::size_t>(row.state);
      const ChainOutcome &estimate = found.states[s].outcomes.front(), &exact = drawn.states[s].outcomes.front();
      EXPECT_NEAR(estimate.probability, exact.probability, 4.5 * estimate.standard_error) << segment.name << row.state;
    }
    EXPECT_GE(n, segment.name == "mixed" ? 3 : 1) << segment.name;
  }
  // In each segment what comes is as forecast; with the rows of all customers it is not.
  CustomerBatch batch;
  store.read(0, store.info().n_customers, batch);
  const auto deviation = [&](const MigrationChain& chain, std::uint32_t segment) {
    const auto all = test::forecasts(folder_, store, chain, test::undiscounted(horizon, n_paths, {0.05, 0.95}));
    std::vector<Forecast> of_segment;
    for (std::size_t i = 0; i < all.size(); ++i)
      if (batch.segment[i] == segment) of_segment.push_back(all[i]);
    return test::total_deviation(of_segment);
  };
  MigrationChain together = fit.chain;
  together.segments.clear();
  for (const std::uint32_t segment : {1U, 2U}) {
    // As in FitCoverage: the parameters are estimated from about twice as many periods as are forecast.
    EXPECT_LT(std::abs(deviation(fit.chain, segment)), 1.5 * 4) << segment;
    EXPECT_GT(std::abs(deviation(together, segment)), 1.5 * 4) << segment;
  }
}

// Ranks of what happens among the forecasts of the model that the log was drawn from, in either segment.
TEST_F(FitSegments, ForecastsGivenTheHistoryAreCalibrated) {
  const StoreReader store = this->store(81);
  const std::vector<double> levels{0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95};
  const auto all = test::forecasts(folder_, store, truth(), test::undiscounted(horizon, n_paths, levels));
  CustomerBatch batch;
  store.read(0, store.info().n_customers, batch);
  std::mt19937_64 random(5);
  std::map<std::uint32_t, std::vector<double>> deciles;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const double u = test::randomised_pit(all[i], levels, std::uniform_real_distribution<double>(0, 1)(random));
    auto& decile = deciles[batch.segment[i]];
    decile.resize(10);
    decile[std::min(static_cast<std::size_t>(u * 10), std::size_t{9})] += 1;
  }
  ASSERT_EQ(deciles.size(), 2U);
  for (const auto& [segment, decile] : deciles) {
    const double expected = static_cast<double>(n_customers) / 10;
    double statistic = 0;
    for (const double count : decile) statistic += (count - expected) * (count - expected) / expected;
    EXPECT_LT(statistic, 50) << segment;  // chi-square, 9 degrees of freedom: above with probability 1e-7
  }
}

// A customer of a segment has the paths that it has where all customers have the rows of the segment.
TEST_F(FitSegments, CustomersAreThoseOfTheirSegmentsChainToTheBit) {
  const StoreReader store = this->store(91, 150);
  CustomerBatch batch;
  store.read(0, store.info().n_customers, batch);
  const SimulationOptions options = test::undiscounted(horizon, 50, {0.1, 0.5, 0.9});
  const auto means = [&](const MigrationChain& chain) {
    const RunInfo info = simulate(store, chain, options, folder_ / "run.h5", true);
    CustomerResults results;
    RunReader(folder_ / "run.h5").read(0, info.n_customers, results);
    return std::pair(results.mean, results.quantile);
  };
  MigrationChain alike = truth();
  for (ChainState& state : alike.states) state.concentration.reset();
  for (ChainSegment& segment : alike.segments)
    for (ChainState& state : segment.states) state.concentration.reset();
  MigrationChain mixed = truth();  // rows that differ, rows that do not, rows of the chain
  for (std::size_t s = 0; s < mixed.states.size(); s += 2) mixed.segments[0].states[s].concentration.reset();
  for (std::size_t s = 0; s < mixed.states.size(); s += 3) mixed.segments[1].states[s] = mixed.states[s];
  for (std::size_t s = 0; s < mixed.states.size(); ++s)
    for (auto& outcome : mixed.segments[0].states[s].outcomes)
      outcome.probability = s % 3 == 0 ? 0.5 : outcome.probability;
  for (const MigrationChain& chain : {truth(), alike, mixed}) {
    const auto all = means(chain);
    for (std::uint32_t segment = 1; segment <= 2; ++segment) {
      const auto own = means(chain_of(chain, store.info().segments[segment]));
      int n = 0;
      for (std::size_t i = 0; i < batch.size(); ++i) {
        if (batch.segment[i] != segment) continue;
        EXPECT_EQ(all.first[i], own.first[i]) << i;
        for (std::size_t q = 0; q < 3; ++q) EXPECT_EQ(all.second[3 * i + q], own.second[3 * i + q]) << i;
        ++n;
      }
      EXPECT_EQ(n, 150);
    }
  }
}

// By hand: a segment's row is the posterior mean at the row of all, its count what its customers did.
TEST_F(FitSegments, RowsAreThePosteriorOfTheSegmentsCounts) {
  const StoreReader store = this->store(95, 1000);
  FitOptions options = fit_options();
  options.heterogeneity = false;
  options.prior_strength = 3;
  const FitReport fit = fit_migration_chain(store, options);
  FitOptions apart = options;
  apart.by_segment = false;
  const FitReport all = fit_migration_chain(store, apart);
  ASSERT_EQ(fit.chain.segments.size(), 2U);
  int n_own = 0;
  for (std::size_t s = 0; s < all.chain.states.size(); ++s) {
    bool thin = false;
    std::vector<double> count(2);
    for (const ChainSegment& segment : fit.chain.segments) {
      const ChainState &own = segment.states[s], &state = all.chain.states[s];
      double of_group = 0, first = 0;
      for (std::size_t other = 0; other < all.chain.states.size(); ++other) {
        if (fit.tie_group[other] != fit.tie_group[s]) continue;
        const std::vector<ChainOutcome>& outcomes = segment.states[other].outcomes;
        first += outcomes[0].count;
        of_group += outcomes[0].count + outcomes[1].count;
      }
      for (std::size_t k = 0; k < 2; ++k) count[k] += own.outcomes[k].count;
      if (own.outcomes[0].probability == state.outcomes[0].probability) {
        thin = true;
        continue;
      }
      const double p = (first + 3 * state.outcomes[0].probability) / (of_group + 3);
      EXPECT_NEAR(own.outcomes[0].probability, p, 1e-12);
      EXPECT_NEAR(own.outcomes[0].standard_error, std::sqrt(p * (1 - p) / (of_group + 4)), 1e-12);
      EXPECT_GE(of_group, options.min_periods);
    }
    if (thin) continue;
    ++n_own;
    for (std::size_t k = 0; k < 2; ++k) EXPECT_EQ(count[k], all.chain.states[s].outcomes[k].count);
  }
  EXPECT_GT(n_own, 5);
}

TEST_F(FitSegments, WhatCannotBeIsRefused) {
  const auto message = [](const auto& run) -> std::string {
    try {
      run();
    } catch (const ConfigError& e) {
      return e.what();
    }
    return "";
  };
  const StoreReader none = store(96, 100, false);
  EXPECT_THAT(message([&] { (void)fit_migration_chain(none, fit_options()); }), HasSubstr("the store has no segments"));
  const SimulationOptions options = test::undiscounted(4, 20, {0.5});
  EXPECT_THAT(message([&] { (void)simulate(none, truth(), options, folder_ / "run.h5", true); }),
              HasSubstr("the model or its scenario tells the segment 'loyal' apart, and the store has no segments"));
  const StoreReader store = this->store(96, 100);
  FitOptions effects = fit_options();
  effects.heterogeneity = false;
  effects.covariates.season = TransitionCovariates::Season::quarter;
  EXPECT_THAT(message([&] { (void)fit_migration_chain(store, effects); }), HasSubstr("--by-segment beside --season"));
  MigrationChain other = truth();
  other.segments[0].name = "loyaal";
  EXPECT_THAT(message([&] { (void)simulate(store, other, options, folder_ / "run.h5", true); }),
              HasSubstr("the model or its scenario tells the segment 'loyaal' apart, which the store does not have"));
  MigrationChain alike = other;
  for (ChainState& state : alike.states) state.concentration.reset();
  for (ChainSegment& segment : alike.segments)
    for (ChainState& state : segment.states) state.concentration.reset();
  EXPECT_THAT(message([&] { (void)simulate(store, alike, options, folder_ / "run.h5", true); }), HasSubstr("'loyaal'"));
  SimulationOptions draws = options;
  draws.parameter_draws = 5;
  alike.segments[0].name = "loyal";
  EXPECT_THAT(message([&] { (void)simulate(store, alike, draws, folder_ / "run.h5", true); }),
              HasSubstr("the migration chain has segments"));
  GenerateOptions generation;
  generation.output = folder_ / "never.csv";
  EXPECT_THAT(message([&] { (void)generate(truth(), generation); }), HasSubstr("a synthetic log has no segments"));
}

}  // namespace
}  // namespace clvsim
