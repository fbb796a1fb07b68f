#include "host/fit/transitions.hpp"

#include <algorithm>

namespace clvsim {

TransitionCounts::TransitionCounts(const RecencyFrequency& states) : cells(states) {
  periods.assign(static_cast<std::size_t>(n_states()), 0);
  buys_to.assign(static_cast<std::size_t>(n_states() * n_classes()), 0);
}

std::int64_t TransitionCounts::buys(int state) const {
  std::int64_t sum = 0;
  for (int c = 0; c < n_classes(); ++c) sum += buys_to[static_cast<std::size_t>(state * n_classes() + c)];
  return sum;
}

void TransitionCounts::at_risk(int state, int n) { periods[static_cast<std::size_t>(state)] += n; }

void TransitionCounts::buys(int state, int class_after, std::int64_t n_purchases) {
  ++buys_to[static_cast<std::size_t>(state * n_classes() + class_after)];
  ++purchases_in_period[static_cast<std::size_t>(std::min<std::int64_t>(n_purchases, max_purchases) - 1)];
  crowded_periods += n_purchases > max_purchases;
}

void TransitionCounts::add(const CustomerBatch& batch, std::size_t i, const PeriodTable& table) {
  ++(for_transitions(cells, batch, i, table, *this) ? n_customers : n_without_purchase);
}

void TransitionCounts::add(const CustomerBatch& batch, const PeriodTable& table) {
  for (std::size_t i = 0; i < batch.size(); ++i) add(batch, i, table);
}

}  // namespace clvsim
