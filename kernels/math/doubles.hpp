// A double as the one lane of a Simd type: what kernels/math/elementary.hpp needs of one, for the host and the device.
//
// Every operation rounds once, to nearest. The types of the other instruction sets (kernels/lanes) have the same ones:
//   Doubles, Register, Choice        n_lanes doubles; 64-bit integers; a truth value for each
//   splat_double(x), splat_64(i)     the same in every lane
//   add, subtract, multiply, divide, square_root(a), fma(a, b, c) = a b + c
//   less(a, b), equal(a, b)          false where either is NaN
//   select(c, a, b)                  c ? a : b
//   minimum(a, b), maximum(a, b)     a < b ? a : b, b < a ? a : b: b where either is NaN
//   to_bits(a), from_bits(i)         representation
//   from_52_bits(i)                  the double i, 0 <= i < 2^52
//   add_64, subtract_64, bit_and, shift_left_64<n>, shift_right_64_by<n>(i)
//
// fma is one instruction where the compiler may use it. Elsewhere it is libm's: correctly rounded on every machine, and
// slow on one without FMA hardware (docs/decisions/0008-lane-mathematics.md).
#pragma once

#include "kernels/portability.hpp"

#include <cmath>
#include <cstdint>

namespace clvsim::kernels {

constexpr CLVSIM_HD_INLINE std::uint64_t bits_of(double x) { return __builtin_bit_cast(std::uint64_t, x); }
constexpr CLVSIM_HD_INLINE double double_of(std::uint64_t bits) { return __builtin_bit_cast(double, bits); }

struct ScalarDoubles {
  using Doubles = double;
  using Register = std::uint64_t;
  using Choice = bool;

  static CLVSIM_HD_INLINE Doubles splat_double(double x) { return x; }
  static CLVSIM_HD_INLINE Register splat_64(std::int64_t i) { return static_cast<Register>(i); }

#if defined(__CUDA_ARCH__)
  static CLVSIM_HD_INLINE Doubles add(Doubles a, Doubles b) { return __dadd_rn(a, b); }
  static CLVSIM_HD_INLINE Doubles subtract(Doubles a, Doubles b) { return __dsub_rn(a, b); }
  static CLVSIM_HD_INLINE Doubles multiply(Doubles a, Doubles b) { return __dmul_rn(a, b); }
  static CLVSIM_HD_INLINE Doubles divide(Doubles a, Doubles b) { return __ddiv_rn(a, b); }
  static CLVSIM_HD_INLINE Doubles square_root(Doubles a) { return __dsqrt_rn(a); }
  static CLVSIM_HD_INLINE Doubles fma(Doubles a, Doubles b, Doubles c) { return __fma_rn(a, b, c); }
#else
  static CLVSIM_HD_INLINE Doubles add(Doubles a, Doubles b) { return a + b; }
  static CLVSIM_HD_INLINE Doubles subtract(Doubles a, Doubles b) { return a - b; }
  static CLVSIM_HD_INLINE Doubles multiply(Doubles a, Doubles b) { return a * b; }
  static CLVSIM_HD_INLINE Doubles divide(Doubles a, Doubles b) { return a / b; }
  static CLVSIM_HD_INLINE Doubles square_root(Doubles a) { return std::sqrt(a); }
  static CLVSIM_HD_INLINE Doubles fma(Doubles a, Doubles b, Doubles c) { return __builtin_fma(a, b, c); }
#endif

  static CLVSIM_HD_INLINE Choice less(Doubles a, Doubles b) { return a < b; }
  static CLVSIM_HD_INLINE Choice equal(Doubles a, Doubles b) { return a == b; }
  static CLVSIM_HD_INLINE Doubles select(Choice c, Doubles a, Doubles b) { return c ? a : b; }
  static CLVSIM_HD_INLINE Doubles minimum(Doubles a, Doubles b) { return a < b ? a : b; }
  static CLVSIM_HD_INLINE Doubles maximum(Doubles a, Doubles b) { return b < a ? a : b; }

  static CLVSIM_HD_INLINE Register to_bits(Doubles a) { return bits_of(a); }
  static CLVSIM_HD_INLINE Doubles from_bits(Register i) { return double_of(i); }
  static CLVSIM_HD_INLINE Doubles from_52_bits(Register i) { return static_cast<double>(i); }

  static CLVSIM_HD_INLINE Register add_64(Register a, Register b) { return a + b; }
  static CLVSIM_HD_INLINE Register subtract_64(Register a, Register b) { return a - b; }
  static CLVSIM_HD_INLINE Register bit_and(Register a, Register b) { return a & b; }
  template <int n>
  static CLVSIM_HD_INLINE Register shift_left_64(Register i) {
    return i << n;
  }
  template <int n>
  static CLVSIM_HD_INLINE Register shift_right_64_by(Register i) {
    return i >> n;
  }
};

}  // namespace clvsim::kernels
