/// \file
/// Estimating a migration chain from a customer store.
#pragma once

#include <clvsim/migration_chain.hpp>
#include <clvsim/store.hpp>

namespace clvsim {

/// What the transitions of a fitted chain depend on besides the state (clvsim/chain_covariates.hpp).
struct TransitionCovariates {
  enum class Season : std::uint8_t { none, month, quarter };
  struct Campaign {
    std::string name;
    std::vector<DateWindow> windows;  ///< ascending, without overlap; those of the future are kept for forecasts
  };
  Season season = Season::none;     ///< an effect for each calendar month or quarter but the first
  std::vector<Campaign> campaigns;  ///< an effect for each
  bool segments = false;            ///< an effect for each segment of the store but the largest

  [[nodiscard]] bool any() const { return season != Season::none || !campaigns.empty() || segments; }
};

struct FitOptions {
  RecencyFrequency states;
  double prior_strength =
      1;  ///< pseudo-periods of the Dirichlet prior, spread as the frequency class as a whole behaves
  double min_periods = 100;         ///< neighbouring recency cells with fewer customer-periods are tied
  bool heterogeneity = false;       ///< whether customers may differ: ChainState::concentration is estimated
  bool by_segment = false;          ///< whether segments of the store have rows of their own: ChainSegment
  TransitionCovariates covariates;  ///< not beside heterogeneity or by_segment
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

/// The rows of a segment's customers. Where they have FitOptions::min_periods customer-periods of a tie group, the row
/// is their own: the posterior mean of a prior at the row of all customers (and with heterogeneity, maximum
/// likelihood); where not, it is that of all customers.
struct RowsOfSegment {
  std::string name;
  std::int64_t n_customers = 0, n_customer_periods = 0;
  int n_rows = 0, n_parameters = 0;  ///< of its own
  /// Of what its customers did in these rows; the same under the rows of all customers.
  double log_likelihood = 0, log_likelihood_of_all = 0;
  std::vector<RowFit> rows;  ///< with FitOptions::heterogeneity
};

/// How the effects of covariates were fitted: maximum likelihood of whether each customer-period has a purchase, with a
/// free log-odds for each set of states that share probabilities (logistic regression; the class that a purchase leads
/// to does not depend on covariates), and the pseudo-periods of the prior where all covariates are 0.
struct LogitFit {
  double log_likelihood = 0;          ///< of the customer-periods, without the prior
  double without_covariates = 0;      ///< the same of the fit without covariates
  double aic = 0, bic = 0;            ///< bic with the number of customer-periods
  int n_parameters = 0, n_steps = 0;  ///< effects and free log-odds; Newton steps
  double gradient_norm = 0;           ///< largest absolute derivative at the estimates
  double decrement = 0;               ///< how much higher the maximum of the local quadratic lies
  double condition = 0;               ///< of the information of the effects, scaled to a unit diagonal
  std::vector<double> covariance;     ///< [effects, effects]
};

/// A printed row: one state, its data, its estimate.
struct FitReport {
  MigrationChain chain;
  std::vector<double> periods;          ///< [states] customer-periods at risk
  std::vector<int> tie_group;           ///< [states] states with the same number share their probabilities
  std::vector<RowFit> rows;             ///< with FitOptions::heterogeneity
  std::vector<RowsOfSegment> segments;  ///< with FitOptions::by_segment, all of the store
  std::optional<LogitFit> logit;        ///< where covariates were asked for
  double log_likelihood = 0;            ///< of all transitions, under the fitted chain
  std::vector<std::string> notes;
};

/// Estimates transitions (Dirichlet posterior mean and standard error; with heterogeneity probabilities and
/// concentrations by maximum likelihood), spend, refunds. Throws ModelError where the log
/// is too short or too thin, saying what it has and what it would need.
[[nodiscard]] FitReport fit_migration_chain(const StoreReader& store, const FitOptions& options);

}  // namespace clvsim
