// Philox4x32-10 on vector registers: the words of kernels/rng/philox.hpp for many counters at once, of which only c0
// differs, or c0, c2 and c3.
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

// Blocks in the making: the caller may do other work between the rounds, so that neither waits for the other.
template <class Simd, unsigned n_groups>
class PhiloxRounds {
 public:
  // Register g: of counters {c[g].x + i, c[g].y, c[g].z, c[g].w}, i in 0 .. 2 n_lanes - 1, under the key `seed`.
  [[gnu::always_inline]] PhiloxRounds(const Words (&c)[n_groups], std::uint64_t seed)
      : key_0_(static_cast<std::uint32_t>(seed)), key_1_(static_cast<std::uint32_t>(seed >> 32)) {
#pragma GCC unroll 8
    for (unsigned j = 0; j < n; ++j) {
      const Words& counter = c[j / 2];
      x_[j] = Simd::counters(counter.x + j % 2);
      y_[j] = Simd::splat(counter.y);
      z_[j] = Simd::splat(counter.z);
      w_[j] = Simd::splat(counter.w);
    }
  }

  // Register g: of counters {lane of c0[g], c.y, c.z, c.w}; c0 has 2 n_lanes lanes of 32 bits.
  [[gnu::always_inline]] PhiloxRounds(const typename Simd::Register (&c0)[n_groups], const Words& c, std::uint64_t seed)
      : key_0_(static_cast<std::uint32_t>(seed)), key_1_(static_cast<std::uint32_t>(seed >> 32)) {
#pragma GCC unroll 8
    for (unsigned j = 0; j < n; ++j) {
      x_[j] = j % 2 == 0 ? c0[j / 2] : Simd::high(c0[j / 2]);
      y_[j] = Simd::splat(c.y);
      z_[j] = Simd::splat(c.z);
      w_[j] = Simd::splat(c.w);
    }
  }

  // Register g: of counters {lane of c0[g], lane of c1[g], c.z, c.w}.
  [[gnu::always_inline]] PhiloxRounds(const typename Simd::Register (&c0)[n_groups],
                                      const typename Simd::Register (&c1)[n_groups], const Words& c, std::uint64_t seed)
      : PhiloxRounds(c0, c, seed) {
#pragma GCC unroll 8
    for (unsigned j = 0; j < n; ++j) y_[j] = j % 2 == 0 ? c1[j / 2] : Simd::high(c1[j / 2]);
  }

  // Register g: of counters {lane of c0[g], c.y, lane of c2[g], lane of c3[g]}.
  [[gnu::always_inline]] PhiloxRounds(const typename Simd::Register (&c0)[n_groups], const Words& c,
                                      const typename Simd::Register (&c2)[n_groups],
                                      const typename Simd::Register (&c3)[n_groups], std::uint64_t seed)
      : PhiloxRounds(c0, c, seed) {
#pragma GCC unroll 8
    for (unsigned j = 0; j < n; ++j) {
      z_[j] = j % 2 == 0 ? c2[j / 2] : Simd::high(c2[j / 2]);
      w_[j] = j % 2 == 0 ? c3[j / 2] : Simd::high(c3[j / 2]);
    }
  }

  [[gnu::always_inline]] void round() {
    const Register k0 = Simd::splat(key_0_), k1 = Simd::splat(key_1_);
    const Register m0 = Simd::splat(philox::multiplier_0), m1 = Simd::splat(philox::multiplier_1);
#pragma GCC unroll 8
    for (unsigned j = 0; j < n; ++j) {
      const Register p0 = Simd::multiply(m0, x_[j]), p1 = Simd::multiply(m1, z_[j]);
      x_[j] = Simd::exclusive_or(Simd::high(p1), y_[j], k0);
      y_[j] = p1;
      z_[j] = Simd::exclusive_or(Simd::high(p0), w_[j], k1);
      w_[j] = p0;
    }
    key_0_ += philox::weyl_0;
    key_1_ += philox::weyl_1;
  }

  // After philox::rounds rounds.
  [[gnu::always_inline]] void finish(WordRegisters<Simd> (&words)[n_groups]) const {
#pragma GCC unroll 4
    for (unsigned g = 0; g < n_groups; ++g) {
      words[g].word[0] = Simd::interleave(x_[2 * g], x_[2 * g + 1]);
      words[g].word[1] = Simd::interleave(y_[2 * g], y_[2 * g + 1]);
      words[g].word[2] = Simd::interleave(z_[2 * g], z_[2 * g + 1]);
      words[g].word[3] = Simd::interleave(w_[2 * g], w_[2 * g + 1]);
    }
  }

 private:
  using Register = typename Simd::Register;
  static constexpr unsigned n = 2 * n_groups;
  Register x_[n], y_[n], z_[n], w_[n];
  std::uint32_t key_0_, key_1_;
};

// words[g]: the blocks of counters {c[g].x + i, c[g].y, c[g].z, c[g].w}.
template <class Simd, unsigned n_groups>
[[gnu::always_inline]] inline void philox4x32_10(const Words (&c)[n_groups], std::uint64_t seed,
                                                 WordRegisters<Simd> (&words)[n_groups]) {
  PhiloxRounds<Simd, n_groups> blocks(c, seed);
#pragma GCC unroll 10
  for (int round = 0; round < philox::rounds; ++round) blocks.round();
  blocks.finish(words);
}

}  // namespace clvsim::kernels
