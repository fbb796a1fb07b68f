#include "host/run/behaviour_program.hpp"

#include "host/run/contract_program.hpp"
#include "host/run/purchase_program.hpp"

#include <clvsim/error.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace clvsim {

SimulationOptions resolve(const SimulationOptions& options, const BehaviourModel& model) {
  check(options);
  check(model);
  if (options.sampler != StepSampler::automatic)
    throw ConfigError(fmt::format(
        "--sampler is a setting of migration chains; {} has one way to be drawn: leave it out", model.model));
  if (!model.spend && !is_contract_model(model.model))
    throw ConfigError(
        fmt::format("the model {} has no [spend], so that no value can be simulated; fit it with spend (clvsim fit "
                    "--model {} --spend gamma_gamma)",
                    model.model, model.model));
  check_draws(options);
  SimulationOptions resolved = options;
  if (!resolved.margin) resolved.margin = model.margin;
  return resolved;
}

RunInfo describe(const SimulationOptions& resolved, const BehaviourModel& model, std::int64_t n_customers) {
  RunInfo info;
  info.options = resolved;
  info.measure_name = resolved.margin ? "clv" : "revenue";
  info.currency = model.currency;
  info.unit = model.unit;
  info.n_customers = n_customers;
  info.sampler = fmt::format("philox4x32-10 {} 1", model.model);
  info.has_closed_forms = true;
  // Without a discount what is left has no finite sum; of the BG models it has no closed form.
  info.has_dert = resolved.discounting.rate > 0 &&
                  (is_contract_model(model.model) || model.model == "pareto_nbd" || model.model == "bg_bb");
  return info;
}

double rate_a_period(const RunInfo& info) {
  Discounting end = info.options.discounting;
  end.convention = DiscountConvention::end;
  return 1 / discount_factors(end, info.unit, 1).front() - 1;
}

std::vector<ParameterDraw> parameter_draws(const BehaviourModel& model, const SimulationOptions& options) {
  if (options.parameter_draws > 0) return draw_parameters(model, options.parameter_draws, options.seed);
  ParameterDraw estimates;
  estimates.parameters = model.classes.empty() ? all_parameters(model) : model.parameters;
  estimates.classes = model.classes;
  for (const ModelSegment& segment : model.segments) estimates.segments.push_back(segment.parameters);
  if (model.spend) {
    estimates.law = model.spend->law;
    estimates.log_normal = model.spend->log_normal;
  }
  return {estimates};
}

std::vector<std::size_t> model_segments_of(const StoreInfo& store, const BehaviourModel& model) {
  std::vector<std::size_t> places;
  for (const std::string& name : store.segments)
    places.push_back(static_cast<std::size_t>(
        std::find_if(model.segments.begin(), model.segments.end(), [&](const auto& s) { return s.name == name; }) -
        model.segments.begin()));
  return places;
}

std::unique_ptr<BehaviourProgram> make_program(const BehaviourModel& model, const RunInfo& info,
                                               const StoreInfo* store) {
  if (is_contract_model(model.model)) return std::make_unique<ContractProgram>(model, info, store);
  return std::make_unique<PurchaseProgram>(model, info, store);
}

}  // namespace clvsim
