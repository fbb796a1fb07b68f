// A behaviour model as the engine takes it, and its customers.
#pragma once

#include "host/run/engine.hpp"

#include <clvsim/behaviour_model.hpp>

#include <cstddef>
#include <memory>
#include <vector>

namespace clvsim {

// Checks options against a model, as for a chain. Throws ConfigError, with the remedy.
[[nodiscard]] SimulationOptions resolve(const SimulationOptions& options, const BehaviourModel& model);
[[nodiscard]] RunInfo describe(const SimulationOptions& resolved, const BehaviourModel& model,
                               std::int64_t n_customers);
// The draws of the parameters that the options ask for; the estimates, where they ask for none.
[[nodiscard]] std::vector<ParameterDraw> parameter_draws(const BehaviourModel& model, const SimulationOptions& options);

// The discount rate a period, by whose factors residual transactions are discounted; 0 where there is no discount.
[[nodiscard]] double rate_a_period(const RunInfo& info);

class BehaviourProgram {
 public:
  virtual ~BehaviourProgram() = default;
  // Its tables are the object's.
  [[nodiscard]] virtual PathProgram program() const = 0;
  // Appends customer i of a batch of the store to all of `rows` but its key.
  virtual void add(const CustomerBatch& batch, std::size_t i, CustomerRows& rows) const = 0;
  // One without a history. Throws ConfigError where the model knows nothing of it.
  [[nodiscard]] virtual CustomerRows new_customer() const = 0;
};

// `info` gives the options, among them the draws of parameters, and the currency; `store` the customers to come, which
// are of the model's kind, null where there are none. Throws ConfigError where its tenures count other periods.
// Of each segment of the store its place among the model's segments, their number where it has none there.
[[nodiscard]] std::vector<std::size_t> model_segments_of(const StoreInfo& store, const BehaviourModel& model);

[[nodiscard]] std::unique_ptr<BehaviourProgram> make_program(const BehaviourModel& model, const RunInfo& info,
                                                             const StoreInfo* store);

}  // namespace clvsim
