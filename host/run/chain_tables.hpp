// A migration chain packed for the engine.
#pragma once

#include "host/run/worlds.hpp"
#include "kernels/models/migration_chain.hpp"

#include <clvsim/migration_chain.hpp>

#include <cstdint>
#include <vector>

namespace clvsim {

// Owns the tables that a kernels::MigrationChainView points to.
struct ChainTables {
  std::vector<kernels::ChainPosition> positions;
  std::vector<kernels::AliasCell> cells;          // [tables, n_positions, 2^column_bits]
  std::vector<kernels::OrderedOutcome> outcomes;  // [tables, n_positions, row]
  std::vector<std::uint16_t> position_of_state;
  std::vector<std::vector<std::uint16_t>> arrivals;  // [states][outcomes] positions, of chains whose customers differ
  std::vector<std::int64_t> value, start_value;      // [horizon, n_positions], [n_positions]
  std::vector<double> weight;                        // [horizon]
  std::vector<std::uint32_t> count_threshold;        // [possible purchases in a period - 1]
  std::uint32_t row = 1, column_bits = 1, extra_bits = 0;
  std::uint64_t max_cash = 0;  // largest |cash| of a period, fixed point; without what is drawn
  bool has_spend = false;
  kernels::SpendEntry spend;                   // its pointer is set by view()
  kernels::TableSchedule schedule;             // its pointers, too
  std::vector<std::uint16_t> table_of, level;  // see TableSchedule
  // Of the event sampler; empty, and dwell_bits 0, without it (host/run/event_tables.hpp).
  std::vector<kernels::DwellCell> dwells;  // [n_positions, 2^dwell_bits]
  std::vector<kernels::AliasCell> jumps;   // [n_positions, 2^jump_bits]
  std::vector<std::uint16_t> continued;    // [n_positions]
  std::uint32_t dwell_bits = 0, jump_bits = 1;

  // Valid while the tables live and are not moved from.
  [[nodiscard]] kernels::MigrationChainView view(kernels::Sampler sampler = kernels::Sampler::alias) const;
  // Most purchases that a period can bring.
  [[nodiscard]] std::uint32_t max_purchases() const { return has_spend ? spend.n_counts : 1; }
};

// Packs a checked chain (clvsim::check). `decimals` of the currency that the run counts in; `weight` [horizon] what
// cash of a period counts in a path's value; empty where values are not wanted. Probabilities are rounded to 2^-48;
// outcomes whose share rounds to nothing there are left out. Throws ModelError where amounts, or their sum over the
// horizon, pass the engine's fixed point.
[[nodiscard]] ChainTables pack(const MigrationChain& chain, int decimals, const std::vector<double>& weight = {});
// Packs a checked program, a table a chain, for a horizon of weight.size() periods.
[[nodiscard]] ChainTables pack(const ChainProgram& program, int decimals, const std::vector<double>& weight);

// 10^decimals, 0 <= decimals <= 6.
[[nodiscard]] double minor_units_per_unit(int decimals);

}  // namespace clvsim
