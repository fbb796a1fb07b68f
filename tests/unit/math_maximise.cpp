// The search for maxima: known functions, and what must not be certified.
#include "host/math/maximise.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <vector>

namespace clvsim {
namespace {

// Minus Rosenbrock's function: maximum 0 at (1, 1), at the end of a bent ridge.
double rosenbrock(std::span<const double> x, std::span<double> gradient) {
  const double a = 1 - x[0], b = x[1] - x[0] * x[0];
  gradient[0] = 2 * a + 400 * b * x[0];
  gradient[1] = -200 * b;
  return -a * a - 100 * b * b;
}

TEST(Maximise, ClimbsABentRidge) {
  for (const std::vector<double>& start : {std::vector<double>{-1.2, 1}, {0, 0}, {5, -3}, {1, 1}}) {
    const Maximum found = maximise(rosenbrock, start);
    EXPECT_TRUE(found.certified);
    EXPECT_NEAR(found.at[0], 1, 1e-4);
    EXPECT_NEAR(found.at[1], 1, 2e-4);
    EXPECT_GT(found.value, -1e-9);
    // The Hessian at (1, 1) is -(802, -400; -400, 200): eigenvalues .3994 and 1001.6006.
    EXPECT_NEAR(found.smallest_eigenvalue, 0.39936, 1e-2);
    EXPECT_NEAR(found.largest_eigenvalue, 1001.6006, 1);
  }
}

TEST(Maximise, GivesTheInformation) {
  const Objective quadratic = [](std::span<const double> x, std::span<double> g) {
    g[0] = -4 * x[0] - x[1] + 1;
    g[1] = -x[0] - 2 * x[1];
    return -2 * x[0] * x[0] - x[0] * x[1] - x[1] * x[1] + x[0];
  };
  const Maximum found = maximise(quadratic, std::vector<double>{3, -3});
  ASSERT_TRUE(found.certified);
  EXPECT_NEAR(found.information(0, 0), 4, 1e-8);
  EXPECT_NEAR(found.information(0, 1), 1, 1e-8);
  EXPECT_NEAR(found.information(1, 1), 2, 1e-8);
  SmallMatrix lower;
  ASSERT_TRUE(cholesky(found.information, lower));
  const SmallMatrix inverse = inverse_of(lower);
  EXPECT_NEAR(inverse(0, 0), 2.0 / 7, 1e-8);
  EXPECT_NEAR(inverse(1, 0), -1.0 / 7, 1e-8);
}

// The maximum lies beyond the range; there is none; it is a saddle.
TEST(Maximise, CertifiesNothingThatIsNoMaximum) {
  const Objective far = [](std::span<const double> x, std::span<double> g) {
    g[0] = 100 - x[0];
    return 100 * x[0] - 0.5 * x[0] * x[0];
  };
  const Maximum at_end = maximise(far, std::vector<double>{0});
  EXPECT_FALSE(at_end.certified);
  EXPECT_EQ(at_end.at_bound, 0);
  const Objective saddle = [](std::span<const double> x, std::span<double> g) {
    g[0] = -2 * x[0];
    g[1] = 2 * x[1];
    return -x[0] * x[0] + x[1] * x[1];
  };
  EXPECT_FALSE(maximise(saddle, std::vector<double>{1, 0}).certified);
  const Objective not_finite = [](std::span<const double>, std::span<double> g) {
    g[0] = std::nan("");
    return std::nan("");
  };
  EXPECT_FALSE(maximise(not_finite, std::vector<double>{1}).certified);
}

TEST(Maximise, PolishesWithTheInformationOfAnother) {
  const Maximum near = maximise(rosenbrock, std::vector<double>{-1.2, 1});
  int n = 0;
  const Objective other = [&n](std::span<const double> x, std::span<double> g) {
    ++n;
    const double value = 50 * rosenbrock(x, g);
    g[0] = 50 * g[0] + 0.3;
    g[1] = 50 * g[1];
    return value + 0.3 * x[0];
  };
  const Maximum found = polish(other, near);
  EXPECT_TRUE(found.certified);
  EXPECT_LT(found.decrement, 1e-9);
  EXPECT_EQ(found.n_evaluations, n);
  EXPECT_LT(n, 40);
}

TEST(Eigenvalues, AreThoseOfAKnownMatrix) {
  // The second difference matrix: 2 - 2 cos(k pi / 5).
  SmallMatrix m(4);
  for (std::size_t i = 0; i < 4; ++i) {
    m(i, i) = 2;
    if (i > 0) m(i, i - 1) = m(i - 1, i) = -1;
  }
  const std::vector<double> found = eigenvalues(m);
  for (std::size_t k = 0; k < 4; ++k)
    EXPECT_NEAR(found[k], 2 - 2 * std::cos(static_cast<double>(k + 1) * 3.14159265358979323846 / 5), 1e-14);
}

TEST(Cholesky, RefusesWhatIsNotPositiveDefinite) {
  SmallMatrix m(2), lower;
  m(0, 0) = m(1, 1) = 1;
  m(0, 1) = m(1, 0) = 2;
  EXPECT_FALSE(cholesky(m, lower));
}

}  // namespace
}  // namespace clvsim
