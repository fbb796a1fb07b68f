#include "host/ingest/pseudonym.hpp"

#include <gtest/gtest.h>

#include <string>

namespace clvsim {
namespace {

// RFC 4231, test cases 1, 2, 3 and 6, each cut to 128 bits.
TEST(Pseudonymiser, GivesThePublishedDigests) {
  EXPECT_EQ(Pseudonymiser(std::string(20, '\x0b'))("Hi There"), "b0344c61d8db38535ca8afceaf0bf12b");
  EXPECT_EQ(Pseudonymiser("Jefe")("what do ya want for nothing?"), "5bdcc146bf60754e6a042426089575c7");
  EXPECT_EQ(Pseudonymiser(std::string(20, '\xaa'))(std::string(50, '\xdd')), "773ea91e36800e46854db8ebd09181a7");
  EXPECT_EQ(Pseudonymiser(std::string(131, '\xaa'))("Test Using Larger Than Block-Size Key - Hash Key First"),
            "60e431591ee0b67f0d8a26aacbf5b77f");
}

TEST(Pseudonymiser, DependsOnTheKeyAndIsRepeatable) {
  Pseudonymiser one("one"), two("two"), none("");
  const std::string first(one("C1"));
  EXPECT_NE(first, two("C1"));
  EXPECT_NE(first, none("C1"));
  EXPECT_NE(first, one("C2"));
  EXPECT_EQ(first, one("C1"));
}

}  // namespace
}  // namespace clvsim
