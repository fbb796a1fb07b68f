// A kernel for every line of functions.hpp, and the statistics of a block. Compiled to PTX by scripts/ptx, never
// linked.
#include "kernels/backend/block_team.hpp"
#include "tests/ptx/functions.hpp"
#include "tests/support/curand_samples.hpp"

#include <curand_kernel.h>

namespace clvsim::kernels {

#define CLVSIM_PTX_KERNEL(name, In, Out, ...)                                      \
  extern "C" __global__ void run_##name(const In* in, Out* out, std::uint32_t n) { \
    const std::uint32_t i = blockIdx.x * blockDim.x + threadIdx.x;                 \
    if (i >= n) return;                                                            \
    const In& x = in[i];                                                           \
    out[i] = __VA_ARGS__;                                                          \
  }
CLVSIM_PTX_FUNCTIONS(CLVSIM_PTX_KERNEL)

// values [n], order [wanted.n_ranks].
extern "C" __global__ void run_summary(const std::int64_t* values, std::uint32_t n, RankView wanted, ValueSummary* out,
                                       std::int64_t* order) {
  __shared__ SummaryShared shared;
  BlockTeam team;
  summarise(team, shared, values, n, wanted, out, order);
}

// The first block of cuRAND's own Philox from `offset` words on.
extern "C" __global__ void run_curand(const CurandInput* in, Words* out, std::uint32_t n) {
  const std::uint32_t i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  curandStatePhilox4_32_10_t state;
  curand_init(in[i].seed, in[i].subsequence, in[i].offset, &state);
  const uint4 words = curand4(&state);
  out[i] = {words.x, words.y, words.z, words.w};
}

}  // namespace clvsim::kernels
