#include "kernels/lanes/tables.hpp"

#include <algorithm>
#include <limits>

namespace clvsim::kernels {

namespace {

constexpr std::int64_t largest_sum = std::numeric_limits<std::int32_t>::max();
constexpr std::uint32_t fewest_terms = 16;  // of a 32-bit sum
constexpr std::int64_t limb = std::int64_t{1} << ChainLanes::limb_bits;

// The lower limb is never negative.
std::int32_t limb_of(std::int64_t x, unsigned l, unsigned n_limbs) {
  if (n_limbs == 1) return static_cast<std::int32_t>(x);
  return static_cast<std::int32_t>(l == 0 ? x & (limb - 1) : x >> ChainLanes::limb_bits);
}

}  // namespace

bool make_lane_tables(const MigrationChainView& chain, std::uint64_t seed, std::uint32_t horizon, LaneTables& tables) {
  ChainLanes& lanes = tables.chain;
  if (chain.sampler != Sampler::alias || chain.has_spend || chain.value == nullptr) return false;
  if (chain.schedule.table_of != nullptr) return false;
  const std::uint32_t n = chain.n_positions;
  unsigned position_bits = 0;
  while ((1U << position_bits) < n) ++position_bits;
  const unsigned cell_bits = position_bits + chain.column_bits;
  if (n > ChainLanes::max_positions || (1U << cell_bits) > ChainLanes::max_cells) return false;

  std::int64_t max_value = 0, max_cash = 0;
  for (std::size_t i = 0; i < std::size_t{horizon} * n; ++i) {
    max_value = std::max(max_value, static_cast<std::int64_t>(distance(chain.value[i], 0)));
  }
  std::int64_t max_from = 0, max_at = 0;
  for (std::uint32_t i = 0; i < n; ++i) {
    max_value = std::max(max_value, static_cast<std::int64_t>(distance(chain.start_value[i], 0)));
    max_from = std::max(max_from, static_cast<std::int64_t>(distance(chain.positions[i].cash_from, 0)));
    max_at = std::max(max_at, static_cast<std::int64_t>(distance(chain.positions[i].cash_at, 0)));
  }
  max_cash = max_from + max_at;
  constexpr std::int64_t widest = std::int64_t{1} << (2 * ChainLanes::limb_bits);
  if (max_value >= widest || max_cash >= widest) return false;
  lanes.has_purchases = false;
  lanes.has_cash_from = max_from != 0;
  lanes.has_cash_at = max_at != 0;
  lanes.n_limbs = std::max(max_value, max_cash) <= largest_sum / fewest_terms ? 1 : 2;
  const std::int64_t value_term = lanes.n_limbs == 1 ? std::max<std::int64_t>(1, max_value) : limb;
  const std::int64_t cash_term = lanes.n_limbs == 1 ? std::max<std::int64_t>(1, max_cash) : 2 * limb;
  lanes.blocks_a_sum = static_cast<std::uint32_t>(std::min<std::int64_t>(largest_sum / value_term / 4, 1 << 20));
  lanes.customers_a_sum = static_cast<std::uint32_t>(std::min<std::int64_t>(largest_sum / cash_term, 255));

  tables.bound = (static_cast<std::uint64_t>(max_value) * (horizon + std::uint64_t{1}) >> chain.extra_bits) + 1;

  lanes.seed = seed;
  lanes.horizon = horizon;
  lanes.extra_bits = chain.extra_bits;
  lanes.n_cell_tables = cell_bits <= 6 ? 1 : 4;
  lanes.n_value_tables = lanes.n_cell_tables == 4 ? 4 : n <= 16 ? 1 : n <= 32 ? 2 : 4;
  if (lanes.n_value_tables == 4) lanes.n_cell_tables = 4;  // the widest shape
  const auto mask = [](unsigned bits) { return static_cast<std::uint16_t>((1U << bits) - 1); };
  lanes.column_shift = 16 - chain.column_bits - position_bits;
  lanes.column_mask = static_cast<std::uint16_t>(mask(chain.column_bits) << position_bits);
  lanes.fraction_mask = mask(16 - chain.column_bits);
  lanes.cell_mask = mask(cell_bits);
  for (std::uint32_t i = 0; i < n; ++i) {
    for (std::uint32_t c = 0; c < 1U << chain.column_bits; ++c) {
      const AliasCell& cell = chain.cells[i << chain.column_bits | c];
      const std::size_t at = c << position_bits | i;
      lanes.high[at] = cell.high;
      lanes.low[at] = cell.low;
      lanes.next[at] = static_cast<std::uint16_t>(cell.own | cell.alias << 8);
    }
    const ChainPosition& position = chain.positions[i];
    lanes.has_purchases |= position.purchase;
    lanes.marks[i] = static_cast<std::uint16_t>((position.active ? 1 : 0) | (position.purchase ? 1 : 0) << 8);
    for (unsigned l = 0; l < lanes.n_limbs; ++l) {
      lanes.cash_from[l][i] = limb_of(position.cash_from, l, lanes.n_limbs);
      lanes.cash_at[l][i] = limb_of(position.cash_at, l, lanes.n_limbs);
    }
  }
  const std::size_t n_values = 16 * lanes.n_value_tables;
  tables.value.assign(horizon * lanes.n_limbs * n_values, 0);
  for (std::size_t t = 0; t < horizon; ++t) {
    for (unsigned l = 0; l < lanes.n_limbs; ++l) {
      for (std::uint32_t i = 0; i < n; ++i) {
        tables.value[(t * lanes.n_limbs + l) * n_values + i] = limb_of(chain.value[t * n + i], l, lanes.n_limbs);
      }
    }
  }
  lanes.value = tables.value.data();
  return true;
}

}  // namespace clvsim::kernels
