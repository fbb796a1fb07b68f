#include "host/model/transitions.hpp"

namespace clvsim {

PeriodTable::PeriodTable(Date first, const PeriodGrid& grid) : first_(first.days) {
  const std::int32_t last = grid.observation_end().days;
  if (last < first.days) return;
  ago_.resize(static_cast<std::size_t>(last - first.days) + 1);
  // Backwards from the end of observation: one calendar computation a period, not one a day.
  int ago = 0;
  Date before = grid.end(-1);
  for (std::int32_t day = last; day >= first.days; --day) {
    while (day <= before.days) before = grid.end(-(++ago) - 1);
    ago_[static_cast<std::size_t>(day - first.days)] = ago;
  }
}

TransitionOutcomes::TransitionOutcomes(const MigrationChain& chain)
    : cells_(*chain.recency_frequency), n_classes_(cells_.class_from.size()) {
  const int row = cells_.recency_cells + 1;
  for (int s = 0; s < static_cast<int>(chain.states.size()); ++s) {
    const std::vector<ChainOutcome>& outcomes = chain.states[static_cast<std::size_t>(s)].outcomes;
    const auto place_of = [&](int to, bool purchase) {
      const auto found = std::find_if(outcomes.begin(), outcomes.end(), [&](const ChainOutcome& outcome) {
        return outcome.to == to && outcome.purchase == purchase && outcome.probability > 0;
      });
      return found == outcomes.end() ? -1 : static_cast<int>(found - outcomes.begin());
    };
    aged_.push_back(place_of(s % row + 1 < row ? s + 1 : s, false));
    for (std::size_t c = 0; c < n_classes_; ++c) bought_.push_back(place_of(static_cast<int>(c) * row, true));
  }
}

}  // namespace clvsim
