// Events of a migration chain whose transitions do not change over time: one 32-bit word draws how long a path stays in
// its position and where it goes then, instead of half a word a period.
//
// A stay of D = 1, 2, ... periods is drawn as a class g = D - 1 by Walker's alias method (Walker 1977; tables by Vose
// 1991) on the word's lower half: its upper `dwell_bits` bits choose a column, whose own class is its number; the rest
// is compared with the column's threshold, and where they are equal, 32 bits of another word decide. The longest class,
// 2^dwell_bits - 1, stands for all longer stays: the path stays that many periods, moves to the position `continued`
// (itself where the law has no memory; else one that holds the law of what is left), and draws again. After any other
// class it jumps; the word's upper half draws where to, in the same way, among the positions that are not its own.
// So a law that a chain's self-loops give, q^(D-1) (1 - q), has no cap, and any other is given class by class.
//
// Probabilities are followed to 2^-48. Draws: one word an event (kernels/rng/address.hpp: chain_event), ties apart.
// (A semi-Markov process; Howard 1971, "Dynamic Probabilistic Systems", volume 2.)
#pragma once

#include "kernels/portability.hpp"
#include "kernels/rng/address.hpp"

#include <cstdint>

namespace clvsim::kernels {

// A column of an alias row over positions: `own` below the threshold high * 2^32 + low of 2^(48 - column_bits), else
// `alias`.
struct AliasCell {
  std::uint32_t low = 0;
  std::uint16_t high = 0;
  std::uint16_t own = 0, alias = 0;  // positions
};

// A column of a row over dwell classes; its own class is its number.
struct DwellCell {
  std::uint32_t low = 0;
  std::uint16_t high = 0;
  std::uint16_t alias = 0;
};

// View of the tables (host/run/event_tables.hpp makes them).
struct ChainEventsView {
  const DwellCell* dwells = nullptr;         // [n_positions, 2^dwell_bits]
  const AliasCell* jumps = nullptr;          // [n_positions, 2^jump_bits]
  const std::uint16_t* continued = nullptr;  // [n_positions] position after the longest class
  std::uint32_t dwell_bits = 0;              // 5 or 6; 0 without tables
  std::uint32_t jump_bits = 1;               // 1 to 4
};

// What an event brings: `dwell` more periods as before, then an arrival at `next`, or, where `jumps` is false, another
// event there without one.
struct ChainEvent {
  std::uint32_t dwell = 0;
  std::uint32_t next = 0;
  bool jumps = false;
};

// Whether 16 bits, less the column, are below a cell's threshold. `tie` draws 32 bits.
template <class Cell, class Tie>
CLVSIM_HD bool own_column(const Cell& cell, std::uint32_t fraction, const Tie& tie) {
  return fraction == cell.high ? tie() < cell.low : fraction < cell.high;
}

// Event k = 0, 1, ... of a path, from `word` = word k % 4 of its block k / 4.
inline CLVSIM_HD ChainEvent draw_event(const ChainEventsView& events, std::uint32_t position, std::uint32_t k,
                                       std::uint32_t word, const PathDraws& draws) {
  const std::uint32_t x = word & 0xFFFF, y = word >> 16;
  const std::uint32_t longest = (1U << events.dwell_bits) - 1;
  const unsigned dwell_fraction = 16 - events.dwell_bits, jump_fraction = 16 - events.jump_bits;
  const std::uint32_t column = x >> dwell_fraction;
  const DwellCell& stay = events.dwells[(position << events.dwell_bits) | column];
  ChainEvent event;
  event.dwell = own_column(stay, x & ((1U << dwell_fraction) - 1),
                           [&] {
                             return draws({Purpose::chain_event_tie, k}).x;
                           })
                    ? column
                    : stay.alias;
  event.jumps = event.dwell != longest;
  event.next = events.continued[position];
  if (event.jumps) {
    const AliasCell& jump = events.jumps[(position << events.jump_bits) | (y >> jump_fraction)];
    event.next = own_column(jump, y & ((1U << jump_fraction) - 1),
                            [&] {
                              return draws({Purpose::chain_event_tie, k}).y;
                            })
                     ? jump.own
                     : jump.alias;
  }
  return event;
}

}  // namespace clvsim::kernels
