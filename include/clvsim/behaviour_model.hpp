/// \file
/// A model of purchases and of their spend, or of contracts, as it is fitted, filed and simulated
/// (docs/formats/model.md).
#pragma once

#include <clvsim/covariates.hpp>
#include <clvsim/customers.hpp>
#include <clvsim/gamma_gamma.hpp>
#include <clvsim/log_normal.hpp>
#include <clvsim/migration_chain.hpp>
#include <clvsim/store.hpp>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace clvsim {

/// The law of positive purchases. `none`: a model that tells purchases alone.
enum class SpendLaw : std::uint8_t { gamma_gamma, log_normal, none };
/// "gamma_gamma", "log_normal", "none".
[[nodiscard]] std::string_view name_of(SpendLaw law);
/// The reverse. Throws ConfigError for another name.
[[nodiscard]] SpendLaw spend_law(std::string_view name);

/// Spend of purchases: the law is of positive ones. What is not positive stands outside it, so that no
/// amount has to be shifted: each purchase is free with probability zero_share, and each is followed, in its period, by
/// a refund with probability refund_rate, whose amount is drawn as a purchase's and multiplied by refund_ratio.
struct PurchaseSpend {
  GammaGamma law;           ///< of SpendLaw::gamma_gamma
  double zero_share = 0;    ///< below 1
  double refund_rate = 0;   ///< refunds a purchase, at most 1
  double refund_ratio = 1;  ///< mean refund over mean positive purchase, above 0
  /// [3, 3] covariance of the logarithms of the law's parameters; empty: not known.
  std::vector<double> log_covariance = {};
  std::vector<double> draws = {};  ///< [draws, 3] of the law's parameters, of the same draws as FitRecord::draws
  SpendLaw kind = SpendLaw::gamma_gamma;
  LogNormalSpend log_normal = {};  ///< of SpendLaw::log_normal
  double smearing = 1;             ///< of SpendLaw::log_normal: a factor of every amount, above 0

  /// [3] p, q, gamma or median, between_sd, within_sd.
  [[nodiscard]] std::vector<double> parameters() const;
  void set_parameters(std::span<const double> parameters);
  [[nodiscard]] std::span<const std::string_view> parameter_names() const;
  /// Expected net amount of a purchase of a customer with these positive repeat purchases.
  [[nodiscard]] double expected(const SpendHistory& history) const;
};

/// What a fit leaves in the model's file (LikelihoodFit has the meanings).
struct FitRecord {
  double log_likelihood = 0, aic = 0, bic = 0, gradient_norm = 0, condition = 0;
  /// [parameters, parameters] of their logarithms; of a model with covariates or classes, of all_parameters().
  std::vector<double> log_covariance;
  std::vector<double> draws = {};  ///< [draws, parameters] by bootstrap; empty: none
};

/// A segment of the store that was fitted on its own.
struct ModelSegment {
  std::string name;   ///< as in the store
  std::string model;  ///< of contract_models(); of purchases the model of all
  std::int64_t n_customers = 0;
  std::vector<double> parameters;
  std::optional<FitRecord> fit;
};

inline constexpr std::size_t most_model_segments = 256;

/// A latent class of customers beyond the first: with a behaviour and a spend of its own, so that what a customer
/// spends says how often it buys (finite mixtures: McLachlan & Peel 2000, "Finite Mixture Models").
struct ModelClass {
  double odds = 0;                 ///< customers of this class for one of the first, above 0
  std::vector<double> parameters;  ///< as BehaviourModel::parameters
  std::vector<double> spend;       ///< of the law of BehaviourModel::spend
};
inline constexpr std::size_t most_classes = 8;  ///< the first among them

struct BehaviourModel {
  std::string model;  ///< of behaviour_models()
  int k = 1;          ///< regularity of bg_cnbd_k, mbg_cnbd_k
  PeriodUnit unit = PeriodUnit::month;
  Currency currency;
  std::optional<double> margin;            ///< profit share of revenue
  std::vector<double> parameters;          ///< by PurchaseModel::parameter_names(), times in periods of `unit`
  std::vector<ModelCovariate> covariates;  ///< at most most_covariates; none where there are segments
  std::optional<FitRecord> fit;            ///< absent: written by hand
  std::optional<PurchaseSpend> spend;      ///< of purchases; absent: it can tell them, and cannot be simulated
  std::optional<double> charge;            ///< of contracts: of a new one, a period, currency units
  std::vector<ModelSegment> segments;      ///< others have `parameters`, which are those of all
  /// Latent classes of customers beyond the first, which has `parameters` and the law of `spend`; of models of
  /// purchases without covariates and segments.
  std::vector<ModelClass> classes;
  // Where a fitted model comes from; empty or 0 for a hand-written one.
  std::string fitted_from_digest;  ///< content digest of the store
  std::int64_t n_customers = 0;
};

/// What covariates of a customer move in the model. Throws ConfigError for a model that there is not.
[[nodiscard]] std::span<const CovariateEffect> covariate_effects(const BehaviourModel& model);
/// The model's parameters and the exponentials of its covariates' effects, as CovariateParameters has them; of a model
/// with classes of each class the parameters, then those of its spend, then, but of the first, its odds.
[[nodiscard]] std::vector<double> all_parameters(const BehaviourModel& model);
/// The covariates of a model among those of a store.
class CovariatesOf {
 public:
  /// Throws ConfigError where the store lacks one.
  CovariatesOf(const BehaviourModel& model, const StoreInfo& store);
  /// [covariates] (value - centre) / scale of customer i.
  [[nodiscard]] std::vector<double> operator()(const CustomerBatch& batch, std::size_t i) const;

 private:
  std::vector<ModelCovariate> covariates_;
  std::vector<std::size_t> at_;  // of the store
};

/// Whether the model is one of contract_models().
[[nodiscard]] bool is_contract_model(std::string_view model);

/// One draw of what is uncertain about a model: its parameters, and those of its spend's law.
struct ParameterDraw {
  std::vector<ModelClass> classes = {};       ///< as BehaviourModel::classes
  std::vector<double> parameters;             ///< as all_parameters()
  std::vector<std::vector<double>> segments;  ///< the parameters of each of BehaviourModel::segments
  GammaGamma law;
  LogNormalSpend log_normal;
};
/// n draws of the parameters: the first n of the model's bootstrap, whatever the seed; without one, of the asymptotic
/// posterior: the logarithms are normal around the estimates with the covariances of the file, behaviour and spend
/// independent, the same draws for the same seed. More draws begin with fewer. Throws ConfigError where the model has
/// no covariances (it was written by hand), or a bootstrap of fewer draws; ModelError where a drawn spend has no mean
/// (q <= 1).
[[nodiscard]] std::vector<ParameterDraw> draw_parameters(const BehaviourModel& model, std::uint32_t n,
                                                         std::uint64_t seed);

/// Checks names, parameters and spend. Throws ConfigError that names the key.
void check(const BehaviourModel& model);

/// The text of the model's file: the same model gives the same bytes.
[[nodiscard]] std::string model_toml(const BehaviourModel& model);

/// A model file of either kind. Throws IoError; ConfigError with file, line and key, unknown keys included.
using AnyModel = std::variant<MigrationChain, BehaviourModel>;
[[nodiscard]] AnyModel read_any_model(const std::filesystem::path& path);

}  // namespace clvsim
