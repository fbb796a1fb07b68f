// One synthetic history, by the path code of the engine.
#pragma once

#include "host/run/chain_tables.hpp"
#include "host/run/dirichlet_tables.hpp"

#include <clvsim/generate.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace clvsim {

struct SyntheticRow {
  std::int32_t day = 0;
  MinorUnits amount = 0;  // negative: a refund
};

// A customer's whole history, observation and holdout.
struct SyntheticHistory {
  std::vector<SyntheticRow> rows;  // by day
  std::int32_t first_day = 0;      // of the first purchase
  double level = 0;                // theta of the spend model
  std::int64_t holdout_purchases = 0;
  MinorUnits holdout_amount = 0;  // purchases less refunds
};

// Draws histories. The draws of customer i depend on the seed, its key and its period of acquisition alone. They are
// those of the last path that 32 bits can number, which no simulation has: a simulation with the same seed shares none.
class HistoryDrawer {
 public:
  // Precondition: the model is checked and has recency_frequency and spend; the dates are valid.
  HistoryDrawer(const MigrationChain& model, const GenerateOptions& options);
  HistoryDrawer(const HistoryDrawer&) = delete;
  HistoryDrawer& operator=(const HistoryDrawer&) = delete;

  [[nodiscard]] Date observation_end() const { return {period_end_[static_cast<std::size_t>(observed_)]}; }
  [[nodiscard]] Date first_day() const { return {period_end_[0] + 1}; }
  [[nodiscard]] Date last_day() const { return {period_end_.back()}; }
  // Period 0, 1, ... from the start in which customer i arrives: evenly over the periods of acquisition.
  [[nodiscard]] int acquisition_period(std::int64_t i) const { return static_cast<int>(i % acquisition_); }
  [[nodiscard]] std::int32_t acquisition_day(std::int64_t i) const;
  // First and last day of a period of acquisition.
  [[nodiscard]] std::pair<std::int32_t, std::int32_t> acquisition_days(int period) const;
  // Throws ModelError where an amount does not fit.
  void draw(std::int64_t i, SyntheticHistory& history) const;
  // "C0000001" for customer 0.
  static std::string key_of(std::int64_t i);

 private:
  struct Sink;

  ChainTables tables_;
  kernels::MigrationChainView chain_;
  std::optional<DirichletTables> rows_;  // of a chain whose customers differ
  double level_mean_, level_sd_;
  std::uint64_t seed_;
  int acquisition_, observed_;
  std::vector<std::int32_t> period_end_;  // [1 + observed + holdout periods] last day; the first is the day before
};

}  // namespace clvsim
