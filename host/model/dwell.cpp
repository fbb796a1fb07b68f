#include "host/model/dwell.hpp"

#include "host/math/special.hpp"

#include <fmt/format.h>

#include <cmath>

namespace clvsim {

Dwell dwell_of(const std::vector<double>& probabilities) {
  Dwell dwell;
  double longer = 0;  // P(stay > t), summed from the far end, where it is small
  for (std::size_t t = probabilities.size(); t-- > 0;) {
    longer += probabilities[t];
    dwell.leaves.insert(dwell.leaves.begin(), longer > 0 ? probabilities[t] / longer : 1);
  }
  return dwell;
}

Dwell weibull_dwell(double scale, double c) {
  constexpr double rare = 13.815510557964274;  // -ln of one in a million
  constexpr int most = 4096;                   // more states than a chain may have, so that a message says how many
  Dwell dwell;
  double before = 0;  // (t / scale)^c
  for (int t = 1; t <= most && before < rare; ++t) {
    const double now = portable_exp(c * portable_log(t / scale));
    dwell.leaves.push_back(-portable_expm1(before - now));
    before = now;
  }
  return dwell;
}

Dwell phase_dwell(int phases, double leave) {
  return {std::vector<double>(static_cast<std::size_t>(phases), leave), false};
}

MigrationChain with_dwells(const MigrationChain& chain, const std::vector<std::optional<Dwell>>& dwells,
                           std::vector<int>& origin) {
  std::vector<int> entry;
  int n = 0;
  origin.clear();
  for (std::size_t s = 0; s < chain.states.size(); ++s) {
    entry.push_back(n);
    const std::size_t parts = dwells[s] ? dwells[s]->leaves.size() : 1;
    n += static_cast<int>(parts);
    origin.insert(origin.end(), parts, static_cast<int>(s));
  }
  MigrationChain expanded = chain;
  expanded.states.clear();
  for (std::size_t s = 0; s < chain.states.size(); ++s) {
    ChainState state = chain.states[s];
    for (ChainOutcome& outcome : state.outcomes) outcome.to = entry[static_cast<std::size_t>(outcome.to)];
    if (state.row_of >= 0) state.row_of = entry[static_cast<std::size_t>(state.row_of)];
    if (!dwells[s]) {
      expanded.states.push_back(state);
      continue;
    }
    const Dwell& dwell = *dwells[s];
    for (std::size_t k = 0; k < dwell.leaves.size(); ++k) {
      const double leaves = dwell.leaves[k];
      const bool last = k + 1 == dwell.leaves.size();
      ChainState part = state;
      if (k > 0) part.name = fmt::format("{}, {} {}", state.name, dwell.one_period ? "period" : "phase", k + 1);
      ChainOutcome stays, goes_on;
      stays.to = entry[s] + static_cast<int>(k);
      goes_on.to = stays.to + 1;
      if (dwell.one_period || last) {
        for (ChainOutcome& outcome : part.outcomes) outcome.probability *= leaves;
      } else {
        part.outcomes.clear();
        goes_on.probability = leaves;
        part.outcomes.push_back(goes_on);
      }
      ChainOutcome& rest = dwell.one_period && !last ? goes_on : stays;
      rest.probability = 1 - leaves;
      if (rest.probability > 0) part.outcomes.push_back(rest);
      expanded.states.push_back(std::move(part));
    }
  }
  for (const int of : origin) expanded.part_of.push_back(entry[static_cast<std::size_t>(of)]);
  expanded.start_state = entry[static_cast<std::size_t>(chain.start_state)];
  return expanded;
}

}  // namespace clvsim
