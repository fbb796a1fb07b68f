// Several order statistics of the same values at once: radix select from the most significant digit down, all ranks
// together. Exact, independent of the order of the values, values only read.
//
// The first digit has 11 bits. The keys in the bins that a rank falls into are few as a rule: they are copied to a
// list, and the other digits, of 6 bits, are counted there. Where they are many (values that stand in one point) the
// digits are counted over all values, most of which are passed over at once.
#pragma once

#include "kernels/portability.hpp"

#include <cstdint>

namespace clvsim::kernels {

inline constexpr std::uint32_t max_ranks = 51;  // 16 quantiles and the CVaR, with two ranks each for their error
inline constexpr unsigned digit_bits = 6, first_digit_bits = 11;
inline constexpr std::uint32_t n_digits = 1U << digit_bits, n_first_bins = 1U << first_digit_bits;
inline constexpr std::uint32_t list_capacity = 1024;

// Shared by a team. A group is a prefix of digits that at least one rank has been narrowed down to.
struct SelectShared {
  std::uint32_t count[max_ranks * n_digits];  // [bins], then [group, digit]
  std::uint32_t part[n_digits];               // sums of n_first_bins / n_digits bins
  std::uint32_t wanted[n_first_bins / 32];    // bit b: a rank falls into bin b
  std::uint64_t list[list_capacity];          // keys in wanted bins
  std::uint64_t prefix[max_ranks];            // [group] ascending
  std::uint64_t next_prefix[max_ranks];       // [rank]
  std::uint32_t group_of[max_ranks];          // [rank]
  std::uint32_t left[max_ranks];              // [rank] rank within its group
  std::uint32_t n_groups, n_listed;
};
static_assert(n_first_bins <= max_ranks * n_digits);

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

// Moves `left` and a digit on to where `left` falls among n counts.
CLVSIM_HD inline void narrow(const std::uint32_t* count, std::uint32_t n, std::uint32_t& left, std::uint32_t& digit) {
  std::uint32_t i = 0;
  while (i + 1 < n && left >= count[i]) left -= count[i++];
  digit = i;
}

// Makes groups of the prefixes that the ranks have been narrowed down to. Every member calls it after a barrier.
template <class Team>
CLVSIM_HD void regroup(Team& team, SelectShared& shared, std::uint32_t n_ranks) {
  if (team.rank() == 0) {
    std::uint32_t groups = 0;
    for (std::uint32_t r = 0; r < n_ranks; ++r) {
      if (r == 0 || shared.next_prefix[r] != shared.next_prefix[r - 1]) shared.prefix[groups++] = shared.next_prefix[r];
      shared.group_of[r] = groups - 1;
    }
    shared.n_groups = groups;
  }
  team.barrier();
}

// Narrows every rank down to a bin, key >> shift, of keys value - base, and lists the keys in these bins.
template <class Team>
CLVSIM_HD void select_bins(Team& team, SelectShared& shared, const std::int64_t* values, std::uint32_t n,
                           std::uint64_t base, unsigned shift, const std::uint32_t* ranks, std::uint32_t n_ranks) {
  constexpr std::uint32_t part = n_first_bins / n_digits;
  for (std::uint32_t i = team.rank(); i < n_first_bins; i += team.size()) shared.count[i] = 0;
  for (std::uint32_t i = team.rank(); i < n_first_bins / 32; i += team.size()) shared.wanted[i] = 0;
  if (team.rank() == 0) shared.n_listed = 0;
  team.barrier();
  for (std::uint64_t p = team.rank(); p < n; p += team.size()) {
    team.add(shared.count[(static_cast<std::uint64_t>(values[p]) - base) >> shift], 1U);
  }
  team.barrier();
  for (std::uint32_t i = team.rank(); i < n_digits; i += team.size()) {
    std::uint32_t sum = 0;
    // Each member begins elsewhere: together they would ask one bank of a GPU's shared memory.
    for (std::uint32_t j = 0; j < part; ++j) sum += shared.count[i * part + (i + j) % part];
    shared.part[i] = sum;
  }
  team.barrier();
  for (std::uint32_t r = team.rank(); r < n_ranks; r += team.size()) {
    std::uint32_t left = ranks[r], high = 0, low = 0;
    narrow(shared.part, n_digits, left, high);
    narrow(shared.count + high * part, part, left, low);
    shared.left[r] = left;
    shared.next_prefix[r] = high * part + low;
  }
  team.barrier();
  regroup(team, shared, n_ranks);
  if (shift == 0) return;
  for (std::uint32_t g = team.rank(); g < shared.n_groups; g += team.size()) {
    const auto bin = static_cast<std::uint32_t>(shared.prefix[g]);
    team.add(shared.wanted[bin / 32], std::uint32_t{1} << bin % 32);
  }
  team.barrier();
  for (std::uint64_t p = team.rank(); p < n; p += team.size()) {
    const std::uint64_t key = static_cast<std::uint64_t>(values[p]) - base;
    const auto bin = static_cast<std::uint32_t>(key >> shift);
    if ((shared.wanted[bin / 32] >> bin % 32 & 1U) == 0) continue;
    const std::uint32_t at = team.next(shared.n_listed);
    if (at < list_capacity) shared.list[at] = key;
  }
  team.barrier();
}

// out[r] = the value with `ranks[r]` values before it in ascending order. values [n], all of them in [min, max]; ranks
// [n_ranks], ascending, each below n; n_ranks in 1 .. max_ranks. Every member calls it; `out` is complete after the
// next barrier.
template <class Team>
CLVSIM_HD void select(Team& team, SelectShared& shared, const std::int64_t* values, std::uint32_t n, std::int64_t min,
                      std::int64_t max, const std::uint32_t* ranks, std::uint32_t n_ranks, std::int64_t* out) {
  const auto base = static_cast<std::uint64_t>(min);
  const std::uint64_t range = static_cast<std::uint64_t>(max) - base;
  unsigned shift = 0;
  while (range >> shift >> first_digit_bits != 0) ++shift;
  select_bins(team, shared, values, n, base, shift, ranks, n_ranks);
  const unsigned bin_shift = shift;
  const bool listed = shared.n_listed <= list_capacity;
  const std::uint64_t n_keys = listed ? shared.n_listed : n;
  while (shift != 0) {
    const unsigned bits = shift < digit_bits ? shift : digit_bits;
    shift -= bits;
    for (std::uint32_t i = team.rank(); i < shared.n_groups * n_digits; i += team.size()) shared.count[i] = 0;
    team.barrier();
    for (std::uint64_t p = team.rank(); p < n_keys; p += team.size()) {
      const std::uint64_t key = listed ? shared.list[p] : static_cast<std::uint64_t>(values[p]) - base;
      const auto bin = static_cast<std::uint32_t>(key >> bin_shift);
      if ((shared.wanted[bin / 32] >> bin % 32 & 1U) == 0) continue;
      const std::uint64_t digits = key >> shift;
      const std::uint32_t group = find_group(shared, digits >> bits);
      if (group < shared.n_groups) {
        team.add(shared.count[group * n_digits + static_cast<std::uint32_t>(digits & ((1U << bits) - 1))], 1U);
      }
    }
    team.barrier();
    for (std::uint32_t r = team.rank(); r < n_ranks; r += team.size()) {
      const std::uint32_t group = shared.group_of[r];
      std::uint32_t left = shared.left[r], digit = 0;
      narrow(shared.count + group * n_digits, 1U << bits, left, digit);
      shared.left[r] = left;
      shared.next_prefix[r] = (shared.prefix[group] << bits) | digit;
    }
    team.barrier();
    regroup(team, shared, n_ranks);
  }
  for (std::uint32_t r = team.rank(); r < n_ranks; r += team.size()) {
    out[r] = static_cast<std::int64_t>(base + shared.next_prefix[r]);
  }
}

}  // namespace clvsim::kernels
