// Customers of several latent classes, by what they buy and spend together.
#pragma once

#include <clvsim/behaviour_model.hpp>
#include <clvsim/gamma_gamma.hpp>
#include <clvsim/likelihood_fit.hpp>
#include <clvsim/purchase_models.hpp>

#include <span>

namespace clvsim {

// A customer's purchases, and its positive repeat purchases' spend: x = 0 where there is none.
struct JointHistory {
  PurchaseHistory purchases;
  SpendHistory spend;
  double weight = 1;  // customers
};

// Where the classes' parameters stand among those of the fit (all_parameters()).
struct ClassLayout {
  std::size_t n_own;  // of the model of purchases
  static constexpr std::size_t n_spend = 3;
  [[nodiscard]] std::size_t first_of(std::size_t c) const { return c == 0 ? 0 : c * (n_own + n_spend) + c - 1; }
  [[nodiscard]] std::size_t odds_of(std::size_t c) const { return first_of(c) + n_own + n_spend; }  // c > 0
  [[nodiscard]] std::size_t size(std::size_t n_classes) const { return first_of(n_classes); }
};

// The log-likelihood of customers, sum of weight ln sum over c of share_c L_c(purchases) f_c(spend), and its gradient
// by the logarithms of `p`.
[[nodiscard]] double class_log_likelihood(const PurchaseModel& model, std::size_t n_classes, std::span<const double> p,
                                          std::span<const JointHistory> rows, std::span<double> gradient);

// By maximum likelihood, from the fits of purchases and of spend to all customers. Throws ModelError where no maximum
// is certified, or a class has q <= 1.
[[nodiscard]] LikelihoodFit fit_classes(const PurchaseModel& model, std::size_t n_classes,
                                        std::span<const JointHistory> histories, const LikelihoodFit& purchases,
                                        const GammaGamma& spend, const LikelihoodFitOptions& options);

// The classes beyond the first of such a fit.
[[nodiscard]] std::vector<ModelClass> classes_of(const LikelihoodFit& fit, std::size_t n_own);

}  // namespace clvsim
