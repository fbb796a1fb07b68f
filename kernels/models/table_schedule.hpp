// Which of a chain's tables a step uses: by the customer's segment, the period, and the world that the path lives in.
//
// A *world* is what all customers of a path share: a regime, a factor of the economy, a draw of the model's parameters.
// Path p lives in world p mod n_worlds, for every customer; in period t its world stands at level[t, world], and the
// step uses table table_of[segment, t, level]. So shared risk costs a look-up, whatever it is made of, and worlds are
// drawn before the run (host/run/worlds.hpp).
#pragma once

#include "kernels/portability.hpp"

#include <cstdint>

namespace clvsim::kernels {

struct TableSchedule {
  const std::uint16_t* table_of = nullptr;  // [n_segments, horizon, n_levels]; null: table 0, whatever asks
  const std::uint16_t* level = nullptr;     // [horizon, n_worlds], each below n_levels; null: level 0
  std::uint32_t n_tables = 1, n_segments = 1, horizon = 1, n_levels = 1, n_worlds = 1;

  // Table of period t = 0, 1, ... of a path.
  [[nodiscard]] constexpr CLVSIM_HD std::uint32_t table(std::uint32_t segment, std::uint32_t t,
                                                        std::uint32_t path) const {
    if (table_of == nullptr) return 0;
    const std::uint64_t at = level == nullptr ? 0 : level[static_cast<std::uint64_t>(t) * n_worlds + path % n_worlds];
    return table_of[(static_cast<std::uint64_t>(segment) * horizon + t) * n_levels + at];
  }
};

}  // namespace clvsim::kernels
