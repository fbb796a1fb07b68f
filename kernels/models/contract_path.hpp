// Contracts, which are renewed or not at every opportunity, one a period, as a model of the engine: sBG (Fader & Hardie
// 2007) and beta-discrete-Weibull (Fader, Hardie, Liu, Davin & Steenburgh 2018). A contract churns with theta ~
// Beta(alpha, beta), and S(t | theta) = (1 - theta)^(t^c); c = 1 in the sBG. Of a contract that made n renewals, theta
// ~ Beta(alpha, beta + n^c). The exposure t^c that it survives is used up by the hazard h = -ln(1 - theta) as one
// exponential E says: n^c + E / h, so that it makes floor((n^c + E / h)^(1 / c)) - n renewals more. Contracts that do
// not differ have one h.
//
// The next opportunity opens the first period; a renewed contract pays its charge in the period, and one that churns
// pays nothing from there on. Draws: two blocks of words for theta, one for E (and those of rejected attempts).
#pragma once

#include "kernels/math/count_draws.hpp"
#include "kernels/math/gamma_draws.hpp"
#include "kernels/math/portable.hpp"
#include "kernels/models/outcome.hpp"
#include "kernels/portability.hpp"
#include "kernels/rng/address.hpp"

#include <cstdint>

namespace clvsim::kernels {

struct ContractPath {
  static constexpr bool sparse = true;  // only due periods are stepped through; leaving is for good
  static constexpr bool rejects = true;

  // What a draw of the parameters says, all customers hold: it depends on their segment.
  struct Drawn {};
  struct Params {
    const Drawn* drawn = nullptr;    // [n_draws]; path p has draw p mod n_draws, whoever the customer is
    const double* weight = nullptr;  // [horizon] discount factor times margin
    std::uint32_t n_draws = 1;
  };
  // A customer is n_draws of these, one after the other: what a draw of the parameters makes of the contract.
  struct Customer {
    std::uint64_t hash = 0;  // 56 bits
    double charge = 0;       // a period, fixed point
    double renewals = 0;     // made so far: n
    double exposure = 0;     // n^c
    double inverse_c = 1;
    double hazard = 0;     // of contracts that do not differ; 0: theta is drawn
    LogBetaSampler churn;  // of theta
    bool active = false;   // not churned yet
  };
  struct State {
    double charge = 0;
    std::uint32_t end = 0;  // the period at whose beginning the contract churns
    bool active = true;
    std::uint32_t n_exhausted = 0;
  };

  static CLVSIM_HD State begin(const Params& params, const Customer& customer, const PathDraws& draws) {
    const Customer& own = (&customer)[params.n_draws == 1 ? 0 : draws.path % params.n_draws];
    State s;
    s.charge = own.charge;
    if (own.active) s.end = renewals_left(own, draws, s.n_exhausted);
    return s;
  }

  static CLVSIM_HD std::uint32_t next_due(const State& s, std::uint32_t t) { return s.active ? t : never_due; }

  template <class Sink>
  static CLVSIM_HD PeriodOutcome step(const Params& params, State& s, std::uint32_t t, const PathDraws&, Sink&) {
    PeriodOutcome result;
    s.active = result.active = t < s.end;
    if (!s.active) return result;
    result.n_purchases = 1;
    result.cash = result.drawn = round_to_fixed(s.charge);
    result.value = round_to_fixed(params.weight[t] * s.charge);
    result.n_saturated = saturated(result.cash) || saturated(result.value) ? 1 : 0;
    return result;
  }

  static CLVSIM_HD std::int64_t path_value(const Params&, std::int64_t sum) { return sum; }

  // Customers stand so far apart.
  static CLVSIM_HD std::uint32_t records(const Params& params) { return params.n_draws; }

  // Tables of the parameters: visit(pointer, n) for each.
  template <class Visit>
  static void for_tables(Params& params, std::uint32_t horizon, Visit&& visit) {
    visit(params.drawn, params.n_draws);
    visit(params.weight, horizon);
  }

 private:
  static CLVSIM_HD std::uint32_t renewals_left(const Customer& own, const PathDraws& draws,
                                               std::uint32_t& n_exhausted) {
    constexpr double most = 65535, most_log = 40;  // the longest horizon; what is far beyond it
    const double hazard =
        own.hazard != 0 ? own.hazard : -own.churn(draws, {Purpose::dropout}, n_exhausted).log_1_minus_p;
    double left = exponential(draws({Purpose::dropout_budget})) / hazard;
    if (own.inverse_c != 1) {
      const double log_t = portable_log(own.exposure + left) * own.inverse_c;
      left = log_t < most_log ? portable_exp(log_t) - own.renewals : most;
    }
    if (!(left < most)) return never_due;
    return left > 0 ? static_cast<std::uint32_t>(left) : 0;
  }
};

}  // namespace clvsim::kernels
