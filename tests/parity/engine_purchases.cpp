// Models of purchases and of contracts: teams of threads, thread counts, batches and split devices give the bits of a
// single thread.
#include "kernels/backend/path_worker.hpp"
#include "kernels/backend/split.hpp"
#include "tests/support/purchases.hpp"
#include "tests/support/thread_team.hpp"

#include <clvsim/error.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <numeric>

namespace clvsim {
namespace {

using test::Outcome;
using test::PreparedBehaviour;

std::unique_ptr<kernels::Backend> cpu(const kernels::RunSpec& spec, int threads = 1) {
  return kernels::make_cpu_backend(spec, threads, test::budget);
}

std::string name_of(const test::BehaviourCase& c) {
  return c.model.model + (c.model.spend && c.model.spend->refund_rate > 0 ? ", refunds" : "");
}

// All customers by one team of `size` threads, the block-parallel form of the task.
template <class Model>
Outcome run_with_team(const PreparedBehaviour& prepared, std::uint32_t size) {
  const kernels::RunSpec& spec = prepared.spec;
  const kernels::RunView<Model> view = kernels::view_of<Model>(spec);
  const auto customers = std::get<std::span<const typename Model::Customer>>(span_of(prepared));
  Outcome outcome;
  const std::size_t records = Model::records(view.params), n = customers.size() / records;
  const std::size_t elements = std::size_t{spec.n_paths} * spec.horizon;
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
      kernels::run_customer(team, *shared, view, customers[i * records], sums, values.data(), &summaries[i],
                            outcome.order.data() + i * spec.ranks.size());
    }
  });
  for (const kernels::CustomerSummary& summary : summaries) outcome.add(summary);
  outcome.sums.total.assign(total.begin(), total.end());
  outcome.sums.revenue.assign(revenue.begin(), revenue.end());
  kernels::leavers_to_active(outcome.sums, n);
  return outcome;
}

TEST(PurchaseParity, ThreadTeamsEqualATeamOfOne) {
  for (const test::BehaviourCase& c : test::behaviour_cases()) {
    const PreparedBehaviour prepared(c);
    const Outcome expected = run_backend(prepared, *cpu(prepared.spec), 100);
    for (const std::uint32_t size : {1U, 2U, 7U}) {
      kernels::BehaviourModels::with(prepared.spec.params.index(), [&]<class Model>(std::type_identity<Model>) {
        if constexpr (Model::sparse) {
          EXPECT_TRUE(run_with_team<Model>(prepared, size) == expected) << name_of(c) << ' ' << size;
        } else {
          FAIL() << "a chain";
        }
      });
    }
  }
}

TEST(PurchaseParity, ThreadsBatchesAndDevices) {
  for (const test::BehaviourCase& c : test::behaviour_cases()) {
    PreparedBehaviour prepared(c);
    for (const bool periods : {true, false}) {
      prepared.spec.periods = periods;
      std::vector<std::int64_t> expected_values, values;
      const Outcome expected = run_backend(prepared, *cpu(prepared.spec), 100, &expected_values);
      for (const int threads : {1, 3, 16}) {
        for (const std::size_t batch : {1, 4, 100}) {
          EXPECT_TRUE(run_backend(prepared, *cpu(prepared.spec, threads), batch, &values) == expected)
              << name_of(c) << ' ' << threads << ' ' << batch;
          EXPECT_EQ(values, expected_values);
        }
      }
      std::vector<std::unique_ptr<kernels::Backend>> parts;
      for (int i = 0; i < 3; ++i) parts.push_back(cpu(prepared.spec));
      EXPECT_TRUE(run_backend(prepared, *kernels::make_split_backend(std::move(parts)), 7) == expected) << name_of(c);
    }
  }
}

// The sums by period are those of the paths: active customers fall, the totals are the kept values'.
TEST(PurchaseParity, SumsAreThoseOfThePaths) {
  for (const test::BehaviourCase& c : test::behaviour_cases()) {
    const PreparedBehaviour prepared(c);
    std::vector<std::int64_t> values;
    const Outcome outcome = run_backend(prepared, *cpu(prepared.spec), 100, &values);
    std::uint64_t n_active = 0;
    for (std::size_t p = 0; p < c.n_paths; ++p) {
      std::uint32_t before = static_cast<std::uint32_t>(c.n_customers());
      for (std::size_t t = 0; t < c.horizon; ++t) {
        const std::uint32_t active = outcome.sums.active[t * c.n_paths + p];
        EXPECT_LE(active, before) << name_of(c);
        before = active;
      }
      n_active += before;
      std::int64_t total = 0;
      for (std::size_t i = 0; i < c.n_customers(); ++i) total += values[i * c.n_paths + p];
      EXPECT_EQ(outcome.sums.total[p], total) << name_of(c);
    }
    EXPECT_GT(n_active, 0U);
    EXPECT_GT(std::accumulate(outcome.sums.transactions.begin(), outcome.sums.transactions.end(), std::uint64_t{0}),
              0U);
  }
}

// Another seed gives other paths, another name of instructions the same; an unknown one is refused.
TEST(PurchaseParity, SeedsAndNames) {
  for (const test::BehaviourCase& c : test::behaviour_cases()) {
    PreparedBehaviour prepared(c);
    const Outcome expected = run_backend(prepared, *cpu(prepared.spec), 100);
    EXPECT_TRUE(run_backend(prepared, *kernels::make_cpu_backend(prepared.spec, 1, test::budget, "scalar"), 100) ==
                expected);
    EXPECT_THROW((void)kernels::make_cpu_backend(prepared.spec, 1, test::budget, "mmx"), DeviceError);
    prepared.spec.seed += 1;
    EXPECT_FALSE(run_backend(prepared, *cpu(prepared.spec), 100) == expected) << name_of(c);
  }
}

}  // namespace
}  // namespace clvsim
