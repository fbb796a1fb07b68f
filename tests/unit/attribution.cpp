// Parts of levers: by hand, and their sum.
#include <clvsim/attribution.hpp>
#include <clvsim/error.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>
#include <string>
#include <vector>

namespace clvsim {
namespace {

std::vector<std::string> names(std::size_t n) {
  std::vector<std::string> all;
  for (std::size_t l = 0; l < n; ++l) all.push_back("lever " + std::to_string(l));
  return all;
}

std::vector<std::vector<double>> drawn(std::size_t n_levers, std::size_t n_paths, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<std::vector<double>> totals(std::size_t{1} << n_levers, std::vector<double>(n_paths));
  for (auto& run : totals)
    for (double& total : run) total = 1000 + 50 * std::normal_distribution<double>()(random);
  return totals;
}

TEST(Attribution, PartsSumToTheWhole) {
  for (std::size_t n = 1; n <= most_attributed_levers; ++n) {
    const Attribution of = attribute_levers(names(n), drawn(n, 200, n));
    double sum = 0;
    for (const LeverPart& part : of.levers) sum += part.shapley.mean;
    EXPECT_NEAR(sum, of.difference.mean, 1e-9 * std::abs(of.all.mean));
    EXPECT_EQ(of.pairs.size(), n * (n - 1) / 2);
  }
}

// The mean over all orders of what a lever changes when it is switched on.
TEST(Attribution, IsTheMeanOverAllOrders) {
  constexpr std::size_t n = 4;
  const auto totals = drawn(n, 30, 8);
  const Attribution of = attribute_levers(names(n), totals);
  const auto mean = [&](std::size_t set) {
    return std::accumulate(totals[set].begin(), totals[set].end(), 0.0) / static_cast<double>(totals[set].size());
  };
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::vector<double> sums(n);
  int n_orders = 0;
  do {
    std::size_t on = 0;
    for (const std::size_t l : order) {
      sums[l] += mean(on | std::size_t{1} << l) - mean(on);
      on |= std::size_t{1} << l;
    }
    ++n_orders;
  } while (std::next_permutation(order.begin(), order.end()));
  for (std::size_t l = 0; l < n; ++l) EXPECT_NEAR(of.levers[l].shapley.mean, sums[l] / n_orders, 1e-10);
  EXPECT_NEAR(of.levers[2].alone.mean, mean(4) - mean(0), 1e-10);
  EXPECT_NEAR(of.levers[2].last.mean, mean(15) - mean(11), 1e-10);
  EXPECT_EQ(of.pairs[5].one, 2U);
  EXPECT_EQ(of.pairs[5].other, 3U);
  EXPECT_NEAR(of.pairs[5].value.mean, mean(12) - mean(4) - mean(8) + mean(0), 1e-10);
}

TEST(Attribution, ErrorsAreThoseOfDifferencesPathByPath) {
  // Both levers add what they add, whatever the luck of the path.
  std::vector<std::vector<double>> totals(4, std::vector<double>{100, 300, 500});
  for (std::size_t set = 0; set < 4; ++set)
    for (double& total : totals[set]) total += ((set & 1) != 0 ? 5 : 0) + ((set & 2) != 0 ? 7 : 0);
  const Attribution of = attribute_levers(names(2), totals);
  EXPECT_GT(of.base.se, 100);
  EXPECT_NEAR(of.levers[0].shapley.mean, 5, 1e-12);
  EXPECT_NEAR(of.levers[1].shapley.mean, 7, 1e-12);
  EXPECT_NEAR(of.levers[0].shapley.se, 0, 1e-12);
  EXPECT_NEAR(of.pairs[0].value.mean, 0, 1e-12);
}

TEST(Attribution, OtherSizesAreRefused) {
  EXPECT_THROW((void)attribute_levers({}, {{1, 2}}), ConfigError);
  EXPECT_THROW((void)attribute_levers(names(2), drawn(1, 5, 1)), ConfigError);
  EXPECT_THROW((void)attribute_levers(names(1), {{1}, {2}}), ConfigError);
  EXPECT_THROW((void)attribute_levers(names(7), drawn(7, 5, 1)), ConfigError);
}

}  // namespace
}  // namespace clvsim
