#include "tests/support/io_store.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <stdexcept>
#include <tuple>

namespace clvsim::test {
namespace {

constexpr std::int32_t end_day = 10134;  // 1997-09-30

struct Row {
  std::int32_t day;
  std::uint8_t kind;
  MinorUnits amount, cost;
  std::int64_t quantity;
  auto operator<=>(const Row&) const = default;
};

void add_rows(History& history, std::vector<Row> rows, const StoreInfo& info) {
  std::sort(rows.begin(), rows.end());
  // One purchase a day, as in a store that merged them.
  rows.erase(std::unique(rows.begin(), rows.end(),
                         [](const Row& a, const Row& b) { return a.day == b.day && a.kind == 0 && b.kind == 0; }),
             rows.end());
  for (const Row& row : rows) {
    history.day.push_back(row.day);
    history.amount.push_back(row.amount);
    history.kind.push_back(row.kind);
    if (info.has_cost) history.cost.push_back(row.cost);
    if (info.has_quantity) history.quantity.push_back(row.quantity);
  }
  history.offset.push_back(static_cast<std::int64_t>(history.day.size()));
}

LedgerLine line_of(const History& rows) {
  LedgerLine line{static_cast<std::int64_t>(rows.day.size()), 0};
  for (const MinorUnits amount : rows.amount) line.amount += amount;
  return line;
}

template <class T>
std::vector<T> part(const std::vector<T>& all, std::int64_t first, std::int64_t count) {
  return all.empty() ? std::vector<T>{} : std::vector<T>(all.begin() + first, all.begin() + first + count);
}

History slice_rows(const History& all, std::int64_t first, std::int64_t count) {
  History rows;
  const std::int64_t begin = all.offset[static_cast<std::size_t>(first)];
  const std::int64_t n = all.offset[static_cast<std::size_t>(first + count)] - begin;
  rows.offset.clear();
  for (std::int64_t i = first; i <= first + count; ++i)
    rows.offset.push_back(all.offset[static_cast<std::size_t>(i)] - begin);
  rows.day = part(all.day, begin, n);
  rows.amount = part(all.amount, begin, n);
  rows.kind = part(all.kind, begin, n);
  rows.cost = part(all.cost, begin, n);
  rows.quantity = part(all.quantity, begin, n);
  return rows;
}

std::string differ(const History& a, const History& b) {
  return a.offset != b.offset       ? "offset"
         : a.day != b.day           ? "day"
         : a.amount != b.amount     ? "amount"
         : a.kind != b.kind         ? "kind"
         : a.cost != b.cost         ? "cost"
         : a.quantity != b.quantity ? "quantity"
                                    : "";
}

bool same(const LedgerLine& a, const LedgerLine& b) { return a.rows == b.rows && a.amount == b.amount; }

std::string differ(const StoreInfo& a, const StoreInfo& b) {
  if (a.currency.code != b.currency.code || a.currency.decimals != b.currency.decimals) return "currency";
  if (a.unit != b.unit) return "unit";
  if (std::tie(a.observation_end, a.first_day, a.last_day) != std::tie(b.observation_end, b.first_day, b.last_day))
    return "dates";
  if (std::tie(a.has_cost, a.has_quantity, a.same_day_merged, a.ids_hashed, a.contract_book, a.key_width) !=
      std::tie(b.has_cost, b.has_quantity, b.same_day_merged, b.ids_hashed, b.contract_book, b.key_width))
    return "flags";
  if (std::tie(a.n_customers, a.n_rows, a.n_holdout_customers, a.n_holdout_rows, a.segments) !=
      std::tie(b.n_customers, b.n_rows, b.n_holdout_customers, b.n_holdout_rows, b.segments))
    return "counts or segments";
  if (a.covariates != b.covariates) return "names of covariates";
  const Ledger &x = a.ledger, &y = b.ledger;
  if (!same(x.read, y.read) || !same(x.calibration, y.calibration) || !same(x.holdout, y.holdout) ||
      !same(x.merged_calibration, y.merged_calibration) || !same(x.merged_holdout, y.merged_holdout) ||
      !same(x.rejected, y.rejected) || x.rejected_by_reason != y.rejected_by_reason || !same(x.refunds, y.refunds) ||
      x.zero_amount_rows != y.zero_amount_rows)
    return "ledger";
  return "";
}

}  // namespace

TestStore make_test_store(const TestStoreOptions& options) {
  TestStore store;
  StoreInfo& info = store.info;
  info.currency = {"USD", 2};
  info.unit = PeriodUnit::week;
  info.observation_end = {end_day};
  info.has_cost = options.has_cost;
  info.has_quantity = options.has_quantity;
  info.contract_book = options.contract_book;
  info.same_day_merged = !options.contract_book;
  info.key_width = 9;
  info.segments = {"", "north", "south"};
  std::mt19937_64 random(options.seed);
  const auto draw = [&](std::int64_t lowest, std::int64_t highest) {
    return lowest + static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(highest - lowest + 1));
  };
  const auto row = [&](std::int64_t first, std::int64_t last) {
    if (options.contract_book)
      return Row{static_cast<std::int32_t>(draw(first, last)), static_cast<std::uint8_t>(draw(2, 3)), draw(0, 9999),
                 draw(0, 2000), draw(1, 9) * 1000};
    const bool refund = draw(0, 9) == 0;
    return Row{static_cast<std::int32_t>(draw(first, last)), refund, refund ? -draw(1, 5000) : draw(0, 100) * 50,
               draw(0, 2000), draw(1, 9) * 1000};
  };
  CustomerBatch& all = store.customers;
  all.key_width = info.key_width;
  for (int k = 0; k < options.n_covariates; ++k) info.covariates.push_back(fmt::format("number {}", k));
  all.covariates.resize(info.covariates.size());
  for (std::int64_t i = 0; i < options.n_customers; ++i) {
    const std::string key = fmt::format("C{:08d}", i);
    all.key.insert(all.key.end(), key.begin(), key.end());
    all.key_hash.push_back(customer_hash(key));
    all.segment.push_back(static_cast<std::uint32_t>(draw(0, 2)));
    for (std::vector<double>& covariate : all.covariates) covariate.push_back(static_cast<double>(draw(-50, 50)) / 7);
    std::vector<Row> rows;
    for (std::int64_t n = options.contract_book ? 1 : draw(1, options.max_rows); n > 0; --n)
      rows.push_back(row(end_day - 272, end_day));
    add_rows(all.history, std::move(rows), info);
    if (options.has_holdout && !options.contract_book && draw(0, 1) == 0) {
      store.holdout_keys.insert(store.holdout_keys.end(), key.begin(), key.end());
      add_rows(store.holdout, {row(end_day + 1, end_day + 200)}, info);
    }
  }
  summarise(store);
  return store;
}

void summarise(TestStore& store) {
  CustomerBatch& all = store.customers;
  const History& rows = all.history;
  StoreInfo& info = store.info;
  const std::size_t n = all.key_hash.size();
  all.first_day.assign(n, 0);
  all.last_purchase_day.assign(n, 0);
  all.n_purchase_days.assign(n, 0);
  all.spend_sum.assign(n, 0);
  all.refund_sum.assign(n, 0);
  for (std::size_t i = 0; i < n; ++i) {
    const auto begin = static_cast<std::size_t>(rows.offset[i]), end = static_cast<std::size_t>(rows.offset[i + 1]);
    for (std::size_t r = begin; r < end; ++r) {
      if (rows.kind[r] <= 1) (rows.kind[r] != 0 ? all.refund_sum : all.spend_sum)[i] += rows.amount[r];
      if (rows.kind[r] != 0) continue;
      if (all.n_purchase_days[i] == 0) all.first_day[i] = rows.day[r];
      if (all.n_purchase_days[i] == 0 || all.last_purchase_day[i] != rows.day[r]) ++all.n_purchase_days[i];
      all.last_purchase_day[i] = rows.day[r];
    }
    if (all.n_purchase_days[i] == 0) all.first_day[i] = all.last_purchase_day[i] = rows.day[begin];
  }
  all.frequency.clear();
  all.recency_days.clear();
  all.observed_days.clear();
  for (std::size_t i = 0; i < n; ++i) {
    all.frequency.push_back(std::max(0, all.n_purchase_days[i] - 1));
    all.recency_days.push_back(all.last_purchase_day[i] - all.first_day[i]);
    all.observed_days.push_back(info.observation_end.days - all.first_day[i]);
  }
  info.n_customers = static_cast<std::int64_t>(n);
  info.n_rows = static_cast<std::int64_t>(rows.day.size());
  info.n_holdout_customers = static_cast<std::int64_t>(store.holdout.offset.size()) - 1;
  info.n_holdout_rows = static_cast<std::int64_t>(store.holdout.day.size());
  const auto [first, last] = std::minmax_element(rows.day.begin(), rows.day.end());
  info.first_day = first == rows.day.end() ? info.observation_end : Date{*first};
  info.last_day = last == rows.day.end() ? info.observation_end : Date{*last};
  for (const std::int32_t day : store.holdout.day) info.last_day = std::max(info.last_day, Date{day});

  Ledger& ledger = info.ledger;
  ledger = {};
  ledger.calibration = line_of(rows);
  ledger.holdout = line_of(store.holdout);
  // Two merged rows: their amounts are inside stored ones.
  if (!rows.amount.empty() && !info.contract_book) {
    ledger.merged_calibration = {2, 300};
    ledger.calibration.amount -= 300;
  }
  ledger.rejected = {3, 1234};
  ledger.rejected_by_reason = {{"bad amount", 1}, {"bad date", 2}};
  for (const History* part_of : {&rows, static_cast<const History*>(&store.holdout)})
    for (const MinorUnits amount : part_of->amount) {
      if (amount < 0) {
        ++ledger.refunds.rows;
        ledger.refunds.amount += amount;
      }
      ledger.zero_amount_rows += amount == 0 ? 1 : 0;
    }
  for (const LedgerLine& line : {ledger.calibration, ledger.holdout, ledger.merged_calibration, ledger.rejected}) {
    ledger.read.rows += line.rows;
    ledger.read.amount += line.amount;
  }
}

CustomerBatch slice(const CustomerBatch& all, std::int64_t first, std::int64_t count) {
  CustomerBatch batch;
  const auto width = static_cast<std::int64_t>(all.key_width);
  batch.first_index = first;
  batch.key_width = all.key_width;
  batch.key = part(all.key, first * width, count * width);
  batch.key_hash = part(all.key_hash, first, count);
  batch.first_day = part(all.first_day, first, count);
  batch.last_purchase_day = part(all.last_purchase_day, first, count);
  batch.n_purchase_days = part(all.n_purchase_days, first, count);
  batch.frequency = part(all.frequency, first, count);
  batch.recency_days = part(all.recency_days, first, count);
  batch.observed_days = part(all.observed_days, first, count);
  batch.spend_sum = part(all.spend_sum, first, count);
  batch.refund_sum = part(all.refund_sum, first, count);
  batch.segment = part(all.segment, first, count);
  for (const std::vector<double>& covariate : all.covariates)
    batch.covariates.push_back(count == 0 ? std::vector<double>{} : part(covariate, first, count));
  batch.history = slice_rows(all.history, first, count);
  return batch;
}

void write_store(const TestStore& store, const std::filesystem::path& path, std::int64_t batch, bool overwrite) {
  StoreWriter writer(path, store.info, overwrite);
  const std::int64_t n = store.info.n_customers, n_holdout = store.info.n_holdout_customers;
  const auto width = static_cast<std::int64_t>(store.info.key_width);
  for (std::int64_t first = 0; first < n; first += batch)
    writer.append(slice(store.customers, first, std::min(batch, n - first)));
  for (std::int64_t first = 0; first < n_holdout; first += batch) {
    const std::int64_t count = std::min(batch, n_holdout - first);
    writer.append_holdout(part(store.holdout_keys, first * width, count * width),
                          slice_rows(store.holdout, first, count));
  }
  writer.finish(store.info.ledger, store.info.segments);
}

std::string difference(const TestStore& store, const std::filesystem::path& path, std::int64_t batch) {
  return difference(store, StoreReader(path), batch);
}

std::string difference(const TestStore& store, const StoreReader& reader, std::int64_t batch) {
  if (const std::string found = differ(store.info, reader.info()); !found.empty()) return found;
  const auto width = static_cast<std::int64_t>(store.info.key_width);
  CustomerBatch got;
  for (std::int64_t first = 0; first < store.info.n_customers; first += batch) {
    const std::int64_t count = std::min(batch, store.info.n_customers - first);
    reader.read(first, count, got);
    const CustomerBatch want = slice(store.customers, first, count);
    if (got.first_index != first || got.key_width != want.key_width) return "first_index or key_width";
    if (got.key != want.key) return "key";
    if (got.key_hash != want.key_hash) return "key_hash";
    if (std::tie(got.first_day, got.last_purchase_day, got.n_purchase_days, got.frequency, got.recency_days,
                 got.observed_days) != std::tie(want.first_day, want.last_purchase_day, want.n_purchase_days,
                                                want.frequency, want.recency_days, want.observed_days))
      return "days and counts";
    if (got.covariates != want.covariates) return "covariates";
    if (std::tie(got.spend_sum, got.refund_sum, got.segment) != std::tie(want.spend_sum, want.refund_sum, want.segment))
      return "sums and segments";
    if (const std::string found = differ(got.history, want.history); !found.empty()) return "history " + found;
  }
  std::vector<char> keys;
  History rows;
  for (std::int64_t first = 0; first < store.info.n_holdout_customers; first += batch) {
    const std::int64_t count = std::min(batch, store.info.n_holdout_customers - first);
    reader.read_holdout(first, count, keys, rows);
    if (keys != part(store.holdout_keys, first * width, count * width)) return "holdout key";
    if (const std::string found = differ(rows, slice_rows(store.holdout, first, count)); !found.empty())
      return "holdout " + found;
  }
  return "";
}

}  // namespace clvsim::test
