// What a run asks of a GPU: memory, copies and kernels, in order along a stream. The seam between the launcher
// (gpu_backend.cpp), which is plain C++, and CUDA (cuda.cu): the tests put an executor of PTX in CUDA's place.
#pragma once

#include "kernels/backend/gpu_status.hpp"
#include "kernels/models/list.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <type_traits>

namespace clvsim::kernels {

// The kernels of cuda.cu; pairs: kernels/path/pair_task.hpp, with sums by period or without, of narrow or wide amounts;
// then the general one for each model of the list.
enum class SimulationKernel : std::uint8_t { pairs, pairs_wide, pairs_periods, pairs_periods_wide, general };
inline constexpr std::uint32_t first_general_kernel = static_cast<std::uint32_t>(SimulationKernel::general);
inline constexpr std::uint32_t n_simulation_kernels = first_general_kernel + BehaviourModels::size;

template <class Model>
constexpr SimulationKernel general_kernel() {
  return static_cast<SimulationKernel>(first_general_kernel + BehaviourModels::index_of<Model>());
}

inline constexpr std::uint32_t gpu_block_size = 256;  // threads of a block

// An argument of a kernel, as it stands on the host.
struct GpuArgument {
  template <class T>
  // NOLINTNEXTLINE(bugprone-sizeof-expression): some arguments are pointers
  GpuArgument(T& value) : data(&value), bytes(sizeof value) {
    static_assert(std::is_trivially_copyable_v<T>);
  }
  void* data;
  std::uint64_t bytes;
};

// Calls return what CUDA said, and throw nothing. They come from one thread at a time, not always the same.
class Gpu {
 public:
  enum class Memory : std::uint8_t { device, pinned };  // pinned: of the host, for copies beside computing
  static constexpr std::uint32_t n_streams = 2;

  virtual ~Gpu() = default;
  // "cuda:0 (NVIDIA H200)".
  [[nodiscard]] virtual std::string name() const = 0;
  // CUDA's text for a status.
  [[nodiscard]] virtual std::string text_of(GpuStatus status) const = 0;

  // Makes it the calling thread's GPU; before all calls below.
  [[nodiscard]] virtual GpuStatus select() = 0;
  [[nodiscard]] virtual GpuStatus free_memory(std::uint64_t& bytes) = 0;
  // Blocks with so much dynamic shared memory that it runs at the same time; 0: a block has no room for it.
  [[nodiscard]] virtual GpuStatus blocks_at_once(SimulationKernel kernel, std::uint64_t shared_bytes,
                                                 std::uint32_t& n_blocks) = 0;

  // At least one byte; aligned for every type.
  [[nodiscard]] virtual GpuStatus allocate(Memory memory, std::uint64_t bytes, void*& data) = 0;
  virtual void release(Memory memory, void* data) noexcept = 0;

  // Begun in the order of the calls with the same stream; done, at the latest, when `wait` returns.
  [[nodiscard]] virtual GpuStatus clear(std::uint32_t stream, void* data, std::uint64_t bytes) = 0;
  [[nodiscard]] virtual GpuStatus copy_in(std::uint32_t stream, void* to, const void* from, std::uint64_t bytes) = 0;
  [[nodiscard]] virtual GpuStatus copy_out(std::uint32_t stream, void* to, const void* from, std::uint64_t bytes) = 0;
  // The arguments are read before the call returns.
  [[nodiscard]] virtual GpuStatus launch(std::uint32_t stream, SimulationKernel kernel, std::uint32_t n_blocks,
                                         std::uint64_t shared_bytes, std::span<const GpuArgument> arguments) = 0;
  [[nodiscard]] virtual GpuStatus wait(std::uint32_t stream) = 0;
};

}  // namespace clvsim::kernels
