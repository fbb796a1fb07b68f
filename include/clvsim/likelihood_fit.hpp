/// \file
/// What a maximum-likelihood fit says: estimates, their errors, and the certificate that they are a maximum.
#pragma once

#include <cstdint>
#include <span>
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
  std::vector<double> draws;  ///< [draws, n] of the parameters, by bootstrap; empty: none were asked for
  /// Draws whose likelihood rises, or stays flat, towards a limit of the model; at most a tenth.
  int n_limiting_draws = 0;

  [[nodiscard]] std::size_t n_draws() const { return draws.empty() ? 0 : draws.size() / parameters.size(); }
  /// [n] standard deviations of the draws.
  [[nodiscard]] std::vector<double> draw_deviations() const;
  /// The two parameters whose logarithms are most correlated by log_covariance, and how; 0 of one parameter.
  struct Correlated {
    std::size_t first = 0, second = 0;
    double correlation = 0;
  };
  [[nodiscard]] Correlated most_correlated() const;
};

/// A Bayesian bootstrap (Rubin 1981, "The Bayesian bootstrap", Annals of Statistics 9(1)): in each draw a customer
/// weighs an exponential number, one of weight w a Gamma(w) number, and the model is fitted anew, from the estimates.
struct Bootstrap {
  std::uint32_t n_draws = 0;  ///< 0: none
  std::uint64_t seed = 1;
  int threads = 0;  ///< 0: all cores; results do not depend on it
  /// [histories] 56-bit hashes of their customers, who weigh the same in every fit of a draw; empty: their positions.
  std::span<const std::uint64_t> customers = {};
};

/// Others than these are refused with ConfigError.
struct LikelihoodFitOptions {
  int n_starts = 5;               ///< 1 to 7: the model's own, and others spread around it
  std::int64_t subsample = 1000;  ///< >= 1: histories that every start is tried on; the best is polished on all
  Bootstrap bootstrap = {};       ///< at most 4096 draws; ModelError where fits have no maximum
};

}  // namespace clvsim
