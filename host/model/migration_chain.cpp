#include <clvsim/migration_chain.hpp>

#include "host/model/chain_covariates.hpp"
#include "host/model/chain_segments.hpp"
#include "host/model/levers.hpp"

#include <clvsim/error.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace clvsim {
namespace {

const RecencyFrequency& cells_of(const MigrationChain& chain) {
  if (!chain.recency_frequency)
    throw ConfigError(
        "the model has no [recency_frequency], so that no history can be given a state; simulate identical customers "
        "from its start state, or fit a model to the store");
  return *chain.recency_frequency;
}

}  // namespace

int MigrationChain::frequency_class_of(const CustomerBatch& batch, std::size_t i) const {
  const std::vector<int>& from = cells_of(*this).class_from;
  const auto above = std::upper_bound(from.begin(), from.end(), batch.n_purchase_days[i]);
  return std::max(static_cast<int>(above - from.begin()) - 1, 0);
}

int MigrationChain::state_of(const CustomerBatch& batch, std::size_t i, const PeriodGrid& grid) const {
  const int cells = cells_of(*this).recency_cells;
  if (batch.n_purchase_days[i] == 0) return cells;  // refunds alone: lapsed, in the first class
  const int recency = grid.periods_ago(Date{batch.last_purchase_day[i]});
  return frequency_class_of(batch, i) * (cells + 1) + std::min(recency, cells);
}

namespace {

// `in_period(t)`: the chain of period t = 0, 1, ..., valid until the next call.
template <class InPeriod>
ChainMoments moments_of(const MigrationChain& chain, int start, const std::vector<double>& discount,
                        const InPeriod& in_period) {
  check(chain);
  if (chain.spend)
    throw ConfigError(
        "the model draws its spend ([spend]), so that its exact moments are not those of fixed amounts; simulate it");
  if (has_heterogeneity(chain))
    throw ConfigError(
        "customers of the model differ (concentration), so that its exact moments are not those of its probabilities; "
        "simulate it");
  if (start < 0 || start >= static_cast<int>(chain.states.size()))
    throw ConfigError(fmt::format("there is no state number {} among the model's {}", start, chain.states.size()));
  const std::size_t n = chain.states.size();

  // Backward: mean and variance of what is still to come from each state.
  std::vector<double> mean(n, 0), variance(n, 0), next_mean(n), next_variance(n);
  for (std::size_t t = discount.size(); t-- > 0;) {
    mean.swap(next_mean);
    variance.swap(next_variance);
    const MigrationChain& now = in_period(t);
    for (std::size_t i = 0; i < n; ++i) {
      const ChainState& state = now.states[i];
      double expected = 0;
      for (const ChainOutcome& outcome : state.outcomes)
        expected +=
            outcome.probability * (discount[t] * outcome.amount + next_mean[static_cast<std::size_t>(outcome.to)]);
      double spread = 0;
      for (const ChainOutcome& outcome : state.outcomes) {
        const auto to = static_cast<std::size_t>(outcome.to);
        const double deviation = discount[t] * outcome.amount + next_mean[to] - expected;
        spread += outcome.probability * (deviation * deviation + next_variance[to]);
      }
      mean[i] = discount[t] * state.amount + expected;
      variance[i] = spread;
    }
  }

  // Forward: where the customer is, and what it bought.
  ChainMoments moments;
  std::vector<double> at(n, 0), next_at(n);
  at[static_cast<std::size_t>(start)] = 1;
  for (std::size_t t = 0; t < discount.size(); ++t) {
    next_at.assign(n, 0);
    const MigrationChain& now = in_period(t);
    for (std::size_t i = 0; i < n; ++i) {
      for (const ChainOutcome& outcome : now.states[i].outcomes) {
        const double p = at[i] * outcome.probability;
        next_at[static_cast<std::size_t>(outcome.to)] += p;
        if (outcome.purchase) moments.transactions += p;
      }
    }
    at.swap(next_at);
  }
  for (std::size_t i = 0; i < n; ++i)
    if (chain.states[i].active) moments.p_active += at[i];
  moments.mean = mean[static_cast<std::size_t>(start)];
  moments.sd = std::sqrt(variance[static_cast<std::size_t>(start)]);
  return moments;
}

}  // namespace

ChainMoments exact_moments(const MigrationChain& chain, int start, const std::vector<double>& discount) {
  if (!chain.covariates.empty() || !chain.segments.empty() || !chain.levers.empty())
    throw ConfigError(
        "the model has covariates, segments or levers, so that its moments depend on dates and segment; say when its "
        "first "
        "period begins");
  return moments_of(chain, start, discount, [&](std::size_t) -> const MigrationChain& { return chain; });
}

ChainMoments exact_moments(const MigrationChain& chain, int start, const std::vector<double>& discount,
                           const PeriodGrid& grid, const std::string& segment) {
  check(chain);
  const MigrationChain own = chain_of(with_money(chain), segment);
  const auto z = covariates_by_period(own, grid, 0, static_cast<int>(discount.size()), segment);
  MigrationChain now;
  return moments_of(own, start, discount, [&](std::size_t t) -> const MigrationChain& {
    return now = with_levers(chain_at(own, z[t]), levers_on(own, static_cast<int>(t) + 1, segment));
  });
}

}  // namespace clvsim
