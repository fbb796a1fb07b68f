/// \file
/// Covariates: numbers known of every customer that move the parameters of its model.
/// docs/theory/covariates.md
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace clvsim {

/// A covariate as a model takes it: z = (value - centre) / scale.
struct ModelCovariate {
  std::string name;  ///< as in the store
  double centre = 0;
  double scale = 1;  ///< above 0
  /// By the model's covariate_effects(); empty in a CovariateTable.
  std::vector<double> effects = {};
};

/// What of a model a covariate moves: `parameter` of a customer is that of all times exp(sign sum of effect z) (Fader &
/// Hardie 2007, "Incorporating time-invariant covariates into the Pareto/NBD and BG/NBD models").
struct CovariateEffect {
  std::string_view name;      ///< e.g. "purchase_rate"
  std::size_t parameter = 0;  ///< index
  double sign = 1;
};

/// The different covariates of some customers, ascending: the same for the same customers in any order.
struct CovariateTable {
  std::vector<ModelCovariate> covariates;
  std::vector<double> values;  ///< [rows, covariates] as the log has them
  [[nodiscard]] std::size_t rows() const { return covariates.empty() ? 0 : values.size() / covariates.size(); }
};
/// `columns` [names][n]; `row_of` [n]: each customer's row of the table. The centre of a covariate is the customers'
/// mean; the scale is 1 where its standard deviation is between 0.05 and 20, and otherwise the power of ten that is
/// nearest to it. Throws DataError for a covariate that is the same for all customers.
[[nodiscard]] CovariateTable covariate_table(std::span<const std::string> names,
                                             std::span<const std::vector<double>> columns,
                                             std::vector<std::uint32_t>& row_of);

/// The parameters of a model with covariates are those of the model itself, then of each covariate the exponential of
/// each of its effects: all above 0.
class CovariateParameters {
 public:
  CovariateParameters(std::size_t n_own, std::span<const CovariateEffect> effects, std::size_t n_covariates)
      : n_own_(n_own), effects_(effects), n_covariates_(n_covariates) {}
  [[nodiscard]] std::size_t size() const { return n_own_ + effects_.size() * n_covariates_; }
  [[nodiscard]] std::size_t n_own() const { return n_own_; }
  /// [n_own] of a customer with covariates z [covariates].
  [[nodiscard]] std::vector<double> of(std::span<const double> parameters, std::span<const double> z) const;
  /// Adds what `gradient` [n_own], by the logarithms of the customer's, is by those of all: to `sum` [size()].
  void add_gradient(std::span<const double> gradient, std::span<const double> z, std::span<double> sum) const;
  /// "purchase_rate.income": of the parameters after the model's own.
  [[nodiscard]] std::vector<std::string> names(std::span<const ModelCovariate> covariates) const;

 private:
  std::size_t n_own_;
  std::span<const CovariateEffect> effects_;
  std::size_t n_covariates_;
};

}  // namespace clvsim
