#include <clvsim/behaviour_fit.hpp>

#include "host/base/output_file.hpp"
#include "host/base/text.hpp"
#include "host/base/toml_file.hpp"
#include "host/fit/fit.hpp"
#include "host/math/special.hpp"
#include "host/run/chain_tables.hpp"

#include <clvsim/error.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <exception>

namespace clvsim {
namespace {

constexpr std::array<std::string_view, 6> model_names{"pareto_nbd", "bg_nbd",     "mbg_nbd",
                                                      "bg_cnbd_k",  "mbg_cnbd_k", "gamma_gamma"};
constexpr int most_regular = 6;

template <class Visit>
void for_customers(const StoreReader& store, const Visit& visit) {
  for_batches(store, [&](const CustomerBatch& batch) {
    for (std::size_t i = 0; i < batch.size(); ++i)
      if (batch.n_purchase_days[i] > 0) visit(batch, i);
  });
}

// Calls visit(r) for every purchase of a customer after its first day.
template <class Visit>
void for_repeats(const CustomerBatch& batch, std::size_t i, Visit&& visit) {
  const History& rows = batch.history;
  const auto end = static_cast<std::size_t>(rows.offset[i + 1]);
  for (auto r = static_cast<std::size_t>(rows.offset[i]); r < end; ++r)
    if (rows.kind[r] == static_cast<std::uint8_t>(RowKind::purchase) && rows.day[r] > batch.first_day[i]) visit(r);
}

}  // namespace

std::vector<PurchaseHistory> purchase_histories(const StoreReader& store) {
  const double days = static_cast<double>(mean_length(store.info().unit)) / sixteenths_a_day;
  std::vector<PurchaseHistory> histories;
  for_customers(store, [&](const CustomerBatch& batch, std::size_t i) {
    PurchaseHistory history;
    history.x = batch.frequency[i];
    history.t_x = batch.recency_days[i] / days;
    history.T = batch.observed_days[i] / days;
    std::int32_t before = batch.first_day[i];
    for_repeats(batch, i, [&](std::size_t r) {
      const std::int32_t day = batch.history.day[r];
      if (day == before) return;
      history.log_gaps += portable_log((day - before) / days);
      before = day;
    });
    histories.push_back(history);
  });
  return histories;
}

std::vector<SpendHistory> spend_histories(const StoreReader& store) {
  const double minor_units = minor_units_per_unit(store.info().currency.decimals);
  std::vector<SpendHistory> histories;
  for_customers(store, [&](const CustomerBatch& batch, std::size_t i) {
    SpendHistory history;
    MinorUnits sum = 0;
    for_repeats(batch, i, [&](std::size_t r) {
      if (batch.history.amount[r] <= 0) return;
      ++history.x;
      sum += batch.history.amount[r];
    });
    if (history.x == 0) return;
    history.mean = static_cast<double>(sum) / minor_units / history.x;
    histories.push_back(history);
  });
  return histories;
}

std::span<const std::string_view> behaviour_models() { return model_names; }

BehaviourFit fit_behaviour(const StoreReader& store, std::string_view model, const LikelihoodFitOptions& options) {
  if (std::find(model_names.begin(), model_names.end(), model) == model_names.end())
    throw ConfigError(
        fmt::format("there is no model '{}' to fit to a store; choose one of {}", model, fmt::join(model_names, ", ")));
  BehaviourFit result;
  result.model = model;
  if (model == "gamma_gamma") {
    const auto histories = spend_histories(store);
    result.fit = fit_gamma_gamma(histories, options);
    result.n_left_out = store.info().n_customers - static_cast<std::int64_t>(histories.size());
    return result;
  }
  const auto histories = purchase_histories(store);
  result.n_left_out = store.info().n_customers - static_cast<std::int64_t>(histories.size());
  if (model != "bg_cnbd_k" && model != "mbg_cnbd_k") {
    result.fit = fit_purchase_model(*make_purchase_model(model), histories, options);
    return result;
  }
  std::exception_ptr refusal;
  for (int k = 1; k <= most_regular; ++k) {
    try {
      LikelihoodFit fit = fit_purchase_model(*make_purchase_model(model, k), histories, options);
      result.tried.emplace_back(k, fit.log_likelihood);
      if (result.k > 0 && fit.log_likelihood <= result.fit.log_likelihood) continue;
      result.k = k;
      result.fit = std::move(fit);
    } catch (const ModelError&) {
      refusal = std::current_exception();
    }
  }
  if (result.k == 0) std::rethrow_exception(refusal);
  return result;
}

std::string behaviour_toml(const BehaviourFit& result, const StoreInfo& store) {
  const LikelihoodFit& fit = result.fit;
  std::string text =
      "# A behaviour model, fitted by maximum likelihood. Written by clvsim (docs/formats/model.md); times are in "
      "periods.\n";
  text += fmt::format("format = \"clvsim-model\"\nversion = 1\nmodel = {}\n", toml_string(result.model));
  if (result.k > 0) text += fmt::format("k = {}  # Erlang phases between purchases\n", result.k);
  text += fmt::format("period = \"{}\"\ncurrency = {}\ndecimals = {}\n", name_of(store.unit),
                      toml_string(store.currency.code), store.currency.decimals);
  text += fmt::format("\n[fitted]\nstore_digest = {}\ncustomers = {}\n", toml_string(store.content_digest),
                      static_cast<std::int64_t>(fit.n_customers));
  text += "\n[parameters]\n";
  for (std::size_t i = 0; i < fit.parameters.size(); ++i)
    text += fmt::format("{} = {}  # standard error {:.4g}\n", fit.names[i], fit.parameters[i], fit.standard_errors[i]);
  text += fmt::format("\n[fit]\nlog_likelihood = {}\naic = {}\nbic = {}\n", fit.log_likelihood, fit.aic, fit.bic);
  text += fmt::format("gradient_norm = {:.3e}\ncondition = {:.6g}\n", fit.gradient_norm, fit.condition);
  text += "# Covariance of the logarithms of the parameters, row by row.\nlog_covariance = [";
  for (std::size_t i = 0; i < fit.log_covariance.size(); ++i)
    text += fmt::format("{}{}", i == 0 ? "" : ", ", fit.log_covariance[i]);
  return text + "]\n";
}

void write_behaviour(const BehaviourFit& fit, const StoreInfo& store, const std::filesystem::path& path,
                     bool overwrite) {
  OutputFile file(path, overwrite);
  file.write(behaviour_toml(fit, store));
  file.commit();
}

}  // namespace clvsim
