// A GPU in wall time: everything that the backend does, transfers and the statistics of the host included; absolute,
// because no ceiling of a GPU is measured.
#include "host/bench/cases.hpp"
#include "kernels/backend/backend.hpp"

#include <clvsim/error.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace clvsim {
namespace {

constexpr std::size_t n_digested = 64;  // customers

// Why these GPUs cannot be measured; empty: they can.
std::string why_skipped(const std::vector<int>& wanted) {
  if (!kernels::have_cuda()) return "built without the CUDA backend";
  const std::vector<kernels::GpuInfo> gpus = kernels::list_gpus();
  for (const int index : wanted) {
    const bool found = std::any_of(gpus.begin(), gpus.end(), [&](const auto& gpu) { return gpu.index == index; });
    if (!found) return fmt::format("no GPU {} here: {} usable", index, gpus.size());
  }
  return "";
}

PlannedCase gpu_case(const std::string& name, std::int64_t n_customers, bool periods, const DeviceChoice& device) {
  SimulationOptions options = bench_simulation();
  options.threads = 0;
  options.device = device;
  options.periods = periods;
  PlannedCase planned;
  planned.result.name = name;
  planned.result.unit = "path-steps";
  planned.result.clock = BenchClock::wall;
  planned.result.work = static_cast<double>(n_customers) * options.n_paths * options.horizon;
  planned.result.skipped = why_skipped(device.gpus);
  planned.prepare = [options, n_customers](BenchCase& result) {
    const MigrationChain chain = dense_chain(6, 0.875);
    const auto run = [chain, n_customers](const SimulationOptions& how, std::int64_t n, CustomerResults* results) {
      return simulate_customers(n, chain, how, {}, false, results);
    };
    CustomerResults results, on_cpu;
    const RunInfo info = run(options, n_customers, &results);
    check_mean(result.name, info.total.mean.mean, info.total.mean.se,
               static_cast<double>(n_customers) * exact_mean(chain, options));
    static_cast<void>(run(bench_simulation(), n_digested, &on_cpu));
    result.digest = results_digest(results, n_digested);
    if (result.digest != results_digest(on_cpu, n_digested))
      throw ModelError(fmt::format("{}: not the results of the CPU; please report it", result.name));
    return [run, options, n_customers] { static_cast<void>(run(options, n_customers, nullptr)); };
  };
  return planned;
}

}  // namespace

void add_gpu_cases(PlannedCases& cases, const DeviceChoice& device) {
  constexpr std::int64_t few = 1024, many = 16384;
  cases.push_back(gpu_case("chain_6_cuda_1k", few, false, device));
  cases.push_back(gpu_case("chain_6_cuda", many, false, device));
  cases.push_back(gpu_case("chain_6_cuda_periods", many, true, device));
}

}  // namespace clvsim
