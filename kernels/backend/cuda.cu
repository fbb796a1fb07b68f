// The CUDA launcher: persistent blocks over the customers of a batch, a block a team.
#include "kernels/backend/backend.hpp"
#include "kernels/backend/block_team.hpp"
#include "kernels/path/pair_task.hpp"

#include <clvsim/error.hpp>

#include <cuda_runtime.h>

#include <algorithm>
#include <limits>
#include <utility>

namespace clvsim::kernels {

namespace {

constexpr unsigned block_size = 256;

// Customers c, c + gridDim.x, ...; scratch [blocks, paths].
template <class Model>
__global__ void __launch_bounds__(block_size, 1)
    simulate_customers(const __grid_constant__ RunView<Model> run, const typename Model::Customer* customers,
                       std::uint32_t n_customers, PathSumsView sums, std::int64_t* scratch, CustomerSummary* summaries,
                       std::int64_t* order) {
  __shared__ TaskShared shared;
  BlockTeam team;
  std::int64_t* values = scratch + static_cast<std::uint64_t>(blockIdx.x) * run.n_paths;
  for (std::uint32_t c = blockIdx.x; c < n_customers; c += gridDim.x) {
    run_customer(team, shared, run, customers[c], sums, values, summaries + c,
                 order + static_cast<std::uint64_t>(c) * run.ranks.n_ranks);
  }
}

// The same by the pair task, customers in groups of at_once: groups g, g + gridDim.x, ...; scratch [blocks, at_once,
// paths]. Dynamic shared memory: PairShape::table_bytes.
template <std::uint32_t at_once, class Amount>
__global__ void __launch_bounds__(block_size)
    simulate_pairs(const __grid_constant__ RunView<MigrationChainModel> run, const __grid_constant__ PairShape shape,
                   const ChainCustomer* customers, std::uint32_t n_customers, PairSums sums, std::int64_t* scratch,
                   CustomerSummary* summaries, std::int64_t* order) {
  extern __shared__ std::uint64_t memory[];
  __shared__ PairShared shared;
  BlockTeam team;
  const PairTables<Amount> tables =
      make_pair_tables<Amount>(team, run.params, run.horizon, shape.position_bits, memory);
  team.barrier();
  std::int64_t* values = scratch + static_cast<std::uint64_t>(blockIdx.x) * at_once * run.n_paths;
  for (std::uint64_t c = std::uint64_t{blockIdx.x} * at_once; c < n_customers;
       c += std::uint64_t{gridDim.x} * at_once) {
    const std::uint64_t left = n_customers - c;
    run_pairs<at_once>(team, shared, shape, tables, run, customers + c,
                       static_cast<std::uint32_t>(left < at_once ? left : at_once), sums, values, summaries + c,
                       order + c * run.ranks.n_ranks);
  }
}

using PairKernel = void (*)(RunView<MigrationChainModel>, PairShape, const ChainCustomer*, std::uint32_t, PairSums,
                            std::int64_t*, CustomerSummary*, std::int64_t*);

PairKernel pair_kernel(bool periods, bool wide) {
  constexpr std::uint32_t group = PairTask::customers_at_once;
  if (periods) return wide ? simulate_pairs<group, std::int64_t> : simulate_pairs<group, std::int32_t>;
  return wide ? simulate_pairs<1, std::int64_t> : simulate_pairs<1, std::int32_t>;
}

std::string megabytes(std::uint64_t bytes) { return std::to_string(bytes / 1000000) + " MB"; }

void check(cudaError_t status, int device, const char* what) {
  if (status == cudaSuccess) return;
  throw DeviceError("GPU " + std::to_string(device) + ": " + what + " failed: " + cudaGetErrorString(status) +
                    "; see nvidia-smi, or use --device cpu");
}

// Memory of the GPU.
template <class T>
class DeviceArray {
 public:
  DeviceArray() = default;
  ~DeviceArray() { release(); }
  DeviceArray(const DeviceArray&) = delete;
  DeviceArray& operator=(const DeviceArray&) = delete;

  // False where the GPU has not enough memory left; nothing is held then.
  [[nodiscard]] bool try_allocate(std::size_t n, int device) {
    release();
    const cudaError_t status = cudaMalloc(&data_, std::max<std::size_t>(1, n) * sizeof(T));
    if (status == cudaErrorMemoryAllocation) {
      static_cast<void>(cudaGetLastError());  // not sticky: the next call starts clean
      data_ = nullptr;
      return false;
    }
    check(status, device, "allocating memory");
    size_ = n;
    return true;
  }
  void allocate(std::size_t n, int device) {
    if (try_allocate(n, device)) return;
    throw DeviceError("GPU " + std::to_string(device) + ": no memory for " + megabytes(n * sizeof(T)) +
                      "; use fewer paths or a shorter horizon, or use --device cpu");
  }
  void fill_zero(int device) { check(cudaMemset(data_, 0, size_ * sizeof(T)), device, "clearing memory"); }
  void upload(const T* from, std::size_t n, int device) {
    check(cudaMemcpy(data_, from, n * sizeof(T), cudaMemcpyHostToDevice), device, "copying to the GPU");
  }
  void download(T* to, std::size_t n, int device) const {
    check(cudaMemcpy(to, data_, n * sizeof(T), cudaMemcpyDeviceToHost), device, "copying from the GPU");
  }
  void release() {
    if (data_ != nullptr) static_cast<void>(cudaFree(data_));
    data_ = nullptr;
    size_ = 0;
  }
  [[nodiscard]] T* data() const { return data_; }
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  T* data_ = nullptr;
  std::size_t size_ = 0;
};

class CudaBackend final : public Backend {
 public:
  CudaBackend(const RunSpec& spec, int device) : device_(device), n_paths_(spec.n_paths), horizon_(spec.horizon) {
    check(cudaSetDevice(device), device, "selecting it");
    cudaDeviceProp properties{};
    check(cudaGetDeviceProperties(&properties, device), device, "reading its properties");
    name_ = properties.name;
    choose_kernel(spec, properties);
    upload_tables(spec);
    const std::size_t elements = spec.periods ? static_cast<std::size_t>(n_paths_) * horizon_ : 0;
    total_.allocate(n_paths_, device);
    revenue_.allocate(elements, device);
    active_.allocate(pair_kernel_ == nullptr ? elements : 0, device);
    transactions_.allocate(pair_kernel_ == nullptr ? elements : 0, device);
    marks_.allocate(pair_kernel_ == nullptr ? 0 : elements, device);
    marks_.fill_zero(device);
    total_.fill_zero(device);
    revenue_.fill_zero(device);
    active_.fill_zero(device);
    transactions_.fill_zero(device);
    allocate_batch(properties.multiProcessorCount * std::max(1, blocks_each_));
  }

  void run(std::span<const ChainCustomer> customers, std::span<CustomerSummary> summaries,
           std::span<std::int64_t> order, std::span<std::int64_t> values) override {
    check(cudaSetDevice(device_), device_, "selecting it");
    // Values are kept in the scratch: of no more customers than find room there, each its own.
    const std::size_t most = values.empty() ? chunk_ : std::min(chunk_, n_blocks_ * at_once_);
    for (std::size_t first = 0; first < customers.size(); first += most) {
      const std::size_t n = std::min(most, customers.size() - first);
      customers_.upload(customers.data() + first, n, device_);
      const auto count = static_cast<std::uint32_t>(n);
      const auto blocks = static_cast<unsigned>(std::min((n + at_once_ - 1) / at_once_, n_blocks_));
      if (pair_kernel_ != nullptr) {
        pair_kernel_<<<blocks, block_size, shape_.table_bytes>>>(run_, shape_, customers_.data(), count, pair_sums(),
                                                                 scratch_.data(), summaries_.data(), order_.data());
      } else {
        simulate_customers<MigrationChainModel><<<blocks, block_size>>>(
            run_, customers_.data(), count, sums_view(), scratch_.data(), summaries_.data(), order_.data());
      }
      check(cudaGetLastError(), device_, "launching the simulation");
      check(cudaDeviceSynchronize(), device_, "the simulation");
      summaries_.download(summaries.data() + first, n, device_);
      order_.download(order.data() + first * n_ranks_, n * n_ranks_, device_);
      if (!values.empty()) scratch_.download(values.data() + first * n_paths_, n * n_paths_, device_);
    }
  }

  void gather(PathSums& sums) override {
    check(cudaSetDevice(device_), device_, "selecting it");
    download(total_, sums.total);
    download(revenue_, sums.revenue);
    if (pair_kernel_ == nullptr) {
      download(active_, sums.active);
      download(transactions_, sums.transactions);
      return;
    }
    std::vector<std::uint64_t> marks;
    download(marks_, marks);
    sums.active.clear();
    sums.transactions.clear();
    for (const std::uint64_t both : marks) {
      sums.active.push_back(static_cast<std::uint32_t>(both));
      sums.transactions.push_back(static_cast<std::uint32_t>(both >> 32));
    }
  }

  [[nodiscard]] std::string description() const override {
    return "cuda:" + std::to_string(device_) + " (" + name_ + ")";
  }

  [[nodiscard]] std::size_t batch_size() const override {
    constexpr double steps = 2e10;  // well under a second of a recent GPU
    const double customers = steps / (static_cast<double>(n_paths_) * horizon_);
    return std::clamp<std::size_t>(static_cast<std::size_t>(customers), n_blocks_, std::max(n_blocks_, chunk_));
  }

 private:
  // The pair task where the chain and the GPU's shared memory allow it, else the task that every model has.
  void choose_kernel(const RunSpec& spec, const cudaDeviceProp& properties) {
    shape_ = pair_shape(spec.chain, spec.seed, spec.horizon);
    if (shape_.possible) {
      const PairKernel kernel = pair_kernel(spec.periods, shape_.wide);
      cudaFuncAttributes attributes{};
      check(cudaFuncGetAttributes(&attributes, reinterpret_cast<const void*>(kernel)), device_, "loading the kernel");
      if (shape_.table_bytes + attributes.sharedSizeBytes <= properties.sharedMemPerBlockOptin) {
        check(cudaFuncSetAttribute(reinterpret_cast<const void*>(kernel), cudaFuncAttributeMaxDynamicSharedMemorySize,
                                   static_cast<int>(shape_.table_bytes)),
              device_, "reserving shared memory");
        check(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks_each_, kernel, block_size, shape_.table_bytes),
              device_, "loading the kernel");
        pair_kernel_ = kernel;
        at_once_ = spec.periods ? PairTask::customers_at_once : 1;
        return;
      }
    }
    check(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks_each_, simulate_customers<MigrationChainModel>,
                                                        block_size, 0),
          device_, "loading the kernel");
  }

  void upload_tables(const RunSpec& spec) {
    const MigrationChainView& chain = spec.chain;
    const std::size_t n = chain.n_positions;
    copy(positions_, chain.positions, n);
    const TableSchedule& schedule = chain.schedule;
    const std::size_t n_rows = n * schedule.n_tables, n_periods = schedule.horizon;
    copy(cells_, chain.cells, n_rows << chain.column_bits);
    copy(outcomes_, chain.outcomes, n_rows * chain.row);
    copy(table_of_, schedule.table_of,
         schedule.table_of == nullptr ? 0 : n_periods * schedule.n_segments * schedule.n_levels);
    copy(level_, schedule.level, schedule.level == nullptr ? 0 : n_periods * schedule.n_worlds);
    copy(position_of_state_, chain.position_of_state, chain.n_states);
    copy(value_, chain.value, n * spec.horizon);
    copy(start_value_, chain.start_value, n);
    copy(weight_, chain.weight, spec.horizon);
    copy(count_threshold_, chain.spend.count_threshold, chain.has_spend ? chain.spend.n_counts - 1 : 0);
    const ChainEventsView& events = chain.events;
    const std::size_t n_events = events.dwell_bits == 0 ? 0 : n;  // positions that have them
    copy(dwells_, events.dwells, n_events << events.dwell_bits);
    copy(jumps_, events.jumps, n_events << events.jump_bits);
    copy(continued_, events.continued, n_events);
    copy(ranks_, spec.ranks.data(), spec.ranks.size());
    n_ranks_ = spec.ranks.size();
    run_.params = chain;
    run_.params.positions = positions_.data();
    run_.params.cells = cells_.data();
    run_.params.outcomes = outcomes_.data();
    run_.params.position_of_state = position_of_state_.data();
    if (schedule.table_of != nullptr) run_.params.schedule.table_of = table_of_.data();
    if (schedule.level != nullptr) run_.params.schedule.level = level_.data();
    run_.params.value = value_.data();
    run_.params.start_value = start_value_.data();
    run_.params.weight = weight_.data();
    run_.params.spend.count_threshold = count_threshold_.data();
    run_.params.events.dwells = dwells_.data();
    run_.params.events.jumps = jumps_.data();
    run_.params.events.continued = continued_.data();
    run_.seed = spec.seed;
    run_.horizon = spec.horizon;
    run_.n_paths = spec.n_paths;
    run_.ranks = {ranks_.data(), static_cast<std::uint32_t>(n_ranks_), spec.tail};
  }

  template <class T>
  void copy(DeviceArray<T>& to, const T* from, std::size_t n) {
    to.allocate(n, device_);
    if (n != 0) to.upload(from, n, device_);
  }

  // Scratch for as many blocks as run at once, and buffers for a chunk of customers; both are halved until they fit.
  void allocate_batch(int most_blocks) {
    n_blocks_ = static_cast<std::size_t>(std::max(1, most_blocks));
    const std::size_t block_values = at_once_ * n_paths_;
    while (!scratch_.try_allocate(n_blocks_ * block_values, device_)) {
      if (n_blocks_ == 1) scratch_.allocate(block_values, device_);
      n_blocks_ /= 2;
    }
    chunk_ = std::size_t{1} << 16;
    while (!(customers_.try_allocate(chunk_, device_) && summaries_.try_allocate(chunk_, device_) &&
             order_.try_allocate(chunk_ * n_ranks_, device_))) {
      if (chunk_ == 1) order_.allocate(n_ranks_, device_);
      chunk_ /= 2;
      // Room for a customer matters more than one more block.
      if (chunk_ < 64 && n_blocks_ > 1) {
        n_blocks_ /= 2;
        scratch_.allocate(n_blocks_ * block_values, device_);
        chunk_ = 64;
      }
    }
  }

  [[nodiscard]] PairSums pair_sums() const {
    if (marks_.size() == 0) return {total_.data(), nullptr, nullptr};
    return {total_.data(), revenue_.data(), marks_.data()};
  }

  [[nodiscard]] PathSumsView sums_view() const {
    // Neighbouring threads walk neighbouring paths: paths vary fastest.
    if (revenue_.size() == 0) return {total_.data(), nullptr, nullptr, nullptr, 1, n_paths_};
    return {total_.data(), revenue_.data(), active_.data(), transactions_.data(), 1, n_paths_};
  }

  // Unsigned sums as signed ones, where the host has them so.
  template <class From, class To>
  void download(const DeviceArray<From>& from, std::vector<To>& to) const {
    static_assert(sizeof(From) == sizeof(To));
    to.resize(from.size());
    from.download(reinterpret_cast<From*>(to.data()), to.size(), device_);
  }

  int device_;
  std::string name_;
  std::uint32_t n_paths_, horizon_;
  std::size_t n_ranks_ = 0, n_blocks_ = 1, chunk_ = 1;
  PairShape shape_;
  PairKernel pair_kernel_ = nullptr;
  int blocks_each_ = 0;      // on a multiprocessor
  std::size_t at_once_ = 1;  // customers of a block
  RunView<MigrationChainModel> run_;
  DeviceArray<ChainPosition> positions_;
  DeviceArray<AliasCell> cells_, jumps_;
  DeviceArray<DwellCell> dwells_;
  DeviceArray<OrderedOutcome> outcomes_;
  DeviceArray<std::uint16_t> position_of_state_, table_of_, level_, continued_;
  DeviceArray<std::int64_t> value_, start_value_;
  DeviceArray<std::uint32_t> count_threshold_, ranks_;
  DeviceArray<double> weight_;
  DeviceArray<std::uint64_t> total_, revenue_, marks_;
  DeviceArray<std::uint32_t> active_, transactions_;
  DeviceArray<std::int64_t> scratch_, order_;
  DeviceArray<ChainCustomer> customers_;
  DeviceArray<CustomerSummary> summaries_;
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

std::unique_ptr<Backend> make_cuda_backend(const RunSpec& spec, int index) {
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
  return std::make_unique<CudaBackend>(spec, index);
}

}  // namespace clvsim::kernels
