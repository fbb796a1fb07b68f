// What the launcher of a GPU decides without one: how memory is shared out, and what a failure means.
#include "kernels/backend/gpu_status.hpp"
#include "kernels/backend/memory_plan.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <random>
#include <sstream>
#include <string>
#include <vector>

namespace clvsim::kernels {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr std::uint64_t mib = std::uint64_t{1} << 20;

// 264 blocks of 4 customers with 10,000 paths each, as on an H200.
MemoryNeeds needs_of_a_run() {
  MemoryNeeds needs;
  needs.fixed_bytes = 10 * mib;
  needs.block_bytes = 4 * 10000 * 8;
  needs.customer_bytes = 300;
  needs.block_customers = 4;
  needs.most_blocks = 264;
  needs.most_customers = 8333;
  return needs;
}

// What plan_memory needs to be free so that it can use `bytes`: what is reserved is at least 64 MiB.
std::uint64_t free_for(std::uint64_t bytes) { return bytes + 64 * mib; }

TEST(MemoryPlan, PlentyIsTwoFullBuffers) {
  const MemoryPlan full{2, 264, 8333};
  EXPECT_EQ(plan_memory(std::uint64_t{80} << 30, 1, needs_of_a_run()), full);
  EXPECT_EQ(plan_memory(free_for(full.bytes(needs_of_a_run())), 1, needs_of_a_run()), full);
  // Half of it is for another.
  EXPECT_EQ(plan_memory(free_for(2 * full.bytes(needs_of_a_run())), 2, needs_of_a_run()), full);
}

// Customers go first, then the second buffer, then blocks.
TEST(MemoryPlan, LessIsTakenFromWhatMattersLeast) {
  const MemoryNeeds needs = needs_of_a_run();
  const auto plan = [&](const MemoryPlan& fitting) { return plan_memory(free_for(fitting.bytes(needs)), 1, needs); };
  for (const MemoryPlan& fitting :
       {MemoryPlan{2, 264, 4000}, MemoryPlan{2, 264, 1056}, MemoryPlan{1, 264, 1056}, MemoryPlan{1, 100, 400},
        MemoryPlan{1, 1, 4}, MemoryPlan{1, 1, 3}, MemoryPlan{1, 1, 1}}) {
    EXPECT_EQ(plan(fitting), fitting) << fitting.n_buffers << ' ' << fitting.n_blocks << ' ' << fitting.n_customers;
  }
  EXPECT_EQ(plan_memory(free_for(MemoryPlan{1, 1, 1}.bytes(needs)) - 1, 1, needs), std::nullopt);
  EXPECT_EQ(plan_memory(free_for(needs.fixed_bytes) - 1, 1, needs), std::nullopt);
  EXPECT_EQ(plan_memory(0, 1, needs), std::nullopt);
}

// Whatever is asked for: a plan fits, keeps the bounds, and more memory never makes it smaller.
TEST(MemoryPlan, FitsAndGrows) {
  std::mt19937_64 bits(1);
  const auto any = [&](std::uint64_t most) { return 1 + bits() % most; };
  int n_plans = 0;
  for (int i = 0; i < 20000; ++i) {
    MemoryNeeds needs;
    needs.fixed_bytes = any(200 * mib);
    needs.block_bytes = any(8 * mib);
    needs.customer_bytes = any(1000);
    needs.block_customers = any(4);
    needs.most_blocks = any(500);
    needs.most_customers = any(40000);
    const std::uint64_t free = any(std::uint64_t{8} << 30), n_sharing = any(3);
    const std::optional<MemoryPlan> plan = plan_memory(free, n_sharing, needs);
    const std::optional<MemoryPlan> more = plan_memory(free + any(std::uint64_t{1} << 30), n_sharing, needs);
    if (!plan) {
      EXPECT_GT(needs.fixed_bytes + needs.block_bytes + needs.customer_bytes,
                free < memory_reserve(free) ? 0 : (free - memory_reserve(free)) / n_sharing);
      continue;
    }
    ++n_plans;
    EXPECT_LE(plan->bytes(needs), (free - memory_reserve(free)) / n_sharing);
    EXPECT_TRUE(plan->n_buffers == 1 || plan->n_buffers == 2);
    EXPECT_GE(plan->n_blocks, 1U);
    EXPECT_LE(plan->n_blocks, needs.most_blocks);
    EXPECT_GE(plan->n_customers, 1U);
    EXPECT_LE(plan->n_customers, needs.most_customers);
    ASSERT_TRUE(more);
    EXPECT_GE(more->n_buffers * more->n_blocks, plan->n_buffers * plan->n_blocks);
    EXPECT_GE(more->n_buffers, plan->n_buffers);
  }
  EXPECT_GT(n_plans, 5000);
}

TEST(MemoryPlan, SmallerEndsAtOneCustomer) {
  const MemoryNeeds needs = needs_of_a_run();
  std::optional<MemoryPlan> plan = MemoryPlan{2, 264, 8333};
  int n = 0;
  for (std::optional<MemoryPlan> next = smaller(*plan, needs); next; next = smaller(*plan, needs), ++n) {
    EXPECT_LT(next->bytes(needs), plan->bytes(needs));
    EXPECT_GE(next->n_customers, 1U);
    plan = next;
  }
  EXPECT_EQ(*plan, (MemoryPlan{1, 1, 1}));
  EXPECT_LT(n, 20);
}

TEST(GpuStatus, SomeOfEveryKind) {
  EXPECT_EQ(fault_of(gpu_success), GpuFault::none);
  EXPECT_EQ(fault_of(gpu_no_memory), GpuFault::no_memory);
  // Invalid value, no device, insufficient driver, launch out of resources, busy, a number of the future.
  for (const GpuStatus status : {1, 100, 35, 701, 46, 123456}) EXPECT_EQ(fault_of(status), GpuFault::refused);
  // Illegal address, launch failure, uncorrectable ECC error, unknown.
  for (const GpuStatus status : {700, 719, 214, 999}) EXPECT_EQ(fault_of(status), GpuFault::lost);
}

// CUDA's own header, where a toolkit is: what it says leaves the process unusable is lost, and a status that it names
// is not lost without a reason of ours.
TEST(GpuStatus, AgreesWithTheToolkit) {
  std::ifstream file(CLVSIM_CUDA_HEADERS "/driver_types.h");
  if (!file) GTEST_SKIP() << "no CUDA toolkit here";
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  // Damaged memory and links, a destroyed context, a runtime that is ending, an unknown cause.
  const std::vector<GpuStatus> ours = {4, 214, 220, 709, 999};
  int n = 0, n_lost = 0;
  // Every status follows its comment: /** ... */ name = number
  std::size_t at = text.find("enum __device_builtin__ cudaError");
  for (std::string name; name != "cudaErrorUnknown"; ++n) {
    const std::size_t begin = text.find("/**", at), end = text.find("*/", begin);
    ASSERT_NE(end, std::string::npos);
    std::istringstream words(text.substr(end + 2, 200));
    std::string equals;
    GpuStatus status = -1;
    words >> name >> equals >> status;
    ASSERT_EQ(equals, "=") << name;
    const std::string comment = text.substr(begin, end - begin);
    const bool says_lost =
        comment.find("inconsistent state") != std::string::npos || comment.find("terminated") != std::string::npos;
    const bool is_ours = std::find(ours.begin(), ours.end(), status) != ours.end();
    EXPECT_EQ(fault_of(status) == GpuFault::lost, says_lost || is_ours) << name;
    EXPECT_EQ(name == "cudaErrorMemoryAllocation", status == gpu_no_memory);
    n_lost += says_lost ? 1 : 0;
    at = end;
  }
  EXPECT_GT(n, 100);
  EXPECT_GE(n_lost, 12);
}

TEST(GpuStatus, MessagesSayWhatWhereAndWhatToDo) {
  EXPECT_THAT(gpu_message("cuda:1 (A100)", "copying customers to it", gpu_no_memory, "out of memory"),
              AllOf(HasSubstr("cuda:1 (A100): copying customers to it failed: out of memory (CUDA error 2); "),
                    HasSubstr("use fewer paths"), HasSubstr("--device cpu")));
  EXPECT_THAT(gpu_message("cuda:0", "x", 700, "illegal"), AllOf(HasSubstr("start it again"), HasSubstr("Xid")));
  EXPECT_THAT(gpu_message("cuda:0", "x", 100, "none"), HasSubstr("see clvsim doctor and nvidia-smi"));
}

}  // namespace
}  // namespace clvsim::kernels
