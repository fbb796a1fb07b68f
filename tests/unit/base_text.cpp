#include "host/base/text.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace clvsim {
namespace {

TEST(Text, SuggestsOnlyWhatIsNear) {
  const std::vector<std::string> keys{"discount", "horizon", "paths", "seed"};
  EXPECT_EQ(nearest("discuont", keys), "discount");  // a swap is one edit
  EXPECT_EQ(nearest("horizn", keys), "horizon");
  EXPECT_EQ(nearest("sed", keys), "seed");
  EXPECT_EQ(nearest("margin", keys), std::nullopt);
  EXPECT_EQ(nearest("x", keys), std::nullopt);
  EXPECT_EQ(did_you_mean("path", keys), " - did you mean 'paths'?");
}

TEST(Text, WritesMoneyExactly) {
  EXPECT_EQ(money(123456, 2), "1,234.56");
  EXPECT_EQ(money(-5, 2), "-0.05");
  EXPECT_EQ(money(0, 0), "0");
  EXPECT_EQ(money(1234567, 0), "1,234,567");
  EXPECT_EQ(money(std::numeric_limits<long long>::min(), 2), "-92,233,720,368,547,758.08");
  EXPECT_EQ(with_separators(-1234567), "-1,234,567");
  EXPECT_EQ(with_separators(999), "999");
}

}  // namespace
}  // namespace clvsim
