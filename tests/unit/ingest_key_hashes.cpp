// The hashes of a store's keys, in memory and in a temporary file.
#include "host/ingest/key_hashes.hpp"
#include "tests/support/files.hpp"

#include <clvsim/customers.hpp>

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace clvsim {
namespace {

// Equal keys stand for keys with equal hashes: assign() knows no key but by its hash.
std::vector<std::string> keys_with_repeats() {
  std::vector<std::string> keys;
  for (int i = 0; i < 2000; ++i) keys.push_back("customer " + std::to_string(i));
  keys.push_back(keys[7]);
  keys.push_back(keys[1999]);
  return keys;
}

TEST(KeyHashes, RepeatedHashesAreFoundAndMovedInAnyMemory) {
  const test::TemporaryFolder folder;
  const std::vector<std::string> keys = keys_with_repeats();
  for (const std::size_t most_held : {std::size_t{1}, std::size_t{64}, std::size_t{2001}, KeyHashes::held_by_default}) {
    KeyHashes hashes(folder / ".", most_held);
    for (const std::string& key : keys) EXPECT_EQ(hashes.assign(key), customer_hash(key));
    EXPECT_FALSE(hashes.settle());
    for (std::size_t i = 0; i < keys.size(); ++i)
      EXPECT_EQ(hashes.assign(keys[i]), customer_hash(keys[i], i < 2000 ? 0 : 1)) << keys[i];
    EXPECT_TRUE(hashes.settle());
    EXPECT_EQ(hashes.n_moved(), 2);
  }
}

TEST(KeyHashes, DifferentHashesSettleAtOnce) {
  const test::TemporaryFolder folder;
  for (const std::size_t most_held : {1U, 100U, 5000U}) {
    KeyHashes hashes(folder / ".", most_held);
    for (int i = 0; i < 2000; ++i) static_cast<void>(hashes.assign(std::to_string(i)));
    EXPECT_TRUE(hashes.settle());
    EXPECT_EQ(hashes.n_moved(), 0);
  }
}

}  // namespace
}  // namespace clvsim
