/// \file
/// Estimating a migration chain from a customer store.
#pragma once

#include <clvsim/migration_chain.hpp>
#include <clvsim/store.hpp>

namespace clvsim {

struct FitOptions {
  RecencyFrequency states;
  double prior_strength =
      1;  ///< pseudo-periods of the Dirichlet prior, spread as the frequency class as a whole behaves
  double min_periods = 100;    ///< neighbouring recency cells with fewer customer-periods are tied
  bool heterogeneity = false;  ///< whether customers may differ: ChainState::concentration is estimated
};

/// How much customers differ in a row of probabilities.
struct RowFit {
  int state = 0;                                        ///< the first that has it; those of its tie group share it
  std::optional<double> concentration;                  ///< absent: customers are alike, or it cannot be told
  double standard_error = 0;                            ///< of the concentration
  double log_likelihood = 0, log_likelihood_alike = 0;  ///< of the customers' counts; where they are alike
  std::int64_t n_customers = 0, n_twice = 0;            ///< that were in the row; more than once
  std::string note;                                     ///< why there is no concentration, or empty
};

/// A printed row: one state, its data, its estimate.
struct FitReport {
  MigrationChain chain;
  std::vector<double> periods;  ///< [states] customer-periods at risk
  std::vector<int> tie_group;   ///< [states] states with the same number share their probabilities
  std::vector<RowFit> rows;     ///< with FitOptions::heterogeneity
  std::vector<std::string> notes;
};

/// Estimates transitions (Dirichlet posterior mean and standard error; with heterogeneity probabilities and
/// concentrations by maximum likelihood), spend, refunds. Throws ModelError where the log
/// is too short or too thin, saying what it has and what it would need.
[[nodiscard]] FitReport fit_migration_chain(const StoreReader& store, const FitOptions& options);

}  // namespace clvsim
