#include "tests/support/ptx/decode.hpp"

#include "tests/support/ptx/tokens.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string>

namespace clvsim::test::ptx {

namespace {

class Decoder {
 public:
  explicit Decoder(const std::function<Slot(std::uint64_t)>& constant) : constant_(constant) {}

  void decode(Instruction& made, const std::vector<Operand>& operands) {
    const std::vector<std::string> parts = split(made.opcode, '.');
    const std::string& base = parts[0];
    if (base == "ret" || base == "exit") {
      made.kind = Kind::exit;
    } else if (base == "membar" || base == "fence") {
      made.compute = find_compute("mov.b64");  // threads already see each other's writes in order
      made.operand = {constant(0), constant(0)};
    } else if (base == "ld" || base == "st") {
      memory(made, parts, operands);
    } else if (base == "atom" || base == "red") {
      atomic(made, parts, operands);
    } else if (base == "bar" || base == "barrier") {
      barrier(made, operands);
    } else if (base == "shfl" || base == "vote") {
      warp(made, operands);
    } else {
      compute(made, operands);
    }
  }

 private:
  [[noreturn]] static void fail(const std::string& what) { throw Error(what); }
  [[nodiscard]] Slot constant(std::uint64_t value) const { return constant_(value); }

  void compute(Instruction& made, const std::vector<Operand>& operands) {
    std::string name = made.opcode;
    std::vector<Slot> slots;
    for (std::size_t i = 0; i < operands.size(); ++i) {
      const Operand& operand = operands[i];
      if (operand.is_address || operand.second) fail("operands of " + made.opcode);
      if (operand.in_braces) name += (i == 0 ? ".unpack" : ".pack") + std::to_string(operand.slots.size());
      slots.insert(slots.end(), operand.slots.begin(), operand.slots.end());
    }
    made.compute = find_compute(name);
    if (made.compute == nullptr) fail("unknown instruction " + name);
    if (slots.size() < 2 || slots.size() > made.operand.size()) fail("operands of " + name);
    std::copy(slots.begin(), slots.end(), made.operand.begin());
  }

  // Space, vector and element of a memory instruction; gives back what is left of its name.
  std::vector<std::string> access(Instruction& made, const std::vector<std::string>& parts) {
    static const std::map<std::string, Space> spaces = {{"global", Space::global}, {"const", Space::global},
                                                        {"shared", Space::shared}, {"shared::cta", Space::shared},
                                                        {"local", Space::local},   {"param", Space::param}};
    // Caching, and orders of memory that the execution of one thread after the other keeps anyway.
    static const std::set<std::string> harmless = {"volatile", "relaxed", "weak", "nc",  "ca",  "cg",
                                                   "cs",       "lu",      "cv",   "gpu", "cta", "sys"};
    std::vector<std::string> left;
    for (std::size_t i = 1; i + 1 < parts.size(); ++i) {
      if (const auto found = spaces.find(parts[i]); found != spaces.end()) {
        made.space = found->second;
      } else if (parts[i] == "v2" || parts[i] == "v4") {
        made.n_parts = parts[i] == "v2" ? 2 : 4;
      } else if (!harmless.contains(parts[i])) {
        left.push_back(parts[i]);
      }
    }
    made.bytes = static_cast<std::uint8_t>(bytes_of(parts.back()));
    made.is_signed = parts.back()[0] == 's';
    if (made.bytes == 0) fail("unknown instruction " + made.opcode);
    return left;
  }

  void set_address(Instruction& made, const Operand& operand) {
    if (!operand.is_address) fail("operands of " + made.opcode);
    made.operand[0] = operand.slots[0];
    made.offset = operand.offset;
  }

  void memory(Instruction& made, const std::vector<std::string>& parts, const std::vector<Operand>& operands) {
    if (!access(made, parts).empty()) fail("unknown instruction " + made.opcode);
    const bool load = parts[0] == "ld";
    made.kind = load ? Kind::load : Kind::store;
    if (operands.size() != 2) fail("operands of " + made.opcode);
    set_address(made, operands[load ? 1 : 0]);
    const std::vector<Slot>& slots = operands[load ? 0 : 1].slots;
    if (slots.size() != made.n_parts) fail("operands of " + made.opcode);
    std::copy(slots.begin(), slots.end(), made.operand.begin() + 1);
  }

  void atomic(Instruction& made, const std::vector<std::string>& parts, const std::vector<Operand>& operands) {
    const std::vector<std::string> left = access(made, parts);
    made.kind = Kind::atomic;
    made.has_result = parts[0] == "atom";
    const std::size_t first = made.has_result ? 1 : 0;
    if (left.size() == 1) made.compute = find_compute("atom." + left[0] + "." + parts.back());
    if (made.compute == nullptr) fail("unknown instruction " + made.opcode);
    const std::size_t n = operands.size() - first;
    if (operands.size() < first + 2 || n > 3) fail("operands of " + made.opcode);
    set_address(made, operands[first]);
    for (std::size_t i = 1; i < n; ++i) made.operand[i] = operands[first + i].slots[0];
    if (made.has_result) made.operand[3] = operands[0].slots[0];
  }

  // bar.sync 0; bar.red.popc.u32 d, 0, p. The result stands first, then the predicate.
  void barrier(Instruction& made, const std::vector<Operand>& operands) {
    made.kind = Kind::barrier;
    std::string name = made.opcode;
    if (name.starts_with("barrier.")) name.replace(0, 7, "bar");
    if (name.starts_with("bar.cta.")) name.replace(0, 7, "bar");
    if (name == "bar.warp.sync") {
      made.kind = Kind::warp;
      made.operand[2] = operands.at(0).slots[0];
      return;
    }
    if (name == "bar.sync" || name == "bar.sync.aligned") {
      if (operands.size() != 1 || operands[0].slots[0] != constant(0)) fail("operands of " + made.opcode);
      return;
    }
    static const std::map<std::string, BarrierOperation> operations = {{"bar.red.popc.u32", BarrierOperation::popc},
                                                                       {"bar.red.and.pred", BarrierOperation::all},
                                                                       {"bar.red.or.pred", BarrierOperation::any}};
    const auto found = operations.find(name);
    if (found == operations.end()) fail("unknown instruction " + made.opcode);
    if (operands.size() != 3 || operands[1].slots[0] != constant(0)) fail("operands of " + made.opcode);
    made.barrier = found->second;
    made.operand[0] = operands[0].slots[0];
    made.operand[1] = operands[2].slots[0];
  }

  // Operands: result, value, mask of lanes, then lane or distance and the clamp of a shuffle.
  void warp(Instruction& made, const std::vector<Operand>& operands) {
    static const std::map<std::string, WarpOperation> operations = {
        {"shfl.sync.idx.b32", WarpOperation::shuffle_idx},   {"shfl.sync.up.b32", WarpOperation::shuffle_up},
        {"shfl.sync.down.b32", WarpOperation::shuffle_down}, {"shfl.sync.bfly.b32", WarpOperation::shuffle_bfly},
        {"vote.sync.ballot.b32", WarpOperation::ballot},     {"vote.sync.any.pred", WarpOperation::any},
        {"vote.sync.all.pred", WarpOperation::all}};
    const auto found = operations.find(made.opcode);
    if (found == operations.end()) fail("unknown instruction " + made.opcode);
    made.kind = Kind::warp;
    made.warp = found->second;
    const bool shuffle = made.opcode[0] == 's';
    if (operands.size() != (shuffle ? 5 : 3)) fail("operands of " + made.opcode);
    made.operand[0] = operands[0].slots[0];
    made.operand[1] = operands[1].slots[0];
    made.operand[2] = operands.back().slots[0];
    if (!shuffle) return;
    made.operand[3] = operands[2].slots[0];
    made.operand[4] = operands[3].slots[0];
    if (operands[0].second) made.second_result = *operands[0].second;
  }

  const std::function<Slot(std::uint64_t)>& constant_;
};

}  // namespace

void decode(Instruction& made, const std::vector<Operand>& operands,
            const std::function<Slot(std::uint64_t)>& constant) {
  Decoder(constant).decode(made, operands);
}

}  // namespace clvsim::test::ptx
