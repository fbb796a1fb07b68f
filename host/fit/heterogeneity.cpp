#include "host/fit/heterogeneity.hpp"

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

void RowCounts::add(const CustomerBatch& batch, std::size_t i, const PeriodTable& periods) {
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

void RowCounts::note(int state, int outcome, int n) {
  if (outcome < 0) return;
  const int row = row_of_[static_cast<std::size_t>(state)];
  visited_.push_back(row);
  own_[static_cast<std::size_t>(row)][static_cast<std::size_t>(outcome)] += static_cast<std::uint32_t>(n);
}

namespace {

std::vector<double> probabilities_of(const ChainState& state) {
  std::vector<double> p;
  for (const ChainOutcome& outcome : state.outcomes) p.push_back(outcome.probability);
  return p;
}

}  // namespace

std::vector<RowFit> RowCounts::estimate(const std::vector<std::vector<double>>& prior,
                                        std::vector<ChainState>& states) const {
  std::vector<RowFit> rows;
  std::vector<DirichletFit> fits(states.size());
  for (std::size_t s = 0; s < states.size(); ++s) {
    if (prior[s].empty()) continue;
    const auto row = static_cast<std::size_t>(row_of_[s]);
    if (row == s) {
      fits[s] = fit_dirichlet(counts_[s], probabilities_of(states[s]), prior[s]);
      rows.push_back({static_cast<int>(s), fits[s].concentration, fits[s].concentration_error, fits[s].log_likelihood,
                      fits[s].log_likelihood_alike, counts_[s].n_customers(), counts_[s].n_twice(), fits[s].note});
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
  return rows;
}

double RowCounts::log_likelihood(const std::vector<std::vector<double>>& prior,
                                 const std::vector<ChainState>& states) const {
  double sum = 0;
  for (std::size_t s = 0; s < states.size(); ++s)
    if (!prior[s].empty() && static_cast<std::size_t>(row_of_[s]) == s)
      sum += dirichlet_log_likelihood(counts_[s], probabilities_of(states[s]), states[s].concentration);
  return sum;
}

}  // namespace clvsim
