#include "kernels/lanes/avx2.hpp"

#include "kernels/lanes/kernels.hpp"

namespace clvsim::kernels {

extern const LaneKernels avx2_kernels;
constinit const LaneKernels avx2_kernels = LaneCode<Avx2>::kernels("avx2");

}  // namespace clvsim::kernels
