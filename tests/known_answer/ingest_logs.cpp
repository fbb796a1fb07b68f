#include "tests/support/ingest_files.hpp"
#include "tests/support/places.hpp"

#include <gtest/gtest.h>

#include <filesystem>

namespace clvsim {
namespace {

using test::customers_of;
using test::LogFolder;

// CDNOW (Fader, Hardie 2001): the cohort that first bought in the first quarter of 1997, calibrated on 39 weeks.
TEST(Import, ReadsCdnowToTheCent) {
  const std::filesystem::path log = std::filesystem::path(test::source_dir()) / "../shared/data/cdnow_master.csv";
  if (!std::filesystem::exists(log)) GTEST_SKIP() << "needs " << log << ", which is not part of the project";
  const LogFolder folder;
  ImportOptions options;
  options.logs = {log};
  options.output = folder.path() / "customers.h5";
  options.observation_end = parse_iso_date("1997-09-30");
  const ImportReport report = import_logs(options);
  const Ledger& ledger = report.store.ledger;
  EXPECT_EQ(ledger.read.rows, 69659);
  EXPECT_EQ(ledger.read.amount, 250031563);
  EXPECT_EQ(ledger.rejected.rows, 0);
  EXPECT_EQ(ledger.zero_amount_rows, 80);
  EXPECT_EQ(report.store.n_customers, 23570);
  const CustomerBatch batch = customers_of(options.output);
  std::int64_t x = 0;
  for (const std::int32_t frequency : batch.frequency) x += frequency;
  EXPECT_EQ(x, 24337);
}

// Keys of eight letters and digits whose XXH3-64 hashes agree in the upper 56 bits, found by inverting the hash; XXH3
// with the seed 1 tells them apart. The hash of the last is one of the reserved ones.
constexpr const char* pairs[][2] = {{"x7F4u5cp", "jMw0jofU"}, {"AXUsCd79", "JO96nXjU"}, {"uvAZDb43", "as1PoGgi"}};
constexpr const char* reserved_key = "DVJyj2Uy";

TEST(KeyHash, KeysThatCollideOrAreReservedMoveToTheNextAttempt) {
  for (const auto& [a, b] : pairs) ASSERT_EQ(customer_hash(a), customer_hash(b));
  ASSERT_GE(customer_hash(reserved_key), first_reserved_hash);
  const LogFolder folder;
  std::string text = "customer,date,amount\nplain,2020-01-01,5\n";
  for (const auto& [a, b] : pairs) text += fmt::format("{},2020-01-01,5\n{},2020-01-02,6\n{},2020-01-03,6\n", b, a, a);
  text += fmt::format("{},2020-01-01,5\n", reserved_key);
  const ImportOptions options = folder.import_of(text);
  (void)import_logs(options);
  const CustomerBatch batch = customers_of(options.output);
  ASSERT_EQ(batch.size(), 8u);
  const auto hash_of = [&](std::string_view key) {
    for (std::size_t i = 0; i < batch.size(); ++i)
      if (batch.key_of(i) == key) return batch.key_hash[i];
    return std::uint64_t{0};
  };
  for (const auto& [a, b] : pairs) {
    const std::string_view first = std::min<std::string_view>(a, b), second = std::max<std::string_view>(a, b);
    EXPECT_EQ(hash_of(first), customer_hash(first)) << "the first in the order of the keys keeps its hash";
    EXPECT_EQ(hash_of(second), customer_hash(second, 1));
  }
  EXPECT_EQ(hash_of(reserved_key), customer_hash(reserved_key, 1));
  EXPECT_EQ(hash_of("plain"), customer_hash("plain"));
}

}  // namespace
}  // namespace clvsim
