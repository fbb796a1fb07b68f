// The scalar baseline of the benchmark computes what it says: otherwise a speed-up over it would mean nothing.
#include "bench/baselines/scalar_chain.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace clvsim::baseline::test {
namespace {

ChainInput two_states(double stay, std::uint32_t n_paths) {
  ChainInput input;
  input.n_paths = n_paths;
  input.amount = {1, 0};
  input.transition = {{stay, 1 - stay}, {0, 1}};
  input.discount = {1, 1, 1, 1, 1};
  input.quantiles = {0.05, 0.25, 0.5, 0.75, 0.95};
  return input;
}

// Periods survived of five: P(value = k) = stay^(k - 1) (1 - stay), P(5) = stay^4.
TEST(ScalarBaseline, IsTheGeometricDistribution) {
  constexpr double stay = 0.7;
  constexpr std::uint32_t n = 200000;
  ChainInput input = two_states(stay, n);
  input.n_customers = 2;
  const ChainOutput output = simulate(input);
  ASSERT_EQ(output.customers.size(), 2U);
  double mean = 0, square = 0, cumulative = 0, tail = 0;
  for (int k = 1; k <= 5; ++k) {
    const double p = k < 5 ? std::pow(stay, k - 1) * (1 - stay) : std::pow(stay, 4);
    mean += p * k;
    square += p * k * k;
    tail += std::min(std::max(0.05 - cumulative, 0.0), p) / 0.05 * k;
    cumulative += p;
  }
  const double sd = std::sqrt(square - mean * mean), se = sd / std::sqrt(static_cast<double>(n));
  for (const ChainEstimates& customer : output.customers) {
    EXPECT_NEAR(customer.mean, mean, 5 * se);
    EXPECT_NEAR(customer.sd, sd, 0.01);
    EXPECT_EQ(customer.quantiles, (std::vector<double>{1, 1, 2, 4, 5}));  // cumulative: 0.3, 0.51, 0.657, 0.76, 1
    EXPECT_NEAR(customer.cvar, tail, 1e-12);
  }
  EXPECT_NE(output.customers[0].mean, output.customers[1].mean);  // other draws
  EXPECT_NEAR(output.total.mean, 2 * mean, 5 * std::sqrt(2.0) * se);
  EXPECT_NEAR(output.total.sd, std::sqrt(2.0) * sd, 0.02);  // independent
}

TEST(ScalarBaseline, FollowsACertainChain) {
  ChainInput input = two_states(0, 100);  // one period
  const ChainOutput output = simulate(input);
  EXPECT_EQ(output.customers[0].mean, 1);
  EXPECT_EQ(output.customers[0].sd, 0);
  EXPECT_EQ(output.total.cvar, 1);
}

}  // namespace
}  // namespace clvsim::baseline::test
