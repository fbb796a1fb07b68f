// BG/NBD (Fader, Hardie & Lee 2005), MBG/NBD (Batislam, Denizel & Filiztekin 2007) and (M)BG/CNBD-k (Reutterer, Platzer
// & Schroeder 2020): phases of rate lambda ~ Gamma(r, alpha), every k-th a purchase, and after each purchase the
// customer drops out with probability p ~ Beta(a, b); of MBG after the first, which is not counted, as well (m = 1).
//
// Of a customer with x purchases, observed for T, alive and with j phases since the last purchase, lambda ~ Gamma(r +
// k x + j, alpha + T) and, independent of it, p ~ Beta(a, b + x + m). Trials with the hazard h = -ln(1 - p) are
// survived until they have used up one exponential E: purchase floor(E / h) + 1 is the last.
//
// Draws: a block of words for life and phase, one for lambda; of a customer that buys again two for p and one for E
// (and those of rejected attempts); the clock's.
#pragma once

#include "kernels/math/gamma_draws.hpp"
#include "kernels/math/portable.hpp"
#include "kernels/models/purchase_clock.hpp"

namespace clvsim::kernels {

struct BgNbd {
  static constexpr std::uint32_t most_phases = 16;

  struct Params {
    std::uint32_t n_phases = 1;  // k
  };
  // Given the history, times in periods.
  struct Customer {
    double until[most_phases] = {};  // P(alive and at most so many phases since the last purchase), of 0 to k - 1
    double rate_shape = 0;           // r + k x
    double log_exposure = 0;         // ln(alpha + T)
    LogGammaSampler rate;            // of rate_shape
    LogBetaSampler dropout;          // of a, b + x + m
  };
  struct State {
    PurchaseClock clock;
    const Customer* customer = nullptr;
    bool has_budget = false;  // whether clock.n_left is drawn
  };

  static CLVSIM_HD State begin(const Params& params, const Customer& customer, const PathDraws& draws,
                               std::uint32_t& n_exhausted) {
    State s;
    s.customer = &customer;
    const double u = first_uniform(draws, {Purpose::life});
    if (u >= customer.until[params.n_phases - 1]) return s;
    std::uint32_t phase = 0;
    while (phase + 1 < params.n_phases && u >= customer.until[phase]) ++phase;
    const LogGammaSampler law = phase == 0 ? customer.rate : LogGammaSampler(customer.rate_shape + phase);
    const double log_rate = law(draws, {Purpose::purchase_rate}, n_exhausted) - customer.log_exposure;
    constexpr double never = std::numeric_limits<double>::infinity();
    s.clock = start_clock(portable_exp(log_rate), never, endless, params.n_phases - phase, params.n_phases, draws);
    return s;
  }
  static CLVSIM_HD std::uint32_t due(const State& s) { return clock_due(s.clock); }
  static CLVSIM_HD PurchaseCount advance(const Params&, State& s, std::uint32_t t, const PathDraws& draws,
                                         std::uint32_t& n_exhausted) {
    if (!s.has_budget && s.clock.n_left != 0) {
      const double hazard = -s.customer->dropout(draws, {Purpose::dropout}, n_exhausted).log_1_minus_p;
      const double survived = exponential(draws({Purpose::dropout_budget})) / hazard;
      constexpr double most = 4503599627370496.0;  // 2^52
      s.clock.n_left = survived < most ? static_cast<std::uint64_t>(survived) + 1 : endless;
      s.has_budget = true;
    }
    return advance_clock(s.clock, t, draws, n_exhausted);
  }
};

}  // namespace clvsim::kernels
