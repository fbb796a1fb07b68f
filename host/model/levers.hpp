// What levers make of a chain.
#pragma once

#include <clvsim/migration_chain.hpp>

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace clvsim {

struct ModelFault;

// [levers] Whether each is on in period t = 1, 2, ... for customers of a segment; empty: of none.
[[nodiscard]] std::vector<bool> levers_on(const MigrationChain& chain, int period, const std::string& segment);

// The chain, without levers and regimes, as it is with these of its levers on and the effects of `regime`, or null. In
// a row all logits are shifted first, then probabilities multiplied, then added to, then set, and so with money, so
// that the order of levers does not matter. A row that nothing moves keeps its bits. Throws ConfigError where a
// probability leaves [0, 1], or a row or an amount is set twice.
[[nodiscard]] MigrationChain with_levers(const MigrationChain& chain, const std::vector<bool>& on,
                                         const Regime* regime = nullptr);

// The chain of a period: the regime's rows in place of its own, moved by covariates `z` and these levers, and the
// effects of the regime, or null.
[[nodiscard]] MigrationChain chain_in_period(const MigrationChain& chain, std::span<const double> z,
                                             const std::vector<bool>& on, const Regime* regime);

// Chains of the same states and outcomes, but for amounts, as chains that differ in probabilities alone: a state whose
// amounts differ has its outcomes once for each, of which those of other amounts have probability 0. Throws ModelError
// where it has more outcomes than a state can have.
void share_amounts(std::vector<MigrationChain>& chains);

// The first invariant of levers.hpp that the chain breaks. Precondition: its states are valid.
[[nodiscard]] std::optional<ModelFault> fault_of_levers(const MigrationChain& chain);
[[nodiscard]] std::optional<ModelFault> fault_of_regimes(const MigrationChain& chain);

inline constexpr std::size_t max_levers = 64, max_regimes = 16;

}  // namespace clvsim
