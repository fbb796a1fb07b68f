// The GPU gives the bits of the CPU. Skipped, and saying so, without one.
#include "tests/support/engine_outcome.hpp"
#include "tests/support/engine_run.hpp"

#include <clvsim/error.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace clvsim {
namespace {

#define CLVSIM_SKIP_WITHOUT_GPU()                                                                     \
  if (kernels::list_gpus().empty()) {                                                                 \
    GTEST_SKIP() << (kernels::have_cuda() ? "no usable GPU here" : "built without the CUDA backend"); \
  }                                                                                                   \
  static_assert(true)

TEST(Gpu, EqualsTheCpu) {
  CLVSIM_SKIP_WITHOUT_GPU();
  for (const test::Case& c : test::parity_cases()) {
    const test::Prepared prepared(c);
    const test::Outcome expected =
        run_backend(prepared, *kernels::make_cpu_backend(prepared.spec, 2, test::budget), 64);
    for (const std::size_t batch : {1, 3, 100}) {
      EXPECT_TRUE(run_backend(prepared, *kernels::make_cuda_backend(prepared.spec, 0), batch) == expected);
    }
  }
}

TEST(Gpu, ManyCustomersEqualTheCpu) {
  CLVSIM_SKIP_WITHOUT_GPU();
  const test::Prepared prepared({test::with_spend(), 24, 1000, 2000});
  // More than have room in the scratch at once, from which kept paths are copied.
  std::vector<std::int64_t> gpu, cpu;
  EXPECT_TRUE(run_backend(prepared, *kernels::make_cuda_backend(prepared.spec, 0), 2000, &gpu) ==
              run_backend(prepared, *kernels::make_cpu_backend(prepared.spec, 4, test::budget), 2000, &cpu));
  EXPECT_TRUE(gpu == cpu);
}

TEST(Gpu, KeptPathsEqualTheCpus) {
  CLVSIM_SKIP_WITHOUT_GPU();
  for (const test::Case& c : test::parity_cases()) {
    const test::Prepared prepared(c);
    std::vector<std::int64_t> gpu, cpu;
    EXPECT_TRUE(run_backend(prepared, *kernels::make_cuda_backend(prepared.spec, 0), 3, &gpu) ==
                run_backend(prepared, *kernels::make_cpu_backend(prepared.spec, 2, test::budget), 64, &cpu));
    EXPECT_TRUE(gpu == cpu) << c.n_paths << " paths";
  }
}

TEST(Gpu, ManyPathsEqualTheCpu) {
  CLVSIM_SKIP_WITHOUT_GPU();
  const test::Prepared prepared({test::life_cycle(), 12, 1000001, 2});
  EXPECT_TRUE(run_backend(prepared, *kernels::make_cuda_backend(prepared.spec, 0), 2) ==
              run_backend(prepared, *kernels::make_cpu_backend(prepared.spec, 2, test::budget), 2));
}

TEST(Gpu, RunsEqualTheCpu) {
  CLVSIM_SKIP_WITHOUT_GPU();
  SimulationOptions options = test::options(24, 1000, 0.01);
  const test::EngineRun cpu = test::run_engine(50, test::with_spend(), options);
  options.device = {DeviceChoice::Kind::cuda, {0}, ""};
  const test::EngineRun gpu = test::run_engine(50, test::with_spend(), options);
  EXPECT_TRUE(same_bits(cpu, gpu));
  EXPECT_THAT(gpu.info.device, ::testing::StartsWith("cuda:0"));
}

// Runs everywhere: asking for a GPU that is not there fails with the reason.
TEST(Gpu, AnAbsentOneIsADeviceError) {
  const int beyond = static_cast<int>(kernels::list_gpus().size()) + 100;
  SimulationOptions options = test::options(3, 100);
  options.device = {DeviceChoice::Kind::cuda, {beyond}, ""};
  try {
    test::run_engine(1, test::dwyer_migration(), options);
    ADD_FAILURE() << "ran";
  } catch (const DeviceError& error) {
    EXPECT_EQ(error.exit_code(), ExitCode::device);
    const char* reason = !kernels::have_cuda()          ? "without the CUDA backend"
                         : kernels::list_gpus().empty() ? "no usable one"
                                                        : "the GPUs here are";
    EXPECT_THAT(error.what(), ::testing::HasSubstr(reason));
  }
}

TEST(Gpu, AutomaticRunsAnywhere) {
  SimulationOptions options = test::options(3, 100);
  options.device.kind = DeviceChoice::Kind::automatic;
  const test::EngineRun run = test::run_engine(1, test::dwyer_migration(), options);
  EXPECT_THAT(run.info.device, ::testing::StartsWith(kernels::list_gpus().empty() ? "cpu" : "cuda:0"));
}

}  // namespace
}  // namespace clvsim
