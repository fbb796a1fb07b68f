// How the memory of a GPU is shared out. Arithmetic alone.
#pragma once

#include <cstdint>
#include <optional>

namespace clvsim::kernels {

// What a run asks of a GPU's memory; all counts but fixed_bytes at least 1.
struct MemoryNeeds {
  std::uint64_t fixed_bytes = 0;      // tables and sums over customers: once
  std::uint64_t block_bytes = 1;      // scratch of a block of threads
  std::uint64_t customer_bytes = 1;   // a customer and its results
  std::uint64_t block_customers = 1;  // customers that a block walks at once
  std::uint64_t most_blocks = 1;      // blocks that the GPU runs at once
  std::uint64_t most_customers = 1;   // of a buffer: more of them gain nothing
};

// Buffers of customers with scratch of their own: while one is computed, the other is filled and emptied.
struct MemoryPlan {
  std::uint64_t n_buffers = 1, n_blocks = 1, n_customers = 1;  // blocks and customers of a buffer

  [[nodiscard]] std::uint64_t bytes(const MemoryNeeds& needs) const {
    return needs.fixed_bytes + n_buffers * (n_blocks * needs.block_bytes + n_customers * needs.customer_bytes);
  }
  bool operator==(const MemoryPlan&) const = default;
};

// Left to the driver, to kernels' own memory, and to rounding by the allocator.
[[nodiscard]] std::uint64_t memory_reserve(std::uint64_t free_bytes);

// The plan for free_bytes / n_sharing: two buffers where both keep every block busy, else one; then as many blocks as
// fit with the customers that they walk; then customers. Nothing where not even one block with one customer fits.
[[nodiscard]] std::optional<MemoryPlan> plan_memory(std::uint64_t free_bytes, std::uint64_t n_sharing,
                                                    const MemoryNeeds& needs);

// The next smaller plan, for memory that could not be had although it was free: half the customers, as long as every
// block has some; then one buffer; then half the blocks. Nothing below one block with one customer.
[[nodiscard]] std::optional<MemoryPlan> smaller(const MemoryPlan& plan, const MemoryNeeds& needs);

}  // namespace clvsim::kernels
