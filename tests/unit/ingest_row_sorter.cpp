#include "host/ingest/row_sorter.hpp"

#include "tests/support/ingest_files.hpp"

#include <clvsim/error.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <tuple>

namespace clvsim {
namespace {

struct OwnRow {
  std::string key;
  LogRow row;
  [[nodiscard]] LogRow view() const {
    LogRow copy = row;
    copy.key = key;
    return copy;
  }
  [[nodiscard]] auto order() const {
    return std::make_tuple(row.holdout, key, row.day, row.amount < 0, row.amount, row.cost, row.quantity);
  }
};

using Order = decltype(OwnRow{}.order());

// How keys look: of few or many bytes, sharing a long start or nothing, with bytes above 127.
enum class Keys { short_digits, padded, hexadecimal, long_start, any_bytes };

std::string make_key(Keys keys, std::mt19937_64& random) {
  switch (keys) {
    case Keys::short_digits:
      return fmt::format("{}", random() % 2000);
    case Keys::padded:
      return fmt::format("cust-{:012}", random() % 3000);
    case Keys::hexadecimal:
      return fmt::format("{:016x}{:016x}", random() % 97 * 0x9e3779b97f4a7c15u, random() % 3);
    case Keys::long_start:
      return std::string(40, 'k') + fmt::format("{}", random() % 500);
    case Keys::any_bytes:
      break;
  }
  std::string key(1 + random() % 12, ' ');
  for (char& c : key) c = static_cast<char>(1 + random() % 255);
  return key;
}

std::vector<OwnRow> make_rows(Keys keys, std::size_t n, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<OwnRow> rows(n);
  for (OwnRow& r : rows) {
    r.key = make_key(keys, random);
    r.row.holdout = random() % 4 == 0;
    r.row.day = static_cast<std::int32_t>(random() % 20) - 5;
    r.row.amount = static_cast<MinorUnits>(random() % 7) - 3;
    r.row.cost = static_cast<MinorUnits>(random() % 3);
    r.row.quantity = static_cast<std::int64_t>(random() % 3) - 1;
    r.row.segment = static_cast<std::uint32_t>(r.row.amount + 3);
  }
  return rows;
}

std::vector<Order> drain(RowSorter& sorter) {
  std::vector<Order> orders;
  LogRow row;
  while (sorter.next(row)) {
    EXPECT_EQ(row.segment, static_cast<std::uint32_t>(row.amount + 3));
    orders.push_back(OwnRow{std::string(row.key), row}.order());
  }
  return orders;
}

TEST(RowSorter, AgreesWithStdStableSortWhateverTheMemory) {
  const test::LogFolder folder;
  for (const Keys keys : {Keys::short_digits, Keys::padded, Keys::hexadecimal, Keys::long_start, Keys::any_bytes})
    for (const std::size_t n : {0u, 1u, 2u, 1000u, 20000u}) {
      std::vector<OwnRow> rows = make_rows(keys, n, 7 * n + static_cast<std::size_t>(keys));
      for (const auto& [memory, fan_in] : {std::pair<std::size_t, int>{4096, 2},
                                           {20000, 4},
                                           {std::size_t{1} << 17, 64},
                                           {std::size_t{64} << 20, 64}}) {
        if (memory == 4096 && n > 1000) continue;
        RowSorter sorter({folder.path(), memory, fan_in});
        for (const OwnRow& r : rows) sorter.add(r.view());
        EXPECT_EQ(sorter.size(), static_cast<std::int64_t>(n));
        sorter.rewind();
        const std::vector<Order> sorted = drain(sorter);
        std::vector<Order> expected;
        for (const OwnRow& r : rows) expected.push_back(r.order());
        std::stable_sort(expected.begin(), expected.end());
        EXPECT_EQ(sorted, expected) << static_cast<int>(keys) << " " << n << " " << memory;
        sorter.rewind();
        EXPECT_EQ(drain(sorter), expected) << "a second reading";
        if (memory == 20000 && n == 20000) {
          EXPECT_GT(sorter.n_runs_written(), 40) << "several passes of merging";
        }
        if (memory == (std::size_t{64} << 20)) {
          EXPECT_EQ(sorter.n_runs_written(), 0);
        }
      }
    }
}

TEST(RowSorter, LeavesOutExtrasWhereThereAreNone) {
  const test::LogFolder folder;
  for (const std::size_t memory : {std::size_t{4096}, std::size_t{64} << 20}) {
    std::vector<OwnRow> rows = make_rows(Keys::short_digits, 2000, 3);
    RowSorter sorter({folder.path(), memory, 64, false});
    for (OwnRow& r : rows) {
      r.row.cost = r.row.quantity = r.row.segment = 0;
      sorter.add(r.view());
    }
    std::vector<Order> expected, sorted;
    for (const OwnRow& r : rows) expected.push_back(r.order());
    std::stable_sort(expected.begin(), expected.end());
    sorter.rewind();
    LogRow row;
    while (sorter.next(row)) sorted.push_back(OwnRow{std::string(row.key), row}.order());
    EXPECT_EQ(sorted, expected);
  }
}

TEST(RowSorter, KeepsCovariates) {
  const test::LogFolder folder;
  for (const auto& [memory, extras] : {std::pair<std::size_t, bool>{4096, true}, {std::size_t{64} << 20, false}}) {
    RowSorter sorter({folder.path(), memory, 4, extras, 2});
    for (int i = 0; i < 3000; ++i) {
      const int at = i * 1327 % 3000;
      const double values[2] = {at + 0.25, -at / 3.0};
      const std::string key = fmt::format("{:05d}", at);
      LogRow row;
      row.key = key;
      row.covariates = {reinterpret_cast<const char*>(values), sizeof values};
      sorter.add(row);
    }
    sorter.rewind();
    LogRow row;
    for (int at = 0; at < 3000; ++at) {
      ASSERT_TRUE(sorter.next(row));
      double values[2];
      ASSERT_EQ(row.covariates.size(), sizeof values);
      std::memcpy(values, row.covariates.data(), sizeof values);
      EXPECT_EQ(values[0], at + 0.25);
      EXPECT_EQ(values[1], -at / 3.0);
    }
  }
}

TEST(RowSorter, TakesKeysLongerThanABlock) {
  const test::LogFolder folder;
  RowSorter sorter({folder.path(), 4096, 2});
  std::vector<std::string> keys;
  for (int i = 0; i < 50; ++i)
    keys.push_back(std::string(65000, static_cast<char>('a' + i % 7)) + fmt::format("{}", i));
  for (const std::string& key : keys) sorter.add({key});
  std::sort(keys.begin(), keys.end());
  sorter.rewind();
  LogRow row;
  for (const std::string& key : keys) {
    ASSERT_TRUE(sorter.next(row));
    EXPECT_EQ(row.key, key);
  }
  EXPECT_FALSE(sorter.next(row));
}

TEST(RowSorter, LeavesNoFile) {
  const test::LogFolder folder;
  RowSorter sorter({folder.path(), 4096, 2});
  for (int i = 0; i < 1000; ++i) sorter.add({"key"});
  EXPECT_GT(sorter.n_runs_written(), 0);
  EXPECT_TRUE(folder.entries().empty()) << "the temporary file has no name";
}

TEST(RowSorter, NamesAFolderThatItCannotUse) {
  RowSorter sorter({"/no/such/folder", 4096, 2});
  const std::string message = test::message_of<IoError>([&] {
    for (int i = 0; i < 1000; ++i) sorter.add({"key"});
  });
  EXPECT_NE(message.find("/no/such/folder"), std::string::npos) << message;
}

}  // namespace
}  // namespace clvsim
