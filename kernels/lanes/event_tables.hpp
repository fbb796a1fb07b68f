// A chain's events in the form that the vector code walks (kernels/lanes/event.hpp).
#pragma once

#include "kernels/models/migration_chain.hpp"

#include <cstdint>
#include <vector>

namespace clvsim::kernels {

// Cells as in CellTable: column << position_bits | position.
struct EventLanes {
  static constexpr unsigned max_positions = 64;
  static constexpr std::uint32_t max_horizon = 32766;           // periods, so that 16 bits count them
  static constexpr std::uint32_t max_horizon_by_period = 2046;  // so that they count periods times event_tile

  std::uint64_t seed = 0;
  std::uint32_t horizon = 0;
  unsigned position_bits = 0, dwell_bits = 0, jump_bits = 0;
  std::uint32_t n_dwell_tables = 0, n_jump_tables = 0;  // of 64 cells
  const std::uint16_t* dwell = nullptr;                 // threshold, its part that is compared, << dwell_bits | alias
  const std::uint32_t* dwell_low = nullptr;             // lower 32 bits of the threshold, for ties
  const std::uint16_t* high = nullptr;                  // of a jump, as in CellTable
  const std::uint16_t* next = nullptr;
  const std::uint32_t* low = nullptr;
  std::uint16_t continued[max_positions] = {};  // position after the longest class
  std::uint16_t ends[max_positions] = {};       // horizon where a position is never left, else 0
  bool moves_on = false;                        // whether any position is continued at another

  // [horizon + 1, 2^position_bits] what staying in a position from a period to the end brings, so that a jump adds a
  // difference: value << count_bits | purchases << 1 | active at the end.
  const std::int64_t* rest = nullptr;
  unsigned count_bits = 1;  // 1 without purchases, else 17
  unsigned extra_bits = 0;  // of values below the fixed point of the results

  // For sums by period: an entry of `rest`, and what standing in the position after a period counts for: cash <<
  // cash_shift | purchase << 8 | active. The cash is that of the arrival; or, where arrivals bring none, that of the
  // next period, which begins there; where both bring some, the latter follows.
  static constexpr unsigned cash_shift = 16;
  static constexpr unsigned entry_size(bool has_both) { return has_both ? 4 : 2; }
  const std::int64_t* rest_and_counts = nullptr;
  bool cash_is_of_next = false, has_both = false;
  std::uint32_t customers_a_sum = 0;  // whose sums 64 bits hold, 8 of them a count's; 0: too large, no sums by period
};

struct EventTables {
  EventLanes events;
  // EventLanes points to these.
  std::vector<std::uint16_t> dwell, high, next;
  std::vector<std::uint32_t> dwell_low, low;
  std::vector<std::int64_t> rest, rest_and_counts;

  std::uint64_t bound = 0;  // of the magnitude of a path's value

  EventTables() = default;
  EventTables(const EventTables&) = delete;
  EventTables& operator=(const EventTables&) = delete;
};

// Whether the vector code can walk the events of `chain`, and then `tables`: up to 64 positions, up to 32766 periods,
// periods + 1 times positions (rounded up to a power of two) at most 2^16, and values of a path below 2^45 of their
// finest unit; with sums by period where EventLanes::customers_a_sum is not 0.
[[nodiscard]] bool make_event_lanes(const MigrationChainView& chain, std::uint64_t seed, std::uint32_t horizon,
                                    EventTables& tables);

}  // namespace clvsim::kernels
