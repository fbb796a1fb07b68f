#include "kernels/lanes/event_tables.hpp"

#include "kernels/math/wide.hpp"

#include <algorithm>

namespace clvsim::kernels {

namespace {

// What sums by period are made of; after `rest`.
void add_counts(const MigrationChainView& chain, EventTables& tables) {
  EventLanes& lanes = tables.events;
  lanes.customers_a_sum = 0;
  if (lanes.horizon > EventLanes::max_horizon_by_period) return;
  std::uint64_t max_at = 0, max_from = 0;
  for (std::uint32_t i = 0; i < chain.n_positions; ++i) {
    max_at = std::max(max_at, distance(chain.positions[i].cash_at, 0));
    max_from = std::max(max_from, distance(chain.positions[i].cash_from, 0));
  }
  lanes.cash_is_of_next = max_at == 0;
  lanes.has_both = max_at != 0 && max_from != 0;
  constexpr std::uint64_t most_cash = std::uint64_t{1} << (62 - EventLanes::cash_shift), most_counted = 255;
  const std::uint64_t fitting = most_cash / std::max<std::uint64_t>(1, max_at + max_from);
  lanes.customers_a_sum = static_cast<std::uint32_t>(std::min(most_counted, fitting));
  if (lanes.customers_a_sum == 0) return;
  constexpr std::int64_t cash_unit = std::int64_t{1} << EventLanes::cash_shift;
  const std::size_t size = EventLanes::entry_size(lanes.has_both), mask = (std::size_t{1} << lanes.position_bits) - 1;
  tables.rest_and_counts.assign(tables.rest.size() * size, 0);
  for (std::size_t e = 0; e < tables.rest.size(); ++e) {
    std::int64_t* const entry = tables.rest_and_counts.data() + e * size;
    entry[0] = tables.rest[e];
    if ((e & mask) >= chain.n_positions) continue;
    const ChainPosition& position = chain.positions[e & mask];
    const std::int64_t cash = lanes.cash_is_of_next ? position.cash_from : position.cash_at;
    entry[1] = cash * cash_unit + (position.purchase ? 1 << 8 : 0) + (position.active ? 1 : 0);
    if (lanes.has_both) entry[2] = position.cash_from * cash_unit;
  }
  lanes.rest_and_counts = tables.rest_and_counts.data();
}

}  // namespace

bool make_event_lanes(const MigrationChainView& chain, std::uint64_t seed, std::uint32_t horizon, EventTables& tables) {
  EventLanes& lanes = tables.events;
  const ChainEventsView& events = chain.events;
  const std::uint32_t n = chain.n_positions;
  if (chain.sampler != Sampler::event || chain.has_spend || chain.value == nullptr) return false;
  if (n > EventLanes::max_positions || horizon > EventLanes::max_horizon) return false;
  lanes.position_bits = 0;
  while ((1U << lanes.position_bits) < n) ++lanes.position_bits;
  const unsigned position_bits = lanes.position_bits;
  constexpr std::uint64_t most_entries = std::uint64_t{1} << 16;
  if ((std::uint64_t{horizon} + 1) << position_bits > most_entries) return false;

  std::uint64_t largest = 0;
  for (std::size_t i = 0; i < std::size_t{horizon} * n; ++i) largest = std::max(largest, distance(chain.value[i], 0));
  for (std::uint32_t i = 0; i < n; ++i) largest = std::max(largest, distance(chain.start_value[i], 0));
  constexpr u128 most = u128{1} << 45;  // with 17 bits of counts, and a bit for differences
  const u128 bound = static_cast<u128>(largest + 1) * (horizon + std::uint64_t{1});
  if (bound >= most) return false;
  tables.bound = (static_cast<std::uint64_t>(bound) >> chain.extra_bits) + 1;

  lanes.seed = seed;
  lanes.horizon = horizon;
  lanes.extra_bits = chain.extra_bits;
  lanes.dwell_bits = events.dwell_bits;
  lanes.jump_bits = events.jump_bits;
  lanes.moves_on = false;
  const auto table_count = [](unsigned bits) { return bits <= 6 ? 1U : 1U << (bits - 6); };
  lanes.n_dwell_tables = table_count(position_bits + events.dwell_bits);
  lanes.n_jump_tables = table_count(position_bits + events.jump_bits);
  // The vector code loads 8 and 4 tables at least.
  const std::size_t n_dwell_cells = std::size_t{64} * std::max(8U, lanes.n_dwell_tables),
                    n_jump_cells = std::size_t{64} * std::max(4U, lanes.n_jump_tables);
  // One more: a look-up by 32 bits may read beyond the last entry.
  tables.dwell.assign(n_dwell_cells + 1, 0);
  tables.dwell_low.assign(n_dwell_cells, 0);
  tables.high.assign(n_jump_cells + 1, 0);
  tables.next.assign(n_jump_cells + 1, 0);
  tables.low.assign(n_jump_cells, 0);
  bool has_purchases = false;
  for (std::uint32_t i = 0; i < n; ++i) {
    bool never_left = events.continued[i] == i;
    for (std::uint32_t c = 0; c < 1U << events.dwell_bits; ++c) {
      const DwellCell& cell = events.dwells[(i << events.dwell_bits) | c];
      const std::size_t at = (c << position_bits) | i;
      tables.dwell[at] = static_cast<std::uint16_t>((cell.high << events.dwell_bits) | cell.alias);
      tables.dwell_low[at] = cell.low;
      const std::uint32_t longest = (1U << events.dwell_bits) - 1;
      never_left &= cell.alias == longest && cell.high == 0 && cell.low == 0;
    }
    for (std::uint32_t c = 0; c < 1U << events.jump_bits; ++c) {
      const AliasCell& cell = events.jumps[(i << events.jump_bits) | c];
      const std::size_t at = (c << position_bits) | i;
      tables.high[at] = cell.high;
      tables.next[at] = static_cast<std::uint16_t>(cell.own | cell.alias << 8);
      tables.low[at] = cell.low;
    }
    lanes.continued[i] = events.continued[i];
    lanes.ends[i] = static_cast<std::uint16_t>(never_left ? horizon : 0);
    lanes.moves_on |= events.continued[i] != i;
    has_purchases |= chain.positions[i].purchase;
  }
  lanes.count_bits = has_purchases ? 17 : 1;
  const std::size_t stride = std::size_t{1} << position_bits;
  tables.rest.assign((horizon + std::size_t{1}) * stride, 0);
  for (std::size_t t = horizon; t-- > 0;) {
    for (std::uint32_t i = 0; i < n; ++i) {
      const ChainPosition& position = chain.positions[i];
      const std::int64_t purchase = position.purchase ? 2 : 0;
      const std::int64_t active = t + 1 == horizon && position.active ? 1 : 0;
      const std::int64_t period = chain.value[t * n + i] * (std::int64_t{1} << lanes.count_bits) + purchase + active;
      tables.rest[t * stride + i] = tables.rest[(t + 1) * stride + i] + period;
    }
  }
  add_counts(chain, tables);
  lanes.dwell = tables.dwell.data();
  lanes.dwell_low = tables.dwell_low.data();
  lanes.high = tables.high.data();
  lanes.next = tables.next.data();
  lanes.low = tables.low.data();
  lanes.rest = tables.rest.data();
  return true;
}

}  // namespace clvsim::kernels
