// Eight 32-bit lanes: AVX2, as philox.hpp and chain.hpp want a Simd type. Include it only where the compiler has these
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
  [[gnu::always_inline]] static Register load(const void* p) {
    return _mm256_loadu_si256(static_cast<const Register*>(p));
  }
  [[gnu::always_inline]] static void store(void* p, Register a) { _mm256_storeu_si256(static_cast<Register*>(p), a); }

  static constexpr unsigned n_groups = 2;  // registers of paths in flight

  [[gnu::always_inline]] static Register splat_16(std::uint16_t x) { return _mm256_set1_epi16(static_cast<short>(x)); }
  [[gnu::always_inline]] static Register splat_64(std::int64_t x) { return _mm256_set1_epi64x(x); }
  [[gnu::always_inline]] static __m128i shift_count(unsigned n) { return _mm_cvtsi32_si128(static_cast<int>(n)); }
  [[gnu::always_inline]] static Register shift_right_16(Register a, __m128i n) { return _mm256_srl_epi16(a, n); }
  template <int n>
  [[gnu::always_inline]] static Register shift_right_16_by(Register a) {
    return _mm256_srli_epi16(a, n);
  }
  template <int n>
  [[gnu::always_inline]] static Register shift_right_32(Register a) {
    return _mm256_srli_epi32(a, n);
  }
  template <int n>
  [[gnu::always_inline]] static Register shift_left_32(Register a) {
    return _mm256_slli_epi32(a, n);
  }
  [[gnu::always_inline]] static Register gather_32(const std::uint32_t* entries, Register a) {
    return _mm256_i32gather_epi32(reinterpret_cast<const int*>(entries), a, 4);
  }
  template <int n>
  [[gnu::always_inline]] static Register shift_left_64(Register a) {
    return _mm256_slli_epi64(a, n);
  }
  // There is no arithmetic shift: a bias makes the number positive, and is taken off again.
  [[gnu::always_inline]] static Register shift_right_64(Register a, unsigned n) {
    const Register bias = splat_64(std::int64_t{1} << 62);
    const __m128i count = shift_count(n);
    return _mm256_sub_epi64(_mm256_srl_epi64(_mm256_add_epi64(a, bias), count), _mm256_srl_epi64(bias, count));
  }
  [[gnu::always_inline]] static Register bit_and(Register a, Register b) { return _mm256_and_si256(a, b); }
  [[gnu::always_inline]] static Register and_or(Register a, Register b, Register c) {
    return _mm256_or_si256(_mm256_and_si256(a, b), c);
  }
  [[gnu::always_inline]] static Register add_16(Register a, Register b) { return _mm256_add_epi16(a, b); }
  [[gnu::always_inline]] static Register add_32(Register a, Register b) { return _mm256_add_epi32(a, b); }
  [[gnu::always_inline]] static Register add_64(Register a, Register b) { return _mm256_add_epi64(a, b); }
  [[gnu::always_inline]] static Register low_64(Register a) { return _mm256_cvtepi32_epi64(_mm256_castsi256_si128(a)); }
  [[gnu::always_inline]] static Register high_64(Register a) {
    return _mm256_cvtepi32_epi64(_mm256_extracti128_si256(a, 1));
  }
  [[gnu::always_inline]] static void interleave_64(Register even, Register odd, Register& first, Register& second) {
    const Register low = _mm256_unpacklo_epi64(even, odd), high_part = _mm256_unpackhi_epi64(even, odd);
    first = _mm256_permute2x128_si256(low, high_part, 0x20);
    second = _mm256_permute2x128_si256(low, high_part, 0x31);
  }

  // 64 n entries, eight in a register, twice.
  template <unsigned n>
  struct Table16 {
    Register entries[8 * n];
    [[gnu::always_inline]] explicit Table16(const std::uint16_t* from) {
      for (unsigned i = 0; i < 8 * n; ++i) {
        entries[i] = _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from + 8 * i)));
      }
    }
    [[gnu::always_inline]] Register operator[](Register a) const {
      // Both bytes of a lane: its index; bit k of it moved to the bit that a blend reads.
      const Register bytes = _mm256_mullo_epi16(bit_and(a, splat_16(0xFF)), splat_16(0x0101));
      const Register within = _mm256_or_si256(bit_and(_mm256_slli_epi16(bytes, 1), splat_16(0x0E0E)), splat_16(0x0100));
      Register found[4 * n];
#pragma GCC unroll 16
      for (unsigned i = 0; i < 4 * n; ++i) {
        found[i] = _mm256_blendv_epi8(_mm256_shuffle_epi8(entries[2 * i], within),
                                      _mm256_shuffle_epi8(entries[2 * i + 1], within), _mm256_slli_epi16(bytes, 4));
      }
      halve<2 * n>(found, _mm256_slli_epi16(bytes, 3));
      halve<n>(found, _mm256_slli_epi16(bytes, 2));
      if constexpr (n >= 2) halve<n / 2>(found, _mm256_slli_epi16(bytes, 1));
      if constexpr (n == 4) halve<1>(found, bytes);
      return found[0];
    }

   private:
    template <unsigned left>
    [[gnu::always_inline]] static void halve(Register* found, Register bit) {
#pragma GCC unroll 8
      for (unsigned i = 0; i < left; ++i) found[i] = _mm256_blendv_epi8(found[2 * i], found[2 * i + 1], bit);
    }
  };
  // 32 entries of 16 bits.
  struct SmallTable16 {
    Register entries[4];
    [[gnu::always_inline]] explicit SmallTable16(const std::uint16_t* from) {
      for (unsigned i = 0; i < 4; ++i) {
        entries[i] = _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from + 8 * i)));
      }
    }
    [[gnu::always_inline]] Register operator[](Register a) const {
      const Register bytes = _mm256_mullo_epi16(bit_and(a, splat_16(0xFF)), splat_16(0x0101));
      const Register within = _mm256_or_si256(bit_and(_mm256_slli_epi16(bytes, 1), splat_16(0x0E0E)), splat_16(0x0100));
      Register found[4];
#pragma GCC unroll 4
      for (unsigned i = 0; i < 4; ++i) found[i] = _mm256_shuffle_epi8(entries[i], within);
      const Register bit = _mm256_slli_epi16(bytes, 4);
      return _mm256_blendv_epi8(_mm256_blendv_epi8(found[0], found[1], bit),
                                _mm256_blendv_epi8(found[2], found[3], bit), _mm256_slli_epi16(bytes, 3));
    }
  };
  // 16 n entries, eight in a register.
  template <unsigned n, bool in_memory = (n > 4)>
  struct Table32 {
    Register entries[2 * n];
    [[gnu::always_inline]] explicit Table32(const std::int32_t* from) {
      for (unsigned i = 0; i < 2 * n; ++i) entries[i] = load(from + 8 * i);
    }
    [[gnu::always_inline]] Register operator[](Register a) const {
      Register found[2 * n];
#pragma GCC unroll 8
      for (unsigned i = 0; i < 2 * n; ++i) found[i] = _mm256_permutevar8x32_epi32(entries[i], a);
        // Bit k of the index, moved to the bit that a blend reads.
#pragma GCC unroll 4
      for (unsigned i = 0; i < n; ++i) found[i] = blend(found[2 * i], found[2 * i + 1], _mm256_slli_epi32(a, 28));
      if constexpr (n >= 2) {
#pragma GCC unroll 2
        for (unsigned i = 0; i < n / 2; ++i) found[i] = blend(found[2 * i], found[2 * i + 1], _mm256_slli_epi32(a, 27));
      }
      if constexpr (n == 4) found[0] = blend(found[0], found[1], _mm256_slli_epi32(a, 26));
      return found[0];
    }

   private:
    [[gnu::always_inline]] static Register blend(Register a, Register b, Register bit) {
      return _mm256_castps_si256(
          _mm256_blendv_ps(_mm256_castsi256_ps(a), _mm256_castsi256_ps(b), _mm256_castsi256_ps(bit)));
    }
  };

  // Too many for registers.
  template <unsigned n>
  struct Table32<n, true> {
    const std::uint32_t* entries;
    [[gnu::always_inline]] explicit Table32(const std::int32_t* from)
        : entries(reinterpret_cast<const std::uint32_t*>(from)) {}
    [[gnu::always_inline]] Register operator[](Register a) const {
      return gather_32(entries, bit_and(a, splat(16 * n - 1)));
    }
  };

  // Both are below 2^15, so that a signed comparison will do.
  [[gnu::always_inline]] static Register choose(Register fraction, Register threshold, Register next) {
    return _mm256_blendv_epi8(_mm256_srli_epi16(next, 8), next, _mm256_cmpgt_epi16(threshold, fraction));
  }
  using Ties = Register;
  [[gnu::always_inline]] static Ties ties(Register fraction, Register threshold) {
    return _mm256_cmpeq_epi16(fraction, threshold);
  }
  [[gnu::always_inline]] static Ties merge(Ties a, Ties b) { return _mm256_or_si256(a, b); }
  [[gnu::always_inline]] static bool any(Ties a) { return _mm256_testz_si256(a, a) == 0; }
  [[gnu::always_inline]] static std::uint32_t bits(Ties a) {
    const __m128i bytes = _mm_packs_epi16(_mm256_castsi256_si128(a), _mm256_extracti128_si256(a, 1));
    return static_cast<std::uint32_t>(_mm_movemask_epi8(bytes));
  }

  // Any number of entries, in memory, and one that is not looked up: gathers are faster than eight shuffles and more.
  template <unsigned n>
  struct Cells {
    const std::uint16_t* entries;
    [[gnu::always_inline]] explicit Cells(const std::uint16_t* from) : entries(from) {}
    [[gnu::always_inline]] Register operator[](Register a) const {
      const auto* from = reinterpret_cast<const int*>(entries);
      const Register even = _mm256_i32gather_epi32(from, bit_and(a, splat(0xFFFF)), 2);
      return low_16(even, _mm256_i32gather_epi32(from, shift_right_32<16>(a), 2));
    }
  };
  [[gnu::always_inline]] static Register low_16(Register a, Register b) {
    return _mm256_blend_epi16(a, _mm256_slli_epi32(b, 16), 0xAA);
  }
  [[gnu::always_inline]] static Register high_16(Register a, Register b) {
    return _mm256_blend_epi16(_mm256_srli_epi32(a, 16), b, 0xAA);
  }
  [[gnu::always_inline]] static Register shift_left_16(Register a, __m128i n) { return _mm256_sll_epi16(a, n); }
  [[gnu::always_inline]] static Register bit_or(Register a, Register b) { return _mm256_or_si256(a, b); }
  [[gnu::always_inline]] static Register minimum_16(Register a, Register b) { return _mm256_min_epu16(a, b); }
  [[gnu::always_inline]] static Register maximum_16(Register a, Register b) { return _mm256_max_epu16(a, b); }
  [[gnu::always_inline]] static Register select_less(Register a, Register b, Register c, Register d) {
    return _mm256_blendv_epi8(d, c, _mm256_cmpgt_epi16(b, a));
  }
  [[gnu::always_inline]] static Register select(Ties mask, Register a, Register b) {
    return _mm256_blendv_epi8(b, a, mask);
  }
  [[gnu::always_inline]] static std::uint32_t bits_less_32(Register a, Register b) {
    return static_cast<std::uint32_t>(_mm256_movemask_ps(_mm256_castsi256_ps(_mm256_cmpgt_epi32(b, a))));
  }
  [[gnu::always_inline]] static void store_packed_32(std::uint32_t* p, Register a, std::uint32_t bits) {
    const Register lanes = _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(packing[bits])));
    store(p, _mm256_permutevar8x32_epi32(a, lanes));
  }
  [[gnu::always_inline]] static void store_16(std::uint16_t* p, Register a) {
    const Register words =
        _mm256_shuffle_epi8(a, _mm256_setr_epi8(0, 1, 8, 9, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 0, 1, 8, 9,
                                                -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1));
    const __m128i packed = _mm_unpacklo_epi32(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
    _mm_storel_epi64(reinterpret_cast<__m128i*>(p), packed);
  }

  [[gnu::always_inline]] static Register minimum_64(Register a, Register b) {
    return _mm256_blendv_epi8(a, b, _mm256_cmpgt_epi64(a, b));
  }
  [[gnu::always_inline]] static Register maximum_64(Register a, Register b) {
    return _mm256_blendv_epi8(b, a, _mm256_cmpgt_epi64(a, b));
  }
  [[gnu::always_inline]] static Register subtract_64(Register a, Register b) { return _mm256_sub_epi64(a, b); }
  [[gnu::always_inline]] static Register less_64(Register a, Register b) { return _mm256_cmpgt_epi64(b, a); }
  template <int n>
  [[gnu::always_inline]] static Register shift_right_64_by(Register a) {
    return _mm256_srli_epi64(a, n);
  }
  [[gnu::always_inline]] static Register minimum_32(Register a, Register b) { return _mm256_min_epu32(a, b); }
  [[gnu::always_inline]] static __m128i shift_count_32(unsigned n) { return _mm_cvtsi32_si128(static_cast<int>(n)); }
  [[gnu::always_inline]] static Register shift_right_32(Register a, __m128i n) { return _mm256_srl_epi32(a, n); }
  [[gnu::always_inline]] static std::uint32_t bits_32(Register words, Register bins) {
    // The bit, moved to the sign.
    const Register sign = _mm256_sllv_epi32(words, _mm256_xor_si256(bit_and(bins, splat(31)), splat(31)));
    return static_cast<std::uint32_t>(_mm256_movemask_ps(_mm256_castsi256_ps(sign)));
  }
  [[gnu::always_inline]] static void store_low_halves(std::uint32_t* p, Register a) {
    const Register packed = _mm256_permutevar8x32_epi32(a, _mm256_set_epi32(7, 5, 3, 1, 6, 4, 2, 0));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm256_castsi256_si128(packed));
  }
  using Doubles = __m256d;
  [[gnu::always_inline]] static Doubles splat_double(double x) { return _mm256_set1_pd(x); }
  // 2^52 + a as a double is the bits of 2^52 with a in the mantissa.
  [[gnu::always_inline]] static Doubles from_52_bits(Register a) {
    const Doubles two_to_52 = splat_double(4503599627370496.0);
    return _mm256_sub_pd(_mm256_castsi256_pd(_mm256_or_si256(a, _mm256_castpd_si256(two_to_52))), two_to_52);
  }
  [[gnu::always_inline]] static Register to_52_bits(Doubles d) {
    const Doubles two_to_52 = splat_double(4503599627370496.0);
    return subtract_64(_mm256_castpd_si256(_mm256_add_pd(d, two_to_52)), _mm256_castpd_si256(two_to_52));
  }
  [[gnu::always_inline]] static Doubles add(Doubles a, Doubles b) { return _mm256_add_pd(a, b); }
  [[gnu::always_inline]] static Doubles subtract(Doubles a, Doubles b) { return _mm256_sub_pd(a, b); }
  [[gnu::always_inline]] static Doubles multiply(Doubles a, Doubles b) { return _mm256_mul_pd(a, b); }
  [[gnu::always_inline]] static Doubles divide(Doubles a, Doubles b) { return _mm256_div_pd(a, b); }
  [[gnu::always_inline]] static Doubles square_root(Doubles a) { return _mm256_sqrt_pd(a); }
  [[gnu::always_inline]] static Doubles truncate(Doubles a) {
    return _mm256_round_pd(a, _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC);
  }
  [[gnu::always_inline]] static Register gather_64(const void* entries, Register a) {
    return _mm256_i64gather_epi64(static_cast<const long long*>(entries), a, 8);
  }
  [[gnu::always_inline]] static Doubles fma(Doubles a, Doubles b, Doubles c) { return _mm256_fmadd_pd(a, b, c); }
  using Choice = __m256d;
  [[gnu::always_inline]] static Choice less(Doubles a, Doubles b) { return _mm256_cmp_pd(a, b, _CMP_LT_OQ); }
  [[gnu::always_inline]] static Choice equal(Doubles a, Doubles b) { return _mm256_cmp_pd(a, b, _CMP_EQ_OQ); }
  [[gnu::always_inline]] static Doubles select(Choice c, Doubles a, Doubles b) { return _mm256_blendv_pd(b, a, c); }
  [[gnu::always_inline]] static Doubles minimum(Doubles a, Doubles b) { return _mm256_min_pd(a, b); }
  [[gnu::always_inline]] static Doubles maximum(Doubles a, Doubles b) { return _mm256_max_pd(a, b); }
  [[gnu::always_inline]] static Register to_bits(Doubles a) { return _mm256_castpd_si256(a); }
  [[gnu::always_inline]] static Doubles from_bits(Register a) { return _mm256_castsi256_pd(a); }

 private:
  // For every set of lanes, their numbers in ascending order.
  struct Packing {
    std::uint8_t lanes[256][8] = {};
    constexpr Packing() {
      for (unsigned bits = 0; bits < 256; ++bits) {
        unsigned n = 0;
        for (std::uint8_t i = 0; i < 8; ++i)
          if ((bits >> i & 1U) != 0) lanes[bits][n++] = i;
      }
    }
    [[gnu::always_inline]] constexpr const std::uint8_t* operator[](unsigned bits) const { return lanes[bits]; }
  };
  static const Packing packing;
};

inline constexpr Avx2::Packing Avx2::packing{};

}  // namespace clvsim::kernels
