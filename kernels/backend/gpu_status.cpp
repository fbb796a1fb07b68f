#include "kernels/backend/gpu_status.hpp"

namespace clvsim::kernels {

GpuFault fault_of(GpuStatus status) {
  switch (status) {
    case gpu_success:
      return GpuFault::none;
    case gpu_no_memory:
      return GpuFault::no_memory;
    case 4:    // cudaErrorCudartUnloading
    case 214:  // cudaErrorECCUncorrectable
    case 220:  // cudaErrorNvlinkUncorrectable
    case 226:  // cudaErrorContained
    case 700:  // cudaErrorIllegalAddress
    case 702:  // cudaErrorLaunchTimeout
    case 709:  // cudaErrorContextIsDestroyed
    case 710:  // cudaErrorAssert
    case 714:  // cudaErrorHardwareStackError
    case 715:  // cudaErrorIllegalInstruction
    case 716:  // cudaErrorMisalignedAddress
    case 717:  // cudaErrorInvalidAddressSpace
    case 718:  // cudaErrorInvalidPc
    case 719:  // cudaErrorLaunchFailure
    case 721:  // cudaErrorTensorMemoryLeak
    case 810:  // cudaErrorMpsClientTerminated
    case 911:  // cudaErrorExternalDevice
    case 999:  // cudaErrorUnknown
      return GpuFault::lost;
    default:
      return GpuFault::refused;
  }
}

std::string gpu_message(const std::string& gpu, const std::string& action, GpuStatus status, const std::string& text) {
  std::string remedy;
  switch (fault_of(status)) {
    case GpuFault::none:
    case GpuFault::refused:
      remedy = "see clvsim doctor and nvidia-smi, or use --device cpu";
      break;
    case GpuFault::no_memory:
      remedy = "use fewer paths or a shorter horizon, end what else runs on it, or use --device cpu";
      break;
    case GpuFault::lost:
      remedy =
          "this run cannot go on: start it again; where that fails as well, look for Xid messages of the driver "
          "(dmesg) "
          "and at nvidia-smi -q, or use --device cpu";
      break;
  }
  return gpu + ": " + action + " failed: " + text + " (CUDA error " + std::to_string(status) + "); " + remedy;
}

}  // namespace clvsim::kernels
