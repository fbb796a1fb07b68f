// Segments of a chain, whose customers have probabilities and concentrations of their own.
#pragma once

#include <clvsim/migration_chain.hpp>

#include <optional>
#include <string>

namespace clvsim {

struct ModelFault;

// The chain of a segment's customers, without segments; of a name that the chain does not know, that of all others.
[[nodiscard]] MigrationChain chain_of(const MigrationChain& chain, const std::string& segment);

// The first invariant of ChainSegment that the chain breaks. Precondition: its states are valid.
[[nodiscard]] std::optional<ModelFault> fault_of_segments(const MigrationChain& chain);

inline constexpr std::size_t max_segments = 64;
inline constexpr std::size_t max_segment_states = 4000;  // of the chain and its segments together

}  // namespace clvsim
