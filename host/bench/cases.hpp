// The cases of the benchmark: one file a group. A new group is declared here and named in the list of cases.cpp.
#pragma once

#include "host/bench/bench.hpp"
#include "kernels/lanes/lanes.hpp"

#include <clvsim/simulate.hpp>

#include <string>
#include <vector>

namespace clvsim {

enum class BenchSuite : std::uint8_t { smoke, standard, scaling };

// A case that can be run: `result` has its name, unit and the names of its ceilings and baseline. `prepare` checks that
// what it computes is right, throwing ModelError where it is not, sets the digest, and work and limits where they were
// not known before; it returns the call that is timed, which does `work`. A case whose result says why it is skipped is
// not prepared.
struct PlannedCase {
  BenchCase result;
  std::function<std::function<void()>(BenchCase&)> prepare;
  BenchSuite suite = BenchSuite::smoke;  // smoke: of the standard suite too
};
using PlannedCases = std::vector<PlannedCase>;

// Every case of every suite.
[[nodiscard]] PlannedCases planned_cases(const BenchOptions& options);

// The groups: each appends its cases.
void add_ceiling_cases(PlannedCases& cases);     // what the machine can do: the limits of the others
void add_chain_cases(PlannedCases& cases);       // migration chains, from tables to statistics, on one thread
void add_event_cases(PlannedCases& cases);       // events, without statistics
void add_world_cases(PlannedCases& cases);       // chains that change by period and by what customers share
void add_statistics_cases(PlannedCases& cases);  // statistics of given values alone
void add_purchase_cases(PlannedCases& cases);    // models of purchases and of contracts
void add_fit_cases(PlannedCases& cases);         // maximum likelihood
void add_file_cases(PlannedCases& cases);        // import, store read, run write, the whole line
void add_scaling_cases(PlannedCases& cases);     // more threads, more customers
void add_gpu_cases(PlannedCases& cases, const DeviceChoice& device);  // a chain on GPUs

// What groups share.

// Name of the ceiling case that an instruction set's random words are.
[[nodiscard]] std::string words_ceiling(const kernels::LaneKernels& lanes);
// Of a function: exp, or normal (from a word), of one number.
[[nodiscard]] std::string function_ceiling(const char* function, const kernels::LaneKernels& lanes);
// Names of the ceiling cases that copies are: between buffers beyond any cache, and within a core's second cache.
inline constexpr const char *memory_ceiling = "copy_memory", *cache_ceiling = "copy_cache";
// What a run computes for each of n customers, on the CPU cases' own terms: 60 periods, 10,000 paths, one thread.
[[nodiscard]] SimulationOptions bench_simulation();
// A chain in which every state leads to itself, with `stay`, and to the states after it, as many as a state may lead
// to, and earns.
[[nodiscard]] MigrationChain dense_chain(int n_states, double stay);
// Throws ModelError unless a simulated mean is within 4 standard errors of the exact one.
void check_mean(const std::string& name, double mean, double se, double exact);
// The exact mean of a customer's discounted value.
[[nodiscard]] double exact_mean(const MigrationChain& chain, const SimulationOptions& options);
// Digest of the estimates of the first `n` customers: mean, sd, quantiles, CVaR.
[[nodiscard]] std::string results_digest(const CustomerResults& results, std::size_t n);
// Simulates n customers of a chain: checks the mean of their total against the exact one, sets the digest of the first
// n_digested, shows the results to `look`, and returns the same run as a call to time.
[[nodiscard]] std::function<void()> checked_run(const MigrationChain& chain, const SimulationOptions& options,
                                                std::int64_t n_customers, std::size_t n_digested, BenchCase& result,
                                                const std::function<void(const CustomerResults&)>& look = {});

}  // namespace clvsim
