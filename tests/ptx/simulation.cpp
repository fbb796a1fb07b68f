// The production kernels, executed from the committed PTX of kernels/backend/cuda.cu, give the bits of the CPU.
#include "tests/support/ptx/simulation.hpp"

#include "kernels/path/pair_task.hpp"
#include "tests/support/dirichlet.hpp"
#include "tests/support/places.hpp"
#include "tests/support/purchases.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>

namespace clvsim {
namespace {

using test::Outcome;
using test::Prepared;
using test::ptx::Device;
using test::ptx::Module;

const Module& production() {
  static const Module module = Module::read(test::source_dir() + "/tests/ptx/cuda.ptx");
  return module;
}

template <class AnyPrepared>
Outcome on_cpu(const AnyPrepared& prepared) {
  return run_backend(prepared, *kernels::make_cpu_backend(prepared.spec, 1, test::budget), 100);
}

// Those of the parity tests; and values that many paths share, over a wide range: keys that are more than selection's
// list holds, of narrow and of wide amounts.
std::vector<test::Case> cases() {
  std::vector<test::Case> all = test::parity_cases();
  for (const double largest : {100.0, 1e12}) all.push_back({test::mixed_chain(5, 3, largest), 2, 3000, 4});
  for (test::Case& c : all) {
    // One group of customers walked at once; the schedules below have two groups a block.
    c.n_customers = std::min<std::size_t>(c.n_customers, c.n_paths > 2000 ? 2 : 4);
    c.horizon = std::min(c.horizon, 20U);
  }
  return all;
}

// A GPU whose blocks have no room for the tables of pairs: every chain runs the general kernel.
constexpr test::ptx::GpuSetting without_pairs{.shared_bytes = 0};

TEST(PtxSimulation, EqualsTheCpu) {
  Device device(production());
  for (const test::Case& c : cases()) {
    Prepared prepared(c);
    for (const bool periods : {true, false}) {
      prepared.spec.periods = periods;
      const Outcome expected = on_cpu(prepared);
      for (const bool pairs : {true, false}) {
        const test::ptx::GpuSetting setting = pairs ? test::ptx::GpuSetting{} : without_pairs;
        // Where there are no pairs anyway, once is enough.
        if (pairs && !kernels::pair_shape(prepared.chain(), prepared.spec.seed, prepared.spec.horizon).possible)
          continue;
        EXPECT_TRUE(simulate(device, prepared, setting) == expected)
            << c.chain.states.size() << " states, " << c.n_paths << " paths" << (periods ? ", periods" : "")
            << (pairs ? ", pairs" : "");
      }
    }
  }
  for (const test::BehaviourCase& c : test::behaviour_cases()) {
    test::PreparedBehaviour prepared(c);
    for (const bool periods : {true, false}) {
      prepared.spec.periods = periods;
      EXPECT_TRUE(simulate(device, prepared, {}) == on_cpu(prepared))
          << c.model.model << ", refunds " << (c.model.spend ? c.model.spend->refund_rate : 0)
          << (periods ? ", periods" : "");
    }
  }
  for (const test::DirichletCase& c : test::dirichlet_cases()) {
    test::PreparedDirichlet prepared(c);
    for (const bool periods : {true, false}) {
      prepared.spec.periods = periods;
      EXPECT_TRUE(simulate(device, prepared, {}) == on_cpu(prepared))
          << c.chain.states.size() << " states whose customers differ" << (periods ? ", periods" : "");
    }
  }
  std::printf("%.1f million instructions\n", 1e-6 * static_cast<double>(device.n_executed()));
  for (const char* kernel : test::ptx::simulation_kernels) {
    const double reached = device.share_executed(kernel);
    std::printf("%s: %.1f %% of the code reached\n", kernel, 100 * reached);
    // What saturates, and the normal's far tail, are reached by functions.cpp; copies of unrolled loops are not all.
    // BG/BB has one purchase a period at most: nothing of the draws of many is reached.
    const bool one_purchase = std::string(kernel).ends_with("BgBb");
    EXPECT_GE(reached, one_purchase ? 0.7 : 0.85) << kernel;
  }
}

// Whatever the order of the threads, and wherever they are interrupted.
TEST(PtxSimulation, SchedulesEqualEachOther) {
  const Prepared drawn({test::with_spend(), 5, 300, 3}), pairs({test::life_cycle(), 6, 300, 9});
  for (const Prepared* prepared : {&drawn, &pairs}) {
    const Outcome expected = on_cpu(*prepared);
    for (const bool reversed : {false, true}) {
      for (const std::uint64_t quantum : {1, 7, 1000}) {
        for (const std::uint32_t blocks : {1, 3, 5}) {
          Device device(production());
          device.schedule = {reversed, quantum};
          EXPECT_TRUE(simulate(device, *prepared, {.n_blocks = blocks}) == expected)
              << reversed << ' ' << quantum << ' ' << blocks;
        }
      }
    }
  }
}

// A module of one kernel of the production's alone.
std::string text_of(const std::string& kernel) {
  std::ifstream file(test::source_dir() + "/tests/ptx/cuda.ptx");
  const std::string text{std::istreambuf_iterator<char>(file), {}}, entry = ".entry ";
  const std::size_t at = text.find(entry + kernel + "(");
  if (at == std::string::npos) throw test::ptx::Error("no kernel " + kernel);
  return text.substr(0, text.find(entry)) + text.substr(at, text.find(entry, at + 1) - at);
}

// Races are seen, and no barrier is one too many: without any of them a kernel fails.
TEST(PtxSimulation, BarriersAreMissed) {
  const Prepared drawn({test::with_spend(), 3, 300, 2}), narrow({test::mixed_chain(5, 3, 100), 6, 300, 9}),
      wide({test::mixed_chain(5, 3, 1e12), 6, 300, 9});
  Prepared narrow_values({test::mixed_chain(5, 3, 100), 6, 300, 3}),
      wide_values({test::mixed_chain(5, 3, 1e12), 6, 300, 3});
  narrow_values.spec.periods = wide_values.spec.periods = false;
  // Of the models' general kernels the chain's: their barriers are those of one source.
  const std::array<const Prepared*, kernels::first_general_kernel + 1> inputs = {&narrow_values, &wide_values, &narrow,
                                                                                 &wide, &drawn};
  for (std::size_t k = 0; k < inputs.size(); ++k) {
    const std::string kernel = test::ptx::simulation_kernels[k], text = text_of(kernel), barrier = "bar.sync";
    const Module whole(text, kernel);
    Device complete(whole);
    EXPECT_TRUE(simulate(complete, *inputs[k], {.n_blocks = 1}) == on_cpu(*inputs[k])) << kernel;
    int n = 0;
    for (std::size_t at = text.find(barrier); at != std::string::npos; at = text.find(barrier, at + 1), ++n) {
      const Module module(std::string(text).replace(at, text.find(';', at) - at, ""), "without a barrier");
      Device device(module);
      std::string error = "none";
      try {
        simulate(device, *inputs[k], {.n_blocks = 1});
      } catch (const test::ptx::Error& found) {
        error = found.what();
      }
      // A race, threads at different barriers, or a stray access by what was read too early.
      EXPECT_NE(error, "none") << kernel << " without its barrier " << n;
    }
    std::printf("%s: %d barriers\n", kernel.c_str(), n);
    EXPECT_GT(n, 10);
  }
}

// The comparison sees other draws.
TEST(PtxSimulation, AnotherSeedDiffers) {
  Prepared prepared({test::life_cycle(), 6, 100, 2});
  const Outcome expected = on_cpu(prepared);
  prepared.spec.seed += 1;
  Device device(production());
  EXPECT_FALSE(simulate(device, prepared, {}) == expected);
}

}  // namespace
}  // namespace clvsim
