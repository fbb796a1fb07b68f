#include "host/run/purchase_program.hpp"

#include "host/math/special.hpp"
#include "host/model/histories.hpp"
#include "host/run/chain_tables.hpp"

#include <clvsim/error.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <span>

namespace clvsim {
namespace {

// visit(parameters, spend, odds) for every class of a draw, the first first.
template <class Visit>
void for_classes(const ParameterDraw& draw, const Visit& visit) {
  visit(draw.parameters, draw.law, 1.0);
  for (const ModelClass& one : draw.classes)
    visit(one.parameters, GammaGamma{one.spend[0], one.spend[1], one.spend[2]}, one.odds);
}

// Of the last record.
void set_until(kernels::AnyCustomers& customers, double until) {
  std::visit(
      [until](auto& all) {
        if constexpr (requires { all.back().until; }) all.back().until = until;
      },
      customers);
}

}  // namespace

PurchaseProgram::PurchaseProgram(const BehaviourModel& model, const RunInfo& info, const StoreInfo* store)
    : model_(model),
      engine_(make_simulated_model(model.model, model.k)),
      draws_(parameter_draws(model, info.options)),
      weight_(value_weights(info)),
      days_(days_of(model.unit)),
      minor_units_(minor_units_per_unit(info.currency.decimals)),
      horizon_(info.options.horizon) {
  if (store != nullptr) of_segment_ = model_segments_of(*store, model);
  if (store != nullptr && !model.covariates.empty()) covariates_.emplace(model, *store);
  if (store != nullptr && model.model == "bg_bb") opportunities_.emplace(store->observation_end, store->unit);
  if (info.has_dert) dert_rate_ = model.model == "bg_bb" ? rate_a_period(info) : portable_log1p(rate_a_period(info));
  for (const ParameterDraw& draw : draws_) {
    if (model_.spend->kind == SpendLaw::log_normal) {
      kernels::DrawnSpend law;
      law.within_sd = draw.log_normal.within_sd;
      add_drawn(draw.parameters, law);
      continue;
    }
    for_classes(draw, [&](const std::vector<double>& parameters, const GammaGamma& spend, double) {
      kernels::DrawnSpend law;
      law.shape = spend.p;
      law.one = kernels::LogGammaSampler(spend.p);
      add_drawn(parameters, law);
    });
  }
}

void PurchaseProgram::add_drawn(const std::vector<double>& parameters, kernels::DrawnSpend law) {
  law.positive_share = 1 - model_.spend->zero_share;
  law.refund_rate = model_.spend->refund_rate;
  law.log_refund = portable_log(model_.spend->refund_ratio);
  engine_->add_drawn(parameters, law, drawn_);
}

PathProgram PurchaseProgram::program() const {
  PathProgram program;
  program.params = kernels::params_of(drawn_, weight_.data(), n_classes());
  return program;
}

void PurchaseProgram::add(const CustomerBatch& batch, std::size_t i, CustomerRows& rows) const {
  if (opportunities_ && crowded(batch, i, *opportunities_))
    throw DataError(fmt::format(
        "customer '{}' bought more than once in a {}, and bg_bb knows one purchase at an opportunity; import "
        "the log with a shorter --unit, or take a model of any number of purchases (pareto_nbd, mbg_nbd)",
        batch.key_of(i), name_of(opportunities_->unit())));
  const PurchaseHistory history =
      opportunities_ ? opportunity_history(batch, i, *opportunities_) : purchase_history(batch, i, days_, false);
  const std::size_t segment = of_segment_.empty() ? all_customers : of_segment_[batch.segment[i]];
  add(history, spend_history(batch, i, minor_units_), batch.key_hash[i], rows, segment,
      covariates_ ? (*covariates_)(batch, i) : std::vector<double>{});
}

std::vector<double> PurchaseProgram::parameters_of(std::span<const double> all, std::span<const double> z) const {
  const CovariateParameters parameters(engine_->n_parameters(), engine_->covariate_effects(), z.size());
  return parameters.of(all, z);
}

void PurchaseProgram::add(const PurchaseHistory& history, const SpendHistory& spend, std::uint64_t hash,
                          CustomerRows& rows, std::size_t segment, std::span<const double> z) const {
  const bool has_own = segment < model_.segments.size();
  double moments = std::numeric_limits<double>::infinity();
  for (const ParameterDraw& draw : draws_) {
    if (model_.spend->kind == SpendLaw::log_normal) {
      kernels::DrawnSpendCustomer level;
      const LogNormalSpend::Level own = draw.log_normal.level(spend);
      level.log_scale = own.mean + portable_log(model_.spend->smearing * minor_units_);
      level.level_sd = own.sd;
      engine_->add_customer(has_own ? draw.segments[segment] : parameters_of(draw.parameters, z), history, hash, level,
                            rows.customers);
      continue;
    }
    const std::vector<double> shares = class_shares(draw, history, spend);
    double until = 0;
    std::size_t c = 0;
    for_classes(draw, [&](const std::vector<double>& parameters, const GammaGamma& law, double) {
      kernels::DrawnSpendCustomer level;
      const double shape = law.p * spend.x + law.q;
      level.level = kernels::LogGammaSampler(shape);
      level.log_scale = portable_log((law.gamma + spend.x * spend.mean) * minor_units_);
      moments = std::min(moments, shape);
      engine_->add_customer(has_own ? draw.segments[segment] : parameters_of(parameters, z), history, hash, level,
                            rows.customers);
      until += shares[c++];
      set_until(rows.customers, until);
    });
  }
  rows.moments.push_back(moments);
  rows.closed.push_back(closed_forms(history, spend, has_own ? segment : all_customers, z));
}

// By the likelihood of what the customer bought and spent.
std::vector<double> PurchaseProgram::class_shares(const ParameterDraw& draw, const PurchaseHistory& history,
                                                  const SpendHistory& spend) const {
  if (draw.classes.empty()) return {1};
  std::vector<double> log_mass, shares;
  double top = minus_infinity, sum = 0;
  for_classes(draw, [&](const std::vector<double>& parameters, const GammaGamma& law, double odds) {
    double mass = portable_log(odds) + engine_->log_likelihood(parameters, {&history, 1}, {});
    if (spend.x > 0) mass += law.log_likelihood({&spend, 1}, {});
    log_mass.push_back(mass);
    top = std::max(top, mass);
  });
  for (const double mass : log_mass) sum += shares.emplace_back(portable_exp(mass - top));
  for (double& share : shares) share /= sum;
  return shares;
}

ClosedForms PurchaseProgram::behaviour_forms(const PurchaseHistory& history, std::span<const double> p) const {
  // A sum that does not settle is no answer, and none is needed for the simulation.
  const auto settled = [](const auto& value) {
    try {
      return static_cast<double>(value());
    } catch (const ModelError&) {
      return std::numeric_limits<double>::quiet_NaN();
    }
  };
  ClosedForms forms;
  forms.p_alive = settled([&] { return engine_->p_alive(p, history); });
  forms.expected_transactions = settled([&] { return engine_->expected_purchases(p, history, horizon_); });
  if (dert_rate_ > 0) forms.dert = settled([&] { return engine_->dert(p, history, dert_rate_).value(); });
  return forms;
}

ClosedForms PurchaseProgram::closed_forms(const PurchaseHistory& history, const SpendHistory& spend,
                                          std::size_t segment, std::span<const double> z) const {
  ClosedForms forms;
  if (!model_.classes.empty()) return class_forms(history, spend);
  if (!z.empty()) {
    forms = behaviour_forms(history, parameters_of(all_parameters(model_), z));
  } else {
    constexpr std::size_t most_known = std::size_t{1} << 20;
    const auto [at, is_new] = known_.try_emplace(std::tuple(segment, history.x, history.t_x, history.T));
    if (is_new)
      at->second = behaviour_forms(
          history, segment < model_.segments.size() ? model_.segments[segment].parameters : model_.parameters);
    forms = at->second;
    if (known_.size() > most_known) known_.clear();
  }
  forms.expected_spend = model_.spend->expected(spend);
  return forms;
}

// Means over the classes, by the customer's probabilities.
ClosedForms PurchaseProgram::class_forms(const PurchaseHistory& history, const SpendHistory& spend) const {
  ParameterDraw estimates;
  estimates.parameters = model_.parameters;
  estimates.law = model_.spend->law;
  estimates.classes = model_.classes;
  const std::vector<double> shares = class_shares(estimates, history, spend);
  ClosedForms all;
  std::size_t c = 0;
  for_classes(estimates, [&](const std::vector<double>& parameters, const GammaGamma& law, double) {
    const ClosedForms own = behaviour_forms(history, parameters);
    PurchaseSpend of_class = *model_.spend;
    of_class.law = law;
    const double share = shares[c++];
    all.p_alive += share * own.p_alive;
    all.expected_transactions += share * own.expected_transactions;
    all.dert += share * own.dert;
    all.expected_spend += share * of_class.expected(spend);
  });
  return all;
}

CustomerRows PurchaseProgram::new_customer() const {
  CustomerRows rows;
  add({}, {}, 0, rows);
  return rows;
}

}  // namespace clvsim
