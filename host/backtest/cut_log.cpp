#include "host/backtest/cut_log.hpp"

#include "host/base/customers.hpp"

#include <algorithm>
#include <cstring>

namespace clvsim {
namespace {

constexpr std::int64_t block = 1 << 14;

void append_row(History& to, const History& from, std::size_t r) {
  to.day.push_back(from.day[r]);
  to.amount.push_back(from.amount[r]);
  to.kind.push_back(from.kind[r]);
}

// Customers of the store, one after the other.
class Known {
 public:
  explicit Known(const StoreReader& store) : store_(store) {}
  // Whether there is one at hand.
  bool load() {
    if (at_ < batch_.size()) return true;
    const std::int64_t count = std::min(block, store_.info().n_customers - next_);
    if (count <= 0) return false;
    store_.read(next_, count, batch_);
    next_ += count;
    at_ = 0;
    return true;
  }
  void next() { ++at_; }
  [[nodiscard]] const char* key() const { return batch_.key.data() + at_ * store_.info().key_width; }
  [[nodiscard]] const History& rows() const { return batch_.history; }
  [[nodiscard]] std::size_t at() const { return at_; }
  [[nodiscard]] std::uint64_t hash() const { return batch_.key_hash[at_]; }
  [[nodiscard]] std::uint32_t segment() const { return batch_.segment[at_]; }

 private:
  const StoreReader& store_;
  CustomerBatch batch_;
  std::int64_t next_ = 0;
  std::size_t at_ = 0;
};

// Customers of its holdout likewise.
class Later {
 public:
  explicit Later(const StoreReader& store) : store_(store) {}
  bool load() {
    if (at_ < n_) return true;
    const std::int64_t count = std::min(block, store_.info().n_holdout_customers - next_);
    if (count <= 0) return false;
    store_.read_holdout(next_, count, keys_, rows_);
    next_ += count;
    at_ = 0;
    n_ = static_cast<std::size_t>(count);
    return true;
  }
  void next() { ++at_; }
  [[nodiscard]] const char* key() const { return keys_.data() + at_ * store_.info().key_width; }
  [[nodiscard]] const History& rows() const { return rows_; }
  [[nodiscard]] std::size_t at() const { return at_; }

 private:
  const StoreReader& store_;
  std::vector<char> keys_;
  History rows_;
  std::int64_t next_ = 0;
  std::size_t at_ = 0, n_ = 0;
};

}  // namespace

void CutLog::for_batches(const Sink& sink, const NewcomerSink& newcomer) const {
  const std::size_t width = store_.info().key_width;
  Known known(store_);
  Later later(store_);
  CustomerBatch before;
  before.key_width = width;
  History after;
  const auto add_rows = [&](const History& rows, std::size_t at) {
    for (auto r = static_cast<std::size_t>(rows.offset[at]); r < static_cast<std::size_t>(rows.offset[at + 1]); ++r)
      if (rows.day[r] <= end_.days) append_row(rows.day[r] <= cut_.days ? before.history : after, rows, r);
  };
  const auto hand_over = [&] {
    if (before.size() == 0) return;
    sink(before, after);
    before.clear();
    after.clear();
  };
  for (;;) {
    const bool has_known = known.load(), has_later = later.load();
    if (!has_known && !has_later) break;
    const int order = !has_known ? 1 : !has_later ? -1 : std::memcmp(known.key(), later.key(), width);
    const char* key = order <= 0 ? known.key() : later.key();
    const std::size_t first = before.history.day.size(), first_after = after.day.size();
    if (order <= 0) add_rows(known.rows(), known.at());
    if (order >= 0) add_rows(later.rows(), later.at());
    if (before.history.day.size() > first) {
      before.key.insert(before.key.end(), key, key + width);
      before.key_hash.push_back(order <= 0 ? known.hash() : customer_hash({key, ::strnlen(key, width)}));
      before.segment.push_back(order <= 0 ? known.segment() : 0);
      append_summary(before, first, cut_);
      after.offset.push_back(static_cast<std::int64_t>(after.day.size()));
    } else {
      if (newcomer && after.day.size() > first_after) newcomer(after, first_after, after.day.size());
      after.day.resize(first_after);
      after.amount.resize(first_after);
      after.kind.resize(first_after);
    }
    if (order <= 0) known.next();
    if (order >= 0) later.next();
    if (before.size() == static_cast<std::size_t>(block)) hand_over();
  }
  hand_over();
}

BatchSource CutLog::before() const {
  return
      [this](const BatchSink& sink) { for_batches([&](const CustomerBatch& batch, const History&) { sink(batch); }); };
}

}  // namespace clvsim
