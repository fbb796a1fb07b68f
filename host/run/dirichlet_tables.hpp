// A migration chain whose customers differ, packed for the engine.
#pragma once

#include "host/run/chain_tables.hpp"
#include "kernels/models/dirichlet_chain.hpp"

#include <clvsim/migration_chain.hpp>

#include <cstdint>
#include <span>
#include <vector>

namespace clvsim {

// Owns the tables that a kernels::DirichletChainView points to. A chain of S states and G segments with states of their
// own becomes one of S (G + 1) states for the engine, S of which a customer can be in: state s of segment g (0: of all
// other customers) is number g S + s. A customer has the rows and counts of its segment, so that there are S of them.
struct DirichletTables {
  ChainTables chain;
  std::size_t n_states = 0;                     // S; what is called [states] below has all
  std::vector<kernels::DirichletRow> rows;      // [states]
  std::vector<kernels::DirichletShare> shares;  // of the outcomes of all states
  std::vector<std::uint16_t> next;              // likewise
  std::vector<std::vector<int>> counts;         // [states][outcomes] the customer's count that it adds to; -1: none
  std::uint32_t n_counts = 0;                   // of a customer

  // Valid while the tables live and are not moved from.
  [[nodiscard]] kernels::DirichletChainView view() const;
  // Appends a customer with these counts [n_counts], 65535 at most each, to the records.
  void add_customer(const kernels::DirichletChain::Customer& customer, std::span<const std::uint32_t> counts,
                    std::vector<kernels::DirichletChain::Customer>& records) const;
};

// As pack() of a chain. A row's outcomes stand with the likeliest first, so that few are asked for.
[[nodiscard]] DirichletTables pack_dirichlet(const MigrationChain& chain, int decimals,
                                             const std::vector<double>& weight = {});

}  // namespace clvsim
