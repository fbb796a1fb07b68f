#include "kernels/lanes/summary.hpp"

#include "kernels/stats/team.hpp"

#include <algorithm>
#include <bit>
#include <limits>

namespace clvsim::kernels {

// One pass counts the keys by their leading bits, which tells the bin of every rank; a second collects the keys of
// these bins, few unless many paths have the same value, and sorts them.
void select(const LaneKernels& lanes, const std::uint32_t* keys, std::uint32_t n, std::uint32_t largest,
            const RankView& ranks, SummaryScratch& scratch, std::uint32_t* out) {
  constexpr int fewest_bits = 6, most_bits = 11;  // collect() knows of 2^11 bins
  const int bin_bits = std::clamp(static_cast<int>(std::bit_width(n)) - 2, fewest_bits, most_bits);
  const int shift = std::max(0, static_cast<int>(std::bit_width(largest)) - bin_bits);
  const std::size_t n_bins = std::size_t{1} << bin_bits;
  // Four sets of counts: neighbours in one bin would wait for each other.
  constexpr std::size_t n_sets = 4;
  scratch.counts.assign(n_sets * n_bins, 0);
  std::uint32_t* const counts = scratch.counts.data();
  std::uint32_t i = 0;
  for (; i + n_sets <= n; i += n_sets) {
    for (std::size_t k = 0; k < n_sets; ++k) ++counts[k * n_bins + (keys[i + k] >> shift)];
  }
  for (; i < n; ++i) ++counts[keys[i] >> shift];
  for (std::size_t bin = 0; bin < n_bins; ++bin) {
    counts[bin] += counts[n_bins + bin] + counts[2 * n_bins + bin] + counts[3 * n_bins + bin];
  }

  std::int32_t wanted_bins[(std::size_t{1} << most_bits) / 32] = {};
  std::uint32_t bin_of[max_ranks], place[max_ranks];  // place among the keys of the wanted bins
  std::uint32_t n_wanted = 0, before = 0, r = 0;
  for (std::uint32_t bin = 0; r < ranks.n_ranks; ++bin) {
    const std::uint32_t until = before + counts[bin];
    if (ranks.ranks[r] < until) {
      wanted_bins[bin / 32] =
          static_cast<std::int32_t>(static_cast<std::uint32_t>(wanted_bins[bin / 32]) | std::uint32_t{1} << bin % 32);
      for (; r < ranks.n_ranks && ranks.ranks[r] < until; ++r) {
        bin_of[r] = bin;
        place[r] = n_wanted + (ranks.ranks[r] - before);
      }
      n_wanted += counts[bin];
    }
    before = until;
  }
  if (shift == 0) {  // a bin is a value
    std::copy(bin_of, bin_of + ranks.n_ranks, out);
    return;
  }
  scratch.wanted.resize(n);
  lanes.collect(keys, n, static_cast<unsigned>(shift), wanted_bins, scratch.wanted.data());
  std::sort(scratch.wanted.begin(), scratch.wanted.begin() + n_wanted);
  for (r = 0; r < ranks.n_ranks; ++r) out[r] = scratch.wanted[place[r]];
}

void summarise(const LaneKernels& lanes, const std::int64_t* values, std::uint32_t n, std::uint64_t bound,
               const RankView& ranks, SummaryScratch& scratch, ValueSummary& summary, std::int64_t* order) {
  constexpr std::uint64_t most_keys = std::uint64_t{1} << 32;
  constexpr std::uint32_t most_paths = std::uint32_t{1} << 30;
  const auto most = static_cast<u128>(std::numeric_limits<std::int64_t>::max());
  LaneRange range;
  const bool sum_fits = static_cast<u128>(bound) * n <= most && n <= most_paths;
  if (sum_fits) lanes.range(values, n, range);
  if (!sum_fits || distance(range.max, range.min) >= most_keys) {
    if (scratch.shared == nullptr) scratch.shared = std::make_unique<SummaryShared>();
    SoloTeam team;
    summarise(team, *scratch.shared, values, n, ranks, &summary, order);
    return;
  }
  const auto offset_sum = static_cast<u128>(range.sum - static_cast<i128>(range.min) * n);
  const ValueCentre middle = centre_of(range.min, range.max, to_double({offset_sum, 0}), n);
  LaneCentre centre;
  centre.min = range.min;
  centre.offset = static_cast<double>(middle.offset);
  centre.fraction = middle.fraction;
  centre.inverse_reach = 1.0 / static_cast<double>(middle.reach);
  scratch.keys.resize(n);
  LaneMoments moments;
  lanes.moments(values, n, centre, scratch.keys.data(), moments);
  std::uint32_t found[max_ranks];
  const auto largest = static_cast<std::uint32_t>(distance(range.max, range.min));
  select(lanes, scratch.keys.data(), n, largest, ranks, scratch, found);
  for (std::uint32_t r = 0; r < ranks.n_ranks; ++r) order[r] = range.min + found[r];
  LaneShortfall shortfall;
  lanes.shortfall(scratch.keys.data(), n, found[ranks.tail], shortfall);

  summary = {};
  summary.min = range.min;
  summary.max = range.max;
  summary.centre = middle.centre;
  summary.reach = middle.reach;
  summary.sum = range.sum;
  const u128 offset = middle.offset;
  summary.squares.low = moments.squares - 2 * offset * offset_sum + offset * offset * n;
  summary.fourth.low = moments.fourth;
  summary.shortfall.low = shortfall.sum;
  summary.shortfall_squares.low = shortfall.squares;
  summary.n_nonpositive = range.n_nonpositive;
}

}  // namespace clvsim::kernels
