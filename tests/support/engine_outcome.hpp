// Everything that a backend gives, so that backends can be compared bit for bit.
#pragma once

#include "host/run/chain_tables.hpp"
#include "host/run/engine.hpp"
#include "host/run/estimates.hpp"
#include "kernels/backend/backend.hpp"
#include "tests/support/chains.hpp"

#include <algorithm>
#include <cstdint>
#include <vector>

namespace clvsim::test {

using kernels::CustomerSummary;
using kernels::PathSums;
using kernels::WideSum;

struct Case {
  MigrationChain chain;
  std::uint32_t horizon, n_paths;
  std::size_t n_customers;
};

// Everything that a backend gives, as comparable numbers.
struct Outcome {
  std::vector<kernels::u128> numbers;
  std::vector<std::int64_t> order;
  PathSums sums;

  void add(const CustomerSummary& s) {
    const auto wide = [&](const WideSum& w) { numbers.insert(numbers.end(), {w.low, w.high}); };
    const auto& v = s.value;
    numbers.insert(numbers.end(), {static_cast<kernels::u128>(v.min), static_cast<kernels::u128>(v.max),
                                   static_cast<kernels::u128>(v.centre), v.reach, static_cast<kernels::u128>(v.sum),
                                   v.n_nonpositive, s.n_active, s.n_saturated, s.max_cash});
    wide(v.squares);
    wide(v.fourth);
    wide(v.shortfall);
    wide(v.shortfall_squares);
    wide(s.transactions);
    wide(s.transactions_squares);
  }
  bool operator==(const Outcome& o) const {
    return numbers == o.numbers && order == o.order && sums.total == o.sums.total && sums.revenue == o.sums.revenue &&
           sums.active == o.sums.active && sums.transactions == o.sums.transactions;
  }
};

// A case with the inputs of the engine; not moved once made.
struct Prepared {
  explicit Prepared(const Case& c) : tables(pack(c.chain, 2)), plan(plan_ranks(c.n_paths, {0.05, 0.5, 0.9}, 0.05)) {
    weight = discount_factors({0.02, RatePeriod::month, DiscountConvention::mid}, PeriodUnit::month,
                              static_cast<int>(c.horizon));
    std::vector<char> keys;
    CountedSource(static_cast<std::int64_t>(c.n_customers), c.chain)
        .read(0, static_cast<std::int64_t>(c.n_customers), customers, keys);
    for (std::size_t i = 0; i < customers.size(); ++i) customers[i].level_mean += 0.1 * static_cast<double>(i);
    spec.chain = tables.view();
    spec.seed = 77;
    spec.horizon = c.horizon;
    spec.n_paths = c.n_paths;
    spec.weight = weight;
    spec.ranks = plan.ranks;
    spec.tail = plan.tail;
  }
  Prepared(const Prepared&) = delete;
  Prepared& operator=(const Prepared&) = delete;

  ChainTables tables;
  RankPlan plan;
  std::vector<double> weight;
  std::vector<kernels::ChainCustomer> customers;
  kernels::RunSpec spec;
};

inline Outcome run_backend(const Prepared& prepared, kernels::Backend& backend, std::size_t batch) {
  Outcome outcome;
  const std::size_t n = prepared.customers.size(), n_ranks = prepared.plan.ranks.size();
  std::vector<CustomerSummary> summaries(n);
  outcome.order.resize(n * n_ranks);
  for (std::size_t first = 0; first < n; first += batch) {
    const std::size_t count = std::min(batch, n - first);
    backend.run({prepared.customers.data() + first, count}, {summaries.data() + first, count},
                {outcome.order.data() + first * n_ranks, count * n_ranks});
  }
  for (const CustomerSummary& summary : summaries) outcome.add(summary);
  backend.gather(outcome.sums);
  return outcome;
}

inline std::vector<Case> parity_cases() {
  return {{with_spend(), 13, 255, 9},   {with_spend(), 5, 256, 3},    {life_cycle(), 60, 257, 5},
          {dwyer_migration(), 3, 2, 4}, {dwyer_retention(), 1, 3, 2}, {life_cycle(), 6, 1000, 3}};
}

inline constexpr std::uint64_t budget = std::uint64_t{1} << 30;

}  // namespace clvsim::test
