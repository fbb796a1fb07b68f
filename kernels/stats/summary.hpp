// What the distribution of the values of all paths is reduced to: exact integers, from which the host forms estimates
// (host/run/estimates.hpp). Whatever the team's size and the order of the values, the bits are the same.
#pragma once

#include "kernels/math/portable.hpp"
#include "kernels/math/wide.hpp"
#include "kernels/portability.hpp"
#include "kernels/stats/select.hpp"

#include <cstdint>
#include <limits>

namespace clvsim::kernels {

// Of n values v, all in [-2^62, 2^62].
struct ValueSummary {
  std::int64_t min = 0, max = 0;
  std::int64_t centre = 0;  // an integer within rounding of the mean
  std::uint64_t reach = 0;  // largest |v - centre|, plus 1
  i128 sum = 0;             // of v
  WideSum squares;          // of v - centre
  WideSum fourth;           // of round(2^51 ((v - mean) / reach)^4): the one moment that is not exact, to 2^-52 a path
  WideSum shortfall;        // of max(0, tail - v), tail the order statistic of the CVaR
  WideSum shortfall_squares;  // of their squares
  std::uint64_t n_nonpositive = 0;
};

// Which order statistics are wanted: zero-based, ascending, one of them the CVaR's.
struct RankView {
  const std::uint32_t* ranks = nullptr;
  std::uint32_t n_ranks = 0;
  std::uint32_t tail = 0;  // index into ranks
};

inline constexpr double fourth_scale = 2251799813685248.0;  // 2^51

// The middle of values, from which their moments are taken: an integer within rounding of the mean.
struct ValueCentre {
  std::int64_t centre = 0;
  double fraction = 0;       // the mean is centre + fraction
  std::uint64_t offset = 0;  // centre - min
  std::uint64_t reach = 0;   // largest |v - centre|, plus 1: |v - mean| < reach, and no division by 0
};

// `offset_sum` = the sum of v - min over n values, by one division in double: the same on every machine.
CLVSIM_HD inline ValueCentre centre_of(std::int64_t min, std::int64_t max, double offset_sum, std::uint32_t n) {
  ValueCentre result;
  const double offset = offset_sum / static_cast<double>(n);
  result.offset = static_cast<std::uint64_t>(offset);
  const std::uint64_t range = distance(max, min);
  if (result.offset > range) result.offset = range;
  result.centre = static_cast<std::int64_t>(static_cast<std::uint64_t>(min) + result.offset);
  result.fraction = offset - static_cast<double>(result.offset);
  const std::uint64_t above = distance(max, result.centre), below = result.offset;
  result.reach = (above > below ? above : below) + 1;
  return result;
}

struct SummaryShared {
  SelectShared select;
  std::uint64_t sum[n_limbs], squares[n_limbs], fourth[n_limbs], shortfall[n_limbs], shortfall_squares[n_limbs];
  std::uint64_t n_nonpositive;
  std::int64_t min, max;
};

// Summarises values [n], n >= 1. Every member calls it; it begins with a barrier, so that what any of them wrote before
// is seen by all, and it may be called again, and the values be written anew, without another. `out` is written by
// member 0, `order` [n_ranks] by all: both are complete after the next barrier.
template <class Team>
CLVSIM_HD void summarise(Team& team, SummaryShared& shared, const std::int64_t* values, std::uint32_t n,
                         const RankView& wanted, ValueSummary* out, std::int64_t* order) {
  constexpr std::uint64_t bias = std::uint64_t{1} << 63;  // makes a signed number an unsigned one of the same order
  if (team.rank() == 0) {
    for (unsigned i = 0; i < n_limbs; ++i) {
      shared.sum[i] = shared.squares[i] = shared.fourth[i] = 0;
      shared.shortfall[i] = shared.shortfall_squares[i] = 0;
    }
    shared.n_nonpositive = 0;
    shared.min = std::numeric_limits<std::int64_t>::max();
    shared.max = std::numeric_limits<std::int64_t>::min();
  }
  team.barrier();
  {
    WideSum sum;
    std::uint64_t n_nonpositive = 0;
    std::int64_t min = std::numeric_limits<std::int64_t>::max(), max = std::numeric_limits<std::int64_t>::min();
    for (std::uint64_t p = team.rank(); p < n; p += team.size()) {
      const std::int64_t v = values[p];
      sum.add(static_cast<std::uint64_t>(v) + bias);
      n_nonpositive += v <= 0 ? 1 : 0;
      min = v < min ? v : min;
      max = v > max ? v : max;
    }
    add_limbs<limbs_of_words>(team, shared.sum, sum);
    team.add_all(shared.n_nonpositive, n_nonpositive);
    team.min_all(shared.min, min);
    team.max_all(shared.max, max);
  }
  team.barrier();
  const std::int64_t min = shared.min, max = shared.max;
  const u128 biased_min = static_cast<std::uint64_t>(min) + bias;
  const WideSum total = from_limbs(shared.sum);
  WideSum offset_sum;
  offset_sum.low = total.low - biased_min * n;
  const ValueCentre middle = centre_of(min, max, to_double(offset_sum), n);
  const std::int64_t centre = middle.centre;
  {
    WideSum squares, fourth;
    const double inverse = 1.0 / static_cast<double>(middle.reach);
    for (std::uint64_t p = team.rank(); p < n; p += team.size()) {
      const std::uint64_t d = distance(values[p], centre);
      squares.add(static_cast<u128>(d) * d);
      const auto magnitude = static_cast<double>(d);
      const double z = ((values[p] < centre ? -magnitude : magnitude) - middle.fraction) * inverse;
      const double z2 = z * z;
      fourth.add(rounded_52_bits(z2 * z2 * fourth_scale));
    }
    add_limbs<limbs_of_squares>(team, shared.squares, squares);
    add_limbs<limbs_of_words>(team, shared.fourth, fourth);
  }
  select(team, shared.select, values, n, min, max, wanted.ranks, wanted.n_ranks, order);
  team.barrier();
  const std::int64_t tail = order[wanted.tail];
  {
    WideSum shortfall, squares;
    for (std::uint64_t p = team.rank(); p < n; p += team.size()) {
      if (values[p] >= tail) continue;
      const std::uint64_t d = distance(tail, values[p]);
      shortfall.add(d);
      squares.add(static_cast<u128>(d) * d);
    }
    add_limbs<limbs_of_words>(team, shared.shortfall, shortfall);
    add_limbs<limbs_of_squares>(team, shared.shortfall_squares, squares);
  }
  team.barrier();
  if (team.rank() == 0) {
    out->min = min;
    out->max = max;
    out->centre = centre;
    out->reach = middle.reach;
    out->sum = static_cast<i128>(total.low) - static_cast<i128>(static_cast<u128>(bias) * n);
    out->squares = from_limbs(shared.squares);
    out->fourth = from_limbs(shared.fourth);
    out->shortfall = from_limbs(shared.shortfall);
    out->shortfall_squares = from_limbs(shared.shortfall_squares);
    out->n_nonpositive = shared.n_nonpositive;
  }
}

}  // namespace clvsim::kernels
