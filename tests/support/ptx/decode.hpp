// What an instruction of PTX does, from its name and its operands.
#pragma once

#include "tests/support/ptx/module.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

namespace clvsim::test::ptx {

// An operand as it is written: a slot, an address, or several slots in braces.
struct Operand {
  std::vector<Slot> slots;
  bool is_address = false, in_braces = false;
  std::int64_t offset = 0;
  std::optional<Slot> second;  // of p|q
};

// Fills in everything but guard, line and target of an instruction whose opcode is set; `constant` gives the slot of a
// number. Not for branches. Throws Error, which does not say where.
void decode(Instruction& made, const std::vector<Operand>& operands,
            const std::function<Slot(std::uint64_t)>& constant);

}  // namespace clvsim::test::ptx
