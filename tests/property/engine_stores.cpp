// Runs on a store, with their run files.
#include "host/run/spend_posterior.hpp"
#include "tests/support/chains.hpp"
#include "tests/support/engine_run.hpp"
#include "tests/support/io_store.hpp"
#include "tests/support/statistical.hpp"

#include <clvsim/error.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <iterator>
#include <thread>

namespace clvsim {
namespace {

using test::outcome;
using test::state;

// Two frequency classes of two recency cells and a lapsed one.
MigrationChain placed_chain() {
  MigrationChain chain;
  chain.unit = PeriodUnit::week;
  const auto cell = [](const char* name, int bought, int aged, double rate, bool active = true) {
    return state(name, {outcome(bought, rate, 0, true), outcome(aged, 1 - rate)}, active);
  };
  chain.states = {cell("once_0", 3, 1, 0.3), cell("once_1", 3, 2, 0.2),  cell("once_lapsed", 3, 2, 0.05, false),
                  cell("more_0", 3, 4, 0.5), cell("more_1", 3, 5, 0.35), cell("more_lapsed", 3, 5, 0.1, false)};
  chain.recency_frequency = RecencyFrequency{2, {1, 2}};
  chain.spend = test::with_spend().spend;
  chain.spend->log_mean = {3.0, 3.3};
  return chain;
}

class Stores : public ::testing::Test {
 protected:
  test::TemporaryFolder folder;

  std::filesystem::path write(const test::TestStore& store, const std::string& name = "customers.h5") {
    test::write_store(store, folder / name);
    return folder / name;
  }
};

test::TestStore make_store(std::int64_t n = 30) {
  test::TestStoreOptions options;
  options.n_customers = n;
  return test::make_test_store(options);
}

SimulationOptions week_options() { return test::options(12, 400, 0.1, RatePeriod::year); }

TEST_F(Stores, RunFilesAreByteIdenticalForAnyThreadsAndBatches) {
  const StoreReader store(write(make_store()));
  const auto bytes = [&](int threads, std::int64_t batch, const std::string& name) {
    SimulationOptions options = week_options();
    options.threads = threads;
    options.batch = batch;
    static_cast<void>(simulate(store, placed_chain(), options, folder / name, false));
    return test::read_file(folder / name);
  };
  const std::string expected = bytes(1, 0, "a.h5");
  EXPECT_GT(expected.size(), 1000U);
  EXPECT_TRUE(bytes(2, 0, "b.h5") == expected);
  EXPECT_TRUE(bytes(2, 1, "c.h5") == expected);
  EXPECT_TRUE(bytes(1, 7, "d.h5") == expected);
}

std::size_t n_entries(const std::filesystem::path& path) {
  return static_cast<std::size_t>(
      std::distance(std::filesystem::directory_iterator(path), std::filesystem::directory_iterator()));
}

TEST_F(Stores, WhatProgressThrowsStopsTheRunAtOnceAndLeavesNothing) {
  struct Interrupted {};
  const StoreReader store(write(make_store()));
  SimulationOptions options = week_options();
  options.threads = 2;
  options.batch = 1;
  const std::filesystem::path threads = "/proc/self/task";
  std::thread([] {}).join();  // with the first thread a sanitizer starts one of its own
  const std::size_t n_threads = n_entries(threads);
  for (const std::int64_t last : {1, 2, 17, 30}) {
    std::int64_t called_with = 0;
    const auto progress = [&](std::int64_t done, std::int64_t total) {
      EXPECT_EQ(done, called_with + 1);
      EXPECT_EQ(total, 30);
      called_with = done;
      if (done == last) throw Interrupted();
    };
    EXPECT_THROW(static_cast<void>(simulate(store, placed_chain(), options, folder / "run.h5", false, progress)),
                 Interrupted);
    EXPECT_EQ(called_with, last);
    EXPECT_EQ(n_entries(folder / "."), 1U) << "the store alone";
    EXPECT_EQ(n_entries(threads), n_threads);
  }
}

TEST_F(Stores, RunInfoSaysWhatItIsMadeFrom) {
  const test::TestStore content = make_store();
  const StoreReader store(write(content));
  const RunInfo info = simulate(store, placed_chain(), week_options(), folder / "run.h5", false);
  EXPECT_EQ(info.store_digest, store.info().content_digest);
  EXPECT_EQ(info.model_digest.size(), 32U);
  EXPECT_EQ(info.n_customers, 30);
  EXPECT_TRUE(info.has_dates);
  ASSERT_EQ(info.periods.size(), 12U);
  EXPECT_EQ(info.periods[0].first_day.days, store.info().observation_end.days + 1);
  EXPECT_EQ(info.periods[0].last_day.days, store.info().observation_end.days + 7);
  EXPECT_EQ(info.periods[11].last_day.days, store.info().observation_end.days + 84);
  MigrationChain other = placed_chain();
  other.spend->refund_rate = 0.051;
  EXPECT_NE(simulate(store, other, week_options(), folder / "other.h5", false).model_digest, info.model_digest);
}

// A store that does not name its currency is in the model's, with the store's own decimals.
TEST_F(Stores, CurrencyOfTheModelWhereTheStoreHasNone) {
  test::TestStore content = make_store();
  MigrationChain chain = placed_chain();
  chain.currency = {"EUR", 2};
  int n_stores = 0;
  const auto currency = [&](const Currency& of_store) {
    content.info.currency = of_store;
    const StoreReader store(write(content, "store_" + std::to_string(n_stores++) + ".h5"));
    const RunInfo info = simulate(store, chain, week_options(), folder / "run.h5", true);
    EXPECT_EQ(RunReader(folder / "run.h5").info().currency.code, info.currency.code);
    return info.currency;
  };
  const Currency filled = currency({"", 3});
  EXPECT_EQ(filled.code, "EUR");
  EXPECT_EQ(filled.decimals, 3);
  EXPECT_EQ(currency({"EUR", 2}).code, "EUR");
  chain.currency.code.clear();
  EXPECT_EQ(currency({"", 2}).code, "");
  EXPECT_EQ(currency({"USD", 2}).code, "USD");
}

// Every customer starts in its own state with its own spend: each mean against the chain's closed form.
TEST_F(Stores, MeansEqualTheClosedFormOfEachCustomer) {
  const test::TestStore content = make_store(12);
  const StoreReader store(write(content));
  MigrationChain chain = placed_chain();
  SimulationOptions options = week_options();
  options.n_paths = 60000;
  static_cast<void>(simulate(store, chain, options, folder / "run.h5", false));
  const RunReader run(folder / "run.h5");
  CustomerResults results;
  run.read(0, 12, results);

  const std::vector<double> discount = discount_factors(options.discounting, chain.unit, options.horizon);
  const SpendModel& spend = *chain.spend;
  double purchases_each = 0;
  for (std::size_t k = 0; k < spend.purchases_in_period.size(); ++k) {
    purchases_each += spend.purchases_in_period[k] * static_cast<double>(k + 1);
  }
  const PeriodGrid grid(store.info().observation_end, chain.unit);
  double widest = 0, narrowest = 1e300;
  for (std::size_t i = 0; i < 12; ++i) {
    const SpendLevel level =
        spend_level(spend, chain.frequency_class_of(content.customers, i), content.customers, i, 2);
    const double amount = spend.smearing * (1 - spend.zero_share) *
                              std::exp(level.mean + (level.sd * level.sd + spend.within_sd * spend.within_sd) / 2) -
                          spend.smearing * spend.refund_rate *
                              std::exp(level.mean + spend.refund_log_shift +
                                       (level.sd * level.sd + spend.refund_log_sd * spend.refund_log_sd) / 2);
    std::vector<double> share(chain.states.size());
    share[static_cast<std::size_t>(chain.state_of(content.customers, i, grid))] = 1;
    double expected = 0;
    for (const double factor : discount) {
      std::vector<double> next(share.size());
      for (std::size_t s = 0; s < share.size(); ++s) {
        for (const ChainOutcome& o : chain.states[s].outcomes) {
          next[static_cast<std::size_t>(o.to)] += share[s] * o.probability;
          if (o.purchase) expected += factor * share[s] * o.probability * purchases_each * amount;
        }
      }
      share = next;
    }
    EXPECT_TRUE(test::agrees(results.mean[i], results.se[i], expected, 0.08 * expected)) << "row " << i;
    widest = std::max(widest, expected);
    narrowest = std::min(narrowest, expected);
  }
  EXPECT_GT(widest, 1.5 * narrowest);  // the customers do differ
}

// Two customers in one state with different spend get different distributions.
TEST_F(Stores, SpendHistoriesSeparateCustomersOfOneState) {
  test::TestStore content = make_store(2);
  History& rows = content.customers.history;
  rows = {};
  rows.offset = {0, 2, 4};
  const std::int32_t end = content.info.observation_end.days;
  rows.day = {end - 30, end - 3, end - 30, end - 3};
  rows.amount = {1000, 1200, 9000, 11000};
  rows.kind = {0, 0, 0, 0};
  summarise(content);
  const StoreReader store(write(content));
  SimulationOptions options = week_options();
  options.n_paths = 20000;
  static_cast<void>(simulate(store, placed_chain(), options, folder / "run.h5", false));
  CustomerResults results;
  RunReader(folder / "run.h5").read(0, 2, results);
  EXPECT_GT(results.mean[1], 1.5 * results.mean[0]);
  EXPECT_GT(results.quantile[4 + 5], results.quantile[4]);
  EXPECT_NEAR(results.p_active[0], results.p_active[1], 0.03);  // the behaviour is the same
}

TEST_F(Stores, Refusals) {
  test::TestStore content = make_store();
  content.info.currency = {"USD", 2};
  const StoreReader store(write(content));
  const auto refuses = [&](const MigrationChain& chain, const char* text) {
    try {
      static_cast<void>(simulate(store, chain, week_options(), folder / "run.h5", false));
      ADD_FAILURE() << "ran";
    } catch (const ConfigError& error) {
      EXPECT_THAT(error.what(), ::testing::HasSubstr(text));
    }
    EXPECT_FALSE(std::filesystem::exists(folder / "run.h5"));
  };
  MigrationChain chain = placed_chain();
  chain.currency.code = "EUR";
  refuses(chain, "in EUR, the store's in USD");
  refuses(test::dwyer_migration(), "no [recency_frequency]");
}

// A caller that stops leaves no file; an output that exists is refused before any work.
TEST_F(Stores, StoppingLeavesNothing) {
  const StoreReader store(write(make_store()));
  SimulationOptions options = week_options();
  options.batch = 10;
  const auto stop = [](std::int64_t, std::int64_t) { throw std::runtime_error("stopped"); };
  EXPECT_THROW(static_cast<void>(simulate(store, placed_chain(), options, folder / "run.h5", false, stop)),
               std::runtime_error);
  EXPECT_EQ(folder.entries().size(), 1U);  // the store
  static_cast<void>(simulate(store, placed_chain(), options, folder / "run.h5", false));
  EXPECT_THROW(static_cast<void>(simulate(store, placed_chain(), options, folder / "run.h5", false, stop)), IoError);
  EXPECT_NO_THROW(static_cast<void>(simulate(store, placed_chain(), options, folder / "run.h5", true)));
}

TEST_F(Stores, CustomersWithoutAStore) {
  CustomerResults results;
  const RunInfo info =
      simulate_customers(3, test::life_cycle(), test::options(60, 1000, 0.01), folder / "run.h5", false, &results);
  EXPECT_FALSE(info.has_dates);
  EXPECT_EQ(info.measure_name, "clv");
  EXPECT_EQ(results.size(), 3U);
  CustomerResults read;
  const RunReader run(folder / "run.h5");
  run.read(0, 3, read);
  EXPECT_EQ(read.key, results.key);
  EXPECT_TRUE(test::same_bits(test::all_numbers(read), test::all_numbers(results)));
  EXPECT_EQ(run.info().total.cvar.mean, info.total.cvar.mean);
  // Without a file the numbers are the same.
  CustomerResults again;
  static_cast<void>(simulate_customers(3, test::life_cycle(), test::options(60, 1000, 0.01), {}, false, &again));
  EXPECT_TRUE(test::same_bits(test::all_numbers(again), test::all_numbers(results)));
}

}  // namespace
}  // namespace clvsim
