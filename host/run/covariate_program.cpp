#include "host/model/chain_covariates.hpp"
#include "host/model/chain_segments.hpp"
#include "host/model/levers.hpp"
#include "host/run/worlds.hpp"

#include <clvsim/error.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>
#include <tuple>

namespace clvsim {

ChainProgram with_covariates(const MigrationChain& chain, const PeriodGrid& grid, int before, int horizon,
                             const std::vector<std::string>& segments, const WorldOptions& worlds) {
  ChainProgram program;
  program.n_segments = static_cast<std::uint32_t>(segments.size());
  // Of covariates, which levers are on, and the regime.
  using Key = std::tuple<std::vector<double>, std::vector<bool>, std::size_t>;
  std::map<Key, std::uint16_t> known;  // of segments without states of their own
  const std::size_t n_regimes = std::max(chain.regimes.size(), std::size_t{1});
  for (const std::string& segment : segments) {
    const MigrationChain own = chain_of(chain, segment);
    const bool has_states = std::any_of(chain.segments.begin(), chain.segments.end(),
                                        [&](const ChainSegment& of) { return of.name == segment; });
    std::map<Key, std::uint16_t> of_segment;
    auto& known_here = has_states ? of_segment : known;
    const auto z = covariates_by_period(own, grid, before, horizon, segment);
    for (std::size_t t = 0; t < z.size(); ++t) {
      const std::vector<bool> on = levers_on(own, static_cast<int>(t) + 1, segment);
      for (std::size_t r = 0; r < n_regimes; ++r) {
        const auto [at, is_new] =
            known_here.try_emplace({z[t], on, r}, static_cast<std::uint16_t>(program.chains.size()));
        if (is_new) {
          if (program.chains.size() == std::numeric_limits<std::uint16_t>::max())
            throw ModelError(fmt::format(
                "the chains of {} periods and {} segments differ in more than {} ways; give a shorter --horizon",
                horizon, segments.size(), program.chains.size()));
          const Regime* const regime = chain.regimes.empty() ? nullptr : &chain.regimes[r];
          program.chains.push_back(chain_in_period(own, z[t], on, regime));
        }
        program.chain_of.push_back(at->second);
      }
    }
  }
  share_amounts(program.chains);
  if (chain.regimes.empty()) return program;
  program.n_levels = static_cast<std::uint32_t>(n_regimes);
  program.n_worlds = worlds.n_worlds;
  std::vector<double> start;
  std::vector<std::vector<double>> transition;
  for (const Regime& regime : chain.regimes) {
    start.push_back(regime.start);
    transition.push_back(regime.transition);
  }
  program.level = regime_levels(start, transition, worlds.seed, horizon, worlds.n_worlds);
  return program;
}

}  // namespace clvsim
