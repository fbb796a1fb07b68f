// Where paths are run. The two launchers, cpu.cpp and cuda.cu, are the only files that differ between devices.
#pragma once

#include "kernels/models/list.hpp"
#include "kernels/path/customer_task.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace clvsim::kernels {

// A run as the host describes it; all spans, and the tables of the model's parameters, outlive the backend.
struct RunSpec {
  AnyParams params;
  std::uint64_t seed = 0;
  std::uint32_t horizon = 0;             // periods, 1 to 65535
  std::uint32_t n_paths = 0;             // at least 2
  std::span<const std::uint32_t> ranks;  // zero-based, ascending, 1 to max_ranks of them, each below n_paths
  std::uint32_t tail = 0;                // index into ranks of the CVaR's
  bool periods = true;                   // whether sums by period are wanted
};

// Sums over the customers of a run for every path; paths vary fastest.
struct PathSums {
  std::vector<std::int64_t> total;  // [paths] discounted value, fixed point
  // Empty without RunSpec::periods:
  std::vector<std::int64_t> revenue;        // [periods, paths] undiscounted cash, fixed point
  std::vector<std::uint32_t> active;        // [periods, paths]
  std::vector<std::uint32_t> transactions;  // [periods, paths]
};

// Bytes of one set of sums and of the scratch that goes with it; horizon 0 where sums by period are not wanted.
[[nodiscard]] std::uint64_t path_sums_bytes(std::uint64_t n_paths, std::uint64_t horizon);

// Runs batches of customers, of the run's model, and gathers the path sums. The results do not depend on the backend,
// its threads, or how customers are split into batches. After an exception a backend can only be destroyed.
class Backend {
 public:
  virtual ~Backend() = default;
  // Results of customer i, which is Model::records(params) of `customers`, in summaries[i] and order[i * ranks .. (i +
  // 1) * ranks); where `values` is not empty, the value of its every path, fixed point, in values[i * paths .. (i + 1)
  // * paths).
  virtual void run(const CustomerSpan& customers, std::span<CustomerSummary> summaries, std::span<std::int64_t> order,
                   std::span<std::int64_t> values) = 0;
  void run(const CustomerSpan& customers, std::span<CustomerSummary> summaries, std::span<std::int64_t> order) {
    run(customers, summaries, order, {});
  }
  // The sums over every customer. Call once, after the last batch.
  virtual void gather(PathSums& sums) = 0;
  // What it runs on, e.g. "cpu (2 threads)".
  [[nodiscard]] virtual std::string description() const = 0;
  // Customers a batch that keep it busy without holding a caller up for long.
  [[nodiscard]] virtual std::size_t batch_size() const = 0;
};

// What the CPU walks a chain with: the fastest instruction set, a named one ("avx512", "avx2", "scalar"), or
// "reference": the source that the GPU runs, one path at a time. Other models are walked one path at a time, compiled
// for these instructions. The results are the same. `n_threads` >= 1; fewer are used where each one's path sums would
// exceed `memory_budget` bytes together. Throws DeviceError for instructions that this machine lacks.
[[nodiscard]] std::unique_ptr<Backend> make_cpu_backend(const RunSpec& spec, int n_threads, std::uint64_t memory_budget,
                                                        const std::string& instructions = "");

// A GPU that the CUDA runtime lists.
struct GpuInfo {
  int index = 0;
  std::string name;
  int capability_major = 0, capability_minor = 0;
  std::uint64_t memory_bytes = 0;
  int n_multiprocessors = 0;
};
// Empty without a GPU, without a driver, or without the CUDA backend.
[[nodiscard]] std::vector<GpuInfo> list_gpus();
// Whether the CUDA backend was built.
[[nodiscard]] bool have_cuda();
// Takes at most a share of 1 / n_sharing, n_sharing >= 1, of the memory that is free on GPU `index`: the rest is for
// backends that are opened there later. Throws DeviceError without the CUDA backend, without that GPU, where it fails,
// or where its memory is too small.
[[nodiscard]] std::unique_ptr<Backend> make_cuda_backend(const RunSpec& spec, int index, int n_sharing = 1);

}  // namespace clvsim::kernels
