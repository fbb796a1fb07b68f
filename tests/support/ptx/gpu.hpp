// A GPU for the launcher (kernels/backend/gpu_backend.hpp) that executes the production kernels' PTX on the host. It
// can be small, slow to begin, and fail.
#pragma once

#include "kernels/backend/gpu.hpp"
#include "tests/support/ptx/machine.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace clvsim::test::ptx {

// By kernels::SimulationKernel.
inline constexpr std::array<const char*, kernels::n_simulation_kernels> simulation_kernels = {
    "simulate_pairs_1u_int",
    "simulate_pairs_1u_long",
    "simulate_pairs_4u_int",
    "simulate_pairs_4u_long",
    "simulate_customers_MigrationChainModel",
    "simulate_customers_PurchasePath_ParetoNbd",
    "simulate_customers_PurchasePath_BgNbd",
    "simulate_customers_PurchasePath_BgBb",
    "simulate_customers_ContractPath",
    "simulate_customers_DirichletChain"};

// What the launcher takes from the memory that is free, without using it.
inline constexpr std::uint64_t least_reserve = std::uint64_t{64} << 20;

struct GpuSetting {
  std::uint64_t memory_bytes = least_reserve + (std::uint64_t{3} << 20);
  std::uint64_t shared_bytes = std::uint64_t{99} << 10;  // of a block
  std::uint32_t n_blocks = 2;                            // that run at once
  // Work is done when it is waited for, as late as can be; otherwise when it is asked for, as early as can be.
  bool late = true;
};

// What was asked of a GPU; outlives it.
struct GpuRecord {
  // What call number n ends with instead of being done; bytes: of an allocation. Empty: all succeed.
  std::function<kernels::GpuStatus(std::string_view call, std::uint64_t bytes, std::uint32_t n)> fault;
  std::uint32_t n_calls = 0;  // but releases
  std::uint32_t n_calls_after_loss = 0;
  std::int64_t n_held = 0;           // allocations now
  std::uint32_t most_customers = 0;  // of a launch
  std::map<std::string, std::uint32_t> n_launches;
};

class PtxGpu final : public kernels::Gpu {
 public:
  PtxGpu(Device& device, GpuSetting setting, GpuRecord& record)
      : device_(device), setting_(setting), record_(record), free_(setting.memory_bytes) {}
  ~PtxGpu() override { device_.take_back_all(); }
  PtxGpu(const PtxGpu&) = delete;
  PtxGpu& operator=(const PtxGpu&) = delete;

  [[nodiscard]] std::string name() const override { return "ptx:0 (interpreter)"; }
  [[nodiscard]] std::string text_of(kernels::GpuStatus status) const override {
    return "text of " + std::to_string(status);
  }
  kernels::GpuStatus select() override { return called("select"); }
  kernels::GpuStatus free_memory(std::uint64_t& bytes) override {
    bytes = free_;
    return called("free_memory");
  }
  kernels::GpuStatus blocks_at_once(kernels::SimulationKernel kernel, std::uint64_t shared_bytes,
                                    std::uint32_t& n_blocks) override {
    const std::uint64_t own = device_.module().kernel(name_of(kernel)).shared_bytes;
    n_blocks = own + shared_bytes <= setting_.shared_bytes || shared_bytes == 0 ? setting_.n_blocks : 0;
    return called("blocks_at_once");
  }
  kernels::GpuStatus allocate(Memory memory, std::uint64_t bytes, void*& data) override {
    if (const kernels::GpuStatus status = called(memory == Memory::device ? "allocate" : "allocate_pinned", bytes);
        status != kernels::gpu_success) {
      return status;
    }
    if (memory == Memory::device && bytes > free_) return kernels::gpu_no_memory;
    Allocation made{memory, bytes, std::make_unique<Aligned[]>(bytes / sizeof(Aligned) + 1)};
    std::memset(made.data.get(), 0xA5, bytes);  // nothing may be expected there
    data = made.data.get();
    if (memory == Memory::device) {
      free_ -= bytes;
      device_.give("an allocation of " + std::to_string(bytes) + " bytes", data, bytes, false);
    }
    allocations_.emplace(data, std::move(made));
    ++record_.n_held;
    return kernels::gpu_success;
  }
  void release(Memory memory, void* data) noexcept override {
    const auto found = allocations_.find(data);
    if (found == allocations_.end() || found->second.memory != memory) std::terminate();  // twice, or never allocated
    if (memory == Memory::device) {
      free_ += found->second.bytes;
      device_.take_back(data, found->second.bytes);
    }
    allocations_.erase(found);
    --record_.n_held;
  }
  kernels::GpuStatus clear(std::uint32_t stream, void* data, std::uint64_t bytes) override {
    must_be_held(data, bytes);
    return queue("clear", stream, [=] { std::memset(data, 0, bytes); });
  }
  kernels::GpuStatus copy_in(std::uint32_t stream, void* to, const void* from, std::uint64_t bytes) override {
    must_be_held(to, bytes);
    if (const auto whole = allocations_.find(to); whole != allocations_.end() && !is_pinned(from)) {
      // Tables: nothing writes to them.
      device_.take_back(to, whole->second.bytes);
      device_.give("a table", to, whole->second.bytes, true);
    }
    return queue("copy_in", stream, [=] { std::memcpy(to, from, bytes); });
  }
  kernels::GpuStatus copy_out(std::uint32_t stream, void* to, const void* from, std::uint64_t bytes) override {
    must_be_held(from, bytes);
    return queue("copy_out", stream, [=] { std::memcpy(to, from, bytes); });
  }
  kernels::GpuStatus launch(std::uint32_t stream, kernels::SimulationKernel kernel, std::uint32_t n_blocks,
                            std::uint64_t shared_bytes, std::span<const kernels::GpuArgument> arguments) override {
    std::vector<std::vector<unsigned char>> bytes;
    for (const kernels::GpuArgument& argument : arguments) {
      const auto* first = static_cast<const unsigned char*>(argument.data);
      bytes.emplace_back(first, first + argument.bytes);
    }
    ++record_.n_launches[name_of(kernel)];
    for (const kernels::GpuArgument& argument : arguments) {
      if (argument.bytes != sizeof(std::uint32_t)) continue;  // the number of customers is the only one
      std::uint32_t n = 0;
      std::memcpy(&n, argument.data, sizeof n);
      record_.most_customers = std::max(record_.most_customers, n);
    }
    if (n_blocks > setting_.n_blocks) throw Error("more blocks than run at once");
    return queue("launch", stream, [this, kernel, n_blocks, shared_bytes, bytes = std::move(bytes)] {
      device_.launch_bytes(name_of(kernel), n_blocks, kernels::gpu_block_size, shared_bytes, bytes);
    });
  }
  kernels::GpuStatus wait(std::uint32_t stream) override {
    const kernels::GpuStatus status = called("wait");
    for (const auto& work : std::exchange(queues_.at(stream), {})) {
      if (status == kernels::gpu_success) do_now(work);
    }
    return status;
  }

 private:
  struct alignas(256) Aligned {
    unsigned char bytes[256];
  };
  struct Allocation {
    Memory memory;
    std::uint64_t bytes;
    std::unique_ptr<Aligned[]> data;
  };

  static const char* name_of(kernels::SimulationKernel kernel) {
    return simulation_kernels.at(static_cast<std::size_t>(kernel));
  }

  // Counts a call and says what becomes of it.
  kernels::GpuStatus called(const char* call, std::uint64_t bytes = 0) {
    const std::uint32_t n = record_.n_calls++;
    if (lost_ != kernels::gpu_success) ++record_.n_calls_after_loss;
    if (lost_ != kernels::gpu_success || !record_.fault) return lost_;
    const kernels::GpuStatus status = record_.fault(call, bytes, n);
    if (kernels::fault_of(status) == kernels::GpuFault::lost) lost_ = status;
    return status;
  }

  template <class Work>
  kernels::GpuStatus queue(const char* call, std::uint32_t stream, Work work) {
    const kernels::GpuStatus status = called(call);
    if (status != kernels::gpu_success) return status;
    if (setting_.late) {
      queues_.at(stream).push_back(std::move(work));
    } else {
      do_now(work);
    }
    return status;
  }

  [[nodiscard]] bool is_pinned(const void* data) const {
    const auto found = allocations_.find(data);
    return found != allocations_.end() && found->second.memory == Memory::pinned;
  }

  // What a kernel does wrong ends the test, not only the run: nothing else is done on the way out.
  template <class Work>
  void do_now(const Work& work) {
    try {
      work();
    } catch (const Error&) {
      constexpr kernels::GpuStatus launch_failure = 719;
      lost_ = launch_failure;
      throw;
    }
  }

  void must_be_held(const void* data, std::uint64_t bytes) const {
    for (const auto& [start, allocation] : allocations_) {
      const auto first = reinterpret_cast<std::uintptr_t>(start), at = reinterpret_cast<std::uintptr_t>(data);
      if (allocation.memory == Memory::device && at >= first && at + bytes <= first + allocation.bytes) return;
    }
    throw Error("a copy beyond the GPU's memory");
  }

  Device& device_;
  GpuSetting setting_;
  GpuRecord& record_;
  std::uint64_t free_;
  std::map<const void*, Allocation> allocations_;
  std::array<std::vector<std::function<void()>>, n_streams> queues_;
  kernels::GpuStatus lost_ = kernels::gpu_success;
};

}  // namespace clvsim::test::ptx
