#include "tests/support/program.hpp"

#include <clvsim/holdout.hpp>

#include <gtest/gtest.h>

#include <cstring>

namespace clvsim {
namespace {

constexpr std::size_t width = 4;

void append_key(std::vector<char>& keys, const std::string& key) {
  keys.resize(keys.size() + width, '\0');
  std::memcpy(keys.data() + keys.size() - width, key.data(), key.size());
}

void append_row(History& rows, Date day, MinorUnits amount) {
  rows.day.push_back(day.days);
  rows.amount.push_back(amount);
  rows.kind.push_back(static_cast<std::uint8_t>(amount < 0 ? RowKind::refund : RowKind::purchase));
}

// Customers b and d are known; a, c and e come later, e after the horizon.
class HoldoutTest : public testing::Test {
 protected:
  void SetUp() override {
    info_.currency = {"USD", 2};
    info_.unit = PeriodUnit::week;
    info_.observation_end = end_;
    info_.first_day = info_.last_day = Date{end_.days - 9};
    info_.key_width = width;
  }
  void write(Date last_day) {
    info_.last_day = last_day;
    StoreWriter writer(path_, info_, true);
    CustomerBatch batch;
    batch.key_width = width;
    for (const char* key : {"b", "d"}) {
      append_key(batch.key, key);
      batch.key_hash.push_back(customer_hash(key));
      batch.first_day.push_back(end_.days - 9);
      batch.last_purchase_day.push_back(end_.days - 9);
      batch.n_purchase_days.push_back(1);
      batch.frequency.push_back(0);
      batch.recency_days.push_back(0);
      batch.observed_days.push_back(9);
      batch.spend_sum.push_back(100);
      batch.refund_sum.push_back(0);
      batch.segment.push_back(0);
      append_row(batch.history, Date{end_.days - 9}, 100);
      batch.history.offset.push_back(static_cast<std::int64_t>(batch.history.day.size()));
    }
    writer.append(batch);
    std::vector<char> keys;
    History rows;
    const auto customer = [&](const char* key, const std::vector<std::pair<int, MinorUnits>>& purchases) {
      append_key(keys, key);
      for (const auto& [after, amount] : purchases) append_row(rows, Date{end_.days + after}, amount);
      rows.offset.push_back(static_cast<std::int64_t>(rows.day.size()));
    };
    customer("a", {{1, 1000}});
    customer("b", {{1, 200}, {7, -50}, {14, 300}, {15, 9999}});
    customer("c", {{2, 5}});
    customer("e", {{15, 7777}});
    writer.append_holdout(keys, rows);
    Ledger ledger;
    ledger.calibration = {2, 200};
    ledger.holdout = {7, 1000 + 200 - 50 + 300 + 9999 + 5 + 7777};
    ledger.read = {9, 200 + 19231};
    ledger.refunds = {1, -50};
    writer.finish(ledger, {""});
  }
  test::TemporaryFolder folder_;
  std::filesystem::path path_ = folder_.path() / "store.h5";
  Date end_ = make_date(2024, 3, 3);
  StoreInfo info_;
};

TEST_F(HoldoutTest, SumsTheHorizonOfKnownCustomersAndKeepsNewOnesApart) {
  write(Date{end_.days + 15});
  const StoreReader store(path_);
  const HoldoutTotals two_weeks = holdout_totals(store, 2);
  EXPECT_EQ(two_weeks.revenue, 200 - 50 + 300);
  EXPECT_EQ(two_weeks.purchases, 2);
  EXPECT_EQ(two_weeks.new_customers, 2);
  EXPECT_EQ(two_weeks.new_revenue, 1005);
  EXPECT_TRUE(two_weeks.complete);
  EXPECT_EQ(two_weeks.log_end, Date{end_.days + 15});
  const HoldoutTotals one_week = holdout_totals(store, 1);
  EXPECT_EQ(one_week.revenue, 150);
  EXPECT_EQ(one_week.purchases, 1);
  EXPECT_FALSE(holdout_totals(store, 3).complete) << "the log ends a day into the third week";
  EXPECT_EQ(holdout_totals(store, 3).revenue, 150 + 300 + 9999);
}

}  // namespace
}  // namespace clvsim
