// kernels/stats/summary.hpp for a host thread, on vector registers: the same bits.
#pragma once

#include "kernels/lanes/lanes.hpp"
#include "kernels/stats/summary.hpp"

#include <cstdint>
#include <memory>
#include <vector>

namespace clvsim::kernels {

// Memory that a thread's summaries use.
struct SummaryScratch {
  std::vector<std::uint32_t> keys, wanted;
  std::vector<std::uint32_t> counts;
  std::unique_ptr<SummaryShared> shared;  // where the vector code cannot be used
};

// Summarises values [n], n >= 1, all within +-bound; order [ranks.n_ranks].
void summarise(const LaneKernels& lanes, const std::int64_t* values, std::uint32_t n, std::uint64_t bound,
               const RankView& ranks, SummaryScratch& scratch, ValueSummary& summary, std::int64_t* order);

// out[r] = the key with ranks[r] keys before it in ascending order. keys [n], none above `largest`; ranks ascending.
void select(const LaneKernels& lanes, const std::uint32_t* keys, std::uint32_t n, std::uint32_t largest,
            const RankView& ranks, SummaryScratch& scratch, std::uint32_t* out);

}  // namespace clvsim::kernels
