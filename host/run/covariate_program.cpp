#include "host/model/chain_covariates.hpp"
#include "host/model/chain_segments.hpp"
#include "host/model/levers.hpp"
#include "host/run/worlds.hpp"

#include <clvsim/error.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>
#include <utility>

namespace clvsim {

ChainProgram with_covariates(const MigrationChain& chain, const PeriodGrid& grid, int before, int horizon,
                             const std::vector<std::string>& segments) {
  const MigrationChain priced = with_money(chain);
  ChainProgram program;
  program.n_segments = static_cast<std::uint32_t>(segments.size());
  using Key = std::pair<std::vector<double>, std::vector<bool>>;  // of covariates, and which levers are on
  std::map<Key, std::uint16_t> known;                             // of segments without states of their own
  for (const std::string& segment : segments) {
    const MigrationChain own = chain_of(priced, segment);
    const bool has_states = std::any_of(chain.segments.begin(), chain.segments.end(),
                                        [&](const ChainSegment& of) { return of.name == segment; });
    std::map<Key, std::uint16_t> of_segment;
    auto& known_here = has_states ? of_segment : known;
    const auto z = covariates_by_period(own, grid, before, horizon, segment);
    for (std::size_t t = 0; t < z.size(); ++t) {
      const std::vector<bool> on = levers_on(own, static_cast<int>(t) + 1, segment);
      const auto [at, is_new] = known_here.try_emplace({z[t], on}, static_cast<std::uint16_t>(program.chains.size()));
      if (is_new) {
        if (program.chains.size() == std::numeric_limits<std::uint16_t>::max())
          throw ModelError(fmt::format(
              "the chains of {} periods and {} segments differ in more than {} ways; give a shorter --horizon", horizon,
              segments.size(), program.chains.size()));
        program.chains.push_back(with_levers(chain_at(own, z[t]), on));
      }
      program.chain_of.push_back(at->second);
    }
  }
  return program;
}

}  // namespace clvsim
