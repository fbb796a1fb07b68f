#include "kernels/math/portable.hpp"
#include "kernels/math/wide.hpp"
#include "kernels/stats/team.hpp"

#include <gtest/gtest.h>

#include <cfenv>
#include <cmath>
#include <limits>

namespace clvsim::kernels {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

TEST(PortableMath, UniformIsOpen) {
  EXPECT_EQ(uniform(0), 0x1p-33);
  EXPECT_EQ(uniform(0xFFFFFFFF), 1 - 0x1p-33);
}

TEST(PortableMath, RoundsHalvesAwayFromZeroInEveryMode) {
  for (const int mode : {FE_TONEAREST, FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO}) {
    ASSERT_EQ(std::fesetround(mode), 0);
    volatile double half = 0.5;  // not folded at compile time
    EXPECT_EQ(round_to_fixed(half), 1);
    EXPECT_EQ(round_to_fixed(-half), -1);
    EXPECT_EQ(round_to_fixed(2 + half), 3);
    EXPECT_EQ(round_to_fixed(0.49999999999999994 + 0 * half), 0);
  }
  std::fesetround(FE_TONEAREST);
  EXPECT_EQ(round_to_fixed(4503599627370497.0), 4503599627370497);
  EXPECT_EQ(round_to_fixed(1e19), fixed_limit);
  EXPECT_EQ(round_to_fixed(-1e19), -fixed_limit);
  EXPECT_EQ(round_to_fixed(infinity), fixed_limit);
  EXPECT_TRUE(saturated(round_to_fixed(std::nan(""))));
  EXPECT_FALSE(saturated(round_to_fixed(0x1p61)));
}

TEST(WideSum, LimbsCarry) {
  const u128 most = ~static_cast<u128>(0);
  WideSum sum;
  for (int i = 0; i < 5; ++i) sum.add(most);
  EXPECT_EQ(sum.high, 4U);
  EXPECT_TRUE(sum.low == most - 4);
  std::uint64_t slots[n_limbs] = {};
  SoloTeam team;
  for (int i = 0; i < 1000; ++i) add_limbs(team, slots, sum);
  WideSum expected;
  for (int i = 0; i < 5000; ++i) expected.add(most);
  const WideSum joined = from_limbs(slots);
  EXPECT_EQ(joined.high, expected.high);
  EXPECT_TRUE(joined.low == expected.low);
  EXPECT_NEAR(to_double(joined) / (5000 * 0x1p128), 1, 1e-15);
}

}  // namespace
}  // namespace clvsim::kernels
