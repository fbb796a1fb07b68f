// Spend of purchases, by one of two laws.
//
// Gamma-Gamma (Colombo & Jiang 1999; Fader, Hardie & Lee 2005b): a positive purchase is Gamma(shape p, rate nu), and nu
// ~ Gamma(q, gamma) over customers, so that nu ~ Gamma(p x + q, gamma + sum) given x positive purchases of this sum.
// Drawn exactly: nu once a path, n purchases of a period as one Gamma(n p) / nu.
//
// Log-normal: the logarithm of a positive purchase is normal around the customer's level, and levels are normal over
// customers, given purchases as well. Drawn exactly: the level once a path, and every purchase.
//
// What is not positive stands outside the law: each purchase is free with a given probability, and each is followed by
// a refund with another. n refunds are drawn as n purchases are, times the ratio of refunds to purchases in the log.
//
// Draws: a block of words for the level, one a period with purchases (log-normal: one for every two of them), one more
// where some may be free, two where refunds are possible, and those of rejected attempts.
#pragma once

#include "kernels/math/count_draws.hpp"
#include "kernels/math/gamma_draws.hpp"
#include "kernels/math/portable.hpp"

#include <cstdint>

namespace clvsim::kernels {

// Spend of every customer; what a customer knows of its own is below. Shapes and rates: kernels/math/gamma_draws.hpp.
struct DrawnSpend {
  double within_sd = 0;       // of the logarithms of a customer's purchases; 0: the law is Gamma-Gamma
  double shape = 0;           // p
  LogGammaSampler one;        // of one purchase
  double positive_share = 1;  // of purchases
  double refund_rate = 0;     // refunds a purchase, 0 to 1
  double log_refund = 0;      // ln of the mean refund over the mean positive purchase
};
struct DrawnSpendCustomer {
  LogGammaSampler level;  // of nu times its rate
  double log_scale = 0;   // ln(rate, in minor units); of log-normal spend the level's mean
  double level_sd = 0;    // of log-normal spend
};

struct SpendDraw {
  std::int64_t amount = 0;  // minor units, refunds subtracted
  bool saturated = false;   // at the limit of the numbers
};

namespace spend_detail {

CLVSIM_HD inline double normal_of(std::uint32_t low, std::uint32_t high) {
  return elementary::normal_52<ScalarDoubles>(upper_52_bits(low, high));
}

}  // namespace spend_detail

// ln(minor units) that a Gamma(shape p n) variate, or e to a normal, is multiplied by on a path.
CLVSIM_HD inline double spend_level(const DrawnSpend& spend, const DrawnSpendCustomer& customer, const PathDraws& draws,
                                    std::uint32_t& n_exhausted) {
  if (spend.within_sd > 0) {
    const Words words = draws({Purpose::spend_rate});
    return customer.log_scale + customer.level_sd * spend_detail::normal_of(words.x, words.y);
  }
  return customer.log_scale - customer.level(draws, {Purpose::spend_rate}, n_exhausted);
}

namespace spend_detail {

// A number of purchases of a period beyond which nobody waits for their draws: exhausted.
inline constexpr std::uint64_t most_log_normals = std::uint64_t{1} << 17;

CLVSIM_HD inline double log_normal_total(double within_sd, double log_level, std::uint64_t n, Purpose purpose,
                                         std::uint32_t t, const PathDraws& draws, std::uint32_t& n_exhausted) {
  if (n > most_log_normals) {
    ++n_exhausted;
    n = most_log_normals;
  }
  double sum = 0;
  Words words;
  for (std::uint32_t i = 0; i < n; ++i) {
    if ((i & 1U) == 0)
      words = draws({purpose, t, static_cast<std::uint8_t>(i >> 9), static_cast<std::uint8_t>(i >> 1)});
    const double z = (i & 1U) == 0 ? normal_of(words.x, words.y) : normal_of(words.z, words.w);
    sum += portable_exp(log_level + within_sd * z);
  }
  return sum;
}

CLVSIM_HD inline std::int64_t total(const DrawnSpend& spend, double log_level, std::uint64_t n, Purpose purpose,
                                    std::uint32_t t, const PathDraws& draws, std::uint32_t& n_exhausted) {
  if (n == 0) return 0;
  if (spend.within_sd > 0)
    return round_to_fixed(log_normal_total(spend.within_sd, log_level, n, purpose, t, draws, n_exhausted));
  const LogGammaSampler law = n == 1 ? spend.one : LogGammaSampler(static_cast<double>(n) * spend.shape);
  return round_to_fixed(portable_exp(law(draws, {purpose, t}, n_exhausted) + log_level));
}

CLVSIM_HD inline std::uint64_t share_of(std::uint64_t n, double share, Purpose purpose, std::uint32_t t,
                                        const PathDraws& draws, std::uint32_t& n_exhausted) {
  return BinomialSampler(n, share)(draws, {purpose, t}, n_exhausted);
}

}  // namespace spend_detail

// n > 0 purchases of period t.
CLVSIM_HD inline SpendDraw draw_spend(const DrawnSpend& spend, double log_level, std::uint64_t n, std::uint32_t t,
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
