// The migration chain as a behaviour model: in every period the state's row of outcomes decides what happens, where the
// customer goes next, and what it is worth.
//
// A *position* is where a path stands after a period: a state together with what the arrival brought (its amount,
// whether it was a purchase). A state that nothing leads to has a position as well, to start from.
//
// The probabilities of a row may differ from table to table (kernels/models/table_schedule.hpp); positions and amounts
// do not.
//
// Outcomes are drawn by one of three samplers. All follow the row's probabilities to within 2^-48.
//   alias    Walker's alias method (Walker 1977; tables by Vose 1991) on 16 bits a step: the upper column_bits of them
//            choose a column of the row, the rest is compared with the column's threshold; where they are equal, 32
//            more bits decide (kernels/rng/address.hpp: chain_pair, chain_tie). Two neighbouring paths share a word.
//   ordered  inverse cdf: outcome k of the row, ordered by the states that they lead to, is the first with u below its
//            cumulative threshold, the last takes the rest. So the next state never falls as u rises, and two chains
//            with the same draws stay close. u has 48 bits, of which 16 are drawn, and the other 32 where these are
//            equal to those of a threshold (kernels/rng/address.hpp: ordered_pair, ordered_tie).
//   event    from one change of position to the next (kernels/models/chain_events.hpp); a stay repeats what the arrival
//            brought, period by period, as an outcome that leads back to its position does. One table, no drawn spend.
//
// Money is counted in 2^-8 minor units. A period brings the state's fixed amount (earned in every period that begins in
// the state) plus the outcome's (earned in the period in which it happens). What a path is worth is a sum of integers,
// value[t, position]: the arrival's amount discounted for period t, plus the fixed amount of its state discounted for
// period t + 1, in 2^-(8 + extra_bits) minor units, rounded once each when the table is made. With a spend model the
// amount of a purchase outcome is drawn instead (log-normal hierarchy, Gelman et al. 2013, section 2.5):
//   theta            = level_mean + level_sd N                          once a path, the customer's posterior level
//   purchases        = 1 + index of purchases_in_period                 once a period with a purchase
//   a purchase       = 0 with zero_share, else round(exp(theta + within_sd N) scale)
//   its refund       = round(exp(theta + refund_shift + refund_sd N) scale) with refund_rate, in the same period
// where scale = smearing * 10^decimals. Draws: half a word a period (alias, ordered); with a spend model one block a
// path, one a period with a purchase where several are possible, one a purchase.
#pragma once

#include "kernels/math/portable.hpp"
#include "kernels/models/chain_events.hpp"
#include "kernels/models/outcome.hpp"
#include "kernels/models/table_schedule.hpp"
#include "kernels/portability.hpp"
#include "kernels/rng/address.hpp"

#include <cstdint>

namespace clvsim::kernels {

// How a step is drawn; see above.
enum class Sampler : std::uint8_t { alias, ordered, event };

struct ChainPosition {
  std::int64_t cash_from = 0;  // fixed point, of a period that begins here
  std::int64_t cash_at = 0;    // fixed point, of the arrival
  std::uint16_t state = 0;
  bool active = true;
  bool purchase = false;  // the arrival was one
};

// The cumulative probability, high * 2^32 + low of 2^48, is unused in the last of a row.
struct OrderedOutcome {
  std::uint32_t low = 0;
  std::uint16_t high = 0;
  std::uint16_t next = 0;  // position
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
  const std::uint32_t* count_threshold = nullptr;  // [n_counts - 1] ascending thresholds
};

// View of the packed tables (host/run/chain_tables.hpp owns them).
struct MigrationChainView {
  const ChainPosition* positions = nullptr;  // [n_positions]
  const AliasCell* cells = nullptr;          // [tables, n_positions, 2^column_bits]
  const OrderedOutcome* outcomes = nullptr;  // [tables, n_positions, row], by the states that they lead to; the last
                                             // fills up a shorter row
  const std::uint16_t* position_of_state = nullptr;  // [n_states]
  const std::int64_t* value = nullptr;               // [horizon, n_positions]; null: values are not wanted
  const std::int64_t* start_value = nullptr;         // [n_positions] of the first period's fixed amount
  const double* weight = nullptr;                    // [horizon] discount factor times margin, for drawn amounts
  std::uint32_t n_positions = 0, n_states = 0;
  std::uint32_t row = 0;          // outcomes of the longest row
  std::uint32_t column_bits = 1;  // 1 to 4
  std::uint32_t extra_bits = 0;   // of values below the fixed point; 0 with a spend model
  Sampler sampler = Sampler::alias;
  bool has_spend = false;
  SpendEntry spend;
  TableSchedule schedule;
  ChainEventsView events;  // for Sampler::event
};

// What the engine knows of a customer.
struct ChainCustomer {
  std::uint64_t hash = 0;  // 56 bits
  double level_mean = 0;   // of theta, given the customer's own purchases
  double level_sd = 0;
  std::uint32_t state = 0;    // at the end of observation
  std::uint32_t segment = 0;  // below the schedule's n_segments
};

struct MigrationChainModel {
  static constexpr bool sparse = false;  // every period is stepped through
  static constexpr bool rejects = false;

  using Params = MigrationChainView;
  using Customer = ChainCustomer;
  struct Drawn {};  // its parameters are not

  struct State {
    std::uint32_t position = 0, segment = 0;
    double level = 0;  // theta of this path
    Words words;       // of four periods, or events
    // Sampler::event: arrivals repeat before period `until`, in which the path arrives at `next`, or draws again.
    std::uint32_t until = 0, next = 0, n_events = 0;
    bool jumps = false;
  };

  static CLVSIM_HD State begin(const Params& chain, const Customer& customer, const PathDraws& draws) {
    State s;
    s.position = chain.position_of_state[customer.state];
    s.segment = customer.segment;
    if (chain.has_spend) {
      s.level = customer.level_mean + customer.level_sd * normal(draws({Purpose::spend_level}).x);
    }
    return s;
  }

  static CLVSIM_HD std::uint32_t next_due(const State&, std::uint32_t t) { return t; }

  // Period `t` = 0, 1, ... in this order. Calls sink.purchase(t, amount) and sink.refund(t, amount), int64 minor units
  // >= 0, for every drawn one.
  template <class Sink>
  static CLVSIM_HD PeriodOutcome step(const Params& chain, State& s, std::uint32_t t, const PathDraws& draws,
                                      Sink& sink) {
    const std::uint32_t from = s.position;
    s.position = next_position(chain, s, t, draws);
    return arrive(chain, from, s.position, s.level, t, draws, sink);
  }

  // What period t brings that begins in one position and ends in another; `level` is theta of the path.
  template <class Sink>
  static CLVSIM_HD PeriodOutcome arrive(const Params& chain, std::uint32_t from_position, std::uint32_t position,
                                        double level, std::uint32_t t, const PathDraws& draws, Sink& sink) {
    const ChainPosition& from = chain.positions[from_position];
    const ChainPosition& at = chain.positions[position];
    PeriodOutcome result;
    if (t == 0 && chain.value != nullptr) result.value = chain.start_value[from_position];
    result.state = at.state;
    result.active = at.active;
    result.n_purchases = at.purchase ? 1 : 0;
    result.cash = add_fixed(from.cash_from, at.cash_at);
    if (chain.value != nullptr) {
      result.value += chain.value[static_cast<std::uint64_t>(t) * chain.n_positions + position];
    }
    if (at.purchase && chain.has_spend) add_purchases(chain, level, t, draws, sink, result);
    return result;
  }

  static CLVSIM_HD std::uint32_t records(const Params&) { return 1; }  // a customer

  // Tables of a view: visit(pointer, n) for each.
  template <class Visit>
  static void for_tables(Params& chain, std::uint32_t horizon, Visit&& visit) {
    TableSchedule& schedule = chain.schedule;
    ChainEventsView& events = chain.events;
    const std::uint64_t n = chain.n_positions, n_rows = n * schedule.n_tables;
    const std::uint64_t n_events = events.dwell_bits == 0 ? 0 : n;  // positions that have them
    visit(chain.positions, n);
    visit(chain.cells, n_rows << chain.column_bits);
    visit(chain.outcomes, n_rows * chain.row);
    visit(schedule.table_of, std::uint64_t{schedule.horizon} * schedule.n_segments * schedule.n_levels);
    visit(schedule.level, std::uint64_t{schedule.horizon} * schedule.n_worlds);
    visit(chain.position_of_state, chain.n_states);
    visit(chain.value, n * horizon);
    visit(chain.start_value, n);
    visit(chain.weight, horizon);
    visit(chain.spend.count_threshold, chain.has_spend ? chain.spend.n_counts - 1 : 0);
    visit(events.dwells, n_events << events.dwell_bits);
    visit(events.jumps, n_events << events.jump_bits);
    visit(events.continued, n_events);
  }

  // The value of a path from the sum of its periods'.
  static CLVSIM_HD std::int64_t path_value(const Params& chain, std::int64_t sum) {
    if (chain.extra_bits == 0) return sum;
    return (sum + (std::int64_t{1} << (chain.extra_bits - 1))) >> chain.extra_bits;
  }

 private:
  // Index of the row of the present position, over all tables.
  static CLVSIM_HD std::uint64_t row_of(const Params& chain, const State& s, std::uint32_t t, std::uint32_t path) {
    return static_cast<std::uint64_t>(chain.schedule.table(s.segment, t, path)) * chain.n_positions + s.position;
  }

  static CLVSIM_HD std::uint32_t next_position(const Params& chain, State& s, std::uint32_t t, const PathDraws& draws) {
    switch (chain.sampler) {
      case Sampler::ordered:
        return ordered_step(chain, s, t, draws);
      case Sampler::event:
        return event_step(chain, s, t, draws);
      case Sampler::alias:
        break;
    }
    return alias_step(chain, s, t, draws);
  }

  static CLVSIM_HD std::uint32_t event_step(const Params& chain, State& s, std::uint32_t t, const PathDraws& draws) {
    while (s.until == t && !s.jumps) {
      const std::uint32_t k = s.n_events++;
      if ((k & 3U) == 0) s.words = draws({Purpose::chain_event, k >> 2});
      const ChainEvent event = draw_event(chain.events, s.position, k, word(s.words, k & 3U), draws);
      s.until = t + event.dwell;
      s.jumps = event.jumps;
      if (event.jumps) {
        s.next = event.next;
      } else {
        s.position = event.next;  // what it brings is the same
      }
    }
    if (s.until != t) return s.position;
    s.until = t + 1;
    s.jumps = false;
    return s.next;
  }

  // The 16 bits of a path and period, from a block that two paths share for four periods.
  static CLVSIM_HD std::uint32_t half_word(Purpose purpose, State& s, std::uint32_t t, const PathDraws& draws) {
    const std::uint32_t pair = draws.path / 2;
    if ((t & 3U) == 0) s.words = PathDraws{draws.seed, draws.customer_hash, pair}({purpose, t >> 2});
    const std::uint32_t both = word(s.words, t & 3U);
    return (draws.path & 1U) == 0 ? both & 0xFFFF : both >> 16;
  }

  static CLVSIM_HD std::uint32_t alias_step(const Params& chain, State& s, std::uint32_t t, const PathDraws& draws) {
    const std::uint32_t x = half_word(Purpose::chain_pair, s, t, draws);
    const unsigned fraction_bits = 16 - chain.column_bits;
    const AliasCell& cell = chain.cells[(row_of(chain, s, t, draws.path) << chain.column_bits) | (x >> fraction_bits)];
    const std::uint32_t fraction = x & ((1U << fraction_bits) - 1);
    const bool own = own_column(cell, fraction, [&] { return draws({Purpose::chain_tie, t}).x; });
    return own ? cell.own : cell.alias;
  }

  static CLVSIM_HD std::uint32_t ordered_step(const Params& chain, State& s, std::uint32_t t, const PathDraws& draws) {
    const std::uint32_t x = half_word(Purpose::ordered_pair, s, t, draws);
    const OrderedOutcome* outcome = chain.outcomes + row_of(chain, s, t, draws.path) * chain.row;
    const OrderedOutcome* const last = outcome + (chain.row - 1);
    while (outcome != last && x > outcome->high) ++outcome;
    if (outcome != last && x == outcome->high) {
      const std::uint32_t y = draws({Purpose::ordered_tie, t}).x;
      while (outcome != last && x == outcome->high && y >= outcome->low) ++outcome;
    }
    return outcome->next;
  }

  // The purchases of a period that has some, in place of the amount of its outcome.
  template <class Sink>
  static CLVSIM_HD void add_purchases(const Params& chain, double level, std::uint32_t t, const PathDraws& draws,
                                      Sink& sink, PeriodOutcome& result) {
    result.n_purchases = n_purchases(chain.spend, t, draws);
    for (std::uint32_t j = 0; j < result.n_purchases; ++j) {
      const double amount = spend(chain.spend, level, t, j, draws, sink) * fixed_per_minor_unit;
      const std::int64_t fixed = round_to_fixed(amount);
      result.drawn = add_fixed(result.drawn, fixed);
      if (chain.value == nullptr) continue;
      const std::int64_t value = round_to_fixed(chain.weight[t] * amount);
      result.value = add_fixed(result.value, value);
      result.n_saturated += saturated(fixed) || saturated(value) ? 1 : 0;
    }
    result.cash = add_fixed(result.cash, result.drawn);
    result.n_saturated += saturated(result.cash) || saturated(result.value) ? 1 : 0;
  }

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
