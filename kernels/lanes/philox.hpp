// Philox4x32-10 on vector registers: the words of kernels/rng/philox.hpp for many counters at once, of which only c0
// differs.
//
// A register holds 64-bit lanes with a 32-bit word in the low half of each; what stands in the high halves does not
// matter. A round is then two multiplications 32 x 32 -> 64, two shifts and two three-way exclusive ors for every
// register of counters, and no shuffle: at two 512-bit ports 60 operations for 32 words.
//
// A Simd type has
//   Register                     integers, `n_lanes` 64-bit lanes
//   splat(w)                     w in both halves of every lane
//   counters(c)                  lane i: c + 2 i
//   multiply(a, b)               products of the low halves
//   high(a)                      high halves, moved down
//   exclusive_or(a, b, c)
//   interleave(even, odd)        32-bit lane 2 i: even's lane i, 2 i + 1: odd's
//   store(out, a)                2 n_lanes words
#pragma once

#include "kernels/rng/philox.hpp"

#include <cstdint>

namespace clvsim::kernels {

// Random words of 2 n_lanes counters in a row: word w of counter `first + i` in 32-bit lane i of word[w].
template <class Simd>
struct WordRegisters {
  typename Simd::Register word[4];
};

// words[g]: the blocks of counters {c0 + 2 n_lanes g + i, c1, c2, c3}, i in 0 .. 2 n_lanes - 1, under the key `seed`.
template <class Simd, unsigned n_groups>
[[gnu::always_inline]] inline void philox4x32_10(std::uint32_t c0, std::uint32_t c1, std::uint32_t c2, std::uint32_t c3,
                                                 std::uint64_t seed, WordRegisters<Simd> (&words)[n_groups]) {
  using Register = typename Simd::Register;
  constexpr unsigned n = 2 * n_groups;
  using namespace philox;
  const Register m0 = Simd::splat(multiplier_0), m1 = Simd::splat(multiplier_1);
  Register x[n], y[n], z[n], w[n];
#pragma GCC unroll 8
  for (unsigned j = 0; j < n; ++j) {
    x[j] = Simd::counters(c0 + 2 * Simd::n_lanes * (j / 2) + j % 2);
    y[j] = Simd::splat(c1);
    z[j] = Simd::splat(c2);
    w[j] = Simd::splat(c3);
  }
  auto key_0 = static_cast<std::uint32_t>(seed), key_1 = static_cast<std::uint32_t>(seed >> 32);
#pragma GCC unroll 10
  for (int round = 0; round < rounds; ++round) {
    const Register k0 = Simd::splat(key_0), k1 = Simd::splat(key_1);
#pragma GCC unroll 8
    for (unsigned j = 0; j < n; ++j) {
      const Register p0 = Simd::multiply(m0, x[j]), p1 = Simd::multiply(m1, z[j]);
      x[j] = Simd::exclusive_or(Simd::high(p1), y[j], k0);
      y[j] = p1;
      z[j] = Simd::exclusive_or(Simd::high(p0), w[j], k1);
      w[j] = p0;
    }
    key_0 += weyl_0;
    key_1 += weyl_1;
  }
#pragma GCC unroll 4
  for (unsigned g = 0; g < n_groups; ++g) {
    words[g].word[0] = Simd::interleave(x[2 * g], x[2 * g + 1]);
    words[g].word[1] = Simd::interleave(y[2 * g], y[2 * g + 1]);
    words[g].word[2] = Simd::interleave(z[2 * g], z[2 * g + 1]);
    words[g].word[3] = Simd::interleave(w[2 * g], w[2 * g + 1]);
  }
}

}  // namespace clvsim::kernels
