#include "host/base/buffer.hpp"

#include <gtest/gtest.h>

namespace clvsim {
namespace {

TEST(Buffer, GivesItsMemoryBack) {
  std::vector<int> buffer(1000);
  release(buffer);
  EXPECT_EQ(buffer.capacity(), 0U);
}

TEST(Buffer, HasTheLengthAskedForAndIsNeverDoubled) {
  std::vector<int> buffer;
  for (const std::size_t n : {0U, 1U, 100U, 101U, 7U, 0U}) {
    resize_anew(buffer, n);
    EXPECT_EQ(buffer.size(), n);
    EXPECT_LE(buffer.capacity(), 101U);  // resize() would have made room for 200 at 101
  }
}

}  // namespace
}  // namespace clvsim
