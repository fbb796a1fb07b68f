// The cases of the benchmark: one file a group. A new group is declared here and named in the list of cases.cpp.
#pragma once

#include "host/bench/bench.hpp"
#include "kernels/lanes/lanes.hpp"

#include <clvsim/migration_chain.hpp>

#include <string>
#include <vector>

namespace clvsim {

// A case that can be run: `result` has its name, unit, work and limits. `prepare` checks that what it computes is
// right, throwing ModelError where it is not, sets the digest, and returns the call that is timed, which does `work`.
struct PlannedCase {
  BenchCase result;
  std::function<std::function<void()>(BenchCase&)> prepare;
};
using PlannedCases = std::vector<PlannedCase>;

// Every case there is, ceilings first.
[[nodiscard]] PlannedCases planned_cases();

// The groups: each appends its cases.
void add_ceiling_cases(PlannedCases& cases);  // what the machine can do: the limits of the others
void add_chain_cases(PlannedCases& cases);    // migration chains, from tables to statistics
void add_world_cases(PlannedCases& cases);    // chains that change by period and by what customers share

// What groups share.

// Name of the ceiling case that an instruction set's random words are.
[[nodiscard]] std::string words_ceiling(const kernels::LaneKernels& lanes);
// A chain in which every state leads to every other, stays with `stay`, and earns.
[[nodiscard]] MigrationChain dense_chain(int n_states, double stay);
// Throws ModelError unless a simulated mean is within 4 standard errors of the exact one.
void check_mean(const std::string& name, double mean, double se, double exact);

}  // namespace clvsim
