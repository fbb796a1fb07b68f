// Pareto/NBD (Schmittlein, Morrison & Colombo 1987): purchases of rate lambda ~ Gamma(r, alpha) until a drop-out of
// rate mu ~ Gamma(s, beta). Of a customer with x purchases, observed for T and alive then, lambda ~ Gamma(r + x, alpha
// + T) and, independent of it, mu ~ Gamma(s, beta + T): what is left of its life is Lomax(s, beta + T), whatever mu.
//
// One uniform U decides both: the customer has left where U >= P(alive); else U / P(alive) is the survival of the rest
// of its life. Draws: a block of words for life, one for lambda (and those of rejected attempts), the clock's.
// 52 bits of U: of P(alive) below 2^-20 the rest of life is drawn from fewer than 2^32 values.
#pragma once

#include "kernels/math/gamma_draws.hpp"
#include "kernels/math/portable.hpp"
#include "kernels/models/purchase_clock.hpp"

namespace clvsim::kernels {

struct ParetoNbd {
  struct Params {};
  // Given the history, times in periods.
  struct Customer {
    double p_alive = 0;
    double inverse_s = 0;
    double life_scale = 0;    // beta + T
    double log_exposure = 0;  // ln(alpha + T)
    LogGammaSampler rate;     // of r + x
  };
  using State = PurchaseClock;

  static CLVSIM_HD State begin(const Params&, const Customer& customer, const PathDraws& draws,
                               std::uint32_t& n_exhausted) {
    const double u = first_uniform(draws, {Purpose::life});
    if (u >= customer.p_alive) return ended_clock();
    const double hazard = -portable_log(u / customer.p_alive) * customer.inverse_s;  // cumulative, of the Lomax life
    const double end = customer.life_scale * (portable_exp(hazard) - 1);
    const double log_rate = customer.rate(draws, {Purpose::purchase_rate}, n_exhausted) - customer.log_exposure;
    return start_clock(portable_exp(log_rate), end, endless, 1, 1, draws);
  }
  static CLVSIM_HD std::uint32_t due(const State& s) { return clock_due(s); }
  static CLVSIM_HD PurchaseCount advance(const Params&, State& s, std::uint32_t t, const PathDraws& draws,
                                         std::uint32_t& n_exhausted) {
    return advance_clock(s, t, draws, n_exhausted);
  }
};

}  // namespace clvsim::kernels
