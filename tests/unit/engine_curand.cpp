// Our Philox is the stream of cuRAND's device API: its header compiles for the host as well. Random123's own header
// cannot share a file with it (engine_random.cpp).
#include "tests/support/curand_samples.hpp"

#include <gtest/gtest.h>

#if defined(CLVSIM_HAVE_CURAND)
#include <curand_kernel.h>
#endif

namespace clvsim::kernels {
namespace {

TEST(Philox, EqualsTheHostBuildOfCurand) {
#if defined(CLVSIM_HAVE_CURAND)
  for (const CurandInput& x : curand_samples()) {
    curandStatePhilox4_32_10_t state;
    curand_init(x.seed, x.subsequence, x.offset, &state);
    const uint4 words = curand4(&state);
    ASSERT_EQ(as_curand(x), (Words{words.x, words.y, words.z, words.w}));
  }
#else
  GTEST_SKIP() << "no curand_kernel.h here; PtxFunctions.Curand compares its PTX";
#endif
}

}  // namespace
}  // namespace clvsim::kernels
