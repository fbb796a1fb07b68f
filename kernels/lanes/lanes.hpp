// The engine's vector code, once for every instruction set; one program holds all of them and chooses when it runs.
#pragma once

#include "kernels/math/wide.hpp"
#include "kernels/models/list.hpp"
#include "kernels/path/customer_task.hpp"
#include "kernels/rng/philox.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

namespace clvsim::kernels {

struct EventLanes;
struct SpendEntry;
struct LogGammaSampler;
struct PathDraws;
struct DrawIndex;

// What a walk is asked for beside the values of the paths.
enum class LaneOutputs : std::uint8_t {
  values,
  counts,   // and the purchases of every path
  periods,  // and sums over customers for every path and period
  // Of a chain whose purchases are drawn, instead of counts:
  drawn,          // which paths buy in which period, for draw_spend
  drawn_periods,  // and sums over customers, of what is not drawn
};

// Alias rows in the form that the vector code looks up. A cell is a position and a column of its row, and a level of
// the world where tables depend on one: level << cell_bits | column << position_bits | position.
struct CellTable {
  static constexpr unsigned max_cells = 256;
  std::uint16_t high[max_cells] = {};  // threshold of a cell: the part that is compared with the fraction
  std::uint16_t next[max_cells] = {};  // next position: the cell's own | its alias << 8
  std::uint32_t low[max_cells] = {};   // threshold of a cell: its lower 32 bits, for ties
};

// A migration chain in the form that the vector code walks (kernels/lanes/tables.hpp makes it).
struct ChainLanes {
  static constexpr unsigned max_positions = 256;
  static constexpr unsigned limb_bits = 27;  // of the lower of two limbs of money, which is never negative

  std::uint64_t seed = 0;
  std::uint32_t horizon = 0;
  std::uint32_t n_limbs = 1;          // 32-bit numbers that hold an amount: 1, or 2 (lower, upper); 0: all are 0
  std::uint32_t n_cell_tables = 1;    // of 64 cells: 1, 2 or 4, in registers; 0: in memory
  std::uint32_t n_value_tables = 1;   // of 16 positions: 1, 2 or 4; 4 or 16 where cells are in memory
  std::uint32_t blocks_a_sum = 1;     // blocks of four periods whose values 32 bits hold
  std::uint32_t customers_a_sum = 1;  // customers whose cash of a period 32 bits hold, and their marks 8 bits each
  bool has_cash_from = true, has_cash_at = true, has_purchases = true;  // whether any is not 0
  unsigned extra_bits = 0;    // of `value` below the fixed point of the results
  unsigned column_shift = 0;  // of 16 random bits, to the column's place in a cell
  std::uint16_t column_mask = 0, fraction_mask = 0, cell_mask = 0;
  const CellTable* tables = nullptr;        // in registers
  const std::uint32_t* cells = nullptr;     // in memory: [tables, n_cells] high << 16 | next
  const std::uint32_t* low = nullptr;       // [tables, n_cells]
  std::size_t n_cells = 0;                  // of a table in memory
  const std::uint16_t* table_of = nullptr;  // [segments, horizon]; null: the first table, always
  const std::uint16_t* levels = nullptr;    // [horizon, level_stride] << cell_bits, of every path; null: 0
  std::size_t level_stride = 0;
  std::uint16_t marks[max_positions] = {};        // active | purchase << 8
  std::int32_t cash_from[2][max_positions] = {};  // [limb] a period that begins in a position, undiscounted
  std::int32_t cash_at[2][max_positions] = {};    // [limb] an arrival
  const std::int32_t* value = nullptr;            // [horizon, n_limbs, 16 n_value_tables] of a position after a period
};

// Paths of one customer, and where their results go.
struct ChainPaths {
  std::uint64_t hash = 0;
  std::int64_t start_value = 0;  // with the extra bits; half a unit is added to it, so that the sum is rounded
  std::uint32_t start = 0;       // position
  std::uint32_t segment = 0;
  std::uint32_t first_path = 0;        // a multiple of lane_paths
  std::uint32_t n_paths = 0;           // a multiple of lane_paths
  std::int64_t* values = nullptr;      // [n_paths]
  std::uint16_t* active = nullptr;     // [n_paths] 1 where active after the last period
  std::uint16_t* purchases = nullptr;  // [n_paths]; for LaneOutputs::counts and periods
  // For LaneOutputs::drawn and drawn_periods: [horizon, bought_stride] a bit for every path of a register, set where
  // it buys (LaneKernels::n_register_paths).
  std::uint32_t* bought = nullptr;
  std::size_t bought_stride = 0;
  // For LaneOutputs::periods and drawn_periods, of `tile` = n_paths paths, added to:
  std::uint32_t tile = 0;
  std::int32_t* cash = nullptr;    // [horizon, n_limbs, tile]: first the even paths, then the odd ones
  std::uint16_t* marks = nullptr;  // [horizon, tile]
  // The same of events, of n_paths = event_tile paths: what changes after every period, from before the first on.
  std::int64_t* changes = nullptr;  // [horizon + 3, event_tile]
};
// Paths that every instruction set can walk at once: counts of paths are multiples of it; of lane_tile for
// LaneOutputs::periods and drawn_periods, whose sums are meant to stay in a core's first cache.
inline constexpr std::uint32_t lane_paths = 128, lane_tile = 64, event_tile = 32;

// The drawn spend of a chain (kernels/lanes/tables.hpp).
struct SpendLanes {
  // Beyond this, fixed point, an amount is left to the reference.
  static constexpr double amount_limit = 2251799813685248.0;  // 2^51
  static constexpr std::uint32_t max_paths = 2048;            // at once

  std::uint64_t seed = 0;
  std::uint32_t horizon = 0;
  const SpendEntry* entry = nullptr;
  const double* weight = nullptr;  // [horizon]
};

// What draw_spend works with: periods of paths that have purchases, before they are added to the paths.
struct SpendScratch {
  static constexpr std::size_t capacity = 2048, padding = 64;
  std::uint32_t key[capacity + padding], n_purchases[capacity + padding];  // period << 16 | path
  std::int64_t drawn[capacity + padding], value[capacity + padding];       // fixed point
  // Those of them that have one more.
  std::uint32_t more[capacity + padding], more_key[capacity + padding];
  std::int64_t more_drawn[capacity + padding], more_value[capacity + padding];
  double level[SpendLanes::max_paths];
};

// Paths of one customer whose purchases are drawn.
struct SpendPaths {
  std::uint64_t hash = 0;
  double level_mean = 0, level_sd = 0;
  std::uint32_t first_path = 0;
  std::uint32_t n_paths = 0;              // a multiple of lane_tile, at most SpendLanes::max_paths
  std::uint32_t n_wanted = 0;             // of them; the others are padding
  const std::uint32_t* bought = nullptr;  // as in ChainPaths
  std::size_t bought_stride = 0;
  std::int64_t* values = nullptr;      // [n_paths] added to
  std::uint16_t* purchases = nullptr;  // [n_paths] set
  // Sums by period, added to; null where they are not wanted. Period t of path p: [t * stride + p].
  std::int64_t* revenue = nullptr;
  std::uint32_t* transactions = nullptr;
  std::size_t stride = 0;
  SpendScratch* scratch = nullptr;
};

// Of values: their sum is meant to fit 64 bits.
struct LaneRange {
  std::int64_t min = 0, max = 0, sum = 0;
  std::uint64_t n_nonpositive = 0;
};
struct LaneCentre {
  std::int64_t min = 0;
  double offset = 0, fraction = 0;  // the mean is min + offset + fraction
  double inverse_reach = 0;
};
struct LaneMoments {
  u128 squares = 0;  // of value - min
  u128 fourth = 0;   // as in ValueSummary
};
struct LaneShortfall {
  std::uint64_t sum = 0;  // of max(0, tail - key)
  u128 squares = 0;
};

// kernels/math/elementary.hpp over arrays of n numbers, n a multiple of lane_numbers.
struct LaneMath {
  using Function = void (*)(const double* x, std::size_t n, double* out);
  Function log, exp, log1p, softplus;
  void (*normal_32)(const std::uint32_t* words, std::size_t n, double* out);
  void (*normal_52)(const std::uint64_t* bits, std::size_t n, double* out);  // 52 bits each
  Function log_gamma;                                                        // kernels/math/log_gamma.hpp
  // Draws of paths first.path + i, i below n, by kernels/math/gamma_draws.hpp; returns how many were exhausted.
  std::uint32_t (*log_gamma_draws)(const LogGammaSampler& law, const PathDraws& first, const DrawIndex& index,
                                   std::size_t n, double* out);
};
inline constexpr std::size_t lane_numbers = 16;

// Walks all paths of a customer, one after the other: a model's own source (kernels/path/customer_task.hpp). Returns a
// bound of the magnitude of their values. Null where another instruction set's is as fast, and of chains.
template <class Model>
using PathWalker = std::uint64_t (*)(const RunView<Model>& run, const typename Model::Customer& customer,
                                     const PathSumsView& sums, std::int64_t* values, PathTotals& totals);

// What is compiled once for every instruction set. All of them give the same bits.
struct LaneKernels {
  const char* name;              // "avx512", "avx2", "scalar"
  std::size_t n_counters;        // that are worked on at once
  std::size_t n_register_paths;  // whose bits stand in one word of ChainPaths::bought

  // words[w * n + i] = word w of the block of counter {first.x + i, first.y, first.z, first.w}, i in 0 .. n - 1; n is a
  // multiple of n_counters.
  void (*random_words)(Words first, std::uint64_t seed, std::size_t n, std::uint32_t* words);

  // Exclusive or of the words of counters {i, b, 0, 0}, i below n_counters, b below n_blocks: the generator alone, its
  // words kept in registers. Its rate is the limit that `clvsim bench` measures the engine by.
  std::uint32_t (*fold_words)(std::uint64_t seed, std::uint32_t n_blocks);

  // Walks the paths of n customers.
  void (*walk_chain)(const ChainLanes& chain, const ChainPaths* customers, std::size_t n, LaneOutputs outputs);

  // Draws what the paths of a customer buy. Returns the largest magnitude of what a period of a path draws, fixed
  // point. For customers whose amounts stay below the limit (spend_fits).
  std::uint64_t (*draw_spend)(const SpendLanes& spend, const SpendPaths& paths);

  // Walks the events of the paths of n customers (kernels/lanes/event_tables.hpp). Paths' purchases are written where
  // the chain has some. For LaneOutputs::periods the customers' paths and what their changes are added to are the same.
  void (*walk_events)(const EventLanes& events, const ChainPaths* customers, std::size_t n, LaneOutputs outputs);

  BehaviourModels::Each<PathWalker> walk_paths;

  // Passes over values [n] whose distances from the smallest, the keys, fit 32 bits; kernels/lanes/summary.hpp puts
  // them together. n is below 2^31.
  void (*range)(const std::int64_t* values, std::size_t n, LaneRange& range);
  void (*moments)(const std::int64_t* values, std::size_t n, const LaneCentre& centre, std::uint32_t* keys,
                  LaneMoments& moments);
  void (*shortfall)(const std::uint32_t* keys, std::size_t n, std::uint32_t tail, LaneShortfall& shortfall);
  void (*add)(const std::int64_t* values, std::size_t n, std::int64_t* sums);  // to sums, modulo 2^64
  // Copies the keys [n] whose bin, key >> shift, has its bit set in bins [64] to `out`, which has room for n; returns
  // how many. Keys are below 2^11 << shift.
  std::size_t (*collect)(const std::uint32_t* keys, std::size_t n, unsigned shift, const std::int32_t* bins,
                         std::uint32_t* out);
  // Sum of counts [n], and of their squares.
  void (*count)(const std::uint16_t* counts, std::size_t n, std::uint64_t& sum, std::uint64_t& squares);
  // Adds the sums of a tile (ChainPaths) to sums by period of 64 and 32 bits, whose periods are `stride` apart, and
  // clears them.
  void (*add_tile)(const ChainLanes& chain, const ChainPaths& tile, std::size_t stride, std::int64_t* cash,
                   std::uint32_t* active, std::uint32_t* purchases);
  // The same for the changes of events.
  void (*add_events)(const EventLanes& events, std::int64_t* changes, std::size_t stride, std::int64_t* cash,
                     std::uint32_t* active, std::uint32_t* purchases);

  LaneMath math;
};

// Those that this machine can run, the fastest first; the last is "scalar".
[[nodiscard]] std::span<const LaneKernels* const> lane_kernels();

}  // namespace clvsim::kernels
