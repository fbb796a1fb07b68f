// Values of awkward kinds, their statistics by a team of one, and the comparison of statistics bit for bit.
#pragma once

#include "kernels/stats/summary.hpp"
#include "kernels/stats/team.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <random>
#include <vector>

namespace clvsim::test {

using kernels::fixed_limit;
using kernels::max_ranks;

using Values = std::vector<std::int64_t>;

struct StatisticsResult {
  kernels::ValueSummary summary;
  Values order;
};

inline StatisticsResult solo(const Values& values, const std::vector<std::uint32_t>& ranks, std::uint32_t tail) {
  kernels::SoloTeam team;
  auto shared = std::make_unique<kernels::SummaryShared>();
  StatisticsResult result;
  result.order.resize(ranks.size());
  kernels::summarise(team, *shared, values.data(), static_cast<std::uint32_t>(values.size()),
                     {ranks.data(), static_cast<std::uint32_t>(ranks.size()), tail}, &result.summary,
                     result.order.data());
  return result;
}

inline bool same(const kernels::WideSum& a, const kernels::WideSum& b) { return a.low == b.low && a.high == b.high; }

inline bool same(const StatisticsResult& a, const StatisticsResult& b) {
  const kernels::ValueSummary &x = a.summary, &y = b.summary;
  return x.min == y.min && x.max == y.max && x.centre == y.centre && x.reach == y.reach && x.sum == y.sum &&
         same(x.squares, y.squares) && same(x.fourth, y.fourth) && same(x.shortfall, y.shortfall) &&
         same(x.shortfall_squares, y.shortfall_squares) && x.n_nonpositive == y.n_nonpositive && a.order == b.order;
}

// All ranks, or 49 of them spread over all.
inline std::vector<std::uint32_t> ranks_of(std::size_t n) {
  std::vector<std::uint32_t> ranks;
  for (std::size_t i = 0; i < std::min<std::size_t>(n, max_ranks); ++i) {
    ranks.push_back(static_cast<std::uint32_t>(n <= max_ranks ? i : i * (n - 1) / (max_ranks - 1)));
  }
  return ranks;
}

// kind 0 to 5: normal, ties, constant, the whole range, a heavy tail, uniform.
inline Values sample(std::size_t n, int kind) {
  std::mt19937_64 bits(n * 16 + static_cast<std::size_t>(kind));
  std::normal_distribution<double> normal;
  Values values(n);
  for (auto& v : values) {
    switch (kind) {
      case 0:
        v = static_cast<std::int64_t>(normal(bits) * 1e6);
        break;
      case 1:
        v = static_cast<std::int64_t>(bits() % 3) * 100 - 100;
        break;  // ties
      case 2:
        v = 12345678901234;
        break;  // constant
      case 3:
        v = (bits() & 1) != 0 ? fixed_limit : -fixed_limit;
        break;  // the whole range
      case 4:
        v = static_cast<std::int64_t>(std::exp(3 * normal(bits)) * 256);
        break;  // heavy tail
      default:
        v = static_cast<std::int64_t>(bits() >> 2) - (std::int64_t{1} << 61);
        break;
    }
  }
  return values;
}

}  // namespace clvsim::test
