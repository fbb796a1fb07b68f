// Stands in for cuda.cu where no CUDA toolkit was at hand at build time.
#include "kernels/backend/backend.hpp"

#include <clvsim/error.hpp>

namespace clvsim::kernels {

std::vector<GpuInfo> list_gpus() { return {}; }

bool have_cuda() { return false; }

std::unique_ptr<Backend> make_cuda_backend(const RunSpec&, int index, int) {
  throw DeviceError("GPU " + std::to_string(index) +
                    " was asked for, but this clvsim was built without the CUDA backend; build it where nvcc is found, "
                    "or use --device cpu");
}

}  // namespace clvsim::kernels
