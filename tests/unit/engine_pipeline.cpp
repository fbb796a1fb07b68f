// Steps of batches at the same time: order, bounds, overlap, failures.
#include "host/run/pipeline.hpp"
#include "kernels/backend/workers.hpp"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <future>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace clvsim {
namespace {

struct Stopped : std::runtime_error {
  using std::runtime_error::runtime_error;
};

TEST(Pipeline, EveryBatchTakesEveryStepInOrderAndKeepsItsSlot) {
  for (const std::int64_t n : {0, 1, 2, 3, 4, 50}) {
    std::array<std::int64_t, pipeline_slots> content{};
    std::int64_t n_read = 0, n_computed = 0, n_written = 0;
    PipelineSteps steps;
    const std::thread::id caller = std::this_thread::get_id();
    steps.read = [&](std::int64_t batch, std::size_t slot) {
      EXPECT_NE(std::this_thread::get_id(), caller);
      EXPECT_EQ(batch, n_read++);
      EXPECT_LT(n_read - n_written, 4) << "more batches in memory than slots";
      content[slot] = batch;
    };
    steps.compute = [&](std::int64_t batch, std::size_t slot) {
      EXPECT_EQ(std::this_thread::get_id(), caller);
      EXPECT_EQ(batch, n_computed++);
      EXPECT_EQ(content[slot], batch);
      content[slot] = batch + 1000;
    };
    steps.write = [&](std::int64_t batch, std::size_t slot) {
      EXPECT_NE(std::this_thread::get_id(), caller);
      EXPECT_EQ(batch, n_written++);
      EXPECT_EQ(content[slot], batch + 1000);
    };
    run_pipeline(n, steps);
    EXPECT_EQ(n_read, n);
    EXPECT_EQ(n_computed, n);
    EXPECT_EQ(n_written, n);
  }
}

// Batch 1 is computed while batch 0 is written, and batch 2 read meanwhile too: each waits for the other to begin.
TEST(Pipeline, StepsOverlap) {
  constexpr auto long_time = std::chrono::seconds(30);
  std::promise<void> second_read, first_write, second_compute;
  PipelineSteps steps;
  steps.read = [&](std::int64_t batch, std::size_t) {
    if (batch == 1) second_read.set_value();
  };
  steps.compute = [&](std::int64_t batch, std::size_t) {
    if (batch == 0) {
      EXPECT_EQ(second_read.get_future().wait_for(long_time), std::future_status::ready);
    }
    if (batch == 1) {
      second_compute.set_value();
      EXPECT_EQ(first_write.get_future().wait_for(long_time), std::future_status::ready);
    }
  };
  steps.write = [&](std::int64_t batch, std::size_t) {
    if (batch != 0) return;
    first_write.set_value();
    EXPECT_EQ(second_compute.get_future().wait_for(long_time), std::future_status::ready);
  };
  run_pipeline(3, steps);
}

TEST(Pipeline, AFailureOfAnyStepReachesTheCallerAndEndsTheRun) {
  for (const std::string failing : {"read", "compute", "write"}) {
    for (const std::int64_t at : {0, 1, 5, 19}) {
      std::atomic<int> n_after{0};
      std::atomic<bool> failed{false};
      const auto step = [&](const std::string& name) {
        return [&, name](std::int64_t batch, std::size_t) {
          if (failed) ++n_after;
          if (name == failing && batch == at) {
            failed = true;
            throw Stopped(name);
          }
        };
      };
      try {
        run_pipeline(20, {step("read"), step("write"), step("compute")});
        FAIL() << "nothing was thrown";
      } catch (const Stopped& stopped) {
        EXPECT_EQ(stopped.what(), failing);
      }
      // Until the failure is on record the other thread goes on, but no further than the slots let it: what was
      // computed may be written, and as many batches read.
      EXPECT_LE(n_after, static_cast<int>(2 * pipeline_slots));
    }
  }
}

TEST(Workers, EveryItemOnceOnAnyNumberOfThreads) {
  for (const std::size_t n : {0U, 1U, 7U, 64U, 1000U}) {
    for (const std::size_t group : {1U, 7U, 2000U}) {
      for (const std::size_t n_workers : {1U, 2U, 5U}) {
        std::vector<std::atomic<int>> times(n);
        kernels::for_groups(n, group, n_workers, [&](std::size_t worker, std::size_t first, std::size_t count) {
          EXPECT_LT(worker, n_workers);
          EXPECT_LE(count, group);
          for (std::size_t i = first; i < first + count; ++i) ++times[i];
        });
        for (const auto& t : times) EXPECT_EQ(t, 1);
      }
    }
  }
}

TEST(Workers, AFailureReachesTheCallerAndEndsTheRest) {
  for (const std::size_t n_workers : {1U, 3U}) {
    std::atomic<std::size_t> n_begun{0};
    EXPECT_THROW(kernels::for_groups(100000, 1, n_workers,
                                     [&](std::size_t, std::size_t first, std::size_t) {
                                       ++n_begun;
                                       if (first == 10) throw Stopped("10");
                                     }),
                 Stopped);
    EXPECT_LT(n_begun, 100000U);
  }
}

}  // namespace
}  // namespace clvsim
