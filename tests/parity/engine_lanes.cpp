// Every instruction set that this machine has gives the bits of the scalar source.
#include "kernels/lanes/lanes.hpp"
#include "kernels/math/elementary.hpp"
#include "kernels/math/gamma_draws.hpp"
#include "kernels/math/log_gamma.hpp"
#include "tests/support/elementary_points.hpp"

#include <gtest/gtest.h>

#include <cmath>
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

void expect_same_bits(const std::vector<double>& got, std::size_t i, double expected) {
  if (std::isnan(expected)) {
    ASSERT_TRUE(std::isnan(got[i])) << "number " << i;
  } else {
    ASSERT_EQ(bits_of(got[i]), bits_of(expected)) << "number " << i << ", " << got[i] << " for " << expected;
  }
}

TEST_P(Lanes, ElementaryFunctionsAreThoseOfOneNumber) {
  const LaneMath& math = lanes_->math;
  const auto compare = [](LaneMath::Function function, std::vector<double> points, double (*expected)(double)) {
    points.resize(points.size() / lane_numbers * lane_numbers);
    std::vector<double> got(points.size());
    function(points.data(), points.size(), got.data());
    for (std::size_t i = 0; i < points.size(); ++i) expect_same_bits(got, i, expected(points[i]));
  };
  compare(math.log, test::log_points(200000), [](double x) { return elementary::log<ScalarDoubles>(x); });
  compare(math.exp, test::exp_points(200000), [](double x) { return elementary::exp<ScalarDoubles>(x); });
  compare(math.log1p, test::log1p_points(200000), [](double x) { return elementary::log1p<ScalarDoubles>(x); });
  compare(math.softplus, test::exp_points(200000), [](double x) { return elementary::softplus<ScalarDoubles>(x); });
  compare(math.log_gamma, test::log_gamma_points(200000),
          [](double x) { return elementary::log_gamma<ScalarDoubles>(x); });
}

TEST_P(Lanes, NormalsAreThoseOfOneWord) {
  std::mt19937_64 random(3);
  std::vector<std::uint32_t> words;
  std::vector<std::uint64_t> bits;
  for (unsigned i = 0; i < 16 * 65536; ++i) {
    const std::uint64_t k = (random() >> 12) >> (i % 52);
    bits.push_back(i % 2 == 0 ? k : ~k & ((std::uint64_t{1} << 52) - 1));
    words.push_back(static_cast<std::uint32_t>(i % 64 < 32 ? random() : bits.back()));
  }
  std::vector<double> got(words.size());
  lanes_->math.normal_32(words.data(), words.size(), got.data());
  for (std::size_t i = 0; i < words.size(); ++i)
    expect_same_bits(got, i, elementary::normal_32<ScalarDoubles>(words[i]));
  lanes_->math.normal_52(bits.data(), bits.size(), got.data());
  for (std::size_t i = 0; i < bits.size(); ++i) expect_same_bits(got, i, elementary::normal_52<ScalarDoubles>(bits[i]));
}

// Every size of list from one group on, paths that run over 2^32, and shapes of both kinds.
TEST_P(Lanes, LogGammaDrawsAreThoseOfOnePath) {
  std::mt19937_64 random(9);
  for (const double shape : {1e-300, 1e-3, 0.3, 1.0, 1.5, 7.0, 1e6, 0x1p50, 0.0}) {
    const LogGammaSampler law(shape);
    for (const std::size_t n : {std::size_t{16}, std::size_t{48}, std::size_t{1024}, std::size_t{2064}}) {
      const PathDraws first{random(), random() >> 8, static_cast<std::uint32_t>(random() | 0xFFFFFC00)};
      const DrawIndex index{Purpose::spend_level, static_cast<std::uint32_t>(random() & 0xFFFF), 0, 5};
      std::vector<double> got(n);
      const std::uint32_t n_exhausted = lanes_->math.log_gamma_draws(law, first, index, n, got.data());
      std::uint32_t expected_exhausted = 0;
      for (std::size_t i = 0; i < n; ++i) {
        const PathDraws draws{first.seed, first.customer_hash, first.path + static_cast<std::uint32_t>(i)};
        expect_same_bits(got, i, law(draws, index, expected_exhausted));
      }
      EXPECT_EQ(n_exhausted, expected_exhausted);
      EXPECT_EQ(n_exhausted, shape == 0 ? n : 0);  // no such law: all are refused, and counted
    }
  }
}

INSTANTIATE_TEST_SUITE_P(InstructionSets, Lanes, testing::Values("avx512", "avx2", "scalar"),
                         [](const auto& set) { return set.param; });

TEST(LaneKernels, ScalarRunsEverywhere) { EXPECT_STREQ(lane_kernels().back()->name, "scalar"); }

}  // namespace
}  // namespace clvsim::kernels
