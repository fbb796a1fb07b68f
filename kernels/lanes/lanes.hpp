// The engine's vector code, once for every instruction set; one program holds all of them and chooses when it runs.
#pragma once

#include "kernels/rng/philox.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

namespace clvsim::kernels {

// What is compiled once for every instruction set. All of them give the same bits.
struct LaneKernels {
  const char* name;        // "avx512", "avx2", "scalar"
  std::size_t n_counters;  // that are worked on at once

  // words[w * n + i] = word w of the block of counter {first.x + i, first.y, first.z, first.w}, i in 0 .. n - 1; n is a
  // multiple of n_counters.
  void (*random_words)(Words first, std::uint64_t seed, std::size_t n, std::uint32_t* words);

  // Exclusive or of the words of counters {i, b, 0, 0}, i below n_counters, b below n_blocks: the generator alone, its
  // words kept in registers. Its rate is the limit that `clvsim bench` measures the engine by.
  std::uint32_t (*fold_words)(std::uint64_t seed, std::uint32_t n_blocks);
};

// Those that this machine can run, the fastest first; the last is "scalar".
[[nodiscard]] std::span<const LaneKernels* const> lane_kernels();

}  // namespace clvsim::kernels
