// A migration chain packed for the engine.
#pragma once

#include "kernels/models/migration_chain.hpp"

#include <clvsim/migration_chain.hpp>

#include <cstdint>
#include <vector>

namespace clvsim {

// Owns the tables that a kernels::MigrationChainView points to.
struct ChainTables {
  std::vector<kernels::ChainStateEntry> states;      // [n_states]
  std::vector<kernels::ChainOutcomeEntry> outcomes;  // [n_states, row]
  std::vector<std::uint32_t> count_threshold;        // [possible purchases in a period - 1]
  std::uint32_t row = 0;
  bool has_spend = false;
  kernels::SpendEntry spend;  // its pointer is set by view()

  // Valid while the tables live and are not moved from.
  [[nodiscard]] kernels::MigrationChainView view() const;
  // Most purchases that a period can bring.
  [[nodiscard]] std::uint32_t max_purchases() const { return has_spend ? spend.n_counts : 1; }
};

// Packs a checked chain (clvsim::check). `decimals` of the currency that the run counts in. Cumulative probabilities
// are rounded to 2^-32; outcomes whose share rounds to nothing are left out.
[[nodiscard]] ChainTables pack(const MigrationChain& chain, int decimals);

// 10^decimals, 0 <= decimals <= 6.
[[nodiscard]] double minor_units_per_unit(int decimals);

}  // namespace clvsim
