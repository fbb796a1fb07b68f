// What levers make of a chain.
#pragma once

#include <clvsim/migration_chain.hpp>

#include <optional>
#include <string>
#include <vector>

namespace clvsim {

struct ModelFault;

// [levers] Whether each is on in period t = 1, 2, ... for customers of a segment; empty: of none.
[[nodiscard]] std::vector<bool> levers_on(const MigrationChain& chain, int period, const std::string& segment);

// The chain with the money of its levers: amounts and costs of states, factors of spend, in its segments too.
[[nodiscard]] MigrationChain with_money(const MigrationChain& chain);

// The chain, without levers, whose probabilities are those with these of its levers on. In a row logits are shifted
// first, then probabilities multiplied, then added to, then set, so that the order of levers does not matter. A row
// that nothing moves keeps its bits. Throws ConfigError where a probability leaves [0, 1], or is set twice.
[[nodiscard]] MigrationChain with_levers(const MigrationChain& chain, const std::vector<bool>& on);

// The first invariant of levers.hpp that the chain breaks. Precondition: its states are valid.
[[nodiscard]] std::optional<ModelFault> fault_of_levers(const MigrationChain& chain);

inline constexpr std::size_t max_levers = 64;

}  // namespace clvsim
