#include "host/model/chain_covariates.hpp"
#include "host/model/chain_segments.hpp"
#include "host/run/worlds.hpp"

#include <clvsim/error.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>

namespace clvsim {

ChainProgram with_covariates(const MigrationChain& chain, const PeriodGrid& grid, int before, int horizon,
                             const std::vector<std::string>& segments) {
  ChainProgram program;
  program.n_segments = static_cast<std::uint32_t>(segments.size());
  std::map<std::vector<double>, std::uint16_t> known;  // of segments without states of their own
  for (const std::string& segment : segments) {
    const MigrationChain own = chain_of(chain, segment);
    const bool has_states = std::any_of(chain.segments.begin(), chain.segments.end(),
                                        [&](const ChainSegment& of) { return of.name == segment; });
    std::map<std::vector<double>, std::uint16_t> of_segment;
    auto& known_here = has_states ? of_segment : known;
    for (const std::vector<double>& z : covariates_by_period(chain, grid, before, horizon, segment)) {
      const auto [at, is_new] = known_here.try_emplace(z, static_cast<std::uint16_t>(program.chains.size()));
      if (is_new) {
        if (program.chains.size() == std::numeric_limits<std::uint16_t>::max())
          throw ModelError(fmt::format(
              "the covariates of {} periods and {} segments differ in more than {} ways; give a shorter --horizon",
              horizon, segments.size(), program.chains.size()));
        program.chains.push_back(chain_at(own, z));
      }
      program.chain_of.push_back(at->second);
    }
  }
  return program;
}

}  // namespace clvsim
