#include "host/cli/machine.hpp"

#include "kernels/backend/backend.hpp"
#include "kernels/lanes/lanes.hpp"

#include <clvsim/version.hpp>

#include <fmt/format.h>
#include <unistd.h>

#include <fstream>
#include <thread>

namespace clvsim::cli {
namespace {

using Json = nlohmann::ordered_json;

// As the kernel names it; empty where it does not.
std::string cpu_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const std::size_t colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) return line.substr(colon + 2);
  }
  return {};
}

}  // namespace

Json machine() {
  Json gpus = Json::array();
  for (const kernels::GpuInfo& gpu : kernels::list_gpus())
    gpus.push_back({{"index", gpu.index},
                    {"name", gpu.name},
                    {"compute_capability", fmt::format("{}.{}", gpu.capability_major, gpu.capability_minor)},
                    {"multiprocessors", gpu.n_multiprocessors},
                    {"memory_bytes", gpu.memory_bytes}});
  Json lanes = Json::array();
  for (const kernels::LaneKernels* kernels : kernels::lane_kernels()) lanes.push_back(kernels->name);
  const long pages = ::sysconf(_SC_PHYS_PAGES), page = ::sysconf(_SC_PAGESIZE);
  return {{"version", version()},
          {"commit", commit()},
          {"compiler", __VERSION__},
          {"cpu", cpu_name()},
          {"threads", std::thread::hardware_concurrency()},
          {"memory_bytes", static_cast<std::int64_t>(pages) * page},
          {"instruction_sets", std::move(lanes)},
          {"cuda_backend", kernels::have_cuda()},
          {"gpus", std::move(gpus)}};
}

}  // namespace clvsim::cli
