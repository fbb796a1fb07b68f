// What a customer of a log did, period by period, as a chain of recency by frequency sees it.
#pragma once

#include <clvsim/migration_chain.hpp>

#include <algorithm>
#include <cstdint>
#include <vector>

namespace clvsim {

// The past period of every day of observation from `first` on, by table.
class PeriodTable {
 public:
  PeriodTable(Date first, const PeriodGrid& grid);
  // 0 for the latest period. Precondition: first <= day <= observation end.
  [[nodiscard]] int periods_ago(std::int32_t day) const { return ago_[static_cast<std::size_t>(day - first_)]; }
  [[nodiscard]] int n_periods() const { return ago_.empty() ? 0 : ago_.front() + 1; }

 private:
  std::int32_t first_;
  std::vector<std::int32_t> ago_;
};

// The class of so many purchase days, at least one.
inline int class_of(const RecencyFrequency& cells, std::int64_t n_purchase_days) {
  const auto above = std::upper_bound(cells.class_from.begin(), cells.class_from.end(), n_purchase_days);
  return static_cast<int>(above - cells.class_from.begin()) - 1;
}

// Every period after the one of customer i's first purchase, in their order: from the state at its beginning the
// customer buys (a purchase day at least, amount >= 0), which leads to cell 0 of the frequency class of all its
// purchase days so far, or ages. Refunds do not buy. Purchases of the first period count towards the class alone. Calls
//
//   sink.at_risk(state, n)                       n periods begin in the state
//   sink.buys(state, class_after, n_purchases)   the last of them, of those said so far, has purchases
//
// Returns whether the customer has a purchase at all.
template <class Sink>
bool for_transitions(const RecencyFrequency& cells, const CustomerBatch& batch, std::size_t i, const PeriodTable& table,
                     Sink&& sink) {
  const History& rows = batch.history;
  const auto age = [&](int frequency_class, int n) {  // n periods after one with a purchase
    const int first = frequency_class * (cells.recency_cells + 1), fresh = std::min(n, cells.recency_cells);
    for (int r = 0; r < fresh; ++r) sink.at_risk(first + r, 1);
    if (n > fresh) sink.at_risk(first + cells.recency_cells, n - fresh);
  };
  bool started = false;
  int at = 0;               // period of the latest purchase so far
  int frequency_class = 0;  // after it
  std::int64_t n_days = 0;  // purchase days so far
  const auto end = static_cast<std::size_t>(rows.offset[i + 1]);
  for (auto r = static_cast<std::size_t>(rows.offset[i]); r < end;) {
    if (rows.kind[r] != static_cast<std::uint8_t>(RowKind::purchase)) {
      ++r;
      continue;
    }
    // All purchases of one period.
    const int ago = table.periods_ago(rows.day[r]);
    std::int64_t n_purchases = 0;
    std::int32_t day = rows.day[r] - 1;
    for (; r < end && table.periods_ago(rows.day[r]) == ago; ++r) {
      if (rows.kind[r] != static_cast<std::uint8_t>(RowKind::purchase)) continue;
      ++n_purchases;
      n_days += rows.day[r] != day;
      day = rows.day[r];
    }
    const int class_after = class_of(cells, n_days);
    if (started) {
      const int gap = at - ago;
      age(frequency_class, gap);  // at risk in all of them; bought in the last
      const int cell = std::min(gap - 1, cells.recency_cells);
      sink.buys(frequency_class * (cells.recency_cells + 1) + cell, class_after, n_purchases);
    }
    started = true;
    at = ago;
    frequency_class = class_after;
  }
  if (started) age(frequency_class, at);  // to the end of observation
  return started;
}

// Which outcome of a chain a transition is, by its state's place among them; -1: none that the chain knows.
class TransitionOutcomes {
 public:
  // Precondition: the chain has recency_frequency.
  explicit TransitionOutcomes(const MigrationChain& chain);
  [[nodiscard]] const RecencyFrequency& cells() const { return cells_; }
  [[nodiscard]] int aged(int state) const { return aged_[static_cast<std::size_t>(state)]; }
  [[nodiscard]] int bought(int state, int class_after) const {
    return bought_[static_cast<std::size_t>(state) * n_classes_ + static_cast<std::size_t>(class_after)];
  }

 private:
  RecencyFrequency cells_;
  std::size_t n_classes_;
  std::vector<int> aged_, bought_;  // [states], [states, classes]
};

}  // namespace clvsim
