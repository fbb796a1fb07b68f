/// \file
/// Log-normal spend: the logarithm of a purchase is normal around the customer's own level, and levels are normal over
/// customers. docs/theory/log_normal.md.
#pragma once

#include <clvsim/gamma_gamma.hpp>
#include <clvsim/likelihood_fit.hpp>

#include <span>

namespace clvsim {

/// ln z ~ N(theta, within_sd^2), theta ~ N(ln median, between_sd^2).
struct LogNormalSpend {
  double median = 0;      ///< > 0, currency units: of a purchase of a new customer
  double between_sd = 0;  ///< > 0
  double within_sd = 0;   ///< > 0

  /// Of all amounts. `gradient` [3]: by the logarithms of median, between_sd, within_sd; may be empty.
  [[nodiscard]] double log_likelihood(std::span<const SpendHistory> histories, std::span<double> gradient) const;

  /// A customer's level given its purchases (x = 0: none), in ln(currency units): it is normal.
  struct Level {
    double mean = 0, sd = 0;
  };
  [[nodiscard]] Level level(const SpendHistory& history) const;
  /// Expected amount of a purchase.
  [[nodiscard]] double expected_spend(const SpendHistory& history) const;
};

/// Fits by maximum likelihood. Throws DataError for a faulty history, with its index, or fewer than 30 customers;
/// ModelError where no maximum is certified.
[[nodiscard]] LikelihoodFit fit_log_normal(std::span<const SpendHistory> histories,
                                           const LikelihoodFitOptions& options = {});

}  // namespace clvsim
