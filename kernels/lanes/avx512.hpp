// Sixteen 32-bit lanes: AVX-512 (F, BW, DQ, VL), as philox_lanes.hpp wants a Simd type. Include it only where the
// compiler has these instructions switched on.
#pragma once

#include <immintrin.h>

#include <cstdint>

namespace clvsim::kernels {

struct Avx512 {
  using Register = __m512i;
  static constexpr unsigned n_lanes = 8;

  [[gnu::always_inline]] static Register splat(std::uint32_t w) { return _mm512_set1_epi32(static_cast<int>(w)); }
  [[gnu::always_inline]] static Register counters(std::uint32_t c) {
    return _mm512_add_epi32(splat(c), _mm512_set_epi64(14, 12, 10, 8, 6, 4, 2, 0));
  }
  [[gnu::always_inline]] static Register multiply(Register a, Register b) { return _mm512_mul_epu32(a, b); }
  [[gnu::always_inline]] static Register high(Register a) { return _mm512_srli_epi64(a, 32); }
  [[gnu::always_inline]] static Register exclusive_or(Register a, Register b, Register c) {
    return _mm512_ternarylogic_epi32(a, b, c, 0x96);
  }
  [[gnu::always_inline]] static Register interleave(Register even, Register odd) {
    return _mm512_mask_shuffle_epi32(even, 0xAAAA, odd, _MM_PERM_CCAA);
  }
  [[gnu::always_inline]] static void store(std::uint32_t* out, Register a) { _mm512_storeu_si512(out, a); }
};

}  // namespace clvsim::kernels
