// The elementary functions over arrays: for tests, which compare the instruction sets, and for the rates that
// `clvsim bench` measures. Kernels call kernels/math/elementary.hpp themselves.
#pragma once

#include "kernels/lanes/lanes.hpp"
#include "kernels/math/elementary.hpp"

#include <cstddef>
#include <cstdint>

namespace clvsim::kernels {

template <class Simd>
struct MathCode {
  using Register = typename Simd::Register;
  using Doubles = typename Simd::Doubles;

  static void log(const double* x, std::size_t n, double* out) {
    map(
        x, n, out, [](Doubles a) __attribute__((always_inline)) { return elementary::log<Simd>(a); });
  }
  static void exp(const double* x, std::size_t n, double* out) {
    map(
        x, n, out, [](Doubles a) __attribute__((always_inline)) { return elementary::exp<Simd>(a); });
  }
  static void log1p(const double* x, std::size_t n, double* out) {
    map(
        x, n, out, [](Doubles a) __attribute__((always_inline)) { return elementary::log1p<Simd>(a); });
  }
  static void softplus(const double* x, std::size_t n, double* out) {
    map(
        x, n, out, [](Doubles a) __attribute__((always_inline)) { return elementary::softplus<Simd>(a); });
  }

  static void normal_32(const std::uint32_t* words, std::size_t n, double* out) {
    for (std::size_t i = 0; i < n; i += 2 * Simd::n_lanes) {
      const Register both = Simd::load(words + i);
      const Doubles even = elementary::normal_32<Simd>(Simd::bit_and(both, Simd::splat_64(0xFFFFFFFF)));
      const Doubles odd = elementary::normal_32<Simd>(Simd::template shift_right_64_by<32>(both));
      Register first, second;
      Simd::interleave_64(Simd::to_bits(even), Simd::to_bits(odd), first, second);
      Simd::store(out + i, first);
      Simd::store(out + i + Simd::n_lanes, second);
    }
  }
  static void normal_52(const std::uint64_t* bits, std::size_t n, double* out) {
    for (std::size_t i = 0; i < n; i += Simd::n_lanes) {
      Simd::store(out + i, Simd::to_bits(elementary::normal_52<Simd>(Simd::load(bits + i))));
    }
  }

  static constexpr LaneMath table() { return {log, exp, log1p, softplus, normal_32, normal_52}; }

 private:
  template <class F>
  [[gnu::always_inline]] static void map(const double* x, std::size_t n, double* out, F function) {
    for (std::size_t i = 0; i < n; i += Simd::n_lanes) {
      Simd::store(out + i, Simd::to_bits(function(Simd::from_bits(Simd::load(x + i)))));
    }
  }
};

}  // namespace clvsim::kernels
