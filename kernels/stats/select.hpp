// Several order statistics of the same values at once: radix select from the most significant digit down, all ranks
// together. Exact, independent of the order of the values, values only read.
#pragma once

#include "kernels/portability.hpp"

#include <cstdint>

namespace clvsim::kernels {

inline constexpr std::uint32_t max_ranks = 51;  // 16 quantiles and the CVaR, with two ranks each for their error
inline constexpr unsigned digit_bits = 6;
inline constexpr std::uint32_t n_digits = 1U << digit_bits;

// Shared by a team. A group is a prefix of digits that at least one rank has been narrowed down to.
struct SelectShared {
  std::uint32_t count[max_ranks * n_digits];  // [group, digit]
  std::uint64_t prefix[max_ranks];            // [group] ascending
  std::uint64_t next_prefix[max_ranks];       // [rank]
  std::uint32_t group_of[max_ranks];          // [rank]
  std::uint32_t left[max_ranks];              // [rank] rank within its group
  std::uint32_t n_groups;
};

// The group whose prefix is `prefix`, or n_groups.
CLVSIM_HD inline std::uint32_t find_group(const SelectShared& shared, std::uint64_t prefix) {
  const std::uint32_t n = shared.n_groups;
  std::uint32_t low = 0, high = n;
  while (low < high) {
    const std::uint32_t middle = (low + high) / 2;
    if (shared.prefix[middle] < prefix) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low < n && shared.prefix[low] == prefix ? low : n;
}

// out[r] = the value with `ranks[r]` values before it in ascending order. values [n], all of them in [min, max]; ranks
// [n_ranks], ascending, each below n; n_ranks in 1 .. max_ranks. Every member calls it; `out` is complete after the
// next barrier.
template <class Team>
CLVSIM_HD void select(Team& team, SelectShared& shared, const std::int64_t* values, std::uint32_t n, std::int64_t min,
                      std::int64_t max, const std::uint32_t* ranks, std::uint32_t n_ranks, std::int64_t* out) {
  const auto base = static_cast<std::uint64_t>(min);
  const std::uint64_t range = static_cast<std::uint64_t>(max) - base;
  for (std::uint32_t r = team.rank(); r < n_ranks; r += team.size()) {
    shared.left[r] = ranks[r];
    shared.group_of[r] = 0;
    shared.next_prefix[r] = 0;
  }
  if (team.rank() == 0) {
    shared.n_groups = 1;
    shared.prefix[0] = 0;
  }
  team.barrier();
  unsigned shift = 0;
  while ((range >> shift) >> digit_bits != 0) shift += digit_bits;
  for (bool more = range != 0; more; shift -= digit_bits) {
    more = shift != 0;
    for (std::uint32_t i = team.rank(); i < shared.n_groups * n_digits; i += team.size()) shared.count[i] = 0;
    team.barrier();
    const std::uint32_t n_groups = shared.n_groups;
    for (std::uint64_t p = team.rank(); p < n; p += team.size()) {
      const std::uint64_t digits = (static_cast<std::uint64_t>(values[p]) - base) >> shift;
      const std::uint32_t group = find_group(shared, digits >> digit_bits);
      if (group < n_groups) {
        team.add(shared.count[group * n_digits + static_cast<std::uint32_t>(digits & (n_digits - 1))], 1U);
      }
    }
    team.barrier();
    for (std::uint32_t r = team.rank(); r < n_ranks; r += team.size()) {
      const std::uint32_t group = shared.group_of[r];
      const std::uint32_t* count = shared.count + group * n_digits;
      std::uint32_t left = shared.left[r], digit = 0;
      while (digit + 1 < n_digits && left >= count[digit]) left -= count[digit++];
      shared.left[r] = left;
      shared.next_prefix[r] = (shared.prefix[group] << digit_bits) | digit;
    }
    team.barrier();
    if (team.rank() == 0) {
      std::uint32_t groups = 0;
      for (std::uint32_t r = 0; r < n_ranks; ++r) {
        if (r == 0 || shared.next_prefix[r] != shared.next_prefix[r - 1])
          shared.prefix[groups++] = shared.next_prefix[r];
        shared.group_of[r] = groups - 1;
      }
      shared.n_groups = groups;
    }
    team.barrier();
  }
  for (std::uint32_t r = team.rank(); r < n_ranks; r += team.size()) {
    out[r] = static_cast<std::int64_t>(base + shared.next_prefix[r]);
  }
}

}  // namespace clvsim::kernels
