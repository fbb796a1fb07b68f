// The elementary functions, and draws of log-gamma variates, over arrays: for tests, which compare the instruction
// sets, and for the rates that `clvsim bench` measures. Kernels call kernels/math/elementary.hpp themselves.
#pragma once

#include "kernels/lanes/lanes.hpp"
#include "kernels/lanes/philox.hpp"
#include "kernels/math/elementary.hpp"
#include "kernels/math/gamma_draws.hpp"
#include "kernels/math/log_gamma.hpp"

#include <cstddef>
#include <cstdint>

namespace clvsim::kernels {

template <class Simd>
struct MathCode {
  using Register = typename Simd::Register;
  using Doubles = typename Simd::Doubles;

  static void log(const double* x, std::size_t n, double* out) {
    map(
        x, n, out, [](Doubles a) __attribute__((always_inline)) { return elementary::log<Simd>(a); });
  }
  static void exp(const double* x, std::size_t n, double* out) {
    map(
        x, n, out, [](Doubles a) __attribute__((always_inline)) { return elementary::exp<Simd>(a); });
  }
  static void log1p(const double* x, std::size_t n, double* out) {
    map(
        x, n, out, [](Doubles a) __attribute__((always_inline)) { return elementary::log1p<Simd>(a); });
  }
  static void softplus(const double* x, std::size_t n, double* out) {
    map(
        x, n, out, [](Doubles a) __attribute__((always_inline)) { return elementary::softplus<Simd>(a); });
  }

  static void normal_32(const std::uint32_t* words, std::size_t n, double* out) {
    for (std::size_t i = 0; i < n; i += 2 * Simd::n_lanes) {
      const Register both = Simd::load(words + i);
      const Doubles even = elementary::normal_32<Simd>(Simd::bit_and(both, Simd::splat_64(0xFFFFFFFF)));
      const Doubles odd = elementary::normal_32<Simd>(Simd::template shift_right_64_by<32>(both));
      Register first, second;
      Simd::interleave_64(Simd::to_bits(even), Simd::to_bits(odd), first, second);
      Simd::store(out + i, first);
      Simd::store(out + i + Simd::n_lanes, second);
    }
  }
  static void normal_52(const std::uint64_t* bits, std::size_t n, double* out) {
    for (std::size_t i = 0; i < n; i += Simd::n_lanes) {
      Simd::store(out + i, Simd::to_bits(elementary::normal_52<Simd>(Simd::load(bits + i))));
    }
  }

  static void log_gamma(const double* x, std::size_t n, double* out) {
    map(
        x, n, out, [](Doubles a) __attribute__((always_inline)) { return elementary::log_gamma<Simd>(a); });
  }

  static std::uint32_t log_gamma_draws(const LogGammaSampler& law, const PathDraws& first, const DrawIndex& index,
                                       std::size_t n, double* out) {
    std::uint32_t n_exhausted = 0;
    for (std::size_t i = 0; i < n; i += tile) {
      const auto n_paths = static_cast<std::uint32_t>(n - i < tile ? n - i : tile);
      const auto path = first.path + static_cast<std::uint32_t>(i);
      n_exhausted += draw_tile(law, first, path, index, n_paths, out + i);
    }
    return n_exhausted;
  }

  static constexpr LaneMath table() {
    return {log, exp, log1p, softplus, normal_32, normal_52, log_gamma, log_gamma_draws};
  }

  // Values of a group of paths; returns the bits of those that are rejected.
  [[gnu::always_inline]] static std::uint32_t propose(const LogGammaSampler& law, const WordRegisters<Simd>& words,
                                                      double* values) {
    const auto& w = words.word;
    const Register low_half = Simd::splat_64(0xFFFFFFFF), high_half = Simd::splat_64(-0x100000000),
                   low_12 = Simd::splat_64(0xFFF);
    const auto odd = [](Register a) __attribute__((always_inline)) { return Simd::template shift_right_64_by<32>(a); };
    const auto even = [&](Register a) __attribute__((always_inline)) { return Simd::bit_and(a, low_half); };
    const auto power_bits = [&](Register upper, Register lower) __attribute__((always_inline)) {
      return Simd::bit_or(Simd::template shift_left_64<12>(upper), Simd::bit_and(lower, low_12));
    };
    const Register normal_even = Simd::bit_or(Simd::template shift_left_64<32>(w[1]), even(w[0])),
                   normal_odd = Simd::bit_or(Simd::bit_and(w[1], high_half), odd(w[0]));
    const LogGammaProposal<Simd> proposals[2] = {
        propose_log_gamma<Simd>(law, Simd::template shift_right_64_by<12>(normal_even), even(w[2]),
                                power_bits(even(w[3]), w[0])),
        propose_log_gamma<Simd>(law, Simd::template shift_right_64_by<12>(normal_odd), odd(w[2]),
                                power_bits(odd(w[3]), odd(w[0])))};
    Register first, second;
    Simd::interleave_64(Simd::to_bits(proposals[0].value), Simd::to_bits(proposals[1].value), first, second);
    Simd::store(values, first);
    Simd::store(values + Simd::n_lanes, second);
    // Bits of the paths for which `below` of their proposal is false.
    const auto failing = [&](auto below) __attribute__((always_inline)) {
      const Doubles one = Simd::from_bits(Simd::splat_64(1)), none = Simd::from_bits(Simd::splat_64(0));
      const auto flags = [&](const LogGammaProposal<Simd>& proposal) __attribute__((always_inline)) {
        return Simd::to_bits(Simd::select(below(proposal), one, none));
      };
      return Simd::bits_less_32(Simd::interleave(flags(proposals[0]), flags(proposals[1])), Simd::splat(1));
    };
    std::uint32_t rejected = failing([](const LogGammaProposal<Simd>& proposal) __attribute__((always_inline)) {
      return Simd::less(proposal.uniform, Simd::add(proposal.h, Simd::splat_double(1)));
    });
    if (rejected != 0) {
      rejected &= failing([](const LogGammaProposal<Simd>& proposal) __attribute__((always_inline)) {
        return Simd::less(elementary::log_of_normal<Simd>(proposal.uniform), proposal.h);
      });
    }
    return rejected;
  }

 private:
  static constexpr std::uint32_t tile = 1024;  // paths whose list stays in the first cache
  static constexpr std::uint32_t group = 2 * Simd::n_lanes;

  // Attempt by attempt over the list of those paths that all attempts before have rejected.
  static std::uint32_t draw_tile(const LogGammaSampler& law, const PathDraws& draws, std::uint32_t first_path,
                                 const DrawIndex& index, std::uint32_t n, double* out) {
    std::uint32_t list[tile + group];
    for (std::uint32_t i = 0; i < n + group; ++i) list[i] = i;
    const Register first = Simd::splat(first_path);
    std::uint32_t left = n;
    for (std::uint32_t attempt = 0; attempt < max_attempts && left != 0; ++attempt) {
      const Words counter = counter_of(draws.customer_hash, 0,
                                       {index.purpose, index.period, static_cast<std::uint8_t>(attempt), index.block});
      std::uint32_t kept = 0;
      for (std::uint32_t i = 0; i < left; i += group) {
        const Register path = Simd::load(list + i);
        const Register c0[1] = {Simd::add_32(path, first)};
        PhiloxRounds<Simd, 1> rounds(c0, counter, draws.seed);
#pragma GCC unroll 10
        for (int round = 0; round < philox::rounds; ++round) rounds.round();
        WordRegisters<Simd> words[1];
        rounds.finish(words);
        double values[group];
        std::uint32_t rejected = propose(law, words[0], values);
        const std::uint32_t n_here = left - i < group ? left - i : group;
        for (std::uint32_t j = 0; j < n_here; ++j) out[list[i + j]] = values[j];
        rejected &= (1U << n_here) - 1;
        Simd::store_packed_32(list + kept, path, rejected);
        kept += static_cast<std::uint32_t>(__builtin_popcount(rejected));
      }
      left = kept;
    }
    for (std::uint32_t i = 0; i < left; ++i) out[list[i]] = law.fallback();
    return left;
  }

  template <class F>
  [[gnu::always_inline]] static void map(const double* x, std::size_t n, double* out, F function) {
    for (std::size_t i = 0; i < n; i += Simd::n_lanes) {
      Simd::store(out + i, Simd::to_bits(function(Simd::from_bits(Simd::load(x + i)))));
    }
  }
};

}  // namespace clvsim::kernels
