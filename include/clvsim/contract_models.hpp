/// \file
/// Models of customers whose leaving is seen: contracts that are renewed or not. docs/theory has a page for each.
#pragma once

#include <clvsim/covariates.hpp>
#include <clvsim/customers.hpp>
#include <clvsim/likelihood_fit.hpp>

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace clvsim {

/// A contract of a book.
struct Contract {
  std::int32_t renewals = 0;  ///< as Tenure has it
  bool churned = false;
  MinorUnits charge = 0;      ///< a period
  std::uint32_t segment = 0;  ///< index into StoreInfo::segments
};

/// Contracts with the same history, counted in renewal opportunities. A contract that churned did so at opportunity
/// `renewals` >= 1 and made renewals - 1; one that is still there has made `renewals` >= 0.
struct Tenure {
  std::int32_t renewals = 0;
  bool churned = false;
  std::int32_t entered = 0;      ///< renewals made before the contract was first seen: below `renewals`, or equal to it
                                 ///< where it has not churned
  double weight = 1;             ///< contracts
  std::uint32_t covariates = 0;  ///< row of the fit's CovariateTable
};

/// The contracts of a cohort from its survivors: n[0] at the start, n[t] after t renewals, never rising.
/// Throws DataError where it rises or has fewer than two numbers.
[[nodiscard]] std::vector<Tenure> tenures_of_cohort(std::span<const double> survivors);

/// sbg  shifted beta-geometric (Fader & Hardie 2007): churn probability theta ~ Beta(alpha, beta) at every renewal
/// bdw  beta-discrete-Weibull (Fader, Hardie, Liu, Davin & Steenburgh 2018): S(t | theta) = (1 - theta)^(t^c)
/// geometric, discrete_weibull  their limits where contracts do not differ: S(t) = exp(-hazard t), exp(-(t / scale)^c)
class ContractModel {
 public:
  virtual ~ContractModel() = default;
  [[nodiscard]] virtual std::string_view name() const = 0;
  [[nodiscard]] virtual std::span<const std::string_view> parameter_names() const = 0;
  /// What covariates of a contract move: "churn" (alpha or the hazard rises; the scale falls).
  [[nodiscard]] virtual std::span<const CovariateEffect> covariate_effects() const = 0;
  /// `gradient` [parameters]: by their logarithms; may be empty.
  [[nodiscard]] virtual double log_likelihood(std::span<const double> parameters, std::span<const Tenure> tenures,
                                              std::span<double> gradient) const = 0;
  /// Share of a new cohort that makes t renewals or more, 0 <= t finite. Throws ConfigError.
  [[nodiscard]] virtual double survival(std::span<const double> parameters, double t) const = 0;
  /// Retention at renewal opportunity t = 1, 2, ...: survival(t) / survival(t - 1), also where both are too small for a
  /// double. Throws ConfigError.
  [[nodiscard]] virtual double retention(std::span<const double> parameters, std::int32_t t) const = 0;
  /// Discounted expected residual lifetime of a contract about to meet opportunity n = 1, 2, ...: expected renewals
  /// from then on, the one at hand undiscounted, each further one by 1 / (1 + rate) more (Fader & Hardie 2010). rate >
  /// 0.
  [[nodiscard]] double derl(std::span<const double> parameters, std::int32_t n, double rate) const;
};
/// The names, sbg first.
[[nodiscard]] std::span<const std::string_view> contract_models();
/// Throws ConfigError for any other name.
[[nodiscard]] std::unique_ptr<ContractModel> make_contract_model(std::string_view name);

/// Fits by maximum likelihood. Throws DataError for a faulty tenure, with its index, or fewer than 30 contracts;
/// ModelError where no maximum is certified.
[[nodiscard]] LikelihoodFit fit_contract_model(const ContractModel& model, std::span<const Tenure> tenures,
                                               const LikelihoodFitOptions& options = {});
/// The same with covariates: Tenure::covariates are rows of the table. The result's parameters are those of
/// CovariateParameters.
[[nodiscard]] LikelihoodFit fit_contract_model(const ContractModel& model, const CovariateTable& covariates,
                                               std::span<const Tenure> tenures,
                                               const LikelihoodFitOptions& options = {});

}  // namespace clvsim
