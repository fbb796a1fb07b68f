/// \file
/// What a maximum-likelihood fit says: estimates, their errors, and the certificate that they are a maximum.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace clvsim {

struct LikelihoodFit {
  std::string model;
  std::vector<std::string> names;       ///< [n] of the parameters
  std::vector<double> parameters;       ///< [n] all above 0
  std::vector<double> standard_errors;  ///< [n] of the parameters, from the observed information
  std::vector<double> log_covariance;   ///< [n, n] of the logarithms of the parameters
  double log_likelihood = 0, aic = 0, bic = 0;
  double n_customers = 0;
  std::int64_t n_unique = 0;  ///< different histories
  double gradient_norm = 0;   ///< by the logarithms of the parameters
  double remaining = 0;       ///< how much higher the maximum of the local quadratic lies
  double condition = 0;       ///< largest over smallest eigenvalue of the information about the logarithms
  int n_starts = 0;           ///< searches
  int n_agreeing = 0;     ///< of them, on the subsample, that ended at a maximum within 1e-4 of the best log-likelihood
  int n_evaluations = 0;  ///< of the log-likelihood by the last search
};

/// Others than these are refused with ConfigError.
struct LikelihoodFitOptions {
  int n_starts = 5;               ///< 1 to 7: the model's own, and others spread around it
  std::int64_t subsample = 1000;  ///< >= 1: histories that every start is tried on; the best is polished on all
};

}  // namespace clvsim
