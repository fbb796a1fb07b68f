// Logistic regression of purchases on covariates, with a free intercept for each group of states.
#pragma once

#include "host/math/maximise.hpp"

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace clvsim {

// Customer-periods of a group of states where the covariates are z[setting]: how many, and how many with a purchase.
struct LogitData {
  std::vector<std::string> covariates;  // names
  std::vector<std::vector<double>> z;   // [settings, covariates] in [0, 1]
  std::vector<double> periods, buys;    // [groups, settings]
  // [groups] the prior: pseudo-periods with and without a purchase, both above 0, where all covariates are 0.
  std::vector<double> prior_buys, prior_quiet;

  [[nodiscard]] std::size_t n_groups() const { return prior_buys.size(); }
  [[nodiscard]] std::size_t n_effects() const { return covariates.size(); }
};

// ln posterior of group log-odds alpha [groups] and effects beta [covariates], logit P(buys) = alpha + z' beta; and its
// derivatives. The information is minus the Hessian: diagonal in alpha.
struct LogitPoint {
  double value = 0, log_likelihood = 0;  // with and without the prior
  std::vector<double> alpha_gradient, beta_gradient;
  std::vector<double> alpha_information;  // [groups]
  std::vector<double> prior_information;  // [groups] of it, what the prior adds
  std::vector<double> cross;              // [groups, covariates]
  SmallMatrix beta_information;
};
[[nodiscard]] LogitPoint logit_point(const LogitData& data, std::span<const double> alpha,
                                     std::span<const double> beta);

struct LogitMaximum {
  std::vector<double> alpha, beta;
  std::vector<double> alpha_variance;  // [groups]
  SmallMatrix covariance;              // of beta
  LogitPoint point;
  double decrement = 0, condition = 0;
  int n_steps = 0;
};
// The maximum, by Newton steps that halve until the value rises: it is the only one, as the logarithm is concave.
// Throws ModelError where the data do not tell a covariate from the others and the states, and where the steps do not
// settle.
[[nodiscard]] LogitMaximum fit_logit(const LogitData& data);

}  // namespace clvsim
