// The launcher of a GPU, with the PTX interpreter in the GPU's place: buffers and streams, memory that runs out, calls
// that fail.
#include "kernels/backend/split.hpp"
#include "tests/support/places.hpp"
#include "tests/support/ptx/simulation.hpp"

#include <clvsim/error.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace clvsim {
namespace {

using test::Outcome;
using test::Prepared;
using test::ptx::Device;
using test::ptx::GpuRecord;
using test::ptx::GpuSetting;
using test::ptx::least_reserve;
using test::ptx::Module;
using test::ptx::PtxGpu;
using ::testing::AllOf;
using ::testing::HasSubstr;

const Module& production() {
  static const Module module = Module::read(test::source_dir() + "/tests/ptx/cuda.ptx");
  return module;
}

Outcome on_cpu(const Prepared& prepared) {
  return run_backend(prepared, *kernels::make_cpu_backend(prepared.spec, 1, test::budget), 100);
}

// Small, with sums by period: 13 customers, four at once.
test::Case small_case() { return {test::life_cycle(), 6, 20, 13}; }

std::unique_ptr<kernels::Backend> open(Device& device, const Prepared& prepared, const GpuSetting& setting,
                                       GpuRecord& record, int n_sharing = 1) {
  return kernels::make_gpu_backend(prepared.spec, std::make_unique<PtxGpu>(device, setting, record), n_sharing);
}

// Memory for two buffers of about so many customers, beside what the launcher leaves.
GpuSetting with_room_for(std::uint64_t customers) {
  return {.memory_bytes = least_reserve + 18000 + 2 * customers * 300};
}

// Buffers are filled, computed and emptied in turn, whenever the GPU does what it was asked for.
TEST(Launcher, ManyBuffersEqualOne) {
  test::Case c = small_case();
  c.n_customers = 33;
  for (const bool periods : {true, false}) {
    Prepared prepared(c);
    prepared.spec.periods = periods;
    std::vector<std::int64_t> values, expected_values;
    const Outcome expected =
        run_backend(prepared, *kernels::make_cpu_backend(prepared.spec, 1, test::budget), 100, &expected_values);
    for (const bool late : {true, false}) {
      for (const std::size_t batch : {1, 20, 33}) {
        Device device(production());
        GpuRecord record;
        GpuSetting setting = with_room_for(9);
        setting.late = late;
        EXPECT_TRUE(run_backend(prepared, *open(device, prepared, setting, record), batch) == expected)
            << late << ' ' << batch;
        EXPECT_TRUE(run_backend(prepared, *open(device, prepared, setting, record), batch, &values) == expected);
        EXPECT_TRUE(values == expected_values) << late << ' ' << batch;
        EXPECT_LT(record.most_customers, 30U);
        EXPECT_EQ(record.n_held, 0);
      }
    }
  }
}

// Two on one GPU, as --device cuda:0,0 has it; each with half of what is free.
TEST(Launcher, TwoOnOneGpuEqualOne) {
  const Prepared prepared(small_case());
  Device first(production()), second(production());
  GpuRecord first_record, second_record;
  std::vector<std::unique_ptr<kernels::Backend>> parts;
  parts.push_back(open(first, prepared, {}, first_record, 2));
  parts.push_back(open(second, prepared, {}, second_record, 1));
  EXPECT_TRUE(run_backend(prepared, *kernels::make_split_backend(std::move(parts)), 6) == on_cpu(prepared));
}

// From plenty to nothing: the same results by smaller buffers, then a refusal that says how much it would take.
TEST(Launcher, LessMemoryIsSmallerBuffers) {
  const Prepared prepared(small_case());
  const Outcome expected = on_cpu(prepared);
  std::vector<std::uint32_t> sizes;
  bool refused = false;
  for (std::uint64_t bytes = 64000; !refused; bytes = bytes * 7 / 8) {
    Device device(production());
    GpuRecord record;
    try {
      const auto backend = open(device, prepared, {.memory_bytes = least_reserve + bytes}, record);
      EXPECT_TRUE(run_backend(prepared, *backend, 100) == expected) << bytes;
      sizes.push_back(record.most_customers);
    } catch (const DeviceError& error) {
      EXPECT_THAT(error.what(), AllOf(HasSubstr("ptx:0 (interpreter): this run needs at least 1 MB of its memory"),
                                      HasSubstr("MB are free"), HasSubstr("use fewer paths")));
      refused = true;
    }
    EXPECT_EQ(record.n_held, 0);
  }
  ASSERT_GE(sizes.size(), 5U);
  EXPECT_EQ(sizes.front(), 8U);  // two buffers share 13 customers, four at once
  EXPECT_LE(sizes.back(), 3U);
}

// Memory that was free and cannot be had: the same results by smaller buffers.
TEST(Launcher, FailedAllocationsAreSmallerBuffers) {
  const Prepared prepared(small_case());
  const Outcome expected = on_cpu(prepared);
  // Pinned memory at the first so many tries; device memory in pieces beyond a size.
  const auto try_with = [&](auto fault) {
    Device device(production());
    GpuRecord record;
    record.fault = fault;
    std::uint32_t most = 0;
    try {
      const auto backend = open(device, prepared, {}, record);
      EXPECT_TRUE(run_backend(prepared, *backend, 100) == expected);
      most = record.most_customers;
    } catch (const DeviceError& error) {
      EXPECT_THAT(error.what(), AllOf(HasSubstr("ptx:0"), HasSubstr("memory"), HasSubstr("use fewer paths")));
    }
    EXPECT_EQ(record.n_held, 0);
    return most;
  };
  std::uint32_t n_failing = 0, most = 0, smallest = ~0U;
  do {
    std::uint32_t left = n_failing++;
    most = try_with([&](std::string_view call, std::uint64_t, std::uint32_t) {
      if (call != "allocate_pinned" || left == 0) return kernels::gpu_success;
      --left;
      return kernels::gpu_no_memory;
    });
    if (most != 0) smallest = most;
  } while (most != 0);
  EXPECT_EQ(smallest, 1U);
  EXPECT_GT(n_failing, 5U);
  smallest = ~0U;
  std::uint64_t largest = 1 << 20;
  do {
    largest = largest * 3 / 4;
    most = try_with([&](std::string_view call, std::uint64_t bytes, std::uint32_t) {
      return call == "allocate" && bytes > largest ? kernels::gpu_no_memory : kernels::gpu_success;
    });
    if (most != 0) smallest = most;
  } while (most != 0);
  EXPECT_LE(smallest, 8U);
}

// Every call fails in turn, in each way: an error that says which, and nothing that is held or done afterwards.
TEST(Launcher, AnyCallMayFail) {
  constexpr kernels::GpuStatus refused = 1, lost = 700;
  const Prepared prepared({test::life_cycle(), 2, 5, 9});
  const Outcome expected = on_cpu(prepared);
  for (const kernels::GpuStatus status : {refused, kernels::gpu_no_memory, lost}) {
    std::uint32_t n_errors = 0, n_equal = 0;
    bool reached = true;
    for (std::uint32_t failing = 0; reached; ++failing) {
      Device device(production());
      GpuRecord record;
      reached = false;
      record.fault = [&](std::string_view, std::uint64_t, std::uint32_t n) {
        if (n != failing) return kernels::gpu_success;
        reached = true;
        return status;
      };
      try {
        {
          const auto backend = open(device, prepared, with_room_for(8), record);
          EXPECT_TRUE(run_backend(prepared, *backend, 9) == expected);
        }
        ++n_equal;
      } catch (const DeviceError& error) {
        ++n_errors;
        EXPECT_THAT(error.what(), AllOf(HasSubstr("ptx:0 (interpreter): "), HasSubstr(" failed: text of "),
                                        HasSubstr(status == lost ? "start it again" : "--device cpu")));
      }
      EXPECT_EQ(record.n_held, 0);
      EXPECT_EQ(record.n_calls_after_loss, 0U) << failing;
    }
    std::printf("status %d: %u calls end the run, %u do not\n", status, n_errors, n_equal);
    EXPECT_GT(n_errors, 30U);
    // Without a fault; memory for buffers, which may be had in smaller pieces; and waiting before memory is released.
    EXPECT_GE(n_equal, status == kernels::gpu_no_memory ? 10U : 1U);
  }
}

}  // namespace
}  // namespace clvsim
