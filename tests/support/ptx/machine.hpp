// Executes kernels of a PTX module on the host: every thread of a block with its own registers, shared and local
// memory, barriers, atomic operations, shuffles and votes of warps. Addresses of global memory are those of the host.
//
// What a GPU would let pass or crash on is an Error here: an access outside the arrays that the kernel was given, or
// not aligned; threads of a block at different barriers; and *races*: two threads at the same bytes, one of them
// writing and not both atomic, with no barrier between them. So equal results are not owed to the order in which
// threads ran.
//
// It proves the PTX, not what ptxas makes of it.
#pragma once

#include "tests/support/ptx/module.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <type_traits>
#include <vector>

namespace clvsim::test::ptx {

// In which order the threads of a block run. Results must not depend on it.
struct Schedule {
  bool reversed = false;      // the last thread first
  std::uint64_t quantum = 0;  // instructions before the next thread has its turn; 0: until it must wait
};

// How much of a launch, for kernels that do not end.
inline constexpr std::uint64_t most_instructions = 20'000'000'000;

// Who touched a byte last. Times count barriers passed by the block, and by the warp.
struct Touch {
  enum class Scope : std::uint8_t { nobody, thread, warp, block, grid };
  Scope scope = Scope::nobody;  // of all that touched it since it was last safe
  bool atomic = false;
  bool plain_before = false;  // a warp did so not atomically before its own barrier: other warps have not passed that
  std::uint32_t block = 0, thread = 0, block_time = 0, warp_time = 0;
};
struct Shadow {
  Touch write, read;
};

// The shadows of a part of memory, made page by page where it is touched.
class ShadowMemory {
 public:
  Shadow& at(std::size_t byte) {
    const std::size_t page = byte / page_bytes;
    if (page >= pages_.size()) pages_.resize(page + 1);
    if (pages_[page].empty()) pages_[page].resize(page_bytes);
    return pages_[page][byte % page_bytes];
  }
  void clear() { pages_.clear(); }

 private:
  static constexpr std::size_t page_bytes = 1024;
  std::vector<std::vector<Shadow>> pages_;
};

// A part of memory that kernels may touch.
struct Region {
  std::string name;
  unsigned char* data = nullptr;
  std::size_t bytes = 0;
  bool read_only = false;
  ShadowMemory shadow;
};

class Device {
 public:
  explicit Device(const Module& module);

  // Gives kernels a vector or a span of the host; it stays where it is until it is taken back.
  template <class Vector>
  void give(const std::string& name, Vector& values) {
    using Value = std::remove_reference_t<decltype(*values.data())>;
    give(name, const_cast<std::remove_const_t<Value>*>(values.data()), values.size() * sizeof(Value),
         std::is_const_v<Value>);
  }
  void give(const std::string& name, void* data, std::size_t bytes, bool read_only);
  // Takes back what was given.
  void take_back(const void* data, std::size_t bytes);
  // Takes back everything but the module's own variables.
  void take_back_all();

  Schedule schedule;

  // Runs all blocks, one after the other. The arguments' sizes must be those of the kernel's parameters.
  template <class... Arguments>
  void launch(const std::string& kernel, std::uint32_t blocks, std::uint32_t threads, const Arguments&... arguments) {
    static_assert((std::is_trivially_copyable_v<Arguments> && ...));
    const std::vector<std::vector<unsigned char>> bytes = {bytes_of(arguments)...};
    launch_bytes(kernel, blocks, threads, 0, bytes);
  }
  // The same with `dynamic_shared` more bytes of shared memory.
  void launch_bytes(const std::string& kernel, std::uint32_t blocks, std::uint32_t threads, std::size_t dynamic_shared,
                    const std::vector<std::vector<unsigned char>>& arguments);

  [[nodiscard]] const Module& module() const { return *module_; }
  // Instructions executed so far, over all threads.
  [[nodiscard]] std::uint64_t n_executed() const { return n_executed_; }
  // How often each instruction of a kernel was executed; all zero before its first launch.
  [[nodiscard]] const std::vector<std::uint64_t>& executions(const std::string& kernel);
  // The share of a kernel's instructions that were executed at least once.
  [[nodiscard]] double share_executed(const std::string& kernel);

 private:
  friend class Block;

  template <class T>
  static std::vector<unsigned char> bytes_of(const T& value) {
    std::vector<unsigned char> bytes(sizeof value);
    std::memcpy(bytes.data(), &value, sizeof value);
    return bytes;
  }

  const Module* module_;
  std::map<std::uintptr_t, Region> regions_;  // by the address after their end
  std::map<std::string, std::vector<std::uint64_t>> executions_;
  std::uint64_t n_executed_ = 0;
};

}  // namespace clvsim::test::ptx
