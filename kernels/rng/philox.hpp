// Philox4x32-10, the counter-based generator behind every draw (Salmon, Moraes, Dror & Shaw 2011, "Parallel random
// numbers: as easy as 1, 2, 3", SC11). The same words as Random123's philox4x32 with 10 rounds.
#pragma once

#include "kernels/portability.hpp"

#include <cstdint>

namespace clvsim::kernels {

// Four 32-bit words: a counter, or a block of random words. Named members instead of an array: an array indexed at run
// time would live in local memory on a GPU.
struct Words {
  std::uint32_t x = 0, y = 0, z = 0, w = 0;
  bool operator==(const Words&) const = default;
};

// Word i (0 to 3).
constexpr CLVSIM_HD std::uint32_t word(const Words& words, unsigned i) {
  const std::uint32_t even = i < 2 ? words.x : words.z;
  const std::uint32_t odd = i < 2 ? words.y : words.w;
  return (i & 1U) == 0 ? even : odd;
}

namespace philox {
inline constexpr std::uint32_t multiplier_0 = 0xD2511F53, multiplier_1 = 0xCD9E8D57;  // Salmon et al. 2011, table 2
inline constexpr std::uint32_t weyl_0 = 0x9E3779B9, weyl_1 = 0xBB67AE85;              // golden ratio, sqrt(3) - 1
inline constexpr int rounds = 10;
}  // namespace philox

constexpr CLVSIM_HD_INLINE Words philox_round(Words counter, std::uint32_t key_0, std::uint32_t key_1) {
  const std::uint64_t product_0 = static_cast<std::uint64_t>(philox::multiplier_0) * counter.x;
  const std::uint64_t product_1 = static_cast<std::uint64_t>(philox::multiplier_1) * counter.z;
  return {static_cast<std::uint32_t>(product_1 >> 32) ^ counter.y ^ key_0, static_cast<std::uint32_t>(product_1),
          static_cast<std::uint32_t>(product_0 >> 32) ^ counter.w ^ key_1, static_cast<std::uint32_t>(product_0)};
}

// The block of `counter` under the key (seed's low word, seed's high word).
constexpr CLVSIM_HD_INLINE Words philox4x32_10(Words counter, std::uint64_t seed) {
  using namespace philox;
  auto key_0 = static_cast<std::uint32_t>(seed);
  auto key_1 = static_cast<std::uint32_t>(seed >> 32);
  for (int round = 0; round < rounds; ++round) {
    counter = philox_round(counter, key_0, key_1);
    key_0 += weyl_0;
    key_1 += weyl_1;
  }
  return counter;
}

// The keys of all rounds. A GPU that finds them among a kernel's constants adds none up.
struct PhiloxKeys {
  std::uint32_t key[philox::rounds][2] = {};

  PhiloxKeys() = default;
  explicit constexpr PhiloxKeys(std::uint64_t seed) {
    for (unsigned r = 0; r < philox::rounds; ++r) {
      key[r][0] = static_cast<std::uint32_t>(seed) + r * philox::weyl_0;
      key[r][1] = static_cast<std::uint32_t>(seed >> 32) + r * philox::weyl_1;
    }
  }
};

constexpr CLVSIM_HD_INLINE Words philox4x32_10(Words counter, const PhiloxKeys& keys) {
  for (int round = 0; round < philox::rounds; ++round) {
    counter = philox_round(counter, keys.key[round][0], keys.key[round][1]);
  }
  return counter;
}

}  // namespace clvsim::kernels
