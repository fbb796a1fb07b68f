// Customer-periods of a log, counted by state and outcome.
#pragma once

#include "host/model/transitions.hpp"

#include <clvsim/migration_chain.hpp>

#include <array>
#include <cstdint>
#include <vector>

namespace clvsim {

// The transitions of all customers (for_transitions), added up.
struct TransitionCounts {
  static constexpr int max_purchases = 16;

  explicit TransitionCounts(const RecencyFrequency& cells);
  // Adds customer i of the batch, if it has a purchase; or every customer.
  void add(const CustomerBatch& batch, std::size_t i, const PeriodTable& periods);
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

  // Of a customer; as for_transitions calls them.
  void at_risk(int state, int n);
  void buys(int state, int class_after, std::int64_t n_purchases);
};

}  // namespace clvsim
