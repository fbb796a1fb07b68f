#include "host/model/histories.hpp"

#include "host/math/special.hpp"

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

SpendHistory spend_history(const CustomerBatch& batch, std::size_t i, double minor_units_per_unit) {
  SpendHistory history;
  MinorUnits sum = 0;
  for_repeats(batch, i, [&](std::size_t r) {
    if (batch.history.amount[r] <= 0) return;
    ++history.x;
    sum += batch.history.amount[r];
  });
  if (history.x > 0) history.mean = static_cast<double>(sum) / minor_units_per_unit / history.x;
  return history;
}

}  // namespace clvsim
