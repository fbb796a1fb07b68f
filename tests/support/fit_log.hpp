// Small logs written down in a test, as the batch that a store would give.
#pragma once

#include <clvsim/customers.hpp>
#include <clvsim/store.hpp>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace clvsim::test {

// (day, amount in minor units) a row; a negative amount is a refund.
using Rows = std::vector<std::pair<std::int32_t, MinorUnits>>;

// Customers "c000", "c001", ...; observation starts on the earliest day.
inline CustomerBatch batch_of(const std::vector<Rows>& customers, Date observation_end) {
  CustomerBatch batch;
  batch.key_width = 8;
  for (std::size_t i = 0; i < customers.size(); ++i) {
    std::string key = "c" + std::to_string(1000 + i);
    batch.key_hash.push_back(customer_hash(key));
    key.resize(batch.key_width, '\0');
    batch.key.insert(batch.key.end(), key.begin(), key.end());
    Rows rows = customers[i];
    std::sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) {
      return std::tuple(a.first, a.second < 0, a.second) < std::tuple(b.first, b.second < 0, b.second);
    });
    std::int32_t first = rows.front().first, last = rows.front().first, n_days = 0;
    std::int32_t previous = first - 1;
    MinorUnits spend = 0, refunds = 0;
    for (const auto& [day, amount] : rows) {
      batch.history.day.push_back(day);
      batch.history.amount.push_back(amount);
      batch.history.kind.push_back(static_cast<std::uint8_t>(amount < 0 ? RowKind::refund : RowKind::purchase));
      (amount < 0 ? refunds : spend) += amount;
      if (amount < 0) continue;
      if (n_days == 0) first = day;
      n_days += day != previous;
      previous = last = day;
    }
    batch.history.offset.push_back(static_cast<std::int64_t>(batch.history.day.size()));
    batch.first_day.push_back(first);
    batch.last_purchase_day.push_back(last);
    batch.n_purchase_days.push_back(n_days);
    batch.frequency.push_back(std::max(n_days - 1, 0));
    batch.recency_days.push_back(last - first);
    batch.observed_days.push_back(observation_end.days - first);
    batch.spend_sum.push_back(spend);
    batch.refund_sum.push_back(refunds);
    batch.segment.push_back(0);
  }
  return batch;
}

inline StoreInfo info_of(const CustomerBatch& batch, Date observation_end, PeriodUnit unit) {
  StoreInfo info;
  info.unit = unit;
  info.observation_end = observation_end;
  info.first_day = {*std::min_element(batch.history.day.begin(), batch.history.day.end())};
  info.last_day = observation_end;
  info.n_customers = static_cast<std::int64_t>(batch.size());
  info.n_rows = static_cast<std::int64_t>(batch.history.day.size());
  info.content_digest = "0123456789abcdef0123456789abcdef";
  return info;
}

}  // namespace clvsim::test
