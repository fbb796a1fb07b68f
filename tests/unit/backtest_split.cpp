// Where a log is cut, and what stands before and after.
#include "host/backtest/cut_log.hpp"
#include "tests/support/ingest_files.hpp"

#include <clvsim/backtest.hpp>
#include <clvsim/error.hpp>
#include <clvsim/import.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>

namespace clvsim {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

Date day(const char* text) { return parse_iso_date(text); }

StoreInfo store_info(const char* first, const char* end, const char* last, PeriodUnit unit) {
  StoreInfo info;
  info.unit = unit;
  info.first_day = day(first);
  info.observation_end = day(end);
  info.last_day = day(last);
  return info;
}

const StoreInfo cdnow = store_info("1997-01-01", "1997-09-30", "1998-06-30", PeriodUnit::week);

TEST(LogSplit, IsTheStoresOwnWhereRowsFollow) {
  const LogSplit split = split_log(cdnow, {}, {});
  EXPECT_EQ(split.calibration_end, day("1997-09-30"));
  EXPECT_EQ(split.horizon(), 39);
  EXPECT_EQ(split.period_end.front(), day("1997-10-07"));
  EXPECT_EQ(split.end(), day("1998-06-30"));
  // Less than a period is no holdout: a third is.
  const LogSplit short_of = split_log(store_info("1997-01-01", "1997-09-30", "1997-10-06", PeriodUnit::week), {}, {});
  EXPECT_LT(short_of.calibration_end, day("1997-09-30"));
}

TEST(LogSplit, IsTheLastThirdOfALogWithoutOne) {
  // 12 calendar months.
  const LogSplit split = split_log(store_info("2023-01-01", "2023-12-31", "2023-12-20", PeriodUnit::month), {}, {});
  EXPECT_EQ(split.horizon(), 4);
  EXPECT_EQ(split.calibration_end, day("2023-08-31"));
  EXPECT_EQ(split.period_end,
            (std::vector<Date>{day("2023-09-30"), day("2023-10-31"), day("2023-11-30"), day("2023-12-31")}));
  // Two periods are the fewest: one to fit, one to forecast.
  EXPECT_EQ(split_log(store_info("2024-01-01", "2024-01-14", "2024-01-14", PeriodUnit::week), {}, {}).horizon(), 1);
  EXPECT_THAT([] { (void)split_log(store_info("2024-01-01", "2024-01-13", "2024-01-13", PeriodUnit::week), {}, {}); },
              ThrowsMessage<ConfigError>(HasSubstr("too few")));
}

TEST(LogSplit, IsWhereItIsAskedFor) {
  const LogSplit last = split_log(cdnow, {}, 13);
  EXPECT_EQ(last.calibration_end, day("1998-03-31"));
  EXPECT_EQ(last.end(), day("1998-06-30"));
  const LogSplit at = split_log(cdnow, day("1997-08-01"), {});
  EXPECT_EQ(at.calibration_end, day("1997-08-01"));
  EXPECT_EQ(at.horizon(), 47);  // whole weeks
  EXPECT_EQ(at.end(), day("1998-06-26"));
  const LogSplit both = split_log(cdnow, day("1997-08-01"), 10);
  EXPECT_EQ(both.end(), day("1997-10-10"));
  // Months as the calendar has them, counted back from the end of a month.
  const LogSplit months = split_log(store_info("2023-01-01", "2024-05-30", "2024-05-30", PeriodUnit::month), {}, 3);
  EXPECT_EQ(months.calibration_end, day("2024-02-29"));
  EXPECT_EQ(months.end(), day("2024-05-30"));
}

TEST(LogSplit, RefusesWhatTheLogDoesNotHave) {
  const auto at = [](const char* date, std::optional<int> horizon = {}) {
    return [=] { (void)split_log(cdnow, day(date), horizon); };
  };
  EXPECT_THAT(at("1996-12-31"), ThrowsMessage<ConfigError>(HasSubstr("cannot be cut at 1996-12-31")));
  EXPECT_THAT(at("1998-06-24"), ThrowsMessage<ConfigError>(HasSubstr("a whole week")));
  EXPECT_THAT(at("1998-06-30"), ThrowsMessage<ConfigError>(HasSubstr("cannot be cut")));
  EXPECT_THAT(at("1998-06-01", 5), ThrowsMessage<ConfigError>(HasSubstr("has 4 whole weeks")));
  EXPECT_NO_THROW(at("1998-06-01", 4)());
  EXPECT_THROW((void)split_log(cdnow, {}, 0), ConfigError);
  EXPECT_THROW((void)split_log(cdnow, {}, 78), ConfigError);
  EXPECT_NO_THROW((void)split_log(cdnow, {}, 77));
}

// Customers with refunds, several purchases a day, and a first purchase at any time.
std::string random_log() {
  std::mt19937_64 random(7);
  const auto draw = [&](int n) { return static_cast<int>(random() % static_cast<std::uint64_t>(n)); };
  std::string text = "customer_id,date,amount\n";
  for (int i = 0; i < 400; ++i) {
    const int begin = draw(200);
    for (int n = draw(6); n >= 0; --n) {
      const int on = std::min(begin + draw(120), 240);
      text += fmt::format("c{:03d},{},{}\n", i, to_string(Date{19800 + on}), draw(8) == 0 ? -draw(50) - 1 : draw(90));
      if (draw(5) == 0) text += fmt::format("c{:03d},{},5.50\n", i, to_string(Date{19800 + on}));
    }
  }
  return text;
}

// A store cut at a day is the store that ends observation there, wherever its own observation ends.
TEST(CutLog, IsTheImportThatEndsThere) {
  const test::LogFolder folder;
  const auto import_until = [&](int last, const std::string& name) {
    ImportOptions options = folder.import_of(random_log());
    options.output = folder.path() / name;
    options.observation_end = Date{19800 + last};
    (void)import_logs(options);
    return StoreReader(options.output);
  };
  const StoreReader early = import_until(60, "early.h5"), late = import_until(200, "late.h5"),
                    whole = import_until(240, "whole.h5");
  for (const int cut : {60, 130, 200}) {
    SCOPED_TRACE(cut);
    const StoreReader expected = import_until(cut, fmt::format("{}.h5", cut));
    CustomerBatch batch;
    expected.read(0, expected.info().n_customers, batch);
    std::vector<char> keys;
    History later;
    expected.read_holdout(0, expected.info().n_holdout_customers, keys, later);
    for (const StoreReader* store : {&early, &late, &whole}) {
      const CutLog log(*store, Date{19800 + cut}, Date{20040});
      CustomerBatch before;
      std::size_t n_after = 0, n_newcomers = 0, n_newcomer_rows = 0;
      log.for_batches(
          [&](const CustomerBatch& customers, const History& after) {
            before = customers;  // all are in one batch
            ASSERT_EQ(after.offset.size(), customers.size() + 1);
            n_after += after.day.size();
            for (const std::int32_t d : after.day) EXPECT_GT(d, 19800 + cut);
          },
          [&](const History& rows, std::size_t first, std::size_t last) {
            ++n_newcomers;
            n_newcomer_rows += last - first;
            for (std::size_t r = first; r < last; ++r) EXPECT_GT(rows.day[r], 19800 + cut);
          });
      EXPECT_EQ(before.key, batch.key);
      EXPECT_EQ(before.key_hash, batch.key_hash);
      EXPECT_EQ(before.first_day, batch.first_day);
      EXPECT_EQ(before.last_purchase_day, batch.last_purchase_day);
      EXPECT_EQ(before.n_purchase_days, batch.n_purchase_days);
      EXPECT_EQ(before.frequency, batch.frequency);
      EXPECT_EQ(before.recency_days, batch.recency_days);
      EXPECT_EQ(before.observed_days, batch.observed_days);
      EXPECT_EQ(before.spend_sum, batch.spend_sum);
      EXPECT_EQ(before.refund_sum, batch.refund_sum);
      EXPECT_EQ(before.history.offset, batch.history.offset);
      EXPECT_EQ(before.history.day, batch.history.day);
      EXPECT_EQ(before.history.amount, batch.history.amount);
      EXPECT_EQ(before.history.kind, batch.history.kind);
      EXPECT_EQ(n_after + n_newcomer_rows, later.day.size());
      EXPECT_EQ(static_cast<std::int64_t>(before.size() + n_newcomers), whole.info().n_customers);
    }
  }
}

// Rows after the end of the holdout are not seen.
TEST(CutLog, StopsAtTheEnd) {
  const test::LogFolder folder;
  ImportOptions options = folder.import_of(
      "customer_id,date,amount\na,2024-01-01,1\na,2024-01-05,2\na,2024-01-09,3\nb,2024-01-06,4\nc,2024-01-09,5\n");
  options.observation_end = day("2024-01-02");
  (void)import_logs(options);
  const StoreReader store(options.output);
  int n_newcomers = 0;
  CutLog(store, day("2024-01-03"), day("2024-01-08"))
      .for_batches(
          [](const CustomerBatch& before, const History& after) {
            EXPECT_EQ(before.size(), 1U);
            EXPECT_EQ(after.amount, (std::vector<MinorUnits>{200}));
          },
          [&](const History& rows, std::size_t first, std::size_t) {
            ++n_newcomers;
            EXPECT_EQ(rows.amount[first], 400);
          });
  EXPECT_EQ(n_newcomers, 1);
}

}  // namespace
}  // namespace clvsim
