// Two 32-bit lanes in an ordinary 64-bit register, as philox.hpp and chain.hpp want a Simd type: for any machine.
#pragma once

#include "kernels/math/doubles.hpp"
#include "kernels/math/portable.hpp"

#include <cstdint>
#include <cstring>

namespace clvsim::kernels {

struct Scalar : ScalarDoubles {
  using Register = std::uint64_t;
  static constexpr unsigned n_lanes = 1;
  using ScalarDoubles::multiply;
  using ScalarDoubles::select;

  [[gnu::always_inline]] static Register splat(std::uint32_t w) { return w | Register{w} << 32; }
  [[gnu::always_inline]] static Register counters(std::uint32_t c) { return c; }
  [[gnu::always_inline]] static Register multiply(Register a, Register b) {
    return Register{static_cast<std::uint32_t>(a)} * static_cast<std::uint32_t>(b);
  }
  [[gnu::always_inline]] static Register high(Register a) { return a >> 32; }
  [[gnu::always_inline]] static Register exclusive_or(Register a, Register b, Register c) { return a ^ b ^ c; }
  [[gnu::always_inline]] static Register interleave(Register even, Register odd) {
    return static_cast<std::uint32_t>(even) | odd << 32;
  }
  [[gnu::always_inline]] static Register load(const void* p) {
    Register a = 0;
    std::memcpy(&a, p, sizeof a);
    return a;
  }
  [[gnu::always_inline]] static void store(void* p, Register a) { std::memcpy(p, &a, sizeof a); }

  static constexpr unsigned n_groups = 2;  // registers of paths in flight

  // Lane i of `bits` bits of a, of a register made of such lanes.
  template <unsigned bits>
  [[gnu::always_inline]] static Register lane(Register a, unsigned i) {
    return a >> (bits * i) & ((Register{1} << bits) - 1);
  }
  template <unsigned bits, class F>
  [[gnu::always_inline]] static Register by_lane(F f) {
    Register result = 0;
#pragma GCC unroll 4
    for (unsigned i = 0; i < 64 / bits; ++i) result |= lane<bits>(f(i), 0) << (bits * i);
    return result;
  }

  [[gnu::always_inline]] static Register splat_16(std::uint16_t x) { return x * Register{0x0001000100010001}; }
  [[gnu::always_inline]] static unsigned shift_count(unsigned n) { return n; }
  [[gnu::always_inline]] static Register shift_right_16(Register a, unsigned n) {
    return a >> n & splat_16(static_cast<std::uint16_t>(0xFFFF >> n));
  }
  template <int n>
  [[gnu::always_inline]] static Register shift_right_16_by(Register a) {
    return shift_right_16(a, n);
  }
  template <int n>
  [[gnu::always_inline]] static Register shift_right_32(Register a) {
    return a >> n & splat(0xFFFFFFFF >> n);
  }
  [[gnu::always_inline]] static Register shift_right_64(Register a, unsigned n) {
    return static_cast<Register>(static_cast<std::int64_t>(a) >> n);
  }
  template <int n>
  [[gnu::always_inline]] static Register shift_left_32(Register a) {
    return a << n & splat(0xFFFFFFFF << n);
  }
  [[gnu::always_inline]] static Register gather_32(const std::uint32_t* entries, Register a) {
    return by_lane<32>([&](unsigned i) __attribute__((always_inline)) { return Register{entries[lane<32>(a, i)]}; });
  }
  [[gnu::always_inline]] static Register bit_and(Register a, Register b) { return a & b; }
  [[gnu::always_inline]] static Register and_or(Register a, Register b, Register c) { return (a & b) | c; }
  [[gnu::always_inline]] static Register add_16(Register a, Register b) {
    return by_lane<16>([&](unsigned i) __attribute__((always_inline)) { return lane<16>(a, i) + lane<16>(b, i); });
  }
  [[gnu::always_inline]] static Register add_32(Register a, Register b) {
    return by_lane<32>([&](unsigned i) __attribute__((always_inline)) { return lane<32>(a, i) + lane<32>(b, i); });
  }
  [[gnu::always_inline]] static Register low_64(Register a) { return sign_extended(a); }
  [[gnu::always_inline]] static Register high_64(Register a) { return sign_extended(a >> 32); }
  [[gnu::always_inline]] static void interleave_64(Register even, Register odd, Register& first, Register& second) {
    first = even;
    second = odd;
  }

  // 64 n entries.
  template <unsigned n>
  struct Table16 {
    const std::uint16_t* entries;
    [[gnu::always_inline]] explicit Table16(const std::uint16_t* from) : entries(from) {}
    [[gnu::always_inline]] Register operator[](Register a) const {
      return by_lane<16>([&](unsigned i) __attribute__((always_inline)) {
        return Register{entries[lane<16>(a, i) & (64 * n - 1)]};
      });
    }
  };
  using SmallTable16 = Table16<1>;  // whose upper half is not looked up
  // 16 n entries.
  template <unsigned n>
  struct Table32 {
    const std::int32_t* entries;
    [[gnu::always_inline]] explicit Table32(const std::int32_t* from) : entries(from) {}
    [[gnu::always_inline]] Register operator[](Register a) const {
      return by_lane<32>([&](unsigned i) __attribute__((always_inline)) {
        return static_cast<Register>(entries[lane<32>(a, i) & (16 * n - 1)]);
      });
    }
  };

  [[gnu::always_inline]] static Register choose(Register fraction, Register threshold, Register next) {
    return by_lane<16>([&](unsigned i) __attribute__((always_inline)) {
      return lane<16>(fraction, i) < lane<16>(threshold, i) ? lane<16>(next, i) : lane<16>(next, i) >> 8;
    });
  }
  using Ties = std::uint32_t;
  [[gnu::always_inline]] static Ties ties(Register fraction, Register threshold) {
    const Register different = fraction ^ threshold;
    Ties tied = 0;
#pragma GCC unroll 4
    for (unsigned i = 0; i < 4; ++i) tied |= (lane<16>(different, i) == 0 ? 1U : 0U) << i;
    return tied;
  }
  [[gnu::always_inline]] static Ties merge(Ties a, Ties b) { return a | b; }
  [[gnu::always_inline]] static bool any(Ties a) { return a != 0; }
  [[gnu::always_inline]] static std::uint32_t bits(Ties a) { return a; }

  template <unsigned n>
  struct Cells {
    const std::uint16_t* entries;
    [[gnu::always_inline]] explicit Cells(const std::uint16_t* from) : entries(from) {}
    [[gnu::always_inline]] Register operator[](Register a) const {
      return by_lane<16>([&](unsigned i) __attribute__((always_inline)) { return Register{entries[lane<16>(a, i)]}; });
    }
  };
  [[gnu::always_inline]] static Register low_16(Register a, Register b) {
    return (a & splat(0xFFFF)) | (b & splat(0xFFFF)) << 16;
  }
  [[gnu::always_inline]] static Register high_16(Register a, Register b) {
    return (a >> 16 & splat(0xFFFF)) | (b & splat(0xFFFF0000));
  }
  [[gnu::always_inline]] static Register shift_left_16(Register a, unsigned n) {
    return a << n & splat_16(static_cast<std::uint16_t>(0xFFFF << n));
  }
  [[gnu::always_inline]] static Register bit_or(Register a, Register b) { return a | b; }
  [[gnu::always_inline]] static Register minimum_16(Register a, Register b) {
    return by_lane<16>([&](unsigned i) __attribute__((always_inline)) {
      return lane<16>(b, i) < lane<16>(a, i) ? lane<16>(b, i) : lane<16>(a, i);
    });
  }
  [[gnu::always_inline]] static Register maximum_16(Register a, Register b) {
    return by_lane<16>([&](unsigned i) __attribute__((always_inline)) {
      return lane<16>(b, i) > lane<16>(a, i) ? lane<16>(b, i) : lane<16>(a, i);
    });
  }
  [[gnu::always_inline]] static Register select_less(Register a, Register b, Register c, Register d) {
    return by_lane<16>([&](unsigned i) __attribute__((always_inline)) {
      return lane<16>(a, i) < lane<16>(b, i) ? lane<16>(c, i) : lane<16>(d, i);
    });
  }
  [[gnu::always_inline]] static Register select(Ties mask, Register a, Register b) {
    return by_lane<16>([&](unsigned i) __attribute__((always_inline)) {
      return (mask >> i & 1U) != 0 ? lane<16>(a, i) : lane<16>(b, i);
    });
  }
  [[gnu::always_inline]] static std::uint32_t bits_less_32(Register a, Register b) {
    return (lane<32>(a, 0) < lane<32>(b, 0) ? 1U : 0U) | (lane<32>(a, 1) < lane<32>(b, 1) ? 2U : 0U);
  }
  [[gnu::always_inline]] static void store_packed_32(std::uint32_t* p, Register a, std::uint32_t bits) {
    store(p, bits == 2 ? a >> 32 : a);
  }
  [[gnu::always_inline]] static void store_16(std::uint16_t* p, Register a) { *p = static_cast<std::uint16_t>(a); }

  [[gnu::always_inline]] static Register minimum_64(Register a, Register b) {
    return static_cast<std::int64_t>(b) < static_cast<std::int64_t>(a) ? b : a;
  }
  [[gnu::always_inline]] static Register maximum_64(Register a, Register b) {
    return static_cast<std::int64_t>(b) > static_cast<std::int64_t>(a) ? b : a;
  }
  [[gnu::always_inline]] static Register less_64(Register a, Register b) {
    return static_cast<std::int64_t>(a) < static_cast<std::int64_t>(b) ? ~Register{0} : Register{0};
  }
  [[gnu::always_inline]] static Register minimum_32(Register a, Register b) {
    return by_lane<32>([&](unsigned i) __attribute__((always_inline)) {
      return lane<32>(b, i) < lane<32>(a, i) ? lane<32>(b, i) : lane<32>(a, i);
    });
  }
  [[gnu::always_inline]] static unsigned shift_count_32(unsigned n) { return n; }
  [[gnu::always_inline]] static Register shift_right_32(Register a, unsigned n) {
    return a >> n & splat(0xFFFFFFFF >> n);
  }
  [[gnu::always_inline]] static std::uint32_t bits_32(Register words, Register bins) {
    std::uint32_t bits = 0;
#pragma GCC unroll 2
    for (unsigned i = 0; i < 2; ++i) {
      bits |= static_cast<std::uint32_t>(lane<32>(words, i) >> (lane<32>(bins, i) & 31) & 1) << i;
    }
    return bits;
  }
  [[gnu::always_inline]] static void store_low_halves(std::uint32_t* p, Register a) {
    *p = static_cast<std::uint32_t>(a);
  }
  [[gnu::always_inline]] static Doubles truncate(Doubles a) {
    return static_cast<double>(static_cast<std::int64_t>(a));
  }
  [[gnu::always_inline]] static Register gather_64(const void* entries, Register a) {
    return load(static_cast<const char*>(entries) + sizeof(Register) * a);
  }
  [[gnu::always_inline]] static Register to_52_bits(Doubles d) { return rounded_52_bits(d); }

 private:
  [[gnu::always_inline]] static Register sign_extended(Register a) {
    return static_cast<Register>(static_cast<std::int64_t>(static_cast<std::int32_t>(static_cast<std::uint32_t>(a))));
  }
};

}  // namespace clvsim::kernels
