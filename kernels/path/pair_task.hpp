// The customer's task (customer_task.hpp) for chains by Sampler::alias without drawn spend, as a GPU does it best: a
// member of the team walks a pair of paths, 2k and 2k + 1, whose steps share random words, with its tables in the
// team's memory. The same bits as the task that every model has.
//
// A step of a path, x being its 16 bits at the top of a 32-bit word, m the column bits:
//   x * 2^m = column * 2^32 + fraction             one multiplication
//   cell    = cells[column, place]                 threshold at the top | own place << 8 | alias place
//   place   = fraction < cell ? own : alias
//   value  += value[t, place]
// A place is a byte: four times the position, the offset in a table of 32-bit numbers, with the position's marks in its
// two low bits. Where fraction and threshold agree in their 16 - m bits, whatever stands below, the step is a tie: then
// the block of four periods is walked again, exactly. That is rare (2^(m-16) of steps), and tested once a block.
//
// With sums by period a member walks the same pair of several customers at once and adds up their cash before it goes
// to memory that other teams add to as well.
#pragma once

#include "kernels/path/customer_task.hpp"

#include <cstddef>
#include <cstdint>

namespace clvsim::kernels {

struct PairTask {
  static constexpr std::uint32_t max_positions = 64;
  // Customers walked at once with sums by period.
  static constexpr std::uint32_t customers_at_once = 4;
  static constexpr std::uint32_t active_mark = 1, purchase_mark = 2;
  // A 32-bit table holds amounts below this: four periods', or four customers', add up within 31 bits.
  static constexpr std::int64_t narrow_limit = std::int64_t{1} << 29;
};

// What a chain asks of the pair task. Made on the host; `possible` is false where the chain needs the general task.
struct PairShape {
  bool possible = false;
  bool wide = false;  // amounts need 64 bits
  std::uint32_t position_bits = 0;
  // Factors instead of shifts: a GPU multiplies beside what it shifts, and shifts are what the walk has too many of.
  std::uint32_t columns = 0;      // of a row
  std::uint32_t column_size = 0;  // bytes of the cells of a column
  PhiloxKeys keys;
  std::uint64_t table_bytes = 0;  // of the team's tables, with sums by period
};

// Periods, filled up to whole blocks of four: in those beyond the horizon nothing is worth anything.
CLVSIM_HD inline std::uint64_t whole_blocks(std::uint32_t horizon) { return (std::uint64_t{horizon} + 3) / 4 * 4; }

inline PairShape pair_shape(const MigrationChainView& chain, std::uint64_t seed, std::uint32_t horizon) {
  PairShape shape;
  if (chain.sampler != Sampler::alias || chain.has_spend || chain.value == nullptr) return shape;
  if (chain.schedule.table_of != nullptr || chain.n_positions > PairTask::max_positions) return shape;
  const std::uint64_t n = chain.n_positions;
  std::uint64_t largest = 0, largest_cash = 0;
  const auto note = [](std::uint64_t& most, std::uint64_t x) { most = x > most ? x : most; };
  for (std::uint64_t i = 0; i < horizon * n; ++i) note(largest, distance(chain.value[i], 0));
  for (std::uint64_t i = 0; i < n; ++i) {
    note(largest_cash, distance(chain.positions[i].cash_from, 0) + distance(chain.positions[i].cash_at, 0));
  }
  // Four of them must not overflow 64 bits either; chain tables promise that for values, not for cash.
  if (largest_cash >= static_cast<std::uint64_t>(fixed_limit) / PairTask::customers_at_once) return shape;
  shape.possible = true;
  shape.wide = (largest > largest_cash ? largest : largest_cash) >= static_cast<std::uint64_t>(PairTask::narrow_limit);
  while ((std::uint64_t{1} << shape.position_bits) < n) ++shape.position_bits;
  shape.columns = 1U << chain.column_bits;
  shape.column_size = 4U << shape.position_bits;
  shape.keys = PhiloxKeys(seed);
  const std::uint64_t amounts = (whole_blocks(horizon) + std::uint64_t{2}) * n;
  shape.table_bytes = amounts * (shape.wide ? sizeof(std::int64_t) : sizeof(std::int32_t)) +
                      (std::uint64_t{4} << (shape.position_bits + chain.column_bits));
  return shape;
}

// Tables in the team's memory. Amount is std::int32_t or std::int64_t.
template <class Amount>
struct PairTables {
  const Amount* value = nullptr;         // [whole_blocks(horizon), n_positions]
  const Amount* cash_from = nullptr;     // [n_positions]
  const Amount* cash_at = nullptr;       // [n_positions]
  const std::uint32_t* cells = nullptr;  // [columns, 2^position_bits]
};

// Element of a table at the offset of a place.
template <class T>
CLVSIM_HD_INLINE T at_place(const T* table, std::uint32_t place) {
  static_assert(sizeof(T) % 4 == 0);
  return *reinterpret_cast<const T*>(reinterpret_cast<const char*>(table) + place * (sizeof(T) / 4));
}

// The whole product of two 32-bit numbers. nvcc would widen a factor that stays the same once, and then multiply 64
// bits.
CLVSIM_HD_INLINE std::uint64_t multiply_wide(std::uint32_t a, std::uint32_t b) {
#if defined(__CUDA_ARCH__)
  std::uint64_t product = 0;
  asm("mul.wide.u32 %0, %1, %2;" : "=l"(product) : "r"(a), "r"(b));
  return product;
#else
  return static_cast<std::uint64_t>(a) * b;
#endif
}

CLVSIM_HD_INLINE std::uint32_t without_marks(std::uint32_t place) { return place & 0xFC; }

// Fills `memory` (PairShape::table_bytes, aligned as an Amount). Complete after the next barrier.
template <class Amount, class Team>
CLVSIM_HD PairTables<Amount> make_pair_tables(Team& team, const MigrationChainView& chain, std::uint32_t horizon,
                                              std::uint32_t position_bits, void* memory) {
  const std::uint32_t n = chain.n_positions;
  auto* const value = static_cast<Amount*>(memory);
  const std::uint64_t n_values = std::uint64_t{horizon} * n, n_filled = whole_blocks(horizon) * n;
  Amount* const cash_from = value + n_filled;
  Amount* const cash_at = cash_from + n;
  auto* const cells = reinterpret_cast<std::uint32_t*>(cash_at + n);
  for (std::uint64_t i = team.rank(); i < n_filled; i += team.size()) {
    value[i] = i < n_values ? static_cast<Amount>(chain.value[i]) : 0;
  }
  for (std::uint32_t i = team.rank(); i < n; i += team.size()) {
    cash_from[i] = static_cast<Amount>(chain.positions[i].cash_from);
    cash_at[i] = static_cast<Amount>(chain.positions[i].cash_at);
  }
  const auto place_of = [&](std::uint32_t position) {
    const ChainPosition& at = chain.positions[position];
    return position << 2 | (at.active ? PairTask::active_mark : 0) | (at.purchase ? PairTask::purchase_mark : 0);
  };
  for (std::uint32_t i = team.rank(); i < n << chain.column_bits; i += team.size()) {
    const std::uint32_t column = i & ((1U << chain.column_bits) - 1), position = i >> chain.column_bits;
    const AliasCell& cell = chain.cells[i];
    cells[column << position_bits | position] = static_cast<std::uint32_t>(cell.high) << (16 + chain.column_bits) |
                                                place_of(cell.own) << 8 | place_of(cell.alias);
  }
  return {value, cash_from, cash_at, cells};
}

// A pair of paths on its way.
struct PathPair {
  std::uint32_t place[2] = {};      // without marks
  std::uint32_t purchases[2] = {};  // so far
  std::int64_t value[2] = {};       // so far, with the extra bits
};

// The places of a pair after four periods, the first in the lowest byte, with marks.
struct PairTrace {
  std::uint32_t places[2] = {};

  // Of path h, in those of the four periods whose bytes stand in `periods`.
  [[nodiscard]] CLVSIM_HD_INLINE std::uint32_t purchases(unsigned h, std::uint32_t periods = ~0U) const {
    const std::uint32_t marks = places[h] & periods & 0x01010101U * PairTask::purchase_mark;
#if defined(__CUDA_ARCH__)
    return static_cast<std::uint32_t>(__popc(static_cast<int>(marks)));
#else
    return static_cast<std::uint32_t>(__builtin_popcount(marks));
#endif
  }
};

// Everything that the walk of a customer's pair needs.
template <class Amount>
struct PairWalk {
  const PairShape& shape;
  const MigrationChainView& chain;
  PairTables<Amount> tables;

  // Walks periods t to t + 3 by `words`. False where a step is a tie; nothing it returned is valid then.
  CLVSIM_HD_INLINE bool walk_four(const Words& words, std::uint32_t t, PathPair& pair, PairTrace& trace) const {
    const Amount* row = tables.value + t * chain.n_positions;
    std::uint32_t nearest = ~0U;
    Amount sum[2] = {0, 0};
    CLVSIM_UNROLL(4)
    for (unsigned q = 0; q < 4; ++q) {
      const std::uint32_t both = word(words, q);
      CLVSIM_UNROLL(2)
      for (unsigned h = 0; h < 2; ++h) {
        const std::uint64_t product = multiply_wide(h == 0 ? both << 16 : both, shape.columns);
        const auto fraction = static_cast<std::uint32_t>(product), column = static_cast<std::uint32_t>(product >> 32);
        const std::uint32_t cell = at_place(tables.cells, column * shape.column_size + pair.place[h]);
        const std::uint32_t difference = fraction ^ cell;
        nearest = difference < nearest ? difference : nearest;
        const std::uint32_t next = fraction < cell ? cell >> 8 : cell;
        pair.place[h] = without_marks(next);
        trace.places[h] = trace.places[h] >> 8 | next << 24;
        sum[h] += at_place(row, pair.place[h]);
      }
      row += chain.n_positions;
    }
    pair.value[0] += sum[0];
    pair.value[1] += sum[1];
    return nearest >> (16 + chain.column_bits) != 0;
  }

  // The same, ties and all.
  CLVSIM_HD void walk_exactly(const Words& words, std::uint32_t t, std::uint64_t hash, std::uint32_t pair_index,
                              PathPair& pair, PairTrace& trace) const {
    trace = {};
    // One step a turn, of either path in turn: its code, with the draw, stands here once.
    CLVSIM_UNROLL(1)
    for (std::uint32_t i = 0; i < 8; ++i) {
      const std::uint32_t q = i / 2, both = word(words, q);
      const bool odd = i % 2 != 0;
      const std::uint32_t x = odd ? both >> 16 : both & 0xFFFF, place = odd ? pair.place[1] : pair.place[0];
      const std::uint32_t column_bits = chain.column_bits;
      const std::uint32_t column = x >> (16 - column_bits), fraction = x & ((1U << (16 - column_bits)) - 1);
      const std::uint32_t cell = at_place(tables.cells, column * shape.column_size + place);
      const std::uint32_t threshold = cell >> (16 + column_bits);
      bool own = fraction < threshold;
      if (fraction == threshold) {
        const DrawIndex index{Purpose::chain_tie, t + q, 0, 0};
        const std::uint32_t path = 2 * pair_index + (odd ? 1 : 0);
        own = philox4x32_10(counter_of(hash, path, index), shape.keys).x <
              chain.cells[place / 4 << chain.column_bits | column].low;
      }
      const std::uint32_t next = (own ? cell >> 8 : cell) & 0xFF, now = without_marks(next);
      const std::int64_t value = at_place(tables.value + (t + q) * chain.n_positions, now);
      if (odd) {
        pair.place[1] = now;
        pair.value[1] += value;
        trace.places[1] |= next << (8 * q);
      } else {
        pair.place[0] = now;
        pair.value[0] += value;
        trace.places[0] |= next << (8 * q);
      }
    }
  }

  // Walks periods t to t + 3 of a customer's pair, t a multiple of 4.
  CLVSIM_HD_INLINE PairTrace walk(std::uint32_t t, std::uint64_t hash, std::uint32_t pair_index, PathPair& pair) const {
    const Words words = philox4x32_10(counter_of(hash, pair_index, {Purpose::chain_pair, t / 4, 0, 0}), shape.keys);
    PairTrace trace;
    PathPair walked = pair;
    if (walk_four(words, t, walked, trace)) {
      pair = walked;
    } else {
      walk_exactly(words, t, hash, pair_index, pair, trace);
    }
    for (unsigned h = 0; h < 2; ++h) pair.purchases[h] += trace.purchases(h);
    return trace;
  }
};

// Sums over the customers of a run for every path; paths vary fastest. Null without sums by period: `cash`, `marks`.
struct PairSums {
  std::uint64_t* total = nullptr;  // [paths] as PathSumsView
  std::uint64_t* cash = nullptr;   // [periods, paths] as PathSumsView::revenue
  std::uint64_t* marks = nullptr;  // [periods, paths] active | transactions << 32: one addition for both
};

struct PairShared {
  SummaryShared summary;
  std::uint64_t n_active[PairTask::customers_at_once], transactions[PairTask::customers_at_once],
      transactions_squares[PairTask::customers_at_once];
};

// Adds what n customers brought in periods t to t + n_periods - 1 on a pair of paths to the sums by period.
template <class Amount, class Team>
CLVSIM_HD_INLINE void add_periods(Team& team, const PairTables<Amount>& tables,
                                  const PathPair (&before)[PairTask::customers_at_once],
                                  const PairTrace (&trace)[PairTask::customers_at_once], std::uint32_t n,
                                  std::uint32_t t, std::uint32_t n_periods, std::uint32_t pair_index,
                                  std::uint32_t n_paths, const PairSums& sums) {
  const std::uint32_t first = 2 * pair_index;
  std::uint64_t at = static_cast<std::uint64_t>(t) * n_paths + first;
  std::uint64_t places[2][PairTask::customers_at_once];  // of five moments, the one before the periods first
  CLVSIM_UNROLL(2)
  for (unsigned h = 0; h < 2; ++h) {
    CLVSIM_UNROLL(4)
    for (unsigned k = 0; k < PairTask::customers_at_once; ++k) {
      places[h][k] = static_cast<std::uint64_t>(trace[k].places[h]) << 8 | before[k].place[h];
    }
  }
  CLVSIM_UNROLL(1)
  for (std::uint32_t q = 0; q < n_periods; ++q) {
    CLVSIM_UNROLL(2)
    for (unsigned h = 0; h < 2; ++h) {
      Amount cash = 0;
      std::uint32_t active = 0, purchases = 0;
      CLVSIM_UNROLL(4)
      for (unsigned k = 0; k < PairTask::customers_at_once; ++k) {
        if (k >= n) continue;
        const auto two = static_cast<std::uint32_t>(places[h][k]);
        cash += at_place(tables.cash_from, without_marks(two)) + at_place(tables.cash_at, without_marks(two >> 8));
        active += two >> 8 & PairTask::active_mark;
        purchases += two >> 8 & PairTask::purchase_mark;
        places[h][k] >>= 8;
      }
      if (first + h >= n_paths) continue;
      if (cash != 0) team.add_global(sums.cash[at + h], static_cast<std::uint64_t>(static_cast<std::int64_t>(cash)));
      const std::uint64_t marks = static_cast<std::uint64_t>(purchases / PairTask::purchase_mark) << 32 | active;
      if (marks != 0) team.add_global(sums.marks[at + h], marks);
    }
    at += n_paths;
  }
}

// Simulates all paths of n customers, 1 to `at_once`, and summarises them. Member by member pairs rank, rank + size,
// ... `values` [at_once, n_paths] is the team's scratch; `out` [n] and `order` [n, ranks] receive the results, complete
// after the next barrier. Every member of the team calls it, and may call it again with the same memory; it begins with
// a barrier, after which the tables are complete.
template <std::uint32_t at_once, class Amount, class Team>
CLVSIM_HD void run_pairs(Team& team, PairShared& shared, const PairShape& shape, const PairTables<Amount>& tables,
                         const RunView<MigrationChainModel>& run, const ChainCustomer* customers, std::uint32_t n,
                         const PairSums& sums, std::int64_t* values, CustomerSummary* out, std::int64_t* order) {
  constexpr bool periods = at_once > 1;
  static_assert(at_once == 1 || at_once == PairTask::customers_at_once);
  const MigrationChainView& chain = run.params;
  const PairWalk<Amount> walk{shape, chain, tables};
  if (team.rank() == 0) {
    for (std::uint32_t k = 0; k < at_once; ++k) {
      shared.n_active[k] = shared.transactions[k] = shared.transactions_squares[k] = 0;
    }
  }
  team.barrier();
  std::uint64_t hash[at_once];
  std::uint32_t start[at_once];
  std::uint64_t n_active[at_once] = {}, transactions[at_once] = {}, squares[at_once] = {};
  CLVSIM_UNROLL(4)
  for (std::uint32_t k = 0; k < at_once; ++k) {
    const ChainCustomer& customer = customers[k < n ? k : 0];
    hash[k] = customer.hash;
    start[k] = chain.position_of_state[customer.state];
  }
  const std::uint32_t n_pairs = run.n_paths / 2 + run.n_paths % 2;
  for (std::uint32_t p = team.rank(); p < n_pairs; p += team.size()) {
    PathPair pair[at_once];
    PairTrace trace[at_once];
    CLVSIM_UNROLL(4)
    for (std::uint32_t k = 0; k < at_once; ++k) {
      pair[k].place[0] = pair[k].place[1] = start[k] << 2;
      pair[k].value[0] = pair[k].value[1] = chain.start_value[start[k]];
    }
    CLVSIM_UNROLL(1)
    for (std::uint32_t t = 0; t < run.horizon; t += 4) {
      PathPair before[at_once];
      CLVSIM_UNROLL(4)
      for (std::uint32_t k = 0; k < at_once; ++k) {
        before[k] = pair[k];
        if (k < n) trace[k] = walk.walk(t, hash[k], p, pair[k]);
      }
      if constexpr (periods) {
        const std::uint32_t left = run.horizon - t, n_periods = left < 4 ? left : 4;
        add_periods(team, tables, before, trace, n, t, n_periods, p, run.n_paths, sums);
      }
    }
    const std::uint32_t last = (run.horizon - 1) % 4 * 8;  // bit of the last period's byte
    const std::uint32_t beyond = 0xFFFFFF00U << last;
    CLVSIM_UNROLL(2)
    for (unsigned h = 0; h < 2; ++h) {
      const std::uint64_t path = 2 * std::uint64_t{p} + h;
      if (path >= run.n_paths) continue;
      std::uint64_t total = 0;
      CLVSIM_UNROLL(4)
      for (std::uint32_t k = 0; k < at_once; ++k) {
        if (k >= n) continue;
        const std::int64_t value = MigrationChainModel::path_value(chain, pair[k].value[h]);
        values[k * std::uint64_t{run.n_paths} + path] = value;
        total += static_cast<std::uint64_t>(value);
        n_active[k] += trace[k].places[h] >> last & PairTask::active_mark;
        const std::uint64_t purchases = pair[k].purchases[h] - trace[k].purchases(h, beyond);
        transactions[k] += purchases;
        squares[k] += purchases * purchases;
      }
      team.add_global(sums.total[path], total);
    }
  }
  CLVSIM_UNROLL(4)
  for (std::uint32_t k = 0; k < at_once; ++k) {
    team.add_all(shared.n_active[k], n_active[k]);
    team.add_all(shared.transactions[k], transactions[k]);
    team.add_all(shared.transactions_squares[k], squares[k]);
  }
  CLVSIM_UNROLL(1)
  for (std::uint32_t k = 0; k < n; ++k) {
    summarise(team, shared.summary, values + k * std::uint64_t{run.n_paths}, run.n_paths, run.ranks, &out[k].value,
              order + k * std::uint64_t{run.ranks.n_ranks});
    if (team.rank() == 0) {
      out[k].n_active = shared.n_active[k];
      out[k].n_saturated = 0;  // the tables' amounts are bounded so
      out[k].n_exhausted = out[k].max_drawn = out[k].max_purchases = 0;
      out[k].transactions = {shared.transactions[k], 0};
      out[k].transactions_squares = {shared.transactions_squares[k], 0};
    }
  }
}

}  // namespace clvsim::kernels
