// The launcher of a GPU.
#pragma once

#include "kernels/backend/backend.hpp"
#include "kernels/backend/gpu.hpp"

#include <memory>

namespace clvsim::kernels {

// Runs batches in buffers of customers, two of them where memory allows: one is copied while the other is computed. The
// number of customers in a buffer follows from the memory that is free (memory_plan.hpp), and is made smaller where it
// cannot be had; no result depends on it. Throws DeviceError where a call fails, or where memory is too small.
[[nodiscard]] std::unique_ptr<Backend> make_gpu_backend(const RunSpec& spec, std::unique_ptr<Gpu> gpu, int n_sharing);

}  // namespace clvsim::kernels
