// Events of a migration chain on vector registers: kernels/models/chain_events.hpp, a path in every 16-bit lane.
//
// The paths of a tile stand in a list. A pass draws one block of words, four events, for every path of the list and
// keeps those that have not ended, close together: so every lane works, whatever the lengths of the paths, and the
// block's number is the same for all of them. An event of a register:
//   stay      = class of the words' lower halves in the rows of the positions, next of their upper halves
//   until     = min(t + stay, horizon)
//   a path's sum += rest[until, next] - rest[until, position]
// where rest is what staying in a position to the end is worth (with the counts of purchases and active paths), so that
// a path that has ended changes nothing, and one sum is all there is. The look-ups of `rest` are done one path at a
// time, by the loads that the vector units do not need: gathers are slower on many machines.
//
// For sums by period a list has a few paths of many customers, so that all that these paths add up stays in the first
// cache. An event changes what its path's position counts for from the period on in which it arrives; running sums of
// these changes are the sums.
//
// Words of the next paths are made, and sums of the last ones added to, between the events of the present ones: neither
// waits for the other. Besides what chain.hpp wants, a Simd type has
//   low_16(a, b), high_16(a, b)      16-bit lanes 2i: the lower (upper) half of a's 32-bit lane i, 2i + 1: of b's
//   Cells<n>(entries), [a]           64 n entries of 16 bits, looked up by 16-bit lanes below 64 n
//   shift_left_16(a, n), bit_or, minimum_16, maximum_16 (unsigned)
//   select_less(a, b, c, d)          16-bit lanes below 2^15: a < b ? c : d
//   select(ties, a, b)               16-bit lanes
//   bits_less_32(a, b)               which 32-bit lanes, below 2^31, are a < b
//   store_packed_32(p, a, bits)      those 32-bit lanes whose bit is set, in a row; writes a whole register
//   store_16(p, a)                   the lowest 16 bits of n_lanes 64-bit lanes, in a row
#pragma once

#include "kernels/lanes/event_tables.hpp"
#include "kernels/lanes/lanes.hpp"
#include "kernels/lanes/philox.hpp"
#include "kernels/rng/address.hpp"

#include <bit>
#include <cstddef>
#include <cstdint>

namespace clvsim::kernels {

template <class Simd>
struct EventCode {
  using Register = typename Simd::Register;
  static constexpr unsigned half = 2 * Simd::n_lanes;  // paths of a register of 32-bit lanes
  static constexpr unsigned group = 2 * half;          // paths of a register of 16-bit lanes
  static constexpr std::uint32_t tile = 4096;          // paths whose list and sums stay in the caches

  struct Tile {
    // The list: number within the tile, and position | t << 16; padded to a group with a path that has ended.
    alignas(64) std::uint32_t path[tile + group], state[tile + group];
    alignas(64) std::int64_t sum[tile + 1];  // the last is the padding's
  };

  // What four events of a group of paths add to their sums.
  template <class Paths>
  struct Additions {
    alignas(64) std::uint32_t entries[4][group];  // of `rest`: what a jump leaves | what it goes to << 16
    alignas(64) std::uint32_t path[group];
    // With sums by period: of the changes, in the order of the 16-bit lanes.
    alignas(64) std::uint16_t cells[Paths::by_period ? 4 : 1][group];

    // Of paths [first, first + n) of the group.
    template <unsigned n>
    [[gnu::always_inline]] void add(const Paths& paths, std::int64_t* sum, unsigned first) const {
      constexpr unsigned stride = Paths::entry_size;
      const std::int64_t* const rest = paths.rest;
#pragma GCC unroll 8
      for (unsigned i = first; i < first + n; ++i) {
        std::int64_t x = 0;
        [[maybe_unused]] std::int64_t before[stride];  // what the last event's position counts for
#pragma GCC unroll 4
        for (unsigned q = 0; q < 4; ++q) {
          const std::int64_t *const leaves = rest + (entries[q][i] & 0xFFFF) * stride, *const arrives =
                                                                                           rest +
                                                                                           (entries[q][i] >> 16) *
                                                                                               stride;
          x += *arrives - *leaves;
          if constexpr (Paths::by_period) {
            std::int64_t* const change = paths.changes + cells[q][i < half ? 2 * i : 2 * (i - half) + 1];
#pragma GCC unroll 2
            for (unsigned k = 1; k <= Paths::n_changes; ++k) {
              if (q == 0) before[k] = leaves[k];
              const std::int64_t after = arrives[k];
              change[k * event_tile] += after - before[k];
              before[k] = after;
            }
          }
        }
        sum[path[i]] += x;
      }
    }
  };

  // Whose paths a list has: one customer's, from first_path on,
  struct OneCustomer {
    static constexpr bool by_period = false;
    static constexpr unsigned entry_size = 1;
    const std::int64_t* rest;
    std::uint64_t hash;
    std::uint32_t first_path;

    [[gnu::always_inline]] PhiloxRounds<Simd, 2> rounds(const std::uint32_t* path, std::uint32_t block,
                                                        std::uint64_t seed) const {
      const Register first = Simd::splat(first_path);
      const Register c0[2] = {Simd::add_32(Simd::load(path), first), Simd::add_32(Simd::load(path + half), first)};
      return {c0, counter_of(hash, 0, {Purpose::chain_event, block, 0, 0}), seed};
    }
    [[gnu::always_inline]] Words tie_words(std::uint32_t path, std::uint32_t k, std::uint64_t seed) const {
      return philox4x32_10(counter_of(hash, first_path + path, {Purpose::chain_event_tie, k, 0, 0}), seed);
    }
  };

  // or event_tile paths of each of several customers, for sums by period: number customer * event_tile + path.
  static constexpr std::uint32_t list_customers = tile / event_tile;
  struct Counters {  // the last are the padding's
    std::uint64_t hash[list_customers + 1] = {};
    std::uint32_t c2[list_customers + 1] = {}, c3[list_customers + 1] = {};
  };
  template <bool has_both>
  struct ManyCustomers {
    static constexpr bool by_period = true;
    static constexpr unsigned entry_size = EventLanes::entry_size(has_both), n_changes = has_both ? 2 : 1;
    const std::int64_t* rest;  // EventLanes::rest_and_counts
    const Counters* counters;
    std::int64_t* changes;
    std::uint32_t first_path;

    [[gnu::always_inline]] PhiloxRounds<Simd, 2> rounds(const std::uint32_t* path, std::uint32_t block,
                                                        std::uint64_t seed) const {
      const Register first = Simd::splat(first_path), path_mask = Simd::splat(event_tile - 1);
      Register c0[2], c2[2], c3[2];
#pragma GCC unroll 2
      for (unsigned h = 0; h < 2; ++h) {
        const Register number = Simd::load(path + h * half);
        const Register customer = Simd::template shift_right_32<std::countr_zero(event_tile)>(number);
        c0[h] = Simd::add_32(Simd::bit_and(number, path_mask), first);
        c2[h] = Simd::gather_32(counters->c2, customer);
        c3[h] = Simd::gather_32(counters->c3, customer);
      }
      return {c0, Words{0, block << 16, 0, 0}, c2, c3, seed};
    }
    [[gnu::always_inline]] Words tie_words(std::uint32_t path, std::uint32_t k, std::uint64_t seed) const {
      return philox4x32_10(counter_of(counters->hash[path / event_tile], first_path + path % event_tile,
                                      {Purpose::chain_event_tie, k, 0, 0}),
                           seed);
    }
  };

  // Decides the ties among the paths of a group by words of their own. Inlined: a call would take every vector
  // register.
  template <class Paths>
  [[gnu::always_inline]] static void mend(const EventLanes& events, const Paths& paths, const std::uint32_t* path,
                                          std::uint32_t k, std::uint32_t tied_stays, std::uint32_t tied_jumps,
                                          Register dwell_cell, Register jump_cell, Register& stay, Register& next) {
    std::uint16_t dwell_cells[group], jump_cells[group], stays[group], nexts[group];
    Simd::store(dwell_cells, dwell_cell);
    Simd::store(jump_cells, jump_cell);
    Simd::store(stays, stay);
    Simd::store(nexts, next);
    for (std::uint32_t tied = tied_stays | tied_jumps; tied != 0; tied &= tied - 1) {
      const auto i = static_cast<unsigned>(__builtin_ctz(tied));
      const Words words = paths.tie_words(path[i / 2 + i % 2 * half], k, events.seed);
      if ((tied_stays >> i & 1U) != 0) {
        const unsigned c = dwell_cells[i];
        const std::uint32_t alias = events.dwell[c] & ((1U << events.dwell_bits) - 1);
        stays[i] = static_cast<std::uint16_t>(words.x < events.dwell_low[c] ? c >> events.position_bits : alias);
      }
      if ((tied_jumps >> i & 1U) != 0) {
        const unsigned c = jump_cells[i];
        nexts[i] = static_cast<std::uint16_t>(words.y < events.low[c] ? events.next[c] & 0xFF : events.next[c] >> 8);
      }
    }
    stay = Simd::load(stays);
    next = Simd::load(nexts);
  }

  // A pass: block `block` of every path of the list. Returns how many have not ended.
  template <unsigned n_dwell_tables, unsigned n_jump_tables, class Paths>
  [[gnu::noinline]] static std::uint32_t walk_block(const EventLanes& events, const Paths& of, std::uint32_t block,
                                                    std::uint32_t n, Tile& tile) {
    const typename Simd::template Cells<n_dwell_tables> dwell(events.dwell);
    const typename Simd::template Cells<n_jump_tables> high(events.high), next_of(events.next);
    const typename Simd::template Cells<1> continued(events.continued), ends(events.ends);
    const unsigned position_bits = events.position_bits;
    const auto mask = [](unsigned bits) { return static_cast<std::uint16_t>((1U << bits) - 1); };
    const auto columns = [&](unsigned bits) {
      return Simd::splat_16(static_cast<std::uint16_t>(mask(bits) << position_bits));
    };
    const Register dwell_columns = columns(events.dwell_bits), jump_columns = columns(events.jump_bits);
    const Register dwell_fraction = Simd::splat_16(mask(16 - events.dwell_bits)),
                   jump_fraction = Simd::splat_16(mask(16 - events.jump_bits));
    const Register longest = Simd::splat_16(mask(events.dwell_bits));
    const Register horizon = Simd::splat_16(static_cast<std::uint16_t>(events.horizon)), one = Simd::splat_16(1),
                   low_byte = Simd::splat_16(0xFF), end = Simd::splat(events.horizon << 16);
    const auto dwell_shift = Simd::shift_count(16 - events.dwell_bits - position_bits),
               jump_shift = Simd::shift_count(16 - events.jump_bits - position_bits),
               class_shift = Simd::shift_count(16 - events.dwell_bits),
               threshold_shift = Simd::shift_count(events.dwell_bits), entry_shift = Simd::shift_count(position_bits);
    const bool moves_on = events.moves_on;
    const std::uint64_t seed = events.seed;
    [[maybe_unused]] const Register in_tile = Simd::splat(event_tile - 1);
    [[maybe_unused]] const auto tile_shift = Simd::shift_count(std::countr_zero(event_tile));
    const Paths paths = of;

    Simd::store(tile.path + n, Simd::splat(EventCode::tile));
    Simd::store(tile.path + n + half, Simd::splat(EventCode::tile));
    Simd::store(tile.state + n, end);
    Simd::store(tile.state + n + half, end);

    Additions<Paths> additions[2];  // of the last group, and the present one
    additions[1] = {};
    for (std::uint32_t& path : additions[1].path) path = EventCode::tile;
    unsigned present = 0;
    WordRegisters<Simd> words[2];
    {
      PhiloxRounds<Simd, 2> rounds = paths.rounds(tile.path, block, seed);
#pragma GCC unroll 10
      for (int round = 0; round < philox::rounds; ++round) rounds.round();
      rounds.finish(words);
    }
    std::uint32_t kept = 0;
    for (std::uint32_t i = 0; i < n; i += group) {
      Additions<Paths>& now = additions[present];
      const Additions<Paths>& before = additions[1 - present];
      present = 1 - present;
      const Register path[2] = {Simd::load(tile.path + i), Simd::load(tile.path + i + half)};
      Simd::store(now.path, path[0]);
      Simd::store(now.path + half, path[1]);
      [[maybe_unused]] const Register path_in_tile =
          Simd::low_16(Simd::bit_and(path[0], in_tile), Simd::bit_and(path[1], in_tile));
      const Register state[2] = {Simd::load(tile.state + i), Simd::load(tile.state + i + half)};
      Register position = Simd::low_16(state[0], state[1]), t = Simd::high_16(state[0], state[1]);
      const std::uint32_t following = i + group < n ? i + group : i;
      PhiloxRounds<Simd, 2> rounds = paths.rounds(tile.path + following, block, seed);
#pragma GCC unroll 4
      for (unsigned q = 0; q < 4; ++q) {
        rounds.round();
        rounds.round();
        if (q % 2 == 1) rounds.round();
        const Register x = Simd::low_16(words[0].word[q], words[1].word[q]),
                       y = Simd::high_16(words[0].word[q], words[1].word[q]);
        const Register dwell_cell = Simd::and_or(Simd::shift_right_16(x, dwell_shift), dwell_columns, position);
        const Register jump_cell = Simd::and_or(Simd::shift_right_16(y, jump_shift), jump_columns, position);
        const Register stay_entry = dwell[dwell_cell], jump_threshold = high[jump_cell];
        const Register stay_threshold = Simd::shift_right_16(stay_entry, threshold_shift);
        const Register stay_fraction = Simd::bit_and(x, dwell_fraction), fraction = Simd::bit_and(y, jump_fraction);
        Register stay = Simd::select_less(stay_fraction, stay_threshold, Simd::shift_right_16(x, class_shift),
                                          Simd::bit_and(stay_entry, longest));
        Register next = Simd::bit_and(Simd::choose(fraction, jump_threshold, next_of[jump_cell]), low_byte);
        const auto tied_stays = Simd::ties(stay_fraction, stay_threshold),
                   tied_jumps = Simd::ties(fraction, jump_threshold);
        if (Simd::any(Simd::merge(tied_stays, tied_jumps))) [[unlikely]] {
          mend(events, paths, now.path, 4 * block + q, Simd::bits(tied_stays), Simd::bits(tied_jumps), dwell_cell,
               jump_cell, stay, next);
        }
        const auto continues = Simd::ties(stay, longest);
        next = Simd::select(continues, moves_on ? continued[position] : position, next);
        const Register until = Simd::minimum_16(Simd::add_16(t, stay), horizon);
        const Register row = Simd::shift_left_16(until, entry_shift);
        const Register from = Simd::bit_or(row, position), to = Simd::bit_or(row, next);
        Simd::store(now.entries[q], Simd::low_16(from, to));
        Simd::store(now.entries[q] + half, Simd::high_16(from, to));
        if constexpr (Paths::by_period) {
          Simd::store(now.cells[q], Simd::bit_or(Simd::shift_left_16(until, tile_shift), path_in_tile));
        }
        position = next;
        t = Simd::select(continues, until, Simd::add_16(until, one));
        before.template add<group / 4>(paths, tile.sum, q * (group / 4));
      }
      rounds.finish(words);
      t = Simd::maximum_16(t, ends[position]);
      const Register left[2] = {Simd::low_16(position, t), Simd::high_16(position, t)};
#pragma GCC unroll 2
      for (unsigned h = 0; h < 2; ++h) {
        const std::uint32_t bits = Simd::bits_less_32(left[h], end);
        Simd::store_packed_32(tile.path + kept, path[h], bits);
        Simd::store_packed_32(tile.state + kept, left[h], bits);
        kept += static_cast<std::uint32_t>(__builtin_popcount(bits));
      }
    }
    additions[1 - present].template add<group>(paths, tile.sum, 0);
    return kept;
  }

  // Of a path that stands in its first position: the sum before the first event.
  [[gnu::always_inline]] static std::int64_t start_sum(const EventLanes& events, const ChainPaths& paths) {
    return paths.start_value * (std::int64_t{1} << events.count_bits) + events.rest[paths.start];
  }

  // The results of paths [at, at + n) of a customer from their sums.
  [[gnu::always_inline]] static void finish(const EventLanes& events, const ChainPaths& paths, std::uint32_t at,
                                            std::uint32_t n, const std::int64_t* sums) {
    const Register counting = Simd::splat_64(1);
    for (std::uint32_t i = 0; i < n; i += Simd::n_lanes) {
      const Register sum = Simd::load(sums + i);
      Simd::store(paths.values + at + i, Simd::shift_right_64(sum, events.count_bits + events.extra_bits));
      Simd::store_16(paths.active + at + i, Simd::bit_and(sum, counting));
      if (events.count_bits != 1) {
        Simd::store_16(paths.purchases + at + i, Simd::template shift_right_64_by<1>(sum));
      }
    }
  }

  // Adds n paths of a customer, numbers first to first + n - 1, to a list of `kept`, unless they end where they begin;
  // returns how many it then has.
  [[gnu::always_inline]] static std::uint32_t add_paths(const EventLanes& events, const ChainPaths& paths,
                                                        std::uint32_t first, std::uint32_t n, std::uint32_t kept,
                                                        Tile& tile) {
    const Register sum = Simd::splat_64(start_sum(events, paths));
    for (std::uint32_t i = 0; i < n; i += Simd::n_lanes) Simd::store(tile.sum + first + i, sum);
    if (events.ends[paths.start] != 0) return kept;
    for (std::uint32_t i = 0; i < n; i += half) {
      for (unsigned j = 0; j < half; ++j) tile.path[kept + i + j] = first + i + j;
      Simd::store(tile.state + kept + i, Simd::splat(paths.start));
    }
    return kept + n;
  }

  template <unsigned n_dwell_tables, unsigned n_jump_tables>
  static void walk(const EventLanes& events, const ChainPaths* customers, std::size_t n_customers) {
    Tile tile;
    for (std::size_t c = 0; c < n_customers; ++c) {
      const ChainPaths& customer = customers[c];
      for (std::uint32_t first = 0; first < customer.n_paths; first += EventCode::tile) {
        const std::uint32_t n = customer.n_paths - first < EventCode::tile ? customer.n_paths - first : EventCode::tile;
        std::uint32_t left = add_paths(events, customer, 0, n, 0, tile);
        const OneCustomer paths{events.rest, customer.hash, customer.first_path + first};
        for (std::uint32_t block = 0; left != 0; ++block) {
          left = walk_block<n_dwell_tables, n_jump_tables>(events, paths, block, left, tile);
        }
        finish(events, customer, first, n, tile.sum);
      }
    }
  }

  template <unsigned n_dwell_tables, unsigned n_jump_tables, bool has_both>
  static void walk_periods(const EventLanes& events, const ChainPaths* customers, std::size_t n_customers) {
    Tile tile;
    Counters counters;
    std::int64_t* const changes = customers->changes;
    const ManyCustomers<has_both> paths{events.rest_and_counts, &counters, changes, customers->first_path};
    std::int64_t at = 0, from = 0;
    for (std::size_t c = 0; c < n_customers; c += list_customers) {
      const auto n = static_cast<std::uint32_t>(n_customers - c < list_customers ? n_customers - c : list_customers);
      std::uint32_t left = 0;
      for (std::uint32_t i = 0; i < n; ++i) {
        const ChainPaths& customer = customers[c + i];
        const Words counter = counter_of(customer.hash, 0, {Purpose::chain_event, 0, 0, 0});
        counters.hash[i] = customer.hash;
        counters.c2[i] = counter.z;
        counters.c3[i] = counter.w;
        const std::int64_t* const counts = paths.rest + customer.start * paths.entry_size;
        at += counts[1];
        if (has_both) from += counts[2];
        left = add_paths(events, customer, i * event_tile, event_tile, left, tile);
      }
      for (std::uint32_t block = 0; left != 0; ++block) {
        left = walk_block<n_dwell_tables, n_jump_tables>(events, paths, block, left, tile);
      }
      for (std::uint32_t i = 0; i < n; ++i) finish(events, customers[c + i], 0, event_tile, tile.sum + i * event_tile);
    }
    for (std::uint32_t p = 0; p < event_tile; ++p) {
      changes[p] += at;
      if (has_both) changes[event_tile + p] += from;
    }
  }

  template <unsigned n_dwell_tables, unsigned n_jump_tables>
  static void walk_shape(const EventLanes& events, const ChainPaths* customers, std::size_t n, LaneOutputs outputs) {
    auto* walk_all = walk<n_dwell_tables, n_jump_tables>;
    if (outputs == LaneOutputs::periods) {
      walk_all = events.has_both ? walk_periods<n_dwell_tables, n_jump_tables, true>
                                 : walk_periods<n_dwell_tables, n_jump_tables, false>;
    }
    walk_all(events, customers, n);
  }

  static void walk_events(const EventLanes& events, const ChainPaths* customers, std::size_t n, LaneOutputs outputs) {
    auto* shape = walk_shape<0, 0>;
    if (events.n_dwell_tables <= 4 && events.n_jump_tables == 1) {
      shape = walk_shape<4, 1>;
    } else if (events.n_dwell_tables <= 8 && events.n_jump_tables <= 4) {
      shape = walk_shape<8, 4>;
    }
    if (n != 0) shape(events, customers, n, outputs);
  }

  static void add_events(const EventLanes& events, std::int64_t* changes, std::size_t stride, std::int64_t* cash,
                         std::uint32_t* active, std::uint32_t* purchases) {
    const bool has_purchases = events.count_bits != 1;
    std::int64_t sum[event_tile];  // after the period before
    for (std::uint32_t p = 0; p < event_tile; ++p) sum[p] = changes[p];
    for (std::uint32_t t = 0; t < events.horizon; ++t) {
      const std::int64_t* const change = changes + (t + 1) * event_tile;
      std::int64_t* const to_cash = cash + t * stride;
      std::uint32_t *const to_active = active + t * stride, *const to_purchases = purchases + t * stride;
      for (std::uint32_t p = 0; p < event_tile; ++p) {
        const std::int64_t after = sum[p] + change[p];
        to_cash[p] += (events.cash_is_of_next ? sum[p] : after) >> EventLanes::cash_shift;
        to_active[p] += static_cast<std::uint32_t>(after & 0xFF);
        if (has_purchases) to_purchases[p] += static_cast<std::uint32_t>(after >> 8 & 0xFF);
        sum[p] = after;
      }
    }
    for (std::size_t i = 0; i < (events.horizon + std::size_t{3}) * event_tile; ++i) changes[i] = 0;
  }
};

}  // namespace clvsim::kernels
