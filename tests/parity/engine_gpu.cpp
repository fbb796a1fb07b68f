// The GPU gives the bits of the CPU. Skipped, and saying so, without one.
#include "tests/support/engine_outcome.hpp"
#include "tests/support/engine_run.hpp"
#include "tests/support/outcome_digest.hpp"
#include "tests/support/places.hpp"

#include <clvsim/error.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

namespace clvsim {
namespace {

#define CLVSIM_SKIP_WITHOUT_GPU()                                                                     \
  if (kernels::list_gpus().empty()) {                                                                 \
    GTEST_SKIP() << (kernels::have_cuda() ? "no usable GPU here" : "built without the CUDA backend"); \
  }                                                                                                   \
  static_assert(true)

// Every case of the parity tests, by the pair kernels where they can, against the record that all CPU code is held to.
TEST(Gpu, GivesTheRecordedDigests) {
  CLVSIM_SKIP_WITHOUT_GPU();
  std::ifstream file(test::source_dir() + "/tests/parity/digests.txt");
  int number = 0;
  for (const test::Case& c : test::parity_cases()) {
    ++number;
    test::Prepared prepared(c);
    for (const bool periods : {true, false}) {
      prepared.spec.periods = periods;
      std::string recorded;
      ASSERT_TRUE(std::getline(file, recorded));
      for (const std::size_t batch : {1, 7, 4096}) {
        const auto backend = kernels::make_cuda_backend(prepared.spec, 0);
        const test::Outcome outcome = run_backend(prepared, *backend, batch);
        EXPECT_EQ(test::digest_line(number, periods, test::digest_of(outcome)), recorded) << "batches of " << batch;
      }
    }
  }
}

// Little of the GPU's memory, as if many devices of a run shared it: smaller buffers, the same results.
TEST(Gpu, LittleMemoryEqualsTheCpu) {
  CLVSIM_SKIP_WITHOUT_GPU();
  for (const bool periods : {true, false}) {
    test::Prepared prepared({test::life_cycle(), 36, 10000, 500});
    prepared.spec.periods = periods;
    const test::Outcome expected =
        run_backend(prepared, *kernels::make_cpu_backend(prepared.spec, 4, test::budget), 500);
    for (const int n_sharing : {1, 64, 1000}) {
      EXPECT_TRUE(run_backend(prepared, *kernels::make_cuda_backend(prepared.spec, 0, n_sharing), 500) == expected);
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

// As --device cuda:0,0: two batches at a time on one GPU. And cuda:0,1, where there are two.
TEST(Gpu, DeviceListsEqualTheCpu) {
  CLVSIM_SKIP_WITHOUT_GPU();
  SimulationOptions options = test::options(24, 1000, 0.01);
  const bool two = kernels::list_gpus().size() > 1;
  for (const MigrationChain& chain : {test::with_spend(), test::life_cycle()}) {
    options.device = {DeviceChoice::Kind::cpu, {}, ""};
    options.batch = 0;
    const test::EngineRun cpu = test::run_engine(500, chain, options);
    for (const std::vector<int>& gpus : {std::vector<int>{0, 0}, {0, 0, 0}, {0, two ? 1 : 0}}) {
      for (const std::int64_t batch : {0, 13}) {
        options.device = {DeviceChoice::Kind::cuda, gpus, ""};
        options.batch = batch;
        const test::EngineRun run = test::run_engine(500, chain, options);
        EXPECT_TRUE(same_bits(cpu, run)) << run.info.device;
        EXPECT_THAT(run.info.device, ::testing::HasSubstr(" + cuda:"));
      }
    }
  }
  if (!two) GTEST_SKIP() << "one GPU here: lists of it passed, two GPUs were not run";
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
