// A migration chain in the form that the vector code walks.
#pragma once

#include "kernels/lanes/lanes.hpp"
#include "kernels/models/migration_chain.hpp"

#include <cstdint>
#include <vector>

namespace clvsim::kernels {

struct LaneTables {
  ChainLanes chain;
  std::vector<std::int32_t> value;  // ChainLanes::value points here

  std::uint64_t bound = 0;  // of the magnitude of a path's value

  LaneTables() = default;
  LaneTables(const LaneTables&) = delete;
  LaneTables& operator=(const LaneTables&) = delete;
};

// Whether the vector code can walk `chain`, and then `tables`: up to 64 positions, 256 cells, amounts of a period below
// 2^54 fixed-point units, nothing drawn but outcomes, and by alias.
[[nodiscard]] bool make_lane_tables(const MigrationChainView& chain, std::uint64_t seed, std::uint32_t horizon,
                                    LaneTables& tables);

}  // namespace clvsim::kernels
