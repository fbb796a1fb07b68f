// One customer's paths, and what they are reduced to: the work of a team.
#pragma once

#include "kernels/math/portable.hpp"
#include "kernels/path/simulator.hpp"
#include "kernels/portability.hpp"
#include "kernels/stats/summary.hpp"

#include <cstdint>

namespace clvsim::kernels {

// Sums over customers, kept apart for every path; what portfolio and period forecasts are made of. Null pointers where
// period forecasts are not wanted. Additions are integer, so that neither the order nor the partition of the customers
// matters. Element (path, period) stands at path * path_stride + period * period_stride.
struct PathSumsView {
  std::uint64_t* total = nullptr;         // [paths] discounted value, fixed point, two's complement
  std::uint64_t* revenue = nullptr;       // [paths, periods] undiscounted cash, fixed point, two's complement
  std::uint32_t* active = nullptr;        // [paths, periods] customers active at the end of the period; of sparse
                                          // models, customers that were the period before and are no more
  std::uint32_t* transactions = nullptr;  // [paths, periods]
  std::uint64_t path_stride = 0, period_stride = 0;
};

// Everything of a run that the task needs. All pointers in the memory of whoever runs it.
template <class Model>
struct RunView {
  typename Model::Params params;
  std::uint64_t seed = 0;
  std::uint32_t horizon = 0;
  std::uint32_t n_paths = 0;
  RankView ranks;
};

// A customer's results, all integers.
struct CustomerSummary {
  ValueSummary value;
  std::uint64_t n_active = 0;       // paths active after the last period
  std::uint64_t n_saturated = 0;    // numbers at the limit of the fixed point: fatal
  std::uint64_t n_exhausted = 0;    // draws that no attempt of their rejection loop gave: fatal
  std::uint64_t max_drawn = 0;      // largest |drawn cash| of a period of a path, fixed point
  std::uint64_t max_purchases = 0;  // of a period of a path; of sparse models
  WideSum transactions;             // over paths
  WideSum transactions_squares;
};

// Collects a path; sums over customers are added to through the team.
template <class Model, class Team>
struct StatisticsSink {
  Team* team = nullptr;
  PathSumsView sums;
  std::uint64_t first = 0, at = 0;  // indices of (path, period): of the first period, of the present one
  std::int64_t value = 0;           // so far, with the model's extra bits
  std::uint64_t n_transactions = 0;
  std::uint64_t max_drawn = 0;
  std::uint64_t n_saturated = 0, n_exhausted = 0;
  std::uint64_t max_purchases = 0;
  bool active = Model::sparse;

  CLVSIM_HD void purchase(std::uint32_t, std::int64_t) {}
  CLVSIM_HD void refund(std::uint32_t, std::int64_t) {}
  CLVSIM_HD void purchases(std::uint32_t, std::int64_t) {}
  CLVSIM_HD void exhausted(std::uint32_t n) { n_exhausted += n; }
  CLVSIM_HD void period_end(std::uint32_t t, const PeriodOutcome& outcome) {
    value = add_fixed(value, outcome.value);
    active = outcome.active;
    n_transactions += outcome.n_purchases;
    n_saturated += outcome.n_saturated;
    const std::uint64_t drawn = distance(outcome.drawn, 0);
    max_drawn = drawn > max_drawn ? drawn : max_drawn;
    if constexpr (Model::sparse) {
      max_purchases = outcome.n_purchases > max_purchases ? outcome.n_purchases : max_purchases;
      if (sums.revenue == nullptr) return;
      at = first + t * sums.period_stride;
      if (!outcome.active) team->add_global(sums.active[at], 1U);
    }
    if (sums.revenue == nullptr) return;
    if (outcome.cash != 0) team->add_global(sums.revenue[at], static_cast<std::uint64_t>(outcome.cash));
    if (!Model::sparse && outcome.active) team->add_global(sums.active[at], 1U);
    if (outcome.n_purchases != 0) team->add_global(sums.transactions[at], outcome.n_purchases);
    at += sums.period_stride;
  }
};

// What a member of a team knows of its paths.
struct PathTotals {
  WideSum transactions, transactions_squares;
  std::uint64_t n_active = 0, n_saturated = 0, n_exhausted = 0, max_drawn = 0, max_purchases = 0;
};

// Walks the paths of this member of the team, adds to the sums over customers, and writes the values [n_paths].
template <class Model, class Team>
CLVSIM_HD void walk_paths(Team& team, const RunView<Model>& run, const typename Model::Customer& customer,
                          const PathSumsView& sums, std::int64_t* values, PathTotals& totals) {
  for (std::uint64_t p = team.rank(); p < run.n_paths; p += team.size()) {
    StatisticsSink<Model, Team> sink;
    sink.team = &team;
    sink.sums = sums;
    sink.first = sink.at = p * sums.path_stride;
    PathSimulator<Model>::walk(run.params, customer, static_cast<std::uint32_t>(p), run.seed, run.horizon, sink);
    const std::int64_t value = Model::path_value(run.params, sink.value);
    values[p] = value;
    team.add_global(sums.total[p], static_cast<std::uint64_t>(value));
    totals.n_saturated += sink.n_saturated + (saturated(sink.value) ? 1 : 0);
    totals.max_drawn = sink.max_drawn > totals.max_drawn ? sink.max_drawn : totals.max_drawn;
    if constexpr (Model::rejects) totals.n_exhausted += sink.n_exhausted;
    if constexpr (Model::sparse) {
      totals.max_purchases = sink.max_purchases > totals.max_purchases ? sink.max_purchases : totals.max_purchases;
    }
    totals.n_active += sink.active ? 1 : 0;
    totals.transactions.add(sink.n_transactions);
    totals.transactions_squares.add(static_cast<u128>(sink.n_transactions) * sink.n_transactions);
  }
}

struct TaskShared {
  SummaryShared summary;
  std::uint64_t transactions[n_limbs], transactions_squares[n_limbs];
  std::uint64_t n_active, n_saturated, n_exhausted, max_drawn, max_purchases;
};

// Simulates all paths of a customer, the first of its records, and summarises them. `values` [n_paths] is the team's
// scratch; `out` and `order` [run.ranks.n_ranks] receive the results, complete after the next barrier. Every member of
// the team calls it, and may call it again with the same memory.
template <class Model, class Team>
CLVSIM_HD void run_customer(Team& team, TaskShared& shared, const RunView<Model>& run,
                            const typename Model::Customer& customer, const PathSumsView& sums, std::int64_t* values,
                            CustomerSummary* out, std::int64_t* order) {
  if (team.rank() == 0) {
    for (unsigned i = 0; i < n_limbs; ++i) shared.transactions[i] = shared.transactions_squares[i] = 0;
    shared.n_active = shared.n_saturated = shared.n_exhausted = shared.max_drawn = shared.max_purchases = 0;
  }
  team.barrier();
  {
    PathTotals totals;
    walk_paths<Model>(team, run, customer, sums, values, totals);
    add_limbs<limbs_of_words>(team, shared.transactions, totals.transactions);
    add_limbs<limbs_of_squares>(team, shared.transactions_squares, totals.transactions_squares);
    team.add_all(shared.n_active, totals.n_active);
    team.add_all(shared.n_saturated, totals.n_saturated);
    team.max_all(shared.max_drawn, totals.max_drawn);
    if constexpr (Model::rejects) team.add_all(shared.n_exhausted, totals.n_exhausted);
    if constexpr (Model::sparse) team.max_all(shared.max_purchases, totals.max_purchases);
  }
  summarise(team, shared.summary, values, run.n_paths, run.ranks, &out->value, order);
  if (team.rank() == 0) {
    out->n_active = shared.n_active;
    out->n_saturated = shared.n_saturated;
    out->n_exhausted = shared.n_exhausted;
    out->max_drawn = shared.max_drawn;
    out->max_purchases = shared.max_purchases;
    out->transactions = from_limbs(shared.transactions);
    out->transactions_squares = from_limbs(shared.transactions_squares);
  }
}

}  // namespace clvsim::kernels
