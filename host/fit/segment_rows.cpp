#include "host/fit/segment_rows.hpp"

#include "host/model/chain_segments.hpp"

#include <clvsim/error.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace clvsim {

SegmentRows::SegmentRows(const std::vector<std::string>& segments, const MigrationChain& chain,
                         std::vector<int> tie_group)
    : tie_group_(std::move(tie_group)), outcomes_(chain) {
  if (segments.size() < 2)
    throw ConfigError("--by-segment: the store has no segments; import the log with --segment COLUMN, or leave it out");
  const std::size_t n = segments.size() - 1;
  if (n > max_segments || segments.size() * chain.states.size() > max_segment_states)
    throw ConfigError(
        fmt::format("--by-segment: {} segments of {} states; at most {} segments, and {} states in all of them and the "
                    "chain of all customers, can have rows of their own: import the log with fewer segments, or fit "
                    "fewer states (--recency-cells, --frequency-classes)",
                    n, chain.states.size(), max_segments, max_segment_states));
  for (std::size_t s = 1; s < segments.size(); ++s)
    segments_.push_back({segments[s], TransitionCounts(*chain.recency_frequency), RowCounts(chain, tie_group_)});
}

void SegmentRows::add(const CustomerBatch& batch, const PeriodTable& periods) {
  for (std::size_t i = 0; i < batch.size(); ++i) {
    if (batch.segment[i] == 0) continue;
    Segment& segment = segments_[batch.segment[i] - 1];
    segment.transitions.add(batch, i, periods);
    segment.rows.add(batch, i, periods);
  }
}

double SegmentRows::periods_of_group(const Segment& segment, int group) const {
  double n = 0;
  for (std::size_t s = 0; s < tie_group_.size(); ++s)
    if (tie_group_[s] == group) n += static_cast<double>(segment.transitions.periods[s]);
  return n;
}

void SegmentRows::estimate(const FitOptions& options, FitReport& report) const {
  MigrationChain& chain = report.chain;
  const std::size_t n_states = chain.states.size();
  for (const Segment& segment : segments_) {
    const TransitionCounts& counts = segment.transitions;
    RowsOfSegment fit;
    fit.name = segment.name;
    fit.n_customers = counts.n_customers;
    for (const std::int64_t n : counts.periods) fit.n_customer_periods += n;
    // Counts of the outcomes, state by state, and by tie group.
    std::vector<std::vector<double>> by_state(n_states), by_group(n_states);
    for (std::size_t s = 0; s < n_states; ++s) {
      by_state[s].assign(chain.states[s].outcomes.size(), 0);
      const auto count = [&](int outcome, std::int64_t n) {
        if (outcome >= 0) by_state[s][static_cast<std::size_t>(outcome)] += static_cast<double>(n);
      };
      const int state = static_cast<int>(s), n_classes = counts.n_classes();
      count(outcomes_.aged(state), counts.periods[s] - counts.buys(state));
      for (int c = 0; c < n_classes; ++c)
        count(outcomes_.bought(state, c), counts.buys_to[static_cast<std::size_t>(state * n_classes + c)]);
      std::vector<double>& group = by_group[static_cast<std::size_t>(tie_group_[s])];
      group.resize(by_state[s].size());
      for (std::size_t k = 0; k < group.size(); ++k) group[k] += by_state[s][k];
    }
    ChainSegment own{segment.name, chain.states};
    std::vector<std::vector<double>> prior(n_states);
    int last_group = -1;
    for (std::size_t s = 0; s < n_states; ++s) {
      const double periods = periods_of_group(segment, tie_group_[s]);
      if (periods == 0 || periods < options.min_periods) continue;
      ChainState& state = own.states[s];
      state.concentration.reset();
      state.row_of = -1;
      const double weight = periods + options.prior_strength;
      for (std::size_t k = 0; k < state.outcomes.size(); ++k) {
        ChainOutcome& outcome = state.outcomes[k];
        prior[s].push_back(options.prior_strength * outcome.probability);
        outcome.probability = (by_group[static_cast<std::size_t>(tie_group_[s])][k] + prior[s][k]) / weight;
        outcome.standard_error = std::sqrt(outcome.probability * (1 - outcome.probability) / (weight + 1));
        outcome.count = by_state[s][k];
      }
      if (tie_group_[s] == last_group) continue;
      last_group = tie_group_[s];
      ++fit.n_rows;
      fit.n_parameters += static_cast<int>(state.outcomes.size()) - 1;
    }
    if (options.heterogeneity) {
      fit.rows = segment.rows.estimate(prior, own.states);
      for (const RowFit& row : fit.rows) fit.n_parameters += row.concentration.has_value();
    }
    fit.log_likelihood = segment.rows.log_likelihood(prior, own.states);
    fit.log_likelihood_of_all = segment.rows.log_likelihood(prior, chain.states);
    if (fit.n_rows > 0) chain.segments.push_back(std::move(own));
    report.segments.push_back(std::move(fit));
  }
}

}  // namespace clvsim
