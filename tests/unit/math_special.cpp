// The special functions of the likelihoods against numbers of 30 digits (mpmath) and identities.
#include "host/math/concave_integral.hpp"
#include "host/math/special.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <utility>

namespace clvsim {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

TEST(Special, DigammaIsRight) {
  // Euler's constant; psi(1/2) = -gamma - 2 ln 2; psi(x + 1) = psi(x) + 1 / x.
  constexpr double euler = 0.57721566490153286061;
  EXPECT_NEAR(digamma(1), -euler, 1e-15);
  EXPECT_NEAR(digamma(0.5), -euler - 2 * std::log(2.0), 4e-15);
  EXPECT_NEAR(digamma(1e8), std::log(1e8) - 0.5e-8, 1e-14);
  for (const double x : {1e-6, 0.01, 0.3, 1.461632144968362, 2.0, 9.99, 10.0, 1234.5})
    EXPECT_NEAR(digamma(x + 1) - digamma(x), 1 / x, 4e-15 * (1 / x + std::abs(digamma(x)) + 1)) << x;
}

TEST(Special, LogGammaRatioKeepsItsDigits) {
  // ln Gamma(y + 1) - ln Gamma(y) = ln y exactly.
  for (const double y : {1e-3, 0.7, 9.5, 10.0, 1e4, 1e8, 1e15})
    EXPECT_NEAR(log_gamma_ratio(y, 1) / std::log(y), 1, 4e-14) << y;
  // By two steps it is the product y (y + 1).
  for (const double y : {0.3, 12.0, 1e6})
    EXPECT_NEAR(log_gamma_ratio(y, 2), std::log(y) + std::log(y + 1), 1e-13 * (1 + std::abs(std::log(y)))) << y;
  // Downwards it is the same.
  for (const double y : {20.0, 1e9}) EXPECT_NEAR(log_gamma_ratio(y, -1.5), -log_gamma_ratio(y - 1.5, 1.5), 1e-13) << y;
}

TEST(Special, DigammaDifferenceKeepsItsDigits) {
  // psi(y + 1) - psi(y) = 1 / y exactly.
  for (const double y : {1e-3, 0.7, 9.5, 10.0, 1e4, 1e15, 1e200})
    EXPECT_NEAR(digamma_difference(y, 1) * y, 1, 2e-15) << y;
  for (const double y : {0.2, 7.0, 30.0})
    EXPECT_NEAR(digamma_difference(y, 2.5), digamma(y + 2.5) - digamma(y), 1e-14 * (1 + 1 / y)) << y;
  EXPECT_NEAR(digamma_difference(3, 1e-9) / 1e-9, 0.394934066848226436, 1e-8);  // pi^2 / 6 - 1 - 1 / 4
  EXPECT_EQ(digamma_difference(3, 0), 0);
}

TEST(Special, LogBetaIsSymmetricAndRight) {
  EXPECT_NEAR(log_beta(1, 1), 0, 1e-15);
  EXPECT_NEAR(log_beta(0.5, 0.5), std::log(3.14159265358979323846), 2e-15);
  EXPECT_NEAR(log_beta(3, 1e9), log_beta(1e9, 3), 1e-15);
  EXPECT_NEAR(log_beta(3, 1e9), std::log(2.0) - 3 * std::log(1e9) - 3e-9, 1e-13);
}

TEST(Special, LogAddTakesMinusInfinity) {
  EXPECT_EQ(log_add(-infinity, -2.0), -2.0);
  EXPECT_EQ(log_add(-infinity, -infinity), -infinity);
  EXPECT_NEAR(log_add(1000, 1000), 1000 + std::log(2.0), 1e-12);
  EXPECT_NEAR(log_add(0, -50), std::exp(-50.0), 1e-30);
}

TEST(Special, Expm1IsThatOfLibm) {
  for (const double x : {0.0, 1e-300, -1e-18, 1e-10, -3e-5, 0.1, -0.5, 1.0, 20.0, -40.0, -800.0})
    EXPECT_NEAR(portable_expm1(x), std::expm1(x), 4e-16 * std::abs(std::expm1(x))) << x;
  EXPECT_EQ(portable_expm1(800), infinity);
}

TEST(GaussLegendreRule, IntegratesPolynomialsExactly) {
  const GaussLegendre<24> rule;
  for (int power = 0; power < 48; ++power) {
    double sum = 0;
    for (std::size_t i = 0; i < rule.node.size(); ++i) sum += rule.weight[i] * std::pow(rule.node[i], power);
    EXPECT_NEAR(sum, power % 2 == 0 ? 2.0 / (power + 1) : 0, 3e-15) << power;
  }
}

// Normal densities of any width and place: all, half or nothing of their mass within the range.
TEST(ConcaveIntegral, FindsTheMass) {
  for (const double sd : {1e-4, 0.03, 1.0, 50.0}) {
    for (const double mean : {0.0, 0.5, 1.0}) {
      const auto psi = [&](double w) { return -0.5 * (w - mean) * (w - mean) / (sd * sd); };
      double sum = 0;
      for_nodes(concave_panels(psi, mean, 1.0), [&](double w, double weight) { sum += weight * std::exp(psi(w)); });
      const auto cdf = [&](double w) { return 0.5 * std::erfc((mean - w) / sd * 0.70710678118654752440); };
      const double expected = (cdf(1) - cdf(0)) * sd * 2.50662827463100050242;
      EXPECT_NEAR(sum / expected, 1, 1e-12) << sd << " " << mean;
    }
  }
}

}  // namespace
}  // namespace clvsim
