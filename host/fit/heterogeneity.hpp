// How much the customers of a log differ, row by row of a chain.
#pragma once

#include "host/fit/dirichlet.hpp"
#include "host/model/transitions.hpp"

#include <clvsim/fit.hpp>

#include <cstdint>
#include <vector>

namespace clvsim {

// Counts what each customer did in the rows of a chain, a row a tie group.
class RowCounts {
 public:
  // The chain has recency_frequency, and its states their outcomes in the order of their group.
  RowCounts(const MigrationChain& chain, const std::vector<int>& tie_group);
  void add(const CustomerBatch& batch, std::size_t i, const PeriodTable& periods);
  // Fits the rows, puts what was found into the states, and returns it. `prior` [states][outcomes]: pseudo-periods;
  // empty for states whose row is to be left as it is.
  [[nodiscard]] std::vector<RowFit> estimate(const std::vector<std::vector<double>>& prior,
                                             std::vector<ChainState>& states) const;
  // Of what the customers did in the rows of these states that have a prior.
  [[nodiscard]] double log_likelihood(const std::vector<std::vector<double>>& prior,
                                      const std::vector<ChainState>& states) const;

  // As for_transitions calls them.
  void at_risk(int state, int n) { note(state, outcomes_.aged(state), n); }
  void buys(int state, int class_after, std::int64_t) {
    note(state, outcomes_.aged(state), -1);
    note(state, outcomes_.bought(state, class_after), 1);
  }

 private:
  void note(int state, int outcome, int n);

  TransitionOutcomes outcomes_;
  std::vector<int> row_of_;                      // [states] the first state of its group
  std::vector<DirichletCounts> counts_;          // [states] of first states
  std::vector<std::vector<std::uint32_t>> own_;  // [states][outcomes] of the present customer, by row
  std::vector<int> visited_;                     // rows of the present customer
};

}  // namespace clvsim
