// A model of contracts as the engine takes it, and its contracts.
#pragma once

#include "host/run/behaviour_program.hpp"

#include <clvsim/contract_models.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace clvsim {

class ContractProgram final : public BehaviourProgram {
 public:
  // As make_program.
  ContractProgram(const BehaviourModel& model, const RunInfo& info, const StoreInfo* store);
  [[nodiscard]] PathProgram program() const override;
  void add(const CustomerBatch& batch, std::size_t i, CustomerRows& rows) const override;
  // `charge`: in minor units.
  // `z`: its covariates, if the model has any; empty: their centres.
  void add(const Contract& contract, double charge, std::uint64_t hash, CustomerRows& rows,
           std::span<const double> z = {}) const;
  [[nodiscard]] CustomerRows new_customer() const override;

 private:
  BehaviourModel model_;
  PeriodGrid grid_;
  std::vector<ParameterDraw> draws_;
  std::vector<std::size_t> of_segment_;  // of the store: its place among the model's, their number where it has none
  kernels::AnyDrawn drawn_;
  std::vector<double> weight_;
  std::optional<CovariatesOf> covariates_;  // of the store, of models that have them
  // Of the contract by a draw of all.
  [[nodiscard]] std::vector<double> parameters_of(std::span<const double> all, std::span<const double> z) const;
  [[nodiscard]] ClosedForms closed_forms(const Contract& contract, double charge, std::size_t segment,
                                         std::span<const double> z) const;
  // Those that take a sum over renewals, of a contract that is there.
  [[nodiscard]] ClosedForms renewal_forms(const ContractModel& law, std::span<const double> parameters,
                                          std::int32_t renewals) const;

  double minor_units_;
  std::int32_t horizon_;
  double dert_rate_ = 0;                                                       // 0: there is none
  mutable std::map<std::pair<std::size_t, std::int32_t>, ClosedForms> known_;  // by segment and renewals
};

}  // namespace clvsim
