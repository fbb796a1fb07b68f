// The file of a model with a likelihood, and which kind of model a file holds.
#include <clvsim/behaviour_model.hpp>

#include "host/base/text.hpp"
#include "host/base/toml_file.hpp"
#include "host/math/special.hpp"
#include "host/model/model_file.hpp"
#include "host/model/purchase_model.hpp"

#include <clvsim/contract_models.hpp>
#include <clvsim/error.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <set>

namespace clvsim {
namespace {

constexpr std::array<std::string_view, 3> gamma_gamma_names{"p", "q", "gamma"};
constexpr std::array<std::string_view, 3> spend_laws{"gamma_gamma", "log_normal", "none"};
constexpr int most_regular = 16;

bool has_k(const std::string& model) { return model == "bg_cnbd_k" || model == "mbg_cnbd_k"; }

std::span<const std::string_view> names_of(const BehaviourModel& model) {
  if (model.model == "gamma_gamma") return gamma_gamma_names;
  if (is_contract_model(model.model)) return make_contract_model(model.model)->parameter_names();
  // The names stay where they are when the model is gone.
  return make_purchase_model(model.model, model.k)->parameter_names();
}

std::span<const std::string_view> names_of(const BehaviourModel& model, const ModelSegment& segment) {
  return is_contract_model(segment.model) ? make_contract_model(segment.model)->parameter_names() : names_of(model);
}

std::string number(double value) { return value == 0 ? "0" : fmt::format("{}", value); }

using Names = std::span<const std::string_view>;

void check_parameters(const std::vector<double>& parameters, const std::optional<FitRecord>& fit, Names names,
                      const std::string& model, const std::string& prefix, std::size_t n_effects = 0) {
  if (parameters.size() != names.size())
    throw ConfigError(fmt::format("[{}parameters] has {} numbers; {} has {}: {}", prefix, parameters.size(), model,
                                  names.size(), fmt::join(names, ", ")));
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (!(parameters[i] > 0) || !std::isfinite(parameters[i]))
      throw ConfigError(fmt::format("[{}parameters] {} is {}: must be above 0", prefix, names[i], parameters[i]));
  }
  const std::size_t n = names.size() + n_effects;
  if (fit && fit->log_covariance.size() != n * n)
    throw ConfigError(fmt::format("[{}fit] log_covariance has {} numbers; {} parameters have {}", prefix,
                                  fit->log_covariance.size(), n, n * n));
}

// Draws of `width` parameters each, as many as the model's others.
void check_draws(const std::vector<double>& draws, std::size_t width, std::size_t wanted, const char* where) {
  if (draws.size() != wanted * width)
    throw ConfigError(
        fmt::format("{} draws has {} numbers; {} draws of {} parameters have {}: [fit], [spend] and every "
                    "[segment.fit] have as many draws",
                    where, draws.size(), wanted, width, wanted * width));
  for (std::size_t i = 0; i < draws.size(); ++i)
    if (!(draws[i] > 0) || !std::isfinite(draws[i]))
      throw ConfigError(fmt::format("{} draws has {} in draw {}: must be above 0", where, draws[i], i / width));
}

void check_draws(const BehaviourModel& model) {
  const std::size_t width = all_parameters(model).size();
  const std::size_t n = model.fit ? model.fit->draws.size() / width : 0;
  if (model.fit) check_draws(model.fit->draws, width, n, "[fit]");
  if (model.spend && model.classes.empty()) {
    check_draws(model.spend->draws, 3, n, "[spend]");
    for (std::size_t d = 0; d < n && model.spend->kind == SpendLaw::gamma_gamma; ++d)
      if (!(model.spend->draws[3 * d + 1] > 1))
        throw ConfigError(
            fmt::format("[spend] draws has q = {} in draw {}: must be above 1, at which the mean spend of "
                        "a new customer is infinite",
                        model.spend->draws[3 * d + 1], d));
  }
  for (const ModelSegment& segment : model.segments)
    check_draws(segment.fit ? segment.fit->draws : std::vector<double>{}, segment.parameters.size(), n,
                "[segment.fit]");
}

std::vector<double> read_parameters(const TomlTable& of, Names names) {
  const TomlTable table = of.table("parameters");
  std::vector<double> parameters;
  for (const std::string_view name : names) parameters.push_back(table.number(name));
  return parameters;
}

std::vector<double> read_numbers(const TomlTable& table, Names names) {
  std::vector<double> numbers;
  for (const std::string_view name : names) numbers.push_back(table.number(name));
  return numbers;
}

std::vector<ModelClass> read_classes(const TomlTable& root, const BehaviourModel& model, Names names) {
  std::vector<ModelClass> classes;
  if (!root.has("class")) return classes;
  for (const TomlTable& table : root.tables("class")) {
    if (!model.spend) table.fail("", "has a spend of its own, which a model without [spend] has not; give it one");
    ModelClass& one = classes.emplace_back();
    one.odds = table.number("odds");
    one.parameters = read_numbers(table.table("parameters"), names);
    one.spend = read_numbers(table.table("spend"), model.spend->parameter_names());
  }
  return classes;
}

void check_classes(const BehaviourModel& model, Names names) {
  if (model.classes.empty()) return;
  if (model.classes.size() >= most_classes)
    throw ConfigError(fmt::format("{} [[class]] are more than the {} that a model may have beyond the first",
                                  model.classes.size(), most_classes - 1));
  if (!model.spend || model.spend->kind != SpendLaw::gamma_gamma)
    throw ConfigError("[[class]] is of models of purchases with a gamma_gamma [spend]");
  if (!model.segments.empty() || !model.covariates.empty())
    throw ConfigError("a model has [[class]], [[segment]] or [[covariate]], not two of them");
  const auto refuse = [](const std::string& key, double value, const char* rule) {
    throw ConfigError(fmt::format("[[class]] {} is {}: must be {}", key, value, rule));
  };
  for (const ModelClass& one : model.classes) {
    if (!(one.odds > 0) || !std::isfinite(one.odds)) refuse("odds", one.odds, "above 0");
    if (one.parameters.size() != names.size() || one.spend.size() != 3)
      throw ConfigError(fmt::format("[[class]] has {} parameters and {} of its spend; {} has {} and 3",
                                    one.parameters.size(), one.spend.size(), model.model, names.size()));
    for (std::size_t i = 0; i < names.size(); ++i)
      if (!(one.parameters[i] > 0) || !std::isfinite(one.parameters[i]))
        refuse(std::string(names[i]), one.parameters[i], "above 0");
    for (std::size_t i = 0; i < 3; ++i)
      if (!(one.spend[i] > (i == 1 ? 1 : 0)) || !std::isfinite(one.spend[i]))
        refuse(std::string(model.spend->parameter_names()[i]), one.spend[i],
               i == 1 ? "above 1: at q <= 1 the mean spend of a new customer is infinite" : "above 0");
  }
}

std::string text_of_classes(const BehaviourModel& model, Names names) {
  std::string text;
  std::size_t at = names.size() + 3;  // of all_parameters()
  const std::size_t n = all_parameters(model).size();
  const auto line = [&](std::string_view name, double value) {
    text += fmt::format("{} = {}", name, value);
    if (model.fit)
      text += fmt::format("  # standard error {:.4g}", value * std::sqrt(model.fit->log_covariance[at * n + at]));
    text += '\n';
    ++at;
  };
  for (const ModelClass& one : model.classes) {
    at += names.size() + 3;
    text += "\n# A class of customers beyond the first; odds: customers of it for one of the first.\n[[class]]\n";
    line("odds", one.odds);
    at -= names.size() + 4;
    text += "\n[class.parameters]\n";
    for (std::size_t i = 0; i < names.size(); ++i) line(names[i], one.parameters[i]);
    text += "\n[class.spend]\n";
    for (std::size_t i = 0; i < 3; ++i) line(model.spend->parameter_names()[i], one.spend[i]);
    ++at;
  }
  return text;
}

std::vector<ModelCovariate> read_covariates(const TomlTable& root, std::span<const CovariateEffect> effects) {
  std::vector<ModelCovariate> covariates;
  if (!root.has("covariate")) return covariates;
  for (const TomlTable& table : root.tables("covariate")) {
    ModelCovariate& covariate = covariates.emplace_back();
    covariate.name = table.string("name");
    covariate.centre = table.optional_number("centre").value_or(0);
    covariate.scale = table.optional_number("scale").value_or(1);
    const TomlTable of = table.table("effects");
    for (const CovariateEffect& effect : effects) covariate.effects.push_back(of.number(effect.name));
  }
  return covariates;
}

void check_covariates(const BehaviourModel& model) {
  if (model.covariates.size() > most_covariates)
    throw ConfigError(fmt::format("{} covariates are more than the {} that a model may have", model.covariates.size(),
                                  most_covariates));
  if (!model.covariates.empty() && !model.segments.empty())
    throw ConfigError("a model has [[covariate]] or [[segment]], not both: give a segment as covariates of 0 and 1");
  const auto effects = covariate_effects(model);
  if (!model.covariates.empty() && effects.empty())
    throw ConfigError(fmt::format("{} has no [[covariate]]", model.model));
  constexpr double most_effect = 16;  // a factor of e^16 a unit
  std::set<std::string> seen;
  for (const ModelCovariate& covariate : model.covariates) {
    const auto refuse = [&](std::string_view key, double value, const char* rule) {
      throw ConfigError(fmt::format("[[covariate]] \"{}\" has {} = {}: must be {}", covariate.name, key, value, rule));
    };
    if (covariate.name.empty() || !seen.insert(covariate.name).second)
      throw ConfigError(
          fmt::format("[[covariate]] name \"{}\" is empty or stands twice; give every covariate once", covariate.name));
    if (!std::isfinite(covariate.centre)) refuse("centre", covariate.centre, "finite");
    if (!(covariate.scale > 0) || !std::isfinite(covariate.scale)) refuse("scale", covariate.scale, "above 0");
    if (covariate.effects.size() != effects.size())
      throw ConfigError(fmt::format("[[covariate]] \"{}\" has {} effects; {} has {}", covariate.name,
                                    covariate.effects.size(), model.model, effects.size()));
    for (std::size_t e = 0; e < effects.size(); ++e)
      if (!(std::abs(covariate.effects[e]) <= most_effect))
        refuse(effects[e].name, covariate.effects[e], "in -16 to 16; choose another scale");
  }
}

std::string text_of_covariates(const BehaviourModel& model) {
  const auto effects = covariate_effects(model);
  std::size_t at = model.parameters.size();
  const std::size_t n = at + model.covariates.size() * effects.size();
  std::string text;
  for (const ModelCovariate& covariate : model.covariates) {
    text += fmt::format(
        "\n# z = (value - centre) / scale; what an effect is on is multiplied by exp(effect z).\n"
        "[[covariate]]\nname = {}\ncentre = {}\nscale = {}\n\n[covariate.effects]\n",
        toml_string(covariate.name), number(covariate.centre), covariate.scale);
    for (std::size_t e = 0; e < effects.size(); ++e, ++at)
      text += fmt::format(
          "{} = {}{}\n", effects[e].name, number(covariate.effects[e]),
          model.fit ? fmt::format("  # standard error {:.4g}", std::sqrt(model.fit->log_covariance[at * n + at])) : "");
  }
  return text;
}

std::optional<FitRecord> read_fit(const TomlTable& of) {
  const auto table = of.optional_table("fit");
  if (!table) return {};
  FitRecord fit;
  fit.log_likelihood = table->number("log_likelihood");
  fit.aic = table->number("aic");
  fit.bic = table->number("bic");
  fit.gradient_norm = table->number("gradient_norm", 0);
  fit.condition = table->number("condition", 0);
  fit.log_covariance = table->numbers("log_covariance");
  fit.draws = table->optional_numbers("draws").value_or(std::vector<double>{});
  return fit;
}

std::string text_of(const std::vector<double>& parameters, const std::optional<FitRecord>& fit, Names names,
                    const std::string& prefix, std::size_t n_effects = 0) {
  const std::size_t n = names.size() + n_effects;
  std::string text = fmt::format("\n[{}parameters]\n", prefix);
  for (std::size_t i = 0; i < names.size(); ++i) {
    text += fmt::format("{} = {}", names[i], parameters[i]);
    text += fit ? fmt::format("  # standard error {:.4g}\n", parameters[i] * std::sqrt(fit->log_covariance[i * n + i]))
                : "\n";
  }
  return text;
}

std::string text_of_draws(const std::vector<double>& draws, std::size_t width) {
  if (draws.empty()) return "";
  std::string text = "# Draws of the parameters by Bayesian bootstrap, one a line.\ndraws = [\n";
  for (std::size_t first = 0; first < draws.size(); first += width)
    text += fmt::format("  {},\n", fmt::join(std::span(draws).subspan(first, width), ", "));
  return text + "]\n";
}

std::string text_of(const FitRecord& fit, std::size_t n_parameters, const std::string& prefix) {
  return fmt::format(
             "\n[{}fit]\nlog_likelihood = {}\naic = {}\nbic = {}\ngradient_norm = {}\ncondition = {}\n"
             "# Covariance of the logarithms of the parameters, row by row.\nlog_covariance = [{}]\n",
             prefix, fit.log_likelihood, fit.aic, fit.bic, fit.gradient_norm, fit.condition,
             fmt::join(fit.log_covariance, ", ")) +
         text_of_draws(fit.draws, n_parameters);
}

void check_spend(const PurchaseSpend& spend) {
  const auto refuse = [](const char* key, double value, const char* rule) {
    throw ConfigError(fmt::format("[spend] {} is {}: must be {}", key, value, rule));
  };
  const std::vector<double> parameters = spend.parameters();
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const std::string name(spend.parameter_names()[i]);
    const bool has_mean = spend.kind != SpendLaw::gamma_gamma || name != "q";
    if (!(parameters[i] > (has_mean ? 0 : 1)) || !std::isfinite(parameters[i]))
      refuse(name.c_str(), parameters[i],
             has_mean ? "above 0" : "above 1: at q <= 1 the mean spend of a new customer is infinite");
  }
  if (!(spend.smearing > 0) || !std::isfinite(spend.smearing)) refuse("smearing", spend.smearing, "above 0");
  if (!(spend.zero_share >= 0 && spend.zero_share < 1)) refuse("zero_share", spend.zero_share, "in 0 to 1, 1 excluded");
  if (!(spend.refund_rate >= 0 && spend.refund_rate <= 1)) refuse("refund_rate", spend.refund_rate, "in 0 to 1");
  if (!(spend.refund_ratio > 0) || !std::isfinite(spend.refund_ratio))
    refuse("refund_ratio", spend.refund_ratio, "above 0");
  if (!spend.log_covariance.empty() && spend.log_covariance.size() != 9)
    throw ConfigError(
        fmt::format("[spend] log_covariance has {} numbers; three parameters have 9", spend.log_covariance.size()));
}

PurchaseSpend read_spend(const TomlTable& table) {
  PurchaseSpend spend;
  const std::string law = table.string("model");
  if (law == name_of(SpendLaw::log_normal)) {
    spend.kind = SpendLaw::log_normal;
    spend.smearing = table.optional_number("smearing").value_or(1);
  } else if (law != name_of(SpendLaw::gamma_gamma)) {
    table.fail("model", fmt::format("is \"{}\"; there are \"gamma_gamma\" and \"log_normal\"", law));
  }
  std::vector<double> parameters;
  for (const std::string_view name : spend.parameter_names()) parameters.push_back(table.number(name));
  spend.set_parameters(parameters);
  spend.zero_share = table.optional_number("zero_share").value_or(0);
  spend.refund_rate = table.optional_number("refund_rate").value_or(0);
  spend.refund_ratio = table.optional_number("refund_ratio").value_or(1);
  spend.log_covariance = table.optional_numbers("log_covariance").value_or(std::vector<double>{});
  spend.draws = table.optional_numbers("draws").value_or(std::vector<double>{});
  return spend;
}

BehaviourModel behaviour_of(const TomlFile& file) {
  const TomlTable root = file.root();
  check_format(root);
  BehaviourModel model;
  model.model = root.string("model");
  if (has_k(model.model)) model.k = static_cast<int>(root.integer("k", 1, most_regular));
  read_heading(root, model.unit, model.currency);
  model.margin = root.optional_number("margin");
  if (const auto fitted = root.optional_table("fitted")) {
    model.fitted_from_digest = fitted->optional_string("store_digest").value_or("");
    model.n_customers = fitted->optional_integer("customers", 0).value_or(0);
  }
  std::span<const std::string_view> names;
  try {
    names = names_of(model);
  } catch (const ConfigError& error) {
    root.fail("model", error.what());
  }
  model.parameters = read_parameters(root, names);
  model.fit = read_fit(root);
  model.covariates = read_covariates(root, covariate_effects(model));
  const bool contracts = is_contract_model(model.model);
  if (contracts) {
    model.charge = root.optional_number("charge");
  } else if (const auto table = root.optional_table("spend")) {
    model.spend = read_spend(*table);
  }
  model.classes = read_classes(root, model, names);
  if (root.has("segment"))
    for (const TomlTable& table : root.tables("segment")) {
      ModelSegment& segment = model.segments.emplace_back();
      segment.name = table.string("name");
      segment.model = contracts ? table.optional_string("model").value_or(model.model) : model.model;
      if (contracts && !is_contract_model(segment.model))
        table.fail("model", fmt::format("is \"{}\", which is no model of contracts; there is: {}", segment.model,
                                        fmt::join(contract_models(), ", ")));
      segment.n_customers = table.optional_integer("customers", 0).value_or(0);
      segment.parameters = read_parameters(table, names_of(model, segment));
      segment.fit = read_fit(table);
    }
  file.finish();
  try {
    check(model);
  } catch (const ConfigError& error) {
    throw ConfigError(fmt::format("{}: {}", root.where(), error.what()));
  }
  return model;
}

}  // namespace

std::string_view name_of(SpendLaw law) { return spend_laws[static_cast<std::size_t>(law)]; }
SpendLaw spend_law(std::string_view name) {
  const auto found = std::find(spend_laws.begin(), spend_laws.end(), name);
  if (found == spend_laws.end())
    throw ConfigError(
        fmt::format("there is no law of spend '{}'; choose one of {}", name, fmt::join(spend_laws, ", ")));
  return static_cast<SpendLaw>(found - spend_laws.begin());
}

std::vector<double> PurchaseSpend::parameters() const {
  if (kind == SpendLaw::log_normal) return {log_normal.median, log_normal.between_sd, log_normal.within_sd};
  return {law.p, law.q, law.gamma};
}
void PurchaseSpend::set_parameters(std::span<const double> parameters) {
  if (kind == SpendLaw::log_normal) {
    log_normal = {parameters[0], parameters[1], parameters[2]};
  } else {
    law = {parameters[0], parameters[1], parameters[2]};
  }
}
std::span<const std::string_view> PurchaseSpend::parameter_names() const {
  static constexpr std::array<std::string_view, 3> of_log_normal{"median", "between_sd", "within_sd"};
  return kind == SpendLaw::log_normal ? std::span<const std::string_view>(of_log_normal) : gamma_gamma_names;
}

double PurchaseSpend::expected(const SpendHistory& history) const {
  const double positive = kind == SpendLaw::log_normal ? smearing * log_normal.expected_spend(history)
                                                       : law.expected_spend(history.x, history.mean);
  return (1 - zero_share - refund_rate * refund_ratio) * positive;
}

std::span<const CovariateEffect> covariate_effects(const BehaviourModel& model) {
  if (model.model == "gamma_gamma") return {};
  if (is_contract_model(model.model)) return make_contract_model(model.model)->covariate_effects();
  // They stay where they are when the model is gone.
  return make_purchase_model(model.model, model.k)->covariate_effects();
}

std::vector<double> all_parameters(const BehaviourModel& model) {
  std::vector<double> all = model.parameters;
  for (const ModelCovariate& covariate : model.covariates)
    for (const double effect : covariate.effects) all.push_back(portable_exp(effect));
  if (model.classes.empty() || !model.spend) return all;
  const std::vector<double> spend = model.spend->parameters();
  all.insert(all.end(), spend.begin(), spend.end());
  for (const ModelClass& one : model.classes) {
    all.insert(all.end(), one.parameters.begin(), one.parameters.end());
    all.insert(all.end(), one.spend.begin(), one.spend.end());
    all.push_back(one.odds);
  }
  return all;
}

CovariatesOf::CovariatesOf(const BehaviourModel& model, const StoreInfo& store) : covariates_(model.covariates) {
  for (const ModelCovariate& covariate : covariates_) {
    const auto found = std::find(store.covariates.begin(), store.covariates.end(), covariate.name);
    if (found == store.covariates.end())
      throw ConfigError(fmt::format(
          "the model {} knows customers by the covariate '{}', which the store has not; import the log with it "
          "(clvsim import --covariates {})",
          model.model, covariate.name, covariate.name));
    at_.push_back(static_cast<std::size_t>(found - store.covariates.begin()));
  }
}

std::vector<double> CovariatesOf::operator()(const CustomerBatch& batch, std::size_t i) const {
  std::vector<double> z;
  for (std::size_t k = 0; k < at_.size(); ++k)
    z.push_back((batch.covariates[at_[k]][i] - covariates_[k].centre) / covariates_[k].scale);
  return z;
}

bool is_contract_model(std::string_view model) {
  const auto names = contract_models();
  return std::find(names.begin(), names.end(), model) != names.end();
}

void check(const BehaviourModel& model) {
  const auto names = names_of(model);
  check_covariates(model);
  check_parameters(model.parameters, model.fit, names, model.model, "", all_parameters(model).size() - names.size());
  check_classes(model, names);
  constexpr double lowest_margin = -100;  // as of a chain: costs may exceed revenue
  if (model.margin && !(*model.margin >= lowest_margin && *model.margin <= 1))
    throw ConfigError(fmt::format("margin is {}: must be in -100 to 1, a share of revenue", *model.margin));
  if (model.spend) check_spend(*model.spend);
  const bool contracts = is_contract_model(model.model);
  if (contracts ? model.spend.has_value() : model.charge.has_value())
    throw ConfigError(fmt::format(
        "{} is a model of {}", model.model,
        contracts ? "contracts, which have a charge and no [spend]" : "purchases, which have a [spend] and no charge"));
  if (model.model == "gamma_gamma" && !model.segments.empty())
    throw ConfigError("gamma_gamma has no [[segment]]: spend is of all customers");
  if (model.charge && !(*model.charge >= 0 && std::isfinite(*model.charge)))
    throw ConfigError(fmt::format("charge is {}: must be at least 0", *model.charge));
  if (model.segments.size() > most_model_segments)
    throw ConfigError(fmt::format("{} segments are more than the {} that a model may have", model.segments.size(),
                                  most_model_segments));
  std::set<std::string> seen;
  for (const ModelSegment& segment : model.segments) {
    if (!seen.insert(segment.name).second)
      throw ConfigError(fmt::format("[[segment]] name \"{}\" stands twice; give every segment once", segment.name));
    if (contracts != is_contract_model(segment.model) || (!contracts && segment.model != model.model))
      throw ConfigError(
          fmt::format("[[segment]] \"{}\" has the model {}; a model of contracts has segments of contracts, "
                      "one of purchases has its own",
                      segment.name, segment.model));
    check_parameters(segment.parameters, segment.fit, names_of(model, segment), segment.model, "segment.");
  }
  check_draws(model);
}

std::string model_toml(const BehaviourModel& model) {
  check(model);
  const auto names = names_of(model);
  const std::size_t n_all = all_parameters(model).size();
  std::string text =
      "# A behaviour model with a likelihood. Written and read by clvsim (docs/formats/model.md); times are in "
      "periods.\n";
  text += fmt::format("format = \"clvsim-model\"\nversion = 1\nmodel = {}\n", toml_string(model.model));
  if (has_k(model.model)) text += fmt::format("k = {}  # Erlang phases between purchases\n", model.k);
  text += fmt::format("period = \"{}\"\ncurrency = {}\ndecimals = {}\n", name_of(model.unit),
                      toml_string(model.currency.code), model.currency.decimals);
  if (model.margin) text += fmt::format("margin = {}  # profit share of revenue\n", number(*model.margin));
  if (model.charge) text += fmt::format("charge = {}  # of a new contract, a period\n", number(*model.charge));
  if (!model.fitted_from_digest.empty() || model.n_customers > 0)
    text += fmt::format("\n[fitted]\nstore_digest = {}\ncustomers = {}\n", toml_string(model.fitted_from_digest),
                        model.n_customers);
  text += text_of(model.parameters, model.fit, names, "", n_all - names.size());
  text += text_of_covariates(model);
  if (model.spend) {
    const PurchaseSpend& spend = *model.spend;
    text +=
        spend.kind == SpendLaw::log_normal
            ? "\n# The logarithm of a positive purchase is normal around the customer's level, with within_sd; levels "
              "are "
              "normal\n# around ln(median), with between_sd; every amount is multiplied by smearing. Each purchase is"
            : "\n# A positive purchase is Gamma(p, nu), nu ~ Gamma(q, gamma) over customers, currency units. Each "
              "purchase is";
    text +=
        "\n# free with probability zero_share and followed by a refund, refund_ratio times a purchase, with "
        "refund_rate.\n";
    text += fmt::format("[spend]\nmodel = \"{}\"\n", name_of(spend.kind));
    const std::vector<double> parameters = spend.parameters();
    for (std::size_t i = 0; i < parameters.size(); ++i)
      text += fmt::format("{} = {}\n", spend.parameter_names()[i], parameters[i]);
    if (spend.kind == SpendLaw::log_normal) text += fmt::format("smearing = {}\n", number(spend.smearing));
    text += fmt::format("zero_share = {}\nrefund_rate = {}\nrefund_ratio = {}\n", number(spend.zero_share),
                        number(spend.refund_rate), spend.refund_ratio);
    if (!spend.log_covariance.empty())
      text +=
          fmt::format("# Covariance of the logarithms of the law's parameters, row by row.\nlog_covariance = [{}]\n",
                      fmt::join(spend.log_covariance, ", "));
    text += text_of_draws(spend.draws, 3);
  }
  text += text_of_classes(model, names);
  if (model.fit) text += text_of(*model.fit, n_all, "");
  for (const ModelSegment& segment : model.segments) {
    text += fmt::format("\n[[segment]]\nname = {}\n", toml_string(segment.name));
    if (segment.model != model.model) text += fmt::format("model = {}\n", toml_string(segment.model));
    if (segment.n_customers > 0) text += fmt::format("customers = {}\n", segment.n_customers);
    text += text_of(segment.parameters, segment.fit, names_of(model, segment), "segment.");
    if (segment.fit) text += text_of(*segment.fit, segment.parameters.size(), "segment.");
  }
  return text;
}

AnyModel parse_any_model(std::string_view text, const std::string& name) {
  const TomlFile file = TomlFile::parse(text, name);
  if (is_chain(file.root())) return chain_of(file);
  return behaviour_of(file);
}

AnyModel read_any_model(const std::filesystem::path& path) {
  const TomlFile file(path);
  if (is_chain(file.root())) return chain_of(file);
  return behaviour_of(file);
}

}  // namespace clvsim
