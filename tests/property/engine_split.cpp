// Several devices at once: the results of one, whichever takes what, and errors that name the device.
#include "kernels/backend/split.hpp"
#include "tests/support/engine_outcome.hpp"
#include "tests/support/engine_run.hpp"

#include <clvsim/error.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace clvsim {
namespace {

using kernels::Backend;
using ::testing::AllOf;
using ::testing::HasSubstr;

// A CPU backend that takes its time, counts its customers, and fails from one of its calls on.
class Part final : public Backend {
 public:
  struct Behaviour {
    std::chrono::microseconds delay{0};  // of every call
    int fails_at = -1;                   // the number of the call, from 0
    std::atomic<std::size_t>* n_customers = nullptr;
  };
  Part(const kernels::RunSpec& spec, const char* instructions, Behaviour behaviour)
      : cpu_(kernels::make_cpu_backend(spec, 1, test::budget, instructions)), behaviour_(behaviour) {}

  void run(const kernels::CustomerSpan& customers, std::span<kernels::CustomerSummary> summaries,
           std::span<std::int64_t> order, std::span<std::int64_t> values) override {
    if (n_calls_++ == behaviour_.fails_at) throw DeviceError("it is on fire; call the brigade");
    std::this_thread::sleep_for(behaviour_.delay);
    if (behaviour_.n_customers != nullptr) *behaviour_.n_customers += kernels::size_of(customers);
    cpu_->run(customers, summaries, order, values);
  }
  void gather(kernels::PathSums& sums) override { cpu_->gather(sums); }
  [[nodiscard]] std::string description() const override { return cpu_->description(); }
  [[nodiscard]] std::size_t batch_size() const override { return cpu_->batch_size(); }

 private:
  std::unique_ptr<Backend> cpu_;
  Behaviour behaviour_;
  int n_calls_ = 0;
};

std::unique_ptr<Backend> split_over(const kernels::RunSpec& spec, const std::vector<Part::Behaviour>& behaviours) {
  std::vector<std::unique_ptr<Backend>> parts;
  for (const Part::Behaviour& behaviour : behaviours) {
    // Not all the same code either.
    parts.push_back(std::make_unique<Part>(spec, parts.size() % 2 == 0 ? "" : "reference", behaviour));
  }
  return kernels::make_split_backend(std::move(parts));
}

TEST(SplitBackend, AnyPartsEqualOne) {
  const std::chrono::microseconds none{0}, slow{300};
  const std::vector<std::vector<Part::Behaviour>> devices = {{{}}, {{}, {slow}}, {{slow}, {none}, {slow}}};
  for (const test::Case& c : test::parity_cases()) {
    test::Prepared prepared(c);
    for (const bool periods : {true, false}) {
      prepared.spec.periods = periods;
      const test::Outcome expected =
          run_backend(prepared, *kernels::make_cpu_backend(prepared.spec, 1, test::budget), 100);
      for (const auto& behaviours : devices) {
        for (const std::size_t batch : {1, 2, 100}) {
          EXPECT_TRUE(run_backend(prepared, *split_over(prepared.spec, behaviours), batch) == expected)
              << behaviours.size() << " devices, batches of " << batch << ", " << c.n_paths << " paths";
        }
      }
    }
  }
}

// All take part; the one that is slow takes less.
TEST(SplitBackend, TheFasterTakesMore) {
  const test::Prepared prepared({test::life_cycle(), 6, 10, 4000});
  std::atomic<std::size_t> fast{0}, slow{0};
  const auto split = split_over(
      prepared.spec, {{std::chrono::milliseconds(50), -1, &slow}, {std::chrono::milliseconds(0), -1, &fast}});
  static_cast<void>(run_backend(prepared, *split, 400));
  EXPECT_EQ(fast + slow, 4000U);
  EXPECT_GT(slow, 0U);
  EXPECT_GT(fast, slow);
}

TEST(SplitBackend, DescribesAllAndAsksForTheBatchesOfAll) {
  const test::Prepared prepared({test::life_cycle(), 60, 100, 1});
  const auto one = split_over(prepared.spec, {{}});
  const auto three = split_over(prepared.spec, {{}, {}, {}});
  EXPECT_THAT(three->description(), ::testing::MatchesRegex("cpu \\(.*\\) \\+ cpu \\(.*reference\\) \\+ cpu \\(.*\\)"));
  EXPECT_GT(three->batch_size(), 2 * one->batch_size());
}

TEST(SplitBackend, AnErrorNamesItsDevice) {
  const test::Prepared prepared({test::life_cycle(), 6, 10, 100});
  for (const int fails_at : {0, 2}) {
    std::vector<Part::Behaviour> behaviours(3);
    behaviours[1].fails_at = fails_at;
    // The others are slow: they leave it all that it can take.
    behaviours[0].delay = behaviours[2].delay = std::chrono::milliseconds(2);
    const auto split = split_over(prepared.spec, behaviours);
    try {
      for (int batch = 0; batch < 50; ++batch) static_cast<void>(run_backend(prepared, *split, 10));
      ADD_FAILURE() << "ran";
    } catch (const DeviceError& error) {
      EXPECT_THAT(error.what(), AllOf(HasSubstr("device 2 of 3, cpu (1 thread, reference): it is on fire"),
                                      HasSubstr("call the brigade")));
    }
  }
}

TEST(SplitBackend, GpusAreChecked) {
  const auto error_of = [](std::vector<int> gpus) -> std::string {
    SimulationOptions options = test::options(3, 100);
    options.device = {DeviceChoice::Kind::cuda, std::move(gpus), ""};
    try {
      check(options);
    } catch (const ConfigError& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_THAT(error_of({}), HasSubstr("number of GPUs 0: must be in 1 to 64"));
  EXPECT_THAT(error_of(std::vector<int>(65)), HasSubstr("number of GPUs 65"));
  EXPECT_THAT(error_of({0, -1}), HasSubstr("GPU index -1"));
  EXPECT_EQ(error_of({0, 1, 0}), "");
}

}  // namespace
}  // namespace clvsim
