/// \file
/// Gamma-Gamma spend (Colombo & Jiang 1999; Fader, Hardie & Lee 2005b): a purchase z ~ Gamma(shape p, rate nu), and
/// nu ~ Gamma(shape q, rate gamma) over customers. docs/theory/gamma_gamma.md.
#pragma once

#include <clvsim/likelihood_fit.hpp>

#include <cstdint>
#include <span>

namespace clvsim {

/// The positive purchases of a customer.
struct SpendHistory {
  std::int32_t x = 0;                    ///< purchases, >= 1
  double mean = 0;                       ///< of their amounts, > 0, in currency units
  double weight = 1;                     ///< customers
  double log_mean = 0, log_squares = 0;  ///< of their logarithms: mean, and squared deviations from it
};

struct GammaGamma {
  double p = 0, q = 0, gamma = 0;  ///< all > 0; gamma in currency units

  /// `gradient` [3]: by the logarithms of p, q, gamma; `each` [histories]: of every history, unweighted. Both may be
  /// empty.
  [[nodiscard]] double log_likelihood(std::span<const SpendHistory> histories, std::span<double> gradient,
                                      std::span<double> each = {}) const;
  /// Expected amount of a purchase of a customer with x purchases of this mean; x = 0: of a new customer, whatever the
  /// mean. Infinite where p x + q <= 1.
  [[nodiscard]] double expected_spend(std::int32_t x, double mean) const;
};

/// Fits by maximum likelihood. Throws DataError for a faulty history, with its index, or fewer than 30 customers;
/// ModelError where no maximum is certified, or where q <= 1: the mean spend of customers would be infinite.
[[nodiscard]] LikelihoodFit fit_gamma_gamma(std::span<const SpendHistory> histories,
                                            const LikelihoodFitOptions& options = {});

}  // namespace clvsim
