// The segments that a chain tells apart, and where the customers of a store's segments belong.
#pragma once

#include <clvsim/migration_chain.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace clvsim {

// Those with states of their own, as the chain has them, then those of covariates and levers; before them the empty
// name, of all other customers.
[[nodiscard]] std::vector<std::string> segments_of(const MigrationChain& chain);

// Of each segment of a store (StoreInfo::segments) its place in segments_of(chain). Throws ConfigError for a name that
// the store does not have: its customers would be taken for others, and nobody would see it.
[[nodiscard]] std::vector<std::uint32_t> places_of(const MigrationChain& chain,
                                                   const std::vector<std::string>& segments);

}  // namespace clvsim
