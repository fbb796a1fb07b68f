// What a call to a GPU ended with, and what that means for the run. Plain C++: known without a CUDA toolkit.
#pragma once

#include <cstdint>
#include <string>

namespace clvsim::kernels {

// A cudaError_t by its number, which CUDA keeps from version to version.
using GpuStatus = int;
inline constexpr GpuStatus gpu_success = 0;
inline constexpr GpuStatus gpu_no_memory = 2;  // cudaErrorMemoryAllocation

enum class GpuFault : std::uint8_t {
  none,
  no_memory,  // nothing has changed: less may fit
  refused,    // the call was not done; the GPU can be used as before
  lost,       // "sticky": the process's context on the GPU is gone, and every later call fails
};

// CUDA Runtime API, "CUDA error types": lost where the text there asks for the process to be ended, where memory or a
// link was damaged, and where the cause is not known. Whatever is not known here counts as refused.
[[nodiscard]] GpuFault fault_of(GpuStatus status);

// The message of a DeviceError: where ("cuda:0 (name)"), what was done, CUDA's text for the status, and what to do.
[[nodiscard]] std::string gpu_message(const std::string& gpu, const std::string& action, GpuStatus status,
                                      const std::string& text);

}  // namespace clvsim::kernels
