// Eight 32-bit lanes: AVX2, as philox_lanes.hpp wants a Simd type. Include it only where the compiler has these
// instructions switched on.
#pragma once

#include <immintrin.h>

#include <cstdint>

namespace clvsim::kernels {

struct Avx2 {
  using Register = __m256i;
  static constexpr unsigned n_lanes = 4;

  [[gnu::always_inline]] static Register splat(std::uint32_t w) { return _mm256_set1_epi32(static_cast<int>(w)); }
  [[gnu::always_inline]] static Register counters(std::uint32_t c) {
    return _mm256_add_epi32(splat(c), _mm256_set_epi64x(6, 4, 2, 0));
  }
  [[gnu::always_inline]] static Register multiply(Register a, Register b) { return _mm256_mul_epu32(a, b); }
  [[gnu::always_inline]] static Register high(Register a) { return _mm256_srli_epi64(a, 32); }
  [[gnu::always_inline]] static Register exclusive_or(Register a, Register b, Register c) {
    return _mm256_xor_si256(_mm256_xor_si256(a, b), c);
  }
  [[gnu::always_inline]] static Register interleave(Register even, Register odd) {
    return _mm256_blend_epi32(even, _mm256_shuffle_epi32(odd, 0xA0), 0xAA);
  }
  [[gnu::always_inline]] static void store(std::uint32_t* out, Register a) {
    _mm256_storeu_si256(reinterpret_cast<Register*>(out), a);
  }
};

}  // namespace clvsim::kernels
