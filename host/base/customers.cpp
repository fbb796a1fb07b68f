#include "host/base/customers.hpp"

#include <clvsim/error.hpp>

#include <fmt/format.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <cstring>

namespace clvsim {

void History::clear() {
  offset.assign(1, 0);
  day.clear();
  amount.clear();
  kind.clear();
  cost.clear();
  quantity.clear();
}

std::string_view CustomerBatch::key_of(std::size_t i) const {
  const char* begin = key.data() + i * key_width;
  return {begin, ::strnlen(begin, key_width)};
}

void CustomerBatch::clear() {
  const std::size_t width = key_width;
  *this = CustomerBatch{};
  key_width = width;
}

void append_summary(CustomerBatch& batch, std::size_t first_row, Date observation_end) {
  History& rows = batch.history;
  const auto add = [](MinorUnits amount, MinorUnits& sum, const char* what) {
    if (!__builtin_add_overflow(sum, amount, &sum)) return;
    throw DataError(
        fmt::format("the sum of a customer's {} exceeds 64 bits of minor units (about 9.2e18); are --decimals and "
                    "the amount column right?",
                    what));
  };
  std::int32_t first = rows.day[first_row], last = first, n_days = 0;
  MinorUnits spend = 0, refunds = 0;
  for (std::size_t r = first_row; r < rows.day.size(); ++r) {
    if (rows.kind[r] == static_cast<std::uint8_t>(RowKind::refund)) {
      add(rows.amount[r], refunds, "refunds");
      continue;
    }
    if (rows.kind[r] != static_cast<std::uint8_t>(RowKind::purchase)) continue;
    add(rows.amount[r], spend, "purchases");
    if (n_days == 0) first = rows.day[r];
    if (n_days == 0 || rows.day[r] != last) ++n_days;
    last = rows.day[r];
  }
  rows.offset.push_back(static_cast<std::int64_t>(rows.day.size()));
  batch.first_day.push_back(first);
  batch.last_purchase_day.push_back(last);
  batch.n_purchase_days.push_back(n_days);
  batch.frequency.push_back(n_days > 0 ? n_days - 1 : 0);
  batch.recency_days.push_back(last - first);
  batch.observed_days.push_back(observation_end.days - first);
  batch.spend_sum.push_back(spend);
  batch.refund_sum.push_back(refunds);
}

std::uint64_t customer_hash(std::string_view key, std::uint64_t attempt) {
  return XXH3_64bits_withSeed(key.data(), key.size(), attempt) >> 8;
}

}  // namespace clvsim
