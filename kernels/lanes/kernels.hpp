// The LaneKernels of one instruction set, for the file that is compiled with it. What such a file emits must be used by
// it alone: everything here is inlined, or a template on the Simd type. A test reads the object files' symbols.
#pragma once

#include "kernels/lanes/chain.hpp"
#include "kernels/lanes/event.hpp"
#include "kernels/lanes/lanes.hpp"
#include "kernels/lanes/math.hpp"
#include "kernels/lanes/paths.hpp"
#include "kernels/lanes/philox.hpp"
#include "kernels/lanes/spend.hpp"
#include "kernels/lanes/statistics.hpp"

namespace clvsim::kernels {

template <class Simd>
struct LaneCode {
  static constexpr unsigned n_groups = 4;  // registers of counters in flight: they hide the multiplications' latency
  static constexpr unsigned group = 2 * Simd::n_lanes;

  static void random_words(Words first, std::uint64_t seed, std::size_t n, std::uint32_t* words) {
    for (std::size_t i = 0; i < n; i += n_groups * group) {
      WordRegisters<Simd> registers[n_groups];
      Words c[n_groups];
      for (unsigned g = 0; g < n_groups; ++g) {
        c[g] = {first.x + static_cast<std::uint32_t>(i) + g * group, first.y, first.z, first.w};
      }
      philox4x32_10(c, seed, registers);
      for (unsigned g = 0; g < n_groups; ++g) {
        for (unsigned w = 0; w < 4; ++w) Simd::store(words + w * n + i + g * group, registers[g].word[w]);
      }
    }
  }

  static std::uint32_t fold_words(std::uint64_t seed, std::uint32_t n_blocks) {
    auto sum = Simd::splat(0);
    for (std::uint32_t b = 0; b < n_blocks; ++b) {
      WordRegisters<Simd> registers[n_groups];
      Words c[n_groups];
      for (unsigned g = 0; g < n_groups; ++g) c[g] = {g * group, b, 0, 0};
      philox4x32_10(c, seed, registers);
#pragma GCC unroll 4
      for (const WordRegisters<Simd>& r : registers) {
        sum = Simd::exclusive_or(sum, r.word[0], Simd::exclusive_or(r.word[1], r.word[2], r.word[3]));
      }
    }
    std::uint32_t lanes[group];
    Simd::store(lanes, sum);
    std::uint32_t result = 0;
    for (const std::uint32_t lane : lanes) result ^= lane;
    return result;
  }

  static constexpr LaneKernels kernels(const char* name) {
    using Statistics = StatisticsCode<Simd>;
    return {name,
            n_groups * group,
            ChainCode<Simd>::group,
            random_words,
            fold_words,
            ChainCode<Simd>::walk_chain,
            SpendCode<Simd>::draw_spend,
            EventCode<Simd>::walk_events,
            PathCode<Simd>::table(BehaviourModels()),
            Statistics::range,
            Statistics::moments,
            Statistics::shortfall,
            Statistics::add,
            Statistics::collect,
            Statistics::count,
            ChainCode<Simd>::add_tile,
            EventCode<Simd>::add_events,
            MathCode<Simd>::table()};
  }
};

}  // namespace clvsim::kernels
