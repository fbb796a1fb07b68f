// The migration chain as a behaviour model: in every period the state's row of outcomes decides what happens, where the
// customer goes next, and what it is worth.
//
// Outcomes are drawn by ordered thresholds on one 32-bit word u (inverse cdf, monotone in u): outcome k is the first
// with u < threshold[k], the last takes the rest. Probabilities are multiples of 2^-32 and a row sums to 1 exactly.
//
// Money of a period, in minor units: the state's fixed amount (earned in every period that begins in the state) plus
// the outcome's (earned in the period in which it happens). With a spend model the amount of a purchase outcome is
// drawn instead (log-normal hierarchy, Gelman et al. 2013, section 2.5):
//   theta            = level_mean + level_sd N                          once a path, the customer's posterior level
//   purchases        = 1 + index of purchases_in_period                 once a period with a purchase
//   a purchase       = 0 with zero_share, else round(exp(theta + within_sd N) scale)
//   its refund       = round(exp(theta + refund_shift + refund_sd N) scale) with refund_rate, in the same period
// where scale = smearing * 10^decimals. Draws: one word a period (four periods share a block); with a spend model one
// block a path, one a period with a purchase where several are possible, one a purchase.
#pragma once

#include "kernels/math/portable.hpp"
#include "kernels/portability.hpp"
#include "kernels/rng/address.hpp"

#include <cstdint>

namespace clvsim::kernels {

struct ChainOutcomeEntry {
  double amount = 0;            // minor units
  std::uint32_t threshold = 0;  // 2^32 times the cumulative probability; unused in the last outcome of a row
  std::uint16_t to = 0;
  bool purchase = false;
};

struct ChainStateEntry {
  double amount = 0;  // minor units
  std::uint16_t n_outcomes = 1;
  bool active = true;
};

// Spend per purchase; everything that does not depend on the customer.
struct SpendEntry {
  double within_sd = 0;
  double scale = 0;                                // smearing * 10^decimals
  std::uint64_t zero_threshold = 0;                // 2^32 zero_share, rounded
  std::uint64_t refund_threshold = 0;              // 2^32 refund_rate, rounded
  double refund_shift = 0;                         // of the log
  double refund_sd = 0;                            // of the log
  std::uint32_t n_counts = 1;                      // possible numbers of purchases in a period: 1 to n_counts
  const std::uint32_t* count_threshold = nullptr;  // [n_counts - 1] ordered thresholds
};

// View of the packed tables (host/run/chain_tables.hpp owns them).
struct MigrationChainView {
  const ChainStateEntry* states = nullptr;      // [n_states]
  const ChainOutcomeEntry* outcomes = nullptr;  // [n_states, row]
  std::uint32_t n_states = 0;
  std::uint32_t row = 0;  // entries a state
  bool has_spend = false;
  SpendEntry spend;
};

// What the engine knows of a customer.
struct ChainCustomer {
  std::uint64_t hash = 0;  // 56 bits
  double level_mean = 0;   // of theta, given the customer's own purchases
  double level_sd = 0;
  std::uint32_t state = 0;  // at the end of observation
};

// What a period brought, as a sink sees it.
struct PeriodOutcome {
  std::uint32_t state = 0;  // at the end of the period
  bool active = false;      // in that state
  std::uint32_t n_purchases = 0;
  double cash = 0;  // minor units, refunds subtracted
};

struct MigrationChainModel {
  using Params = MigrationChainView;
  using Customer = ChainCustomer;

  struct State {
    std::uint32_t state = 0;
    double level = 0;  // theta of this path
    Words words;       // of four periods
  };

  static CLVSIM_HD State begin(const Params& chain, const Customer& customer, const PathDraws& draws) {
    State s;
    s.state = customer.state;
    if (chain.has_spend) {
      s.level = customer.level_mean + customer.level_sd * normal(draws({Purpose::spend_level}).x);
    }
    return s;
  }

  // Period `t` = 0, 1, ... in this order. Calls sink.purchase(t, amount) and sink.refund(t, amount), int64 minor units
  // >= 0, for every drawn one.
  template <class Sink>
  static CLVSIM_HD PeriodOutcome step(const Params& chain, State& s, std::uint32_t t, const PathDraws& draws,
                                      Sink& sink) {
    if ((t & 3U) == 0) s.words = draws({Purpose::chain_step, t >> 2});
    const std::uint32_t u = word(s.words, t & 3U);
    const ChainStateEntry& from = chain.states[s.state];
    const ChainOutcomeEntry* outcome = chain.outcomes + static_cast<std::uint64_t>(s.state) * chain.row;
    for (std::uint32_t left = from.n_outcomes; left > 1 && u >= outcome->threshold; --left) ++outcome;

    PeriodOutcome result;
    result.cash = from.amount;
    if (outcome->purchase && chain.has_spend) {
      result.n_purchases = n_purchases(chain.spend, t, draws);
      for (std::uint32_t j = 0; j < result.n_purchases; ++j) {
        result.cash += spend(chain.spend, s.level, t, j, draws, sink);
      }
    } else {
      result.n_purchases = outcome->purchase ? 1 : 0;
      result.cash += outcome->amount;
    }
    s.state = outcome->to;
    result.state = s.state;
    result.active = chain.states[s.state].active;
    return result;
  }

 private:
  static CLVSIM_HD std::uint32_t n_purchases(const SpendEntry& spend, std::uint32_t t, const PathDraws& draws) {
    if (spend.n_counts <= 1) return 1;
    const std::uint32_t u = draws({Purpose::purchase_count, t}).x;
    std::uint32_t n = 1;
    while (n < spend.n_counts && u >= spend.count_threshold[n - 1]) ++n;
    return n;
  }

  // Cash flow of purchase j of period t: the amount less its refund.
  template <class Sink>
  static CLVSIM_HD double spend(const SpendEntry& spend, double level, std::uint32_t t, std::uint32_t j,
                                const PathDraws& draws, Sink& sink) {
    const Words words = draws({Purpose::spend, t, 0, static_cast<std::uint8_t>(j)});
    std::int64_t amount = 0;
    if (words.x >= spend.zero_threshold) {
      amount = round_to_fixed(portable_exp(level + spend.within_sd * normal(words.y)) * spend.scale);
    }
    sink.purchase(t, amount);
    if (words.z >= spend.refund_threshold) return static_cast<double>(amount);
    const std::int64_t refund =
        round_to_fixed(portable_exp(level + spend.refund_shift + spend.refund_sd * normal(words.w)) * spend.scale);
    sink.refund(t, refund);
    return static_cast<double>(amount) - static_cast<double>(refund);
  }
};

}  // namespace clvsim::kernels
