// What the machine can do: the limits that the other cases are measured by.
#include "host/bench/cases.hpp"

#include <fmt/format.h>

namespace clvsim {
namespace {

volatile std::uint32_t folded;  // so that no compiler drops the work

// The generator alone, its words kept in registers: the first of these is the W that the engine is measured by.
PlannedCase words_case(const kernels::LaneKernels& lanes) {
  constexpr std::uint32_t n_blocks = 20000;
  PlannedCase planned;
  planned.result.name = words_ceiling(lanes);
  planned.result.unit = "words";
  planned.result.work = 4.0 * static_cast<double>(lanes.n_counters) * n_blocks;
  planned.prepare = [&lanes](BenchCase&) {
    // Every call has another key, so that no call can be taken for another.
    return [&lanes, seed = std::uint64_t{0}, sum = std::uint32_t{0}]() mutable {
      sum ^= lanes.fold_words(++seed, n_blocks);
      folded = sum;
    };
  };
  return planned;
}

}  // namespace

std::string words_ceiling(const kernels::LaneKernels& lanes) { return fmt::format("philox_{}", lanes.name); }

void add_ceiling_cases(PlannedCases& cases) {
  for (const kernels::LaneKernels* lanes : kernels::lane_kernels()) cases.push_back(words_case(*lanes));
}

}  // namespace clvsim
