// Two 32-bit lanes in an ordinary 64-bit register, as philox.hpp wants a Simd type: for any machine.
#pragma once

#include <cstdint>
#include <cstring>

namespace clvsim::kernels {

struct Scalar {
  using Register = std::uint64_t;
  static constexpr unsigned n_lanes = 1;

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
  [[gnu::always_inline]] static void store(std::uint32_t* out, Register a) {
    const std::uint32_t words[2]{static_cast<std::uint32_t>(a), static_cast<std::uint32_t>(a >> 32)};
    std::memcpy(out, words, sizeof words);
  }
};

}  // namespace clvsim::kernels
