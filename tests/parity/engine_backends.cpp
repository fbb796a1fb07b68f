// One body for every way to run: teams of threads and thread counts give the bits of a single thread.
#include "kernels/backend/split.hpp"
#include "kernels/lanes/lanes.hpp"
#include "kernels/lanes/tables.hpp"
#include "kernels/path/pair_task.hpp"
#include "kernels/stats/team.hpp"
#include "tests/support/engine_outcome.hpp"
#include "tests/support/thread_team.hpp"

#include <clvsim/error.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>

namespace clvsim {
namespace {

using test::Outcome;
using test::Prepared;

kernels::RunView<kernels::MigrationChainModel> view_of(const kernels::RunSpec& spec) {
  kernels::RunView<kernels::MigrationChainModel> view;
  view.params = std::get<kernels::MigrationChainView>(spec.params);
  view.seed = spec.seed;
  view.horizon = spec.horizon;
  view.n_paths = spec.n_paths;
  view.ranks = {spec.ranks.data(), static_cast<std::uint32_t>(spec.ranks.size()), spec.tail};
  return view;
}

// All customers by one team of `size` threads, the block-parallel form of the task.
Outcome run_with_team(const Prepared& prepared, std::uint32_t size) {
  const kernels::RunSpec& spec = prepared.spec;
  const kernels::RunView<kernels::MigrationChainModel> view = view_of(spec);
  Outcome outcome;
  const std::size_t n = prepared.customers.size(), elements = std::size_t{spec.n_paths} * spec.horizon;
  std::vector<kernels::CustomerSummary> summaries(n);
  outcome.order.resize(n * spec.ranks.size());
  std::vector<std::uint64_t> total(spec.n_paths), revenue(elements);
  outcome.sums.active.resize(elements);
  outcome.sums.transactions.resize(elements);
  const kernels::PathSumsView sums{
      total.data(), revenue.data(), outcome.sums.active.data(), outcome.sums.transactions.data(), 1, spec.n_paths};
  std::vector<std::int64_t> values(spec.n_paths);
  auto shared = std::make_unique<kernels::TaskShared>();
  test::run_team(size, [&](test::ThreadTeam& team) {
    for (std::size_t i = 0; i < n; ++i) {
      kernels::run_customer(team, *shared, view, prepared.customers[i], sums, values.data(), &summaries[i],
                            outcome.order.data() + i * spec.ranks.size());
    }
  });
  for (const kernels::CustomerSummary& summary : summaries) outcome.add(summary);
  outcome.sums.total.assign(total.begin(), total.end());
  outcome.sums.revenue.assign(revenue.begin(), revenue.end());
  return outcome;
}

// The same by the pair task, as kernels/backend/cuda.cu runs it: tables in the team's memory, customers in groups.
template <std::uint32_t at_once, class Amount>
Outcome run_pairs_with_team(const Prepared& prepared, const kernels::PairShape& shape, std::uint32_t size) {
  const kernels::RunSpec& spec = prepared.spec;
  const kernels::RunView<kernels::MigrationChainModel> view = view_of(spec);
  constexpr bool periods = at_once > 1;
  Outcome outcome;
  const std::size_t n = prepared.customers.size(), n_ranks = spec.ranks.size();
  const std::size_t elements = periods ? std::size_t{spec.n_paths} * spec.horizon : 0;
  std::vector<kernels::CustomerSummary> summaries(n);
  outcome.order.resize(n * n_ranks);
  std::vector<std::uint64_t> total(spec.n_paths), cash(elements), marks(elements);
  std::vector<std::uint64_t> memory(shape.table_bytes / 8 + 1);
  std::vector<std::int64_t> values(std::size_t{at_once} * spec.n_paths);
  auto shared = std::make_unique<kernels::PairShared>();
  test::run_team(size, [&](test::ThreadTeam& team) {
    const auto tables =
        kernels::make_pair_tables<Amount>(team, prepared.chain(), spec.horizon, shape.position_bits, memory.data());
    for (std::size_t i = 0; i < n; i += at_once) {
      const auto count = static_cast<std::uint32_t>(std::min<std::size_t>(at_once, n - i));
      kernels::run_pairs<at_once>(team, *shared, shape, tables, view, prepared.customers.data() + i, count,
                                  {total.data(), cash.data(), marks.data()}, values.data(), summaries.data() + i,
                                  outcome.order.data() + i * n_ranks);
    }
  });
  for (const kernels::CustomerSummary& summary : summaries) outcome.add(summary);
  outcome.sums.total.assign(total.begin(), total.end());
  outcome.sums.revenue.assign(cash.begin(), cash.end());
  for (const std::uint64_t x : marks) {
    outcome.sums.active.push_back(static_cast<std::uint32_t>(x));
    outcome.sums.transactions.push_back(static_cast<std::uint32_t>(x >> 32));
  }
  return outcome;
}

// Sum over the customers and order statistics of kept values are those that the backend gives.
void expect_values_of(const Outcome& outcome, const Prepared& prepared, const std::vector<std::int64_t>& values) {
  const std::size_t n_paths = prepared.spec.n_paths, n_ranks = prepared.spec.ranks.size();
  std::vector<std::int64_t> total(n_paths);
  for (std::size_t i = 0; i < prepared.customers.size(); ++i) {
    std::vector<std::int64_t> own(values.begin() + static_cast<std::ptrdiff_t>(i * n_paths),
                                  values.begin() + static_cast<std::ptrdiff_t>((i + 1) * n_paths));
    for (std::size_t p = 0; p < n_paths; ++p) total[p] += own[p];
    std::sort(own.begin(), own.end());
    for (std::size_t r = 0; r < n_ranks; ++r)
      EXPECT_EQ(outcome.order[i * n_ranks + r], own[prepared.spec.ranks[r]]) << i << " " << r;
  }
  EXPECT_EQ(outcome.sums.total, total);
}

TEST(Parity, KeptPathsAreTheSameWhateverWalksThem) {
  for (const test::Case& c : test::parity_cases()) {
    Prepared prepared(c);
    for (const bool periods : {true, false}) {
      prepared.spec.periods = periods;
      const auto cpu = [&](const std::string& instructions, int threads) {
        return kernels::make_cpu_backend(prepared.spec, threads, test::budget, instructions);
      };
      std::vector<std::int64_t> expected, values;
      const Outcome outcome = run_backend(prepared, *cpu("reference", 1), 100, &expected);
      EXPECT_TRUE(outcome == run_backend(prepared, *cpu("reference", 1), 100)) << "keeping them changes results";
      expect_values_of(outcome, prepared, expected);
      for (const kernels::LaneKernels* lanes : kernels::lane_kernels()) {
        EXPECT_TRUE(run_backend(prepared, *cpu(lanes->name, 2), 7, &values) == outcome) << lanes->name;
        EXPECT_TRUE(values == expected) << lanes->name << ", " << c.n_paths << " paths";
      }
      std::vector<std::unique_ptr<kernels::Backend>> parts;
      parts.push_back(cpu("", 1));
      parts.push_back(cpu("reference", 1));
      EXPECT_TRUE(run_backend(prepared, *kernels::make_split_backend(std::move(parts)), 5, &values) == outcome);
      EXPECT_TRUE(values == expected) << "split, " << c.n_paths << " paths";
    }
  }
}

TEST(Parity, PairTasksEqualTheReference) {
  int n_narrow = 0, n_wide = 0, n_refused = 0;
  for (const test::Case& c : test::parity_cases()) {
    Prepared prepared(c);
    const kernels::PairShape shape = kernels::pair_shape(prepared.chain(), prepared.spec.seed, prepared.spec.horizon);
    if (!shape.possible) {
      ++n_refused;
      continue;
    }
    (shape.wide ? n_wide : n_narrow) += 1;
    for (const bool periods : {true, false}) {
      prepared.spec.periods = periods;
      const Outcome expected =
          run_backend(prepared, *kernels::make_cpu_backend(prepared.spec, 1, test::budget, "reference"), 100);
      constexpr std::uint32_t group = kernels::PairTask::customers_at_once;
      for (const std::uint32_t size : {1U, 3U, 8U}) {
        const auto run =
            shape.wide ? (periods ? run_pairs_with_team<group, std::int64_t> : run_pairs_with_team<1, std::int64_t>)
                       : (periods ? run_pairs_with_team<group, std::int32_t> : run_pairs_with_team<1, std::int32_t>);
        EXPECT_TRUE(run(prepared, shape, size) == expected)
            << size << " threads, " << c.chain.states.size() << " states, " << c.n_paths << " paths"
            << (periods ? ", periods" : "");
      }
    }
  }
  EXPECT_GE(n_narrow, 8);
  EXPECT_GE(n_wide, 3);
  EXPECT_GE(n_refused, 4);
}

TEST(Parity, ThreadTeamsEqualATeamOfOne) {
  for (const test::Case& c : test::parity_cases()) {
    const Prepared prepared(c);
    const Outcome expected = run_backend(prepared, *kernels::make_cpu_backend(prepared.spec, 1, test::budget), 100);
    for (const std::uint32_t size : {1U, 2U, 7U}) EXPECT_TRUE(run_with_team(prepared, size) == expected) << size;
  }
}

TEST(Parity, ThreadsAndBatchesOfTheCpu) {
  for (const test::Case& c : test::parity_cases()) {
    const Prepared prepared(c);
    const Outcome expected = run_backend(prepared, *kernels::make_cpu_backend(prepared.spec, 1, test::budget), 100);
    for (const int threads : {1, 2, 3, 16}) {
      for (const std::size_t batch : {1, 2, 100}) {
        EXPECT_TRUE(run_backend(prepared, *kernels::make_cpu_backend(prepared.spec, threads, test::budget), batch) ==
                    expected);
      }
    }
    // A budget for one set of path sums leaves one thread, and the same results.
    EXPECT_TRUE(run_backend(prepared, *kernels::make_cpu_backend(prepared.spec, 16, 1), 100) == expected);
  }
}

TEST(Parity, InstructionSetsEqualTheReference) {
  for (const test::Case& c : test::parity_cases()) {
    Prepared prepared(c);
    for (const bool periods : {true, false}) {
      prepared.spec.periods = periods;
      const auto run = [&](const char* instructions) {
        return run_backend(prepared, *kernels::make_cpu_backend(prepared.spec, 2, test::budget, instructions), 100);
      };
      const Outcome expected = run("reference");
      for (const kernels::LaneKernels* lanes : kernels::lane_kernels()) {
        EXPECT_TRUE(run(lanes->name) == expected) << lanes->name << (periods ? " with periods, " : ", ")
                                                  << c.chain.states.size() << " states, " << c.n_paths << " paths";
      }
    }
  }
}

// The comparison above is one of vector code: few cases are left to the reference, those that it says it cannot walk.
TEST(Parity, EventsAreWalkedOnRegisters) {
  int n_walked = 0, n_left = 0, n_by_period = 0;
  for (const test::Case& c : test::parity_cases()) {
    if (c.sampler != kernels::Sampler::event) continue;
    Prepared prepared(c);
    const auto description = [&] {
      return kernels::make_cpu_backend(prepared.spec, 1, test::budget, "scalar")->description();
    };
    // 64 positions, and path values of 45 bits; sums by period of up to 2046 periods.
    const bool fits = prepared.chain().n_positions <= 64 && std::abs(c.chain.states[0].amount) < 1e8;
    for (const bool periods : {true, false}) {
      prepared.spec.periods = periods;
      const bool walked = description() == "cpu (1 thread, scalar)";
      EXPECT_EQ(walked, fits && !(periods && c.horizon > 2046)) << c.chain.states.size() << " states";
      if (periods) {
        n_by_period += walked ? 1 : 0;
      } else {
        (walked ? n_walked : n_left) += 1;
      }
    }
  }
  EXPECT_EQ(n_by_period, 13);
  EXPECT_EQ(n_walked, 14);
  EXPECT_EQ(n_left, 4);
}

TEST(Parity, DrawnSpendIsWalkedOnRegisters) {
  std::vector<std::size_t> n_fitting;
  for (const test::Case& c : test::drawn_cases()) {
    const Prepared prepared(c);
    const auto backend = kernels::make_cpu_backend(prepared.spec, 1, test::budget, "scalar");
    EXPECT_EQ(backend->description(), "cpu (1 thread, scalar)");
    kernels::LaneTables tables;
    ASSERT_TRUE(make_lane_tables(prepared.chain(), 1, prepared.spec.horizon, 128, tables));
    const auto fits = [&](const kernels::ChainCustomer& customer) { return spend_fits(tables, customer); };
    n_fitting.push_back(
        static_cast<std::size_t>(std::count_if(prepared.customers.begin(), prepared.customers.end(), fits)));
    // What is left to the reference is chosen by the third and the fourth case.
    if (n_fitting.size() != 3 && n_fitting.size() != 4) {
      EXPECT_EQ(n_fitting.back(), prepared.customers.size());
    }
  }
  EXPECT_GT(n_fitting[2], 1U);
  EXPECT_LT(n_fitting[2], 11U);
  EXPECT_EQ(n_fitting[3], 0U);
  Prepared counted({test::with_spend(), 40000, 1, 1});  // up to 120,000 purchases a path
  EXPECT_EQ(kernels::make_cpu_backend(counted.spec, 1, test::budget, "scalar")->description(),
            "cpu (1 thread, reference)");
}

// No customer who fits draws more than is allowed, and the bound of a path's value holds: with the greatest normals,
// which no run would draw.
TEST(Parity, WhatFitsStaysBelowTheLimit) {
  for (const double within_sd : {0.1, 1.0, 2.5, 3.0}) {
    MigrationChain chain = test::with_spend();
    chain.spend->within_sd = within_sd;
    const Prepared prepared({chain, 20, 10, 1});
    kernels::LaneTables tables;
    ASSERT_TRUE(make_lane_tables(prepared.chain(), 1, 20, 128, tables));
    kernels::ChainCustomer customer = prepared.customers[0];
    // The largest level that fits.
    while (spend_fits(tables, customer)) customer.level_mean += 1;
    while (!spend_fits(tables, customer)) customer.level_mean -= 1;
    for (double step = 1; step > 1e-9; step /= 2) {
      customer.level_mean += step;
      if (!spend_fits(tables, customer)) customer.level_mean -= step;
    }
    const double z = kernels::normal(0xFFFFFFFF);
    const kernels::SpendEntry& entry = prepared.chain().spend;
    const double level = customer.level_mean + customer.level_sd * z;
    const double log = std::max(within_sd * z, entry.refund_shift + entry.refund_sd * z);
    const double amount = std::exp(level + log) * entry.scale * kernels::fixed_per_minor_unit;
    EXPECT_LT(amount, kernels::SpendLanes::amount_limit);
    EXPECT_GT(amount, kernels::SpendLanes::amount_limit / 4);  // and little is given away
  }
}

TEST(Parity, UnknownInstructionsAreADeviceError) {
  const Prepared prepared(test::parity_cases()[3]);
  EXPECT_THROW((void)kernels::make_cpu_backend(prepared.spec, 1, test::budget, "mmx"), DeviceError);
}

// The comparison above sees a change of a single unit.
TEST(Parity, AnotherSeedDiffers) {
  Prepared prepared(test::parity_cases()[0]);
  const Outcome expected = run_backend(prepared, *kernels::make_cpu_backend(prepared.spec, 1, test::budget), 100);
  prepared.spec.seed += 1;
  EXPECT_FALSE(run_backend(prepared, *kernels::make_cpu_backend(prepared.spec, 1, test::budget), 100) == expected);
}

}  // namespace
}  // namespace clvsim
