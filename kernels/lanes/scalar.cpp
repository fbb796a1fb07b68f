#include "kernels/lanes/scalar.hpp"

#include "kernels/lanes/kernels.hpp"

namespace clvsim::kernels {

extern const LaneKernels scalar_kernels;
constinit const LaneKernels scalar_kernels = LaneCode<Scalar>::kernels("scalar");

}  // namespace clvsim::kernels
