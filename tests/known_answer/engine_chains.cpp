// Chains with published answers: the simulated mean and sd within 4 of their standard errors, and the published figures
// against an independent recursion written here.
#include "host/run/chain_tables.hpp"
#include "kernels/path/simulator.hpp"
#include "tests/support/chains.hpp"
#include "tests/support/engine_run.hpp"
#include "tests/support/statistical.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <map>
#include <string>

namespace clvsim {
namespace {

struct Moments {
  double mean = 0, sd = 0;
};

// First and second moments of the value-to-go by backward recursion over the outcomes of the chain as given:
// E[G_s] = sum p (g + E[G_to]), E[G_s^2] = sum p (g^2 + 2 g E[G_to] + E[G_to^2]), g the period's discounted cash.
Moments recursion(const MigrationChain& chain, const std::vector<double>& discount) {
  const std::size_t n = chain.states.size();
  std::vector<long double> first(n), second(n);
  for (std::size_t t = discount.size(); t-- > 0;) {
    std::vector<long double> next_first(n), next_second(n);
    for (std::size_t s = 0; s < n; ++s) {
      for (const ChainOutcome& outcome : chain.states[s].outcomes) {
        const auto to = static_cast<std::size_t>(outcome.to);
        const long double g = static_cast<long double>(discount[t]) * (chain.states[s].amount + outcome.amount);
        next_first[s] += outcome.probability * (g + first[to]);
        next_second[s] += outcome.probability * (g * g + 2 * g * first[to] + second[to]);
      }
    }
    first = next_first;
    second = next_second;
  }
  const auto start = static_cast<std::size_t>(chain.start_state);
  return {static_cast<double>(first[start]),
          static_cast<double>(std::sqrt(second[start] - first[start] * first[start]))};
}

// The chain that the engine really walks: the probabilities of the packed tables.
MigrationChain unpacked(const MigrationChain& chain, kernels::Sampler sampler) {
  const ChainTables tables = pack(chain, 2);
  MigrationChain result = chain;
  for (std::size_t s = 0; s < chain.states.size(); ++s) {
    const std::size_t from = tables.position_of_state[s];
    result.states[s].outcomes.clear();
    result.states[s].amount = static_cast<double>(tables.positions[from].cash_from) / 25600;
    const auto add = [&](std::size_t next, double probability) {
      const kernels::ChainPosition& to = tables.positions[next];
      result.states[s].outcomes.push_back(
          test::outcome(to.state, probability, static_cast<double>(to.cash_at) / 25600, to.purchase));
    };
    if (sampler == kernels::Sampler::alias) {
      const std::size_t n_columns = std::size_t{1} << tables.column_bits;
      for (std::size_t c = 0; c < n_columns; ++c) {
        const kernels::AliasCell& cell = tables.cells[from * n_columns + c];
        const double column = 1.0 / static_cast<double>(n_columns);
        const double own = cell.high * 0x1p-16 + cell.low * 0x1p-48;
        add(cell.own, own);
        add(cell.alias, column - own);
      }
      continue;
    }
    double before = 0;
    for (std::size_t k = 0; k < tables.row; ++k) {  // a shorter row is filled up with its last outcome
      const kernels::OrderedOutcome& outcome = tables.outcomes[from * tables.row + k];
      const bool last = outcome.high == 0xFFFF && outcome.low == 0xFFFFFFFF;
      const double until = last ? 1 : outcome.high * 0x1p-16 + outcome.low * 0x1p-48;
      add(outcome.next, until - before);
      before = until;
    }
  }
  return result;
}

void check(const MigrationChain& chain, const SimulationOptions& options, double mean, double sd, double digit) {
  const std::vector<double> discount = discount_factors(options.discounting, chain.unit, options.horizon);
  const Moments exact = recursion(chain, discount);
  EXPECT_NEAR(exact.mean, mean, digit / 2);
  EXPECT_NEAR(exact.sd, sd, 0.00005);
  for (const auto sampler : {kernels::Sampler::alias, kernels::Sampler::ordered}) {
    const Moments packed = recursion(unpacked(chain, sampler), discount);
    EXPECT_NEAR(packed.mean, exact.mean, 1e-6);
    EXPECT_NEAR(packed.sd, exact.sd, 1e-6);
  }

  const test::EngineRun run = test::run_engine(1, chain, options);
  const CustomerResults& r = run.results;
  EXPECT_NEAR(r.mean[0], exact.mean, 4 * r.se[0]);
  EXPECT_NEAR(r.sd[0], exact.sd, 4 * r.sd_se[0]);
  EXPECT_NEAR(r.se[0] / (exact.sd / std::sqrt(options.n_paths)), 1, 0.02);
  EXPECT_TRUE(test::agrees(r.mean[0], r.se[0], exact.mean, 0.02 * exact.mean));
  // One customer is the whole portfolio.
  EXPECT_EQ(run.info.total.mean.mean, r.mean[0]);
  EXPECT_EQ(run.info.total.sd.mean, r.sd[0]);
}

TEST(KnownAnswer, DwyerRetention) { check(test::dwyer_retention(), test::options(3, 1000000), 173.60, 132.1478, 0.01); }

TEST(KnownAnswer, DwyerRetentionDiscounted) {  // the same by hand: D0 160.2479 (sd 120.0081), D1 145.67994
  SimulationOptions options = test::options(3, 1000000, 0.10, RatePeriod::year);
  check(test::dwyer_retention(), options, 160.24793, 120.0081, 0.00001);
  options.discounting.convention = DiscountConvention::end;
  const MigrationChain chain = test::dwyer_retention();
  EXPECT_NEAR(recursion(chain, discount_factors(options.discounting, chain.unit, 3)).mean, 145.67994, 0.000005);
}

TEST(KnownAnswer, DwyerMigration) {
  const SimulationOptions options = test::options(3, 1000000);
  check(test::dwyer_migration(), options, 203.24, 109.9632, 0.01);
  const test::EngineRun run = test::run_engine(1, test::dwyer_migration(), options);
  // From the 8 path probabilities: quantiles 5 % 0, 25 % 100, 50 % 210, 95 % 300; P(0) = .126.
  EXPECT_EQ(run.results.quantile[0], 0);
  EXPECT_EQ(run.results.quantile[1], 100);
  EXPECT_EQ(run.results.quantile[2], 210);
  EXPECT_EQ(run.results.quantile[4], 300);
  EXPECT_TRUE(test::agrees(run.results.p_nonpositive[0], run.results.p_nonpositive_se[0], 0.126, 0.005));
  // Buyers a year: 700, 680, 690 of 1,000; revenue 70,000 / 72,400 / 60,840.
  const std::array<double, 3> buyers{0.700, 0.680, 0.690}, revenue{70, 72.4, 60.84};
  for (std::size_t t = 0; t < 3; ++t) {
    const PeriodForecast& period = run.info.periods[t];
    EXPECT_TRUE(test::agrees(period.transactions.mean, period.transactions.se, buyers[t], 0.01));
    EXPECT_TRUE(test::agrees(period.revenue.mean, period.revenue.se, revenue[t], 1));
    EXPECT_TRUE(std::isnan(period.profit.mean));  // no margin is known
  }
  EXPECT_TRUE(test::agrees(run.results.transactions_mean[0], run.results.transactions_se[0], 2.07, 0.02));
}

// Records which periods brought a purchase.
struct HistorySink {
  std::string history;
  void purchase(std::uint32_t, std::int64_t) {}
  void refund(std::uint32_t, std::int64_t) {}
  void period_end(std::uint32_t, const kernels::PeriodOutcome& outcome) {
    history += outcome.n_purchases != 0 ? 'B' : 'N';
  }
};

TEST(KnownAnswer, DwyerMigrationPathProbabilities) {
  const std::map<std::string, double> expected{{"BBB", .476}, {"BBN", .084}, {"BNB", .070}, {"BNN", .070},
                                               {"NBB", .090}, {"NBN", .030}, {"NNB", .054}, {"NNN", .126}};
  const ChainTables tables = pack(test::dwyer_migration(), 2);
  constexpr std::uint32_t n = 500000;
  std::map<std::string, double> count;
  for (std::uint32_t p = 0; p < n; ++p) {
    HistorySink sink;
    kernels::walk(tables.view(), {.hash = 17}, p, 1, 3, sink);
    count[sink.history] += 1;
  }
  for (const auto& [history, probability] : expected) {
    EXPECT_TRUE(test::share_agrees(count[history], n, probability, 0.008)) << history;
  }
  EXPECT_EQ(count.size(), expected.size());
}

TEST(KnownAnswer, LifeCycle) {
  const SimulationOptions options = test::options(60, 400000, 0.01);
  check(test::life_cycle(), options, 430.3257, 539.8787, 0.0001);
  // Exited after 12 months with .594277.
  const test::EngineRun year = test::run_engine(1, test::life_cycle(), test::options(12, 400000, 0.01));
  EXPECT_TRUE(test::agrees(year.results.p_active[0], year.results.p_active_se[0], 1 - 0.594277, 0.01));
  EXPECT_TRUE(test::agrees(year.info.periods[11].active.mean, year.info.periods[11].active.se, 1 - 0.594277, 0.01));
  // The amounts are profit.
  EXPECT_EQ(year.info.periods[0].profit.mean, -20);
}

}  // namespace
}  // namespace clvsim
