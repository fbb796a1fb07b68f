#include "kernels/lanes/lanes.hpp"

#include <vector>

namespace clvsim::kernels {

extern const LaneKernels scalar_kernels;
#if CLVSIM_X86_LANES
extern const LaneKernels avx2_kernels, avx512_kernels;
#endif

std::span<const LaneKernels* const> lane_kernels() {
  static const std::vector<const LaneKernels*> all = [] {
    std::vector<const LaneKernels*> found;
#if CLVSIM_X86_LANES
    // These answer for the operating system as well, which must save the registers.
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl"))
      found.push_back(&avx512_kernels);
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) found.push_back(&avx2_kernels);
#endif
    found.push_back(&scalar_kernels);
    return found;
  }();
  return all;
}

}  // namespace clvsim::kernels
