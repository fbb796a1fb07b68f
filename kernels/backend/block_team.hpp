// A block of a GPU as a team (kernels/stats/team.hpp). Only for nvcc.
#pragma once

#include <cstdint>

namespace clvsim::kernels {

// The threads of a block: whole warps.
struct BlockTeam {
  [[nodiscard]] __device__ std::uint32_t rank() const { return threadIdx.x; }
  [[nodiscard]] __device__ std::uint32_t size() const { return blockDim.x; }
  __device__ void barrier() { __syncthreads(); }
  __device__ void add(std::uint32_t& slot, std::uint32_t x) { atomicAdd(&slot, x); }
  __device__ void add(std::uint64_t& slot, std::uint64_t x) {
    atomicAdd(reinterpret_cast<unsigned long long*>(&slot), static_cast<unsigned long long>(x));
  }
  __device__ std::uint32_t next(std::uint32_t& slot) { return atomicAdd(&slot, 1U); }
  // A warp adds up first: the additions of 256 threads to one slot would wait for each other.
  __device__ void add_all(std::uint64_t& slot, std::uint64_t x) {
    if (!__any_sync(whole_warp, x != 0)) return;
    for (unsigned distance = 16; distance != 0; distance /= 2) x += of_lane(x, distance);
    if (threadIdx.x % 32 == 0) add(slot, x);
  }
  __device__ void min_all(std::int64_t& slot, std::int64_t x) {
    for (unsigned distance = 16; distance != 0; distance /= 2) {
      const auto other = static_cast<std::int64_t>(of_lane(static_cast<std::uint64_t>(x), distance));
      x = other < x ? other : x;
    }
    if (threadIdx.x % 32 == 0) atomicMin(reinterpret_cast<long long*>(&slot), static_cast<long long>(x));
  }
  __device__ void max_all(std::int64_t& slot, std::int64_t x) {
    for (unsigned distance = 16; distance != 0; distance /= 2) {
      const auto other = static_cast<std::int64_t>(of_lane(static_cast<std::uint64_t>(x), distance));
      x = other > x ? other : x;
    }
    if (threadIdx.x % 32 == 0) atomicMax(reinterpret_cast<long long*>(&slot), static_cast<long long>(x));
  }
  __device__ void max_all(std::uint64_t& slot, std::uint64_t x) {
    for (unsigned distance = 16; distance != 0; distance /= 2) {
      const std::uint64_t other = of_lane(x, distance);
      x = other > x ? other : x;
    }
    if (threadIdx.x % 32 == 0)
      atomicMax(reinterpret_cast<unsigned long long*>(&slot), static_cast<unsigned long long>(x));
  }
  // Blocks share the path sums.
  template <class T>
  __device__ void add_global(T& slot, T x) {
    add(slot, x);
  }

 private:
  static constexpr unsigned whole_warp = ~0U;
  static __device__ std::uint64_t of_lane(std::uint64_t x, unsigned distance) {
    return __shfl_xor_sync(whole_warp, static_cast<unsigned long long>(x), static_cast<int>(distance));
  }
};

}  // namespace clvsim::kernels
