/// \file
/// The migration chain: states, what happens in a period, and what it is worth. model.toml (docs/formats/model.md).
#pragma once

#include <clvsim/chain_covariates.hpp>
#include <clvsim/customers.hpp>
#include <clvsim/levers.hpp>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace clvsim {

/// What the amounts of a model are: takings, or what is left after costs.
enum class Measure : std::uint8_t { revenue, profit };

/// One thing that can happen in a period to a customer in a state.
struct ChainOutcome {
  int to = 0;                 ///< index of the next state
  double probability = 0;     ///< posterior mean, where it was estimated
  double standard_error = 0;  ///< 0 where it was given, not estimated
  double count = 0;           ///< customer-periods of the log with this outcome; 0 where it was given
  double amount = 0;          ///< cash flow of the outcome, in currency units
  bool purchase = false;      ///< a purchase: it counts as a transaction, and with a SpendModel its amount is drawn
};

struct ChainState {
  std::string name;
  bool active = true;                  ///< whether a customer here counts as active (retained)
  double amount = 0;                   ///< cash flow of every period that begins in this state, in currency units
  std::vector<ChainOutcome> outcomes;  ///< at least one; probabilities sum to 1; at most 16
  /// Customers differ: each has a row of its own here, drawn from Dirichlet(concentration * probabilities), independent
  /// of its other rows. 1e-6 to 1e9; absent: the probabilities are those of all customers.
  std::optional<double> concentration = {};
  /// Index of a state whose row a customer has here too: of the same concentration and probabilities, in their order,
  /// and with a row of its own. -1: none.
  int row_of = -1;
};

/// The customers of a segment, where they do not behave as all others do.
struct ChainSegment {
  std::string name;                ///< of the store's segment
  std::vector<ChainState> states;  ///< in place of MigrationChain::states; differ from them in probabilities, their
                                   ///< standard errors and counts, concentrations and row_of alone
};

/// Spend per purchase: ln z = theta_i + e, theta_i ~ N(log_mean[class], between_sd^2), e ~ N(0, within_sd^2); the level
/// theta_i of a customer is drawn from its posterior given the customer's own purchases (log-normal hierarchy,
/// normal-normal conjugacy, e.g. Gelman et al. 2013, section 2.5), then multiplied by `smearing` (Duan 1983).
struct SpendModel {
  std::vector<double> log_mean;  ///< [frequency classes] of ln(currency units)
  double between_sd = 0;
  double within_sd = 0;
  double smearing = 1;    ///< fitted-to-observed ratio of mean spend
  double zero_share = 0;  ///< share of purchases with amount 0
  std::vector<double>
      purchases_in_period;      ///< [k] probability of k+1 purchases in a period with a purchase; sums to 1; <= 16
  double refund_rate = 0;       ///< refunds per purchase, at most 1; a refund falls in the period of its purchase
  double refund_log_shift = 0;  ///< mean of ln(refund) - theta_i
  double refund_log_sd = 0;
};

/// How a customer's history gives its state: frequency class by number of purchase days, recency cell by periods since
/// the period of the last purchase. State index = class * (recency_cells + 1) + min(recency, recency_cells); the last
/// cell of a class is the lapsed one.
struct RecencyFrequency {
  int recency_cells = 13;             ///< single-period cells 0 .. recency_cells - 1, then the lapsed cell
  std::vector<int> class_from{1, 2};  ///< lowest number of purchase days of each frequency class, ascending from 1
};

struct MigrationChain {
  PeriodUnit unit = PeriodUnit::month;
  Currency currency;
  Measure measure = Measure::revenue;
  std::optional<double> margin;                       ///< profit share of revenue estimated from the log's costs
  std::vector<ChainState> states;                     ///< 1 to 256
  int start_state = 0;                                ///< of customers without a history
  std::optional<RecencyFrequency> recency_frequency;  ///< absent: no customer can be placed from a store
  std::optional<SpendModel> spend;                    ///< absent: amounts are those of states and outcomes
  std::vector<ChainSegment> segments;                 ///< of the store; customers of others have `states`
  std::vector<ChainCovariate> covariates;             ///< at most 64; what moves probabilities by period and segment
  /// [states] Of a model with dwells, which state of its file each is a part of, by its first part; empty: no dwells.
  std::vector<int> part_of;
  std::vector<Lever> levers;    ///< at most 64; of a scenario
  std::vector<Regime> regimes;  ///< at most 16; none: the world does not change
  // Where a fitted model comes from; empty or 0 for a hand-written one.
  std::string fitted_from_digest;  ///< content digest of the store
  std::int64_t n_customers = 0;
  std::int64_t n_customer_periods = 0;

  [[nodiscard]] int state_of(const CustomerBatch& batch, std::size_t i, const PeriodGrid& grid) const;
  [[nodiscard]] int frequency_class_of(const CustomerBatch& batch, std::size_t i) const;
};

/// Checks every invariant above. Throws ConfigError that names the state.
void check(const MigrationChain& chain);

/// Whether customers differ in a state (ChainState::concentration), be it of a segment.
[[nodiscard]] inline bool has_heterogeneity(const MigrationChain& chain) {
  const auto differ = [](const std::vector<ChainState>& states) {
    for (const ChainState& state : states)
      if (state.concentration) return true;
    return false;
  };
  for (const ChainSegment& segment : chain.segments)
    if (differ(segment.states)) return true;
  return differ(chain.states);
}

/// Exact mean and standard deviation of the discounted value of one customer from `start` over a horizon, amounts as
/// given (a chain with a SpendModel is refused: ConfigError). By the backward recursion m_t = r + v_t P(c + m_{t+1}),
/// and the variance form Var_t = P(g^2) - (P g)^2 + P Var_{t+1} (Sobel 1982; Pfeifer & Carraway 2000 for the mean).
/// Of customers that differ it is another: refused, too.
struct ChainMoments {
  double mean = 0, sd = 0;
  double p_active = 0;      ///< probability of an active state after the last period
  double transactions = 0;  ///< expected purchases
};
/// `discount` [horizon]: the factor of each period's cash flows. A chain with covariates, segments, levers or
/// regimes is refused (ConfigError): its moments depend on dates, segment and period.
[[nodiscard]] ChainMoments exact_moments(const MigrationChain& chain, int start, const std::vector<double>& discount);
/// The same of a chain with covariates, segments, levers or regimes (over all their paths): in future periods 1, 2, ...
/// of the grid, of a customer of `segment`; empty: of one to whom no segment's effect applies. Throws ConfigError where
/// dates matter and leave the years 1900 to 2199.
[[nodiscard]] ChainMoments exact_moments(const MigrationChain& chain, int start, const std::vector<double>& discount,
                                         const PeriodGrid& grid, const std::string& segment = {});

/// Exact moments of the discounted value of a portfolio of independent customers who live in the same regimes:
///
///     Var = sum_i n_i Var_i + sum_ij n_i n_j C_ij - sum_i n_i C_ii,
///
/// C_ij the covariance of a customer in state i and one in state j, by the backward recursion of their pair.
struct PortfolioMoments {
  double mean = 0, sd = 0;
  double sd_independent = 0;  ///< as if each customer had regimes of its own
};
/// `customers` [states]: how many begin in each, of `segment`; the rest as exact_moments, whose refusals it has.
[[nodiscard]] PortfolioMoments exact_portfolio(const MigrationChain& chain, const std::vector<std::int64_t>& customers,
                                               const std::vector<double>& discount, const PeriodGrid& grid,
                                               const std::string& segment = {});

/// n draws of the probabilities of a fitted chain: each row is Dirichlet around its probabilities, with the standard
/// errors of the file; states that share a row share its draws. Spend is as it is. The same seed gives the same draws,
/// and more draws begin with fewer. Throws ConfigError where no probability has a standard error, a row has errors that
/// none can have, customers differ, or the chain has segments.
[[nodiscard]] std::vector<MigrationChain> draw_chains(const MigrationChain& chain, std::uint32_t n, std::uint64_t seed);

/// Reads and writes model.toml. Throws IoError; ConfigError with file, line and key, unknown keys included.
[[nodiscard]] MigrationChain read_model(const std::filesystem::path& path);
void write_model(const MigrationChain& chain, const std::filesystem::path& path, bool overwrite);
/// The text that write_model writes: the same chain gives the same bytes.
[[nodiscard]] std::string model_toml(const MigrationChain& chain);

}  // namespace clvsim
