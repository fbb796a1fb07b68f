// A migration chain in the form that the vector code walks.
#pragma once

#include "kernels/lanes/lanes.hpp"
#include "kernels/models/migration_chain.hpp"

#include <cstdint>
#include <vector>

namespace clvsim::kernels {

struct LaneTables {
  ChainLanes chain;
  SpendLanes spend;  // where the chain draws spend
  // ChainLanes points to these.
  std::vector<std::int32_t> value;
  std::vector<std::uint32_t> cells, low;
  std::vector<CellTable> in_registers;
  std::vector<std::uint16_t> table_of, levels;

  std::uint64_t bound = 0;    // of the magnitude of a path's value, of what is not drawn
  double largest_weight = 0;  // of SpendLanes::weight
  // Of the same with the drawn spend, where no period of a path draws more than `largest`, fixed point.
  [[nodiscard]] std::uint64_t bound_with(std::uint64_t largest) const;

  LaneTables() = default;
  LaneTables(const LaneTables&) = delete;
  LaneTables& operator=(const LaneTables&) = delete;
};

// Whether the vector code can walk `chain` on n_paths paths, and then `tables`, which point to the chain: outcomes
// drawn by alias, up to 256 positions, 2^16 cells (of all levels of the world together), amounts of a period below 2^54
// fixed-point units, and with drawn spend up to 2^16 - 1 purchases a path.
[[nodiscard]] bool make_lane_tables(const MigrationChainView& chain, std::uint64_t seed, std::uint32_t horizon,
                                    std::size_t n_paths, LaneTables& tables);

// Whether all that the customer can draw stays so small that draw_spend gives the bits of the reference.
[[nodiscard]] bool spend_fits(const LaneTables& tables, const ChainCustomer& customer);

}  // namespace clvsim::kernels
