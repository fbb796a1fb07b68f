#include "kernels/rng/address.hpp"
#include "kernels/rng/philox.hpp"

#include <gtest/gtest.h>

#include <Random123/philox.h>

#include <random>
#include <set>
#include <tuple>

namespace clvsim::kernels {
namespace {

constexpr std::uint64_t key(std::uint32_t low, std::uint32_t high) {
  return (static_cast<std::uint64_t>(high) << 32) | low;
}

// Random123 1.14, tests/kat_vectors, "philox4x32 10".
TEST(Philox, KnownAnswers) {
  EXPECT_EQ(philox4x32_10({0, 0, 0, 0}, 0), (Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  constexpr std::uint32_t ones = 0xffffffff;
  EXPECT_EQ(philox4x32_10({ones, ones, ones, ones}, key(ones, ones)),
            (Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox4x32_10({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, key(0xa4093822, 0x299f31d0)),
            (Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Philox, EqualsRandom123) {
  std::mt19937 bits(1);
  const auto next = [&] { return static_cast<std::uint32_t>(bits()); };
  for (int i = 0; i < 10000; ++i) {
    const Words counter{next(), next(), next(), next()};
    const std::uint32_t low = next(), high = next();
    const r123::Philox4x32::ctr_type theirs =
        r123::Philox4x32()({{counter.x, counter.y, counter.z, counter.w}}, {{low, high}});
    ASSERT_EQ(philox4x32_10(counter, key(low, high)), (Words{theirs[0], theirs[1], theirs[2], theirs[3]}));
  }
}

TEST(Philox, WordsByIndex) {
  const Words words{10, 11, 12, 13};
  for (unsigned i = 0; i < 4; ++i) EXPECT_EQ(word(words, i), 10 + i);
}

// Every field keeps its own bits: no two addresses share a counter.
TEST(Address, CountersAreDistinct) {
  std::set<std::tuple<std::uint32_t, std::uint32_t, std::uint32_t, std::uint32_t>> seen;
  std::size_t n = 0;
  for (const std::uint64_t hash : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{1} << 32,
                                   (std::uint64_t{1} << 56) - 1, (std::uint64_t{1} << 56) - 256}) {
    for (const std::uint32_t path : {0U, 1U, 0xffffffffU}) {
      for (const Purpose purpose : {Purpose::chain_step, Purpose::spend_level, Purpose::spend, Purpose::purchase_count,
                                    Purpose::acquisition, Purpose::purchase_day}) {
        for (const std::uint32_t period : {0U, 1U, 255U, 256U, 16383U, 65535U}) {
          for (const unsigned attempt : {0U, 1U, 255U}) {
            for (const unsigned block : {0U, 1U, 15U, 255U}) {
              const Words c = counter_of(
                  hash, path, {purpose, period, static_cast<std::uint8_t>(attempt), static_cast<std::uint8_t>(block)});
              seen.insert({c.x, c.y, c.z, c.w});
              ++n;
            }
          }
        }
      }
    }
  }
  EXPECT_EQ(seen.size(), n);
}

// The documented layout, so that streams do not move unnoticed.
TEST(Address, Layout) {
  const Words counter = counter_of(0x00abcdef12345678, 7, {Purpose::spend, 0x1234, 0x56, 0x78});
  EXPECT_EQ(counter, (Words{7, 0x12345678, 0x12345678, 0xabcdef03}));
}

TEST(Address, SeedAndEveryFieldChangeTheDraw) {
  const PathDraws draws{1, 2, 3};
  const Words base = draws({Purpose::spend, 4, 5, 6});
  EXPECT_NE(base, (PathDraws{0, 2, 3}({Purpose::spend, 4, 5, 6})));
  EXPECT_NE(base, (PathDraws{std::uint64_t{1} << 32, 2, 3}({Purpose::spend, 4, 5, 6})));
  EXPECT_NE(base, (PathDraws{1, 3, 3}({Purpose::spend, 4, 5, 6})));
  EXPECT_NE(base, (PathDraws{1, 2, 4}({Purpose::spend, 4, 5, 6})));
  EXPECT_NE(base, draws({Purpose::spend_level, 4, 5, 6}));
  EXPECT_NE(base, draws({Purpose::spend, 5, 5, 6}));
  EXPECT_NE(base, draws({Purpose::spend, 4, 6, 6}));
  EXPECT_NE(base, draws({Purpose::spend, 4, 5, 7}));
}

}  // namespace
}  // namespace clvsim::kernels
