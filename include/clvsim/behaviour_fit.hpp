/// \file
/// Fitting the models of purchases, of spend and of contracts to a customer store (docs/theory has a page for each).
#pragma once

#include <clvsim/behaviour_model.hpp>
#include <clvsim/gamma_gamma.hpp>
#include <clvsim/likelihood_fit.hpp>
#include <clvsim/purchase_models.hpp>
#include <clvsim/store.hpp>

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace clvsim {

/// The histories of the store's customers that have a purchase, in the order of the keys. Times are in the store's
/// unit: a week is 7 days, a year 365.25, a month 365.25 / 12.
[[nodiscard]] std::vector<PurchaseHistory> purchase_histories(const StoreReader& store);
/// The repeat purchases with a positive amount of the customers that have one: amounts in currency units.
[[nodiscard]] std::vector<SpendHistory> spend_histories(const StoreReader& store);

/// The spend of a log's purchases.
struct SpendFit {
  LikelihoodFit fit;  ///< of the positive repeat purchases, by the law of `spend`
  PurchaseSpend spend;
};

/// sbg or bdw, fitted to what is known of contracts at a cut and scored by what followed.
struct ScoredContractModel {
  std::string model;
  std::string fitted;    ///< to the cut: the model, or its limit; empty where nothing is scored
  int n_parameters = 0;  ///< of that
  double log_score = 0;  ///< mean of ln P(what followed the cut) over the contracts that made the renewals before it
  double bic = 0;        ///< on the whole book
};

/// The choice between models of contracts. A book does not say when a contract that has churned began, so that the cut
/// is not a day: of every contract the first `renewals` opportunities are known, and what followed is scored.
struct ContractSelection {
  std::int32_t renewals = 0;                      ///< 0: the book cannot be cut, and BIC decides
  std::int64_t n_later = 0, n_later_churned = 0;  ///< contracts that are scored, and of these those that churned
  std::vector<ScoredContractModel> models;        ///< sbg first
  double excess = 0, excess_se = 0;               ///< of bdw's log score over sbg's, contract by contract
  std::size_t chosen = 0;                         ///< of `models`
  std::string rule;                               ///< why, in words
};

/// A segment of the store. Without a fit its customers have the parameters of all.
struct SegmentFit {
  std::string name;
  std::int64_t n_customers = 0, n_churned = 0;  ///< churned: of contracts
  std::string model;                            ///< that was fitted
  std::optional<LikelihoodFit> fit;
  std::string note;                            ///< why there is none, or another model than was asked for; or empty
  std::optional<ContractSelection> selection;  ///< of contracts, where the model was to be chosen
};

struct BehaviourFit {
  std::string model;  ///< as asked for
  int k = 0;          ///< chosen regularity of bg_cnbd_k, mbg_cnbd_k; 0 of other models
  LikelihoodFit fit;
  std::int64_t n_left_out = 0;                ///< customers of the store without what the model needs
  std::vector<std::pair<int, double>> tried;  ///< every k with a certified maximum, and its log-likelihood
  std::optional<SpendFit> spend;              ///< of models of purchases, where it was asked for
  std::optional<double> margin;               ///< from the log's costs
  std::optional<double> charge;               ///< of contracts: the mean of the book, currency units a period
  std::vector<SegmentFit> segments;           ///< where they were asked for
  /// Where they were asked for, with their effects; `fit` has these after the model's own parameters, as exponentials.
  std::vector<ModelCovariate> covariates;
  /// Where they were asked for: the classes beyond the first. `fit` is then of purchases and spend together, with the
  /// parameters of all_parameters(); with one class these have this log-likelihood and BIC in all.
  std::vector<ModelClass> classes;
  double one_class_log_likelihood = 0, one_class_bic = 0;
  std::optional<ContractSelection> selection;  ///< of contracts, where the model was to be chosen
  std::vector<std::string> notes;
};

/// pareto_nbd, bg_nbd, mbg_nbd, bg_cnbd_k, mbg_cnbd_k, bg_bb, gamma_gamma.
[[nodiscard]] std::span<const std::string_view> behaviour_models();

/// Throws ConfigError for another name, and what the fits throw. With `by_segment` each segment of the store is fitted
/// on its own as well, but for spend; one that cannot be is left to the parameters of all (ConfigError without
/// segments). Of bg_cnbd_k and mbg_cnbd_k the k of 1 to 6 with the highest likelihood is taken; those without a
/// certified maximum are left out. Of bg_bb a period after that of the first purchase is an opportunity; DataError
/// where a customer bought more than once in one. A bootstrap's weights are the customers': the same in the fits of
/// purchases, spend and segments, whatever options.bootstrap.customers says. With `covariates`, names of the store's,
/// each customer has parameters of its own (CovariateEffect); not together with `by_segment`, nor of gamma_gamma.
/// With `n_classes` of 2 to most_classes purchases and gamma_gamma spend are fitted together, to so many latent classes
/// of customers; not beside `by_segment` or covariates.
[[nodiscard]] BehaviourFit fit_behaviour(const StoreReader& store, std::string_view model,
                                         SpendLaw spend = SpendLaw::gamma_gamma, bool by_segment = false,
                                         const LikelihoodFitOptions& options = {},
                                         std::span<const std::string> covariates = {}, std::size_t n_classes = 1);

/// One of contract_models(), or of sbg and bdw the one that forecasts better what followed a cut (auto), of a contract
/// book: the higher mean log score, but the model of fewer parameters where the other's is not higher by two paired
/// standard errors; the lower BIC where the book cannot be cut. Where contracts do not differ, so that sbg or bdw has
/// no maximum, its limit. Of all contracts and, with `by_segment`, of each segment on its own. A segment with too few
/// contracts or churns for it is left to the parameters of all. Throws ConfigError where the store is no contract book
/// or has more than 256 segments, and what fit_contract_model throws. `covariates` as in fit_behaviour.
[[nodiscard]] BehaviourFit fit_contracts(const StoreReader& store, std::string_view model, bool by_segment,
                                         const LikelihoodFitOptions& options = {},
                                         std::span<const std::string> covariates = {});

/// The fitted model, as its file has it.
[[nodiscard]] BehaviourModel behaviour_model(const BehaviourFit& fit, const StoreInfo& store);
/// Writes the model's file (docs/formats/model.md): the same fit gives the same bytes. Throws IoError.
void write_behaviour(const BehaviourFit& fit, const StoreInfo& store, const std::filesystem::path& path,
                     bool overwrite);

}  // namespace clvsim
