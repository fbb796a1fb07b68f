// What a run's options say about where it runs.
#pragma once

#include <clvsim/simulate.hpp>

#include "kernels/backend/backend.hpp"

#include <memory>

namespace clvsim {

// Threads of the host: options.threads, or one a core.
[[nodiscard]] int n_threads(const SimulationOptions& options);

// The backend that options.device names. Throws DeviceError where a GPU that was asked for cannot be used.
[[nodiscard]] std::unique_ptr<kernels::Backend> open_backend(const kernels::RunSpec& spec,
                                                             const SimulationOptions& options);

}  // namespace clvsim
