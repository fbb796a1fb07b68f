#include "host/bench/cases.hpp"

#include <clvsim/error.hpp>

#include <fmt/format.h>

#include <cmath>

namespace clvsim {

PlannedCases planned_cases() {
  PlannedCases cases;
  for (const auto add : {add_ceiling_cases, add_chain_cases, add_world_cases}) add(cases);
  return cases;
}

MigrationChain dense_chain(int n_states, double stay) {
  MigrationChain chain;
  for (int s = 0; s < n_states; ++s) {
    ChainState state;
    state.name = fmt::format("state_{}", s + 1);
    state.active = s + 1 < n_states;
    state.amount = state.active ? 10.0 * (s + 1) : 0;
    for (int to = 0; to < n_states; ++to) {
      ChainOutcome outcome;
      outcome.to = to;
      outcome.probability = to == s ? stay : (1 - stay) / (n_states - 1);
      state.outcomes.push_back(outcome);
    }
    chain.states.push_back(std::move(state));
  }
  return chain;
}

void check_mean(const std::string& name, double mean, double se, double exact) {
  if (std::abs(mean - exact) <= 4 * se) return;
  throw ModelError(
      fmt::format("{}: the simulated mean {} (standard error {}) is not the exact {}: a wrong result has no "
                  "speed; please report it",
                  name, mean, se, exact));
}

}  // namespace clvsim
