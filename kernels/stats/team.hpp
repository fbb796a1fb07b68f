// Who works on a customer together: one host thread, or a block of a GPU. The task is one template over a team, so that
// the host runs, and tests, the code of the device.
//
// A team has
//   rank(), size()                  the calling member, 0 <= rank < size; a member takes items rank, rank + size, ...
//   barrier()                       every member arrives before any goes on; their writes to shared state are seen
//   add(slot, x)                    atomic on shared state
//   next(slot)                      the same with x = 1; returns what stood there
//   add_all(slot, x), min_all, max_all  of every member's x, all of whom call it; on shared state
//   add_global(slot, x)             atomic on sums that other teams may add to as well
#pragma once

#include "kernels/portability.hpp"

#include <cstdint>

namespace clvsim::kernels {

// A team of one, whose sums no other team touches.
struct SoloTeam {
  [[nodiscard]] CLVSIM_HD std::uint32_t rank() const { return 0; }
  [[nodiscard]] CLVSIM_HD std::uint32_t size() const { return 1; }
  CLVSIM_HD void barrier() {}
  template <class T>
  CLVSIM_HD void add(T& slot, T x) {
    slot += x;
  }
  CLVSIM_HD std::uint32_t next(std::uint32_t& slot) { return slot++; }
  template <class T>
  CLVSIM_HD void add_all(T& slot, T x) {
    slot += x;
  }
  template <class T>
  CLVSIM_HD void min_all(T& slot, T x) {
    slot = x < slot ? x : slot;
  }
  template <class T>
  CLVSIM_HD void max_all(T& slot, T x) {
    slot = x > slot ? x : slot;
  }
  template <class T>
  CLVSIM_HD void add_global(T& slot, T x) {
    slot += x;
  }
};

}  // namespace clvsim::kernels
