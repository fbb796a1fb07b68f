// Chains whose customers differ: their exact laws by the Polya urn, and cases for every backend.
#pragma once

#include "host/run/dirichlet_program.hpp"
#include "tests/support/engine_outcome.hpp"

#include <cmath>
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

namespace clvsim::test {

// What a customer has done so far: [states][outcomes].
using OutcomeCounts = std::vector<std::vector<std::uint32_t>>;

inline OutcomeCounts no_counts(const MigrationChain& chain) {
  OutcomeCounts counts;
  for (const ChainState& state : chain.states) counts.emplace_back(state.outcomes.size());
  return counts;
}

// The exact law of what a customer brings, undiscounted: every path of outcomes with its predictive probability, which
// is that of a Polya urn (Blackwell & MacQueen 1973, Annals of Statistics 1): (a_k + n_k) / sum (a_j + n_j), the counts
// n of the row growing with the path. Time grows as outcomes^horizon.
struct UrnLaw {
  std::map<double, double> value;  // probability by value
  double p_active = 0, transactions = 0;

  [[nodiscard]] double mean() const {
    double sum = 0;
    for (const auto& [x, p] : value) sum += x * p;
    return sum;
  }
  [[nodiscard]] double sd() const {
    const double m = mean();
    double sum = 0;
    for (const auto& [x, p] : value) sum += (x - m) * (x - m) * p;
    return std::sqrt(sum);
  }
};

inline void add_paths(const MigrationChain& chain, int s, OutcomeCounts& counts, int left, double p, double value,
                      double transactions, UrnLaw& law) {
  const ChainState& state = chain.states[static_cast<std::size_t>(s)];
  if (left == 0) {
    law.value[value] += p;
    law.transactions += p * transactions;
    if (state.active) law.p_active += p;
    return;
  }
  std::vector<std::uint32_t>& own = counts[static_cast<std::size_t>(state.row_of >= 0 ? state.row_of : s)];
  double all = 0;
  for (const std::uint32_t n : own) all += n;
  for (std::size_t k = 0; k < state.outcomes.size(); ++k) {
    const ChainOutcome& outcome = state.outcomes[k];
    double q = outcome.probability;
    if (state.concentration) q = (*state.concentration * q + own[k]) / (*state.concentration + all);
    if (q == 0) continue;
    ++own[k];
    add_paths(chain, outcome.to, counts, left - 1, p * q, value + state.amount + outcome.amount,
              transactions + (outcome.purchase ? 1 : 0), law);
    --own[k];
  }
}

inline UrnLaw urn_law(const MigrationChain& chain, int start, OutcomeCounts counts, int horizon) {
  UrnLaw law;
  add_paths(chain, start, counts, horizon, 1, 0, 0, law);
  return law;
}

// The counts as the tables have them; those of states that share a row are given at its first.
inline std::vector<std::uint32_t> packed(const DirichletTables& tables, const OutcomeCounts& counts) {
  std::vector<std::uint32_t> own(tables.n_counts);
  for (std::size_t s = 0; s < counts.size(); ++s)
    for (std::size_t k = 0; k < counts[s].size(); ++k)
      if (tables.counts[s][k] >= 0) own[static_cast<std::size_t>(tables.counts[s][k])] += counts[s][k];
  return own;
}

struct DirichletCase {
  MigrationChain chain;
  std::uint32_t horizon, n_paths;
  std::size_t n_customers;
};

// A case with the inputs of the engine; not moved once made. Customer i begins in state i, with other counts than the
// others.
struct PreparedDirichlet {
  explicit PreparedDirichlet(const DirichletCase& c)
      : chain(c.chain),
        info(info_of(c)),
        program(chain, info, nullptr),
        plan(plan_ranks(c.n_paths, {0.05, 0.5, 0.9}, 0.05)) {
    CustomerRows rows;
    for (std::size_t i = 0; i < c.n_customers; ++i) {
      std::vector<std::uint32_t> counts(program.tables().n_counts);
      for (std::size_t j = 0; j < counts.size() && i > 0; ++j)
        counts[j] = static_cast<std::uint32_t>((i * 7 + j * j) % (i == 3 ? 1000 : 5));
      const SpendLevel level{3 + 0.1 * static_cast<double>(i), 0.3};
      program.add(static_cast<int>(i % chain.states.size()), level, counts, customer_hash(std::to_string(i)), rows);
    }
    any = rows.customers;
    spec.params = program.program().params;
    spec.seed = 77;
    spec.horizon = c.horizon;
    spec.n_paths = c.n_paths;
    spec.ranks = plan.ranks;
    spec.tail = plan.tail;
  }
  PreparedDirichlet(const PreparedDirichlet&) = delete;
  PreparedDirichlet& operator=(const PreparedDirichlet&) = delete;

  MigrationChain chain;
  RunInfo info;
  DirichletProgram program;
  RankPlan plan;
  kernels::AnyCustomers any;
  kernels::RunSpec spec;

 private:
  static RunInfo info_of(const DirichletCase& c) {
    SimulationOptions options;
    options.horizon = static_cast<int>(c.horizon);
    options.n_paths = c.n_paths;
    options.discounting = {0.02, RatePeriod::month, DiscountConvention::mid};
    return describe(resolve(options, c.chain), c.chain, static_cast<std::int64_t>(c.n_customers));
  }
};

inline std::size_t n_customers(const PreparedDirichlet& prepared) {
  return static_cast<std::size_t>(prepared.info.n_customers);
}
inline kernels::CustomerSpan span_of(const PreparedDirichlet& prepared) { return kernels::span_of(prepared.any); }

// The same concentration in every state that is left.
inline MigrationChain with_concentration(MigrationChain chain, double concentration) {
  for (ChainState& state : chain.states)
    if (state.outcomes.size() > 1) state.concentration = concentration;
  return chain;
}

// Every second state of a chain has the row of the one before it, which needs as many outcomes.
inline MigrationChain with_shared_rows(MigrationChain chain) {
  for (std::size_t s = 1; s < chain.states.size(); s += 2) {
    const ChainState& first = chain.states[s - 1];
    ChainState& state = chain.states[s];
    for (std::size_t k = 0; k < state.outcomes.size(); ++k)
      state.outcomes[k].probability = first.outcomes[k].probability;
    state.row_of = static_cast<int>(s) - 1;
  }
  return chain;
}

// Customers that hardly differ and that always do the same, rows of 1 to 16 outcomes and counts of one and of several
// records, shared rows, states in which all are alike, drawn spend, amounts of every size.
inline std::vector<DirichletCase> dirichlet_cases() {
  MigrationChain some = with_concentration(mixed_chain(7, 3, 100), 2);
  some.states[2].concentration.reset();
  some.states[5].concentration = 1e9;
  return {{with_concentration(life_cycle(), 4), 30, 300, 5},
          {with_concentration(with_spend(), 1.5), 13, 300, 4},
          {some, 20, 130, 7},
          {with_shared_rows(with_concentration(mixed_chain(6, 4, 1e12), 0.3)), 12, 129, 6},
          {with_concentration(mixed_chain(20, 16, 1000), 30), 9, 140, 20},
          {with_concentration(dwyer_migration(), 1e-6), 3, 2500, 2}};
}

}  // namespace clvsim::test
