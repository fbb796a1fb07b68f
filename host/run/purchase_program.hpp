// A model of purchases as the engine takes it, and its customers.
#pragma once

#include "host/model/purchase_model.hpp"
#include "host/run/engine.hpp"

#include <clvsim/behaviour_model.hpp>

#include <memory>
#include <vector>

namespace clvsim {

// Checks options against a model, as for a chain. Throws ConfigError, with the remedy.
[[nodiscard]] SimulationOptions resolve(const SimulationOptions& options, const BehaviourModel& model);
[[nodiscard]] RunInfo describe(const SimulationOptions& resolved, const BehaviourModel& model,
                               std::int64_t n_customers);

class PurchaseProgram {
 public:
  // `info` gives the options, among them the draws of parameters, and the currency. The model must have a spend.
  PurchaseProgram(const BehaviourModel& model, const RunInfo& info);
  // Its tables are the object's.
  [[nodiscard]] PathProgram program() const;
  // Appends a customer to all of `rows` but its key.
  void add(const PurchaseHistory& history, const SpendHistory& spend, std::uint64_t hash, CustomerRows& rows) const;
  // One without a history.
  [[nodiscard]] CustomerRows new_customer() const;

 private:
  BehaviourModel model_;
  std::unique_ptr<SimulatedModel> engine_;
  std::vector<ParameterDraw> draws_;
  kernels::AnyDrawn drawn_;
  std::vector<double> weight_;
  double minor_units_;
};

}  // namespace clvsim
