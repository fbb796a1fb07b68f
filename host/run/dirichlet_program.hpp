// A migration chain whose customers differ as the engine takes it, and its customers.
#pragma once

#include "host/model/transitions.hpp"
#include "host/run/behaviour_program.hpp"
#include "host/run/dirichlet_tables.hpp"
#include "host/run/spend_posterior.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace clvsim {

class DirichletProgram final : public BehaviourProgram {
 public:
  // As make_program; the chain outlives the program. With a store it has recency_frequency.
  DirichletProgram(const MigrationChain& chain, const RunInfo& info, const StoreInfo* store);
  [[nodiscard]] PathProgram program() const override;
  // With what the customer has done in every state of its history.
  void add(const CustomerBatch& batch, std::size_t i, CustomerRows& rows) const override;
  // In a state of DirichletTables, with a spend level and counts by DirichletTables::counts.
  void add(int state, const SpendLevel& level, std::span<const std::uint32_t> counts, std::uint64_t hash,
           CustomerRows& rows) const;
  [[nodiscard]] CustomerRows new_customer() const override;
  [[nodiscard]] const DirichletTables& tables() const { return tables_; }

 private:
  const MigrationChain& chain_;
  DirichletTables tables_;
  PeriodGrid grid_;
  std::vector<std::uint32_t> places_;  // of the store's segments, segments_of(chain)
  std::optional<PeriodTable> periods_;
  std::optional<TransitionOutcomes> outcomes_;
  int decimals_;
};

}  // namespace clvsim
