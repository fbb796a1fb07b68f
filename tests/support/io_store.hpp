// Stores for tests: customers with drawn histories, and the summaries and ledger that belong to them.
#pragma once

#include "tests/support/files.hpp"

#include <clvsim/store.hpp>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace clvsim::test {

struct TestStore {
  StoreInfo info;
  CustomerBatch customers;  // all of them
  std::vector<char> holdout_keys;
  History holdout;
};

struct TestStoreOptions {
  std::int64_t n_customers = 20;
  bool has_cost = false, has_quantity = false, has_holdout = true;
  int max_rows = 4;  // of a customer
  std::uint64_t seed = 1;
  bool contract_book = false;  // one contract a customer, no holdout
  int n_covariates = 0;
};
TestStore make_test_store(const TestStoreOptions& options);

// Summaries of every customer, counts, ledger and dates from the histories (which must be sorted as stores want them).
void summarise(TestStore& store);

// Writes in batches of `batch` customers.
void write_store(const TestStore& store, const std::filesystem::path& path, std::int64_t batch = 1 << 30,
                 bool overwrite = false);

// Customers [first, first + count) of a batch.
CustomerBatch slice(const CustomerBatch& all, std::int64_t first, std::int64_t count);

// "" where a store file says the same as `store`; else what differs.
std::string difference(const TestStore& store, const std::filesystem::path& path, std::int64_t batch = 1 << 30);
std::string difference(const TestStore& store, const StoreReader& reader, std::int64_t batch = 1 << 30);

}  // namespace clvsim::test
