#include "host/backtest/panel.hpp"

#include "host/backtest/cut_log.hpp"
#include "host/model/histories.hpp"
#include "host/run/chain_tables.hpp"

#include <clvsim/error.hpp>

#include <algorithm>
#include <tuple>

namespace clvsim {
namespace {

void add(MinorUnits amount, MinorUnits& sum) {
  if (__builtin_add_overflow(sum, amount, &sum))
    throw DataError("the holdout's amounts sum to more than 64 bits hold; give the log in larger units");
}

// Sums rows [first, last) of a customer; visit(day) for each day with a purchase.
template <class Visit>
void sum_rows(const History& rows, std::size_t first, std::size_t last, MinorUnits& money, const Visit& visit) {
  bool any = false;
  std::int32_t before = 0;
  for (std::size_t r = first; r < last; ++r) {
    add(rows.amount[r], money);
    if (rows.kind[r] != static_cast<std::uint8_t>(RowKind::purchase)) continue;
    if (!any || rows.day[r] != before) visit(rows.day[r]);
    any = true;
    before = rows.day[r];
  }
}

auto key_of(const PanelCustomer& c) { return std::tuple(c.history.x, c.history.t_x, c.history.T, c.purchases); }

bool same_history(const PurchaseHistory& a, const PurchaseHistory& b) {
  return std::tie(a.x, a.t_x, a.T) == std::tie(b.x, b.t_x, b.T);
}

void make_cells(Panel& panel) {
  std::vector<std::uint32_t> order(panel.customers.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<std::uint32_t>(i);
  std::sort(order.begin(), order.end(),
            [&](std::uint32_t a, std::uint32_t b) { return key_of(panel.customers[a]) < key_of(panel.customers[b]); });
  for (const std::uint32_t i : order) {
    PanelCustomer& customer = panel.customers[i];
    const bool new_history = panel.histories.empty() || !same_history(panel.histories.back(), customer.history);
    if (new_history) {
      panel.first_cell.push_back(static_cast<std::uint32_t>(panel.cells.size()));
      panel.histories.push_back(customer.history);
      panel.histories.back().log_gaps = 0;  // no forecast depends on it
      panel.histories.back().weight = 0;
    }
    if (new_history || panel.cells.back().purchases != customer.purchases)
      panel.cells.push_back({static_cast<std::uint32_t>(panel.histories.size() - 1), customer.purchases, 0});
    ++panel.histories.back().weight;
    ++panel.cells.back().weight;
    customer.cell = static_cast<std::uint32_t>(panel.cells.size() - 1);
  }
  panel.first_cell.push_back(static_cast<std::uint32_t>(panel.cells.size()));
}

}  // namespace

double Panel::time_to(std::size_t k) const {
  return (split.period_end[k - 1].days - split.calibration_end.days) / days_of(unit);
}

Panel make_panel(const StoreReader& store, const LogSplit& split) {
  const double days = days_of(store.info().unit);
  const double minor_units = minor_units_per_unit(store.info().currency.decimals);
  Panel panel;
  panel.split = split;
  panel.unit = store.info().unit;
  panel.period_purchases.resize(split.period_end.size());
  const auto period_of = [&](std::int32_t day) {
    return std::lower_bound(split.period_end.begin(), split.period_end.end(), Date{day}) - split.period_end.begin();
  };
  const PeriodGrid grid(split.calibration_end, panel.unit);
  const CutLog log(store, split.calibration_end, split.end());
  log.for_batches(
      [&](const CustomerBatch& before, const History& after) {
        for (std::size_t i = 0; i < before.size(); ++i) {
          if (before.n_purchase_days[i] == 0) {
            ++panel.n_left_out;
            continue;
          }
          PanelCustomer customer;
          customer.history = purchase_history(before, i, days, true);
          customer.spend = spend_history(before, i, minor_units);
          customer.first_day = before.first_day[i];
          panel.n_crowded += crowded(before, i, grid) ? 1 : 0;
          sum_rows(after, static_cast<std::size_t>(after.offset[i]), static_cast<std::size_t>(after.offset[i + 1]),
                   customer.money, [&](std::int32_t day) {
                     ++customer.purchases;
                     ++panel.period_purchases[static_cast<std::size_t>(period_of(day))];
                   });
          panel.customers.push_back(customer);
        }
      },
      [&](const History& rows, std::size_t first, std::size_t last) {
        ++panel.new_customers;
        sum_rows(rows, first, last, panel.new_money, [&](std::int32_t) { ++panel.new_purchases; });
      });
  make_cells(panel);
  return panel;
}

}  // namespace clvsim
