// What goes into a run: packed chains, spend levels, discount factors, option checks.
#include "host/run/chain_tables.hpp"
#include "host/run/engine.hpp"
#include "host/run/spend_posterior.hpp"
#include "tests/support/chains.hpp"
#include "tests/support/engine_run.hpp"

#include <clvsim/error.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <numeric>
#include <random>

namespace clvsim {
namespace {

using test::outcome;
using test::state;
using ::testing::HasSubstr;

std::uint64_t threshold_of(const kernels::OrderedOutcome& outcome) {
  return std::uint64_t{outcome.high} << 32 | outcome.low;
}

TEST(ChainTables, ThresholdsAreRoundedCumulativeProbabilities) {
  const ChainTables tables = pack(test::life_cycle(), 2);
  EXPECT_EQ(tables.row, 4U);
  const std::size_t first = tables.position_of_state[0];
  const kernels::OrderedOutcome* row = tables.outcomes.data() + first * tables.row;
  EXPECT_EQ(tables.positions[first].cash_from, -2000 * 256);
  EXPECT_EQ(threshold_of(row[0]), std::uint64_t{1} << 47);
  EXPECT_EQ(threshold_of(row[1]), static_cast<std::uint64_t>(std::llround(0.9 * 0x1p48)));
  EXPECT_EQ(threshold_of(row[2]), 0xFFFFFFFFFFFFU);
  EXPECT_EQ(tables.positions[row[2].next].state, 4);
  EXPECT_EQ(row[3].next, row[2].next);
  EXPECT_FALSE(tables.positions[tables.position_of_state[4]].active);
}

// By the states that they lead to, those of one state as stated, however the row states them; with the masses of the
// alias row.
TEST(ChainTables, OrderedRowsAscendByState) {
  MigrationChain chain;
  chain.states = {state("a", {outcome(2, 0.25), outcome(1, 0.125, 5), outcome(0, 0.5), outcome(1, 0.125, 4)}),
                  state("b", {outcome(1, 1)}), state("c", {outcome(2, 0.5), outcome(0, 0.5)})};
  const ChainTables tables = pack(chain, 0);
  const auto expect = [&](std::size_t state, std::vector<std::pair<int, double>> expected) {
    const kernels::OrderedOutcome* row = tables.outcomes.data() + tables.position_of_state[state] * tables.row;
    for (std::size_t k = 0; k < expected.size(); ++k) {
      EXPECT_EQ(tables.positions[row[k].next].state, expected[k].first) << k;
      EXPECT_EQ(static_cast<double>(threshold_of(row[k]) + (k + 1 == expected.size())) * 0x1p-48, expected[k].second);
    }
    for (std::size_t k = expected.size(); k < tables.row; ++k) EXPECT_EQ(row[k].next, row[expected.size() - 1].next);
  };
  expect(0, {{0, 0.5}, {1, 0.625}, {1, 0.75}, {2, 1}});
  expect(1, {{1, 1}});
  expect(2, {{0, 0.5}, {2, 1}});
  const kernels::OrderedOutcome* row = tables.outcomes.data() + tables.position_of_state[0] * tables.row;
  EXPECT_EQ(tables.positions[row[1].next].cash_at, 5 * 256);
  EXPECT_EQ(tables.positions[row[2].next].cash_at, 4 * 256);
}

TEST(ChainTables, OutcomesWithoutProbabilityAreLeftOut) {
  MigrationChain chain;
  chain.states = {state("s", {outcome(0, 0), outcome(0, 1e-16), outcome(0, 1, 7), outcome(0, 0), outcome(0, 1e-16)})};
  const ChainTables tables = pack(chain, 0);
  ASSERT_EQ(tables.positions.size(), 1U);
  EXPECT_EQ(tables.row, 1U);
  EXPECT_EQ(tables.positions[0].cash_at, 7 * 256);
  chain.states = {state("s", {outcome(0, 0.3), outcome(0, 0.7, 1), outcome(0, 0)})};
  EXPECT_EQ(pack(chain, 0).row, 2U);
}

// The columns of every row add up to the outcomes' probabilities, to 2^-48, and to 1 exactly.
TEST(ChainTables, AliasRowsHoldTheProbabilities) {
  std::mt19937_64 bits(3);
  for (int trial = 0; trial < 300; ++trial) {
    MigrationChain chain;
    const std::size_t n = 1 + bits() % 16;
    std::vector<double> p(n);
    double sum = 0;
    for (double& x : p) sum += x = trial % 3 == 0 ? 1.0 : std::exp(-static_cast<double>(bits() % 30));
    ChainState only = state("s", {});
    for (std::size_t k = 0; k < n; ++k) {
      only.outcomes.push_back(outcome(0, p[k] / sum, static_cast<double>(k) + 1));
    }
    chain.states = {only};
    const ChainTables tables = pack(chain, 0);
    const std::size_t n_columns = std::size_t{1} << tables.column_bits;
    ASSERT_LE(n, n_columns);
    ASSERT_EQ(tables.cells.size(), tables.positions.size() * n_columns);
    const std::uint64_t column = (std::uint64_t{1} << 48) / n_columns;
    std::map<std::uint16_t, std::uint64_t> mass;
    for (std::size_t c = 0; c < n_columns; ++c) {
      const kernels::AliasCell& cell = tables.cells[c];
      const std::uint64_t own = std::uint64_t{cell.high} << 32 | cell.low;
      ASSERT_LT(own, column);
      mass[cell.own] += own;
      mass[cell.alias] += column - own;
    }
    std::uint64_t whole = 0;
    for (std::size_t k = 0; k < n; ++k) {
      for (std::uint16_t i = 0; i < tables.positions.size(); ++i) {
        if (tables.positions[i].cash_at != static_cast<std::int64_t>(256 * (k + 1))) continue;
        whole += mass[i];
        EXPECT_NEAR(static_cast<double>(mass[i]), p[k] / sum * 0x1p48, 2) << "outcome " << k << " of " << n;
      }
    }
    EXPECT_EQ(whole, std::uint64_t{1} << 48);
  }
}

// A path's value, summed from the table, is the sum of its discounted amounts.
TEST(ChainTables, ValuesAreDiscountedAmounts) {
  const std::vector<double> weight{1, 0.9, 0.81};
  MigrationChain chain;
  chain.states = {state("a", {outcome(1, 1, 5)}), state("b", {outcome(0, 1, 2)})};
  chain.states[0].amount = 10;
  chain.states[1].amount = -3;
  const ChainTables tables = pack(chain, 2, weight);
  ASSERT_EQ(tables.positions.size(), 2U);
  const std::size_t n = 2, a = tables.position_of_state[0], b = tables.position_of_state[1];
  const double unit = 25600 * std::pow(2, tables.extra_bits);
  EXPECT_NEAR(static_cast<double>(tables.start_value[a]) / unit, 10, 1e-6);
  EXPECT_NEAR(static_cast<double>(tables.value[0 * n + b]) / unit, 5 + 0.9 * -3, 1e-6);
  EXPECT_NEAR(static_cast<double>(tables.value[1 * n + a]) / unit, 0.9 * 2 + 0.81 * 10, 1e-6);
  EXPECT_NEAR(static_cast<double>(tables.value[2 * n + b]) / unit, 0.81 * 5, 1e-6);
  EXPECT_EQ(tables.max_cash, 15U * 25600);
}

TEST(ChainTables, AmountsBeyondTheFixedPointAreRefused) {
  MigrationChain chain;
  chain.states = {state("s", {outcome(0, 1)})};
  chain.states[0].amount = 1e12;  // 2.56e16 in fixed point
  EXPECT_NO_THROW((void)pack(chain, 2, std::vector<double>(10, 1.0)));
  EXPECT_THROW((void)pack(chain, 2, std::vector<double>(200, 1.0)), ModelError);
  chain.states[0].amount = 1e15;
  EXPECT_THROW((void)pack(chain, 2, {1.0}), ModelError);
}

TEST(ChainTables, SpendCounts) {
  MigrationChain chain = test::with_spend();
  EXPECT_EQ(pack(chain, 2).spend.n_counts, 3U);
  EXPECT_EQ(pack(chain, 2).max_purchases(), 3U);
  EXPECT_DOUBLE_EQ(pack(chain, 2).spend.scale, 105.0);
  chain.spend->purchases_in_period = {1, 0, 0};
  EXPECT_EQ(pack(chain, 2).spend.n_counts, 1U);
  chain.spend->zero_share = 1;
  EXPECT_EQ(pack(chain, 2).spend.zero_threshold, std::uint64_t{1} << 32);
}

// The posterior against numerical integration of prior times likelihood.
TEST(SpendLevel, EqualsNumericalIntegration) {
  SpendModel spend;
  spend.log_mean = {3.0, 3.5};
  spend.between_sd = 0.7;
  spend.within_sd = 0.4;
  CustomerBatch batch;
  batch.key_hash = {1};
  batch.history.offset = {0, 5};
  batch.history.amount = {1234, 0, 9999, -500, 4321};  // cents; zero and refund do not count
  batch.history.kind = {0, 0, 0, 1, 0};
  const std::vector<double> logs{std::log(12.34), std::log(99.99), std::log(43.21)};
  const SpendLevel level = spend_level(spend, 1, batch, 0, 2);
  double mass = 0, first = 0, second = 0;
  constexpr double step = 1e-4;
  for (double theta = -3; theta < 10; theta += step) {
    double log_density = -std::pow((theta - 3.5) / 0.7, 2) / 2;
    for (const double x : logs) log_density -= std::pow((x - theta) / 0.4, 2) / 2;
    const double density = std::exp(log_density);
    mass += density;
    first += theta * density;
    second += theta * theta * density;
  }
  EXPECT_NEAR(level.mean, first / mass, 1e-9);
  EXPECT_NEAR(level.sd, std::sqrt(second / mass - std::pow(first / mass, 2)), 1e-9);
}

TEST(SpendLevel, Corners) {
  SpendModel spend;
  spend.log_mean = {3.0};
  spend.between_sd = 0.5;
  spend.within_sd = 0.8;
  EXPECT_EQ(spend_level(spend, 0, 0, 0).mean, 3.0);
  EXPECT_EQ(spend_level(spend, 0, 0, 0).sd, 0.5);
  EXPECT_EQ(spend_level(spend, 7, 0, 0).mean, 3.0);  // the last class stands for later ones
  spend.between_sd = 0;                              // one level for all
  EXPECT_EQ(spend_level(spend, 0, 4, 40).mean, 3.0);
  EXPECT_EQ(spend_level(spend, 0, 4, 40).sd, 0);
  spend.between_sd = 0.5;
  spend.within_sd = 0;  // a purchase tells the level
  EXPECT_EQ(spend_level(spend, 0, 4, 8).mean, 2.0);
  EXPECT_EQ(spend_level(spend, 0, 4, 8).sd, 0);
  spend.between_sd = 0;
  EXPECT_EQ(spend_level(spend, 0, 4, 8).mean, 3.0);
}

TEST(Discounting, Conventions) {
  const auto factors = [](DiscountConvention convention, PeriodUnit unit, RatePeriod per) {
    return discount_factors({0.10, per, convention}, unit, 30);
  };
  for (int t = 1; t <= 30; ++t) {
    const auto i = static_cast<std::size_t>(t - 1);
    const double delta = std::log(1.1);
    const auto near = [](double a, double b) { EXPECT_NEAR(a / b, 1, 1e-14); };
    near(factors(DiscountConvention::first, PeriodUnit::year, RatePeriod::year)[i], std::pow(1.1, 1 - t));
    near(factors(DiscountConvention::end, PeriodUnit::month, RatePeriod::year)[i], std::pow(1.1, -t / 12.0));
    near(factors(DiscountConvention::mid, PeriodUnit::week, RatePeriod::year)[i],
         std::pow(1.1, -(t - 0.5) * 7 / 365.25));
    near(factors(DiscountConvention::first, PeriodUnit::day, RatePeriod::month)[i],
         std::pow(1.1, -(t - 1) / (365.25 / 12)));
    near(factors(DiscountConvention::end, PeriodUnit::year, RatePeriod::month)[i], std::pow(1.1, -t * 12.0));
    near(factors(DiscountConvention::continuous, PeriodUnit::year, RatePeriod::year)[i],
         (std::exp(-delta * (t - 1)) - std::exp(-delta * t)) / delta);
    const double h = 12 * delta;
    near(factors(DiscountConvention::continuous, PeriodUnit::year, RatePeriod::month)[i],
         (std::exp(-h * (t - 1)) - std::exp(-h * t)) / h);
  }
  EXPECT_EQ(factors(DiscountConvention::first, PeriodUnit::month, RatePeriod::year)[0], 1);
  EXPECT_EQ(factors(DiscountConvention::first, PeriodUnit::month, RatePeriod::year)[12], 1 / 1.1);
}

TEST(Discounting, NoRateIsNoDiscount) {
  for (const auto convention :
       {DiscountConvention::first, DiscountConvention::end, DiscountConvention::mid, DiscountConvention::continuous}) {
    for (const double factor : discount_factors({0, RatePeriod::year, convention}, PeriodUnit::week, 100)) {
      EXPECT_EQ(factor, 1);
    }
  }
}

TEST(Discounting, RefusesImpossibleRates) {
  for (const double rate : {-0.01, 1000.5, std::nan(""), static_cast<double>(INFINITY)}) {
    EXPECT_THROW(static_cast<void>(discount_factors({rate}, PeriodUnit::month, 1)), ConfigError);
  }
}

// The highest rate over the most periods: nothing but the first period is worth anything, and no factor is NaN.
TEST(Discounting, TheHighestRate) {
  for (const auto convention :
       {DiscountConvention::first, DiscountConvention::end, DiscountConvention::mid, DiscountConvention::continuous}) {
    const std::vector<double> factors = discount_factors({1000, RatePeriod::day, convention}, PeriodUnit::year, 65535);
    EXPECT_GE(factors.front(), 0);
    EXPECT_LE(factors.front(), 1);
    for (std::size_t t = 1; t < factors.size(); ++t) ASSERT_EQ(factors[t], 0) << t;
  }
}

// Every refusal names the value and the remedy.
TEST(Options, Refusals) {
  const auto refuses = [](const char* text, auto change, const MigrationChain& chain = test::with_spend()) {
    SimulationOptions options;
    change(options);
    if (chain.measure != Measure::profit) {
      EXPECT_THROW(check(options), ConfigError) << text;
    }
    try {
      static_cast<void>(resolve(options, chain));
      ADD_FAILURE() << "accepted: " << text;
    } catch (const ConfigError& error) {
      EXPECT_THAT(error.what(), HasSubstr(text));
    }
  };
  refuses("horizon 0", [](auto& o) { o.horizon = 0; });
  refuses("horizon 65536", [](auto& o) { o.horizon = 65536; });
  refuses("paths 1", [](auto& o) { o.n_paths = 1; });
  refuses("discount rate 1001: must be in 0 to 1000", [](auto& o) { o.discounting.rate = 1001; });
  refuses("0 quantiles", [](auto& o) { o.quantiles = {}; });
  refuses("17 quantiles", [](auto& o) { o.quantiles.assign(17, 0.5); });
  refuses("quantile 5", [](auto& o) { o.quantiles = {5}; });
  refuses("quantile 0.2 after 0.5", [](auto& o) { o.quantiles = {0.5, 0.2}; });
  refuses("CVaR level 5", [](auto& o) { o.cvar_level = 5; });
  refuses("threads -1", [](auto& o) { o.threads = -1; });
  refuses("batch -1", [](auto& o) { o.batch = -1; });
  refuses("margin 30", [](auto& o) { o.margin = 30; });
  refuses(
      "profit already", [](auto& o) { o.margin = 0.3; }, test::life_cycle());
}

// What needs no model is refused without one; all bounds are possible themselves.
TEST(Options, CheckedWithoutAModel) {
  SimulationOptions options;
  EXPECT_NO_THROW(check(options));
  options.horizon = 65535;
  options.n_paths = 4294967295;
  options.margin = -100;
  options.quantiles = {0.001};
  EXPECT_NO_THROW(check(options));
  options.margin = std::nan("");
  EXPECT_THROW(check(options), ConfigError);
  MigrationChain chain = test::with_spend();
  chain.margin = 2;  // the range holds for the model's margin too
  EXPECT_THROW(static_cast<void>(resolve({}, chain)), ConfigError);
}

TEST(Options, MarginAndMeasure) {
  MigrationChain chain = test::with_spend();
  SimulationOptions options;
  EXPECT_EQ(describe(resolve(options, chain), chain, 1).measure_name, "revenue");
  chain.margin = 0.25;
  EXPECT_EQ(resolve(options, chain).margin, 0.25);
  EXPECT_EQ(describe(resolve(options, chain), chain, 1).measure_name, "clv");
  options.margin = 0.4;
  EXPECT_EQ(resolve(options, chain).margin, 0.4);
  EXPECT_EQ(describe(resolve({}, test::life_cycle()), test::life_cycle(), 1).measure_name, "clv");
}

TEST(Options, TooManyPathSumsAreRefusedWithTheirSize) {
  try {
    test::run_engine(1, test::life_cycle(), test::options(60000, 1000000));
    ADD_FAILURE() << "accepted";
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), HasSubstr("960,016 MB"));
    EXPECT_THAT(error.what(), HasSubstr("at most 1,118 paths"));
  }
}

TEST(Options, SaturationIsAModelError) {
  MigrationChain chain = test::dwyer_retention();
  chain.states[0].amount = 1e15;  // 2.56e19 in fixed point
  EXPECT_THROW(test::run_engine(1, chain, test::options(1, 2)), ModelError);
  chain.states[0].amount = 1e13;  // one customer fits, the portfolio of thirty does not
  EXPECT_NO_THROW(test::run_engine(1, chain, test::options(1, 2)));
  EXPECT_THROW(test::run_engine(30, chain, test::options(1, 2)), ModelError);
}

TEST(CountedSource, KeysAndHashes) {
  const CountedSource source(12, test::with_spend());
  CustomerRows rows;
  source.read(8, 3, rows);
  const std::vector<kernels::ChainCustomer>& customers = rows.of<kernels::ChainCustomer>();
  ASSERT_EQ(customers.size(), 3U);
  EXPECT_EQ(source.key_width(), 2U);
  EXPECT_EQ(std::string(rows.key.begin(), rows.key.end()), std::string("9\00010"
                                                                       "11",
                                                                       6));
  EXPECT_EQ(customers[1].hash, customer_hash("10"));
  EXPECT_EQ(customers[1].level_mean, 3.2);
  EXPECT_EQ(customers[1].level_sd, 0.4);
  EXPECT_THROW(CountedSource(0, test::with_spend()), ConfigError);
}

}  // namespace
}  // namespace clvsim
