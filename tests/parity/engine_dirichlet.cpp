// Chains whose customers differ: instruction sets, thread counts, batches and split devices give the bits of a single
// thread, and a customer those of its hash, whoever else is there.
#include "kernels/backend/split.hpp"
#include "kernels/lanes/lanes.hpp"
#include "tests/support/dirichlet.hpp"

#include <gtest/gtest.h>

#include <memory>

namespace clvsim {
namespace {

using test::Outcome;
using test::PreparedDirichlet;

std::unique_ptr<kernels::Backend> cpu(const kernels::RunSpec& spec, int threads, const std::string& instructions) {
  return kernels::make_cpu_backend(spec, threads, test::budget, instructions);
}

TEST(DirichletParity, InstructionsThreadsBatchesAndDevices) {
  for (const test::DirichletCase& c : test::dirichlet_cases()) {
    PreparedDirichlet prepared(c);
    for (const bool periods : {true, false}) {
      prepared.spec.periods = periods;
      std::vector<std::int64_t> expected_values, values;
      const Outcome expected = run_backend(prepared, *cpu(prepared.spec, 1, "reference"), 100, &expected_values);
      for (const kernels::LaneKernels* lanes : kernels::lane_kernels()) {
        for (const int threads : {1, 3}) {
          for (const std::size_t batch : {1, 4, 100}) {
            EXPECT_TRUE(run_backend(prepared, *cpu(prepared.spec, threads, lanes->name), batch, &values) == expected)
                << c.chain.states.size() << " states, " << lanes->name << ' ' << threads << ' ' << batch;
            EXPECT_EQ(values, expected_values);
          }
        }
      }
      std::vector<std::unique_ptr<kernels::Backend>> parts;
      for (int i = 0; i < 3; ++i) parts.push_back(cpu(prepared.spec, 1, ""));
      EXPECT_TRUE(run_backend(prepared, *kernels::make_split_backend(std::move(parts)), 2) == expected);
    }
    prepared.spec.periods = true;
    const Outcome expected = run_backend(prepared, *cpu(prepared.spec, 1, ""), 100);
    prepared.spec.seed += 1;
    EXPECT_FALSE(run_backend(prepared, *cpu(prepared.spec, 1, ""), 100) == expected);
  }
}

}  // namespace
}  // namespace clvsim
