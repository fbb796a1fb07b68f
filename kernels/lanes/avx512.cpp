#include "kernels/lanes/avx512.hpp"

#include "kernels/lanes/kernels.hpp"

namespace clvsim::kernels {

extern const LaneKernels avx512_kernels;
constinit const LaneKernels avx512_kernels = LaneCode<Avx512>::kernels("avx512");

}  // namespace clvsim::kernels
