#include "host/fit/behaviour_fit.hpp"

#include "host/base/output_file.hpp"
#include "host/base/toml_file.hpp"
#include "host/fit/class_fit.hpp"
#include "host/fit/margin.hpp"
#include "host/math/special.hpp"
#include "host/model/histories.hpp"
#include "host/run/chain_tables.hpp"

#include <clvsim/error.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <exception>

namespace clvsim {
namespace {

constexpr std::array<std::string_view, 7> model_names{"pareto_nbd", "bg_nbd", "mbg_nbd",    "bg_cnbd_k",
                                                      "mbg_cnbd_k", "bg_bb",  "gamma_gamma"};
constexpr int most_regular = 6;

BatchSource source_of(const StoreReader& store) {
  return [&store](const BatchSink& sink) { for_batches(store, sink); };
}

template <class Visit>
void for_customers(const BatchSource& source, const Visit& visit) {
  source([&](const CustomerBatch& batch) {
    for (std::size_t i = 0; i < batch.size(); ++i)
      if (batch.n_purchase_days[i] > 0) visit(batch, i);
  });
}

// Histories, and whose they are.
template <class History>
struct Observed {
  std::vector<History> histories;
  std::vector<std::uint64_t> customers;

  void add(const History& history, const CustomerBatch& batch, std::size_t i) {
    histories.push_back(history);
    customers.push_back(batch.key_hash[i]);
  }
  // A bootstrap's weights are these customers'.
  [[nodiscard]] LikelihoodFitOptions with_customers(LikelihoodFitOptions options) const {
    options.bootstrap.customers = customers;
    return options;
  }
};

Observed<SpendHistory> positive_repeats(const BatchSource& source, int decimals) {
  const double minor_units = minor_units_per_unit(decimals);
  Observed<SpendHistory> observed;
  for_customers(source, [&](const CustomerBatch& batch, std::size_t i) {
    const SpendHistory history = spend_history(batch, i, minor_units);
    if (history.x > 0) observed.add(history, batch, i);
  });
  return observed;
}

// What a fit asks of a customer besides its history.
struct Besides {
  std::vector<std::uint32_t>* segments = nullptr;
  FitCovariates* covariates = nullptr;
  std::vector<SpendHistory>* spend = nullptr;
  double minor_units = 1;

  void add(const CustomerBatch& batch, std::size_t i) const {
    if (segments != nullptr) segments->push_back(batch.segment[i]);
    if (covariates != nullptr) covariates->add(batch, i);
    if (spend != nullptr) spend->push_back(spend_history(batch, i, minor_units));
  }
};

Observed<PurchaseHistory> purchases_of(const StoreReader& store, const Besides& besides = {}) {
  const double days = days_of(store.info().unit);
  Observed<PurchaseHistory> observed;
  for_customers(source_of(store), [&](const CustomerBatch& batch, std::size_t i) {
    observed.add(purchase_history(batch, i, days, true), batch, i);
    besides.add(batch, i);
  });
  return observed;
}

// Times are opportunities. Throws DataError where one does not hold all that was bought in it.
Observed<PurchaseHistory> opportunities_of(const StoreReader& store, const Besides& besides) {
  const PeriodGrid grid(store.info().observation_end, store.info().unit);
  Observed<PurchaseHistory> observed;
  std::int64_t n_crowded = 0;
  for_customers(source_of(store), [&](const CustomerBatch& batch, std::size_t i) {
    n_crowded += crowded(batch, i, grid) ? 1 : 0;
    observed.add(opportunity_history(batch, i, grid), batch, i);
    besides.add(batch, i);
  });
  if (n_crowded > 0)
    throw DataError(fmt::format(
        "{} of {} customers bought more than once in a {}, and bg_bb knows one purchase at an opportunity; import the "
        "log with a shorter --unit, or take a model of any number of purchases (pareto_nbd, mbg_nbd)",
        n_crowded, observed.histories.size(), name_of(store.info().unit)));
  return observed;
}

// Where two logarithms are so correlated, as s and beta of short logs are, their normal law is a poor one.
void note_uncertainty(const LikelihoodFit& fit, std::vector<std::string>& notes) {
  if (fit.n_limiting_draws > 0)
    notes.push_back(fmt::format(
        "{} of the {} fits of the bootstrap of {} have no maximum of their own: they are draws of a limit of the model",
        fit.n_limiting_draws, fit.n_draws(), fit.model));
  constexpr double poor = 0.95;
  const LikelihoodFit::Correlated most = fit.most_correlated();
  if (std::abs(most.correlation) < poor || fit.n_draws() > 0) return;
  notes.push_back(
      fmt::format("ln({}) and ln({}) are correlated by {:.3f}: the data hardly tell them apart, and the normal law of "
                  "their errors is poor; for draws of the parameters fit with --uncertainty bootstrap",
                  fit.names[most.first], fit.names[most.second], most.correlation));
}

void add_spend(const StoreReader& store, SpendLaw law, const LikelihoodFitOptions& options, BehaviourFit& result) {
  if (law == SpendLaw::none) return;
  try {
    result.spend = fit_spend(source_of(store), law, store.info().currency.decimals, options);
  } catch (const DataError& error) {
    throw DataError(fmt::format("the spend of {}: {}; or leave spend out (--spend none)", result.model, error.what()));
  } catch (const ModelError& error) {
    throw ModelError(fmt::format("the spend of {}: {}; or leave spend out (--spend none)", result.model, error.what()));
  }
  MarginSums sums;
  for_batches(store, [&](const CustomerBatch& batch) { sums.add(batch); });
  result.margin = sums.margin(result.notes);
}

// Each segment on its own; of bg_cnbd_k and mbg_cnbd_k with the k of all.
void add_segments(const StoreInfo& store, const Observed<PurchaseHistory>& observed,
                  const std::vector<std::uint32_t>& segment_of, const LikelihoodFitOptions& options,
                  BehaviourFit& result) {
  std::vector<Observed<PurchaseHistory>> segments(store.segments.size());
  for (std::size_t i = 0; i < segment_of.size(); ++i) {
    segments[segment_of[i]].histories.push_back(observed.histories[i]);
    segments[segment_of[i]].customers.push_back(observed.customers[i]);
  }
  const auto model = make_purchase_model(result.model, std::max(result.k, 1));
  for (std::size_t s = 0; s < segments.size(); ++s) {
    const Observed<PurchaseHistory>& own = segments[s];
    if (own.histories.empty()) continue;
    SegmentFit& segment = result.segments.emplace_back();
    segment.name = store.segments[s];
    segment.n_customers = static_cast<std::int64_t>(own.histories.size());
    segment.model = result.model;
    const auto refused = [&](const char* why) {
      segment.note = fmt::format("has the parameters of all: {}", why);
      result.notes.push_back(fmt::format("segment '{}' {}", segment.name, segment.note));
    };
    try {
      segment.fit = fit_purchase_model(*model, own.histories, own.with_customers(options));
    } catch (const DataError& error) {
      refused(error.what());
    } catch (const ModelError& error) {
      refused(error.what());
    }
  }
}

// Of every regularity k that has a maximum the one with the highest likelihood.
void fit_regular(std::string_view model, std::span<const PurchaseHistory> histories,
                 const LikelihoodFitOptions& options, const CovariateTable& covariates, BehaviourFit& result) {
  std::exception_ptr refusal;
  LikelihoodFitOptions without_bootstrap = options;
  without_bootstrap.bootstrap = {};
  for (int k = 1; k <= most_regular; ++k) {
    try {
      LikelihoodFit fit = fit_purchase_model(*make_purchase_model(model, k), covariates, histories, without_bootstrap);
      result.tried.emplace_back(k, fit.log_likelihood);
      if (result.k > 0 && fit.log_likelihood <= result.fit.log_likelihood) continue;
      result.k = k;
      result.fit = std::move(fit);
    } catch (const ModelError&) {
      refusal = std::current_exception();
    }
  }
  if (result.k == 0) std::rethrow_exception(refusal);
  if (options.bootstrap.n_draws > 0)
    result.fit = fit_purchase_model(*make_purchase_model(model, result.k), covariates, histories, options);
}

void check_classes(std::size_t n_classes, std::string_view model, SpendLaw spend, bool by_segment, bool covariates) {
  if (n_classes == 1) return;
  if (n_classes < 1 || n_classes > most_classes)
    throw ConfigError(fmt::format("--classes {} is not possible; give 1 to {}", n_classes, most_classes));
  if (model == "gamma_gamma" || spend != SpendLaw::gamma_gamma)
    throw ConfigError(
        "--classes needs a model of purchases and --spend gamma_gamma (the default), by which the classes differ; "
        "change "
        "these, or leave --classes out");
  if (by_segment || covariates)
    throw ConfigError("--classes, --by-segment and --covariates: a model has one of them; leave the others out");
}

// Purchases and spend together, from what was fitted to each of them.
void add_classes(const Observed<PurchaseHistory>& observed, const std::vector<SpendHistory>& spend,
                 std::size_t n_classes, const LikelihoodFitOptions& options, BehaviourFit& result) {
  const auto model = make_purchase_model(result.model, std::max(result.k, 1));
  std::vector<JointHistory> joint;
  for (std::size_t i = 0; i < spend.size(); ++i) joint.push_back({observed.histories[i], spend[i]});
  const LikelihoodFit &purchases = result.fit, &amounts = result.spend->fit;
  const auto n = static_cast<double>(purchases.parameters.size() + amounts.parameters.size());
  result.one_class_log_likelihood = purchases.log_likelihood + amounts.log_likelihood;
  result.one_class_bic = n * portable_log(purchases.n_customers) - 2 * result.one_class_log_likelihood;
  LikelihoodFit fit =
      fit_classes(*model, n_classes, joint, purchases, result.spend->spend.law, observed.with_customers(options));
  result.classes = classes_of(fit, model->n_parameters());
  result.spend->spend.set_parameters(std::span(fit.parameters).subspan(model->n_parameters(), ClassLayout::n_spend));
  result.fit = std::move(fit);
  if (result.fit.bic > result.one_class_bic)
    result.notes.push_back(fmt::format(
        "{} classes have the higher BIC, {:.3f} against {:.3f} of one: what customers spend hardly says how they buy",
        n_classes, result.fit.bic, result.one_class_bic));
}

FitRecord record_of(const LikelihoodFit& fit) {
  return {fit.log_likelihood, fit.aic, fit.bic, fit.gradient_norm, fit.condition, fit.log_covariance, fit.draws};
}

}  // namespace

std::vector<PurchaseHistory> purchase_histories(const StoreReader& store) { return purchases_of(store).histories; }

std::vector<SpendHistory> spend_histories(const StoreReader& store) {
  return positive_repeats(source_of(store), store.info().currency.decimals).histories;
}

FitCovariates::FitCovariates(const StoreInfo& store, std::span<const std::string> names, bool by_segment) {
  if (!names.empty() && by_segment)
    throw ConfigError(
        "--covariates and --by-segment: a model has the one or the other; give a segment as a covariate of 0 and 1 in "
        "the log, or leave one out");
  for (const std::string& name : names) {
    const auto found = std::find(store.covariates.begin(), store.covariates.end(), name);
    if (found == store.covariates.end())
      throw ConfigError(fmt::format("--covariates: the store has no covariate '{}'; {}", name,
                                    store.covariates.empty()
                                        ? "import the log with it (clvsim import --covariates COLUMN)"
                                        : fmt::format("it has {}", fmt::join(store.covariates, ", "))));
    if (std::find(names_.begin(), names_.end(), name) != names_.end())
      throw ConfigError(fmt::format("--covariates names '{}' twice; give every covariate once", name));
    names_.push_back(name);
    at_.push_back(static_cast<std::size_t>(found - store.covariates.begin()));
  }
  values_.resize(names_.size());
}

void FitCovariates::add(const CustomerBatch& batch, std::size_t i) {
  for (std::size_t k = 0; k < at_.size(); ++k) values_[k].push_back(batch.covariates[at_[k]][i]);
}

std::vector<ModelCovariate> with_effects(const CovariateTable& table, std::size_t n_effects, const LikelihoodFit& fit) {
  std::vector<ModelCovariate> covariates = table.covariates;
  std::size_t at = fit.parameters.size() - covariates.size() * n_effects;
  for (ModelCovariate& covariate : covariates)
    for (std::size_t e = 0; e < n_effects; ++e) covariate.effects.push_back(portable_log(fit.parameters[at++]));
  return covariates;
}

BehaviourFit fit_purchases(std::string_view model, std::span<const PurchaseHistory> histories,
                           const LikelihoodFitOptions& options, const CovariateTable& covariates) {
  BehaviourFit result;
  result.model = model;
  if (model != "bg_cnbd_k" && model != "mbg_cnbd_k") {
    result.fit = fit_purchase_model(*make_purchase_model(model), covariates, histories, options);
  } else {
    fit_regular(model, histories, options, covariates, result);
  }
  const auto effects = make_purchase_model(model, std::max(result.k, 1))->covariate_effects();
  result.covariates = with_effects(covariates, effects.size(), result.fit);
  return result;
}

SpendFit fit_spend(const BatchSource& source, SpendLaw law, int decimals, const LikelihoodFitOptions& options) {
  std::int64_t n_repeats = 0, n_free = 0, n_purchases = 0, n_positive = 0, n_refunds = 0;
  double positive = 0, refunded = 0;
  for_customers(source, [&](const CustomerBatch& batch, std::size_t i) {
    for_repeats(batch, i, [&](std::size_t r) {
      ++n_repeats;
      n_free += batch.history.amount[r] == 0;
    });
  });
  source([&](const CustomerBatch& batch) {
    const History& rows = batch.history;
    for (std::size_t r = 0; r < rows.amount.size(); ++r) {
      const auto amount = static_cast<double>(rows.amount[r]);
      if (rows.kind[r] == static_cast<std::uint8_t>(RowKind::refund)) {
        ++n_refunds;
        refunded -= amount;
      } else {
        ++n_purchases;
        n_positive += amount > 0;
        positive += amount;
      }
    }
  });
  SpendFit result;
  const Observed<SpendHistory> observed = positive_repeats(source, decimals);
  result.fit = (law == SpendLaw::log_normal ? fit_log_normal : fit_gamma_gamma)(observed.histories,
                                                                                observed.with_customers(options));
  PurchaseSpend& spend = result.spend;
  spend.kind = law;
  spend.set_parameters(result.fit.parameters);
  if (law == SpendLaw::log_normal) {
    // What the customers spent, over what the law expects of them (Duan 1983).
    CompensatedSum spent, expected;
    for (const SpendHistory& history : observed.histories) {
      spent.add(history.x * history.mean);
      expected.add(history.x * spend.log_normal.expected_spend(history));
    }
    spend.smearing = spent.value() / expected.value();
  }
  spend.zero_share = static_cast<double>(n_free) / static_cast<double>(n_repeats);
  if (n_refunds == 0) return result;
  // More refunds than purchases are fewer and larger ones.
  const double rate = static_cast<double>(n_refunds) / static_cast<double>(n_purchases);
  spend.refund_rate = std::min(rate, 1.0);
  spend.refund_ratio = refunded / static_cast<double>(n_refunds) / (positive / static_cast<double>(n_positive));
  spend.refund_ratio *= rate / spend.refund_rate;
  return result;
}

void check_segments(const StoreInfo& store, bool by_segment) {
  if (!by_segment) return;
  if (store.segments.size() == 1)
    throw ConfigError(
        "the store has no segments to fit on their own; import it with --segment, or leave --by-segment out");
  if (store.segments.size() > most_model_segments)
    throw ConfigError(
        fmt::format("the store has {} segments, more than the {} that are fitted on their own; import the "
                    "log with coarser segments (--segment)",
                    store.segments.size(), most_model_segments));
}

std::span<const std::string_view> behaviour_models() { return model_names; }

BehaviourFit fit_behaviour(const StoreReader& store, std::string_view model, SpendLaw spend, bool by_segment,
                           const LikelihoodFitOptions& options, std::span<const std::string> covariates,
                           std::size_t n_classes) {
  if (std::find(model_names.begin(), model_names.end(), model) == model_names.end())
    throw ConfigError(
        fmt::format("there is no model '{}' to fit to a store; choose one of {}", model, fmt::join(model_names, ", ")));
  require_purchases(store.info(), std::string(model));
  BehaviourFit result;
  result.model = model;
  check_segments(store.info(), by_segment);
  check_classes(n_classes, model, spend, by_segment, !covariates.empty());
  FitCovariates wanted(store.info(), covariates, by_segment);
  if (model == "gamma_gamma") {
    if (!covariates.empty()) throw ConfigError("gamma_gamma has no covariates; leave --covariates out");
    if (by_segment) throw ConfigError("gamma_gamma is fitted to all customers; leave --by-segment out");
    const auto observed = positive_repeats(source_of(store), store.info().currency.decimals);
    result.fit = fit_gamma_gamma(observed.histories, observed.with_customers(options));
    result.n_left_out = store.info().n_customers - static_cast<std::int64_t>(observed.histories.size());
    note_uncertainty(result.fit, result.notes);
    return result;
  }
  std::vector<std::uint32_t> segment_of;
  const bool classes = n_classes > 1;
  std::vector<SpendHistory> spends;
  const Besides besides{by_segment ? &segment_of : nullptr, &wanted, classes ? &spends : nullptr,
                        minor_units_per_unit(store.info().currency.decimals)};
  auto observed = model == "bg_bb" ? opportunities_of(store, besides) : purchases_of(store, besides);
  const CovariateTable table = wanted.table(observed.histories);
  // Of classes the fits of one class are where the search begins.
  LikelihoodFitOptions first = options;
  if (classes) first.bootstrap = {};
  result = fit_purchases(model, observed.histories, observed.with_customers(first), table);
  result.n_left_out = store.info().n_customers - static_cast<std::int64_t>(observed.histories.size());
  if (by_segment) add_segments(store.info(), observed, segment_of, options, result);
  add_spend(store, spend, first, result);
  if (classes) add_classes(observed, spends, n_classes, options, result);
  note_uncertainty(result.fit, result.notes);
  return result;
}

BehaviourModel behaviour_model(const BehaviourFit& result, const StoreInfo& store) {
  const LikelihoodFit& fit = result.fit;
  BehaviourModel model;
  model.model = result.model;
  model.k = std::max(result.k, 1);
  model.unit = store.unit;
  model.currency = store.currency;
  model.margin = result.margin;
  model.covariates = result.covariates;
  std::size_t n_effects = 0;
  for (const ModelCovariate& covariate : model.covariates) n_effects += covariate.effects.size();
  model.classes = result.classes;
  const std::size_t n_own =
      model.classes.empty() ? fit.parameters.size() - n_effects : model.classes.front().parameters.size();
  model.parameters.assign(fit.parameters.begin(), fit.parameters.begin() + static_cast<std::ptrdiff_t>(n_own));
  model.fit = record_of(fit);
  model.charge = result.charge;
  for (const SegmentFit& segment : result.segments)
    if (segment.fit)
      model.segments.push_back(
          {segment.name, segment.model, segment.n_customers, segment.fit->parameters, record_of(*segment.fit)});
  if (result.spend) {
    model.spend = result.spend->spend;
    if (model.classes.empty()) {  // else they are in model.fit
      model.spend->log_covariance = result.spend->fit.log_covariance;
      model.spend->draws = result.spend->fit.draws;
    }
  }
  model.fitted_from_digest = store.content_digest;
  model.n_customers = static_cast<std::int64_t>(fit.n_customers);
  return model;
}

void write_behaviour(const BehaviourFit& fit, const StoreInfo& store, const std::filesystem::path& path,
                     bool overwrite) {
  const std::string text = model_toml(behaviour_model(fit, store));
  if (text.size() > TomlFile::most_bytes)
    throw ConfigError(
        fmt::format("the model's file would have {} bytes, more than the {} that are read; ask for fewer "
                    "draws of the parameters (--draws), or for fewer segments",
                    text.size(), TomlFile::most_bytes));
  OutputFile file(path, overwrite);
  file.write(text);
  file.commit();
}

}  // namespace clvsim
