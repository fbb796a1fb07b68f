#include "host/io/store_format.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <set>
#include <string>
#include <tuple>

namespace clvsim::store_format {
namespace {

using h5::Failure;

Failure wrong(std::string_view where, std::int64_t row, std::string_view what) {
  return Failure(fmt::format("{} of row {} {}", where, row, what));
}

bool fits(WideSum value) {
  return value >= std::numeric_limits<std::int64_t>::min() && value <= std::numeric_limits<std::int64_t>::max();
}

void check_sizes(const History& rows, const StoreInfo& info) {
  const std::size_t n = rows.day.size();
  if (rows.offset.empty() || rows.offset.front() != 0 || rows.offset.back() != static_cast<std::int64_t>(n) ||
      rows.amount.size() != n || rows.kind.size() != n || rows.cost.size() != (info.has_cost ? n : 0) ||
      rows.quantity.size() != (info.has_quantity ? n : 0))
    throw Failure("a history's columns are not equally long, or its offsets do not span them");
  for (std::size_t i = 1; i < rows.offset.size(); ++i)
    if (rows.offset[i] <= rows.offset[i - 1] || rows.offset[i] > static_cast<std::int64_t>(n))
      throw Failure("a history's offsets do not ascend");
}

// A text column cannot tell a NUL inside a key from padding.
bool padded(const char* key, std::size_t width) {
  const std::size_t n = ::strnlen(key, width);
  return n > 0 && std::all_of(key + n, key + width, [](char c) { return c == '\0'; });
}

}  // namespace

void Checker::check_keys(std::span<const char> keys, std::size_t n, Totals& totals, std::string_view where) const {
  const std::size_t width = info_.key_width;
  if (keys.size() != n * width) throw Failure(fmt::format("{} has keys of a wrong width", where));
  for (std::size_t i = 0; i < n; ++i) {
    const char* key = keys.data() + i * width;
    const std::int64_t row = totals.customers + static_cast<std::int64_t>(i);
    if (!padded(key, width)) throw wrong(where, row, "has an empty or broken key");
    const char* before = i > 0 ? key - width : totals.last_key.empty() ? nullptr : totals.last_key.data();
    if (before != nullptr && std::memcmp(before, key, width) >= 0)
      throw wrong(where, row, "has a key that does not come after the one before");
  }
  if (n > 0) totals.last_key.assign(keys.end() - static_cast<std::ptrdiff_t>(width), keys.end());
  totals.customers += static_cast<std::int64_t>(n);
}

void Checker::check_rows(const History& rows, std::size_t i, Totals& totals, Date first, Date last,
                         std::string_view where) const {
  const auto begin = static_cast<std::size_t>(rows.offset[i]), end = static_cast<std::size_t>(rows.offset[i + 1]);
  const auto sort_key = [&](std::size_t r) {
    return std::tuple(rows.day[r], rows.kind[r], rows.amount[r], info_.has_cost ? rows.cost[r] : 0,
                      info_.has_quantity ? rows.quantity[r] : 0);
  };
  for (std::size_t r = begin; r < end; ++r) {
    const std::int64_t row = totals.rows + static_cast<std::int64_t>(r - begin);
    if (rows.day[r] < first.days || rows.day[r] > last.days) throw wrong(where, row, "has a day out of range");
    if (rows.kind[r] > 3 || (rows.kind[r] > 1) != info_.contract_book)
      throw wrong(where, row, "is of a kind that there is not");
    const bool refund = rows.kind[r] == static_cast<std::uint8_t>(RowKind::refund);
    if (refund != (rows.amount[r] < 0)) throw wrong(where, row, "has an amount whose sign belies its kind");
    if (r > begin) {
      if (info_.contract_book) throw wrong(where, row, "is a second contract of a customer");
      if (sort_key(r) < sort_key(r - 1)) throw wrong(where, row, "is out of order");
      if (info_.same_day_merged && !refund && rows.day[r] == rows.day[r - 1] && rows.kind[r - 1] == rows.kind[r])
        throw wrong(where, row, "is a second purchase of a day in a store that merges them");
    }
    totals.amount += rows.amount[r];
    if (refund) {
      ++totals.refunds;
      totals.refund_amount += rows.amount[r];
    }
    totals.zero_rows += rows.amount[r] == 0 ? 1 : 0;
  }
  totals.rows += static_cast<std::int64_t>(end - begin);
}

void Checker::add(const CustomerBatch& batch, std::size_t n_segments) {
  const std::size_t n = batch.size();
  if (batch.key_width != info_.key_width) throw Failure("a batch has keys of a wrong width");
  for (const std::size_t size :
       {batch.first_day.size(), batch.last_purchase_day.size(), batch.n_purchase_days.size(), batch.frequency.size(),
        batch.recency_days.size(), batch.observed_days.size(), batch.spend_sum.size(), batch.refund_sum.size(),
        batch.segment.size(), batch.history.offset.size() - 1})
    if (size != n) throw Failure("a batch's columns are not equally long");
  if (batch.covariates.size() != info_.covariates.size())
    throw Failure(
        fmt::format("a batch has {} covariates, the store {}", batch.covariates.size(), info_.covariates.size()));
  for (const std::vector<double>& covariate : batch.covariates)
    if (covariate.size() != n) throw Failure("a batch's columns are not equally long");
  check_sizes(batch.history, info_);
  const std::int64_t first_row = calibration_.customers;
  check_keys(batch.key, n, calibration_, "/customers");

  const History& rows = batch.history;
  for (std::size_t i = 0; i < n; ++i) {
    const std::int64_t row = first_row + static_cast<std::int64_t>(i);
    check_rows(rows, i, calibration_, info_.first_day, info_.observation_end, "/history");

    std::int32_t days = 0, first = 0, last = 0;
    WideSum spend = 0, refunds = 0;
    for (auto r = static_cast<std::size_t>(rows.offset[i]); r < static_cast<std::size_t>(rows.offset[i + 1]); ++r) {
      if (rows.kind[r] == static_cast<std::uint8_t>(RowKind::refund)) {
        refunds += rows.amount[r];
        continue;
      }
      if (info_.contract_book) continue;
      spend += rows.amount[r];
      if (days == 0) first = rows.day[r];
      if (days == 0 || rows.day[r] != last) ++days;
      last = rows.day[r];
    }
    if (days == 0) first = last = rows.day[static_cast<std::size_t>(rows.offset[i])];
    if (!fits(spend) || !fits(refunds)) throw wrong("/customers", row, "has a sum that no 64 bits hold");
    if (batch.first_day[i] != first || batch.last_purchase_day[i] != last || batch.n_purchase_days[i] != days ||
        batch.frequency[i] != std::max(days - 1, 0) || batch.recency_days[i] != last - first ||
        batch.observed_days[i] != info_.observation_end.days - first || batch.spend_sum[i] != spend ||
        batch.refund_sum[i] != refunds)
      throw wrong("/customers", row, "has a summary that its history belies");
    if (batch.key_hash[i] >= first_reserved_hash) throw wrong("/customers", row, "has a hash out of range");
    if (batch.segment[i] >= n_segments) throw wrong("/customers", row, "has a segment that there is not");
    for (const std::vector<double>& covariate : batch.covariates)
      if (!std::isfinite(covariate[i])) throw wrong("/customers", row, "has a covariate that is no number");
  }
}

void Checker::add_holdout(const std::vector<char>& keys, const History& rows) {
  check_sizes(rows, info_);
  const std::size_t n = rows.offset.size() - 1;
  check_keys(keys, n, holdout_, "/holdout_customers");
  for (std::size_t i = 0; i < n; ++i)
    check_rows(rows, i, holdout_, Date{info_.observation_end.days + 1}, info_.last_day, "/holdout");
}

void Checker::finish(const StoreInfo& info) const {
  if (info.first_day < first_valid_date || info.last_day > last_valid_date || info.observation_end < info.first_day ||
      info.last_day < info.first_day)
    throw Failure("first_day, observation_end and last_day are out of order or of range");
  if (info.n_customers != calibration_.customers || info.n_rows != calibration_.rows ||
      info.n_holdout_customers != holdout_.customers || info.n_holdout_rows != holdout_.rows)
    throw Failure("the counts of customers and rows differ from what is stored");
  if (info.contract_book && (info.n_holdout_rows != 0 || info.same_day_merged))
    throw Failure("a contract book has a holdout, or merges purchases");
  if (info.segments.empty() || !info.segments.front().empty()) throw Failure("segment 0 has a name");
  std::set<std::string> names;
  for (const std::string& name : info.covariates)
    if (name.empty() || !names.insert(name).second) throw Failure("a covariate has no name, or that of another");

  const Ledger& ledger = info.ledger;
  std::int64_t rejected = 0;
  WideSum rows = 0, amount = 0;
  for (const LedgerLine& line :
       {ledger.calibration, ledger.holdout, ledger.merged_calibration, ledger.merged_holdout, ledger.rejected}) {
    if (line.rows < 0) throw Failure("the ledger counts a negative number of rows");
    rows += line.rows;
    amount += line.amount;
  }
  if (rows != ledger.read.rows || amount != ledger.read.amount)
    throw Failure("the ledger is not conserved: read differs from calibration + holdout + merged + rejected");
  for (const auto& [reason, count] : ledger.rejected_by_reason) {
    if (count < 0 || count > ledger.rejected.rows - rejected) throw Failure("the ledger's rejects do not add up");
    rejected += count;
  }
  if (rejected != ledger.rejected.rows) throw Failure("the ledger's rejects do not add up");
  const auto side = [](const Totals& totals, const LedgerLine& kept, const LedgerLine& merged, const char* name) {
    if (totals.rows != kept.rows)
      throw Failure(fmt::format("the ledger says {} rows of {}, {} are stored", kept.rows, name, totals.rows));
    if (totals.amount != static_cast<WideSum>(kept.amount) + merged.amount)
      throw Failure(fmt::format("the ledger's amount of {} differs from what is stored", name));
  };
  side(calibration_, ledger.calibration, ledger.merged_calibration, "calibration");
  side(holdout_, ledger.holdout, ledger.merged_holdout, "holdout");
  if (calibration_.refunds + holdout_.refunds != ledger.refunds.rows ||
      calibration_.refund_amount + holdout_.refund_amount != ledger.refunds.amount)
    throw Failure("the ledger's refunds differ from what is stored");
  if (calibration_.zero_rows + holdout_.zero_rows > ledger.zero_amount_rows)
    throw Failure("the ledger counts fewer rows of amount 0 than are stored");
  if (info.same_day_merged == false && (ledger.merged_calibration.rows != 0 || ledger.merged_holdout.rows != 0))
    throw Failure("the ledger counts merged rows in a store that merges none");
}

}  // namespace clvsim::store_format
