#include "host/bench/bench.hpp"

#include "host/io/seal.hpp"
#include "kernels/lanes/lanes.hpp"

#include <clvsim/error.hpp>
#include <clvsim/simulate.hpp>

#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <cmath>

namespace clvsim {
namespace {

double thread_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

double quantile(std::vector<double> values, double q) {
  std::sort(values.begin(), values.end());
  const double at = q * static_cast<double>(values.size() - 1);
  const auto low = static_cast<std::size_t>(at);
  const std::size_t high = std::min(low + 1, values.size() - 1);
  return values[low] + (at - static_cast<double>(low)) * (values[high] - values[low]);
}

// A case and the call that it times.
struct Timed {
  BenchCase result;
  std::function<void()> call;
  int calls = 1;  // a sample
};

volatile std::uint32_t folded;  // so that no compiler drops the work

std::string philox_name(const kernels::LaneKernels& lanes) { return fmt::format("philox_{}", lanes.name); }

// The generator alone, its words kept in registers: the first of these is the W that the engine is measured by.
Timed philox_case(const kernels::LaneKernels& lanes) {
  constexpr std::uint32_t n_blocks = 20000;
  Timed timed;
  timed.result.name = philox_name(lanes);
  timed.result.unit = "words";
  timed.result.work = 4.0 * static_cast<double>(lanes.n_counters) * n_blocks;
  // Every call has another key, so that no call can be taken for another.
  timed.call = [&lanes, seed = std::uint64_t{0}, sum = std::uint32_t{0}]() mutable {
    sum ^= lanes.fold_words(++seed, n_blocks);
    folded = sum;
  };
  return timed;
}

// A dense chain: every state leads to every other, stays with 7/8, and earns.
MigrationChain dense_chain(int n_states) {
  constexpr double stay = 0.875;
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

void check_result(const std::string& name, double mean, double se, double exact) {
  if (std::abs(mean - exact) <= 4 * se) return;
  throw ModelError(
      fmt::format("{}: the simulated mean {} (standard error {}) is not the exact {}: a wrong result has no "
                  "speed; please report it",
                  name, mean, se, exact));
}

// One thread, `lanes`, with everything that a run computes for every customer; with or without forecasts by period.
Timed chain_case(const std::string& name, const MigrationChain& chain, bool periods,
                 const kernels::LaneKernels& lanes) {
  constexpr std::int64_t few = 64, many = 1024;
  const std::int64_t n_customers = periods ? many : few;  // what is done once a run should weigh little
  SimulationOptions options;
  options.horizon = 60;
  options.n_paths = 10000;
  options.threads = 1;
  options.device = {DeviceChoice::Kind::cpu, 0, lanes.name};
  options.periods = periods;
  Timed timed;
  timed.result.name = name;
  timed.result.unit = "path-steps";
  timed.result.work = static_cast<double>(n_customers) * options.n_paths * options.horizon;
  timed.result.limit = philox_name(lanes);
  const auto run = [chain, options, n_customers](CustomerResults* results) {
    return simulate_customers(n_customers, chain, options, {}, false, results);
  };
  CustomerResults results;
  const RunInfo info = run(&results);
  const ChainMoments exact =
      exact_moments(chain, chain.start_state, discount_factors(options.discounting, chain.unit, options.horizon));
  check_result(name, info.total.mean.mean, info.total.mean.se, static_cast<double>(n_customers) * exact.mean);
  Hasher hasher;
  for (const std::vector<double>* column : {&results.mean, &results.sd, &results.quantile, &results.cvar})
    hasher.update(column->data(), column->size() * few / static_cast<std::size_t>(n_customers) * sizeof(double));
  timed.result.digest = to_hex(hasher.digest());
  timed.call = [run] { static_cast<void>(run(nullptr)); };
  return timed;
}

std::vector<Timed> smoke_suite() {
  std::vector<Timed> cases;
  for (const kernels::LaneKernels* lanes : kernels::lane_kernels()) cases.push_back(philox_case(*lanes));
  const kernels::LaneKernels& fastest = *kernels::lane_kernels().front();
  cases.push_back(chain_case("chain_6", dense_chain(6), false, fastest));
  cases.push_back(chain_case("chain_6_periods", dense_chain(6), true, fastest));
  cases.push_back(chain_case("chain_16", dense_chain(16), false, fastest));
  for (const kernels::LaneKernels* lanes : kernels::lane_kernels().subspan(1)) {
    cases.push_back(chain_case(fmt::format("chain_6_{}", lanes->name), dense_chain(6), false, *lanes));
  }
  return cases;
}

void sample(Timed& timed) {
  const double begin = thread_seconds();
  for (int i = 0; i < timed.calls; ++i) timed.call();
  timed.result.rate.push_back(timed.calls * timed.result.work / (thread_seconds() - begin));
}

// Finds how many calls fill a sample; the calls are the warm-up.
void warm_up(Timed& timed, double seconds) {
  const double begin = thread_seconds();
  int calls = 0;
  double spent = 0;
  do {
    timed.call();
    ++calls;
    spent = thread_seconds() - begin;
  } while (spent < seconds);
  timed.calls = std::max(1, static_cast<int>(std::lround(calls * seconds / spent)));
}

}  // namespace

double BenchCase::median_rate() const { return quantile(rate, 0.5); }
double BenchCase::spread() const { return (quantile(rate, 0.95) - quantile(rate, 0.05)) / median_rate(); }

std::vector<BenchCase> run_bench(const BenchOptions& options, const std::function<void(int, int)>& progress) {
  constexpr int fewest = 5;
  if (options.suite != "smoke")
    throw ConfigError(fmt::format("--suite '{}': 'smoke' is the one there is", options.suite));
  if (options.n_samples < fewest)
    throw ConfigError(fmt::format("--samples {}: a median needs at least {}", options.n_samples, fewest));
  std::vector<Timed> cases = smoke_suite();
  for (Timed& timed : cases) warm_up(timed, options.sample_seconds);
  for (int i = 0; i < options.n_samples; ++i) {
    for (Timed& timed : cases) sample(timed);
    if (progress) progress(i + 1, options.n_samples);
  }
  std::vector<BenchCase> results;
  results.reserve(cases.size());
  for (Timed& timed : cases) results.push_back(std::move(timed.result));
  for (BenchCase& result : results) {
    const auto limit = std::find_if(results.begin(), results.end(),
                                    [&](const BenchCase& other) { return other.name == result.limit; });
    if (limit == results.end()) continue;
    std::vector<double> fractions(result.rate.size());
    for (std::size_t i = 0; i < fractions.size(); ++i) fractions[i] = result.rate[i] / limit->rate[i];
    result.fraction_of_limit = quantile(fractions, 0.5);
  }
  return results;
}

}  // namespace clvsim
