#include "host/run/contract_program.hpp"

#include "host/math/special.hpp"
#include "host/model/histories.hpp"
#include "host/run/chain_tables.hpp"

#include <clvsim/error.hpp>

#include <fmt/format.h>

#include <limits>
#include <string>

namespace clvsim {
namespace {

enum BetaParameter : std::size_t { alpha, beta };

enum AlikeParameter : std::size_t { hazard = 0, scale = 0 };

double power_of(double t, double c) { return t > 0 ? portable_exp(c * portable_log(t)) : 0; }

}  // namespace

ContractProgram::ContractProgram(const BehaviourModel& model, const RunInfo& info, const StoreInfo* store)
    : model_(model),
      grid_(info.observation_end, store != nullptr ? store->unit : model.unit),
      draws_(parameter_draws(model, info.options)),
      weight_(value_weights(info)),
      minor_units_(minor_units_per_unit(info.currency.decimals)),
      horizon_(info.options.horizon),
      dert_rate_(info.has_dert ? rate_a_period(info) : 0) {
  kernels::vector_of<kernels::ContractPath::Drawn>(drawn_).resize(draws_.size());
  if (store == nullptr) return;
  if (store->unit != model.unit)
    throw ConfigError(fmt::format("the model's tenures count {}s, the store's {}s; fit a model to this store",
                                  name_of(model.unit), name_of(store->unit)));
  of_segment_ = model_segments_of(*store, model);
  if (!model.covariates.empty()) covariates_.emplace(model, *store);
}

std::vector<double> ContractProgram::parameters_of(std::span<const double> all, std::span<const double> z) const {
  const CovariateParameters parameters(model_.parameters.size(), covariate_effects(model_), z.size());
  return parameters.of(all, z);
}

PathProgram ContractProgram::program() const {
  PathProgram program;
  program.params = kernels::params_of(drawn_, weight_.data());
  return program;
}

void ContractProgram::add(const CustomerBatch& batch, std::size_t i, CustomerRows& rows) const {
  const Contract contract = contract_of(batch, i, grid_);
  add(contract, static_cast<double>(contract.charge), batch.key_hash[i], rows,
      covariates_ ? (*covariates_)(batch, i) : std::vector<double>{});
}

void ContractProgram::add(const Contract& contract, double charge, std::uint64_t hash, CustomerRows& rows,
                          std::span<const double> z) const {
  const std::size_t s = contract.segment < of_segment_.size() ? of_segment_[contract.segment] : model_.segments.size();
  const bool own = s < model_.segments.size();
  const std::string& model = own ? model_.segments[s].model : model_.model;
  for (const ParameterDraw& draw : draws_) {
    const std::vector<double> p = own ? draw.segments[s] : parameters_of(draw.parameters, z);
    const double c = model == "bdw" || model == "discrete_weibull" ? p.back() : 1;
    kernels::ContractPath::Customer& customer = rows.of<kernels::ContractPath::Customer>().emplace_back();
    customer.hash = hash;
    customer.charge = charge * kernels::fixed_per_minor_unit;
    customer.renewals = contract.renewals;
    customer.exposure = c == 1 ? contract.renewals : power_of(contract.renewals, c);
    customer.inverse_c = 1 / c;
    if (model == "geometric")
      customer.hazard = p[hazard];
    else if (model == "discrete_weibull")
      customer.hazard = power_of(p[scale], -c);
    else
      customer.churn = kernels::LogBetaSampler(p[alpha], p[beta] + customer.exposure);
    customer.active = !contract.churned;
  }
  rows.closed.push_back(closed_forms(contract, charge, s, z));
}

ClosedForms ContractProgram::renewal_forms(const ContractModel& law, std::span<const double> p,
                                           std::int32_t renewals) const {
  ClosedForms forms;
  forms.p_alive = 1;
  double there = 1;
  for (std::int32_t t = 1; t <= horizon_ && there > 0; ++t)
    forms.expected_transactions += there *= law.retention(p, renewals + t);
  try {
    if (dert_rate_ > 0) forms.dert = law.derl(p, renewals + 1, dert_rate_);
  } catch (const ModelError&) {  // a sum that does not settle is no answer, and none is needed for the simulation
    forms.dert = std::numeric_limits<double>::quiet_NaN();
  }
  return forms;
}

ClosedForms ContractProgram::closed_forms(const Contract& contract, double charge, std::size_t segment,
                                          std::span<const double> z) const {
  ClosedForms forms;
  if (!contract.churned) {
    const bool own = segment < model_.segments.size();
    const auto law = make_contract_model(own ? model_.segments[segment].model : model_.model);
    if (!z.empty()) {
      forms = renewal_forms(*law, parameters_of(all_parameters(model_), z), contract.renewals);
    } else {
      const auto [at, is_new] = known_.try_emplace(std::pair(segment, contract.renewals));
      if (is_new)
        at->second =
            renewal_forms(*law, own ? model_.segments[segment].parameters : model_.parameters, contract.renewals);
      forms = at->second;
    }
  }
  forms.expected_spend = charge / minor_units_;
  return forms;
}

CustomerRows ContractProgram::new_customer() const {
  if (!model_.charge)
    throw ConfigError(fmt::format(
        "the model {} has no charge, so that a new contract has no value; give it one (charge = 20.00)", model_.model));
  CustomerRows rows;
  add(Contract{}, *model_.charge * minor_units_, 0, rows);
  return rows;
}

}  // namespace clvsim
