// Sixteen 32-bit lanes: AVX-512 (F, BW, DQ, VL), as philox.hpp and chain.hpp want a Simd type. Include it only where
// the compiler has these instructions switched on.
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
  [[gnu::always_inline]] static Register load(const void* p) { return _mm512_loadu_si512(p); }
  [[gnu::always_inline]] static void store(void* p, Register a) { _mm512_storeu_si512(p, a); }

  static constexpr unsigned n_groups = 2;  // registers of paths in flight

  [[gnu::always_inline]] static Register splat_16(std::uint16_t x) { return _mm512_set1_epi16(static_cast<short>(x)); }
  [[gnu::always_inline]] static Register splat_64(std::int64_t x) { return _mm512_set1_epi64(x); }
  [[gnu::always_inline]] static Register shift_count(unsigned n) { return splat_16(static_cast<std::uint16_t>(n)); }
  [[gnu::always_inline]] static Register shift_right_16(Register a, Register n) { return _mm512_srlv_epi16(a, n); }
  template <int n>
  [[gnu::always_inline]] static Register shift_right_16_by(Register a) {
    return _mm512_srli_epi16(a, n);
  }
  template <int n>
  [[gnu::always_inline]] static Register shift_right_32(Register a) {
    return _mm512_srli_epi32(a, n);
  }
  template <int n>
  [[gnu::always_inline]] static Register shift_left_32(Register a) {
    return _mm512_slli_epi32(a, n);
  }
  [[gnu::always_inline]] static Register gather_32(const std::uint32_t* entries, Register a) {
    return _mm512_i32gather_epi32(a, entries, 4);
  }
  template <int n>
  [[gnu::always_inline]] static Register shift_left_64(Register a) {
    return _mm512_slli_epi64(a, n);
  }
  [[gnu::always_inline]] static Register shift_right_64(Register a, unsigned n) {
    return _mm512_sra_epi64(a, _mm_cvtsi32_si128(static_cast<int>(n)));
  }
  [[gnu::always_inline]] static Register bit_and(Register a, Register b) { return _mm512_and_si512(a, b); }
  [[gnu::always_inline]] static Register and_or(Register a, Register b, Register c) {
    return _mm512_ternarylogic_epi32(a, b, c, 0xEA);
  }
  [[gnu::always_inline]] static Register add_16(Register a, Register b) { return _mm512_add_epi16(a, b); }
  [[gnu::always_inline]] static Register add_32(Register a, Register b) { return _mm512_add_epi32(a, b); }
  [[gnu::always_inline]] static Register add_64(Register a, Register b) { return _mm512_add_epi64(a, b); }
  [[gnu::always_inline]] static Register low_64(Register a) { return _mm512_cvtepi32_epi64(_mm512_castsi512_si256(a)); }
  [[gnu::always_inline]] static Register high_64(Register a) {
    return _mm512_cvtepi32_epi64(_mm512_extracti64x4_epi64(a, 1));
  }
  [[gnu::always_inline]] static void interleave_64(Register even, Register odd, Register& first, Register& second) {
    first = _mm512_permutex2var_epi64(even, _mm512_set_epi64(11, 3, 10, 2, 9, 1, 8, 0), odd);
    second = _mm512_permutex2var_epi64(even, _mm512_set_epi64(15, 7, 14, 6, 13, 5, 12, 4), odd);
  }

  // 64 n entries.
  template <unsigned n>
  struct Table16 {
    Register entries[2 * n];
    [[gnu::always_inline]] explicit Table16(const std::uint16_t* from) {
      for (unsigned i = 0; i < 2 * n; ++i) entries[i] = load(from + 32 * i);
    }
    [[gnu::always_inline]] Register operator[](Register a) const {
      const Register first = _mm512_permutex2var_epi16(entries[0], a, entries[1]);
      if constexpr (n == 1) {
        return first;
      } else {
        const __mmask32 odd = _mm512_test_epi16_mask(a, splat_16(64));
        const Register second = _mm512_permutex2var_epi16(entries[2], a, entries[3]);
        if constexpr (n == 2) return _mm512_mask_blend_epi16(odd, first, second);
        static_assert(n == 2 || n == 4);
        const __mmask32 upper = _mm512_test_epi16_mask(a, splat_16(128));
        const Register third = _mm512_permutex2var_epi16(entries[4], a, entries[5]);
        const Register fourth = _mm512_permutex2var_epi16(entries[6], a, entries[7]);
        return _mm512_mask_blend_epi16(upper, _mm512_mask_blend_epi16(odd, first, second),
                                       _mm512_mask_blend_epi16(odd, third, fourth));
      }
    }
  };
  // 32 entries of 16 bits: one register, which is looked up faster than two.
  struct SmallTable16 {
    Register entries;
    [[gnu::always_inline]] explicit SmallTable16(const std::uint16_t* from) : entries(load(from)) {}
    [[gnu::always_inline]] Register operator[](Register a) const { return _mm512_permutexvar_epi16(a, entries); }
  };
  // 16 n entries.
  template <unsigned n>
  struct Table32 {
    Register entries[n];
    [[gnu::always_inline]] explicit Table32(const std::int32_t* from) {
      for (unsigned i = 0; i < n; ++i) entries[i] = load(from + 16 * i);
    }
    [[gnu::always_inline]] Register operator[](Register a) const {
      if constexpr (n == 1) {
        return _mm512_permutexvar_epi32(a, entries[0]);
      } else {
        constexpr unsigned n_pairs = n / 2;
        Register found[n_pairs];
#pragma GCC unroll 8
        for (unsigned i = 0; i < n_pairs; ++i) {
          found[i] = _mm512_permutex2var_epi32(entries[2 * i], a, entries[2 * i + 1]);
        }
        if constexpr (n_pairs >= 2) halve<n_pairs / 2>(found, _mm512_test_epi32_mask(a, splat(32)));
        if constexpr (n_pairs >= 4) halve<n_pairs / 4>(found, _mm512_test_epi32_mask(a, splat(64)));
        if constexpr (n_pairs >= 8) halve<n_pairs / 8>(found, _mm512_test_epi32_mask(a, splat(128)));
        return found[0];
      }
    }

   private:
    template <unsigned left>
    [[gnu::always_inline]] static void halve(Register* found, __mmask16 upper) {
#pragma GCC unroll 4
      for (unsigned i = 0; i < left; ++i) found[i] = _mm512_mask_blend_epi32(upper, found[2 * i], found[2 * i + 1]);
    }
  };

  [[gnu::always_inline]] static Register choose(Register fraction, Register threshold, Register next) {
    return _mm512_mask_srli_epi16(next, _mm512_cmpge_epu16_mask(fraction, threshold), next, 8);
  }
  using Ties = __mmask32;
  [[gnu::always_inline]] static Ties ties(Register fraction, Register threshold) {
    return _mm512_cmpeq_epi16_mask(fraction, threshold);
  }
  [[gnu::always_inline]] static Ties merge(Ties a, Ties b) { return a | b; }
  [[gnu::always_inline]] static bool any(Ties a) { return a != 0; }
  [[gnu::always_inline]] static std::uint32_t bits(Ties a) { return a; }

  // 64 n entries; n = 0: any number of them, in memory, and one that is not looked up.
  template <unsigned n>
  struct Cells {
    Register entries[2 * n];
    [[gnu::always_inline]] explicit Cells(const std::uint16_t* from) {
      for (unsigned i = 0; i < 2 * n; ++i) entries[i] = load(from + 32 * i);
    }
    [[gnu::always_inline]] Register operator[](Register a) const {
      Register found[n];
#pragma GCC unroll 8
      for (unsigned i = 0; i < n; ++i) found[i] = _mm512_permutex2var_epi16(entries[2 * i], a, entries[2 * i + 1]);
#pragma GCC unroll 3
      for (unsigned step = 1; step < n; step *= 2) {
        const __mmask32 upper = _mm512_test_epi16_mask(a, splat_16(static_cast<std::uint16_t>(64 * step)));
#pragma GCC unroll 4
        for (unsigned i = 0; i < n; i += 2 * step) found[i] = _mm512_mask_blend_epi16(upper, found[i], found[i + step]);
      }
      return found[0];
    }
  };
  [[gnu::always_inline]] static Register low_16(Register a, Register b) {
    return _mm512_mask_blend_epi16(0xAAAAAAAA, a, _mm512_slli_epi32(b, 16));
  }
  [[gnu::always_inline]] static Register high_16(Register a, Register b) {
    return _mm512_mask_blend_epi16(0xAAAAAAAA, _mm512_srli_epi32(a, 16), b);
  }
  [[gnu::always_inline]] static Register shift_left_16(Register a, Register n) { return _mm512_sllv_epi16(a, n); }
  [[gnu::always_inline]] static Register bit_or(Register a, Register b) { return _mm512_or_si512(a, b); }
  [[gnu::always_inline]] static Register minimum_16(Register a, Register b) { return _mm512_min_epu16(a, b); }
  [[gnu::always_inline]] static Register maximum_16(Register a, Register b) { return _mm512_max_epu16(a, b); }
  [[gnu::always_inline]] static Register select_less(Register a, Register b, Register c, Register d) {
    return _mm512_mask_blend_epi16(_mm512_cmplt_epu16_mask(a, b), d, c);
  }
  [[gnu::always_inline]] static Register select(Ties mask, Register a, Register b) {
    return _mm512_mask_blend_epi16(mask, b, a);
  }
  [[gnu::always_inline]] static std::uint32_t bits_less_32(Register a, Register b) {
    return _mm512_cmplt_epu32_mask(a, b);
  }
  [[gnu::always_inline]] static void store_packed_32(std::uint32_t* p, Register a, std::uint32_t bits) {
    store(p, _mm512_maskz_compress_epi32(static_cast<__mmask16>(bits), a));
  }
  [[gnu::always_inline]] static void store_16(std::uint16_t* p, Register a) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtepi64_epi16(a));
  }

  [[gnu::always_inline]] static Register minimum_64(Register a, Register b) { return _mm512_min_epi64(a, b); }
  [[gnu::always_inline]] static Register maximum_64(Register a, Register b) { return _mm512_max_epi64(a, b); }
  [[gnu::always_inline]] static Register subtract_64(Register a, Register b) { return _mm512_sub_epi64(a, b); }
  [[gnu::always_inline]] static Register less_64(Register a, Register b) {
    return _mm512_movm_epi64(_mm512_cmplt_epi64_mask(a, b));
  }
  template <int n>
  [[gnu::always_inline]] static Register shift_right_64_by(Register a) {
    return _mm512_srli_epi64(a, n);
  }
  [[gnu::always_inline]] static Register minimum_32(Register a, Register b) { return _mm512_min_epu32(a, b); }
  [[gnu::always_inline]] static __m128i shift_count_32(unsigned n) { return _mm_cvtsi32_si128(static_cast<int>(n)); }
  [[gnu::always_inline]] static Register shift_right_32(Register a, __m128i n) { return _mm512_srl_epi32(a, n); }
  [[gnu::always_inline]] static std::uint32_t bits_32(Register words, Register bins) {
    const Register bit = _mm512_sllv_epi32(splat(1), bit_and(bins, splat(31)));
    return _mm512_test_epi32_mask(words, bit);
  }
  [[gnu::always_inline]] static void store_low_halves(std::uint32_t* p, Register a) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_cvtepi64_epi32(a));
  }
  using Doubles = __m512d;
  [[gnu::always_inline]] static Doubles splat_double(double x) { return _mm512_set1_pd(x); }
  // 2^52 + a as a double is the bits of 2^52 with a in the mantissa.
  [[gnu::always_inline]] static Doubles from_52_bits(Register a) {
    const Doubles two_to_52 = splat_double(4503599627370496.0);
    return _mm512_sub_pd(_mm512_castsi512_pd(_mm512_or_si512(a, _mm512_castpd_si512(two_to_52))), two_to_52);
  }
  [[gnu::always_inline]] static Register to_52_bits(Doubles d) {
    const Doubles two_to_52 = splat_double(4503599627370496.0);
    return subtract_64(_mm512_castpd_si512(_mm512_add_pd(d, two_to_52)), _mm512_castpd_si512(two_to_52));
  }
  [[gnu::always_inline]] static Doubles add(Doubles a, Doubles b) { return _mm512_add_pd(a, b); }
  [[gnu::always_inline]] static Doubles subtract(Doubles a, Doubles b) { return _mm512_sub_pd(a, b); }
  [[gnu::always_inline]] static Doubles multiply(Doubles a, Doubles b) { return _mm512_mul_pd(a, b); }
  [[gnu::always_inline]] static Doubles divide(Doubles a, Doubles b) { return _mm512_div_pd(a, b); }
  [[gnu::always_inline]] static Doubles square_root(Doubles a) { return _mm512_sqrt_pd(a); }
  [[gnu::always_inline]] static Doubles truncate(Doubles a) {
    return _mm512_roundscale_pd(a, _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC);
  }
  [[gnu::always_inline]] static Register gather_64(const void* entries, Register a) {
    return _mm512_i64gather_epi64(a, entries, 8);
  }
  [[gnu::always_inline]] static Doubles fma(Doubles a, Doubles b, Doubles c) { return _mm512_fmadd_pd(a, b, c); }
  using Choice = __mmask8;
  [[gnu::always_inline]] static Choice less(Doubles a, Doubles b) { return _mm512_cmp_pd_mask(a, b, _CMP_LT_OQ); }
  [[gnu::always_inline]] static Choice equal(Doubles a, Doubles b) { return _mm512_cmp_pd_mask(a, b, _CMP_EQ_OQ); }
  [[gnu::always_inline]] static Doubles select(Choice c, Doubles a, Doubles b) { return _mm512_mask_blend_pd(c, b, a); }
  [[gnu::always_inline]] static Doubles minimum(Doubles a, Doubles b) { return _mm512_min_pd(a, b); }
  [[gnu::always_inline]] static Doubles maximum(Doubles a, Doubles b) { return _mm512_max_pd(a, b); }
  [[gnu::always_inline]] static Register to_bits(Doubles a) { return _mm512_castpd_si512(a); }
  [[gnu::always_inline]] static Doubles from_bits(Register a) { return _mm512_castsi512_pd(a); }
};

template <>
struct Avx512::Cells<0> {
  const std::uint16_t* entries;
  [[gnu::always_inline]] explicit Cells(const std::uint16_t* from) : entries(from) {}
  [[gnu::always_inline]] Register operator[](Register a) const {
    const Register even = _mm512_i32gather_epi32(bit_and(a, splat(0xFFFF)), entries, 2);
    return low_16(even, _mm512_i32gather_epi32(shift_right_32<16>(a), entries, 2));
  }
};

}  // namespace clvsim::kernels
