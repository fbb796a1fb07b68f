// Migration chains on one thread, with everything that a run computes for every customer; beside them, plain C++.
#include "bench/baselines/scalar_chain.hpp"
#include "host/bench/cases.hpp"
#include "host/bench/default_model.hpp"
#include "host/model/model_file.hpp"

#include <fmt/format.h>

#include <cmath>
#include <numeric>

namespace clvsim {
namespace {

constexpr double stay = 0.875;          // dwell 8
constexpr std::size_t n_digested = 64;  // customers
constexpr const char* scalar_baseline = "baseline_scalar";

struct ChainCase {
  std::string name;
  MigrationChain chain;
  bool periods = false;  // with forecasts by period
  std::uint32_t n_paths = 10000;
  BenchSuite suite = BenchSuite::smoke;
  std::string baseline{};
  StepSampler sampler = StepSampler::alias;
};

// Customers times paths of a call: so many that what is done once a run weighs little. With sums by period, that is to
// map, fault in and reduce their arrays: 7 % of the time at a quarter of this (bench/NOTES.md).
constexpr std::int64_t customer_paths(bool periods) { return periods ? 40'960'000 : 640'000; }

PlannedCase chain_case(const ChainCase& wanted, const kernels::LaneKernels& lanes) {
  SimulationOptions options = bench_simulation();
  options.n_paths = wanted.n_paths;
  options.device.instructions = lanes.name;
  options.periods = wanted.periods;
  options.sampler = wanted.sampler;
  const std::int64_t n_customers = customer_paths(wanted.periods) / wanted.n_paths;
  PlannedCase planned;
  planned.suite = wanted.suite;
  planned.result.name = wanted.name;
  planned.result.unit = "path-steps";
  planned.result.work = static_cast<double>(n_customers) * options.n_paths * options.horizon;
  planned.result.limit = {{words_ceiling(lanes), planned.result.work}};  // W: a word a step
  planned.result.baseline = wanted.baseline;
  planned.prepare = [chain = wanted.chain, options, n_customers](BenchCase& result) {
    return checked_run(chain, options, n_customers, n_digested, result);
  };
  return planned;
}

// The chain fitted on CDNOW, whose purchases are drawn. Its limit: a word a step; a block of four words for every
// path's level, period with a purchase and purchase; a normal for every level and purchase; an exponential for every
// purchase.
PlannedCase default_case(bool periods, const kernels::LaneKernels& lanes) {
  const std::int64_t n_customers = periods ? 512 : 64;
  const MigrationChain chain = parse_model(default_model, "configs/models/cdnow.toml");
  PlannedCase planned = chain_case(
      {.name = periods ? "chain_default_periods" : "chain_default", .chain = chain, .periods = periods}, lanes);
  SimulationOptions options = bench_simulation();
  options.device.instructions = lanes.name;
  options.periods = periods;
  const std::string normals = function_ceiling("normal", lanes), exps = function_ceiling("exp", lanes);
  planned.result.work = static_cast<double>(n_customers) * options.n_paths * options.horizon;
  planned.result.limit = {{words_ceiling(lanes), 0}, {normals, 0}, {exps, 0}};
  planned.prepare = [chain, options, n_customers, normals, exps](BenchCase& result) {
    return checked_run(chain, options, n_customers, n_digested, result, [&](const CustomerResults& results) {
      const std::vector<double>& sizes = chain.spend->purchases_in_period;
      double mean_size = 0;
      for (std::size_t k = 0; k < sizes.size(); ++k) mean_size += static_cast<double>(k + 1) * sizes[k];
      const double n_paths = static_cast<double>(n_customers) * options.n_paths;
      const double purchases =
          options.n_paths * std::accumulate(results.transactions_mean.begin(), results.transactions_mean.end(), 0.0);
      result.limit[0].work = result.work + 4 * (n_paths + purchases / mean_size + purchases);
      result.limit[1].work = n_paths + purchases;
      result.limit[2].work = purchases;
    });
  };
  return planned;
}

// The same work as chain_6 in plain C++.
PlannedCase baseline_case() {
  constexpr std::int64_t n_customers = 2;
  const SimulationOptions options = bench_simulation();
  PlannedCase planned;
  planned.result.name = scalar_baseline;
  planned.result.unit = "path-steps";
  planned.result.work = static_cast<double>(n_customers) * options.n_paths * options.horizon;
  planned.prepare = [options](BenchCase& result) {
    const MigrationChain chain = dense_chain(6, stay);
    baseline::ChainInput input;
    input.n_customers = n_customers;
    input.n_paths = options.n_paths;
    input.seed = options.seed;
    input.start = static_cast<unsigned>(chain.start_state);
    input.discount = discount_factors(options.discounting, chain.unit, options.horizon);
    input.quantiles = options.quantiles;
    input.cvar_level = options.cvar_level;
    for (const ChainState& state : chain.states) {
      input.amount.push_back(state.amount);
      std::vector<double> row(chain.states.size());
      for (const ChainOutcome& outcome : state.outcomes)
        row[static_cast<std::size_t>(outcome.to)] += outcome.probability;
      input.transition.push_back(row);
    }
    const baseline::ChainOutput output = baseline::simulate(input);
    check_mean(result.name, output.total.mean, output.total.sd / std::sqrt(static_cast<double>(options.n_paths)),
               n_customers * exact_mean(chain, options));
    return [input] { static_cast<void>(baseline::simulate(input)); };
  };
  return planned;
}

}  // namespace

void add_chain_cases(PlannedCases& cases) {
  const kernels::LaneKernels& fastest = *kernels::lane_kernels().front();
  const MigrationChain six = dense_chain(6, stay);
  cases.push_back(chain_case({.name = "chain_6", .chain = six, .baseline = scalar_baseline}, fastest));
  cases.push_back(chain_case({.name = "chain_6_periods", .chain = six, .periods = true}, fastest));
  cases.push_back(
      chain_case({.name = "chain_6_p1000", .chain = six, .n_paths = 1000, .suite = BenchSuite::standard}, fastest));
  cases.push_back(chain_case({.name = "chain_16", .chain = dense_chain(16, stay)}, fastest));
  cases.push_back(chain_case({.name = "chain_64", .chain = dense_chain(64, stay)}, fastest));
  cases.push_back(default_case(false, fastest));
  cases.push_back(default_case(true, fastest));
  for (const kernels::LaneKernels* lanes : kernels::lane_kernels().subspan(1)) {
    cases.push_back(chain_case({.name = fmt::format("chain_6_{}", lanes->name), .chain = six}, *lanes));
  }
  cases.push_back(baseline_case());
  constexpr auto event = StepSampler::event;
  cases.push_back(chain_case({.name = "event_6", .chain = six, .sampler = event}, fastest));
  cases.push_back(chain_case({.name = "event_6_periods", .chain = six, .periods = true, .sampler = event}, fastest));
  constexpr double longer_stay = 0.95;
  cases.push_back(
      chain_case({.name = "event_6_dwell_20", .chain = dense_chain(6, longer_stay), .sampler = event}, fastest));
  cases.push_back(chain_case({.name = "event_16", .chain = dense_chain(16, stay), .sampler = event}, fastest));
  for (const kernels::LaneKernels* lanes : kernels::lane_kernels().subspan(1)) {
    cases.push_back(
        chain_case({.name = fmt::format("event_6_{}", lanes->name), .chain = six, .sampler = event}, *lanes));
  }
}

}  // namespace clvsim
