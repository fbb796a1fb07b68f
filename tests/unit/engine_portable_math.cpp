#include "kernels/math/portable.hpp"
#include "kernels/math/wide.hpp"
#include "kernels/stats/team.hpp"
#include "tests/support/statistical.hpp"

#include <gtest/gtest.h>

#include <cfenv>
#include <cmath>
#include <limits>
#include <random>

namespace clvsim::kernels {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

// Distance in units of the last place of the double nearest to `exact`.
double ulps(double computed, long double exact) {
  const double rounded = static_cast<double>(exact);
  const double spacing = std::nextafter(std::abs(rounded), infinity) - std::abs(rounded);
  return static_cast<double>(std::abs(static_cast<long double>(computed) - exact) / static_cast<long double>(spacing));
}

TEST(PortableMath, LogWithinOneUlp) {
  std::mt19937_64 bits(2);
  double worst = 0;
  for (int i = 0; i < 400000; ++i) {
    const double x = double_of(bits() & 0x7FEFFFFFFFFFFFFF);  // every positive finite double, subnormal ones too
    if (x == 0) continue;
    worst = std::max(worst, ulps(portable_log(x), std::log(static_cast<long double>(x))));
    const double near_one = 1 + (static_cast<double>(bits() >> 11) * 0x1p-53 - 0.5) * 0.8;
    worst = std::max(worst, ulps(portable_log(near_one), std::log(static_cast<long double>(near_one))));
  }
  EXPECT_LT(worst, 1.0);
  EXPECT_GT(worst, 0.4);  // the test sees rounding at all
}

TEST(PortableMath, LogCorners) {
  EXPECT_EQ(portable_log(1), 0);
  EXPECT_EQ(portable_log(0), -infinity);
  EXPECT_EQ(portable_log(infinity), infinity);
  EXPECT_TRUE(std::isnan(portable_log(-1)));
  EXPECT_TRUE(std::isnan(portable_log(std::nan(""))));
}

TEST(PortableMath, ExpWithinOneUlp) {
  std::mt19937_64 bits(3);
  std::uniform_real_distribution<double> wide(-708, 709.7), narrow(-2, 2);
  double worst = 0;
  for (int i = 0; i < 400000; ++i) {
    for (const double x : {wide(bits), narrow(bits)}) {
      worst = std::max(worst, ulps(portable_exp(x), std::exp(static_cast<long double>(x))));
    }
  }
  EXPECT_LT(worst, 1.0);
  EXPECT_GT(worst, 0.4);
}

TEST(PortableMath, ExpCorners) {
  EXPECT_EQ(portable_exp(0), 1);
  EXPECT_EQ(portable_exp(710), infinity);
  EXPECT_EQ(portable_exp(infinity), infinity);
  EXPECT_EQ(portable_exp(-746), 0);
  EXPECT_EQ(portable_exp(-infinity), 0);
  EXPECT_TRUE(std::isnan(portable_exp(std::nan(""))));
  EXPECT_LT(ulps(portable_exp(709.782), std::exp(static_cast<long double>(709.782))), 1.0);
  for (const double x : {-709.0, -720.0, -744.0}) {  // subnormal results: within one step of 2^-1074
    EXPECT_LE(std::abs(static_cast<long double>(portable_exp(x)) - std::exp(static_cast<long double>(x))),
              1.01L * 0x1p-1074L + std::exp(static_cast<long double>(x)) * 0x1p-52L);
  }
}

TEST(PortableMath, Log1pWithinTwoUlp) {
  std::mt19937_64 bits(4);
  std::uniform_real_distribution<double> exponent(-60, 3);
  double worst = 0;
  for (int i = 0; i < 200000; ++i) {
    const double x = std::exp2(exponent(bits));
    worst = std::max(worst, ulps(portable_log1p(x), std::log1p(static_cast<long double>(x))));
    if (x < 0.99) worst = std::max(worst, ulps(portable_log1p(-x), std::log1p(static_cast<long double>(-x))));
  }
  EXPECT_LT(worst, 2.0);
  EXPECT_EQ(portable_log1p(0), 0);
}

// Oracle: two Newton steps on erfc in long double.
long double normal_quantile_oracle(double p) {
  const long double tail = p < 0.5 ? static_cast<long double>(p) : 1 - static_cast<long double>(p);
  long double z = -static_cast<long double>(normal_quantile(static_cast<double>(tail)));
  for (int i = 0; i < 3; ++i) {
    const long double density = std::exp(-z * z / 2) / std::sqrt(2 * std::acos(-1.0L));
    z += (0.5L * std::erfc(z / std::sqrt(2.0L)) - tail) / density;
  }
  return p < 0.5 ? -z : z;
}

TEST(PortableMath, NormalQuantile) {
  std::mt19937 bits(5);
  double worst = 0;
  for (int i = 0; i < 100000; ++i) {
    const std::uint32_t k = i < 64 ? static_cast<std::uint32_t>(i) : static_cast<std::uint32_t>(bits()) >> (i % 28);
    for (const double p : {uniform(k), uniform(~k)}) {
      const long double exact = normal_quantile_oracle(p);
      worst = std::max(worst, static_cast<double>(std::abs(static_cast<long double>(normal_quantile(p)) - exact) /
                                                  std::max(std::abs(exact), 1e-9L)));
    }
  }
  EXPECT_LT(worst, 2e-15);
  EXPECT_NEAR(normal_quantile(0.975), 1.959963984540054235, 1e-15);
  EXPECT_EQ(normal_quantile(0.5), 0);
  EXPECT_NEAR(normal(0), -test::upper_normal_quantile(0x1p-33), 1e-12);  // the smallest draw
  EXPECT_EQ(normal(0), -normal(0xFFFFFFFF));
}

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
