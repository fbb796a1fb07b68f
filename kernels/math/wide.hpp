// Exact integer sums that 64 bits do not hold, and their reduction by a team in 32-bit limbs.
#pragma once

#include "kernels/portability.hpp"

#include <cstdint>

namespace clvsim::kernels {

__extension__ using u128 = unsigned __int128;
__extension__ using i128 = __int128;

// An unsigned sum of 192 bits: 2^32 squares of 64-bit numbers fit.
struct WideSum {
  u128 low = 0;
  std::uint64_t high = 0;

  CLVSIM_HD void add(u128 x) {
    low += x;
    high += low < x ? 1 : 0;
  }
};

// A WideSum as its six 32-bit limbs, each in a 64-bit slot: members of a team add their sums limb by limb, in any
// order, and at most 2^32 of them cannot overflow a slot. Every member calls it. `used` limbs are added: the sum of all
// members must stay below 2^(32 used).
inline constexpr unsigned n_limbs = 6;
inline constexpr unsigned limbs_of_words = 3;    // of 2^32 64-bit numbers
inline constexpr unsigned limbs_of_squares = 5;  // of their squares

template <unsigned used = n_limbs, class Team>
CLVSIM_HD void add_limbs(Team& team, std::uint64_t* slots, const WideSum& sum) {
  const auto w0 = static_cast<std::uint64_t>(sum.low);
  const auto w1 = static_cast<std::uint64_t>(sum.low >> 64);
  const std::uint64_t w2 = sum.high;
  constexpr std::uint64_t mask = 0xFFFFFFFF;
  static_assert(used == limbs_of_words || used == limbs_of_squares || used == n_limbs);
  team.add_all(slots[0], w0 & mask);
  team.add_all(slots[1], w0 >> 32);
  team.add_all(slots[2], w1 & mask);
  if constexpr (used > limbs_of_words) {
    team.add_all(slots[3], w1 >> 32);
    team.add_all(slots[4], w2 & mask);
  }
  if constexpr (used > limbs_of_squares) team.add_all(slots[5], w2 >> 32);
}

CLVSIM_HD inline WideSum from_limbs(const std::uint64_t* slots) {
  WideSum sum;
  sum.add(slots[0]);
  sum.add(static_cast<u128>(slots[1]) << 32);
  sum.add(static_cast<u128>(slots[2]) << 64);
  sum.add(static_cast<u128>(slots[3]) << 96);  // a slot exceeds 32 bits: its upper half is a carry
  sum.high += slots[3] >> 32;
  sum.high += slots[4] + (slots[5] << 32);
  return sum;
}

// Within 2 roundings.
CLVSIM_HD inline double to_double(const WideSum& sum) {
  constexpr double two_to_64 = 18446744073709551616.0;
  const auto w0 = static_cast<double>(static_cast<std::uint64_t>(sum.low));
  const auto w1 = static_cast<double>(static_cast<std::uint64_t>(sum.low >> 64));
  return (static_cast<double>(sum.high) * two_to_64 + w1) * two_to_64 + w0;
}

}  // namespace clvsim::kernels
