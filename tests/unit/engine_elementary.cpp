// The elementary functions against the C library's long double, and against their documented bounds. That the vector
// code gives the same bits is tested in parity/engine_lanes.cpp.
#include "kernels/math/log_gamma.hpp"
#include "kernels/math/portable.hpp"
#include "tests/support/elementary_points.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <cstdint>
#include <iostream>
#include <limits>
#include <random>

namespace clvsim::kernels {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();
static_assert(LDBL_MANT_DIG >= 64, "an oracle of eleven more bits");

double softplus(double x) { return elementary::softplus<ScalarDoubles>(x); }
double log_gamma(double x) { return elementary::log_gamma<ScalarDoubles>(x); }

// Distance in units of the last place of the double nearest to `exact`; 0 for two infinities or NaNs alike.
double ulps(double computed, long double exact) {
  const double rounded = static_cast<double>(exact);
  if (std::isnan(rounded)) return std::isnan(computed) ? 0 : infinity;
  if (std::isinf(rounded) || std::isinf(computed)) return computed == rounded ? 0 : infinity;
  const double spacing = std::nextafter(std::abs(rounded), infinity) - std::abs(rounded);
  return static_cast<double>(std::abs(static_cast<long double>(computed) - exact) / static_cast<long double>(spacing));
}

// The largest error over the points is below `bound`, and no bound is stated far above what occurs.
template <class F, class Oracle>
void expect_within(double bound, const std::vector<double>& points, F function, Oracle oracle) {
  double worst = 0, at = 0;
  for (const double x : points) {
    const double error = ulps(function(x), oracle(static_cast<long double>(x)));
    ASSERT_LT(error, bound) << x;
    if (error > worst) worst = error, at = x;
  }
  std::cout << "largest error " << worst << " ulp at " << at << ", " << points.size() << " points\n";
  EXPECT_GT(worst, 0.6 * bound);
}

TEST(Elementary, LogWithinItsBound) {
  expect_within(0.9, test::log_points(1000000), portable_log, [](long double x) { return std::log(x); });
}

TEST(Elementary, ExpWithinItsBound) {
  expect_within(0.95, test::exp_points(1000000), portable_exp, [](long double x) { return std::exp(x); });
}

TEST(Elementary, Log1pWithinItsBound) {
  expect_within(1.0, test::log1p_points(1000000), portable_log1p, [](long double x) { return std::log1p(x); });
}

TEST(Elementary, SoftplusWithinItsBound) {
  expect_within(2.0, test::exp_points(500000), softplus,
                [](long double x) { return std::log1p(std::exp(-std::abs(x))) + std::max(x, 0.0L); });
}

// log Gamma is not defined for negative numbers here: NaN.
long double exact_log_gamma(long double x) {
  return x < 0 ? std::numeric_limits<long double>::quiet_NaN() : std::lgamma(x);
}

TEST(Elementary, LogGammaWithinItsBound) {
  expect_within(5.5, test::log_gamma_points(1000000), log_gamma, exact_log_gamma);
}

// mpmath's loggamma at these very doubles, 60 digits: the oracle above is held to it too.
TEST(Elementary, LogGammaKnownAnswers) {
  struct Known {
    double x;
    long double value;
  };
  for (const auto& [x, value] :
       std::initializer_list<Known>{{0x1.56e1fc2f8f359p-997, 690.775527898213705180338L},
                                    {0x1.5798ee2308c3ap-27, 18.4206807381802088844527L},
                                    {0x1.999999999999ap-4, 2.25271265173420590200624L},
                                    {0.5, 0.572364942924700087071714L},
                                    {0.75, 0.203280951431295371481433L},
                                    {0x1.fffffffffe000p-1, 5.24974589008962439052807e-13L},
                                    {0x1.0000000000001p+0, -1.28167624269600084026465e-16L},
                                    {1.25, -0.0982718364218131614638538L},
                                    {0x1.762d86356be3fp+0, -0.121486290535849608095515L},
                                    {1.75, -0.084401121020485555957786L},
                                    {0x1.fffffffc00000p+0, -3.93748595191302068101157e-10L},
                                    {0x1.0000000000001p+1, 1.87753961310862430610421e-16L},
                                    {2.25, 0.124871714892396594302441L},
                                    {2.5, 0.284682870472919159632495L},
                                    {2.75, 0.475214666914937130313102L},
                                    {3.5, 1.20097360234707422481602L},
                                    {10.25, 13.3680236714760462954309L},
                                    {100.5, 361.435540467777621555252L},
                                    {1e6, 12815504.569147611659977L},
                                    {1e15, 33538776394910668.9098202L},
                                    {0x1.249ad2594c37dp+332, 2.29258509299404572063575e+102L},
                                    {0x1.6c8e5ca239029p+1014, 1.75551186023764525199272e+308L}}) {
    EXPECT_LT(ulps(log_gamma(x), value), 5.5) << x;
    EXPECT_LT(std::abs(exact_log_gamma(static_cast<long double>(x)) / value - 1), 1e-18L) << x;
  }
  EXPECT_EQ(log_gamma(1), 0);
  EXPECT_EQ(log_gamma(2), 0);
  EXPECT_EQ(log_gamma(0), infinity);
  EXPECT_EQ(log_gamma(infinity), infinity);
  EXPECT_EQ(log_gamma(2.6e305), infinity);
  EXPECT_TRUE(std::isnan(log_gamma(-0.5)));
  EXPECT_TRUE(std::isnan(log_gamma(-infinity)));
  EXPECT_TRUE(std::isnan(log_gamma(nan)));
}

// S(x) by S(x) = S(x + 1) + (x + 1/2) log(1 + 1/x) - 1, and Stirling's series above 20.
long double exact_stirling_rest(long double x) {
  long double sum = 0;
  for (; x < 20; ++x) sum += (x + 0.5L) * std::log1p(1 / x) - 1;
  const long double w = 1 / (x * x);
  return sum + (1 / 12.0L -
                w * (1 / 360.0L -
                     w * (1 / 1260.0L - w * (1 / 1680.0L - w * (1 / 1188.0L - w * (691 / 360360.0L - w / 156.0L)))))) /
                   x;
}

TEST(Elementary, StirlingRestWithinItsBound) {
  std::mt19937_64 random(7);
  double worst = 0;
  for (int i = 0; i < 200000; ++i) {
    const double u = static_cast<double>(random() >> 11) * 0x1p-53;
    const double x = i % 4 == 0 ? std::ldexp(1 + u, static_cast<int>(random() % 52)) : 1 + u * (i % 4 == 1 ? 1 : 30);
    const long double exact = exact_stirling_rest(static_cast<long double>(x));
    const auto rest = static_cast<long double>(elementary::stirling_rest<ScalarDoubles>(x));
    const auto error = static_cast<double>(std::abs(rest / exact - 1));
    ASSERT_LT(error, 1.3e-15) << x;
    worst = std::max(worst, error);
  }
  std::cout << "largest relative error " << worst << '\n';
  EXPECT_GT(worst, 0.5 * 1.3e-15);
}

TEST(Elementary, Ends) {
  EXPECT_EQ(portable_log(1), 0);
  EXPECT_EQ(portable_log(0), -infinity);
  EXPECT_EQ(portable_log(infinity), infinity);
  EXPECT_TRUE(std::isnan(portable_log(-1)));
  EXPECT_TRUE(std::isnan(portable_log(nan)));
  EXPECT_EQ(portable_exp(0), 1);
  EXPECT_EQ(portable_exp(710), infinity);
  EXPECT_EQ(portable_exp(infinity), infinity);
  EXPECT_EQ(portable_exp(-746), 0);
  EXPECT_EQ(portable_exp(-infinity), 0);
  EXPECT_TRUE(std::isnan(portable_exp(nan)));
  EXPECT_EQ(portable_log1p(0), 0);
  EXPECT_EQ(portable_log1p(-1), -infinity);
  EXPECT_TRUE(std::isnan(portable_log1p(-1.5)));
  EXPECT_EQ(portable_log1p(infinity), infinity);
  EXPECT_TRUE(std::isnan(portable_log1p(nan)));
  EXPECT_EQ(softplus(-infinity), 0);
  EXPECT_EQ(softplus(infinity), infinity);
  EXPECT_EQ(softplus(1000), 1000);
  EXPECT_TRUE(std::isnan(softplus(nan)));
}

// z with P(N < z) = 1/2 + q, 1/2 - |q| = tail, by Newton steps from `start`: on erf in the middle, on erfc in the
// tails, where neither loses digits.
long double quantile(long double q, long double tail, long double start) {
  const long double root_2 = std::sqrt(2.0L), root_2_pi = std::sqrt(2 * std::acos(-1.0L));
  long double z = start;
  for (int i = 0; i < 3; ++i) {
    const long double excess = std::abs(q) < 0.3L ? std::erf(z / root_2) / 2 - q
                               : q < 0            ? std::erfc(-z / root_2) / 2 - tail
                                                  : tail - std::erfc(z / root_2) / 2;
    z -= excess * root_2_pi * std::exp(z * z / 2);
  }
  return z;
}

template <int bits, class F>
void expect_normal_within(double bound, F function) {
  std::mt19937_64 random(5);
  double worst = 0;
  for (int i = 0; i < 300000; ++i) {
    // Every distance from the lower end and from the centre, as a power of two.
    std::uint64_t k = (random() >> (64 - bits)) >> (i % bits);
    if (i % 2 == 1) k = (std::uint64_t{1} << (bits - 1)) - 1 - (k >> 1);
    const double z = function(k);
    const auto p = std::ldexp(static_cast<long double>(k) + 0.5L, -bits);
    const long double exact = quantile(p - 0.5L, std::min(p, 1 - p), static_cast<long double>(z));
    const auto error = static_cast<double>(std::abs(static_cast<long double>(z) / exact - 1));
    ASSERT_LT(error, bound) << k;
    worst = std::max(worst, error);
    ASSERT_EQ(function(~k & ((std::uint64_t{1} << bits) - 1)), -z) << k;
  }
  std::cout << "largest relative error " << worst << '\n';
  EXPECT_GT(worst, 0.5 * bound);
}

TEST(Elementary, NormalWithinItsBound) {
  expect_normal_within<32>(1.2e-15, [](std::uint64_t k) { return normal(static_cast<std::uint32_t>(k)); });
  expect_normal_within<52>(1.2e-15, [](std::uint64_t k) { return elementary::normal_52<ScalarDoubles>(k); });
}

// 6 million neighbouring words: both ends, the centre, and places between.
TEST(Elementary, NormalIncreasesWithItsWord) {
  std::mt19937 random(6);
  for (int run = 0; run < 300; ++run) {
    const std::uint32_t n = 20000;
    const std::uint32_t first = run == 0   ? 0
                                : run == 1 ? 0U - n
                                : run == 2 ? 0x80000000U - n / 2
                                           : static_cast<std::uint32_t>(random()) % (0U - n);
    double last = -infinity;
    for (std::uint32_t i = 0; i < n; ++i) {
      const double z = normal(first + i);
      ASSERT_LT(last, z) << first + i;
      last = z;
    }
  }
}

TEST(Elementary, NormalQuantile) {
  EXPECT_NEAR(normal_quantile(0.975), 1.959963984540054235, 1e-15);
  EXPECT_EQ(normal_quantile(0.5), 0);
  EXPECT_NEAR(normal_quantile(0x1p-53) / -8.2095361516013866, 1, 2e-15);
  EXPECT_NEAR(normal(0) / -6.3379577545537885, 1, 2e-15);  // the smallest draw
  for (const std::uint32_t k : {0U, 1U, 77777777U, 0x80000000U, 0xFFFFFFFFU}) {
    EXPECT_NEAR(normal_quantile(uniform(k)) / normal(k), 1, 1e-15) << k;
  }
}

}  // namespace
}  // namespace clvsim::kernels
