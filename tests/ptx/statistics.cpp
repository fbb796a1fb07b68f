// Moments and order statistics by a block of threads, executed from their PTX, give the bits of one thread of the host.
#include "tests/support/places.hpp"
#include "tests/support/ptx/machine.hpp"
#include "tests/support/value_samples.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <vector>

namespace clvsim::test {
namespace {

TEST(PtxStatistics, BlocksEqualATeamOfOne) {
  const ptx::Module module = ptx::Module::read(source_dir() + "/tests/ptx/functions.ptx");
  ptx::Device device(module);
  for (const std::size_t n : {1, 2, 31, 32, 33, 255, 256, 257, 1000, 3000}) {
    for (int kind = 0; kind < 6; ++kind) {
      // The whole range and the heavy tail: more keys in a bin than selection's list holds.
      if (n == 3000 && kind != 3 && kind != 4) continue;
      const Values values = sample(n, kind);
      const std::vector<std::uint32_t> ranks = ranks_of(n);
      const auto tail = static_cast<std::uint32_t>(ranks.size() / 3);
      const StatisticsResult expected = solo(values, ranks, tail);
      for (const std::uint32_t threads : {32U, 96U, 256U}) {
        device.schedule = {n % 2 == 0, kind == 1 ? 5U : 0U};
        std::vector<kernels::ValueSummary> summary(1);
        StatisticsResult result;
        result.order.resize(ranks.size());
        device.give("values", values);
        device.give("ranks", ranks);
        device.give("summary", summary);
        device.give("order", result.order);
        const kernels::RankView wanted{ranks.data(), static_cast<std::uint32_t>(ranks.size()), tail};
        device.launch("run_summary", 1, threads, values.data(), static_cast<std::uint32_t>(n), wanted, summary.data(),
                      result.order.data());
        device.take_back_all();
        result.summary = summary[0];
        EXPECT_TRUE(same(result, expected)) << n << " values of kind " << kind << ", " << threads << " threads";
      }
    }
  }
  const double reached = device.share_executed("run_summary");
  std::printf("%.1f million instructions, %.1f %% of the code reached\n",
              1e-6 * static_cast<double>(device.n_executed()), 100 * reached);
  EXPECT_GE(reached, 0.9);
}

}  // namespace
}  // namespace clvsim::test
