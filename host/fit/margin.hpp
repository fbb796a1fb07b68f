// The margin that a log's costs give, over all purchases, or contracts.
#pragma once

#include <clvsim/customers.hpp>

#include <optional>
#include <string>
#include <vector>

namespace clvsim {

struct MarginSums {
  double amount = 0, cost = 0;

  void add(const CustomerBatch& batch) {
    const History& rows = batch.history;
    if (rows.cost.empty()) return;
    for (std::size_t r = 0; r < rows.amount.size(); ++r) {
      if (rows.kind[r] == static_cast<std::uint8_t>(RowKind::refund)) continue;
      amount += static_cast<double>(rows.amount[r]);
      cost += static_cast<double>(rows.cost[r]);
    }
  }
  [[nodiscard]] std::optional<double> margin(std::vector<std::string>& notes) const {
    constexpr double lowest = -100;
    if (!(amount > 0)) return {};
    const double share = 1 - cost / amount;
    if (share >= lowest) return share;
    notes.emplace_back(
        "costs are more than a hundred times the purchases: no margin is estimated; check the cost column");
    return {};
  }
};

}  // namespace clvsim
