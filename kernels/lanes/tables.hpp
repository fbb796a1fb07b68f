// A migration chain in the form that the vector code walks.
#pragma once

#include "kernels/lanes/lanes.hpp"
#include "kernels/models/migration_chain.hpp"

#include <cstdint>
#include <vector>

namespace clvsim::kernels {

struct LaneTables {
  ChainLanes chain;
  // ChainLanes points to these.
  std::vector<std::int32_t> value;
  std::vector<std::uint32_t> cells, low;
  std::vector<CellTable> in_registers;
  std::vector<std::uint16_t> table_of, levels;

  std::uint64_t bound = 0;  // of the magnitude of a path's value

  LaneTables() = default;
  LaneTables(const LaneTables&) = delete;
  LaneTables& operator=(const LaneTables&) = delete;
};

// Whether the vector code can walk `chain` on n_paths paths, and then `tables`: outcomes drawn by alias and nothing
// else drawn, up to 256 positions, 2^16 cells (of all levels of the world together), and amounts of a period below 2^54
// fixed-point units.
[[nodiscard]] bool make_lane_tables(const MigrationChainView& chain, std::uint64_t seed, std::uint32_t horizon,
                                    std::size_t n_paths, LaneTables& tables);

}  // namespace clvsim::kernels
