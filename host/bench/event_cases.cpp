// Events alone, without what a run does besides.
#include "host/bench/cases.hpp"
#include "host/io/seal.hpp"
#include "host/run/engine.hpp"
#include "host/run/event_tables.hpp"
#include "kernels/lanes/event_tables.hpp"

#include <clvsim/error.hpp>

#include <cmath>
#include <memory>

namespace clvsim {
namespace {

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
      lanes.walk_events(walk->tables.events, &paths, 1, kernels::LaneOutputs::counts);
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

void add_event_cases(PlannedCases& cases) {
  cases.push_back(bare_event_case("event_6_bare", dense_chain(6, 0.875), *kernels::lane_kernels().front()));
}

}  // namespace clvsim
