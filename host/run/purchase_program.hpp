// A model of purchases as the engine takes it, and its customers.
#pragma once

#include "host/model/purchase_model.hpp"
#include "host/run/behaviour_program.hpp"

#include <clvsim/behaviour_model.hpp>

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <tuple>
#include <vector>

namespace clvsim {

class PurchaseProgram final : public BehaviourProgram {
 public:
  static constexpr std::size_t all_customers = ~std::size_t{0};
  // As make_program; the model must have a spend.
  PurchaseProgram(const BehaviourModel& model, const RunInfo& info, const StoreInfo* store = nullptr);
  [[nodiscard]] PathProgram program() const override;
  void add(const CustomerBatch& batch, std::size_t i, CustomerRows& rows) const override;
  // `segment`: of the model, or beyond its last: the parameters of all. `z`: the customer's covariates, if the model
  // has any; empty: their centres.
  void add(const PurchaseHistory& history, const SpendHistory& spend, std::uint64_t hash, CustomerRows& rows,
           std::size_t segment = all_customers, std::span<const double> z = {}) const;
  [[nodiscard]] CustomerRows new_customer() const override;

 private:
  BehaviourModel model_;
  std::unique_ptr<SimulatedModel> engine_;
  std::vector<ParameterDraw> draws_;
  kernels::AnyDrawn drawn_;
  std::vector<double> weight_;
  std::vector<std::size_t> of_segment_;      // of the store: its place among the model's
  std::optional<PeriodGrid> opportunities_;  // of a store's customers, of models that count them
  std::optional<CovariatesOf> covariates_;   // likewise, of models that have them
  // Of the customer by a draw of all.
  [[nodiscard]] std::vector<double> parameters_of(std::span<const double> all, std::span<const double> z) const;
  [[nodiscard]] ClosedForms closed_forms(const PurchaseHistory& history, const SpendHistory& spend, std::size_t segment,
                                         std::span<const double> z) const;
  [[nodiscard]] std::uint32_t n_classes() const { return static_cast<std::uint32_t>(model_.classes.size() + 1); }
  void add_drawn(const std::vector<double>& parameters, kernels::DrawnSpend law);
  // [classes] probabilities of the customer's class.
  [[nodiscard]] std::vector<double> class_shares(const ParameterDraw& draw, const PurchaseHistory& history,
                                                 const SpendHistory& spend) const;
  [[nodiscard]] ClosedForms class_forms(const PurchaseHistory& history, const SpendHistory& spend) const;
  // All of them but the spend.
  [[nodiscard]] ClosedForms behaviour_forms(const PurchaseHistory& history, std::span<const double> parameters) const;

  double days_, minor_units_;
  double horizon_, dert_rate_ = 0;  // of DERT; 0: there is none
  // Closed forms but the spend, of histories that came before.
  mutable std::map<std::tuple<std::size_t, std::int32_t, double, double>, ClosedForms> known_;
};

}  // namespace clvsim
