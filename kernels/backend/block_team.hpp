// A block of a GPU as a team (kernels/stats/team.hpp). Only for nvcc.
#pragma once

#include <cstdint>

namespace clvsim::kernels {

// The threads of a block.
struct BlockTeam {
  [[nodiscard]] __device__ std::uint32_t rank() const { return threadIdx.x; }
  [[nodiscard]] __device__ std::uint32_t size() const { return blockDim.x; }
  __device__ void barrier() { __syncthreads(); }
  __device__ void add(std::uint32_t& slot, std::uint32_t x) { atomicAdd(&slot, x); }
  __device__ void add(std::uint64_t& slot, std::uint64_t x) {
    atomicAdd(reinterpret_cast<unsigned long long*>(&slot), static_cast<unsigned long long>(x));
  }
  __device__ void min(std::int64_t& slot, std::int64_t x) {
    atomicMin(reinterpret_cast<long long*>(&slot), static_cast<long long>(x));
  }
  __device__ void max(std::int64_t& slot, std::int64_t x) {
    atomicMax(reinterpret_cast<long long*>(&slot), static_cast<long long>(x));
  }
  __device__ void max(std::uint64_t& slot, std::uint64_t x) {
    atomicMax(reinterpret_cast<unsigned long long*>(&slot), static_cast<unsigned long long>(x));
  }
  // Blocks share the path sums.
  template <class T>
  __device__ void add_global(T& slot, T x) {
    add(slot, x);
  }
};

}  // namespace clvsim::kernels
