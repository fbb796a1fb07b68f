#include "host/bench/cases.hpp"

#include "host/io/seal.hpp"

#include <clvsim/error.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace clvsim {

PlannedCases planned_cases(const BenchOptions& options) {
  PlannedCases cases;
  for (const auto add : {add_ceiling_cases, add_chain_cases, add_event_cases, add_world_cases, add_statistics_cases,
                         add_purchase_cases, add_fit_cases, add_file_cases, add_scaling_cases})
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
  constexpr int most_outcomes = 16;
  const int n_outcomes = std::min(n_states, most_outcomes);
  MigrationChain chain;
  for (int s = 0; s < n_states; ++s) {
    ChainState state;
    state.name = fmt::format("state_{}", s + 1);
    state.active = s + 1 < n_states;
    state.amount = state.active ? 10.0 * (s + 1) : 0;
    for (int to = 0; to < n_states; ++to) {
      if ((to - s + n_states) % n_states >= n_outcomes) continue;
      ChainOutcome outcome;
      outcome.to = to;
      outcome.probability = to == s ? stay : (1 - stay) / (n_outcomes - 1);
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

namespace {

// Puts the mean of what a customer without a history draws in place of what is drawn (but for the rounding of purchases
// to minor units).
void use_mean_spend(MigrationChain& chain) {
  if (!chain.spend) return;
  const SpendModel& spend = *chain.spend;
  const auto mean = [&](double shift, double sd) {
    const double variance = spend.between_sd * spend.between_sd + sd * sd;
    return spend.smearing * std::exp(spend.log_mean.front() + shift + variance / 2);
  };
  double n_purchases = 0;
  for (std::size_t k = 0; k < spend.purchases_in_period.size(); ++k) {
    n_purchases += static_cast<double>(k + 1) * spend.purchases_in_period[k];
  }
  const double amount = (1 - spend.zero_share) * mean(0, spend.within_sd) -
                        spend.refund_rate * mean(spend.refund_log_shift, spend.refund_log_sd);
  for (ChainState& state : chain.states) {
    for (ChainOutcome& outcome : state.outcomes) {
      if (outcome.purchase) outcome.amount = n_purchases * amount;
    }
  }
  chain.spend.reset();
}

}  // namespace

double exact_mean(const MigrationChain& drawn, const SimulationOptions& options) {
  MigrationChain chain = drawn;
  use_mean_spend(chain);
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
                                  std::int64_t n_customers, std::size_t n_digested, BenchCase& result,
                                  const std::function<void(const CustomerResults&)>& look) {
  const auto run = [chain, options, n_customers](CustomerResults* results) {
    return simulate_customers(n_customers, chain, options, {}, false, results);
  };
  CustomerResults results;
  const RunInfo info = run(&results);
  check_mean(result.name, info.total.mean.mean, info.total.mean.se,
             static_cast<double>(n_customers) * exact_mean(chain, options));
  result.digest = results_digest(results, n_digested);
  if (look) look(results);
  return [run] { static_cast<void>(run(nullptr)); };
}

}  // namespace clvsim
