#include "host/model/histories.hpp"

#include "host/math/special.hpp"

#include <clvsim/error.hpp>

#include <fmt/format.h>

namespace clvsim {

double days_of(PeriodUnit unit) { return static_cast<double>(mean_length(unit)) / sixteenths_a_day; }

PurchaseHistory purchase_history(const CustomerBatch& batch, std::size_t i, double days, bool with_gaps) {
  PurchaseHistory history;
  history.x = batch.frequency[i];
  history.t_x = batch.recency_days[i] / days;
  history.T = batch.observed_days[i] / days;
  if (!with_gaps) return history;
  std::int32_t before = batch.first_day[i];
  for_repeats(batch, i, [&](std::size_t r) {
    const std::int32_t day = batch.history.day[r];
    if (day == before) return;
    history.log_gaps += portable_log((day - before) / days);
    before = day;
  });
  return history;
}

PurchaseHistory opportunity_history(const CustomerBatch& batch, std::size_t i, const PeriodGrid& grid) {
  const std::int32_t first = batch.first_day[i], recency = batch.recency_days[i];
  PurchaseHistory history;
  history.x = batch.frequency[i];
  history.T = grid.periods_ago(Date{first});
  history.t_x = history.T - grid.periods_ago(Date{first + recency});
  return history;
}

bool crowded(const CustomerBatch& batch, std::size_t i, const PeriodGrid& grid) {
  std::int32_t day = batch.first_day[i];
  bool found = false;
  for_repeats(batch, i, [&](std::size_t r) {
    const std::int32_t next = batch.history.day[r];
    found = found || (next != day && grid.index_of(Date{next}) == grid.index_of(Date{day}));
    day = next;
  });
  return found;
}

SpendHistory spend_history(const CustomerBatch& batch, std::size_t i, double minor_units_per_unit) {
  SpendHistory history;
  MinorUnits sum = 0;
  for_repeats(batch, i, [&](std::size_t r) {
    if (batch.history.amount[r] <= 0) return;
    sum += batch.history.amount[r];
    // One by one, so that nothing cancels (Welford 1962).
    const double log_amount = portable_log(static_cast<double>(batch.history.amount[r]) / minor_units_per_unit);
    const double away = log_amount - history.log_mean;
    history.log_mean += away / ++history.x;
    history.log_squares += away * (log_amount - history.log_mean);
  });
  if (history.x > 0) history.mean = static_cast<double>(sum) / minor_units_per_unit / history.x;
  return history;
}

Contract contract_of(const CustomerBatch& batch, std::size_t i, const PeriodGrid& grid) {
  const auto r = static_cast<std::size_t>(batch.history.offset[i]);
  Contract contract;
  contract.renewals = grid.periods_ago({batch.history.day[r]});
  contract.churned = batch.history.kind[r] == static_cast<std::uint8_t>(RowKind::churned_contract);
  contract.charge = batch.history.amount[r];
  contract.segment = batch.segment[i];
  return contract;
}

void require_purchases(const StoreInfo& store, const std::string& model) {
  if (!store.contract_book) return;
  throw ConfigError(
      fmt::format("the store is a contract book, and {} is about purchases, which it has not; take a model of "
                  "contracts (clvsim fit --model sbg)",
                  model));
}

void require_contracts(const StoreInfo& store, const std::string& model) {
  if (store.contract_book) return;
  throw ConfigError(
      fmt::format("the store has purchases, and {} is a model of contracts, of which it must be seen who has churned; "
                  "import a contract book (--tenure, --churned), or take a model of purchases (clvsim fit --model "
                  "auto)",
                  model));
}

}  // namespace clvsim
