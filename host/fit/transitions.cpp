#include "host/fit/transitions.hpp"

#include <algorithm>

namespace clvsim {

PeriodTable::PeriodTable(Date first, const PeriodGrid& grid) : first_(first.days) {
  const std::int32_t last = grid.observation_end().days;
  if (last < first.days) return;
  ago_.resize(static_cast<std::size_t>(last - first.days) + 1);
  // Backwards from the end of observation: one calendar computation a period, not one a day.
  int ago = 0;
  Date before = grid.end(-1);
  for (std::int32_t day = last; day >= first.days; --day) {
    while (day <= before.days) before = grid.end(-(++ago) - 1);
    ago_[static_cast<std::size_t>(day - first.days)] = ago;
  }
}

TransitionCounts::TransitionCounts(const RecencyFrequency& states) : cells(states) {
  periods.assign(static_cast<std::size_t>(n_states()), 0);
  buys_to.assign(static_cast<std::size_t>(n_states() * n_classes()), 0);
}

std::int64_t TransitionCounts::buys(int state) const {
  std::int64_t sum = 0;
  for (int c = 0; c < n_classes(); ++c) sum += buys_to[static_cast<std::size_t>(state * n_classes() + c)];
  return sum;
}

int class_of(const RecencyFrequency& cells, std::int64_t n_purchase_days) {
  const auto above = std::upper_bound(cells.class_from.begin(), cells.class_from.end(), n_purchase_days);
  return static_cast<int>(above - cells.class_from.begin()) - 1;
}

void TransitionCounts::age(int frequency_class, int n) {
  const auto first = static_cast<std::size_t>(frequency_class * (cells.recency_cells + 1));
  const int fresh = std::min(n, cells.recency_cells);
  for (int r = 0; r < fresh; ++r) ++periods[first + static_cast<std::size_t>(r)];
  periods[first + static_cast<std::size_t>(cells.recency_cells)] += n - fresh;
}

void TransitionCounts::add(const CustomerBatch& batch, const PeriodTable& table) {
  for (std::size_t i = 0; i < batch.size(); ++i) {
    bool started = false;
    int at = 0;               // period of the latest purchase so far
    int frequency_class = 0;  // after it
    for_buying_periods(batch, i, table, [&](int ago, std::int64_t n_purchases, std::int64_t n_days) {
      const int class_after = class_of(cells, n_days);
      if (started) {
        const int gap = at - ago;
        age(frequency_class, gap);  // at risk in all of them; bought in the last
        const int cell = std::min(gap - 1, cells.recency_cells);
        const int state = frequency_class * (cells.recency_cells + 1) + cell;
        ++buys_to[static_cast<std::size_t>(state * n_classes() + class_after)];
        ++purchases_in_period[static_cast<std::size_t>(std::min<std::int64_t>(n_purchases, max_purchases) - 1)];
        crowded_periods += n_purchases > max_purchases;
      }
      started = true;
      at = ago;
      frequency_class = class_after;
    });
    if (!started) {
      ++n_without_purchase;
      continue;
    }
    ++n_customers;
    age(frequency_class, at);  // to the end of observation
  }
}

}  // namespace clvsim
