/// \file
/// Models of customers who buy at random until they silently leave ("buy till you die"): likelihoods and closed forms.
/// docs/theory has a page for each.
#pragma once

#include <clvsim/covariates.hpp>
#include <clvsim/likelihood_fit.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace clvsim {

/// What such a model knows of a customer. Times are in the model's unit, from the first purchase, which is not counted.
/// Of bg_bb times are opportunities: whole numbers.
struct PurchaseHistory {
  std::int32_t x = 0;            ///< repeat purchases
  double t_x = 0;                ///< of the last one; 0 where x = 0
  double T = 0;                  ///< end of observation
  double log_gaps = 0;           ///< sum of ln(time between purchases); of bg_cnbd_k and mbg_cnbd_k alone
  double weight = 1;             ///< customers with this history
  std::uint32_t covariates = 0;  ///< row of the fit's CovariateTable
};

/// Why a history is none, or empty: x >= 0, 0 <= t_x <= T, x = 0 exactly where t_x = 0, all finite.
[[nodiscard]] std::string fault_of(const PurchaseHistory& history);

/// One model. `parameters` are n_parameters() positive numbers in the order of parameter_names(). Histories must have
/// no fault (unchecked; fit_purchase_model checks).
class PurchaseModel {
 public:
  virtual ~PurchaseModel() = default;
  [[nodiscard]] virtual std::string name() const = 0;  ///< e.g. "bg_nbd"; "bg_cnbd_3" where k = 3
  [[nodiscard]] virtual std::span<const std::string_view> parameter_names() const = 0;
  [[nodiscard]] std::size_t n_parameters() const { return parameter_names().size(); }
  /// What says how customers leave, by which parameters: "the drop-out rate (s, beta)".
  [[nodiscard]] virtual std::string_view dropout() const = 0;
  /// Why a history is none of this model's, or empty. Of bg_bb times are whole, T is at most 10,000, and x <= t_x.
  [[nodiscard]] virtual std::string fault_of(const PurchaseHistory& history) const;
  /// Whether the parameter is a time, in the unit of the histories.
  [[nodiscard]] virtual bool is_time(std::size_t /*parameter*/) const { return false; }
  /// What covariates of a customer move: of pareto_nbd "purchase_rate" (alpha falls) and "dropout" (beta falls), of
  /// the BG models the same (a rises), of bg_bb "purchase" (alpha) and "dropout" (gamma rises).
  [[nodiscard]] virtual std::span<const CovariateEffect> covariate_effects() const = 0;
  /// k where times between purchases are Erlang-k, 1 where they are exponential: of a history's log-likelihood,
  /// (k - 1) log_gaps is all that depends on log_gaps.
  [[nodiscard]] virtual int regularity() const { return 1; }
  /// Where a search for the maximum may begin, in the time unit of the histories.
  [[nodiscard]] virtual std::vector<double> start(std::span<const PurchaseHistory> histories) const = 0;

  /// Weighted sum of log-likelihoods. `gradient` [n_parameters]: of it by the logarithms of the parameters; `each`
  /// [histories]: the log-likelihood of every history, unweighted. Both may be empty.
  [[nodiscard]] virtual double log_likelihood(std::span<const double> parameters,
                                              std::span<const PurchaseHistory> histories, std::span<double> gradient,
                                              std::span<double> each = {}) const = 0;
  /// P(alive at T | history).
  [[nodiscard]] virtual double p_alive(std::span<const double> parameters, const PurchaseHistory& history) const = 0;
  /// Expected purchases in (T, T + t], 0 <= t finite. Throws ConfigError; ModelError where t is too long for the sum.
  [[nodiscard]] virtual double expected_purchases(std::span<const double> parameters, const PurchaseHistory& history,
                                                  double t) const = 0;
  /// Expected repeat purchases of a new customer in (0, t]. Throws as expected_purchases does.
  [[nodiscard]] virtual double expected_of_new(std::span<const double> parameters, double t) const = 0;
  /// Probabilities of n = 0 ... n_max purchases in (T, T + t]: the exact predictive law, [n_max + 1]; of a new customer
  /// with history {}. Throws ConfigError unless 0 <= t finite and 0 <= n_max <= 10,000, of bg_bb t <= 10,000;
  /// ModelError where t or x is too large for the sum.
  [[nodiscard]] virtual std::vector<double> purchase_distribution(std::span<const double> parameters,
                                                                  const PurchaseHistory& history, double t,
                                                                  int n_max) const = 0;
  /// Discounted expected residual transactions after T, each discounted by exp(-rate (time - T)), of bg_bb by
  /// (1 + rate)^-opportunities. Absent where the model has no closed form. Throws ConfigError unless 0 < rate finite;
  /// ModelError where the rate is too low for the sum.
  [[nodiscard]] virtual std::optional<double> dert(std::span<const double> parameters, const PurchaseHistory& history,
                                                   double rate) const;
};

/// pareto_nbd   Schmittlein, Morrison & Colombo 1987: r, alpha of the purchase rate, s, beta of the drop-out rate
/// bg_nbd       Fader, Hardie & Lee 2005: r, alpha, and a, b of the drop-out probability after each repeat purchase
/// mbg_nbd      Batislam, Denizel & Filiztekin 2007: the same, with a drop-out after the first purchase as well
/// bg_cnbd_k, mbg_cnbd_k  Reutterer, Platzer & Schroeder 2020: times between purchases are Erlang-k, 1 <= k <= 16
/// bg_bb        Fader, Hardie & Shang 2010: alpha, beta of a purchase, gamma, delta of drop-out at each opportunity
/// Throws ConfigError for any other name or k.
[[nodiscard]] std::unique_ptr<PurchaseModel> make_purchase_model(std::string_view name, int k = 1);

/// Fits by maximum likelihood. Equal histories are merged first. Throws DataError for a faulty history, with its index,
/// or fewer than 30 customers; ModelError where no maximum is certified, saying what runs away and what to do.
[[nodiscard]] LikelihoodFit fit_purchase_model(const PurchaseModel& model, std::span<const PurchaseHistory> histories,
                                               const LikelihoodFitOptions& options = {});
/// The same with covariates: PurchaseHistory::covariates are rows of the table. The result's parameters are those of
/// CovariateParameters.
[[nodiscard]] LikelihoodFit fit_purchase_model(const PurchaseModel& model, const CovariateTable& covariates,
                                               std::span<const PurchaseHistory> histories,
                                               const LikelihoodFitOptions& options = {});

}  // namespace clvsim
