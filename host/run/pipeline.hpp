// Reading, computing and writing of batches at the same time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

namespace clvsim {

// Batches in memory: one is computed while the next is read and the one before is written.
inline constexpr std::size_t pipeline_slots = 3;

// What is done with a batch. Batch b keeps slot b % pipeline_slots from the beginning of its reading to the end of its
// writing, and no other step touches the slot meanwhile.
struct PipelineSteps {
  using Step = std::function<void(std::int64_t batch, std::size_t slot)>;
  Step read, write;  // on one thread of their own, never at the same time
  Step compute;      // on the caller's thread
};

// Runs every batch through read, compute and write, each step in the order of the batches. Throws the first exception
// of any step; no step begins after it, and every step and thread has ended by then.
void run_pipeline(std::int64_t n_batches, const PipelineSteps& steps);

}  // namespace clvsim
