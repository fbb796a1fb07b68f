// CUDA: the kernels, persistent blocks over the customers of a buffer, a block a team; and what the launcher
// (gpu_backend.cpp) asks of a GPU.
#include "kernels/backend/block_team.hpp"
#include "kernels/backend/gpu_backend.hpp"
#include "kernels/path/pair_task.hpp"

#include <clvsim/error.hpp>

#include <cuda_runtime.h>

#include <string>
#include <vector>

namespace clvsim::kernels {

namespace {

// Customers c, c + gridDim.x, ...; scratch [blocks, paths].
template <class Model>
__global__ void __launch_bounds__(gpu_block_size, 1)
    simulate_customers(const __grid_constant__ RunView<Model> run, const typename Model::Customer* customers,
                       std::uint32_t n_customers, PathSumsView sums, std::int64_t* scratch, CustomerSummary* summaries,
                       std::int64_t* order) {
  __shared__ TaskShared shared;
  BlockTeam team;
  std::int64_t* values = scratch + static_cast<std::uint64_t>(blockIdx.x) * run.n_paths;
  for (std::uint32_t c = blockIdx.x; c < n_customers; c += gridDim.x) {
    run_customer(team, shared, run, customers[std::uint64_t{c} * Model::records(run.params)], sums, values,
                 summaries + c, order + static_cast<std::uint64_t>(c) * run.ranks.n_ranks);
  }
}

// The same by the pair task, customers in groups of at_once: groups g, g + gridDim.x, ...; scratch [blocks, at_once,
// paths]. Dynamic shared memory: PairShape::table_bytes.
template <std::uint32_t at_once, class Amount>
__global__ void __launch_bounds__(gpu_block_size)
    simulate_pairs(const __grid_constant__ RunView<MigrationChainModel> run, const __grid_constant__ PairShape shape,
                   const ChainCustomer* customers, std::uint32_t n_customers, PairSums sums, std::int64_t* scratch,
                   CustomerSummary* summaries, std::int64_t* order) {
  extern __shared__ std::uint64_t memory[];
  __shared__ PairShared shared;
  BlockTeam team;
  const PairTables<Amount> tables =
      make_pair_tables<Amount>(team, run.params, run.horizon, shape.position_bits, memory);
  std::int64_t* values = scratch + static_cast<std::uint64_t>(blockIdx.x) * at_once * run.n_paths;
  for (std::uint64_t c = std::uint64_t{blockIdx.x} * at_once; c < n_customers;
       c += std::uint64_t{gridDim.x} * at_once) {
    const std::uint64_t left = n_customers - c;
    run_pairs<at_once>(team, shared, shape, tables, run, customers + c,
                       static_cast<std::uint32_t>(left < at_once ? left : at_once), sums, values, summaries + c,
                       order + c * run.ranks.n_ranks);
  }
}

const void* address_of(SimulationKernel kernel) {
  constexpr std::uint32_t group = PairTask::customers_at_once;
  switch (kernel) {
    case SimulationKernel::pairs:
      return reinterpret_cast<const void*>(simulate_pairs<1, std::int32_t>);
    case SimulationKernel::pairs_wide:
      return reinterpret_cast<const void*>(simulate_pairs<1, std::int64_t>);
    case SimulationKernel::pairs_periods:
      return reinterpret_cast<const void*>(simulate_pairs<group, std::int32_t>);
    case SimulationKernel::pairs_periods_wide:
      return reinterpret_cast<const void*>(simulate_pairs<group, std::int64_t>);
    case SimulationKernel::general:
      break;
  }
  const void* address = nullptr;
  BehaviourModels::with(static_cast<std::size_t>(kernel) - first_general_kernel, [&](auto model) {
    address = reinterpret_cast<const void*>(simulate_customers<typename decltype(model)::type>);
  });
  return address;
}

static_assert(gpu_no_memory == cudaErrorMemoryAllocation);

// The status of a call, which the next call does not find again unless it is sticky.
GpuStatus taken(cudaError_t status) {
  if (status != cudaSuccess) static_cast<void>(cudaGetLastError());
  return status;
}

class CudaGpu final : public Gpu {
 public:
  explicit CudaGpu(int index) : index_(index), name_("cuda:" + std::to_string(index)) {
    check(cudaSetDevice(index), "selecting it");
    check(cudaGetDeviceProperties(&properties_, index), "reading its properties");
    name_ += " (" + std::string(properties_.name) + ")";
    // Not of the default stream's order: each buffer waits for itself alone.
    for (cudaStream_t& stream : streams_) {
      check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "making a stream");
    }
  }
  ~CudaGpu() override {
    for (cudaStream_t stream : streams_) static_cast<void>(taken(cudaStreamDestroy(stream)));
  }
  CudaGpu(const CudaGpu&) = delete;
  CudaGpu& operator=(const CudaGpu&) = delete;

  [[nodiscard]] std::string name() const override { return name_; }
  [[nodiscard]] std::string text_of(GpuStatus status) const override {
    return cudaGetErrorString(static_cast<cudaError_t>(status));
  }

  GpuStatus select() override { return taken(cudaSetDevice(index_)); }
  GpuStatus free_memory(std::uint64_t& bytes) override {
    std::size_t free = 0, total = 0;
    const GpuStatus status = taken(cudaMemGetInfo(&free, &total));
    bytes = free;
    return status;
  }
  GpuStatus blocks_at_once(SimulationKernel kernel, std::uint64_t shared_bytes, std::uint32_t& n_blocks) override {
    n_blocks = 0;
    const void* const address = address_of(kernel);
    cudaFuncAttributes attributes{};
    if (const GpuStatus status = taken(cudaFuncGetAttributes(&attributes, address)); status != gpu_success) {
      return status;
    }
    if (shared_bytes + attributes.sharedSizeBytes > properties_.sharedMemPerBlockOptin) return gpu_success;
    const GpuStatus reserved = taken(
        cudaFuncSetAttribute(address, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(shared_bytes)));
    if (reserved != gpu_success) return reserved;
    int of_a_multiprocessor = 0;
    const GpuStatus status = taken(
        cudaOccupancyMaxActiveBlocksPerMultiprocessor(&of_a_multiprocessor, address, gpu_block_size, shared_bytes));
    n_blocks = static_cast<std::uint32_t>(of_a_multiprocessor * properties_.multiProcessorCount);
    return status;
  }

  GpuStatus allocate(Memory memory, std::uint64_t bytes, void*& data) override {
    return taken(memory == Memory::device ? cudaMalloc(&data, bytes) : cudaMallocHost(&data, bytes));
  }
  void release(Memory memory, void* data) noexcept override {
    static_cast<void>(taken(memory == Memory::device ? cudaFree(data) : cudaFreeHost(data)));
  }

  GpuStatus clear(std::uint32_t stream, void* data, std::uint64_t bytes) override {
    return taken(cudaMemsetAsync(data, 0, bytes, streams_[stream]));
  }
  GpuStatus copy_in(std::uint32_t stream, void* to, const void* from, std::uint64_t bytes) override {
    return taken(cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, streams_[stream]));
  }
  GpuStatus copy_out(std::uint32_t stream, void* to, const void* from, std::uint64_t bytes) override {
    return taken(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, streams_[stream]));
  }
  GpuStatus launch(std::uint32_t stream, SimulationKernel kernel, std::uint32_t n_blocks, std::uint64_t shared_bytes,
                   std::span<const GpuArgument> arguments) override {
    std::vector<void*> pointers;
    for (const GpuArgument& argument : arguments) pointers.push_back(argument.data);
    return taken(cudaLaunchKernel(address_of(kernel), dim3(n_blocks), dim3(gpu_block_size), pointers.data(),
                                  shared_bytes, streams_[stream]));
  }
  GpuStatus wait(std::uint32_t stream) override { return taken(cudaStreamSynchronize(streams_[stream])); }

 private:
  void check(cudaError_t status, const char* action) const {
    if (status == cudaSuccess) return;
    throw DeviceError(gpu_message(name_, action, taken(status), text_of(status)));
  }

  int index_;
  std::string name_;
  cudaDeviceProp properties_{};
  cudaStream_t streams_[n_streams] = {};
};

}  // namespace

std::vector<GpuInfo> list_gpus() {
  int n = 0;
  if (cudaGetDeviceCount(&n) != cudaSuccess) {
    static_cast<void>(cudaGetLastError());
    return {};
  }
  std::vector<GpuInfo> gpus;
  for (int i = 0; i < n; ++i) {
    cudaDeviceProp properties{};
    if (cudaGetDeviceProperties(&properties, i) != cudaSuccess) {
      static_cast<void>(cudaGetLastError());
      continue;
    }
    gpus.push_back({i, properties.name, properties.major, properties.minor, properties.totalGlobalMem,
                    properties.multiProcessorCount});
  }
  return gpus;
}

bool have_cuda() { return true; }

std::unique_ptr<Backend> make_cuda_backend(const RunSpec& spec, int index, int n_sharing) {
  int n = 0;
  const cudaError_t status = cudaGetDeviceCount(&n);
  if (status != cudaSuccess || n == 0) {
    static_cast<void>(cudaGetLastError());
    throw DeviceError("GPU " + std::to_string(index) + " was asked for, but there is no usable one: " +
                      (status == cudaSuccess ? "no device" : cudaGetErrorString(status)) +
                      "; install a GPU and its driver, or use --device cpu");
  }
  if (index < 0 || index >= n) {
    throw DeviceError("GPU " + std::to_string(index) + " was asked for, but the GPUs here are 0 to " +
                      std::to_string(n - 1));
  }
  return make_gpu_backend(spec, std::make_unique<CudaGpu>(index), n_sharing);
}

}  // namespace clvsim::kernels
