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
  void add(const CustomerBatch& batch, const PeriodTable& periods);
  // Fits the rows, and says so in the chain and the rows of the report. `prior` [states][outcomes]: pseudo-periods.
  void estimate(const std::vector<std::vector<double>>& prior, FitReport& report) const;

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
