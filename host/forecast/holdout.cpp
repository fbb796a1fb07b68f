#include <clvsim/error.hpp>
#include <clvsim/holdout.hpp>

#include <algorithm>
#include <cstring>

namespace clvsim {
namespace {

constexpr std::int64_t block_customers = 1 << 16;

MinorUnits add(MinorUnits a, MinorUnits b) {
  MinorUnits sum = 0;
  if (__builtin_add_overflow(a, b, &sum))
    throw DataError("the holdout's amounts sum to more than 64 bits hold; give the log in larger units");
  return sum;
}

}  // namespace

HoldoutJoin::HoldoutJoin(const StoreReader& store, int horizon)
    : store_(store), last_day_(PeriodGrid(store.info().observation_end, store.info().unit).end(horizon)) {}

bool HoldoutJoin::load() {
  if (at_ < n_) return true;
  const std::int64_t count = std::min(block_customers, store_.info().n_holdout_customers - next_block_);
  if (count <= 0) return false;
  store_.read_holdout(next_block_, count, keys_, rows_);
  next_block_ += count;
  at_ = 0;
  n_ = static_cast<std::size_t>(count);
  return true;
}

bool HoldoutJoin::sum_rows(MinorUnits& spend, std::int64_t& purchases) const {
  bool any = false;
  for (std::int64_t r = rows_.offset[at_]; r < rows_.offset[at_ + 1]; ++r) {
    const auto row = static_cast<std::size_t>(r);
    if (rows_.day[row] > last_day_.days) continue;
    any = true;
    spend = add(spend, rows_.amount[row]);
    if (static_cast<RowKind>(rows_.kind[row]) == RowKind::purchase) ++purchases;
  }
  return any;
}

void HoldoutJoin::join(const CustomerBatch& batch, std::vector<MinorUnits>& spend,
                       std::vector<std::int64_t>& purchases) {
  spend.assign(batch.size(), 0);
  purchases.assign(batch.size(), 0);
  const std::size_t width = store_.info().key_width;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const char* key = batch.key.data() + i * width;
    while (load()) {
      const int order = std::memcmp(keys_.data() + at_ * width, key, width);
      if (order > 0) break;
      if (order == 0) {
        sum_rows(spend[i], purchases[i]);
      } else {
        std::int64_t ignored = 0;
        if (sum_rows(unmatched_spend_, ignored)) ++unmatched_customers_;
      }
      ++at_;
      if (order == 0) break;
    }
  }
}

void HoldoutJoin::finish() {
  while (load()) {
    std::int64_t ignored = 0;
    if (sum_rows(unmatched_spend_, ignored)) ++unmatched_customers_;
    ++at_;
  }
}

HoldoutTotals holdout_totals(const StoreReader& store, int horizon) {
  HoldoutJoin holdout(store, horizon);
  HoldoutTotals totals;
  CustomerBatch batch;
  std::vector<MinorUnits> spend;
  std::vector<std::int64_t> purchases;
  const StoreInfo& info = store.info();
  for (std::int64_t first = 0; first < info.n_customers; first += block_customers) {
    store.read(first, std::min(block_customers, info.n_customers - first), batch);
    holdout.join(batch, spend, purchases);
    for (std::size_t i = 0; i < batch.size(); ++i) {
      totals.revenue = add(totals.revenue, spend[i]);
      totals.purchases += purchases[i];
    }
  }
  holdout.finish();
  totals.new_customers = holdout.unmatched_customers();
  totals.new_revenue = holdout.unmatched_spend();
  totals.log_end = info.last_day;
  totals.complete = info.last_day >= PeriodGrid(info.observation_end, info.unit).end(horizon);
  return totals;
}

}  // namespace clvsim
