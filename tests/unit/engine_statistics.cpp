// The team-parallel statistics against brute force, for awkward sizes and every team.
#include "kernels/lanes/summary.hpp"
#include "kernels/stats/summary.hpp"
#include "kernels/stats/team.hpp"
#include "tests/support/thread_team.hpp"
#include "tests/support/value_samples.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <numeric>
#include <random>
#include <vector>

namespace clvsim::kernels {
namespace {

using test::ranks_of;
using test::same;
using test::sample;
using test::solo;
using test::Values;
using Result = test::StatisticsResult;

Result with_threads(std::uint32_t size, const Values& values, const std::vector<std::uint32_t>& ranks,
                    std::uint32_t tail) {
  auto shared = std::make_unique<SummaryShared>();
  Result result;
  result.order.resize(ranks.size());
  test::run_team(size, [&](test::ThreadTeam& team) {
    summarise(team, *shared, values.data(), static_cast<std::uint32_t>(values.size()),
              {ranks.data(), static_cast<std::uint32_t>(ranks.size()), tail}, &result.summary, result.order.data());
  });
  return result;
}

void check_against_brute_force(const Values& values) {
  const std::size_t n = values.size();
  const std::vector<std::uint32_t> ranks = ranks_of(n);
  const auto tail = static_cast<std::uint32_t>(ranks.size() / 3);
  const Result result = solo(values, ranks, tail);
  const ValueSummary& s = result.summary;

  // The vector code, of every instruction set, gives the same bits.
  std::uint64_t bound = 0;
  for (const std::int64_t v : values) bound = std::max(bound, distance(v, 0));
  for (const LaneKernels* lanes : lane_kernels()) {
    Result vectors;
    vectors.order.resize(ranks.size());
    SummaryScratch scratch;
    const RankView wanted{ranks.data(), static_cast<std::uint32_t>(ranks.size()), tail};
    summarise(*lanes, values.data(), static_cast<std::uint32_t>(n), bound, wanted, scratch, vectors.summary,
              vectors.order.data());
    EXPECT_TRUE(same(vectors, result)) << lanes->name;
  }

  Values sorted = values;
  std::sort(sorted.begin(), sorted.end());
  for (std::size_t r = 0; r < ranks.size(); ++r) ASSERT_EQ(result.order[r], sorted[ranks[r]]) << "rank " << ranks[r];
  EXPECT_EQ(s.min, sorted.front());
  EXPECT_EQ(s.max, sorted.back());
  i128 sum = 0;
  std::uint64_t n_nonpositive = 0;
  for (const std::int64_t v : values) {
    sum += v;
    n_nonpositive += v <= 0 ? 1 : 0;
  }
  EXPECT_TRUE(s.sum == sum);
  EXPECT_EQ(s.n_nonpositive, n_nonpositive);
  const long double mean = static_cast<long double>(sum) / static_cast<long double>(n);
  EXPECT_LE(std::abs(static_cast<long double>(s.centre) - mean),
            1 + std::abs(static_cast<long double>(s.max) - static_cast<long double>(s.min)) * 1e-15L);

  WideSum squares, shortfall, shortfall_squares;
  long double fourth = 0;
  for (const std::int64_t v : values) {
    const std::uint64_t d = distance(v, s.centre);
    squares.add(static_cast<u128>(d) * d);
    if (v < result.order[tail]) {
      const std::uint64_t below = distance(v, result.order[tail]);
      shortfall.add(below);
      shortfall_squares.add(static_cast<u128>(below) * below);
    }
    fourth += std::pow((static_cast<long double>(v) - mean) / static_cast<long double>(s.reach), 4.0L);
  }
  EXPECT_TRUE(same(s.squares, squares));
  EXPECT_TRUE(same(s.shortfall, shortfall));
  EXPECT_TRUE(same(s.shortfall_squares, shortfall_squares));
  EXPECT_NEAR(to_double(s.fourth) / fourth_scale, static_cast<double>(fourth),
              1e-12 * static_cast<double>(fourth) + 1e-15 * static_cast<double>(n));
}

constexpr std::size_t sizes[] = {1, 2, 3, 7, 8, 9, 17, 31, 32, 33, 255, 256, 257, 1000, 20011};
constexpr int n_kinds = 6;

TEST(Statistics, EqualsBruteForce) {
  for (const std::size_t n : sizes) {
    for (int kind = 0; kind < n_kinds; ++kind) {
      SCOPED_TRACE(::testing::Message() << n << " values of kind " << kind);
      check_against_brute_force(sample(n, kind));
    }
  }
}

TEST(Statistics, AnyTeamAndAnyOrderGiveTheSameBits) {
  for (const std::size_t n : sizes) {
    for (int kind = 0; kind < n_kinds; ++kind) {
      SCOPED_TRACE(::testing::Message() << n << " values of kind " << kind);
      Values values = sample(n, kind);
      const std::vector<std::uint32_t> ranks = ranks_of(n);
      const Result expected = solo(values, ranks, 0);
      EXPECT_TRUE(same(with_threads(3, values, ranks, 0), expected));
      std::shuffle(values.begin(), values.end(), std::mt19937(1));
      EXPECT_TRUE(same(solo(values, ranks, 0), expected));
      EXPECT_TRUE(same(with_threads(7, values, ranks, 0), expected));
    }
  }
}

TEST(Statistics, RepeatedAndSingleRanks) {
  const Values values = sample(1000, 0);
  Values sorted = values;
  std::sort(sorted.begin(), sorted.end());
  for (const std::uint32_t rank : {0U, 1U, 499U, 998U, 999U}) {
    EXPECT_EQ(solo(values, {rank}, 0).order[0], sorted[rank]);
    EXPECT_EQ(solo(values, {rank, rank}, 1).order[1], sorted[rank]);
  }
}

}  // namespace
}  // namespace clvsim::kernels
