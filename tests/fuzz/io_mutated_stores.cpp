// Mutated stores with a valid seal: every one is refused, or says exactly what the original says; the process that
// opens them lives. Usage: fuzz_io_mutated_stores [NUMBER [SEED]], 10,000 (1,000 under sanitizers) and 1 by default.
//
// HDF5's own metadata checksums would stop most mutations at the first header: half of the mutants have them mended, so
// that what lies behind is reached, too.
#include "host/io/seal.hpp"
#include "tests/support/io_hdf5.hpp"
#include "tests/support/io_store.hpp"

#include <gtest/gtest.h>
#include <clvsim/error.hpp>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <map>
#include <random>
#include <vector>

namespace clvsim {
namespace {

#if defined(CLVSIM_SANITIZED)
int n_mutants = 1'000;  // a sanitized fork takes ten times as long
#else
int n_mutants = 10'000;
#endif
std::uint64_t seed = 1;

std::uint32_t rotate(std::uint32_t x, int k) { return (x << k) | (x >> (32 - k)); }

// The checksum of HDF5's metadata: Jenkins' lookup3, hashlittle with initial value 0 (public domain, 2006).
std::uint32_t lookup3(const unsigned char* bytes, std::size_t n) {
  std::uint32_t a, b, c;
  a = b = c = 0xdeadbeef + static_cast<std::uint32_t>(n);
  const auto word = [&](std::size_t at) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < 4 && at + i < n; ++i) value |= std::uint32_t{bytes[at + i]} << (8 * i);
    return value;
  };
  std::size_t at = 0;
  for (; n - at > 12; at += 12) {
    a += word(at), b += word(at + 4), c += word(at + 8);
    a -= c, a ^= rotate(c, 4), c += b;
    b -= a, b ^= rotate(a, 6), a += c;
    c -= b, c ^= rotate(b, 8), b += a;
    a -= c, a ^= rotate(c, 16), c += b;
    b -= a, b ^= rotate(a, 19), a += c;
    c -= b, c ^= rotate(b, 4), b += a;
  }
  if (at == n) return c;
  a += word(at), b += word(at + 4), c += word(at + 8);
  c ^= b, c -= rotate(b, 14);
  a ^= c, a -= rotate(c, 11);
  b ^= a, b -= rotate(a, 25);
  c ^= b, c -= rotate(b, 16);
  a ^= c, a -= rotate(c, 4);
  b ^= a, b -= rotate(a, 14);
  c ^= b, c -= rotate(b, 24);
  return c;
}

using Bytes = std::vector<unsigned char>;

// Where a checksum of the bytes [begin, end) stands at `end`.
struct Checksummed {
  std::size_t begin, end;
};

std::uint32_t word_at(const Bytes& bytes, std::size_t at) {
  std::uint32_t value;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

// The checksummed blocks of a file: found by their signatures, their ends by trying.
std::vector<Checksummed> checksummed_blocks(const Bytes& bytes) {
  std::vector<Checksummed> blocks{{seal_bytes, seal_bytes + 44}};  // the superblock
  for (std::size_t at = seal_bytes; at + 8 < bytes.size(); ++at) {
    if (std::memcmp(&bytes[at], "OHDR", 4) != 0 && std::memcmp(&bytes[at], "OCHK", 4) != 0) continue;
    for (std::size_t end = at + 4; end + 4 <= bytes.size() && end < at + 8192; ++end)
      if (word_at(bytes, end) == lookup3(&bytes[at], end - at)) {
        blocks.push_back({at, end});
        break;
      }
  }
  return blocks;
}

class Mutator {
 public:
  explicit Mutator(std::uint64_t start) : random_(start) {}

  void mutate(Bytes& bytes) {
    for (std::uint64_t n = 1 + below(4); n > 0; --n) {
      const std::size_t at = somewhere(bytes);
      switch (below(12)) {
        case 0: {  // two words change places
          const std::size_t other = somewhere(bytes);
          for (std::size_t i = 0; i < 8 && at + i < bytes.size() && other + i < bytes.size(); ++i)
            std::swap(bytes[at + i], bytes[other + i]);
          break;
        }
        case 1:  // the end is lost
          if (below(4) == 0) bytes.resize(at);
          break;
        case 2:  // a stretch is copied over another
          for (std::size_t i = 0, from = somewhere(bytes), length = 1 + below(64);
               i < length && at + i < bytes.size() && from + i < bytes.size(); ++i)
            bytes[at + i] = bytes[from + i];
          break;
        case 3:  // a stretch of zeros, or of ones
          for (std::size_t i = 0, length = 1 + below(16), fill = below(2) * 255; i < length && at + i < bytes.size();
               ++i)
            bytes[at + i] = static_cast<unsigned char>(fill);
          break;
        case 4:
          bytes[at] = static_cast<unsigned char>(bytes[at] + (below(2) == 0 ? 1 : 255));
          break;
        case 5:
          bytes[at] = static_cast<unsigned char>(bytes[at] ^ (1U << below(8)));
          break;
        default:
          bytes[at] = static_cast<unsigned char>(below(256));
      }
      if (bytes.size() <= seal_bytes + 1) return;
    }
  }
  std::uint64_t below(std::uint64_t n) { return random_() % n; }

 private:
  std::size_t somewhere(const Bytes& bytes) { return seal_bytes + below(bytes.size() - seal_bytes); }
  std::mt19937_64 random_;
};

Bytes bytes_of(const std::filesystem::path& path) {
  const std::string text = test::read_file(path);
  return {text.begin(), text.end()};
}

TEST(MutatedStores, AreRefusedOrSayTheSame) {
  const test::TemporaryFolder folder;
  const test::TestStore store = test::make_test_store({.n_customers = 8, .max_rows = 3});
  test::write_store(store, folder / "contiguous.h5");
  test::repack_in_chunks(folder / "contiguous.h5", folder / "chunked.h5", 3);
  const Digest content = check_seal(folder / "contiguous.h5").content_digest;

  struct Original {
    Bytes bytes;
    std::vector<Checksummed> blocks;
  };
  std::vector<Original> originals;
  for (const char* name : {"contiguous.h5", "chunked.h5"}) {
    const Bytes bytes = bytes_of(folder / name);
    originals.push_back({bytes, checksummed_blocks(bytes)});
    // The mending works: the original's own blocks all have an end, one a group and dataset at least.
    ASSERT_GT(originals.back().blocks.size(), 26U + 6U) << name;
    for (const Checksummed& block : originals.back().blocks)
      ASSERT_EQ(word_at(bytes, block.end), lookup3(&bytes[block.begin], block.end - block.begin));
    std::cout << name << ": " << bytes.size() << " bytes, " << originals.back().blocks.size()
              << " blocks of metadata with checksums\n";
  }

  Mutator mutator(seed);
  const std::filesystem::path path = folder / "mutant.h5";
  int rejected = 0, identical = 0, signals = 0;
  std::map<std::string, int> reasons;
  for (int i = 0; i < n_mutants; ++i) {
    const Original& original = originals[static_cast<std::size_t>(i % 2)];
    Bytes bytes = original.bytes;
    mutator.mutate(bytes);
    if (mutator.below(2) == 0)
      for (const auto& [begin, end] : original.blocks)
        if (end + 4 <= bytes.size()) {
          const std::uint32_t checksum = lookup3(&bytes[begin], end - begin);
          std::memcpy(&bytes[end], &checksum, sizeof checksum);
        }
    test::write_file(path, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    write_seal(path, "store", content);
    try {
      const StoreReader reader(path);
      ASSERT_EQ(test::difference(store, reader), "") << "mutant " << i << " of seed " << seed;
      ++identical;
    } catch (const FormatError& error) {
      ++rejected;
      const std::string message = error.what();
      if (message.find("died of signal") != std::string::npos) ++signals;
      const std::size_t from = message.find("unsafe: ") + 8;
      ++reasons[message.substr(from, std::min(message.find_first_of(":;", from), from + 34) - from)];
    }
  }
  std::cout << n_mutants << " mutants of seed " << seed << ": " << rejected << " refused (" << signals
            << " killed their checking process), " << identical << " say the same as the original\n";
  std::multimap<int, std::string, std::greater<>> ranked;
  for (const auto& [reason, count] : reasons) ranked.emplace(count, reason);
  int shown = 0;
  for (const auto& [count, reason] : ranked)
    if (shown++ < 15) std::cout << "  " << count << "  " << reason << "\n";
  EXPECT_EQ(rejected + identical, n_mutants);
  // A fuzzer that no mutant passes, or that all pass, tests nothing.
  EXPECT_GT(rejected, n_mutants / 4);
  EXPECT_GT(identical, n_mutants / 100);
}

}  // namespace
}  // namespace clvsim

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  if (argc > 1) clvsim::n_mutants = std::atoi(argv[1]);
  if (argc > 2) clvsim::seed = std::strtoull(argv[2], nullptr, 10);
  return RUN_ALL_TESTS();
}
