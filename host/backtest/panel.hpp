// What a backtest knows of a log: every customer of the calibration, and what it did in the holdout.
#pragma once

#include <clvsim/backtest.hpp>

#include <cstdint>
#include <vector>

namespace clvsim {

struct PanelCustomer {
  PurchaseHistory history;
  SpendHistory spend;
  std::int32_t first_day = 0;
  std::int32_t purchases = 0;  // days of the holdout with a purchase
  MinorUnits money = 0;        // net, in the holdout
  std::uint32_t cell = 0;
};

// Customers of one history who did the same in the holdout.
struct Cell {
  std::uint32_t history = 0;
  std::int32_t purchases = 0;
  double weight = 0;
};

struct Panel {
  LogSplit split;
  PeriodUnit unit = PeriodUnit::week;
  std::vector<PanelCustomer> customers;        // in the order of the keys
  std::vector<PurchaseHistory> histories;      // different ones without log_gaps, ascending, with their weights
  std::vector<std::uint32_t> first_cell;       // [histories + 1]
  std::vector<Cell> cells;                     // by history, then by purchases
  std::vector<std::int64_t> period_purchases;  // [periods] of these customers
  std::int64_t n_crowded = 0;                  // customers with two repeat purchases in a period, or one in the first
  std::int64_t n_left_out = 0;                 // customers without a purchase in the calibration
  std::int64_t new_customers = 0, new_purchases = 0;
  MinorUnits new_money = 0;

  [[nodiscard]] double n() const { return static_cast<double>(customers.size()); }
  // Time from the end of calibration to the end of the holdout's period k = 1, 2, ..., in periods.
  [[nodiscard]] double time_to(std::size_t k) const;
};

Panel make_panel(const StoreReader& store, const LogSplit& split);

}  // namespace clvsim
