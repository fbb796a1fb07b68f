#include "host/run/chain_tables.hpp"

#include <algorithm>

namespace clvsim {

namespace {

constexpr double two_to_32 = 4294967296.0;

// 2^32 p, rounded, for 0 <= p <= 1.
std::uint64_t quantised(double p) {
  const std::int64_t rounded = kernels::round_to_fixed(p * two_to_32);
  return static_cast<std::uint64_t>(std::clamp<std::int64_t>(rounded, 0, std::int64_t{1} << 32));
}

}  // namespace

double minor_units_per_unit(int decimals) {
  double factor = 1;
  for (int i = 0; i < decimals; ++i) factor *= 10;
  return factor;
}

kernels::MigrationChainView ChainTables::view() const {
  kernels::MigrationChainView view;
  view.states = states.data();
  view.outcomes = outcomes.data();
  view.n_states = static_cast<std::uint32_t>(states.size());
  view.row = row;
  view.has_spend = has_spend;
  view.spend = spend;
  view.spend.count_threshold = count_threshold.data();
  return view;
}

ChainTables pack(const MigrationChain& chain, int decimals) {
  constexpr std::uint64_t whole = std::uint64_t{1} << 32;
  const double scale = minor_units_per_unit(decimals);
  ChainTables tables;
  for (const ChainState& state : chain.states) {
    tables.row = std::max(tables.row, static_cast<std::uint32_t>(state.outcomes.size()));
  }
  for (const ChainState& state : chain.states) {
    std::vector<kernels::ChainOutcomeEntry> row;
    double cumulative = 0;
    std::uint64_t before = 0;
    for (std::size_t k = 0; k < state.outcomes.size(); ++k) {
      const ChainOutcome& outcome = state.outcomes[k];
      cumulative += outcome.probability;
      // A row sums to 1 only within the rounding of its probabilities: the last outcome that has any takes the rest.
      const bool last = std::all_of(state.outcomes.begin() + static_cast<std::ptrdiff_t>(k) + 1, state.outcomes.end(),
                                    [](const ChainOutcome& later) { return later.probability <= 0; });
      const std::uint64_t threshold = last ? whole : std::max(before, quantised(cumulative));
      if (threshold == before) continue;
      before = threshold;
      row.push_back({outcome.amount * scale, static_cast<std::uint32_t>(threshold),
                     static_cast<std::uint16_t>(outcome.to), outcome.purchase});
    }
    tables.states.push_back({state.amount * scale, static_cast<std::uint16_t>(row.size()), state.active});
    row.resize(tables.row);
    tables.outcomes.insert(tables.outcomes.end(), row.begin(), row.end());
  }
  if (chain.spend) {
    const SpendModel& spend = *chain.spend;
    tables.has_spend = true;
    tables.spend.within_sd = spend.within_sd;
    tables.spend.scale = spend.smearing * scale;
    tables.spend.zero_threshold = quantised(spend.zero_share);
    tables.spend.refund_threshold = quantised(spend.refund_rate);
    tables.spend.refund_shift = spend.refund_log_shift;
    tables.spend.refund_sd = spend.refund_log_sd;
    double cumulative = 0;
    for (std::size_t k = 0; k + 1 < spend.purchases_in_period.size(); ++k) {
      cumulative += spend.purchases_in_period[k];
      const std::uint64_t threshold = quantised(cumulative);
      if (threshold >= whole) break;
      tables.count_threshold.push_back(static_cast<std::uint32_t>(threshold));
    }
    tables.spend.n_counts = static_cast<std::uint32_t>(tables.count_threshold.size()) + 1;
  }
  return tables;
}

}  // namespace clvsim
