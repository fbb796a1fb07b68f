// Whatever the log: every row and every minor unit is accounted for, and the order of the rows does not matter.
#include "tests/support/ingest_files.hpp"

#include <clvsim/error.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace clvsim {
namespace {

using Random = std::mt19937_64;
using test::LogFolder;

template <typename T>
const T& any_of(const std::vector<T>& choices, Random& random) {
  return choices[random() % choices.size()];
}

std::string random_amount(Random& random) {
  static const std::vector<std::string> odd = {
      "nan", "", "1e5", "1.234", "12.345", "--1", "1,23", "x", "99999999999999999999", "$"};
  switch (random() % 12) {
    case 0:
      return any_of(odd, random);
    case 1:
      return "0";
    case 2:
      return fmt::format("({}.{:02})", random() % 50, random() % 100);
    case 3:
      return fmt::format("\"{},{:03}.{}\"", 1 + random() % 99, random() % 1000, random() % 10);
    default:
      return fmt::format("{}{}.{:02}", random() % 5 == 0 ? "-" : "", random() % 300, random() % 100);
  }
}

std::string random_row(Random& random) {
  static const std::vector<std::string> odd_dates = {"",           "2020-13-01", "2020-02-30", "20-01-01",
                                                     "1850-01-01", "never",      "01/02/2020"};
  static const std::vector<std::string> odd_rows = {"a,b", ",,,,,,", "\"x\"y,2020-01-01,5,,1,"};
  static const std::vector<std::string> tiers = {"gold", "silver", ""};
  if (random() % 40 == 0) return any_of(odd_rows, random);
  const std::string id = random() % 50 == 0 ? "" : fmt::format("{}", random() % 12);
  const std::string date = random() % 30 == 0 ? any_of(odd_dates, random)
                                              : fmt::format("2020-{:02}-{:02}", 1 + random() % 3, 1 + random() % 6);
  return fmt::format("{},{},{},{},{},{}", id, date, random_amount(random), random() % 3, random() % 50 == 0 ? 7 : 1,
                     any_of(tiers, random));
}

struct RandomLog {
  std::vector<std::string> rows;
  ImportOptions options;

  [[nodiscard]] std::string text() const {
    std::string all = "customer,date,amount,cost,n,tier\n";
    for (const std::string& row : rows) all += row + "\n";
    return all;
  }
};

RandomLog random_log(Random& random) {
  RandomLog log;
  log.rows.resize(random() % 120);
  for (std::string& row : log.rows) row = random_row(random);
  log.rows.push_back("keeper,2020-01-01,1.00,0,1,");  // one customer of observation at least
  ImportOptions& options = log.options;
  options.max_reject_share = 1;
  options.date_order = DateOrder::ymd;
  options.decimal_mark = '.';
  if (random() % 2 == 0)
    options.observation_end = Date{parse_iso_date("2020-01-01").days + static_cast<std::int32_t>(random() % 80)};
  if (random() % 2 == 0) options.cost_column = "cost";
  if (random() % 2 == 0) options.quantity_column = "n";
  if (random() % 2 == 0) options.segment_column = "tier";
  options.keep_same_day = random() % 3 == 0;
  return log;
}

ImportReport import_into(const LogFolder& folder, const RandomLog& log, const std::string& output,
                         std::size_t sort_memory) {
  ImportOptions options = log.options;
  options.logs = {folder.write("log.csv", log.text())};
  options.output = folder.path() / output;
  options.overwrite = true;
  options.sort_memory = sort_memory;
  return import_logs(options);
}

MinorUnits sum_of(const std::vector<MinorUnits>& amounts) {
  MinorUnits sum = 0;
  for (const MinorUnits amount : amounts) sum += amount;
  return sum;
}

TEST(Ledger, IsConservedAndTheStoreHoldsWhatItSays) {
  const LogFolder folder;
  Random random(20240601);
  std::int64_t rejected = 0, merged = 0, holdout = 0, refunds = 0;
  for (int trial = 0; trial < 1000; ++trial) {
    const RandomLog log = random_log(random);
    const ImportReport report = import_into(folder, log, "store.h5", 4096);
    const Ledger& l = report.store.ledger;
    ASSERT_EQ(l.read.rows, static_cast<std::int64_t>(log.rows.size()));
    ASSERT_EQ(l.read.rows, l.calibration.rows + l.holdout.rows + l.merged_calibration.rows + l.merged_holdout.rows +
                               l.rejected.rows);
    ASSERT_EQ(l.read.amount, l.calibration.amount + l.holdout.amount + l.merged_calibration.amount +
                                 l.merged_holdout.amount + l.rejected.amount);
    std::int64_t by_reason = 0;
    for (const auto& [reason, n] : l.rejected_by_reason) by_reason += n;
    ASSERT_EQ(by_reason, l.rejected.rows);

    const StoreReader store(folder.path() / "store.h5");
    CustomerBatch batch;
    store.read(0, store.info().n_customers, batch);
    ASSERT_EQ(static_cast<std::int64_t>(batch.history.day.size()), l.calibration.rows);
    ASSERT_EQ(sum_of(batch.history.amount), l.calibration.amount + l.merged_calibration.amount);
    ASSERT_EQ(sum_of(batch.spend_sum) + sum_of(batch.refund_sum), sum_of(batch.history.amount));
    std::vector<char> keys;
    History rows;
    store.read_holdout(0, store.info().n_holdout_customers, keys, rows);
    ASSERT_EQ(static_cast<std::int64_t>(rows.day.size()), l.holdout.rows);
    ASSERT_EQ(sum_of(rows.amount), l.holdout.amount + l.merged_holdout.amount);
    rejected += l.rejected.rows;
    merged += l.merged_calibration.rows + l.merged_holdout.rows;
    holdout += l.holdout.rows;
    refunds += l.refunds.rows;
  }
  // The logs must have exercised everything.
  EXPECT_GT(rejected, 1000);
  EXPECT_GT(merged, 1000);
  EXPECT_GT(holdout, 1000);
  EXPECT_GT(refunds, 1000);
}

TEST(Import, GivesTheSameFileForAnyOrderOfRowsAndAnyMemory) {
  const LogFolder folder;
  Random random(7);
  for (int trial = 0; trial < 60; ++trial) {
    RandomLog log = random_log(random);
    const ImportReport first = import_into(folder, log, "first.h5", std::size_t{64} << 20);
    std::shuffle(log.rows.begin(), log.rows.end(), random);
    const ImportReport second = import_into(folder, log, "second.h5", 4096);
    ASSERT_EQ(first.store.content_digest, second.store.content_digest) << trial;
    ASSERT_EQ(test::read_file(folder.path() / "first.h5"), test::read_file(folder.path() / "second.h5")) << trial;
  }
}

TEST(Import, GivesTheSameStoreForOneLogInTwoParts) {
  const LogFolder folder;
  Random random(11);
  const RandomLog log = random_log(random);
  const ImportReport whole = import_into(folder, log, "whole.h5", 4096);
  RandomLog parts = log;
  parts.rows.assign(log.rows.begin(), log.rows.begin() + static_cast<std::ptrdiff_t>(log.rows.size() / 2));
  ImportOptions options = log.options;
  options.logs = {folder.write("one.csv", parts.text())};
  parts.rows.assign(log.rows.begin() + static_cast<std::ptrdiff_t>(log.rows.size() / 2), log.rows.end());
  options.logs.push_back(folder.write("two.csv", parts.text()));
  options.output = folder.path() / "parts.h5";
  EXPECT_EQ(import_logs(options).store.content_digest, whole.store.content_digest);
}

}  // namespace
}  // namespace clvsim
