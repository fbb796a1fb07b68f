// Migration chains on one thread, with everything that a run computes for every customer.
#include "host/bench/cases.hpp"
#include "host/io/seal.hpp"
#include "host/run/engine.hpp"
#include "host/run/event_tables.hpp"
#include "kernels/lanes/event_tables.hpp"

#include <clvsim/error.hpp>
#include <clvsim/simulate.hpp>

#include <fmt/format.h>

#include <cmath>
#include <memory>

namespace clvsim {
namespace {

struct ChainCase {
  std::string name;
  MigrationChain chain;
  bool periods = false;  // with forecasts by period
  StepSampler sampler = StepSampler::alias;
};

PlannedCase chain_case(const ChainCase& wanted, const kernels::LaneKernels& lanes) {
  constexpr std::int64_t few = 64, many = 1024;
  const std::int64_t n_customers = wanted.periods ? many : few;  // what is done once a run should weigh little
  SimulationOptions options;
  options.horizon = 60;
  options.n_paths = 10000;
  options.threads = 1;
  options.device = {DeviceChoice::Kind::cpu, 0, lanes.name};
  options.periods = wanted.periods;
  options.sampler = wanted.sampler;
  PlannedCase planned;
  planned.result.name = wanted.name;
  planned.result.unit = "path-steps";
  planned.result.work = static_cast<double>(n_customers) * options.n_paths * options.horizon;
  planned.result.limit = {{words_ceiling(lanes), planned.result.work}};  // W: a word a step
  planned.prepare = [chain = wanted.chain, options, n_customers](BenchCase& result) {
    const auto run = [chain, options, n_customers](CustomerResults* results) {
      return simulate_customers(n_customers, chain, options, {}, false, results);
    };
    CustomerResults results;
    const RunInfo info = run(&results);
    const ChainMoments exact =
        exact_moments(chain, chain.start_state, discount_factors(options.discounting, chain.unit, options.horizon));
    check_mean(result.name, info.total.mean.mean, info.total.mean.se, static_cast<double>(n_customers) * exact.mean);
    Hasher hasher;
    for (const std::vector<double>* column : {&results.mean, &results.sd, &results.quantile, &results.cvar})
      hasher.update(column->data(), column->size() * few / static_cast<std::size_t>(n_customers) * sizeof(double));
    result.digest = to_hex(hasher.digest());
    return [run] { static_cast<void>(run(nullptr)); };
  };
  return planned;
}

// The walk of events alone: values, activity and purchases of every path, no statistics.
PlannedCase bare_event_case(const std::string& name, const MigrationChain& chain, const kernels::LaneKernels& lanes) {
  constexpr std::uint32_t n_paths = 10112, horizon = 60;  // a multiple of kernels::lane_paths
  static_assert(n_paths % kernels::lane_paths == 0);
  constexpr int n_customers = 64;
  struct Walk {
    ChainTables chain;
    kernels::EventTables tables;
    std::vector<std::int64_t> values = std::vector<std::int64_t>(n_paths);
    std::vector<std::uint16_t> active = std::vector<std::uint16_t>(n_paths), purchases = active;
  };
  PlannedCase planned;
  planned.result.name = name;
  planned.result.unit = "path-steps";
  planned.result.work = double{n_customers} * n_paths * horizon;
  planned.result.limit = {{words_ceiling(lanes), planned.result.work}};
  planned.prepare = [chain, &lanes](BenchCase& result) {
    const auto walk = std::make_shared<Walk>();
    const std::vector<double> discount = discount_factors({}, chain.unit, horizon);
    walk->chain = pack(chain, chain.currency.decimals, discount);
    add_event_tables(walk->chain);
    const kernels::MigrationChainView view = walk->chain.view(kernels::Sampler::event);
    if (!kernels::make_event_lanes(view, 1, horizon, walk->tables))
      throw ModelError(result.name + ": the vector code cannot walk the chain; please report it");
    const auto run = [walk, view, &lanes](std::uint64_t customer) {
      kernels::ChainPaths paths;
      paths.hash = customer;
      paths.start = view.position_of_state[0];
      paths.start_value = view.start_value[paths.start];
      if (view.extra_bits != 0) paths.start_value += std::int64_t{1} << (view.extra_bits - 1);  // rounds
      paths.n_paths = n_paths;
      paths.values = walk->values.data();
      paths.active = walk->active.data();
      paths.purchases = walk->purchases.data();
      lanes.walk_events(walk->tables.events, &paths, 1);
    };
    double sum = 0, squares = 0;
    Hasher hasher;
    for (int c = 0; c < n_customers; ++c) {
      run(static_cast<std::uint64_t>(c));
      for (const std::int64_t value : walk->values) {
        const double x = static_cast<double>(value) / fixed_per_unit(chain.currency);
        sum += x;
        squares += x * x;
      }
      hasher.update(walk->values.data(), walk->values.size() * sizeof(std::int64_t));
    }
    constexpr double n = double{n_customers} * n_paths;
    const double mean = sum / n;
    check_mean(result.name, mean, std::sqrt((squares / n - mean * mean) / n), exact_moments(chain, 0, discount).mean);
    result.digest = to_hex(hasher.digest());
    return [run] {
      for (int c = 0; c < n_customers; ++c) run(static_cast<std::uint64_t>(c));
    };
  };
  return planned;
}

}  // namespace

void add_chain_cases(PlannedCases& cases) {
  constexpr double stay = 0.875;  // dwell 8
  const kernels::LaneKernels& fastest = *kernels::lane_kernels().front();
  cases.push_back(chain_case({"chain_6", dense_chain(6, stay), false}, fastest));
  cases.push_back(chain_case({"chain_6_periods", dense_chain(6, stay), true}, fastest));
  cases.push_back(chain_case({"chain_16", dense_chain(16, stay), false}, fastest));
  for (const double dwell : {8.0, 20.0}) {
    cases.push_back(chain_case(
        {dwell == 8 ? "event_6" : "event_6_dwell_20", dense_chain(6, 1 - 1 / dwell), false, StepSampler::event},
        fastest));
  }
  cases.push_back(chain_case({"event_16", dense_chain(16, stay), false, StepSampler::event}, fastest));
  cases.push_back(bare_event_case("event_6_bare", dense_chain(6, stay), fastest));
  for (const kernels::LaneKernels* lanes : kernels::lane_kernels().subspan(1)) {
    cases.push_back(
        chain_case({fmt::format("event_6_{}", lanes->name), dense_chain(6, stay), false, StepSampler::event}, *lanes));
    cases.push_back(chain_case({fmt::format("chain_6_{}", lanes->name), dense_chain(6, stay), false}, *lanes));
  }
}

}  // namespace clvsim
