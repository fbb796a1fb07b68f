// BG/BB (Fader, Hardie & Shang 2010): a period is an opportunity; a customer who is still there buys with probability p
// ~ Beta(alpha, beta), and drops out at the beginning of each with theta ~ Beta(gamma, delta). Of a customer with x
// purchases at n opportunities who was there at the last, p ~ Beta(alpha + x, beta + n - x) and, independent of it,
// theta ~ Beta(gamma, delta + n). Opportunities are survived until their hazard h = -ln(1 - theta) has used up one
// exponential E: floor(E / h) of them.
//
// Draws: a block of words for life, two for p, two for theta, one for E (and those of rejected attempts), one for four
// opportunities. A purchase has the probability p to within 2^-33.
#pragma once

#include "kernels/math/count_draws.hpp"
#include "kernels/math/gamma_draws.hpp"
#include "kernels/math/portable.hpp"
#include "kernels/models/purchase_path.hpp"

namespace clvsim::kernels {

struct BgBb {
  struct Params {};
  // Given the history.
  struct Customer {
    double p_alive = 0;      // at the last opportunity
    LogBetaSampler buys;     // of alpha + x, beta + n - x
    LogBetaSampler dropout;  // of gamma, delta + n
  };
  struct State {
    double p = 0;            // of a purchase
    std::uint32_t end = 0;   // the opportunity at whose beginning the customer drops out
    std::uint32_t next = 0;  // opportunity
    Words words;             // of four
  };

  static CLVSIM_HD State begin(const Params&, const Customer& customer, const PathDraws& draws,
                               std::uint32_t& n_exhausted) {
    State s;
    if (first_uniform(draws, {Purpose::life}) >= customer.p_alive) return s;
    s.p = portable_exp(customer.buys(draws, {Purpose::purchase_rate}, n_exhausted).log_p);
    const double hazard = -customer.dropout(draws, {Purpose::dropout}, n_exhausted).log_1_minus_p;
    const double survived = exponential(draws({Purpose::dropout_budget})) / hazard;
    constexpr double most = 65535;  // the longest horizon
    s.end = survived < most ? static_cast<std::uint32_t>(survived) : never_due;
    return s;
  }
  static CLVSIM_HD std::uint32_t due(const State& s) { return s.next; }
  static CLVSIM_HD PurchaseCount advance(const Params&, State& s, std::uint32_t t, const PathDraws& draws,
                                         std::uint32_t&) {
    s.next = t + 1;
    if (t >= s.end) return {0, false};
    if ((t & 3U) == 0) s.words = draws({Purpose::opportunity, t >> 2});
    const bool buys = uniform(word(s.words, t & 3U)) < s.p;
    return {buys ? 1U : 0U, true};
  }
};

}  // namespace clvsim::kernels
