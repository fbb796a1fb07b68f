#include "host/run/backends.hpp"

#include "host/run/engine.hpp"
#include "kernels/backend/split.hpp"

#include <clvsim/error.hpp>

#include <algorithm>
#include <thread>
#include <utility>
#include <vector>

namespace clvsim {

namespace {

std::unique_ptr<kernels::Backend> open_gpus(const kernels::RunSpec& spec, const std::vector<int>& gpus) {
  if (gpus.size() == 1) return kernels::make_cuda_backend(spec, gpus.front());
  std::vector<std::unique_ptr<kernels::Backend>> parts;
  for (auto gpu = gpus.begin(); gpu != gpus.end(); ++gpu) {
    const auto n_sharing = static_cast<int>(std::count(gpu, gpus.end(), *gpu));  // this one and those still to come
    parts.push_back(kernels::make_cuda_backend(spec, *gpu, n_sharing));
  }
  return kernels::make_split_backend(std::move(parts));
}

}  // namespace

int n_threads(const SimulationOptions& options) {
  if (options.threads > 0) return options.threads;
  return static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
}

std::unique_ptr<kernels::Backend> open_backend(const kernels::RunSpec& spec, const SimulationOptions& options) {
  using Kind = DeviceChoice::Kind;
  if (options.device.kind == Kind::cuda) return open_gpus(spec, options.device.gpus);
  if (options.device.kind == Kind::automatic && !kernels::list_gpus().empty()) {
    try {
      return kernels::make_cuda_backend(spec, 0);
    } catch (const DeviceError&) {
      // "automatic" means the CPU where no GPU can be used; RunInfo::device tells.
    }
  }
  return kernels::make_cpu_backend(spec, n_threads(options), path_sums_budget, options.device.instructions);
}

}  // namespace clvsim
