// Fits of every kind of model as text for people and as JSON for programs.
#include "host/base/text.hpp"
#include "host/cli/report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace clvsim::cli {

namespace {

Json to_json(const std::vector<RowFit>& rows, const MigrationChain& chain) {
  Json all = Json::array();
  for (const RowFit& row : rows) {
    Json one{{"state", chain.states[static_cast<std::size_t>(row.state)].name},
             {"customers", row.n_customers},
             {"customers_twice", row.n_twice},
             {"log_likelihood", row.log_likelihood},
             {"log_likelihood_alike", row.log_likelihood_alike}};
    if (row.concentration) {
      one["concentration"] = *row.concentration;
      one["standard_error"] = row.standard_error;
    } else {
      one["note"] = row.note;
    }
    all.push_back(std::move(one));
  }
  return all;
}

std::string text_of(const std::vector<RowFit>& rows, const MigrationChain& chain) {
  std::string text = fmt::format("\n{:<22}{:>14}{:>12}{:>14}{:>12}{:>12}\n", "customers differ in", "customers",
                                 "twice there", "concentration", "std. error", "log-lik. +");
  double differ = 0, alike = 0;
  for (const RowFit& row : rows) {
    differ += row.log_likelihood;
    alike += row.log_likelihood_alike;
    text += fmt::format("{:<22}{:>14}{:>12}", chain.states[static_cast<std::size_t>(row.state)].name,
                        with_separators(row.n_customers), with_separators(row.n_twice));
    text += row.concentration ? fmt::format("{:>14.4f}{:>12.4f}{:>12.2f}\n", *row.concentration, row.standard_error,
                                            row.log_likelihood - row.log_likelihood_alike)
                              : fmt::format("{:>14}  {}\n", "none", row.note);
  }
  return text + fmt::format("log-likelihood {:.2f}; {:.2f} where all customers are alike\n", differ, alike);
}

Json to_json(const std::vector<RowsOfSegment>& segments, const MigrationChain& chain) {
  Json all = Json::array();
  for (const RowsOfSegment& segment : segments) {
    Json one{{"name", segment.name},
             {"customers", segment.n_customers},
             {"customer_periods", segment.n_customer_periods},
             {"rows", segment.n_rows},
             {"parameters", segment.n_parameters},
             {"log_likelihood", segment.log_likelihood},
             {"log_likelihood_of_all", segment.log_likelihood_of_all}};
    if (!segment.rows.empty()) one["heterogeneity"] = to_json(segment.rows, chain);
    all.push_back(std::move(one));
  }
  return all;
}

std::string text_of(const std::vector<RowsOfSegment>& segments) {
  std::string text = fmt::format("\n{:<22}{:>14}{:>14}{:>10}{:>14}{:>12}\n", "segment", "customers", "periods",
                                 "own rows", "parameters", "log-lik. +");
  for (const RowsOfSegment& segment : segments)
    text += fmt::format("{:<22}{:>14}{:>14}{:>10}{:>14}{:>12.2f}\n", segment.name, with_separators(segment.n_customers),
                        with_separators(segment.n_customer_periods), segment.n_rows, segment.n_parameters,
                        segment.log_likelihood - segment.log_likelihood_of_all);
  return text;
}

}  // namespace

Json to_json(const FitReport& report) {
  const MigrationChain& chain = report.chain;
  Json states = Json::array();
  for (std::size_t s = 0; s < chain.states.size(); ++s) {
    Json outcomes = Json::array();
    for (const ChainOutcome& outcome : chain.states[s].outcomes)
      outcomes.push_back({{"to", chain.states[static_cast<std::size_t>(outcome.to)].name},
                          {"probability", outcome.probability},
                          {"standard_error", outcome.standard_error},
                          {"count", outcome.count},
                          {"purchase", outcome.purchase}});
    states.push_back({{"name", chain.states[s].name},
                      {"periods", report.periods[s]},
                      {"tie_group", report.tie_group[s]},
                      {"outcomes", std::move(outcomes)}});
  }
  Json document{{"model", "migration_chain"},
                {"unit", name_of(chain.unit)},
                {"customers", chain.n_customers},
                {"customer_periods", chain.n_customer_periods},
                {"log_likelihood", report.log_likelihood},
                {"states", std::move(states)}};
  if (chain.spend) {
    const SpendModel& spend = *chain.spend;
    document["spend"] = {{"log_mean", spend.log_mean},          {"between_sd", spend.between_sd},
                         {"within_sd", spend.within_sd},        {"smearing", spend.smearing},
                         {"zero_share", spend.zero_share},      {"purchases_in_period", spend.purchases_in_period},
                         {"refund_rate", spend.refund_rate},    {"refund_log_shift", spend.refund_log_shift},
                         {"refund_log_sd", spend.refund_log_sd}};
  }
  if (chain.margin) document["margin"] = *chain.margin;
  if (!report.rows.empty()) document["heterogeneity"] = to_json(report.rows, chain);
  if (!report.segments.empty()) document["segments"] = to_json(report.segments, chain);
  if (report.logit) {
    const LogitFit& fit = *report.logit;
    Json effects = Json::array();
    for (const ChainCovariate& covariate : chain.covariates)
      effects.push_back({{"name", covariate.name},
                         {"effect", covariate.effects.front().effect},
                         {"standard_error", covariate.effects.front().standard_error}});
    document["covariates"] = {{"effects", std::move(effects)},
                              {"covariance", fit.covariance},
                              {"log_likelihood", fit.log_likelihood},
                              {"log_likelihood_without", fit.without_covariates},
                              {"aic", fit.aic},
                              {"bic", fit.bic},
                              {"parameters", fit.n_parameters},
                              {"steps", fit.n_steps},
                              {"gradient_norm", fit.gradient_norm},
                              {"decrement", fit.decrement},
                              {"condition", fit.condition}};
  }
  document["notes"] = report.notes;
  return document;
}

std::string text_of(const FitReport& report) {
  const MigrationChain& chain = report.chain;
  std::string text =
      fmt::format("migration chain from {} customers, {} customer-{}s\n\n", with_separators(chain.n_customers),
                  with_separators(chain.n_customer_periods), name_of(chain.unit));
  text +=
      fmt::format("{:<22}{:>14}{:>12}{:>14}{:>12}{:>6}\n", "state", "periods", "buys", "P(buys)", "std. error", "tie");
  for (std::size_t s = 0; s < chain.states.size(); ++s) {
    double buys = 0, probability = 0, variance = 0;
    for (const ChainOutcome& outcome : chain.states[s].outcomes) {
      if (!outcome.purchase) continue;
      buys += outcome.count;
      probability += outcome.probability;
      variance += outcome.standard_error * outcome.standard_error;
    }
    text += fmt::format("{:<22}{:>14}{:>12}{:>14.6f}{:>12.6f}{:>6}\n", chain.states[s].name,
                        with_separators(static_cast<long long>(report.periods[s])),
                        with_separators(static_cast<long long>(buys)), probability, std::sqrt(variance),
                        report.tie_group[s]);
  }
  text += fmt::format("log-likelihood of the transitions {:.3f}\n", report.log_likelihood);
  if (!report.rows.empty()) text += text_of(report.rows, chain);
  if (!report.segments.empty()) text += text_of(report.segments);
  if (chain.spend) {
    const SpendModel& spend = *chain.spend;
    text += fmt::format(
        "\nspend of a purchase: ln ~ level + N(0, {:.4f}^2); level ~ N({:.4f}, {:.4f}^2); smearing {:.4f}\n",
        spend.within_sd, fmt::join(spend.log_mean, " / "), spend.between_sd, spend.smearing);
    text += fmt::format("zero amounts {:.4f} of purchases; refunds {:.4f} a purchase\n", spend.zero_share,
                        spend.refund_rate);
  }
  if (chain.margin) text += fmt::format("margin from the log's costs: {:.4f}\n", *chain.margin);
  if (report.logit) {
    text += fmt::format("\n{:<36}{:>10}{:>12}{:>10}\n", "effect on the log-odds of purchases", "effect", "std. error",
                        "odds x");
    for (const ChainCovariate& covariate : chain.covariates) {
      const LogitEffect& effect = covariate.effects.front();
      text += fmt::format("{:<36}{:>10.4f}{:>12.4f}{:>10.3f}\n", covariate.name, effect.effect, effect.standard_error,
                          std::exp(effect.effect));
    }
    const LogitFit& fit = *report.logit;
    text += fmt::format(
        "log-likelihood {:.3f}, without covariates {:.3f}; AIC {:.3f}, BIC {:.3f}; {} Newton steps, largest derivative "
        "{:.1e}\n",
        fit.log_likelihood, fit.without_covariates, fit.aic, fit.bic, fit.n_steps, fit.gradient_norm);
  }
  for (const std::string& note : report.notes) text += fmt::format("note: {}\n", note);
  return text;
}

Json to_json(const PurchaseSpend& spend) {
  Json document{{"model", name_of(spend.kind)}};
  const std::vector<double> parameters = spend.parameters();
  for (std::size_t i = 0; i < parameters.size(); ++i) document[std::string(spend.parameter_names()[i])] = parameters[i];
  if (spend.kind == SpendLaw::log_normal) document["smearing"] = spend.smearing;
  document["zero_share"] = spend.zero_share;
  document["refund_rate"] = spend.refund_rate;
  document["refund_ratio"] = spend.refund_ratio;
  return document;
}

namespace {

// An effect of a covariate, which a fit has as a logarithm.
struct FittedEffect {
  const ModelCovariate* covariate = nullptr;
  std::string on;
  double value = 0, error = 0;
};

// Of the fit: those of the model itself, of classes those of the first.
std::size_t n_own_parameters(const BehaviourFit& result) {
  if (!result.classes.empty()) return result.classes.front().parameters.size();
  std::size_t n = result.fit.names.size();
  for (const ModelCovariate& covariate : result.covariates) n -= covariate.effects.size();
  return n;
}

// Of the customers, of class c = 0 ...
double class_share(const BehaviourFit& result, std::size_t c) {
  double all = 1;
  for (const ModelClass& one : result.classes) all += one.odds;
  return (c == 0 ? 1 : result.classes[c - 1].odds) / all;
}

// Expected amount of a positive purchase.
double new_customer_spend(const BehaviourFit& result) {
  PurchaseSpend positive = result.spend->spend;
  positive.zero_share = positive.refund_rate = 0;
  double mean = class_share(result, 0) * positive.expected({});
  for (std::size_t c = 1; c <= result.classes.size(); ++c) {
    positive.set_parameters(result.classes[c - 1].spend);
    mean += class_share(result, c) * positive.expected({});
  }
  return mean;
}

std::vector<FittedEffect> effects_of(const BehaviourFit& result) {
  std::vector<FittedEffect> effects;
  const std::size_t n = result.fit.names.size();
  std::size_t at = n_own_parameters(result);
  for (const ModelCovariate& covariate : result.covariates)
    for (const double value : covariate.effects) {
      const std::string& name = result.fit.names[at];  // "purchase_rate.income"
      effects.push_back({&covariate, name.substr(0, name.size() - covariate.name.size() - 1), value,
                         std::sqrt(result.fit.log_covariance[at * n + at])});
      ++at;
    }
  return effects;
}

}  // namespace

namespace {

Json json_of(const ContractSelection& selection) {
  const bool scored = selection.renewals > 0;
  Json models = Json::array();
  for (const ScoredContractModel& model : selection.models) {
    Json entry{{"model", model.model}};
    if (scored) {
      entry["fitted"] = model.fitted;
      entry["fitted_parameters"] = model.n_parameters;
      entry["log_score"] = model.log_score;
    }
    entry["bic"] = model.bic;
    models.push_back(std::move(entry));
  }
  Json document{{"chosen", selection.models[selection.chosen].model},
                {"rule", selection.rule},
                {"split", nullptr},
                {"models", std::move(models)}};
  if (!scored) return document;
  document["split"] = {
      {"renewals", selection.renewals}, {"contracts", selection.n_later}, {"churned", selection.n_later_churned}};
  document["log_score_excess"] = selection.excess;
  document["log_score_excess_se"] = selection.excess_se;
  return document;
}

std::string text_of(const ContractSelection& selection) {
  const bool scored = selection.renewals > 0;
  std::string text = "choice of the model: ";
  if (scored)
    text += fmt::format(
        "fitted to the first {} renewals of every contract, what followed of {} contracts scored "
        "({} churned)\n",
        selection.renewals, with_separators(selection.n_later), with_separators(selection.n_later_churned));
  else
    text += "all contracts\n";
  text += fmt::format("  {:<18}{:<18}{:>12}{:>24}{:>14}\n", "model", scored ? "fitted" : "", scored ? "log score" : "",
                      scored ? "more than the first" : "", "BIC");
  for (std::size_t m = 0; m < selection.models.size(); ++m) {
    const ScoredContractModel& model = selection.models[m];
    text += fmt::format("{} {:<18}{:<18}{:>12}{:>24}{:>14.2f}\n", m == selection.chosen ? '*' : ' ', model.model,
                        model.fitted, scored ? fmt::format("{:.5f}", model.log_score) : "",
                        scored && m > 0 ? fmt::format("{:+.5f} +- {:.5f}", selection.excess, selection.excess_se) : "",
                        model.bic);
  }
  return text + fmt::format("chosen: {}, {}\n\n", selection.models[selection.chosen].model, selection.rule);
}

}  // namespace

Json to_json(const BehaviourFit& result, const StoreInfo& store) {
  const LikelihoodFit& fit = result.fit;
  Json parameters = Json::object(), errors = Json::object();
  const std::size_t n_own = n_own_parameters(result);
  for (std::size_t i = 0; i < n_own; ++i) {
    parameters[fit.names[i]] = fit.parameters[i];
    errors[fit.names[i]] = fit.standard_errors[i];
  }
  Json document{{"model", result.model},
                {"unit", name_of(store.unit)},
                {"customers", static_cast<std::int64_t>(fit.n_customers)},
                {"customers_left_out", result.n_left_out},
                {"unique_histories", fit.n_unique},
                {"parameters", std::move(parameters)},
                {"standard_errors", std::move(errors)},
                {"uncertainty", {{"method", fit.n_draws() > 0 ? "bootstrap" : "hessian"}}},
                {"log_likelihood", fit.log_likelihood},
                {"aic", fit.aic},
                {"bic", fit.bic},
                {"certificate",
                 {{"gradient_norm", fit.gradient_norm},
                  {"remaining", fit.remaining},
                  {"condition", fit.condition},
                  {"starts", fit.n_starts},
                  {"starts_agreeing", fit.n_agreeing}}}};
  if (fit.n_draws() > 0) {
    document["uncertainty"]["draws"] = fit.n_draws();
    const std::vector<double> deviations = fit.draw_deviations();
    for (std::size_t i = 0; i < n_own; ++i)
      document["uncertainty"]["standard_deviations"][fit.names[i]] = deviations[i];
  }
  for (const FittedEffect& effect : effects_of(result))
    document["covariates"].push_back({{"name", effect.covariate->name},
                                      {"centre", effect.covariate->centre},
                                      {"scale", effect.covariate->scale},
                                      {"on", effect.on},
                                      {"effect", effect.value},
                                      {"standard_error", effect.error}});
  if (!result.classes.empty()) {
    Json classes = Json::array();
    for (std::size_t c = 0; c <= result.classes.size(); ++c) {
      Json one{{"share", class_share(result, c)}};
      for (std::size_t i = 0; i < n_own + 3; ++i) {
        const std::size_t at = c * (n_own + 4) - (c > 0 ? 1 : 0) + i;
        const std::string& name = fit.names[i];
        Json& of = i < n_own ? one["parameters"] : one["spend"];
        of[name] = fit.parameters[at];
        one["standard_errors"][name] = fit.standard_errors[at];
      }
      classes.push_back(std::move(one));
    }
    document["classes"] = std::move(classes);
    document["one_class"] = {{"log_likelihood", result.one_class_log_likelihood}, {"bic", result.one_class_bic}};
  }
  if (result.k > 0) {
    document["k"] = result.k;
    for (const auto& [k, log_likelihood] : result.tried)
      document["tried"].push_back({{"k", k}, {"log_likelihood", log_likelihood}});
  }
  if (result.spend) {
    document["spend"] = to_json(result.spend->spend);
    document["spend"]["customers"] = static_cast<std::int64_t>(result.spend->fit.n_customers);
    document["spend"]["log_likelihood"] = result.spend->fit.log_likelihood;
  }
  if (result.margin) document["margin"] = *result.margin;
  if (result.charge) document["charge"] = *result.charge;
  if (result.selection) document["selection"] = json_of(*result.selection);
  for (const SegmentFit& segment : result.segments) {
    Json entry{{"name", segment.name}, {"customers", segment.n_customers}};
    if (result.charge) entry["churned"] = segment.n_churned;
    if (segment.fit) {
      entry["model"] = segment.model;
      for (std::size_t i = 0; i < segment.fit->names.size(); ++i) {
        entry["parameters"][segment.fit->names[i]] = segment.fit->parameters[i];
        entry["standard_errors"][segment.fit->names[i]] = segment.fit->standard_errors[i];
      }
      entry["log_likelihood"] = segment.fit->log_likelihood;
    } else {
      entry["refused"] = segment.note;
    }
    if (segment.selection) entry["selection"] = json_of(*segment.selection);
    document["segments"].push_back(std::move(entry));
  }
  document["notes"] = result.notes;
  return document;
}

std::string text_of(const BehaviourFit& result, const StoreInfo& store) {
  const LikelihoodFit& fit = result.fit;
  const std::string_view who = result.charge ? "contracts" : "customers";
  const int width = result.classes.empty() ? 12 : 16;
  std::string text = result.selection ? text_of(*result.selection) : std::string();
  text += fmt::format("{} from {} {} ({} different histories), in {}s\n\n{:<{}}{:>16}{:>16}", result.model,
                      with_separators(static_cast<std::int64_t>(fit.n_customers)), who, with_separators(fit.n_unique),
                      name_of(store.unit), "parameter", width, "estimate", "std. error");
  const std::vector<double> deviations = fit.draw_deviations();
  text += fit.n_draws() > 0 ? fmt::format("{:>16}\n", "bootstrap s.d.") : "\n";
  const std::size_t n_listed = result.classes.empty() ? n_own_parameters(result) : fit.names.size();
  for (std::size_t i = 0; i < n_listed; ++i) {
    text += fmt::format("{:<{}}{:>16.7g}{:>16.5g}", fit.names[i], width, fit.parameters[i], fit.standard_errors[i]);
    text += fit.n_draws() > 0 ? fmt::format("{:>16.5g}\n", deviations[i]) : "\n";
  }
  for (std::size_t c = 0; c <= result.classes.size() && !result.classes.empty(); ++c)
    text += fmt::format("{}class {}: {:.4f} of the customers", c == 0 ? "" : ", ", c + 1, class_share(result, c));
  if (!result.classes.empty())
    text += fmt::format("\nwith one class: log-likelihood {:.6f}, BIC {:.3f}\n", result.one_class_log_likelihood,
                        result.one_class_bic);
  if (!result.covariates.empty())
    text += fmt::format("\n{:<22}{:<16}{:>12}{:>12}{:>12}{:>10}\n", "covariate", "effect on", "effect", "std. error",
                        "centre", "scale");
  for (const FittedEffect& effect : effects_of(result))
    text += fmt::format("{:<22}{:<16}{:>12.5g}{:>12.4g}{:>12.5g}{:>10g}\n", effect.covariate->name, effect.on,
                        effect.value, effect.error, effect.covariate->centre, effect.covariate->scale);
  if (fit.n_draws() > 0) text += fmt::format("{} draws of the parameters, by Bayesian bootstrap\n", fit.n_draws());
  text += fmt::format("\nlog-likelihood {:.6f}, AIC {:.3f}, BIC {:.3f}\n", fit.log_likelihood, fit.aic, fit.bic);
  text += fmt::format("maximum: gradient norm {:.1e}, could rise by {:.1e}; condition {:.3g}; {} of {} starts agree\n",
                      fit.gradient_norm, fit.remaining, fit.condition, fit.n_agreeing, fit.n_starts);
  if (result.k > 0) {
    text += fmt::format("k = {} of log-likelihoods", result.k);
    for (const auto& [k, log_likelihood] : result.tried) text += fmt::format(" {:.2f} ({})", log_likelihood, k);
    text += '\n';
  }
  if (result.spend) {
    const PurchaseSpend& spend = result.spend->spend;
    text += fmt::format("spend of {} customers with repeat purchases: {}",
                        with_separators(static_cast<std::int64_t>(result.spend->fit.n_customers)), name_of(spend.kind));
    const std::vector<double> parameters = spend.parameters();
    for (std::size_t i = 0; i < parameters.size() && result.classes.empty(); ++i)
      text += fmt::format("{} {} {:.6g}", i == 0 ? "" : ",", spend.parameter_names()[i], parameters[i]);
    if (spend.kind == SpendLaw::log_normal) text += fmt::format(", smearing {:.6g}", spend.smearing);
    text += fmt::format("; mean of a new customer {:.4f}\n", new_customer_spend(result));
    if (spend.zero_share > 0) text += fmt::format("free purchases: {:.4f} of all\n", spend.zero_share);
    if (spend.refund_rate > 0)
      text += fmt::format("refunds: {:.4f} a purchase, {:.4f} times as large\n", spend.refund_rate, spend.refund_ratio);
  }
  if (!result.segments.empty()) {
    text += fmt::format("\n{:<22}{:>10}{:>10}{:>14}  parameters (std. error)\n", "segment", who,
                        result.charge ? "churned" : "", "log-lik.");
    for (const SegmentFit& segment : result.segments) {
      text +=
          fmt::format("{:<22}{:>10}{:>10}", segment.name.empty() ? "(none)" : segment.name,
                      with_separators(segment.n_customers), result.charge ? with_separators(segment.n_churned) : "");
      if (!segment.fit) {
        text += fmt::format("{:>14}  of all\n", "");
        continue;
      }
      text += fmt::format("{:>14.3f}  {}", segment.fit->log_likelihood, segment.model);
      for (std::size_t i = 0; i < segment.fit->names.size(); ++i)
        text += fmt::format("{} {} {:.5g} ({:.2g})", i == 0 ? ":" : ",", segment.fit->names[i],
                            segment.fit->parameters[i], segment.fit->standard_errors[i]);
      text += '\n';
    }
    text += '\n';
  }
  if (result.charge) text += fmt::format("charge of a new contract, the mean of the book: {:.4f}\n", *result.charge);
  if (result.margin) text += fmt::format("margin from the log's costs: {:.4f}\n", *result.margin);
  for (const std::string& note : result.notes) text += fmt::format("note: {}\n", note);
  if (result.n_left_out > 0)
    text += fmt::format("note: {} customers without {} are left out\n", with_separators(result.n_left_out),
                        result.model == "gamma_gamma" ? "a positive repeat purchase" : "a purchase");
  return text;
}

}  // namespace clvsim::cli
