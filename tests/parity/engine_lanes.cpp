// Every instruction set that this machine has gives the bits of the scalar source.
#include "kernels/lanes/lanes.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace clvsim::kernels {

namespace {

// An instruction set that this machine lacks is skipped, and counted as such.
class Lanes : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    for (const LaneKernels* kernels : lane_kernels())
      if (kernels->name == GetParam()) lanes_ = kernels;
    if (lanes_ == nullptr) GTEST_SKIP() << "this machine has no " << GetParam();
  }
  const LaneKernels* lanes_ = nullptr;
};

TEST_P(Lanes, RandomWordsAreThoseOfPhilox) {
  const LaneKernels& lanes = *lanes_;
  std::mt19937 bits(1);
  const auto next = [&] { return static_cast<std::uint32_t>(bits()); };
  for (int trial = 0; trial < 200; ++trial) {
    // The first counters may run over the end of their word.
    const Words first{trial % 2 == 0 ? next() : 0U - next() % 64, next(), next(), next()};
    const std::uint64_t seed = std::uint64_t{next()} << 32 | next();
    const std::size_t n = lanes.n_counters * (1 + next() % 3);
    std::vector<std::uint32_t> words(4 * n);
    lanes.random_words(first, seed, n, words.data());
    for (std::size_t i = 0; i < n; ++i) {
      const Words expected = philox4x32_10({first.x + static_cast<std::uint32_t>(i), first.y, first.z, first.w}, seed);
      const Words got{words[i], words[n + i], words[2 * n + i], words[3 * n + i]};
      ASSERT_EQ(got, expected) << "counter " << i << " of " << n;
    }
  }
}

TEST_P(Lanes, FoldedWordsAreThoseOfPhilox) {
  const LaneKernels& lanes = *lanes_;
  constexpr std::uint64_t seed = 0x123456789abcdef0;
  for (const std::uint32_t n_blocks : {0U, 1U, 17U}) {
    std::uint32_t expected = 0;
    for (std::uint32_t b = 0; b < n_blocks; ++b) {
      for (std::uint32_t i = 0; i < lanes.n_counters; ++i) {
        const Words words = philox4x32_10({i, b, 0, 0}, seed);
        expected ^= words.x ^ words.y ^ words.z ^ words.w;
      }
    }
    EXPECT_EQ(lanes.fold_words(seed, n_blocks), expected) << n_blocks;
  }
}

INSTANTIATE_TEST_SUITE_P(InstructionSets, Lanes, testing::Values("avx512", "avx2", "scalar"),
                         [](const auto& set) { return set.param; });

TEST(LaneKernels, ScalarRunsEverywhere) { EXPECT_STREQ(lane_kernels().back()->name, "scalar"); }

}  // namespace
}  // namespace clvsim::kernels
