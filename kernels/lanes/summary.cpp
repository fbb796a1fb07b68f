#include "kernels/lanes/summary.hpp"

#include "kernels/stats/team.hpp"

#include <algorithm>
#include <bit>
#include <limits>

namespace clvsim::kernels {

// One pass counts the keys by their leading bits, which tells the bin of every rank; a second collects the keys of
// these bins, few unless many paths have the same value, and sorts them.
void select(const std::uint32_t* keys, std::uint32_t n, std::uint32_t largest, const RankView& ranks,
            SummaryScratch& scratch, std::uint32_t* out) {
  constexpr int fewest_bits = 6, most_bits = 11;
  const int bin_bits = std::clamp(static_cast<int>(std::bit_width(n)) - 2, fewest_bits, most_bits);
  const int shift = std::max(0, static_cast<int>(std::bit_width(largest)) - bin_bits);
  const std::size_t n_bins = std::size_t{1} << bin_bits;
  constexpr std::uint8_t unwanted = std::numeric_limits<std::uint8_t>::max();
  static_assert(max_ranks < unwanted);
  // Two sets of counts: neighbours in one bin would wait for each other.
  scratch.counts.assign(2 * n_bins, 0);
  scratch.slots.assign(n_bins, unwanted);
  std::uint32_t* counts = scratch.counts.data();
  std::uint32_t i = 0;
  for (; i + 1 < n; i += 2) {
    ++counts[keys[i] >> shift];
    ++counts[n_bins + (keys[i + 1] >> shift)];
  }
  if (i < n) ++counts[keys[i] >> shift];

  struct Slot {
    std::uint32_t bin = 0, before = 0, begin = 0, end = 0;
  };
  Slot slots[max_ranks];
  std::uint32_t n_slots = 0, n_wanted = 0, before = 0, r = 0;
  std::uint32_t slot_of[max_ranks];
  for (std::uint32_t bin = 0; r < ranks.n_ranks; ++bin) {
    const std::uint32_t count = counts[bin] + counts[n_bins + bin];
    if (ranks.ranks[r] < before + count) {
      slots[n_slots] = {bin, before, n_wanted, n_wanted};
      scratch.slots[bin] = static_cast<std::uint8_t>(n_slots);
      n_wanted += count;
      for (; r < ranks.n_ranks && ranks.ranks[r] < before + count; ++r) slot_of[r] = n_slots;
      ++n_slots;
    }
    before += count;
  }
  if (shift == 0) {  // a bin is a value
    for (r = 0; r < ranks.n_ranks; ++r) out[r] = slots[slot_of[r]].bin;
    return;
  }
  scratch.wanted.resize(n_wanted);
  for (i = 0; i < n; ++i) {
    const std::uint8_t slot = scratch.slots[keys[i] >> shift];
    if (slot != unwanted) [[unlikely]]
      scratch.wanted[slots[slot].end++] = keys[i];
  }
  for (std::uint32_t s = 0; s < n_slots; ++s) {
    std::sort(scratch.wanted.begin() + slots[s].begin, scratch.wanted.begin() + slots[s].end);
  }
  for (r = 0; r < ranks.n_ranks; ++r) {
    const Slot& slot = slots[slot_of[r]];
    out[r] = scratch.wanted[slot.begin + (ranks.ranks[r] - slot.before)];
  }
}

void summarise(const LaneKernels& lanes, const std::int64_t* values, std::uint32_t n, std::uint64_t bound,
               const RankView& ranks, SummaryScratch& scratch, ValueSummary& summary, std::int64_t* order) {
  constexpr std::uint64_t most_keys = std::uint64_t{1} << 32;
  const auto most = static_cast<u128>(std::numeric_limits<std::int64_t>::max());
  LaneRange range;
  const bool sum_fits = static_cast<u128>(bound) * n <= most;
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
  select(scratch.keys.data(), n, largest, ranks, scratch, found);
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
