// Purchases of a customer in time: phases end at a rate that does not change, every few phases a purchase (Erlang
// times between purchases; one phase: a Poisson process), until the customer's life ends or a purchase was the last.
// Time is in periods from the end of observation.
//
// Where phases are rare their times are drawn, one exponential each, and periods without one are passed over; where
// they are many, their number in each period. Both are exact: which of them is used depends on the rate alone.
#pragma once

#include "kernels/math/count_draws.hpp"
#include "kernels/math/gamma_draws.hpp"
#include "kernels/math/portable.hpp"
#include "kernels/models/purchase_path.hpp"

#include <cstdint>

namespace clvsim::kernels {

inline constexpr double largest_gap_rate = 4;                // phases a period, up to which times are drawn
inline constexpr std::uint64_t endless = ~std::uint64_t{0};  // purchases left, where none is the last

struct PurchaseClock {
  double rate = 0;             // phases a period
  double next = 0;             // end of the phase, where times are drawn
  double end = 0;              // of life, infinity: none
  std::uint64_t n_left = 0;    // purchases up to the last, which ends life
  std::uint32_t to_next = 1;   // phases up to the next purchase
  std::uint32_t n_phases = 1;  // between purchases
  std::uint32_t n_gaps = 0;    // drawn so far
  std::uint32_t t = 0;         // period to come
  Words words;                 // of four gaps
};

namespace clock_detail {

CLVSIM_HD inline bool draws_times(const PurchaseClock& clock) { return clock.rate <= largest_gap_rate; }

CLVSIM_HD inline double gap(PurchaseClock& clock, const PathDraws& draws) {
  const std::uint32_t i = clock.n_gaps++;
  if ((i & 3U) == 0) {
    clock.words = draws({Purpose::purchase_gap, (i >> 2) & 0xFFFF, 0, static_cast<std::uint8_t>(i >> 18)});
  }
  const double u = elementary::uniform_of_bits<ScalarDoubles, 32>(word(clock.words, i & 3U));
  return -elementary::log_of_normal<ScalarDoubles>(u) / clock.rate;
}

// The period that a time falls into.
CLVSIM_HD inline std::uint32_t period_of(double time) {
  constexpr double most = 65535;
  return time < most ? static_cast<std::uint32_t>(time) : never_due;
}

}  // namespace clock_detail

// Alive at the end of observation. n_left, to_next, n_phases >= 1.
CLVSIM_HD inline PurchaseClock start_clock(double rate, double end, std::uint64_t n_left, std::uint32_t to_next,
                                           std::uint32_t n_phases, const PathDraws& draws) {
  PurchaseClock clock;
  clock.rate = rate;
  clock.end = end;
  clock.n_left = n_left;
  clock.to_next = to_next;
  clock.n_phases = n_phases;
  if (clock_detail::draws_times(clock)) clock.next = clock_detail::gap(clock, draws);
  return clock;
}
// No longer alive at the end of observation.
CLVSIM_HD inline PurchaseClock ended_clock() { return {}; }

// The next period in which a phase or life ends.
CLVSIM_HD inline std::uint32_t clock_due(const PurchaseClock& clock) {
  if (clock.n_left == 0) return clock.t;
  if (!clock_detail::draws_times(clock)) return clock.t;
  return clock_detail::period_of(clock.next < clock.end ? clock.next : clock.end);
}

CLVSIM_HD inline PurchaseCount advance_clock(PurchaseClock& clock, std::uint32_t t, const PathDraws& draws,
                                             std::uint32_t& n_exhausted) {
  PurchaseCount count;
  const double begin = t, end = begin + 1;
  const double until = clock.end < end ? clock.end : end;
  clock.t = t + 1;
  if (clock_detail::draws_times(clock)) {
    while (clock.next < until && clock.n_left != 0) {
      if (--clock.to_next == 0) {
        ++count.n;
        --clock.n_left;
        clock.to_next = clock.n_phases;
      }
      clock.next += clock_detail::gap(clock, draws);
    }
  } else if (clock.n_left != 0) {
    const PoissonSampler phases(clock.rate * (until > begin ? until - begin : 0));
    const std::uint64_t done = clock.n_phases - clock.to_next + phases(draws, {Purpose::phase_count, t}, n_exhausted);
    const std::uint64_t bought = done / clock.n_phases;
    clock.to_next = clock.n_phases - static_cast<std::uint32_t>(done % clock.n_phases);
    count.n = bought < clock.n_left ? bought : clock.n_left;
    clock.n_left -= count.n;
  }
  count.active = clock.n_left != 0 && clock.end >= end;
  return count;
}

}  // namespace clvsim::kernels
