// Stores are read as they were written, whatever the batches, and the same store is the same bytes.
#include "tests/support/io_store.hpp"

#include <gtest/gtest.h>
#include <clvsim/error.hpp>

namespace clvsim {
namespace {

using test::difference;
using test::make_test_store;
using test::TemporaryFolder;
using test::TestStore;
using test::write_store;

constexpr std::int64_t block = 32768;

TEST(StoreRoundTrip, KeepsEveryValueForEverySetOfColumns) {
  const TemporaryFolder folder;
  for (const std::int64_t n : {1, 2, 20, 1000}) {
    for (int flags = 0; flags < 8; ++flags) {
      const TestStore store = make_test_store({.n_customers = n,
                                               .has_cost = (flags & 1) != 0,
                                               .has_quantity = (flags & 2) != 0,
                                               .has_holdout = (flags & 4) != 0,
                                               .n_covariates = flags % 3});
      write_store(store, folder / "s.h5", n, true);
      EXPECT_EQ(difference(store, folder / "s.h5"), "") << n << " customers, flags " << flags;
    }
  }
}

TEST(StoreRoundTrip, KeepsContractBooksAndRefusesOthersUnderTheirName) {
  const TemporaryFolder folder;
  for (const bool has_cost : {false, true}) {
    const TestStore book = make_test_store({.n_customers = 300, .has_cost = has_cost, .contract_book = true});
    write_store(book, folder / "s.h5", 7, true);
    EXPECT_EQ(difference(book, folder / "s.h5"), "");
    EXPECT_TRUE(StoreReader(folder / "s.h5").info().contract_book);
  }
  const auto refused = [&](bool contract_book, auto&& spoil) {
    TestStore store = make_test_store({.has_holdout = false, .contract_book = contract_book});
    spoil(store);
    test::summarise(store);
    EXPECT_THROW(write_store(store, folder / "t.h5"), Error);
    EXPECT_FALSE(std::filesystem::exists(folder / "t.h5"));
  };
  refused(true, [](TestStore& store) { store.info.contract_book = false; });
  refused(true, [](TestStore& store) { store.info.same_day_merged = true; });
  refused(true, [](TestStore& store) { store.customers.history.kind[3] = 0; });
  refused(true, [](TestStore& store) { store.customers.history.kind[3] = 4; });
  refused(true, [](TestStore& store) { store.customers.history.amount[3] = -1; });
  refused(false, [](TestStore& store) { store.info.contract_book = true; });
  refused(false, [](TestStore& store) { store.customers.history.kind[3] = 2; });
  refused(true, [](TestStore& store) {  // two contracts of one customer
    CustomerBatch& all = store.customers;
    all = test::slice(all, 0, 2);
    all.history.offset = {0, 2};
    std::sort(all.history.day.begin(), all.history.day.end());
    all.key.resize(all.key_width);
    all.key_hash.resize(1);
    all.segment.resize(1);
  });
}

TEST(StoreRoundTrip, HoldsNoCustomersAtAll) {
  const TemporaryFolder folder;
  const TestStore store = make_test_store({.n_customers = 0});
  write_store(store, folder / "s.h5");
  EXPECT_EQ(difference(store, folder / "s.h5"), "");
}

TEST(StoreRoundTrip, CrossesBlocksOfRowsInAnyBatches) {
  const TemporaryFolder folder;
  for (const std::int64_t n : {block - 1, block, block + 1}) {
    const TestStore store = make_test_store({.n_customers = n, .has_cost = true, .max_rows = 2});
    write_store(store, folder / "whole.h5", 1 << 30, true);
    const std::string bytes = test::read_file(folder / "whole.h5");
    for (const std::int64_t batch : {std::int64_t{4999}, block - 1, block}) {
      write_store(store, folder / "batches.h5", batch, true);
      EXPECT_TRUE(bytes == test::read_file(folder / "batches.h5")) << n << " customers by " << batch;
    }
    const StoreReader reader(folder / "whole.h5");
    EXPECT_EQ(difference(store, reader, 10007), "");
  }
}

TEST(StoreRoundTrip, WritesTheSameBytesTwice) {
  const TemporaryFolder folder;
  const TestStore store = make_test_store({.n_customers = 300, .has_cost = true, .has_quantity = true});
  write_store(store, folder / "a.h5");
  write_store(store, folder / "b.h5", 7);
  EXPECT_TRUE(test::read_file(folder / "a.h5") == test::read_file(folder / "b.h5"));
  EXPECT_EQ(StoreReader(folder / "a.h5").info().content_digest.size(), 32U);
}

TEST(StoreRoundTrip, ReadsCustomersInAnyOrder) {
  const TemporaryFolder folder;
  const TestStore store = make_test_store({.n_customers = 100});
  write_store(store, folder / "s.h5");
  const StoreReader reader(folder / "s.h5");
  CustomerBatch batch;
  for (const std::int64_t first : {99, 0, 50, 100}) {
    const std::int64_t count = first == 100 ? 0 : 1;
    reader.read(first, count, batch);
    EXPECT_EQ(batch.first_index, first);
    EXPECT_EQ(batch.size(), static_cast<std::size_t>(count));
    EXPECT_EQ(batch.history.day, test::slice(store.customers, first, count).history.day);
  }
  EXPECT_THROW(reader.read(100, 1, batch), Error);
  EXPECT_THROW(reader.read(-1, 1, batch), Error);
}

TEST(StoreRoundTrip, KeepsACustomerWithMoreRowsThanABlock) {
  const TemporaryFolder folder;
  TestStore store = make_test_store({.n_customers = 3, .has_holdout = false});
  store.info.same_day_merged = false;
  History& rows = store.customers.history;
  rows.clear();
  for (const std::int64_t n : {std::int64_t{1}, 2 * block + 5, std::int64_t{1}}) {
    for (std::int64_t i = 0; i < n; ++i) {
      rows.day.push_back(10000);
      rows.amount.push_back(i);
      rows.kind.push_back(0);
    }
    rows.offset.push_back(static_cast<std::int64_t>(rows.day.size()));
  }
  test::summarise(store);
  store.info.ledger.calibration.amount += 300;
  store.info.ledger.read.rows -= 2;
  store.info.ledger.merged_calibration = {};
  write_store(store, folder / "s.h5", 1);
  EXPECT_EQ(difference(store, folder / "s.h5"), "");
}

TEST(StoreRoundTrip, IsCreatedForItsOwnerAlone) {
  const TemporaryFolder folder;
  write_store(make_test_store({}), folder / "s.h5");
  EXPECT_EQ(std::filesystem::status(folder / "s.h5").permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

}  // namespace
}  // namespace clvsim
