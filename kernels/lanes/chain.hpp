// Paths of a migration chain on vector registers: the steps of kernels/models/migration_chain.hpp (Sampler::alias),
// 16 bits a path and step.
//
// A register holds paths in a row, one in each 16-bit lane, the even ones in the low halves of the 32-bit lanes. Word
// t % 4 of a block decides step t of a pair of paths. A step of a register:
//   cell      = column of the draw | position   (tables have 2^(column_bits + position_bits) cells, kept in registers)
//   threshold = high[cell], next = own | alias << 8
//   position  = fraction of the draw < threshold ? own : alias
// A fraction equal to its threshold (one draw in 2^(16 - column_bits)) is a tie, which another word decides; the path's
// lane is then mended. What a position is worth in a period is looked up as an integer and added. A chain of more cells
// than registers hold is looked up in memory, where a cell is one 32-bit word (ChainLanes::cells).
//
// Besides what philox.hpp wants, a Simd type has
//   shift_right_16(a, n), shift_right_32(a, n)       logical, of 16-bit and 32-bit lanes
//   bit_and(a, b), and_or(a, b, c)                   a & b | c
//   add_16, add_32, add_64
//   splat_16(x)                                      in every 16-bit lane
//   Table16<n>(entries), [a]                         64 n entries of 16 bits, looked up by the low bits of 16-bit lanes
//   SmallTable16(entries), [a]                       32 entries of 16 bits
//   Table32<n>(entries), [a]                         16 n entries of 32 bits, looked up by the low bits of 32-bit lanes
//   gather_32(entries, a)                            entries[a] of 32-bit lanes
//   choose(fraction, threshold, next)                16-bit lanes: fraction < threshold ? next : next >> 8
//   Ties, ties(fraction, threshold), merge, any, bits  which 16-bit lanes are equal
//   low_64(a), high_64(a)                            sign-extended lower and upper half of the 32-bit lanes
//   shift_right_64(a, n)                             arithmetic
//   interleave_64(even, odd, first, second)          even[0], odd[0], even[1], ... in two registers
//   load(p), store(p, a)                             a whole register, anywhere
#pragma once

#include "kernels/lanes/lanes.hpp"
#include "kernels/lanes/philox.hpp"
#include "kernels/rng/address.hpp"

#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace clvsim::kernels {

// How much of the state space the tables of a kernel hold, and whether they change: by segment and period, and, where
// they hold 256 cells, by path as well.
template <unsigned cell_tables, unsigned value_tables, bool changing>
struct LaneShape {
  static constexpr bool tables_change = changing;
  static constexpr unsigned n_cell_tables = cell_tables;    // of 64 cells; 0: in memory
  static constexpr unsigned n_value_tables = value_tables;  // of 16 positions
};

// The cells of table i of a chain, looked up by 16-bit lanes: in registers,
template <class Simd, unsigned n_tables>
struct CellLookup {
  using Register = typename Simd::Register;
  typename Simd::template Table16<n_tables> high, next;
  [[gnu::always_inline]] CellLookup(const ChainLanes& chain, std::size_t i)
      : high(chain.tables[i].high), next(chain.tables[i].next) {}
  [[gnu::always_inline]] void look_up(Register cell, Register& threshold, Register& then) const {
    threshold = high[cell];
    then = next[cell];
  }
  // What stands above a position in its lane does not matter for an index into 256 cells or fewer.
  [[gnu::always_inline]] static Register clean(Register position) { return position; }
};
// or in memory.
template <class Simd>
struct CellLookup<Simd, 0> {
  using Register = typename Simd::Register;
  const std::uint32_t* cells;
  [[gnu::always_inline]] CellLookup(const ChainLanes& chain, std::size_t i) : cells(chain.cells + i * chain.n_cells) {}
  [[gnu::always_inline]] void look_up(Register cell, Register& threshold, Register& then) const {
    const Register low_half = Simd::splat(0x0000FFFF), high_half = Simd::splat(0xFFFF0000);
    const Register even = Simd::gather_32(cells, Simd::bit_and(cell, low_half));
    const Register odd = Simd::gather_32(cells, Simd::template shift_right_32<16>(cell));
    threshold = Simd::and_or(odd, high_half, Simd::template shift_right_32<16>(even));
    then = Simd::and_or(even, low_half, Simd::template shift_left_32<16>(odd));
  }
  [[gnu::always_inline]] static Register clean(Register position) {
    return Simd::bit_and(position, Simd::splat_16(0x00FF));
  }
};

template <class Simd>
struct ChainCode {
  using Register = typename Simd::Register;
  static constexpr unsigned n_wide = Simd::n_lanes;     // 64-bit lanes of a register
  static constexpr unsigned group = 4 * Simd::n_lanes;  // paths of a register

  // Decides the ties among the paths of a register by words of their own. Inlined: a call would take every vector
  // register away from the loop that it stands in.
  template <class Shape>
  [[gnu::always_inline]] static Register mend(const ChainLanes& chain, std::size_t table, std::uint64_t hash,
                                              std::uint32_t first_path, std::uint32_t t, std::uint32_t tied,
                                              Register cell, Register position) {
    std::uint16_t cells[group], positions[group];
    Simd::store(cells, cell);
    Simd::store(positions, position);
    for (; tied != 0; tied &= tied - 1) {
      const auto i = static_cast<unsigned>(__builtin_ctz(tied));
      const std::size_t c = cells[i] & chain.cell_mask, at = table * chain.n_cells + c;
      const DrawIndex index{Purpose::chain_tie, t, 0, 0};
      const Words words = philox4x32_10(counter_of(hash, first_path + i, index), chain.seed);
      const std::uint32_t low = Shape::n_cell_tables == 0 ? chain.low[at] : chain.tables[table].low[c];
      const std::uint32_t next = Shape::n_cell_tables == 0 ? chain.cells[at] : chain.tables[table].next[c];
      positions[i] = static_cast<std::uint16_t>((words.x < low ? next : next >> 8) & 0xFF);
    }
    return Simd::load(positions);
  }

  // Adds what `table` holds for the positions of a register to sums of the even and of the odd paths; `upper` is the
  // register with the odd paths moved down.
  template <class Table>
  [[gnu::always_inline]] static void add_looked_up(const Table& table, Register position, Register upper,
                                                   Register& even, Register& odd) {
    even = Simd::add_32(even, table[position]);
    odd = Simd::add_32(odd, table[upper]);
  }

  // A register of paths of a customer.
  struct Unit {
    const ChainPaths* paths;
    std::uint32_t at;  // of the first, within paths
  };

  // Walks n_rounds times n_groups registers of paths, unit(round, g) for each, over the whole horizon. While a block of
  // four periods is walked, the words of the next are made. With sums by period, the units of a round are the same
  // paths of several customers, whose cash is added up before it goes to memory.
  template <class Shape, unsigned n_limbs, LaneOutputs outputs, unsigned n_groups, class UnitOf>
  [[gnu::always_inline]] static void walk_units(const ChainLanes& chain, std::size_t n_rounds, const UnitOf& unit) {
    constexpr bool drawn = outputs == LaneOutputs::drawn || outputs == LaneOutputs::drawn_periods;
    constexpr bool periods = outputs == LaneOutputs::periods || outputs == LaneOutputs::drawn_periods;
    constexpr bool counts = outputs == LaneOutputs::counts || outputs == LaneOutputs::periods;
    constexpr unsigned n_sums = n_limbs == 0 ? 1 : n_limbs;  // an array has an element
    using Cells = CellLookup<Simd, Shape::n_cell_tables>;
    using Values = typename Simd::template Table32<Shape::n_value_tables>;
    constexpr unsigned n_values = 16 * Shape::n_value_tables;
    const Cells only(chain, 0);                                   // where tables do not change
    constexpr bool table_each = Shape::tables_change && periods;  // a round has several customers, of any segment
    const std::conditional_t<Shape::n_value_tables <= 2, typename Simd::SmallTable16,
                             typename Simd::template Table16<Shape::n_value_tables <= 4 ? 1 : 4>>
        marks(chain.marks);
    const Register column_mask = Simd::splat_16(chain.column_mask), fraction_mask = Simd::splat_16(chain.fraction_mask);
    const auto column_shift = Simd::shift_count(chain.column_shift);
    const Register buys = Simd::splat_16(0x0100);  // of marks
    const std::uint64_t seed = chain.seed;
    const std::uint32_t horizon = chain.horizon, n_blocks = (horizon + 3) / 4, blocks_a_sum = chain.blocks_a_sum;
    const bool has_cash_from = chain.has_cash_from, has_cash_at = chain.has_cash_at,
               has_purchases = chain.has_purchases;
    const auto set_counters = [&](std::size_t round, std::uint32_t block, Words(&counters)[n_groups])
        __attribute__((always_inline)) {
#pragma GCC unroll 4
      for (unsigned g = 0; g < n_groups; ++g) {
        const Unit u = unit(round, g);
        counters[g] = counter_of(u.paths->hash, (u.paths->first_path + u.at) / 2, {Purpose::chain_pair, block, 0, 0});
      }
    };
    if (n_rounds == 0) return;
    Words counters[n_groups];
    WordRegisters<Simd> words[n_groups];
    set_counters(0, 0, counters);
    philox4x32_10(counters, seed, words);

    for (std::size_t round = 0; round < n_rounds; ++round) {
      {
        Unit units[n_groups];
        for (unsigned g = 0; g < n_groups; ++g) units[g] = unit(round, g);
        Register position[n_groups], upper[n_groups], purchases[n_groups];
        Register even[n_groups][n_sums], odd[n_groups][n_sums];
        // Sums of 64 bits, to which those of 32 are added before they can overflow.
        alignas(64) std::int64_t wide[n_groups][n_sums][2][2 * n_wide];
        std::uint32_t* bought[n_groups];
#pragma GCC unroll 4
        for (unsigned g = 0; g < n_groups; ++g) {
          position[g] = Simd::splat_16(static_cast<std::uint16_t>(units[g].paths->start));
          upper[g] = Simd::template shift_right_32<16>(position[g]);
          purchases[g] = Simd::splat(0);
          if constexpr (drawn) bought[g] = units[g].paths->bought + units[g].at / group;
#pragma GCC unroll 2
          for (unsigned l = 0; l < n_sums; ++l) {
            even[g][l] = odd[g][l] = Simd::splat(0);
            for (unsigned h = 0; h < 2; ++h) {
              Simd::store(wide[g][l][h], Simd::splat(0));
              Simd::store(wide[g][l][h] + n_wide, Simd::splat(0));
            }
          }
        }

        const std::int32_t* value = chain.value;
        const std::size_t tile = units[0].paths->tile;
        std::int32_t* cash = units[0].paths->cash + units[0].at / 2;
        std::uint16_t* mark_sums = units[0].paths->marks + units[0].at;
        // Of the positions where the paths stand, to the period's sums.
        const auto add_cash = [&](const std::int32_t(&amounts)[2][ChainLanes::max_positions])
            __attribute__((always_inline)) {
#pragma GCC unroll 2
          for (unsigned l = 0; l < n_limbs; ++l) {
            std::int32_t* const sums = cash + l * tile;
            Register e = Simd::load(sums), o = Simd::load(sums + tile / 2);
            const Values table(amounts[l]);
#pragma GCC unroll 4
            for (unsigned g = 0; g < n_groups; ++g) add_looked_up(table, position[g], upper[g], e, o);
            Simd::store(sums, e);
            Simd::store(sums + tile / 2, o);
          }
        };
        std::uint32_t blocks_left = blocks_a_sum, t = 0;
        for (std::uint32_t block = 1; block <= n_blocks; ++block) {
          const bool last = block == n_blocks;
          if (last) {
            // After the last round nothing comes, and it may be its own words.
            set_counters(round + 1 < n_rounds ? round + 1 : round, 0, counters);
          } else {
#pragma GCC unroll 4
            for (unsigned g = 0; g < n_groups; ++g) counters[g].y = block << 16;
          }
          PhiloxRounds<Simd, n_groups> rounds(counters, seed);
#pragma GCC unroll 4
          for (unsigned q = 0; q < 4; ++q) {
            // 2 + 3 + 2 + 3 rounds.
            rounds.round();
            rounds.round();
            if (q % 2 == 1) rounds.round();
            if (t == horizon) continue;
            if constexpr (periods) {
              if (has_cash_from) add_cash(chain.cash_from);
            }
            Register cell[n_groups];
            typename Simd::Ties tied[n_groups];
            std::size_t table_at[n_groups];
            const auto table_of = [&](const ChainPaths& paths) __attribute__((always_inline))->std::size_t {
              if constexpr (!Shape::tables_change) return 0;
              if (Shape::n_cell_tables == 0 && chain.table_of == nullptr) return 0;
              return chain.table_of[std::size_t{paths.segment} * horizon + t];
            };
            const auto step = [&](const Cells& shared) __attribute__((always_inline)) {
#pragma GCC unroll 4
              for (unsigned g = 0; g < n_groups; ++g) {
                const Register x = words[g].word[q];
                cell[g] = Simd::and_or(Simd::shift_right_16(x, column_shift), column_mask, Cells::clean(position[g]));
                const Register fraction = Simd::bit_and(x, fraction_mask);
                if constexpr (Shape::tables_change && Shape::n_cell_tables != 1) {
                  if (chain.levels != nullptr) {
                    const std::size_t path = units[g].paths->first_path + units[g].at;
                    cell[g] = Simd::add_16(cell[g], Simd::load(chain.levels + t * chain.level_stride + path));
                  }
                }
                const auto move = [&](const Cells& cells) __attribute__((always_inline)) {
                  Register threshold, next;
                  cells.look_up(cell[g], threshold, next);
                  position[g] = Simd::choose(fraction, threshold, next);
                  tied[g] = Simd::ties(fraction, threshold);
                };
                if constexpr (table_each) {
                  table_at[g] = table_of(*units[g].paths);
                  move(Cells(chain, table_at[g]));
                } else {
                  if constexpr (Shape::tables_change) table_at[g] = table_of(*units[0].paths);
                  move(shared);
                }
              }
            };
            if constexpr (Shape::tables_change && !table_each) {
              step(Cells(chain, table_of(*units[0].paths)));
            } else {
              step(only);
            }
            auto any_tied = tied[0];
            for (unsigned g = 1; g < n_groups; ++g) any_tied = Simd::merge(any_tied, tied[g]);
            if (Simd::any(any_tied)) [[unlikely]] {
#pragma GCC unroll 4
              for (unsigned g = 0; g < n_groups; ++g) {
                const ChainPaths& paths = *units[g].paths;
                position[g] = mend<Shape>(chain, Shape::tables_change ? table_at[g] : 0, paths.hash,
                                          paths.first_path + units[g].at, t, Simd::bits(tied[g]), cell[g], position[g]);
              }
            }
            ++t;
#pragma GCC unroll 4
            for (unsigned g = 0; g < n_groups; ++g) upper[g] = Simd::template shift_right_32<16>(position[g]);
#pragma GCC unroll 2
            for (unsigned l = 0; l < n_limbs; ++l) {
              const Values table(value);
              value += n_values;
#pragma GCC unroll 4
              for (unsigned g = 0; g < n_groups; ++g) {
                add_looked_up(table, position[g], upper[g], even[g][l], odd[g][l]);
              }
            }
            if constexpr (counts || drawn) {
              Register mark_sum = periods ? Simd::load(mark_sums) : Simd::splat(0);
#pragma GCC unroll 4
              for (unsigned g = 0; g < n_groups; ++g) {
                const Register mark = marks[position[g]];
                if constexpr (drawn) {
                  *bought[g] = Simd::bits(Simd::ties(Simd::bit_and(mark, buys), buys));
                  bought[g] += units[g].paths->bought_stride;
                } else if (has_purchases) {
                  purchases[g] = Simd::add_16(purchases[g], Simd::template shift_right_16_by<8>(mark));
                }
                if constexpr (periods) mark_sum = Simd::add_16(mark_sum, mark);
              }
              if constexpr (periods) {
                Simd::store(mark_sums, mark_sum);
                mark_sums += tile;
              }
            }
            if constexpr (periods) {
              if (has_cash_at) add_cash(chain.cash_at);
              cash += n_limbs * tile;
            }
          }
          rounds.finish(words);
          if (--blocks_left == 0 || last) {
            blocks_left = blocks_a_sum;
#pragma GCC unroll 4
            for (unsigned g = 0; g < n_groups; ++g) {
#pragma GCC unroll 2
              for (unsigned l = 0; l < n_limbs; ++l) {
                add_wide(wide[g][l][0], even[g][l]);
                add_wide(wide[g][l][1], odd[g][l]);
                even[g][l] = odd[g][l] = Simd::splat(0);
              }
            }
          }
        }

#pragma GCC unroll 4
        for (unsigned g = 0; g < n_groups; ++g) {
          const ChainPaths& paths = *units[g].paths;
          const std::uint32_t first = units[g].at;
          const Register start_value = Simd::splat_64(paths.start_value);
#pragma GCC unroll 2
          for (unsigned part = 0; part < 2; ++part) {
            Register total[2];
#pragma GCC unroll 2
            for (unsigned h = 0; h < 2; ++h) {
              Register sum = Simd::load(wide[g][0][h] + part * n_wide);
              if constexpr (n_limbs == 2) {
                const Register higher = Simd::load(wide[g][1][h] + part * n_wide);
                sum = Simd::add_64(sum, Simd::template shift_left_64<ChainLanes::limb_bits>(higher));
              }
              total[h] = Simd::shift_right_64(Simd::add_64(sum, start_value), chain.extra_bits);
            }
            Register first_half, second_half;
            Simd::interleave_64(total[0], total[1], first_half, second_half);
            Simd::store(paths.values + first + 2 * part * n_wide, first_half);
            Simd::store(paths.values + first + (2 * part + 1) * n_wide, second_half);
          }
          Simd::store(paths.active + first, Simd::bit_and(marks[position[g]], Simd::splat_16(1)));
          if constexpr (counts) Simd::store(paths.purchases + first, purchases[g]);
        }
      }
    }
  }

  [[gnu::always_inline]] static void add_wide(std::int64_t* sum, Register narrow) {
    Simd::store(sum, Simd::add_64(Simd::load(sum), Simd::low_64(narrow)));
    Simd::store(sum + n_wide, Simd::add_64(Simd::load(sum + n_wide), Simd::high_64(narrow)));
  }

  // Adds the byte of `marks` that begins at a bit. As a compiler's vector code: it knows the count, and that nothing
  // overlaps.
  template <unsigned bit>
  [[gnu::always_inline]] static void add_marks(const std::uint16_t* __restrict marks, std::uint32_t* __restrict sums) {
    for (std::uint32_t p = 0; p < lane_tile; ++p) sums[p] += static_cast<std::uint32_t>(marks[p] >> bit & 0xFF);
  }

  static void add_tile(const ChainLanes& chain, const ChainPaths& tile, std::size_t stride, std::int64_t* cash,
                       std::uint32_t* active, std::uint32_t* purchases) {
    const Register zero = Simd::splat(0);
    for (std::uint32_t t = 0; t < chain.horizon; ++t) {
      std::int64_t* const to = cash + t * stride;
      for (unsigned l = 0; l < chain.n_limbs; ++l) {
        std::int32_t* const even = tile.cash + (std::size_t{t} * chain.n_limbs + l) * tile.tile;
        std::int32_t* const odd = even + tile.tile / 2;
        for (std::uint32_t p = 0; p < tile.tile / 2; p += 2 * n_wide) {
          const Register e = Simd::load(even + p), o = Simd::load(odd + p);
          Register lane[4];
          Simd::interleave_64(Simd::low_64(e), Simd::low_64(o), lane[0], lane[1]);
          Simd::interleave_64(Simd::high_64(e), Simd::high_64(o), lane[2], lane[3]);
#pragma GCC unroll 4
          for (unsigned i = 0; i < 4; ++i) {
            std::int64_t* const sum = to + 2 * p + i * n_wide;
            const Register x = l == 0 ? lane[i] : Simd::template shift_left_64<ChainLanes::limb_bits>(lane[i]);
            Simd::store(sum, Simd::add_64(Simd::load(sum), x));
          }
          Simd::store(even + p, zero);
          Simd::store(odd + p, zero);
        }
      }
      std::uint16_t* const marks = tile.marks + std::size_t{t} * lane_tile;
      add_marks<0>(marks, active + t * stride);
      if (chain.has_purchases) add_marks<8>(marks, purchases + t * stride);
      for (std::uint32_t p = 0; p < lane_tile; p += group) Simd::store(marks + p, zero);
    }
  }

  template <class Shape, unsigned n_limbs, LaneOutputs outputs>
  [[gnu::noinline]] static void walk(const ChainLanes& chain, const ChainPaths* customers, std::size_t n) {
    if (n == 0) return;
    constexpr unsigned n_groups = Simd::n_groups;
    if constexpr (outputs == LaneOutputs::periods || outputs == LaneOutputs::drawn_periods) {
      const std::size_t whole = n / n_groups;
      for (std::uint32_t at = 0; at < customers->n_paths; at += group) {
        walk_units<Shape, n_limbs, outputs, n_groups>(
            chain, whole, [&](std::size_t round, unsigned g) __attribute__((always_inline)) {
              return Unit{customers + round * n_groups + g, at};
            });
        walk_units<Shape, n_limbs, outputs, 1>(
            chain, n - whole * n_groups, [&](std::size_t round, unsigned) __attribute__((always_inline)) {
              return Unit{customers + whole * n_groups + round, at};
            });
      }
    } else {
      const std::size_t rounds_each = customers->n_paths / (n_groups * group);
      walk_units<Shape, n_limbs, outputs, n_groups>(
          chain, n * rounds_each, [&](std::size_t round, unsigned g) __attribute__((always_inline)) {
            return Unit{customers + round / rounds_each,
                        static_cast<std::uint32_t>(round % rounds_each * n_groups + g) * group};
          });
    }
  }

  using Walk = void (*)(const ChainLanes&, const ChainPaths*, std::size_t);
  template <class Shape, unsigned n_limbs>
  [[gnu::always_inline]] static Walk choose_outputs(LaneOutputs outputs) {
    switch (outputs) {
      case LaneOutputs::values:
        return walk<Shape, n_limbs, LaneOutputs::values>;
      case LaneOutputs::counts:
        return walk<Shape, n_limbs, LaneOutputs::counts>;
      default:
        return walk<Shape, n_limbs, LaneOutputs::periods>;
    }
  }
  template <class Shape>
  [[gnu::always_inline]] static Walk choose_limbs(const ChainLanes& chain, LaneOutputs outputs) {
    return chain.n_limbs == 1 ? choose_outputs<Shape, 1>(outputs) : choose_outputs<Shape, 2>(outputs);
  }

  // Of a chain with drawn spend: where all other amounts are 0, and tables stay, there are no tables of values.
  template <class Shape, unsigned n_limbs>
  [[gnu::always_inline]] static Walk choose_drawn(LaneOutputs outputs) {
    return outputs == LaneOutputs::drawn ? walk<Shape, n_limbs, LaneOutputs::drawn>
                                         : walk<Shape, n_limbs, LaneOutputs::drawn_periods>;
  }
  static Walk choose_drawn_shape(const ChainLanes& chain, LaneOutputs outputs) {
    if (chain.n_cell_tables == 0) return choose_drawn<LaneShape<0, 16, true>, 2>(outputs);
    if (chain.table_of != nullptr) return choose_drawn<LaneShape<4, 4, true>, 2>(outputs);
    if (chain.n_limbs == 2) return choose_drawn<LaneShape<4, 4, false>, 2>(outputs);
    return chain.n_cell_tables == 4 ? choose_drawn<LaneShape<4, 4, false>, 0>(outputs)
                                    : choose_drawn<LaneShape<1, 4, false>, 0>(outputs);
  }

  // One of the shapes that kernels/lanes/tables.cpp chooses from.
  template <bool changing>
  [[gnu::always_inline]] static Walk choose_shape(const ChainLanes& chain, LaneOutputs outputs) {
    if (chain.n_value_tables == 4) return choose_limbs<LaneShape<4, 4, changing>>(chain, outputs);
    if (chain.n_value_tables == 2) return choose_limbs<LaneShape<1, 2, changing>>(chain, outputs);
    if (chain.n_cell_tables == 4) return choose_outputs<LaneShape<4, 1, changing>, 1>(outputs);
    if (chain.n_cell_tables == 2) return choose_outputs<LaneShape<2, 1, changing>, 1>(outputs);
    return choose_outputs<LaneShape<1, 1, changing>, 1>(outputs);
  }

  static void walk_chain(const ChainLanes& chain, const ChainPaths* customers, std::size_t n, LaneOutputs outputs) {
    Walk walk = nullptr;
    if (outputs == LaneOutputs::drawn || outputs == LaneOutputs::drawn_periods) {
      walk = choose_drawn_shape(chain, outputs);
    } else if (chain.n_cell_tables == 0) {
      walk = chain.n_value_tables == 4 ? choose_limbs<LaneShape<0, 4, true>>(chain, outputs)
                                       : choose_limbs<LaneShape<0, 16, true>>(chain, outputs);
    } else {
      walk = chain.table_of == nullptr ? choose_shape<false>(chain, outputs) : choose_shape<true>(chain, outputs);
    }
    walk(chain, customers, n);
  }
};

}  // namespace clvsim::kernels
