// Chains whose customers differ: the law of the paths is that of the Polya urn, by enumeration.
#include "kernels/path/simulator.hpp"
#include "tests/support/dirichlet.hpp"
#include "tests/support/statistical.hpp"

#include <clvsim/error.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

namespace clvsim {
namespace {

using kernels::DirichletChain;
using test::OutcomeCounts;
using test::state;

// What n paths of a customer brought.
struct Paths {
  std::vector<double> value, transactions, active;
};

struct PathSink {
  std::int64_t cash = 0;
  std::uint32_t n = 0;
  bool active = true;
  std::uint64_t n_exhausted = 0, n_saturated = 0;

  void purchase(std::uint32_t, std::int64_t) {}
  void refund(std::uint32_t, std::int64_t) {}
  void exhausted(std::uint32_t draws) { n_exhausted += draws; }
  void period_end(std::uint32_t, const kernels::PeriodOutcome& outcome) {
    cash += outcome.cash;
    n += outcome.n_purchases;
    active = outcome.active;
    n_saturated += outcome.n_saturated;
  }
};

Paths paths_of(const MigrationChain& chain, int start, const OutcomeCounts& counts, int horizon,
               std::uint32_t n_paths) {
  SimulationOptions options;
  options.horizon = horizon;
  options.n_paths = n_paths;
  const DirichletProgram program(chain, describe(resolve(options, chain), chain, 1), nullptr);
  CustomerRows rows;
  program.add(start, {}, test::packed(program.tables(), counts), customer_hash(std::to_string(start)), rows);
  Paths paths;
  for (std::uint32_t path = 0; path < n_paths; ++path) {
    PathSink sink;
    kernels::PathSimulator<DirichletChain>::walk(program.tables().view(), rows.of<DirichletChain::Customer>().front(),
                                                 path, 5, static_cast<std::uint32_t>(horizon), sink);
    EXPECT_EQ(sink.n_exhausted + sink.n_saturated, 0U);
    paths.value.push_back(static_cast<double>(sink.cash) / (100 * kernels::fixed_per_minor_unit));
    paths.transactions.push_back(sink.n);
    paths.active.push_back(sink.active ? 1 : 0);
  }
  return paths;
}

double mean_of(const std::vector<double>& x) {
  double sum = 0;
  for (const double value : x) sum += value;
  return sum / static_cast<double>(x.size());
}

// All of a customer's law: mean, deviation, activity and purchases within 4 standard errors.
void expect_urn(const MigrationChain& chain, int start, const OutcomeCounts& counts, int horizon, std::uint32_t n_paths,
                const std::string& what) {
  const test::UrnLaw law = test::urn_law(chain, start, counts, horizon);
  const Paths paths = paths_of(chain, start, counts, horizon, n_paths);
  const double n = n_paths, mean = law.mean(), sd = law.sd();
  EXPECT_NEAR(mean_of(paths.value), mean, 4 * sd / std::sqrt(n)) << what;
  std::vector<double> squares;
  double fourth = 0;
  for (const double x : paths.value) squares.push_back((x - mean) * (x - mean));
  for (const auto& [x, p] : law.value) fourth += std::pow(x - mean, 4) * p;
  EXPECT_NEAR(mean_of(squares), sd * sd, 4 * std::sqrt((fourth - sd * sd * sd * sd) / n)) << what;
  const double active = std::sqrt(law.p_active * (1 - law.p_active) / n);
  EXPECT_NEAR(mean_of(paths.active), law.p_active, 4 * active + 1e-12) << what;
  double spread = 0;
  for (const double x : paths.transactions) spread += (x - law.transactions) * (x - law.transactions) / n;
  EXPECT_NEAR(mean_of(paths.transactions), law.transactions, 4 * std::sqrt(spread / n) + 1e-12) << what;
}

// The chain of the known answer: two states with rows of parameters (3, 1, 0.5) and (1, 4, 0.7), one that is not left;
// 1 a period in the first.
MigrationChain two_rows() {
  MigrationChain chain;
  chain.states = {
      state("0", {test::outcome(0, 3 / 4.5), test::outcome(1, 1 / 4.5), test::outcome(2, 0.5 / 4.5)}, true, 1),
      state("1", {test::outcome(0, 1 / 5.7), test::outcome(1, 4 / 5.7), test::outcome(2, 0.7 / 5.7)}),
      state("2", {test::outcome(2, 1)}, false)};
  chain.states[0].concentration = 4.5;
  chain.states[1].concentration = 5.7;
  return chain;
}

// Expected periods in the first state over 6: 3.35, and 3.09 by the mean rows. Every value's share is the urn's.
TEST(DirichletChain, VisitsAreThoseOfTheUrnAndNotOfTheMeanRows) {
  constexpr std::uint32_t n_paths = 400000;
  const MigrationChain chain = two_rows();
  MigrationChain alike = chain;
  for (ChainState& s : alike.states) s.concentration.reset();
  const double plugged_in = exact_moments(alike, 0, std::vector<double>(6, 1)).mean;
  EXPECT_NEAR(plugged_in, 3.09, 0.005);
  const test::UrnLaw law = test::urn_law(chain, 0, test::no_counts(chain), 6);
  EXPECT_NEAR(law.mean(), 3.35, 0.005);
  const Paths paths = paths_of(chain, 0, test::no_counts(chain), 6, n_paths);
  EXPECT_TRUE(test::mean_agrees(paths.value, law.mean(), (law.mean() - plugged_in) / 5));
  std::vector<double> counts, shares;
  for (const auto& [value, share] : law.value) {
    shares.push_back(share);
    double n = 0;
    for (const double x : paths.value) n += std::abs(x - value) < 1e-6 ? 1 : 0;
    counts.push_back(n);
  }
  EXPECT_TRUE(test::counts_agree(counts, shares, 1e-3));
}

// A customer's own history moves its rows.
TEST(DirichletChain, CustomersWithAHistoryHaveItsPosterior) {
  const MigrationChain chain = two_rows();
  OutcomeCounts often = test::no_counts(chain), seldom = often;
  often[0] = {9, 1, 0};
  often[1] = {4, 1, 0};
  seldom[0] = {0, 2, 0};
  seldom[1] = {0, 11, 0};
  for (const OutcomeCounts& counts : {often, seldom})
    for (const int start : {0, 1}) expect_urn(chain, start, counts, 6, 100000, "start " + std::to_string(start));
  EXPECT_GT(test::urn_law(chain, 0, often, 6).mean(), 1.5 * test::urn_law(chain, 0, seldom, 6).mean());
}

// Rows of many outcomes, states that share a row or in which all are alike, and customers that hardly ever change.
TEST(DirichletChain, RowsOfEveryShapeHaveTheLawOfTheUrn) {
  constexpr std::uint32_t n_paths = 60000;
  MigrationChain mixed = test::with_concentration(test::mixed_chain(5, 4, 100), 3);
  mixed.states[1].concentration.reset();
  mixed.states[2].concentration = 0.2;
  const MigrationChain shared = test::with_shared_rows(test::with_concentration(test::mixed_chain(6, 4, 100), 1.5));
  const MigrationChain wide = test::with_concentration(test::mixed_chain(20, 16, 100), 8);
  for (const int start : {0, 1, 2}) {
    OutcomeCounts counts = test::no_counts(mixed);
    expect_urn(mixed, start, counts, 6, n_paths, "mixed");
    counts[0] = {0, 3, 1, 0};
    counts[2] = {1, 0, 0, 2};
    expect_urn(mixed, start, counts, 6, n_paths, "mixed, with counts");
    counts = test::no_counts(shared);
    expect_urn(shared, start, counts, 6, n_paths, "shared");
    counts[0] = {0, 0, 4, 1};
    expect_urn(shared, start, counts, 6, n_paths, "shared, with counts");
    expect_urn(wide, start, test::no_counts(wide), 3, n_paths, "wide");
  }
}

// Of a concentration without end: the moments of the chain in which all are alike.
TEST(DirichletChain, CustomersThatHardlyDifferAreThoseOfTheChain) {
  constexpr int horizon = 24;
  constexpr std::uint32_t n_paths = 40000;
  const MigrationChain alike = test::life_cycle();
  const MigrationChain chain = test::with_concentration(alike, 1e9);
  const ChainMoments exact = exact_moments(alike, 0, std::vector<double>(horizon, 1));
  const Paths paths = paths_of(chain, 0, test::no_counts(chain), horizon, n_paths);
  EXPECT_NEAR(mean_of(paths.value), exact.mean, 4 * exact.sd / std::sqrt(n_paths));
  EXPECT_NEAR(mean_of(paths.active), exact.p_active, 4 * std::sqrt(exact.p_active * (1 - exact.p_active) / n_paths));
}

// A row is drawn once a path: whoever always does the same does it to the end.
TEST(DirichletChain, ARowThatIsComeBackToIsTheSame) {
  MigrationChain chain;
  chain.states = {
      state("a", {test::outcome(1, 0.3, 1, true), test::outcome(1, 0.7)}),
      state("b", {test::outcome(0, 0.6, 0, true), test::outcome(0, 0.4)}),
  };
  chain = test::with_concentration(chain, 1e-6);
  constexpr int horizon = 40;
  const Paths paths = paths_of(chain, 0, test::no_counts(chain), horizon, 2000);
  double all = 0, mixed = 0;
  for (const double n : paths.transactions) {
    all += n == horizon ? 1 : 0;
    mixed += n != 0 && n != horizon / 2 && n != horizon ? 1 : 0;
  }
  EXPECT_LE(mixed, 4);  // 2e-5 of them are expected, both rows together
  EXPECT_NEAR(all / 2000, 0.3 * 0.6, 4 * std::sqrt(0.18 * 0.82 / 2000));
}

TEST(DirichletChain, WhatDoesNotGoTogetherIsRefused) {
  const MigrationChain chain = two_rows();
  SimulationOptions options;
  for (const StepSampler sampler : {StepSampler::alias, StepSampler::ordered, StepSampler::event}) {
    options.sampler = sampler;
    EXPECT_THROW((void)resolve(options, chain), ConfigError);
  }
  options.sampler = StepSampler::automatic;
  options.parameter_draws = 10;
  EXPECT_THROW((void)resolve(options, chain), ConfigError);
  EXPECT_THROW((void)draw_chains(chain, 2, 1), ConfigError);
  EXPECT_THROW((void)exact_moments(chain, 0, {1}), ConfigError);
  options.parameter_draws = 0;
  RunInfo info = describe(resolve(options, chain), chain, 1);
  std::vector<std::int64_t> totals;
  EXPECT_THROW(run_customers(CountedSource(1, chain), chain, info, totals, [](const CustomerResults&) {}, {}),
               ConfigError);
}

}  // namespace
}  // namespace clvsim
