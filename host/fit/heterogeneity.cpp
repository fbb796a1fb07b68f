#include "host/fit/heterogeneity.hpp"

#include "host/base/text.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace clvsim {

RowCounts::RowCounts(const MigrationChain& chain, const std::vector<int>& tie_group) : outcomes_(chain) {
  for (std::size_t s = 0; s < chain.states.size(); ++s) {
    const auto first = std::find(tie_group.begin(), tie_group.end(), tie_group[s]);
    row_of_.push_back(static_cast<int>(first - tie_group.begin()));
    counts_.emplace_back(chain.states[s].outcomes.size());
    own_.emplace_back(chain.states[s].outcomes.size());
  }
}

void RowCounts::add(const CustomerBatch& batch, const PeriodTable& periods) {
  for (std::size_t i = 0; i < batch.size(); ++i) {
    for_transitions(outcomes_.cells(), batch, i, periods, *this);
    std::sort(visited_.begin(), visited_.end());
    visited_.erase(std::unique(visited_.begin(), visited_.end()), visited_.end());
    for (const int row : visited_) {
      std::vector<std::uint32_t>& own = own_[static_cast<std::size_t>(row)];
      counts_[static_cast<std::size_t>(row)].add(own);
      std::fill(own.begin(), own.end(), 0U);
    }
    visited_.clear();
  }
}

void RowCounts::note(int state, int outcome, int n) {
  if (outcome < 0) return;
  const int row = row_of_[static_cast<std::size_t>(state)];
  visited_.push_back(row);
  own_[static_cast<std::size_t>(row)][static_cast<std::size_t>(outcome)] += static_cast<std::uint32_t>(n);
}

void RowCounts::estimate(const std::vector<std::vector<double>>& prior, FitReport& report) const {
  std::vector<ChainState>& states = report.chain.states;
  std::vector<DirichletFit> fits(states.size());
  std::int64_t alike = 0;
  for (std::size_t s = 0; s < states.size(); ++s) {
    const auto row = static_cast<std::size_t>(row_of_[s]);
    if (row == s) {
      std::vector<double> p;
      for (const ChainOutcome& outcome : states[s].outcomes) p.push_back(outcome.probability);
      fits[s] = fit_dirichlet(counts_[s], p, prior[s]);
      report.rows.push_back({static_cast<int>(s), fits[s].concentration, fits[s].concentration_error,
                             fits[s].log_likelihood, fits[s].log_likelihood_alike, counts_[s].n_customers(),
                             counts_[s].n_twice(), fits[s].note});
      alike += fits[s].concentration ? 0 : 1;
    }
    const DirichletFit& fit = fits[row];
    if (!fit.concentration) continue;
    states[s].concentration = fit.concentration;
    if (row != s) states[s].row_of = static_cast<int>(row);
    for (std::size_t k = 0; k < states[s].outcomes.size(); ++k) {
      states[s].outcomes[k].probability = fit.probabilities[k];
      states[s].outcomes[k].standard_error = fit.standard_errors[k];
    }
  }
  if (alike > 0)
    report.notes.push_back(
        fmt::format("{} of {} rows have no concentration, as no differences between customers can be seen in them",
                    alike, report.rows.size()));
}

}  // namespace clvsim
