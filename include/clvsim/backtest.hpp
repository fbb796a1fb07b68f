/// \file
/// Backtests: models fitted on the first part of a log, and their forecasts of the rest scored against it; and the
/// choice of a model by such a test inside the first part. docs/theory/backtest.md.
#pragma once

#include <clvsim/behaviour_fit.hpp>
#include <clvsim/store.hpp>

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace clvsim {

/// Levels of central intervals and bands.
inline constexpr std::array<double, 3> backtest_levels{0.5, 0.8, 0.9};

/// Where a log is cut. Calibration is all up to `calibration_end`, the holdout what follows, in whole periods.
struct LogSplit {
  Date calibration_end;          ///< its last day
  std::vector<Date> period_end;  ///< [periods] last days of the holdout's periods, ascending
  std::string why;               ///< how it was chosen

  [[nodiscard]] int horizon() const { return static_cast<int>(period_end.size()); }
  [[nodiscard]] Date end() const { return period_end.empty() ? calibration_end : period_end.back(); }
};

/// Cuts a log at `split`, or else `horizon` periods before its end, or else at the store's own end of observation where
/// a whole period follows, or else so that the last third of its periods is the holdout. The holdout is `horizon`
/// periods, or else all whole ones. Throws ConfigError where the log has no such periods.
[[nodiscard]] LogSplit split_log(const StoreInfo& store, std::optional<Date> split, std::optional<int> horizon);

/// Of purchases in the holdout by customers of the calibration, each a unit.
struct CountScores {
  double actual = 0, expected = 0;  ///< totals
  double mae = 0, rmse = 0;
  double crps = 0, crps_se = 0;
  double log_score = 0, log_score_se = 0;  ///< over the customers whose count was possible
  std::int64_t n_impossible = 0;           ///< customers whose count has probability 0: their log score is infinite
  struct Level {
    double level = 0;
    double interval = 0;         ///< share of customers in their central interval, ends included
    double interval_mass = 0;    ///< what the laws give it: more than the level, as counts are discrete
    double pit = 0, pit_se = 0;  ///< expected share of randomised PIT values in the central band: the level
  };
  std::array<Level, backtest_levels.size()> levels;
};

/// Net spend of these customers in the holdout, in currency units: purchases plus refunds.
struct SpendScores {
  double actual = 0, expected = 0;
  double mae = 0, rmse = 0;
};

/// The law of a total.
struct TotalForecast {
  double mean = 0, sd = 0;
  std::array<std::array<double, 2>, backtest_levels.size()> interval{};  ///< lowest and highest of each level
};

/// One model: refused, or fitted and scored.
struct ModelBacktest {
  std::string model;    ///< name, as fit has it
  int k = 0;            ///< regularity of bg_cnbd_k, mbg_cnbd_k; 0 of other models
  std::string refused;  ///< why there is nothing below; else empty
  LikelihoodFit fit;    ///< on the calibration part
  CountScores purchases;
  double crps_excess = 0, crps_excess_se = 0;  ///< over the model with the lowest CRPS, customer by customer
  TotalForecast total;                         ///< customers independent, the parameters taken for true
  std::optional<SpendScores> spend;
};

/// The choice of a model by a split inside the calibration part: nothing after that is looked at.
struct ModelSelection {
  LogSplit split;  ///< without a period where no model could be fitted to less: then by BIC alone
  std::vector<ModelBacktest> models;
  std::size_t chosen = 0;  ///< of `models`
  std::string rule;        ///< how, in words
};

/// The total with uncertain parameters, which all customers share.
struct ParameterUncertainty {
  TotalForecast total;
  double parameters_sd = 0;  ///< of the expected total, over draws of the parameters
  std::uint32_t n_draws = 0;
};

struct BacktestPeriod {
  Date last_day;
  std::int64_t actual = 0;  ///< purchases from the beginning of the holdout to this day
  double expected = 0;
};

/// Customers of a kind: of a cohort by their first purchase, or with a number of repeat purchases in the calibration.
struct BacktestGroup {
  std::string name;
  std::int64_t n_customers = 0, actual = 0;
  double expected = 0;
};

struct Backtest {
  LogSplit split;
  std::int64_t n_customers = 0, n_unique = 0;         ///< customers that are forecast, and their different histories
  std::int64_t n_left_out = 0;                        ///< customers of the calibration without a purchase in it
  std::int64_t new_customers = 0, new_purchases = 0;  ///< first seen in the holdout: no forecast covers them
  MinorUnits new_spend = 0;
  std::vector<ModelBacktest> models;
  std::size_t chosen = 0;                   ///< of `models`; what follows is of this one
  std::optional<ModelSelection> selection;  ///< where the model was to be chosen
  std::optional<ParameterUncertainty> uncertainty;
  std::string uncertainty_refused;       ///< why it is absent
  std::vector<BacktestPeriod> periods;   ///< at most some 60, evenly spread
  std::vector<BacktestGroup> cohorts;    ///< by the month, quarter or year of the first purchase
  std::vector<BacktestGroup> frequency;  ///< by repeat purchases in the calibration
  std::optional<SpendFit> spend;
  std::string spend_refused;  ///< why it is absent
};

struct BacktestOptions {
  std::string model = "auto";  ///< or one of purchase_models()
  std::optional<Date> split;   ///< last day of the calibration
  std::optional<int> horizon;  ///< periods of the holdout
  SpendLaw spend = SpendLaw::gamma_gamma;
  std::uint32_t parameter_draws = 200;  ///< for the total with uncertain parameters; 0: without it
  std::uint64_t seed = 1;               ///< of these draws
};

/// A customer and the chosen model's forecast of it.
struct CustomerBacktest {
  PurchaseHistory history;
  std::int32_t actual = 0;
  double expected = 0, sd = 0;
  std::array<std::array<int, 2>, backtest_levels.size()> interval{};
  double crps = 0, log_score = 0;
  double pit_low = 0, pit_high = 0;  ///< P(Y < actual), P(Y <= actual)
  MinorUnits actual_spend = 0;
  double expected_spend = 0;  ///< in currency units; 0 without a spend law
};
using CustomerBacktestSink = std::function<void(std::string_view key, const CustomerBacktest& customer)>;

/// The models that are compared: pareto_nbd, bg_nbd, mbg_nbd, bg_cnbd_k, mbg_cnbd_k, and bg_bb, whose opportunities are
/// the periods: it is refused where a customer buys twice in one, and is never chosen, as fit has it not.
[[nodiscard]] std::vector<std::string_view> purchase_models();

/// Throws ConfigError (no such model or split); ModelError where all models that were asked for are refused, with each
/// reason. `sink`: called for every forecast customer, in the order of the keys; may be absent.
[[nodiscard]] Backtest backtest(const StoreReader& store, const BacktestOptions& options,
                                const CustomerBacktestSink& sink = {});

/// Chooses a model by the log up to its `until`: the last third of its periods, `most_periods` at most, is forecast
/// from what is before. Of the models whose CRPS exceeds the lowest by no more than its paired standard error, the one
/// with the lowest BIC; where that part cannot be cut, or all are refused on what is before, by BIC on the whole of it.
/// Throws ModelError where all are refused on that as well.
[[nodiscard]] ModelSelection select_model(const StoreReader& store, Date until, std::optional<int> most_periods = {});

}  // namespace clvsim
