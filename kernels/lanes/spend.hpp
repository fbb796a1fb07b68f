// Drawn spend of a migration chain on vector registers: the purchases of kernels/models/migration_chain.hpp, for the
// paths and periods that the walk (chain.hpp) has marked.
//
// Purchases are few, and lie anywhere: periods of paths that buy are listed as keys, period << 16 | path, until some
// thousands are together. Every lane then draws for a key of its own, whose counter is the draw's address: how many
// purchases, the first of each, the second of those that have one, and so on. What they come to is added to the paths
// one by one.
//
// Besides what chain.hpp and kernels/math/doubles.hpp want, a Simd type has
//   truncate(a)               of doubles below 2^63, towards 0
//   gather_64(entries, a)     entries[a], of 64-bit lanes
#pragma once

#include "kernels/lanes/lanes.hpp"
#include "kernels/lanes/philox.hpp"
#include "kernels/math/elementary.hpp"
#include "kernels/models/migration_chain.hpp"
#include "kernels/rng/address.hpp"

#include <cstddef>
#include <cstdint>

namespace clvsim::kernels {

template <class Simd>
struct SpendCode {
  using Register = typename Simd::Register;
  using Doubles = typename Simd::Doubles;
  static constexpr unsigned n_wide = Simd::n_lanes;      // 64-bit lanes of a register
  static constexpr unsigned n_keys = 2 * Simd::n_lanes;  // of a register
  static constexpr unsigned n_groups = Simd::n_groups;
  static constexpr unsigned at_once = n_groups * n_keys;
  static constexpr unsigned group = 4 * Simd::n_lanes;  // paths of a register of the walk
  static_assert(at_once <= SpendScratch::padding && group <= SpendScratch::padding);

  static std::uint64_t draw_spend(const SpendLanes& spend, const SpendPaths& paths) {
    SpendScratch& scratch = *paths.scratch;
    draw_levels(spend, paths, scratch.level);
    for (std::uint32_t p = 0; p < paths.n_paths; ++p) paths.purchases[p] = 0;
    std::uint64_t largest = 0;
    std::size_t n = 0;
    const Register first_lanes = Simd::interleave(Simd::counters(0), Simd::counters(1));
    const std::uint32_t rest = paths.n_wanted % group;
    const std::uint32_t n_rows = paths.n_wanted / group + (rest != 0 ? 1 : 0);
    for (std::uint32_t t = 0; t < spend.horizon; ++t) {
      const std::uint32_t* const bought = paths.bought + t * paths.bought_stride;
      Register key = Simd::add_32(first_lanes, Simd::splat(t << 16));
      for (std::uint32_t r = 0; r < n_rows; ++r) {
        std::uint32_t bits = bought[r];
        if (r + 1 == n_rows && rest != 0) bits &= (std::uint32_t{1} << rest) - 1;
        if (n + group > SpendScratch::capacity) {
          add_purchases(spend, paths, n, largest);
          n = 0;
        }
        // Two registers of keys for one of paths.
        constexpr std::uint32_t lower = (std::uint32_t{1} << n_keys) - 1;
        Simd::store_packed_32(scratch.key + n, key, bits & lower);
        Simd::store_packed_32(scratch.key + n + count_bits(bits & lower), Simd::add_32(key, Simd::splat(n_keys)),
                              bits >> n_keys);
        n += count_bits(bits);
        key = Simd::add_32(key, Simd::splat(group));
      }
    }
    add_purchases(spend, paths, n, largest);
    return largest;
  }

 private:
  [[gnu::always_inline]] static std::uint32_t count_bits(std::uint32_t bits) {
    return static_cast<std::uint32_t>(__builtin_popcount(bits));
  }

  [[gnu::always_inline]] static Register even_words(Register a) { return Simd::bit_and(a, Simd::splat_64(0xFFFFFFFF)); }
  [[gnu::always_inline]] static Register odd_words(Register a) { return Simd::template shift_right_64_by<32>(a); }

  [[gnu::always_inline]] static void store_interleaved(void* to, Register even, Register odd) {
    Register first, second;
    Simd::interleave_64(even, odd, first, second);
    Simd::store(to, first);
    Simd::store(static_cast<std::int64_t*>(to) + n_wide, second);
  }

  static void draw_levels(const SpendLanes& spend, const SpendPaths& paths, double* level) {
    const Doubles mean = Simd::splat_double(paths.level_mean), sd = Simd::splat_double(paths.level_sd);
    for (std::uint32_t p = 0; p < paths.n_paths; p += at_once) {
      Words counters[n_groups];
      for (unsigned g = 0; g < n_groups; ++g) {
        counters[g] = counter_of(paths.hash, paths.first_path + p + g * n_keys, {Purpose::spend_level, 0, 0, 0});
      }
      WordRegisters<Simd> words[n_groups];
      philox4x32_10(counters, spend.seed, words);
#pragma GCC unroll 4
      for (unsigned g = 0; g < n_groups; ++g) {
        const auto of = [&](Register word) __attribute__((always_inline)) {
          const Doubles z = elementary::normal_32<Simd>(word);
          return Simd::to_bits(Simd::add(mean, Simd::multiply(sd, z)));
        };
        store_interleaved(level + p + g * n_keys, of(even_words(words[g].word[0])), of(odd_words(words[g].word[0])));
      }
    }
  }

  // Draws and adds up what n keys of the scratch buy.
  [[gnu::noinline]] static void add_purchases(const SpendLanes& spend, const SpendPaths& paths, std::size_t n,
                                              std::uint64_t& largest) {
    if (n == 0) return;
    SpendScratch& scratch = *paths.scratch;
    const std::uint32_t n_counts = spend.entry->n_counts;
    pad(scratch.key, n);
    if (n_counts > 1) {
      draw_counts(spend, paths, scratch.key, n, scratch.n_purchases);
    } else {
      for (std::size_t i = 0; i < n; ++i) scratch.n_purchases[i] = 1;
    }
    draw(spend, paths, scratch.key, n, 0, scratch.drawn, scratch.value);
    for (std::uint32_t j = 1; j < n_counts; ++j) {
      const std::size_t n_more = list_above(scratch.n_purchases, n, j, scratch.more);
      if (n_more == 0) break;
      for (std::size_t i = 0; i < n_more; ++i) scratch.more_key[i] = scratch.key[scratch.more[i]];
      pad(scratch.more_key, n_more);
      draw(spend, paths, scratch.more_key, n_more, j, scratch.more_drawn, scratch.more_value);
      for (std::size_t i = 0; i < n_more; ++i) {
        scratch.drawn[scratch.more[i]] += scratch.more_drawn[i];
        scratch.value[scratch.more[i]] += scratch.more_value[i];
      }
    }
    std::uint64_t most = largest;
    for (std::size_t i = 0; i < n; ++i) {
      const std::uint32_t path = scratch.key[i] & 0xFFFF;
      const std::int64_t drawn = scratch.drawn[i];
      paths.values[path] += scratch.value[i];
      paths.purchases[path] = static_cast<std::uint16_t>(paths.purchases[path] + scratch.n_purchases[i]);
      const auto size = static_cast<std::uint64_t>(drawn < 0 ? -drawn : drawn);
      most = size > most ? size : most;
    }
    largest = most;
    if (paths.revenue == nullptr) return;
    // Sums by period lie far apart: they are asked for some keys ahead (0.75 -> 0.85 of a case's rate).
    constexpr std::size_t ahead = 24;
    const auto place = [&](std::size_t i) __attribute__((always_inline)) {
      return (scratch.key[i] >> 16) * paths.stride + (scratch.key[i] & 0xFFFF);
    };
    for (std::size_t i = 0; i < n; ++i) {
      const std::size_t later = place(i + ahead < n ? i + ahead : n - 1), at = place(i);
      __builtin_prefetch(paths.revenue + later, 1);
      __builtin_prefetch(paths.transactions + later, 1);
      paths.revenue[at] += scratch.drawn[i];
      paths.transactions[at] += scratch.n_purchases[i];
    }
  }

  // Fills the last register up: with something that can be drawn for.
  [[gnu::always_inline]] static void pad(std::uint32_t* keys, std::size_t n) {
    for (; n % at_once != 0; ++n) keys[n] = keys[0];
  }

  // at[]: the places i below n with count[i] > j, in order. Returns how many.
  static std::size_t list_above(const std::uint32_t* count, std::size_t n, std::uint32_t j, std::uint32_t* at) {
    std::size_t found = 0;
    Register index = Simd::interleave(Simd::counters(0), Simd::counters(1));
    for (std::size_t i = 0; i < n; i += n_keys) {
      std::uint32_t bits = Simd::bits_less_32(Simd::splat(j), Simd::load(count + i));
      if (n - i < n_keys) bits &= (std::uint32_t{1} << (n - i)) - 1;
      Simd::store_packed_32(at + found, index, bits);
      found += count_bits(bits);
      index = Simd::add_32(index, Simd::splat(n_keys));
    }
    return found;
  }

  // Random words of keys [at_once]: block `block` of their period.
  [[gnu::always_inline]] static void draw_words(const SpendLanes& spend, const SpendPaths& paths,
                                                const std::uint32_t* keys, Purpose purpose, std::uint32_t block,
                                                WordRegisters<Simd> (&words)[n_groups]) {
    Register c0[n_groups], c1[n_groups];
#pragma GCC unroll 4
    for (unsigned g = 0; g < n_groups; ++g) {
      const Register key = Simd::load(keys + g * n_keys);
      c0[g] = Simd::add_32(Simd::bit_and(key, Simd::splat(0xFFFF)), Simd::splat(paths.first_path));
      c1[g] = Simd::and_or(key, Simd::splat(0xFFFF0000), Simd::splat(block));
    }
    PhiloxRounds<Simd, n_groups> rounds(c0, c1, counter_of(paths.hash, 0, {purpose, 0, 0, 0}), spend.seed);
#pragma GCC unroll 10
    for (int round = 0; round < philox::rounds; ++round) rounds.round();
    rounds.finish(words);
  }

  // One more than the number of thresholds that a word reaches: they ascend.
  static void draw_counts(const SpendLanes& spend, const SpendPaths& paths, const std::uint32_t* keys, std::size_t n,
                          std::uint32_t* counts) {
    const SpendEntry& entry = *spend.entry;
    for (std::size_t i = 0; i < n; i += at_once) {
      WordRegisters<Simd> words[n_groups];
      draw_words(spend, paths, keys + i, Purpose::purchase_count, 0, words);
#pragma GCC unroll 4
      for (unsigned g = 0; g < n_groups; ++g) {
        const Register even = even_words(words[g].word[0]), odd = odd_words(words[g].word[0]);
        Register even_count = Simd::splat_64(entry.n_counts), odd_count = even_count;
        for (std::uint32_t k = 0; k + 1 < entry.n_counts; ++k) {
          const Register threshold = Simd::splat_64(entry.count_threshold[k]);
          even_count = Simd::add_64(even_count, Simd::less_64(even, threshold));  // -1 where it is less
          odd_count = Simd::add_64(odd_count, Simd::less_64(odd, threshold));
        }
        Simd::store(counts + i + g * n_keys, Simd::interleave(even_count, odd_count));
      }
    }
  }

  // Purchase j of every key: the amount less its refund, and its value, fixed point.
  static void draw(const SpendLanes& spend, const SpendPaths& paths, const std::uint32_t* keys, std::size_t n,
                   std::uint32_t j, std::int64_t* drawn, std::int64_t* value) {
    const SpendEntry& entry = *spend.entry;
    const bool has_refunds = entry.refund_threshold != 0;
    const Doubles within_sd = Simd::splat_double(entry.within_sd), scale = Simd::splat_double(entry.scale),
                  zero_threshold = Simd::splat_double(static_cast<double>(entry.zero_threshold));
    for (std::size_t i = 0; i < n; i += at_once) {
      WordRegisters<Simd> words[n_groups];
      draw_words(spend, paths, keys + i, Purpose::spend, j, words);
#pragma GCC unroll 4
      for (unsigned g = 0; g < n_groups; ++g) {
        const Register key = Simd::load(keys + i + g * n_keys);
        Register fixed[2], worth[2];
#pragma GCC unroll 2
        for (unsigned h = 0; h < 2; ++h) {
          const auto half = [h](Register a) __attribute__((always_inline)) {
            return h == 0 ? even_words(a) : odd_words(a);
          };
          const Register low = half(key);
          const Doubles level =
              Simd::from_bits(Simd::gather_64(paths.scratch->level, Simd::bit_and(low, Simd::splat_64(0xFFFF))));
          const Doubles weight =
              Simd::from_bits(Simd::gather_64(spend.weight, Simd::template shift_right_64_by<16>(low)));
          const Doubles z = elementary::normal_32<Simd>(half(words[g].word[1]));
          Doubles net = round_up_from_half(
              Simd::multiply(elementary::exp<Simd>(Simd::add(level, Simd::multiply(within_sd, z))), scale));
          const Doubles zero_word = Simd::from_52_bits(half(words[g].word[0]));
          net = Simd::select(Simd::less(zero_word, zero_threshold), Simd::splat_double(0), net);
          if (has_refunds) {
            net = Simd::subtract(net, refund(entry, level, half(words[g].word[2]), half(words[g].word[3])));
          }
          const Doubles amount = Simd::multiply(net, Simd::splat_double(fixed_per_minor_unit));
          fixed[h] = to_integer(amount);
          worth[h] = to_integer(round_away_from_half(Simd::multiply(weight, amount)));
        }
        store_interleaved(drawn + i + g * n_keys, fixed[0], fixed[1]);
        store_interleaved(value + i + g * n_keys, worth[0], worth[1]);
      }
    }
  }

  [[gnu::always_inline]] static Doubles refund(const SpendEntry& entry, Doubles level, Register whether,
                                               Register word) {
    const Doubles z = elementary::normal_32<Simd>(word);
    const Doubles log = Simd::add(Simd::add(level, Simd::splat_double(entry.refund_shift)),
                                  Simd::multiply(Simd::splat_double(entry.refund_sd), z));
    const Doubles amount =
        round_up_from_half(Simd::multiply(elementary::exp<Simd>(log), Simd::splat_double(entry.scale)));
    const auto refunded =
        Simd::less(Simd::from_52_bits(whether), Simd::splat_double(static_cast<double>(entry.refund_threshold)));
    return Simd::select(refunded, amount, Simd::splat_double(0));
  }

  // Nearest integers as round_to_fixed gives them: of numbers that are not negative,
  [[gnu::always_inline]] static Doubles round_up_from_half(Doubles x) {
    const Doubles whole = Simd::truncate(x), rest = Simd::subtract(x, whole);
    const auto stays = Simd::less(rest, Simd::splat_double(0.5));
    return Simd::add(whole, Simd::select(stays, Simd::splat_double(0), Simd::splat_double(1)));
  }
  // and of any.
  [[gnu::always_inline]] static Doubles round_away_from_half(Doubles x) {
    const Doubles whole = Simd::truncate(x), rest = Simd::subtract(x, whole);
    const Doubles zero = Simd::splat_double(0), one = Simd::splat_double(1);
    const Doubles up = Simd::select(Simd::less(rest, Simd::splat_double(0.5)), zero, one);
    const Doubles down = Simd::select(Simd::less(Simd::splat_double(-0.5), rest), zero, one);
    return Simd::subtract(Simd::add(whole, up), down);
  }

  // Of whole numbers within 2^51: 3/2 2^52 + a has it in its lower bits.
  [[gnu::always_inline]] static Register to_integer(Doubles a) {
    const Doubles magic = Simd::splat_double(6755399441055744.0);
    return Simd::subtract_64(Simd::to_bits(Simd::add(a, magic)), Simd::to_bits(magic));
  }
};

}  // namespace clvsim::kernels
