// Sums over the values of all paths on vector registers: the passes of kernels/stats/summary.hpp, for values whose
// distance from the smallest fits 32 bits.
//
// Besides what philox.hpp and chain.hpp want, a Simd type has, on 64-bit lanes,
//   minimum_64, maximum_64, subtract_64
//   less_64(a, b)                    all ones where a < b (signed), else 0
//   shift_right_64_by<n>(a)          logical
//   minimum_32(a, b)                 unsigned, of 32-bit lanes
//   shift_count_32(n), shift_right_32(a, count)
//   bits_32(words, bins)             which 32-bit lanes have bit bin % 32 of their word set
//   store_low_halves(p, a)           the low halves of n_lanes lanes, in a row
//   Doubles, splat_double(x), from_52_bits(a), to_52_bits(d) (round to nearest; 0 <= d < 2^52), and subtract, multiply
#pragma once

#include "kernels/lanes/lanes.hpp"
#include "kernels/lanes/scalar.hpp"
#include "kernels/math/wide.hpp"
#include "kernels/stats/summary.hpp"

#include <cstddef>
#include <cstdint>

namespace clvsim::kernels {

template <class Simd>
struct StatisticsCode {
  using Register = typename Simd::Register;

  // Adds up the lanes of a.
  template <class S>
  [[gnu::always_inline]] static std::uint64_t sum_of(typename S::Register a) {
    std::uint64_t lanes[S::n_lanes], sum = 0;
    S::store(lanes, a);
    for (const std::uint64_t lane : lanes) sum += lane;
    return sum;
  }

  template <class S>
  [[gnu::always_inline]] static void add_range(const std::int64_t* values, std::size_t begin, std::size_t end,
                                               LaneRange& range) {
    auto min = S::splat_64(range.min), max = S::splat_64(range.max), sum = S::splat_64(0), count = S::splat_64(0);
    const auto one = S::splat_64(1);
    for (std::size_t i = begin; i < end; i += S::n_lanes) {
      const auto v = S::load(values + i);
      min = S::minimum_64(min, v);
      max = S::maximum_64(max, v);
      sum = S::add_64(sum, v);
      count = S::subtract_64(count, S::less_64(v, one));
    }
    range.sum = static_cast<std::int64_t>(static_cast<std::uint64_t>(range.sum) + sum_of<S>(sum));
    range.n_nonpositive += sum_of<S>(count);
    std::int64_t lanes[S::n_lanes];
    S::store(lanes, min);
    for (const std::int64_t lane : lanes) range.min = lane < range.min ? lane : range.min;
    S::store(lanes, max);
    for (const std::int64_t lane : lanes) range.max = lane > range.max ? lane : range.max;
  }
  static void range(const std::int64_t* values, std::size_t n, LaneRange& range) {
    range = {values[0], values[0], 0, 0};
    const std::size_t whole = n / Simd::n_lanes * Simd::n_lanes;
    add_range<Simd>(values, 0, whole, range);
    add_range<Scalar>(values, whole, n, range);
  }

  template <class S>
  [[gnu::always_inline]] static void add_moments(const std::int64_t* values, std::size_t begin, std::size_t end,
                                                 const LaneCentre& centre, std::uint32_t* keys, LaneMoments& moments) {
    const auto min = S::splat_64(centre.min), low_half = S::splat_64(0xFFFFFFFF);
    const auto middle = S::splat_double(centre.offset), fraction = S::splat_double(centre.fraction),
               inverse = S::splat_double(centre.inverse_reach), scale = S::splat_double(fourth_scale);
    auto low = S::splat_64(0), high = S::splat_64(0), fourth = S::splat_64(0);
    for (std::size_t i = begin; i < end; i += S::n_lanes) {
      const auto key = S::subtract_64(S::load(values + i), min);
      S::store_low_halves(keys + i, key);
      const auto square = S::multiply(key, key);
      low = S::add_64(low, S::bit_and(square, low_half));
      high = S::add_64(high, S::template shift_right_64_by<32>(square));
      const auto z = S::multiply(S::subtract(S::subtract(S::from_52_bits(key), middle), fraction), inverse);
      const auto z2 = S::multiply(z, z);
      fourth = S::add_64(fourth, S::to_52_bits(S::multiply(S::multiply(z2, z2), scale)));
    }
    moments.squares += sum_of<S>(low) + (static_cast<u128>(sum_of<S>(high)) << 32);
    moments.fourth += sum_of<S>(fourth);
  }
  static void moments(const std::int64_t* values, std::size_t n, const LaneCentre& centre, std::uint32_t* keys,
                      LaneMoments& moments) {
    moments = {};
    // A fourth power is at most 2^51: these many registers cannot overflow, their lanes added up.
    constexpr std::size_t piece = 1024;
    const std::size_t whole = n / Simd::n_lanes * Simd::n_lanes;
    for (std::size_t begin = 0; begin < whole; begin += piece) {
      add_moments<Simd>(values, begin, begin + piece < whole ? begin + piece : whole, centre, keys, moments);
    }
    add_moments<Scalar>(values, whole, n, centre, keys, moments);
  }

  template <class S>
  [[gnu::always_inline]] static void add_shortfall(const std::uint32_t* keys, std::size_t begin, std::size_t end,
                                                   std::uint32_t tail, LaneShortfall& shortfall) {
    const auto limit = S::splat(tail), low_half = S::splat_64(0xFFFFFFFF);
    auto sum = S::splat_64(0), low = S::splat_64(0), high = S::splat_64(0);
    for (std::size_t i = begin; i < end; i += 2 * S::n_lanes) {
      // Of 32-bit lanes, no borrow crosses: key <= limit.
      const auto d = S::subtract_64(limit, S::minimum_32(S::load(keys + i), limit));
      const auto odd = S::template shift_right_64_by<32>(d), even = S::bit_and(d, low_half);
      sum = S::add_64(sum, S::add_64(even, odd));
      const auto first = S::multiply(d, d), second = S::multiply(odd, odd);
      low = S::add_64(low, S::add_64(S::bit_and(first, low_half), S::bit_and(second, low_half)));
      high = S::add_64(high,
                       S::add_64(S::template shift_right_64_by<32>(first), S::template shift_right_64_by<32>(second)));
    }
    shortfall.sum += sum_of<S>(sum);
    shortfall.squares += sum_of<S>(low) + (static_cast<u128>(sum_of<S>(high)) << 32);
  }
  static void shortfall(const std::uint32_t* keys, std::size_t n, std::uint32_t tail, LaneShortfall& shortfall) {
    shortfall = {};
    const std::size_t step = 2 * Simd::n_lanes, whole = n / step * step;
    add_shortfall<Simd>(keys, 0, whole, tail, shortfall);
    for (std::size_t i = whole; i < n; ++i) {
      const std::uint64_t d = keys[i] < tail ? tail - keys[i] : 0;
      shortfall.sum += d;
      shortfall.squares += static_cast<u128>(d) * d;
    }
  }

  static void add(const std::int64_t* values, std::size_t n, std::int64_t* sums) {
    const std::size_t whole = n / Simd::n_lanes * Simd::n_lanes;
    for (std::size_t i = 0; i < whole; i += Simd::n_lanes) {
      Simd::store(sums + i, Simd::add_64(Simd::load(sums + i), Simd::load(values + i)));
    }
    for (std::size_t i = whole; i < n; ++i) {
      sums[i] = static_cast<std::int64_t>(static_cast<std::uint64_t>(sums[i]) + static_cast<std::uint64_t>(values[i]));
    }
  }

  static std::size_t collect(const std::uint32_t* keys, std::size_t n, unsigned shift, const std::int32_t* bins,
                             std::uint32_t* out) {
    constexpr std::size_t step = 2 * Simd::n_lanes;
    const typename Simd::template Table32<4> table(bins);
    const auto count = Simd::shift_count_32(shift);
    std::size_t found = 0, i = 0;
    for (; i + step <= n; i += step) {
      const Register key = Simd::load(keys + i), bin = Simd::shift_right_32(key, count);
      std::uint32_t wanted = Simd::bits_32(table[Simd::template shift_right_32<5>(bin)], bin);
      for (; wanted != 0; wanted &= wanted - 1) out[found++] = keys[i + static_cast<unsigned>(__builtin_ctz(wanted))];
    }
    for (; i < n; ++i) {
      const std::uint32_t bin = keys[i] >> shift;
      if ((static_cast<std::uint32_t>(bins[bin / 32]) >> bin % 32 & 1U) != 0) out[found++] = keys[i];
    }
    return found;
  }

  static void count(const std::uint16_t* counts, std::size_t n, std::uint64_t& sum, std::uint64_t& squares) {
    sum = squares = 0;
    const Register low_half = Simd::splat(0x0000FFFF), ones = Simd::splat_64(0xFFFFFFFF);
    auto total = Simd::splat_64(0), products = Simd::splat_64(0);
    constexpr std::size_t step = 4 * Simd::n_lanes;
    std::size_t i = 0;
    for (; i + step <= n; i += step) {
      const Register x = Simd::load(counts + i);
      for (const Register half : {Simd::bit_and(x, low_half), Simd::template shift_right_32<16>(x)}) {
        const Register odd = Simd::template shift_right_64_by<32>(half);
        total = Simd::add_64(total, Simd::add_64(Simd::bit_and(half, ones), odd));
        products = Simd::add_64(products, Simd::add_64(Simd::multiply(half, half), Simd::multiply(odd, odd)));
      }
    }
    sum = sum_of<Simd>(total);
    squares = sum_of<Simd>(products);
    for (; i < n; ++i) {
      const std::uint64_t x = counts[i];
      sum += x;
      squares += x * x;
    }
  }
};

}  // namespace clvsim::kernels
