// Migration chains on one thread, with everything that a run computes for every customer.
#include "host/bench/cases.hpp"
#include "host/io/seal.hpp"

#include <clvsim/simulate.hpp>

#include <fmt/format.h>

namespace clvsim {
namespace {

struct ChainCase {
  std::string name;
  MigrationChain chain;
  bool periods = false;  // with forecasts by period
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

}  // namespace

void add_chain_cases(PlannedCases& cases) {
  constexpr double stay = 0.875;  // dwell 8
  const kernels::LaneKernels& fastest = *kernels::lane_kernels().front();
  cases.push_back(chain_case({"chain_6", dense_chain(6, stay), false}, fastest));
  cases.push_back(chain_case({"chain_6_periods", dense_chain(6, stay), true}, fastest));
  cases.push_back(chain_case({"chain_16", dense_chain(16, stay), false}, fastest));
  for (const kernels::LaneKernels* lanes : kernels::lane_kernels().subspan(1)) {
    cases.push_back(chain_case({fmt::format("chain_6_{}", lanes->name), dense_chain(6, stay), false}, *lanes));
  }
}

}  // namespace clvsim
