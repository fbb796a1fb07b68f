#include "kernels/backend/memory_plan.hpp"

#include <algorithm>

namespace clvsim::kernels {

std::uint64_t memory_reserve(std::uint64_t free_bytes) {
  constexpr std::uint64_t least = std::uint64_t{64} << 20, share = 32;
  return std::max(least, free_bytes / share);
}

std::optional<MemoryPlan> plan_memory(std::uint64_t free_bytes, std::uint64_t n_sharing, const MemoryNeeds& needs) {
  const std::uint64_t reserve = memory_reserve(free_bytes);
  if (free_bytes <= reserve) return std::nullopt;
  const std::uint64_t own = (free_bytes - reserve) / n_sharing;
  if (own < needs.fixed_bytes) return std::nullopt;
  const std::uint64_t left = own - needs.fixed_bytes;
  MemoryPlan plan;
  for (plan.n_buffers = 2; plan.n_buffers >= 1; --plan.n_buffers) {
    const std::uint64_t bytes = left / plan.n_buffers;
    // Blocks beyond the customers of a buffer would be idle.
    const std::uint64_t useful =
        std::min(needs.most_blocks, (needs.most_customers + needs.block_customers - 1) / needs.block_customers);
    const std::uint64_t each = needs.block_bytes + needs.block_customers * needs.customer_bytes;
    plan.n_blocks = std::min(useful, bytes / each);
    if (plan.n_blocks < useful && plan.n_buffers > 1) continue;
    // One block may be left with fewer customers than it could walk at once.
    if (plan.n_blocks == 0) plan.n_blocks = 1;
    if (bytes < plan.n_blocks * needs.block_bytes + needs.customer_bytes) return std::nullopt;
    plan.n_customers =
        std::min(needs.most_customers, (bytes - plan.n_blocks * needs.block_bytes) / needs.customer_bytes);
    return plan;
  }
  return std::nullopt;
}

std::optional<MemoryPlan> smaller(const MemoryPlan& plan, const MemoryNeeds& needs) {
  MemoryPlan next = plan;
  const std::uint64_t busy = plan.n_blocks * needs.block_customers;
  if (plan.n_customers > busy) {
    next.n_customers = std::max(busy, plan.n_customers / 2);
  } else if (plan.n_buffers > 1) {
    next.n_buffers = 1;
  } else if (plan.n_blocks > 1) {
    next.n_blocks = plan.n_blocks / 2;
    next.n_customers = std::min(plan.n_customers, next.n_blocks * needs.block_customers);
  } else if (plan.n_customers > 1) {
    next.n_customers = plan.n_customers / 2;
  } else {
    return std::nullopt;
  }
  return next;
}

}  // namespace clvsim::kernels
