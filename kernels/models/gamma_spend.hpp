// Gamma-Gamma spend (Colombo & Jiang 1999; Fader, Hardie & Lee 2005b): a positive purchase is Gamma(shape p, rate nu),
// and nu ~ Gamma(q, gamma) over customers, so that nu ~ Gamma(p x + q, gamma + sum) given x positive purchases of this
// sum. Drawn exactly: nu once a path, n purchases of a period as one Gamma(n p) / nu.
//
// What is not positive stands outside the law: each purchase is free with a given probability, and each is followed by
// a refund with another. n refunds are Gamma(n p) / nu as well, times the ratio of refunds to purchases in the log.
//
// Draws: a block of words for nu, one a period with purchases, one more where some may be free, two where refunds are
// possible, and those of rejected attempts.
#pragma once

#include "kernels/math/count_draws.hpp"
#include "kernels/math/gamma_draws.hpp"
#include "kernels/math/portable.hpp"

#include <cstdint>

namespace clvsim::kernels {

// Spend of every customer; what a customer knows of its own is below. Shapes and rates: kernels/math/gamma_draws.hpp.
struct GammaSpend {
  double shape = 0;           // p
  LogGammaSampler one;        // of one purchase
  double positive_share = 1;  // of purchases
  double refund_rate = 0;     // refunds a purchase, 0 to 1
  double log_refund = 0;      // ln of the mean refund over the mean positive purchase
};
struct GammaSpendCustomer {
  LogGammaSampler level;  // of nu times its rate
  double log_scale = 0;   // ln(rate, in minor units)
};

struct GammaSpendDraw {
  std::int64_t amount = 0;  // minor units, refunds subtracted
  bool saturated = false;   // at the limit of the numbers
};

// ln(minor units) that a Gamma(shape p n) variate is multiplied by on a path.
CLVSIM_HD inline double spend_level(const GammaSpendCustomer& customer, const PathDraws& draws,
                                    std::uint32_t& n_exhausted) {
  return customer.log_scale - customer.level(draws, {Purpose::spend_rate}, n_exhausted);
}

namespace spend_detail {

CLVSIM_HD inline std::int64_t total(const GammaSpend& spend, double log_level, std::uint64_t n, Purpose purpose,
                                    std::uint32_t t, const PathDraws& draws, std::uint32_t& n_exhausted) {
  if (n == 0) return 0;
  const LogGammaSampler law = n == 1 ? spend.one : LogGammaSampler(static_cast<double>(n) * spend.shape);
  return round_to_fixed(portable_exp(law(draws, {purpose, t}, n_exhausted) + log_level));
}

CLVSIM_HD inline std::uint64_t share_of(std::uint64_t n, double share, Purpose purpose, std::uint32_t t,
                                        const PathDraws& draws, std::uint32_t& n_exhausted) {
  return BinomialSampler(n, share)(draws, {purpose, t}, n_exhausted);
}

}  // namespace spend_detail

// n > 0 purchases of period t.
CLVSIM_HD inline GammaSpendDraw draw_spend(const GammaSpend& spend, double log_level, std::uint64_t n, std::uint32_t t,
                                           const PathDraws& draws, std::uint32_t& n_exhausted) {
  using namespace spend_detail;
  const std::uint64_t n_positive =
      spend.positive_share < 1 ? share_of(n, spend.positive_share, Purpose::spend_positive, t, draws, n_exhausted) : n;
  const std::int64_t bought = total(spend, log_level, n_positive, Purpose::spend_total, t, draws, n_exhausted);
  if (spend.refund_rate == 0) return {bought, saturated(bought)};
  const std::uint64_t n_refunds = share_of(n, spend.refund_rate, Purpose::refund_count, t, draws, n_exhausted);
  const std::int64_t refunded =
      total(spend, log_level + spend.log_refund, n_refunds, Purpose::refund_total, t, draws, n_exhausted);
  return {add_fixed(bought, -refunded), saturated(bought) || saturated(refunded)};
}

}  // namespace clvsim::kernels
