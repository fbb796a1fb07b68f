#include "host/run/purchase_program.hpp"

#include "host/math/special.hpp"
#include "host/run/chain_tables.hpp"

#include <clvsim/error.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <limits>

namespace clvsim {

SimulationOptions resolve(const SimulationOptions& options, const BehaviourModel& model) {
  check(options);
  check(model);
  if (options.sampler != StepSampler::automatic)
    throw ConfigError(fmt::format(
        "--sampler is a setting of migration chains; {} has one way to be drawn: leave it out", model.model));
  if (!model.spend)
    throw ConfigError(
        fmt::format("the model {} has no [spend], so that no value can be simulated; fit it with spend (clvsim fit "
                    "--model {} --spend gamma_gamma)",
                    model.model, model.model));
  if (options.parameter_draws > options.n_paths)
    throw ConfigError(
        fmt::format("{} parameter draws of {} paths: a path has one draw; give at most as many draws as "
                    "paths",
                    options.parameter_draws, options.n_paths));
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
  return info;
}

PurchaseProgram::PurchaseProgram(const BehaviourModel& model, const RunInfo& info)
    : model_(model),
      engine_(make_simulated_model(model.model, model.k)),
      weight_(value_weights(info)),
      minor_units_(minor_units_per_unit(info.currency.decimals)) {
  const std::uint32_t n_draws = info.options.parameter_draws;
  draws_ = n_draws == 0 ? std::vector<ParameterDraw>{{model.parameters, model.spend->law}}
                        : draw_parameters(model, n_draws, info.options.seed);
  const PurchaseSpend& spend = *model_.spend;
  for (const ParameterDraw& draw : draws_) {
    kernels::GammaSpend law;
    law.shape = draw.law.p;
    law.one = kernels::LogGammaSampler(draw.law.p);
    law.positive_share = 1 - spend.zero_share;
    law.refund_rate = spend.refund_rate;
    law.log_refund = portable_log(spend.refund_ratio);
    engine_->add_drawn(draw.parameters, law, drawn_);
  }
}

PathProgram PurchaseProgram::program() const {
  PathProgram program;
  program.params = kernels::params_of(drawn_, weight_.data());
  return program;
}

void PurchaseProgram::add(const PurchaseHistory& history, const SpendHistory& spend, std::uint64_t hash,
                          CustomerRows& rows) const {
  double moments = std::numeric_limits<double>::infinity();
  for (const ParameterDraw& draw : draws_) {
    const GammaGamma& law = draw.law;
    const double shape = law.p * spend.x + law.q;
    kernels::GammaSpendCustomer level;
    level.level = kernels::LogGammaSampler(shape);
    level.log_scale = portable_log((law.gamma + spend.x * spend.mean) * minor_units_);
    engine_->add_customer(draw.parameters, history, hash, level, rows.customers);
    moments = std::min(moments, shape);
  }
  rows.moments.push_back(moments);
}

CustomerRows PurchaseProgram::new_customer() const {
  CustomerRows rows;
  add({}, {}, 0, rows);
  return rows;
}

}  // namespace clvsim
