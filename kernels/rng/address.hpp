// The address of a draw: who draws and what for, never which thread, batch or row.
#pragma once

#include "kernels/portability.hpp"
#include "kernels/rng/philox.hpp"

#include <cstdint>

namespace clvsim::kernels {

// What a draw is for. Append only: a number, once used, keeps its meaning, so that a new draw never shifts an old one.
enum class Purpose : std::uint8_t {
  chain_step = 1,      // used no more: outcome of a period, 32 bits (period field t / 4, word t % 4)
  spend_level = 2,     // a path's spend level; word 0
  spend = 3,           // purchase `block` of a period: zero?, amount, refund?, refund amount
  purchase_count = 4,  // purchases in a period that has one; word 0
  acquisition = 5,     // synthetic logs: day of the first purchase
  purchase_day = 6,    // synthetic logs: day of purchase `block` within its period
  chain_pair = 7,   // path field: a pair of paths; outcome of a period, 16 bits each (period field t / 4, word t % 4,
                    // the even path in the lower half)
  chain_tie = 8,    // decides where the 16 bits do not; word 0
  chain_event = 9,  // dwell and jump; four events of a path share a block (period field event / 4, word event % 4)
  chain_event_tie = 10,    // decides where the halves of an event's word do not (period field event): dwell, jump
  regime = 11,             // worlds: regime of a period (period field t / 4, word t % 4)
  factor = 12,             // worlds: innovation of a factor (period field t / 4, word t % 4)
  life = 13,               // whether a customer is alive at the end of observation, and for how long; words 0, 1
  purchase_rate = 14,      // its rate of purchases
  dropout = 15,            // its probability of leaving; two blocks
  dropout_budget = 16,     // what of it the customer survives; words 0, 1
  purchase_gap = 17,       // times between phases of purchases (phase i: word i % 4 of block i / 4, whose lower 16 bits
                           // stand in the period field)
  phase_count = 18,        // phases of a period, where they are many
  spend_rate = 19,         // Gamma-Gamma: rate of a path's amounts
  spend_total = 20,        // amount of the purchases of a period
  spend_positive = 21,     // those that are not free
  refund_count = 22,       // refunds of a period
  refund_total = 23,       // their amount
  opportunity = 26,        // whether a customer buys at one (period field t / 4, word t % 4)
  parameter = 27,          // of the model: path field the draw, period field the parameter; words 0, 1 a normal
  ordered_pair = 24,       // as chain_pair, for ordered steps: the upper 16 of 48 bits
  ordered_tie = 25,        // the other 32 of them, where the 16 bits do not decide; word 0
  row_outcome = 28,        // of a chain whose customers differ: whether a step takes its row's first outcome (period
                           // field t / 4, word t % 4)
  row_later_outcome = 29,  // whether it takes outcome k > 0 (word (k - 1) % 4 of block (k - 1) / 4)
  row_share = 30,          // share of outcome k of a row (period field 16 row + k); two blocks
  latent_class = 31,       // the class of a customer whose class is not known; words 0, 1
};

// Where a draw stands within its customer and path.
struct DrawIndex {
  Purpose purpose = Purpose::chain_step;
  std::uint32_t period = 0;  // 16 bits
  std::uint8_t attempt = 0;  // of a rejection loop
  std::uint8_t block = 0;    // where a purpose needs more than four words
};

// Counter: c0 = path; c1 = period (16) | attempt (8) | block (8); c2 = low 32 bits of the 56-bit customer hash;
// c3 = its high 24 bits | purpose (8). What varies fastest sits in c0 and c1.
constexpr CLVSIM_HD_INLINE Words counter_of(std::uint64_t customer_hash, std::uint32_t path, DrawIndex index) {
  return {path, (index.period << 16) | (static_cast<std::uint32_t>(index.attempt) << 8) | index.block,
          static_cast<std::uint32_t>(customer_hash),
          (static_cast<std::uint32_t>(customer_hash >> 32) << 8) | static_cast<std::uint32_t>(index.purpose)};
}

// The draws of one customer on one path.
struct PathDraws {
  std::uint64_t seed = 0;
  std::uint64_t customer_hash = 0;  // 56 bits
  std::uint32_t path = 0;

  [[nodiscard]] constexpr CLVSIM_HD Words operator()(DrawIndex index) const {
    return philox4x32_10(counter_of(customer_hash, path, index), seed);
  }
};

}  // namespace clvsim::kernels
