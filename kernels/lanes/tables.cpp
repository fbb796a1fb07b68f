#include "kernels/lanes/tables.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <vector>

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

// A table of cells for every segment and period, each of all levels; equal ones are kept once. False where there are
// too many.
bool add_cells(const MigrationChainView& chain, unsigned position_bits, unsigned cell_bits, std::size_t n_paths,
               LaneTables& tables) {
  constexpr std::size_t most_cells = std::size_t{1} << 20;  // 8 MB
  const TableSchedule& schedule = chain.schedule;
  const unsigned level_shift = position_bits + chain.column_bits;
  const bool in_registers = tables.chain.n_cell_tables != 0;
  const std::size_t n_cells = in_registers ? CellTable::max_cells : std::size_t{1} << cell_bits;
  std::map<std::vector<std::uint16_t>, std::uint16_t> known;  // by the chain's tables of all levels
  const auto table_of = [&](const std::vector<std::uint16_t>& by_level) {
    const auto [found, is_new] = known.try_emplace(by_level, static_cast<std::uint16_t>(known.size()));
    if (!is_new) return found->second;
    const std::size_t first = tables.cells.size();
    tables.cells.resize(first + n_cells);
    tables.low.resize(first + n_cells);
    for (std::size_t l = 0; l < by_level.size(); ++l) {
      const AliasCell* rows = chain.cells + (std::size_t{by_level[l]} * chain.n_positions << chain.column_bits);
      for (std::uint32_t i = 0; i < chain.n_positions; ++i) {
        for (std::uint32_t c = 0; c < 1U << chain.column_bits; ++c) {
          const AliasCell& cell = rows[i << chain.column_bits | c];
          const std::size_t at = first + (l << level_shift | c << position_bits | i);
          const std::uint32_t own = cell.own, alias = cell.alias;
          tables.cells[at] = std::uint32_t{cell.high} << 16 | alias << 8 | own;
          tables.low[at] = cell.low;
        }
      }
    }
    return found->second;
  };
  if (schedule.table_of == nullptr) {
    table_of({0});
  } else {
    const std::size_t n_rows = std::size_t{schedule.n_segments} * schedule.horizon;
    for (std::size_t row = 0; row < n_rows; ++row) {
      const std::uint16_t* of_levels = schedule.table_of + row * schedule.n_levels;
      tables.table_of.push_back(table_of({of_levels, of_levels + schedule.n_levels}));
      if (tables.cells.size() > most_cells) return false;
    }
    tables.chain.table_of = tables.table_of.data();
  }
  if (in_registers) {
    tables.in_registers.resize(known.size());
    for (std::size_t i = 0; i < tables.cells.size(); ++i) {
      CellTable& table = tables.in_registers[i / n_cells];
      table.high[i % n_cells] = static_cast<std::uint16_t>(tables.cells[i] >> 16);
      table.next[i % n_cells] = static_cast<std::uint16_t>(tables.cells[i]);
      table.low[i % n_cells] = tables.low[i];
    }
    tables.chain.tables = tables.in_registers.data();
  }
  tables.chain.cells = tables.cells.data();
  tables.chain.low = tables.low.data();
  tables.chain.n_cells = n_cells;
  if (schedule.level == nullptr) return true;
  tables.levels.resize(schedule.horizon * n_paths);
  for (std::size_t t = 0; t < schedule.horizon; ++t) {
    const std::uint16_t* const worlds = schedule.level + t * schedule.n_worlds;
    for (std::size_t p = 0, world = 0; p < n_paths; ++p) {
      tables.levels[t * n_paths + p] = static_cast<std::uint16_t>(worlds[world] << level_shift);
      if (++world == schedule.n_worlds) world = 0;
    }
  }
  tables.chain.levels = tables.levels.data();
  tables.chain.level_stride = n_paths;
  return true;
}

// False where a path may have more purchases than are counted.
bool add_spend(const MigrationChainView& chain, std::uint64_t seed, std::uint32_t horizon, LaneTables& tables) {
  constexpr std::uint64_t most_purchases = 65535, most_counts = 256;
  const std::uint64_t n_counts = std::max<std::uint32_t>(1, chain.spend.n_counts);
  if (n_counts > most_counts || n_counts * horizon > most_purchases) return false;
  tables.spend = {seed, horizon, &chain.spend, chain.weight};
  for (std::uint32_t t = 0; t < horizon; ++t) {
    tables.largest_weight = std::max(tables.largest_weight, std::abs(chain.weight[t]));
  }
  return true;
}

}  // namespace

std::uint64_t LaneTables::bound_with(std::uint64_t largest) const {
  // A purchase is rounded once, by less than 1.
  const double period = largest_weight * static_cast<double>(largest) + 1 + spend.entry->n_counts;
  return bound + spend.horizon * static_cast<std::uint64_t>(period);
}

bool spend_fits(const LaneTables& tables, const ChainCustomer& customer) {
  constexpr double reach = 6.35;  // beyond any normal drawn from 32 bits
  const SpendEntry& entry = *tables.spend.entry;
  const double level = customer.level_mean + reach * std::abs(customer.level_sd);
  const double log =
      std::max(reach * std::abs(entry.within_sd), entry.refund_shift + reach * std::abs(entry.refund_sd));
  const double amount = (portable_exp(level + log) * std::abs(entry.scale) + 1) * fixed_per_minor_unit;
  const double largest = amount * std::max(1.0, tables.largest_weight);
  // NaN does not fit. The sum of a path stays below the fixed point's limit, so that nothing is cut off.
  return largest < SpendLanes::amount_limit &&
         largest * entry.n_counts * tables.spend.horizon + static_cast<double>(tables.bound) <
             0.5 * static_cast<double>(fixed_limit);
}

bool make_lane_tables(const MigrationChainView& chain, std::uint64_t seed, std::uint32_t horizon, std::size_t n_paths,
                      LaneTables& tables) {
  ChainLanes& lanes = tables.chain;
  if (chain.sampler != Sampler::alias || chain.value == nullptr) return false;
  if (chain.has_spend && !add_spend(chain, seed, horizon, tables)) return false;
  const std::uint32_t n = chain.n_positions;
  unsigned position_bits = 0;
  while ((1U << position_bits) < n) ++position_bits;
  unsigned level_bits = 0;
  while ((1U << level_bits) < chain.schedule.n_levels) ++level_bits;
  const unsigned cell_bits = position_bits + chain.column_bits + level_bits;
  if (n > ChainLanes::max_positions || cell_bits > 16) return false;
  const bool in_registers = n <= 64 && cell_bits <= 8;

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
  tables.bound = (static_cast<std::uint64_t>(max_value) * (horizon + std::uint64_t{1}) >> chain.extra_bits) + 1;
  lanes.has_purchases = false;
  lanes.has_cash_from = max_from != 0;
  lanes.has_cash_at = max_at != 0;
  lanes.n_limbs = std::max(max_value, max_cash) <= largest_sum / fewest_terms ? 1 : 2;
  const bool nothing_else = max_value == 0 && max_cash == 0 && in_registers && chain.schedule.table_of == nullptr;
  if (chain.has_spend) lanes.n_limbs = nothing_else ? 0 : 2;
  const std::int64_t value_term = lanes.n_limbs == 2 ? limb : std::max<std::int64_t>(1, max_value);
  const std::int64_t cash_term = lanes.n_limbs == 2 ? 2 * limb : std::max<std::int64_t>(1, max_cash);
  lanes.blocks_a_sum = static_cast<std::uint32_t>(std::min<std::int64_t>(largest_sum / value_term / 4, 1 << 20));
  lanes.customers_a_sum = static_cast<std::uint32_t>(std::min<std::int64_t>(largest_sum / cash_term, 255));

  lanes.seed = seed;
  lanes.horizon = horizon;
  lanes.extra_bits = chain.extra_bits;
  // The smallest of the shapes (cells, values) that holds the chain: (1, 1), (2, 1) and (4, 1) for one limb; (1, 2);
  // (4, 4), and in memory (0, 4) and (0, 16). Levels need more than one table of cells. With drawn spend there are
  // fewer: without limbs (1, 4) and (4, 4), with two (4, 4) and (0, 16).
  if (in_registers) {
    lanes.n_cell_tables = cell_bits > 7 ? 4 : cell_bits > 6 || level_bits > 0 ? 2 : 1;
    lanes.n_value_tables = n > 32 ? 4 : n > 16 || lanes.n_limbs == 2 ? 2 : 1;
    if (lanes.n_value_tables == 2 && lanes.n_cell_tables > 1) lanes.n_value_tables = 4;
    if (lanes.n_value_tables == 4) lanes.n_cell_tables = 4;
  } else {
    lanes.n_cell_tables = 0;
    lanes.n_value_tables = n <= 64 ? 4 : 16;
  }
  if (chain.has_spend) {
    lanes.n_value_tables = in_registers ? 4 : 16;
    if (in_registers) lanes.n_cell_tables = nothing_else && cell_bits <= 6 ? 1 : 4;
  }
  const auto mask = [](unsigned bits) { return static_cast<std::uint16_t>((1U << bits) - 1); };
  lanes.column_shift = 16 - chain.column_bits - position_bits;
  lanes.column_mask = static_cast<std::uint16_t>(mask(chain.column_bits) << position_bits);
  lanes.fraction_mask = mask(16 - chain.column_bits);
  lanes.cell_mask = mask(cell_bits);
  if (!add_cells(chain, position_bits, cell_bits, n_paths, tables)) return false;
  for (std::uint32_t i = 0; i < n; ++i) {
    const ChainPosition& position = chain.positions[i];
    lanes.has_purchases |= position.purchase && !chain.has_spend;  // drawn ones are not added up by the walk
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
