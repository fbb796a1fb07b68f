// The statistics of a customer alone: what the values of its paths are reduced to, once they are there.
#include "host/bench/cases.hpp"
#include "host/io/seal.hpp"
#include "host/run/estimates.hpp"
#include "kernels/lanes/summary.hpp"
#include "kernels/rng/philox.hpp"
#include "kernels/stats/team.hpp"

#include <clvsim/error.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace clvsim {
namespace {

using kernels::ValueSummary;

// Values of a bell-shaped distribution, all within 2^32: means of four words.
std::vector<std::int64_t> bell_values(std::uint32_t n) {
  std::vector<std::int64_t> values(n);
  for (std::uint32_t i = 0; i < n; ++i) {
    const kernels::Words words = kernels::philox4x32_10({i, 0, 0, 0}, 1);
    values[i] = (std::int64_t{words.x} + words.y + words.z + words.w) / 4;
  }
  return values;
}

bool same(const kernels::WideSum& a, const kernels::WideSum& b) { return a.low == b.low && a.high == b.high; }

bool same(const ValueSummary& a, const ValueSummary& b) {
  return a.min == b.min && a.max == b.max && a.centre == b.centre && a.reach == b.reach && a.sum == b.sum &&
         a.n_nonpositive == b.n_nonpositive && same(a.squares, b.squares) && same(a.fourth, b.fourth) &&
         same(a.shortfall, b.shortfall) && same(a.shortfall_squares, b.shortfall_squares);
}

// As the engine calls it: the values lie in the core's caches, where the walk has just put them.
struct Summariser {
  const kernels::LaneKernels* lanes = nullptr;
  std::vector<std::int64_t> values;
  RankPlan plan;
  kernels::SummaryScratch scratch;
  ValueSummary summary;
  std::vector<std::int64_t> order;

  [[nodiscard]] kernels::RankView ranks() const {
    return {plan.ranks.data(), static_cast<std::uint32_t>(plan.ranks.size()), plan.tail};
  }
  void operator()() {
    constexpr std::uint64_t bound = std::uint64_t{1} << 32;
    kernels::summarise(*lanes, values.data(), static_cast<std::uint32_t>(values.size()), bound, ranks(), scratch,
                       summary, order.data());
  }
};

PlannedCase statistics_case(const std::string& name, const kernels::LaneKernels& lanes) {
  constexpr int summaries = 200;  // a call
  const SimulationOptions options = bench_simulation();
  PlannedCase planned;
  planned.result.name = name;
  planned.result.unit = "values";
  planned.result.work = static_cast<double>(options.n_paths) * summaries;
  // Reading every value once; what it takes beyond that are instructions.
  planned.result.limit = {{cache_ceiling, planned.result.work * sizeof(std::int64_t)}};
  planned.prepare = [&lanes, options](BenchCase& result) {
    const auto summarise = std::make_shared<Summariser>();
    summarise->lanes = &lanes;
    summarise->values = bell_values(options.n_paths);
    summarise->plan = plan_ranks(options.n_paths, options.quantiles, options.cvar_level);
    summarise->order.resize(summarise->plan.ranks.size());
    (*summarise)();
    // Beside the code that runs on a GPU.
    ValueSummary expected;
    std::vector<std::int64_t> order(summarise->order.size());
    kernels::SoloTeam team;
    const auto shared = std::make_unique<kernels::SummaryShared>();
    kernels::summarise(team, *shared, summarise->values.data(), options.n_paths, summarise->ranks(), &expected,
                       order.data());
    std::vector<std::int64_t> sorted = summarise->values;
    std::sort(sorted.begin(), sorted.end());
    for (std::size_t r = 0; r < order.size(); ++r) {
      if (summarise->order[r] != sorted[summarise->plan.ranks[r]] || order[r] != summarise->order[r])
        throw ModelError(fmt::format("{}: a wrong order statistic; please report it", result.name));
    }
    if (!same(summarise->summary, expected))
      throw ModelError(fmt::format("{}: sums that are not those of the reference; please report it", result.name));
    Hasher hasher;
    hasher.update(&expected.sum, sizeof expected.sum);
    hasher.update(order.data(), order.size() * sizeof order[0]);
    result.digest = to_hex(hasher.digest());
    return [summarise] {
      for (int i = 0; i < summaries; ++i) (*summarise)();
    };
  };
  return planned;
}

}  // namespace

void add_statistics_cases(PlannedCases& cases) {
  cases.push_back(statistics_case("statistics", *kernels::lane_kernels().front()));
}

}  // namespace clvsim
