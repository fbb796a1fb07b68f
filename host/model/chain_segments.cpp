#include "host/model/chain_segments.hpp"

#include "host/model/fault.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace clvsim {
namespace {

// Whether a segment may have `own` where the chain has `state`.
bool alike(const ChainState& own, const ChainState& state) {
  return own.name == state.name && own.active == state.active && own.amount == state.amount &&
         std::equal(own.outcomes.begin(), own.outcomes.end(), state.outcomes.begin(), state.outcomes.end(),
                    [](const ChainOutcome& a, const ChainOutcome& b) {
                      return a.to == b.to && a.amount == b.amount && a.purchase == b.purchase;
                    });
}

}  // namespace

MigrationChain chain_of(const MigrationChain& chain, const std::string& segment) {
  MigrationChain own = chain;
  own.segments.clear();
  for (const ChainSegment& of : chain.segments)
    if (of.name == segment) own.states = of.states;
  return own;
}

std::optional<ModelFault> fault_of_segments(const MigrationChain& chain) {
  std::set<std::string> names;
  for (std::size_t n = 0; n < chain.segments.size(); ++n) {
    const ChainSegment& segment = chain.segments[n];
    const auto fault = [n](const char* key, std::string message) {
      return ModelFault{ModelFault::Part::segment, static_cast<int>(n), key, std::move(message)};
    };
    if (n >= max_segments || (chain.segments.size() + 1) * chain.states.size() > max_segment_states)
      return fault("name", fmt::format("is one of {} segments of {} states; give at most {} segments, and at most {} "
                                       "states in all of them and the chain",
                                       chain.segments.size(), chain.states.size(), max_segments, max_segment_states));
    if (segment.name.empty() || !names.insert(segment.name).second)
      return fault("name", "is empty or the name of an earlier segment too; give each segment of the store once");
    if (!std::equal(segment.states.begin(), segment.states.end(), chain.states.begin(), chain.states.end(), alike))
      return fault("state",
                   "differs from the model's states in more than probabilities and concentrations; give each the "
                   "outcomes and amounts that it has there");
    MigrationChain own = chain_of(chain, segment.name);
    own.covariates.clear();
    own.levers.clear();
    own.regimes.clear();
    if (const auto of_state = find_fault(own))
      return fault("state",
                   of_state->part == ModelFault::Part::state
                       ? fmt::format("'{}': '{}' {}", chain.states[static_cast<std::size_t>(of_state->state)].name,
                                     of_state->key, of_state->message)
                       : of_state->message);
  }
  return std::nullopt;
}

}  // namespace clvsim
