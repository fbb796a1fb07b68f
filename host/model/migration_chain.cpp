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

void require_closed_form(const MigrationChain& chain, int start) {
  if (chain.spend)
    throw ConfigError(
        "the model draws its spend ([spend]), so that its exact moments are not those of fixed amounts; simulate it");
  if (has_heterogeneity(chain))
    throw ConfigError(
        "customers of the model differ (concentration), so that its exact moments are not those of its probabilities; "
        "simulate it");
  if (start < 0 || start >= static_cast<int>(chain.states.size()))
    throw ConfigError(fmt::format("there is no state number {} among the model's {}", start, chain.states.size()));
}

// `in_period(t)`: the chain of period t = 0, 1, ..., valid until the next call.
template <class InPeriod>
ChainMoments moments_of(const MigrationChain& chain, int start, const std::vector<double>& discount,
                        const InPeriod& in_period) {
  require_closed_form(chain, start);
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
  if (!chain.covariates.empty() || !chain.segments.empty() || !chain.levers.empty() || !chain.regimes.empty())
    throw ConfigError(
        "the model has covariates, segments, levers or regimes, so that its moments depend on dates and segment; say "
        "when its "
        "first "
        "period begins");
  return moments_of(chain, start, discount, [&](std::size_t) -> const MigrationChain& { return chain; });
}

namespace {

// The chain of a period in which the world moves on: state s in regime r is number r S + s. `z`: of the covariates.
MigrationChain with_world(const MigrationChain& chain, const std::vector<double>& z, const std::vector<bool>& on) {
  MigrationChain joint = chain;
  joint.states.clear();
  const auto n_states = static_cast<int>(chain.states.size()), n_regimes = static_cast<int>(chain.regimes.size());
  for (const Regime& regime : chain.regimes)
    for (ChainState state : chain_in_period(chain, z, on, &regime).states) {
      const std::vector<ChainOutcome> own = std::move(state.outcomes);
      state.outcomes.clear();
      for (const ChainOutcome& outcome : own)
        for (int r = 0; r < n_regimes; ++r) {
          state.outcomes.push_back(outcome);
          state.outcomes.back().to += r * n_states;
          state.outcomes.back().probability *= regime.transition[static_cast<std::size_t>(r)];
        }
      joint.states.push_back(std::move(state));
    }
  return joint;
}

}  // namespace

ChainMoments exact_moments(const MigrationChain& chain, int start, const std::vector<double>& discount,
                           const PeriodGrid& grid, const std::string& segment) {
  check(chain);
  const MigrationChain own = chain_of(chain, segment);
  const auto z = covariates_by_period(own, grid, 0, static_cast<int>(discount.size()), segment);
  MigrationChain now;
  const auto in_period = [&](std::size_t t) -> const MigrationChain& {
    const std::vector<bool> on = levers_on(own, static_cast<int>(t) + 1, segment);
    return now = own.regimes.empty() ? chain_in_period(own, z[t], on, nullptr) : with_world(own, z[t], on);
  };
  if (own.regimes.empty()) return moments_of(own, start, discount, in_period);
  require_closed_form(own, start);
  const MigrationChain joint =
      with_world(own, std::vector<double>(own.covariates.size()), std::vector<bool>(own.levers.size()));
  ChainMoments all;
  double square = 0;
  for (std::size_t r = 0; r < own.regimes.size(); ++r) {
    const int from = start + static_cast<int>(r * own.states.size());
    const ChainMoments of = moments_of(joint, from, discount, in_period);
    const double p = own.regimes[r].start;
    all.mean += p * of.mean;
    square += p * (of.sd * of.sd + of.mean * of.mean);
    all.p_active += p * of.p_active;
    all.transactions += p * of.transactions;
  }
  all.sd = std::sqrt(std::max(square - all.mean * all.mean, 0.0));
  return all;
}

namespace {

// Means and pair covariances of what is still to come, [regimes][states] and [regimes][states, states].
struct PairTable {
  std::vector<std::vector<double>> mean, covariance;
};

// One period back from `next`. `now` [regimes]: the chains of the period.
PairTable before(const PairTable& next, const std::vector<MigrationChain>& now, const std::vector<Regime>& regimes,
                 double discount) {
  const std::size_t n = now.front().states.size(), n_regimes = regimes.size();
  PairTable table{std::vector<std::vector<double>>(n_regimes, std::vector<double>(n)),
                  std::vector<std::vector<double>>(n_regimes, std::vector<double>(n * n))};
  for (std::size_t r = 0; r < n_regimes; ++r) {
    const std::vector<ChainState>& states = now[r].states;
    const std::vector<double>& next_regime = regimes[r].transition;
    // Of a customer in a state, where the world goes to each regime.
    std::vector<std::vector<double>> given(n, std::vector<double>(n_regimes));
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t to = 0; to < n_regimes; ++to) {
        double& sum = given[i][to] = discount * states[i].amount;
        for (const ChainOutcome& outcome : states[i].outcomes)
          sum +=
              outcome.probability * (discount * outcome.amount + next.mean[to][static_cast<std::size_t>(outcome.to)]);
        table.mean[r][i] += next_regime[to] * sum;
      }
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j < n; ++j) {
        double& sum = table.covariance[r][i * n + j];
        for (std::size_t to = 0; to < n_regimes; ++to) {
          sum += next_regime[to] * (given[i][to] - table.mean[r][i]) * (given[j][to] - table.mean[r][j]);
          for (const ChainOutcome& a : states[i].outcomes)
            for (const ChainOutcome& b : states[j].outcomes)
              sum += next_regime[to] * a.probability * b.probability *
                     next.covariance[to][static_cast<std::size_t>(a.to) * n + static_cast<std::size_t>(b.to)];
        }
      }
  }
  return table;
}

}  // namespace

PortfolioMoments exact_portfolio(const MigrationChain& chain, const std::vector<std::int64_t>& customers,
                                 const std::vector<double>& discount, const PeriodGrid& grid,
                                 const std::string& segment) {
  check(chain);
  const MigrationChain own = chain_of(chain, segment);
  const std::size_t n = own.states.size();
  if (customers.size() != n)
    throw ConfigError(fmt::format("{} numbers of customers, of {} states", customers.size(), n));
  PortfolioMoments portfolio;
  double variance = 0;
  for (std::size_t i = 0; i < n; ++i) {
    if (customers[i] < 0)
      throw ConfigError(
          fmt::format("{} customers in the state '{}'; give at least 0", customers[i], own.states[i].name));
    if (customers[i] == 0) continue;
    const ChainMoments one = exact_moments(chain, static_cast<int>(i), discount, grid, segment);
    portfolio.mean += static_cast<double>(customers[i]) * one.mean;
    variance += static_cast<double>(customers[i]) * one.sd * one.sd;
  }
  portfolio.sd = portfolio.sd_independent = std::sqrt(variance);
  if (own.regimes.empty()) return portfolio;
  const std::size_t n_regimes = own.regimes.size();
  PairTable table{std::vector<std::vector<double>>(n_regimes, std::vector<double>(n)),
                  std::vector<std::vector<double>>(n_regimes, std::vector<double>(n * n))};
  const auto z = covariates_by_period(own, grid, 0, static_cast<int>(discount.size()), segment);
  for (std::size_t t = discount.size(); t-- > 0;) {
    std::vector<MigrationChain> now;
    const std::vector<bool> on = levers_on(own, static_cast<int>(t) + 1, segment);
    for (const Regime& regime : own.regimes) now.push_back(chain_in_period(own, z[t], on, &regime));
    table = before(table, now, own.regimes, discount[t]);
  }
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j) {
      double mean_i = 0, mean_j = 0, covariance = 0;
      for (std::size_t r = 0; r < n_regimes; ++r) {
        mean_i += own.regimes[r].start * table.mean[r][i];
        mean_j += own.regimes[r].start * table.mean[r][j];
      }
      for (std::size_t r = 0; r < n_regimes; ++r)
        covariance += own.regimes[r].start *
                      (table.covariance[r][i * n + j] + (table.mean[r][i] - mean_i) * (table.mean[r][j] - mean_j));
      const auto n_i = static_cast<double>(customers[i]), n_j = static_cast<double>(customers[j]);
      variance += (i == j ? n_i * (n_i - 1) : n_i * n_j) * covariance;
    }
  portfolio.sd = std::sqrt(std::max(variance, 0.0));
  return portfolio;
}

}  // namespace clvsim
