// Customer-periods of a log, counted by state and outcome.
#pragma once

#include <clvsim/migration_chain.hpp>

#include <array>
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

// Calls visit(periods ago, purchases, purchase days so far) for every period in which customer i has a purchase, in the
// order of time; refunds are no purchases.
template <class Visit>
void for_buying_periods(const CustomerBatch& batch, std::size_t i, const PeriodTable& table, const Visit& visit) {
  constexpr auto purchase = static_cast<std::uint8_t>(RowKind::purchase);
  const History& rows = batch.history;
  std::int64_t n_days = 0;
  const auto end = static_cast<std::size_t>(rows.offset[i + 1]);
  for (auto r = static_cast<std::size_t>(rows.offset[i]); r < end;) {
    if (rows.kind[r] != purchase) {
      ++r;
      continue;
    }
    const int ago = table.periods_ago(rows.day[r]);
    std::int64_t n_purchases = 0;
    std::int32_t day = rows.day[r] - 1;
    for (; r < end && table.periods_ago(rows.day[r]) == ago; ++r) {
      if (rows.kind[r] != purchase) continue;
      ++n_purchases;
      n_days += rows.day[r] != day;
      day = rows.day[r];
    }
    visit(ago, n_purchases, n_days);
  }
}

// Place of the frequency class of a number of purchase days, at least 1.
[[nodiscard]] int class_of(const RecencyFrequency& cells, std::int64_t n_purchase_days);

// What happened in each period after the one of a customer's first purchase: from the state at its beginning the
// customer buys (a purchase day at least, amount >= 0), which leads to cell 0 of the frequency class of all its
// purchase days so far, or ages. Refunds do not buy. Purchases of the first period count towards the class alone.
struct TransitionCounts {
  static constexpr int max_purchases = 16;

  explicit TransitionCounts(const RecencyFrequency& cells);
  // Adds every customer of the batch that has a purchase.
  void add(const CustomerBatch& batch, const PeriodTable& periods);

  [[nodiscard]] int n_classes() const { return static_cast<int>(cells.class_from.size()); }
  [[nodiscard]] int n_states() const { return n_classes() * (cells.recency_cells + 1); }
  [[nodiscard]] std::int64_t buys(int state) const;  // to any class

  RecencyFrequency cells;
  std::int64_t n_customers = 0;         // with a purchase
  std::int64_t n_without_purchase = 0;  // customers with refunds alone
  std::vector<std::int64_t> periods;    // [states] customer-periods at risk
  std::vector<std::int64_t> buys_to;    // [states, classes] of them with a purchase, by the class afterwards
  std::array<std::int64_t, max_purchases> purchases_in_period{};  // [k] periods counted here with k+1 purchases
  std::int64_t crowded_periods = 0;  // periods with more than max_purchases, counted with the last

 private:
  void age(int frequency_class, int n);  // n periods without a purchase after one with
};

}  // namespace clvsim
