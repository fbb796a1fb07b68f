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
  double min_periods = 100;  ///< neighbouring recency cells with fewer customer-periods are tied
};

/// A printed row: one state, its data, its estimate.
struct FitReport {
  MigrationChain chain;
  std::vector<double> periods;  ///< [states] customer-periods at risk
  std::vector<int> tie_group;   ///< [states] states with the same number share their probabilities
  std::vector<std::string> notes;
};

/// Estimates transitions (Dirichlet posterior mean and standard error), spend, refunds. Throws ModelError where the log
/// is too short or too thin, saying what it has and what it would need.
[[nodiscard]] FitReport fit_migration_chain(const StoreReader& store, const FitOptions& options);

}  // namespace clvsim
