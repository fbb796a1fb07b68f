#include "host/bench/cases.hpp"

#include "host/io/seal.hpp"

#include <clvsim/error.hpp>

#include <fmt/format.h>

#include <cmath>

namespace clvsim {

PlannedCases planned_cases(const BenchOptions& options) {
  PlannedCases cases;
  for (const auto add : {add_ceiling_cases, add_chain_cases, add_event_cases, add_world_cases, add_statistics_cases,
                         add_file_cases, add_scaling_cases})
    add(cases);
  if (options.device.kind == DeviceChoice::Kind::cuda) add_gpu_cases(cases, options.device);
  return cases;
}

SimulationOptions bench_simulation() {
  SimulationOptions options;
  options.horizon = 60;
  options.n_paths = 10000;
  options.threads = 1;
  options.device = {DeviceChoice::Kind::cpu, {}, ""};
  return options;
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

double exact_mean(const MigrationChain& chain, const SimulationOptions& options) {
  return exact_moments(chain, chain.start_state, discount_factors(options.discounting, chain.unit, options.horizon))
      .mean;
}

std::string results_digest(const CustomerResults& results, std::size_t n) {
  Hasher hasher;
  for (const std::vector<double>* column : {&results.mean, &results.sd, &results.quantile, &results.cvar})
    hasher.update(column->data(), column->size() / results.size() * n * sizeof(double));
  return to_hex(hasher.digest());
}

std::function<void()> checked_run(const MigrationChain& chain, const SimulationOptions& options,
                                  std::int64_t n_customers, std::size_t n_digested, BenchCase& result) {
  const auto run = [chain, options, n_customers](CustomerResults* results) {
    return simulate_customers(n_customers, chain, options, {}, false, results);
  };
  CustomerResults results;
  const RunInfo info = run(&results);
  check_mean(result.name, info.total.mean.mean, info.total.mean.se,
             static_cast<double>(n_customers) * exact_mean(chain, options));
  result.digest = results_digest(results, n_digested);
  return [run] { static_cast<void>(run(nullptr)); };
}

}  // namespace clvsim
