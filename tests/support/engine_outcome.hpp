// Everything that a backend gives, so that backends can be compared bit for bit.
#pragma once

#include "host/run/chain_tables.hpp"
#include "host/run/engine.hpp"
#include "host/run/estimates.hpp"
#include "host/run/event_tables.hpp"
#include "kernels/backend/backend.hpp"
#include "tests/support/chains.hpp"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <vector>

namespace clvsim::test {

using kernels::CustomerSummary;
using kernels::PathSums;
using kernels::WideSum;

struct Case {
  MigrationChain chain;
  std::uint32_t horizon, n_paths;
  std::size_t n_customers;
  kernels::Sampler sampler = kernels::Sampler::alias;
  std::uint32_t n_segments = 1, n_levels = 1, n_worlds = 0;  // with worlds, a program of three chains
  std::vector<DwellLaw> laws{};                              // of the event sampler
};

// Three chains of other probabilities, spread over segments, periods and levels without an order.
inline ChainProgram program_of(const Case& c) {
  ChainProgram program;
  program.chains = {c.chain};
  if (c.n_worlds == 0) return program;
  std::vector<double> loading;
  for (std::size_t s = 0; s < c.chain.states.size(); ++s) loading.push_back(0.3 * static_cast<double>(s % 4) - 0.4);
  program.chains.push_back(tilted(c.chain, loading, 1));
  program.chains.push_back(tilted(c.chain, loading, -1.5));
  program.n_segments = c.n_segments;
  program.n_levels = c.n_levels;
  program.n_worlds = c.n_worlds;
  std::uint32_t mixed = 1;
  const auto next = [&](std::uint32_t below) {
    mixed = mixed * 1664525 + 1013904223;  // Numerical Recipes, a quick generator
    return static_cast<std::uint16_t>((mixed >> 16) % below);
  };
  for (std::uint32_t i = 0; i < c.n_segments * c.horizon * c.n_levels; ++i) program.chain_of.push_back(next(3));
  for (std::uint32_t i = 0; c.n_levels > 1 && i < c.horizon * c.n_worlds; ++i) {
    program.level.push_back(next(c.n_levels));
  }
  return program;
}

// Everything that a backend gives, as comparable numbers.
struct Outcome {
  std::vector<kernels::u128> numbers;
  std::vector<std::uint64_t> counters;  // of models that are sparse; not in the digest
  std::vector<std::int64_t> order;
  PathSums sums;

  void add(const CustomerSummary& s) {
    const auto wide = [&](const WideSum& w) { numbers.insert(numbers.end(), {w.low, w.high}); };
    const auto& v = s.value;
    numbers.insert(numbers.end(), {static_cast<kernels::u128>(v.min), static_cast<kernels::u128>(v.max),
                                   static_cast<kernels::u128>(v.centre), v.reach, static_cast<kernels::u128>(v.sum),
                                   v.n_nonpositive, s.n_active, s.n_saturated, s.max_drawn});
    counters.insert(counters.end(), {s.n_exhausted, s.max_purchases});
    wide(v.squares);
    wide(v.fourth);
    wide(v.shortfall);
    wide(v.shortfall_squares);
    wide(s.transactions);
    wide(s.transactions_squares);
  }
  bool operator==(const Outcome& o) const {
    return numbers == o.numbers && counters == o.counters && order == o.order && sums.total == o.sums.total &&
           sums.revenue == o.sums.revenue && sums.active == o.sums.active && sums.transactions == o.sums.transactions;
  }
};

// A case with the inputs of the engine; not moved once made.
struct Prepared {
  explicit Prepared(const Case& c)
      : tables(pack(program_of(c), 2,
                    discount_factors({0.02, RatePeriod::month, DiscountConvention::mid}, PeriodUnit::month,
                                     static_cast<int>(c.horizon)))),
        plan(plan_ranks(c.n_paths, {0.05, 0.5, 0.9}, 0.05)) {
    if (c.sampler == kernels::Sampler::event) add_event_tables(tables, c.laws);
    const auto n = static_cast<std::int64_t>(c.n_customers);
    CustomerRows rows;
    CountedSource(n, c.chain).read(0, n, rows);
    customers = rows.of<kernels::ChainCustomer>();
    for (std::size_t i = 0; i < customers.size(); ++i) {
      customers[i].level_mean += 0.1 * static_cast<double>(i);
      customers[i].segment = static_cast<std::uint32_t>(i) % c.n_segments;
    }
    spec.params = tables.view(c.sampler);
    spec.seed = 77;
    spec.horizon = c.horizon;
    spec.n_paths = c.n_paths;
    spec.ranks = plan.ranks;
    spec.tail = plan.tail;
  }
  [[nodiscard]] const kernels::MigrationChainView& chain() const {
    return std::get<kernels::MigrationChainView>(spec.params);
  }

  Prepared(const Prepared&) = delete;
  Prepared& operator=(const Prepared&) = delete;

  ChainTables tables;
  RankPlan plan;
  std::vector<kernels::ChainCustomer> customers;
  kernels::RunSpec spec;
};

inline kernels::CustomerSpan span_of(const Prepared& prepared) {
  return std::span<const kernels::ChainCustomer>(prepared.customers);
}

inline std::size_t n_customers(const Prepared& prepared) { return prepared.customers.size(); }

// `values`, where given, becomes the value of every path [customers, paths].
template <class AnyPrepared>
Outcome run_backend(const AnyPrepared& prepared, kernels::Backend& backend, std::size_t batch,
                    std::vector<std::int64_t>* values = nullptr) {
  Outcome outcome;
  const kernels::CustomerSpan customers = span_of(prepared);
  const std::size_t n = n_customers(prepared), records = kernels::size_of(customers) / n;
  const std::size_t n_ranks = prepared.plan.ranks.size();
  std::vector<CustomerSummary> summaries(n);
  outcome.order.resize(n * n_ranks);
  const std::size_t n_values = values == nullptr ? 0 : prepared.spec.n_paths;
  if (values != nullptr) values->assign(n * n_values, 0);
  for (std::size_t first = 0; first < n; first += batch) {
    const std::size_t count = std::min(batch, n - first);
    backend.run(
        kernels::part_of(customers, first * records, count * records), {summaries.data() + first, count},
        {outcome.order.data() + first * n_ranks, count * n_ranks},
        values == nullptr ? std::span<std::int64_t>() : std::span(values->data() + first * n_values, count * n_values));
  }
  for (const CustomerSummary& summary : summaries) outcome.add(summary);
  backend.gather(outcome.sums);
  return outcome;
}

// n states that a customer stays in for long, a purchase each period in every third, and earns in, up to `largest`; the
// last is never left.
inline MigrationChain long_stays(int n, double stay, double largest) {
  MigrationChain chain = mixed_chain(n, std::min(n, 4), largest);
  for (int s = 0; s < n; ++s) {
    std::vector<ChainOutcome>& outcomes = chain.states[static_cast<std::size_t>(s)].outcomes;
    if (s + 1 == n) outcomes.clear();
    for (ChainOutcome& outcome : outcomes) outcome.probability *= 1 - stay;
    outcomes.push_back(outcome(s, s + 1 == n ? 1 : stay, largest / 7, s % 3 == 1));
  }
  return chain;
}

// A law of stays of up to n periods, none of 2.
inline DwellLaw dwell_law(std::size_t n) {
  DwellLaw law(n);
  const double share = 1 / static_cast<double>(n > 1 ? n - 1 : 1);
  for (std::size_t k = 0; k < n; ++k) law[k] = k == 1 ? 0 : share;
  return law;
}

// Chains whose purchases are drawn, for every shape of the vector code: with and without other amounts, in registers
// and in memory, changing or not; one purchase a period without zeros and refunds, many purchases a period; and amounts
// that a part of the customers, or all, may draw beyond what the vector code holds.
inline std::vector<Case> drawn_cases() {
  constexpr auto alias = kernels::Sampler::alias;
  const auto drawn = [](MigrationChain chain, const std::function<void(SpendModel&)>& change = {}) {
    chain.spend = with_spend().spend;
    if (change) change(*chain.spend);
    return chain;
  };
  const auto plain = [](SpendModel& spend) {
    spend.purchases_in_period = {1};
    spend.zero_share = spend.refund_rate = 0;
  };
  const auto many = [](SpendModel& spend) { spend.purchases_in_period.assign(40, 1.0 / 40); };
  const auto wide = [](SpendModel& spend) { spend.within_sd = 3; };
  const auto wider = [](SpendModel& spend) { spend.refund_log_sd = 40; };
  return {{drawn(with_spend(), plain), 60, 2500, 3},
          {drawn(with_spend(), many), 61, 600, 3},
          {drawn(with_spend(), wide), 20, 300, 12},
          {drawn(with_spend(), wider), 20, 300, 5},
          {drawn(mixed_chain(6, 6, 0)), 60, 1000, 40},
          {drawn(mixed_chain(28, 2, 0)), 39, 4200, 5},
          {drawn(mixed_chain(28, 2, 250)), 37, 333, 9},
          {drawn(mixed_chain(60, 4, 2e8)), 24, 64, 30},
          {drawn(mixed_chain(70, 5, 0)), 11, 90, 3},
          {drawn(mixed_chain(200, 16, 700), plain), 13, 130, 3},
          {drawn(mixed_chain(6, 6, 100)), 61, 300, 9, alias, 3, 1, 1},
          {drawn(mixed_chain(8, 7, 0)), 23, 257, 5, alias, 2, 4, 7},
          {drawn(mixed_chain(28, 2, 250)), 13, 129, 3, alias, 1, 5, 3}};
}

// Every shape of the vector code (1 or 4 tables of cells; 1, 2 or 4 tables of values), with and without purchases, of
// one and of two limbs of money; what it leaves to the reference: drawn spend, ordered steps, more states than it
// holds. The event sampler's shapes as well: few and many dwell classes and positions, laws of stays of their own.
inline std::vector<Case> parity_cases() {
  constexpr auto alias = kernels::Sampler::alias, ordered = kernels::Sampler::ordered, event = kernels::Sampler::event;
  std::vector<Case> cases{
      {with_spend(), 13, 255, 9},
      {with_spend(), 5, 256, 3},
      {with_spend(), 5, 130, 3, ordered},
      {life_cycle(), 60, 257, 5},
      {dwyer_migration(), 3, 2, 4},
      {dwyer_retention(), 1, 3, 2},
      {life_cycle(), 6, 1000, 3},
      {life_cycle(), 9, 200, 3, ordered},
      {mixed_chain(6, 6, 100), 60, 1000, 5},
      {mixed_chain(6, 6, 3e5), 61, 300, 40},
      {mixed_chain(8, 7, 1), 300, 129, 3},
      {mixed_chain(28, 2, 250), 37, 333, 4},
      {mixed_chain(28, 2, 1e9), 18, 127, 9},
      {mixed_chain(16, 16, 70), 24, 500, 3},
      {mixed_chain(60, 4, 2000), 24, 128, 7},
      {mixed_chain(60, 4, 2e8), 24, 64, 300},
      {mixed_chain(70, 5, 30), 11, 90, 3},
      {mixed_chain(64, 16, 50), 60, 129, 3},
      {mixed_chain(128, 3, 2e8), 5, 127, 3},
      {mixed_chain(200, 16, 700), 13, 130, 3},
      {mixed_chain(256, 2, 4), 4, 64, 2},
      {mixed_chain(256, 16, 9), 3, 33, 2},
      {mixed_chain(5, 3, 1e12), 7, 65, 2},
      // By segment and period; with worlds of two, four and many levels.
      {mixed_chain(6, 6, 100), 61, 300, 9, alias, 3, 1, 1},
      {mixed_chain(28, 2, 250), 37, 333, 7, alias, 2, 1, 1},
      {mixed_chain(6, 6, 100), 24, 1000, 5, alias, 1, 2, 1000},
      {mixed_chain(8, 7, 3e5), 23, 257, 5, alias, 2, 4, 7},
      {mixed_chain(3, 3, 1), 12, 300, 3, alias, 1, 16, 64},
      {mixed_chain(6, 6, 100), 24, 500, 5, alias, 2, 33, 500},
      {mixed_chain(28, 2, 250), 13, 129, 3, alias, 1, 5, 3},
      {mixed_chain(6, 5, 100), 9, 300, 3, ordered, 2, 4, 100},
      {with_spend(), 13, 255, 3, alias, 2, 3, 100},
      // Events.
      {life_cycle(), 60, 1000, 5, event},
      {dwyer_migration(), 3, 2, 4, event},
      {dwyer_retention(), 1, 3, 2, event},
      {long_stays(6, 0.875, 50), 60, 2500, 3, event},
      {long_stays(6, 0.875, 50), 60, 31, 40, event},
      {long_stays(5, 0.99, 50), 1000, 333, 3, event},
      {long_stays(2, 0.9999, 1), 4000, 129, 3, event},
      {long_stays(14, 0.9, 3e5), 61, 300, 5, event},
      {long_stays(14, 0.97, 1e9), 61, 127, 5, event},
      {mixed_chain(16, 16, 70), 24, 500, 3, event},
      {long_stays(22, 0.95, 70), 120, 700, 3, event},
      {long_stays(40, 0.95, 70), 120, 700, 3, event},
      {mixed_chain(70, 5, 30), 11, 90, 3, event},
      {mixed_chain(5, 3, 1e12), 7, 65, 2, event},
      {dwyer_migration(), 3, 300, 4, event, 1, 1, 0, {dwell_law(1), dwell_law(2), {}, dwell_law(3)}},
      {dwyer_retention(), 200, 300, 4, event, 1, 1, 0, {dwell_law(5), dwell_law(31), dwell_law(100)}}};
  for (const Case& c : drawn_cases()) cases.push_back(c);
  // Events by period of more customers than a list, or 8 bits, hold.
  cases.push_back({long_stays(6, 0.875, 50), 20, 40, 300, event});
  cases.push_back({life_cycle(), 20, 40, 300, event});
  return cases;
}

inline constexpr std::uint64_t budget = std::uint64_t{1} << 30;

}  // namespace clvsim::test
