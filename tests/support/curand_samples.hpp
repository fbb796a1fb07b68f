// Where cuRAND's Philox starts, and the counter at which ours gives the same words.
#pragma once

#include "kernels/rng/philox.hpp"

#include <cstdint>
#include <random>
#include <vector>

namespace clvsim::kernels {

// Arguments of curand_init; the offset counts words and is a multiple of four.
struct CurandInput {
  std::uint64_t seed, subsequence, offset;
};

inline std::vector<CurandInput> curand_samples() {
  std::vector<CurandInput> samples = {{0, 0, 0}, {1, 0, 0},         {0, 1, 0},
                                      {0, 0, 4}, {~0ULL, ~0ULL, 0}, {7, 8, 1ULL << 34}};
  std::mt19937_64 bits(9);
  while (samples.size() < 3000) {
    const std::uint64_t offset = bits() >> (samples.size() % 64) & ~std::uint64_t{3};
    samples.push_back({bits(), bits() >> (samples.size() % 61), offset});
  }
  return samples;
}

// cuRAND's counter is {block, subsequence}, each 64 bits, its key the seed.
inline Words as_curand(const CurandInput& x) {
  const std::uint64_t block = x.offset / 4;
  return philox4x32_10({static_cast<std::uint32_t>(block), static_cast<std::uint32_t>(block >> 32),
                        static_cast<std::uint32_t>(x.subsequence), static_cast<std::uint32_t>(x.subsequence >> 32)},
                       x.seed);
}

}  // namespace clvsim::kernels
