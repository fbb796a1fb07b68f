// PTX text as a program to execute: what the parser makes of it (PTX ISA 9.0, chapters 4 to 9).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace clvsim::test::ptx {

// What a module, or a thread of it, did that cannot be executed; says the kernel and the line.
struct Error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Everything that an instruction reads or writes is a 64-bit slot of its thread: a register, a constant, an address of
// a variable, a special register. A narrow value stands in the low bits.
using Slot = std::uint32_t;

inline constexpr Slot carry_slot = 0;  // the condition code of add.cc and its like

// Slots that hold the same in every kernel; the launcher fills them for each thread.
enum class Special : Slot { carry, tid, ntid, ctaid, nctaid, laneid, warpid, zero, one, n };

// A space is a part of memory. Addresses of shared, local and parameter memory count from 0 within it; as generic
// addresses they carry the space's number in the upper 16 bits. Global and constant addresses are those of the host.
enum class Space : std::uint8_t { generic, global, shared, local, param };
inline constexpr unsigned window_shift = 48;
constexpr std::uint64_t window(Space space) {
  return (std::uint64_t{0xFFF0} + static_cast<std::uint64_t>(space)) << window_shift;
}

// operand[0] is the destination.
using Compute = void (*)(std::uint64_t* slots, const Slot* operand);

enum class Kind : std::uint8_t { compute, load, store, atomic, branch, exit, barrier, warp };
enum class WarpOperation : std::uint8_t { sync, shuffle_idx, shuffle_up, shuffle_down, shuffle_bfly, ballot, any, all };
enum class BarrierOperation : std::uint8_t { sync, popc, all, any };

struct Instruction {
  Kind kind = Kind::compute;
  bool guarded = false, negated = false;  // @p, @!p
  bool is_signed = false;                 // a load extends the sign
  bool has_result = true;                 // an atomic operation returns what was there
  Space space = Space::generic;
  std::uint8_t bytes = 0;    // of an element
  std::uint8_t n_parts = 1;  // elements of a vector access
  WarpOperation warp = WarpOperation::sync;
  BarrierOperation barrier = BarrierOperation::sync;
  Slot guard = 0;
  std::array<Slot, 6> operand{};  // of a memory access: the address, then the elements or operands, then the result
  Slot second_result = 0;         // predicate of a shuffle; carry_slot: none
  Compute compute = nullptr;      // of an atomic operation: what stands there afterwards
  std::int64_t offset = 0;        // added to an address
  std::uint32_t target = 0;       // index of the instruction that a branch goes to
  std::uint32_t line = 0;
  std::string opcode;
};

struct Parameter {
  std::size_t offset = 0, bytes = 0;
};

struct Kernel {
  std::string name;
  std::vector<Parameter> parameters;
  std::size_t parameter_bytes = 0, shared_bytes = 0, local_bytes = 0;  // shared: without what a launch adds
  std::uint32_t max_threads = 1024;                                    // of a block
  std::vector<std::uint64_t> slots;  // of a thread at its start: constants and addresses; registers hold garbage
  std::vector<Instruction> code;
};

// A variable of the module, in global or constant memory.
struct Variable {
  std::string name;
  std::vector<std::uint64_t> storage;  // aligned for every type
  std::size_t bytes = 0;
};

class Module {
 public:
  // Throws Error, naming the line and what it does not know there.
  Module(const std::string& text, std::string name);
  static Module read(const std::filesystem::path& path);

  [[nodiscard]] const Kernel& kernel(const std::string& name) const;
  [[nodiscard]] const std::map<std::string, Kernel>& kernels() const { return kernels_; }
  [[nodiscard]] const std::vector<std::unique_ptr<Variable>>& variables() const { return variables_; }

 private:
  friend class Parser;
  std::string name_;
  std::map<std::string, Kernel> kernels_;
  std::vector<std::unique_ptr<Variable>> variables_;
};

// What an instruction computes from its operands, by its full name; null: unknown. Only operations that give the same
// bits on every device are known: no .approx, no .ftz, and no floating-point operation without its rounding, which
// ptxas may contract.
[[nodiscard]] Compute find_compute(const std::string& opcode);

}  // namespace clvsim::test::ptx
