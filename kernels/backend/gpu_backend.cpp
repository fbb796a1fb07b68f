#include "kernels/backend/gpu_backend.hpp"

#include "kernels/backend/memory_plan.hpp"
#include "kernels/backend/path_worker.hpp"
#include "kernels/path/pair_task.hpp"

#include <clvsim/error.hpp>

#include <algorithm>
#include <array>
#include <cstring>
#include <functional>
#include <utility>

namespace clvsim::kernels {

namespace {

std::string megabytes(std::uint64_t bytes) { return std::to_string((bytes + 999999) / 1000000) + " MB"; }

// Memory that is given back.
class GpuMemory {
 public:
  GpuMemory() = default;
  GpuMemory(GpuMemory&& other) noexcept
      : gpu_(std::exchange(other.gpu_, nullptr)), memory_(other.memory_), data_(other.data_) {}
  GpuMemory& operator=(GpuMemory&&) = delete;
  ~GpuMemory() {
    if (gpu_ != nullptr) gpu_->release(memory_, data_);
  }

  // Once. Nothing is held unless it succeeds.
  [[nodiscard]] GpuStatus allocate(Gpu& gpu, Gpu::Memory memory, std::uint64_t bytes) {
    const GpuStatus status = gpu.allocate(memory, std::max<std::uint64_t>(1, bytes), data_);
    if (status != gpu_success) return status;
    gpu_ = &gpu;
    memory_ = memory;
    return status;
  }
  [[nodiscard]] void* data() const { return gpu_ == nullptr ? nullptr : data_; }

 private:
  Gpu* gpu_ = nullptr;
  Gpu::Memory memory_ = Gpu::Memory::device;
  void* data_ = nullptr;
};

template <class T>
T* as(const GpuMemory& memory) {
  return static_cast<T*>(memory.data());
}

// An array of the GPU with its twin in pinned memory.
template <class T>
struct Mirrored {
  GpuMemory device, pinned;

  [[nodiscard]] GpuStatus allocate(Gpu& gpu, std::uint64_t n) {
    const GpuStatus status = device.allocate(gpu, Gpu::Memory::device, n * sizeof(T));
    return status == gpu_success ? pinned.allocate(gpu, Gpu::Memory::pinned, n * sizeof(T)) : status;
  }
};

// Customers on their way, along a stream of their own.
template <class Customer>
struct Buffer {
  Mirrored<Customer> customers;
  Mirrored<CustomerSummary> summaries;
  Mirrored<std::int64_t> order;
  GpuMemory scratch;
  std::size_t first = 0, n = 0;  // of the batch; n = 0: empty
};

template <class Model>
class GpuBackend final : public Backend {
 public:
  using Customer = typename Model::Customer;

  GpuBackend(const RunSpec& spec, std::unique_ptr<Gpu> gpu, int n_sharing)
      : gpu_(std::move(gpu)),
        n_paths_(spec.n_paths),
        horizon_(spec.horizon),
        n_ranks_(spec.ranks.size()),
        run_(view_of<Model>(spec)),
        records_(Model::records(run_.params)) {
    check(gpu_->select(), "selecting it");
    choose_kernel(spec);
    add_tables(spec);
    add_sums(spec);
    needs_.block_bytes = needs_.block_customers * n_paths_ * sizeof(std::int64_t);
    needs_.customer_bytes = records_ * sizeof(Customer) + sizeof(CustomerSummary) + n_ranks_ * sizeof(std::int64_t);
    // A buffer takes milliseconds of a recent GPU, and at least a wave of blocks.
    constexpr double steps = 5e9;
    constexpr std::uint64_t most = 32768;
    const auto customers = static_cast<std::uint64_t>(steps / (static_cast<double>(n_paths_) * horizon_));
    needs_.most_customers = std::max(std::min(customers, most), needs_.most_blocks * needs_.block_customers);
    std::uint64_t free = 0;
    check(gpu_->free_memory(free), "asking for its free memory");
    const std::optional<MemoryPlan> plan = plan_memory(free, static_cast<std::uint64_t>(n_sharing), needs_);
    if (!plan) throw too_small(free, n_sharing);
    plan_ = *plan;
    allocate_fixed();
    while (!try_allocate_buffers()) {
      const std::optional<MemoryPlan> next = smaller(plan_, needs_);
      if (!next) throw too_small(free, n_sharing);
      plan_ = *next;
    }
    check(gpu_->wait(0), "copying tables to it");
  }

  ~GpuBackend() override {
    // Nothing may be on its way to memory that is given back.
    if (lost_ || gpu_->select() != gpu_success) return;
    for (std::uint32_t stream = 0; stream < Gpu::n_streams; ++stream) {
      if (fault_of(gpu_->wait(stream)) == GpuFault::lost) return;
    }
  }

  void run(const CustomerSpan& any, std::span<CustomerSummary> summaries, std::span<std::int64_t> order,
           std::span<std::int64_t> values) override {
    const auto customers = std::get<std::span<const Customer>>(any);
    n_customers_ += summaries.size();
    check(gpu_->select(), "selecting it");
    const std::size_t n = summaries.size(), wave = plan_.n_blocks * needs_.block_customers;
    // A small batch is shared between the buffers, so that they overlap, unless blocks would be idle.
    const std::size_t share = std::max(wave, (n + buffers_.size() - 1) / buffers_.size());
    // Values are kept in the scratch: of no more customers than find room there, each its own.
    const std::size_t chunk = std::min<std::size_t>(plan_.n_customers, values.empty() ? share : std::min(share, wave));
    const Results results{summaries, order, values};
    std::uint32_t turn = 0;
    const auto n_buffers = static_cast<std::uint32_t>(buffers_.size());
    for (std::size_t first = 0; first < n; first += chunk, turn = (turn + 1) % n_buffers) {
      collect(turn, results);
      const std::size_t count = std::min(chunk, n - first);
      start(turn, first, customers.subspan(first * records_, count * records_));
    }
    for (std::uint32_t i = 0; i < n_buffers; ++i) collect((turn + i) % n_buffers, results);
  }

  void gather(PathSums& sums) override {
    check(gpu_->select(), "selecting it");
    std::vector<std::uint64_t> marks;
    for (const Sum& sum : sums_) sum.resize(sums, marks);
    for (const Sum& sum : sums_) {
      check(gpu_->copy_out(0, sum.data(sums, marks), sum.memory.data(), sum.bytes), "copying sums from it");
      check(gpu_->wait(0), "copying sums from it");  // before a failure could unwind the caller's memory
    }
    if constexpr (Model::sparse) leavers_to_active(sums, n_customers_);
    if (marks.empty()) return;
    sums.active.clear();
    sums.transactions.clear();
    for (const std::uint64_t both : marks) {
      sums.active.push_back(static_cast<std::uint32_t>(both));
      sums.transactions.push_back(static_cast<std::uint32_t>(both >> 32));
    }
  }

  [[nodiscard]] std::string description() const override { return gpu_->name(); }

  [[nodiscard]] std::size_t batch_size() const override {
    constexpr std::size_t buffers_a_batch = 4;  // copies of the first and the last are not beside computing
    return buffers_a_batch * plan_.n_customers;
  }

 private:
  // Where the results of a batch go.
  struct Results {
    std::span<CustomerSummary> summaries;
    std::span<std::int64_t> order, values;
  };
  // A table of the host, and where its copy has to be known.
  struct Table {
    const void* from = nullptr;
    std::uint64_t bytes = 0;
    std::function<void(void*)> place;
    GpuMemory memory;
  };
  // Sums over customers: as they stand on the GPU, and where they go.
  struct Sum {
    std::uint64_t bytes = 0;
    std::function<void(PathSums&, std::vector<std::uint64_t>& marks)> resize;
    std::function<void*(PathSums&, std::vector<std::uint64_t>& marks)> data;
    std::function<void(void*)> place;
    GpuMemory memory;
  };

  void check(GpuStatus status, const char* action) {
    if (status == gpu_success) return;
    lost_ = fault_of(status) == GpuFault::lost;
    throw DeviceError(gpu_message(gpu_->name(), action, status, gpu_->text_of(status)));
  }

  [[nodiscard]] DeviceError too_small(std::uint64_t free, int n_sharing) const {
    const MemoryPlan least;
    return DeviceError(gpu_->name() + ": this run needs at least " + megabytes(least.bytes(needs_)) +
                       " of its memory; " + megabytes(free) + " are free" +
                       (n_sharing > 1 ? ", for " + std::to_string(n_sharing) + " devices of this run" : "") +
                       "; use fewer paths or a shorter horizon, end what else runs on it, or use --device cpu");
  }

  // The pair task where the chain and the GPU's shared memory allow it, else the task that every model has.
  void choose_kernel(const RunSpec& spec) {
    std::uint32_t n_blocks = 0;
    if constexpr (is_chain) shape_ = pair_shape(run_.params, spec.seed, spec.horizon);
    if (shape_.possible) {
      kernel_ = spec.periods ? (shape_.wide ? SimulationKernel::pairs_periods_wide : SimulationKernel::pairs_periods)
                             : (shape_.wide ? SimulationKernel::pairs_wide : SimulationKernel::pairs);
      check(gpu_->blocks_at_once(kernel_, shape_.table_bytes, n_blocks), "loading its kernel");
      shape_.possible = n_blocks > 0;
    }
    if (shape_.possible) {
      shared_bytes_ = shape_.table_bytes;
      if (spec.periods) needs_.block_customers = PairTask::customers_at_once;
    } else {
      kernel_ = general_kernel<Model>();
      check(gpu_->blocks_at_once(kernel_, 0, n_blocks), "loading its kernel");
    }
    needs_.most_blocks = std::max(1U, n_blocks);
  }

  // [n] of the host, whose copy's address is kept in `to`.
  template <class T>
  void add_table(const T*& to, const T* from, std::uint64_t n) {
    to = nullptr;
    if (from == nullptr || n == 0) return;
    Table& table = tables_.emplace_back();
    table.from = from;
    table.bytes = n * sizeof(T);
    table.place = [&to](void* data) { to = static_cast<const T*>(data); };
    needs_.fixed_bytes += table.bytes;
  }

  void add_tables(const RunSpec& spec) {
    run_.ranks.ranks = nullptr;
    Model::for_tables(run_.params, spec.horizon, [&](auto& table, std::uint64_t n) { add_table(table, table, n); });
    add_table(run_.ranks.ranks, spec.ranks.data(), n_ranks_);
  }

  // [n], from zero, whose address on the GPU is kept in `to` and whose values go to a member of PathSums. Signed sums
  // stand there as unsigned ones.
  template <class T, class Member>
  void add_sum(T*& to, Member member, std::uint64_t n) {
    Sum& sum = sums_.emplace_back();
    sum.bytes = n * sizeof(T);
    sum.resize = [member, n](PathSums& sums, std::vector<std::uint64_t>& marks) { member(sums, marks).resize(n); };
    sum.data = [member](PathSums& sums, std::vector<std::uint64_t>& marks) -> void* {
      auto& values = member(sums, marks);
      static_assert(sizeof values[0] == sizeof(T));
      return values.data();
    };
    sum.place = [&to](void* data) { to = static_cast<T*>(data); };
    needs_.fixed_bytes += sum.bytes;
  }

  void add_sums(const RunSpec& spec) {
    using Marks = std::vector<std::uint64_t>;
    const auto total = [](PathSums & sums, Marks&) -> auto& { return sums.total; };
    const auto revenue = [](PathSums & sums, Marks&) -> auto& { return sums.revenue; };
    const std::uint64_t n_elements = std::uint64_t{n_paths_} * horizon_;
    if (shape_.possible) {
      add_sum(pair_sums_.total, total, n_paths_);
      if (!spec.periods) return;
      add_sum(pair_sums_.cash, revenue, n_elements);
      add_sum(
          pair_sums_.marks, [](PathSums&, Marks & marks) -> auto& { return marks; }, n_elements);
      return;
    }
    // Neighbouring threads walk neighbouring paths: paths vary fastest.
    path_sums_.path_stride = 1;
    path_sums_.period_stride = n_paths_;
    add_sum(path_sums_.total, total, n_paths_);
    if (!spec.periods) return;
    add_sum(path_sums_.revenue, revenue, n_elements);
    add_sum(
        path_sums_.active, [](PathSums & sums, Marks&) -> auto& { return sums.active; }, n_elements);
    add_sum(
        path_sums_.transactions, [](PathSums & sums, Marks&) -> auto& { return sums.transactions; }, n_elements);
  }

  void allocate_fixed() {
    for (Table& table : tables_) {
      check(table.memory.allocate(*gpu_, Gpu::Memory::device, table.bytes), "allocating memory for tables");
      table.place(table.memory.data());
      check(gpu_->copy_in(0, table.memory.data(), table.from, table.bytes), "copying tables to it");
    }
    for (Sum& sum : sums_) {
      check(sum.memory.allocate(*gpu_, Gpu::Memory::device, sum.bytes), "allocating memory for sums");
      sum.place(sum.memory.data());
      check(gpu_->clear(0, sum.memory.data(), sum.bytes), "clearing its memory");
    }
  }

  // False where there is no memory for them; nothing is held then.
  [[nodiscard]] bool try_allocate_buffers() {
    buffers_.clear();
    for (std::uint64_t i = 0; i < plan_.n_buffers; ++i) {
      Buffer<Customer>& buffer = buffers_.emplace_back();
      GpuStatus status = buffer.customers.allocate(*gpu_, plan_.n_customers * records_);
      if (status == gpu_success) status = buffer.summaries.allocate(*gpu_, plan_.n_customers);
      if (status == gpu_success) status = buffer.order.allocate(*gpu_, plan_.n_customers * n_ranks_);
      if (status == gpu_success) {
        status = buffer.scratch.allocate(*gpu_, Gpu::Memory::device, plan_.n_blocks * needs_.block_bytes);
      }
      if (fault_of(status) == GpuFault::no_memory) {
        buffers_.clear();
        return false;
      }
      check(status, "allocating memory for customers");
    }
    return true;
  }

  // Fills a buffer and sends it on its way; nothing of it is done when this returns.
  void start(std::uint32_t turn, std::size_t first, std::span<const Customer> customers) {
    Buffer<Customer>& buffer = buffers_[turn];
    buffer.first = first;
    buffer.n = customers.size() / records_;
    auto* const pinned = as<Customer>(buffer.customers.pinned);
    std::copy(customers.begin(), customers.end(), pinned);
    auto* device_customers = as<const Customer>(buffer.customers.device);
    auto* device_summaries = as<CustomerSummary>(buffer.summaries.device);
    auto *device_order = as<std::int64_t>(buffer.order.device), *scratch = as<std::int64_t>(buffer.scratch);
    check(gpu_->copy_in(turn, buffer.customers.device.data(), pinned, customers.size_bytes()),
          "copying customers to it");
    auto n = static_cast<std::uint32_t>(buffer.n);
    const std::uint64_t groups = (buffer.n + needs_.block_customers - 1) / needs_.block_customers;
    const auto n_blocks = static_cast<std::uint32_t>(std::min(groups, plan_.n_blocks));
    GpuStatus launched = gpu_success;
    if (!shape_.possible) {
      const std::array<GpuArgument, 7> arguments = {run_,    device_customers, n,           path_sums_,
                                                    scratch, device_summaries, device_order};
      launched = gpu_->launch(turn, kernel_, n_blocks, shared_bytes_, arguments);
    } else {
      const std::array<GpuArgument, 8> arguments = {run_,       shape_,  device_customers, n,
                                                    pair_sums_, scratch, device_summaries, device_order};
      launched = gpu_->launch(turn, kernel_, n_blocks, shared_bytes_, arguments);
    }
    check(launched, "launching the simulation");
    check(gpu_->copy_out(turn, buffer.summaries.pinned.data(), device_summaries, buffer.n * sizeof(CustomerSummary)),
          "copying results from it");
    check(gpu_->copy_out(turn, buffer.order.pinned.data(), device_order, buffer.n * n_ranks_ * sizeof(std::int64_t)),
          "copying results from it");
  }

  // Waits for a buffer, if it is on its way, and empties it.
  void collect(std::uint32_t turn, const Results& results) {
    Buffer<Customer>& buffer = buffers_[turn];
    if (buffer.n == 0) return;
    check(gpu_->wait(turn), "the simulation");
    std::copy_n(as<CustomerSummary>(buffer.summaries.pinned), buffer.n, results.summaries.data() + buffer.first);
    std::copy_n(as<std::int64_t>(buffer.order.pinned), buffer.n * n_ranks_,
                results.order.data() + buffer.first * n_ranks_);
    if (!results.values.empty()) {
      check(gpu_->copy_out(turn, results.values.data() + buffer.first * n_paths_, buffer.scratch.data(),
                           buffer.n * n_paths_ * sizeof(std::int64_t)),
            "copying values of paths from it");
      check(gpu_->wait(turn), "copying values of paths from it");
    }
    buffer.n = 0;
  }

  std::unique_ptr<Gpu> gpu_;
  bool lost_ = false;
  std::uint64_t n_customers_ = 0;
  std::uint32_t n_paths_, horizon_;
  std::uint64_t n_ranks_;
  static constexpr bool is_chain = std::is_same_v<Model, MigrationChainModel>;
  SimulationKernel kernel_ = general_kernel<Model>();
  PairShape shape_;                 // possible of chains alone
  std::uint64_t shared_bytes_ = 0;  // dynamic, of a block
  MemoryNeeds needs_;
  MemoryPlan plan_;
  // As kernels take them: pointers are the GPU's.
  RunView<Model> run_;
  std::size_t records_;  // of a customer
  PathSumsView path_sums_;
  PairSums pair_sums_;
  std::vector<Table> tables_;
  std::vector<Sum> sums_;
  std::vector<Buffer<Customer>> buffers_;  // buffer i works along stream i
};

}  // namespace

std::unique_ptr<Backend> make_gpu_backend(const RunSpec& spec, std::unique_ptr<Gpu> gpu, int n_sharing) {
  std::unique_ptr<Backend> backend;
  BehaviourModels::with(spec.params.index(), [&]<class Model>(std::type_identity<Model>) {
    backend = std::make_unique<GpuBackend<Model>>(spec, std::move(gpu), n_sharing);
  });
  return backend;
}

}  // namespace clvsim::kernels
