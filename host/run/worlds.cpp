#include "host/run/worlds.hpp"

#include "kernels/math/portable.hpp"
#include "kernels/rng/address.hpp"

#include <clvsim/error.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace clvsim {

namespace {

using kernels::Purpose;

// Whose draws a world's are; path w of it is world w.
constexpr std::uint64_t world_hash = first_reserved_hash;

std::uint32_t world_word(std::uint64_t seed, Purpose purpose, std::uint32_t world, std::uint32_t t) {
  const kernels::PathDraws draws{seed, world_hash, world};
  return kernels::word(draws({purpose, t / 4, 0, 0}), t % 4);
}

// The first index whose cumulative probability exceeds u; the last takes the rest.
std::uint16_t choose(const std::vector<double>& probability, double u) {
  double cumulative = 0;
  std::size_t k = 0;
  for (; k + 1 < probability.size(); ++k) {
    cumulative += probability[k];
    if (u < cumulative) break;
  }
  return static_cast<std::uint16_t>(k);
}

void check_distribution(const std::vector<double>& row, std::size_t size, const std::string& what) {
  constexpr double rounding = 1e-9;
  double sum = 0;
  bool valid = row.size() == size && size > 0;
  for (const double p : row) {
    valid = valid && p >= 0;
    sum += p;
  }
  if (valid && std::abs(sum - 1) <= rounding) return;
  throw ConfigError(
      fmt::format("{}: needs {} probabilities that sum to 1; it has {} that sum to {}", what, size, row.size(), sum));
}

bool alike(const ChainOutcome& a, const ChainOutcome& b) {
  return a.to == b.to && a.amount == b.amount && a.purchase == b.purchase;
}

bool alike(const ChainState& a, const ChainState& b) {
  return a.active == b.active && a.amount == b.amount &&
         std::equal(a.outcomes.begin(), a.outcomes.end(), b.outcomes.begin(), b.outcomes.end(),
                    [](const ChainOutcome& x, const ChainOutcome& y) { return alike(x, y); });
}

void check_indices(const std::vector<std::uint16_t>& indices, std::size_t size, std::size_t below, const char* what) {
  if (indices.empty()) return;
  if (indices.size() != size) {
    throw ConfigError(
        fmt::format("{}: {} entries, but segments, periods, levels and worlds ask for {}", what, indices.size(), size));
  }
  const std::uint16_t most = *std::max_element(indices.begin(), indices.end());
  if (most >= below) throw ConfigError(fmt::format("{}: {} is one too many; there are {}", what, most, below));
}

}  // namespace

void check(const ChainProgram& program, int horizon) {
  if (program.chains.empty()) throw ConfigError("a chain program needs at least one chain");
  const MigrationChain& first = program.chains.front();
  for (std::size_t i = 0; i < program.chains.size(); ++i) {
    const MigrationChain& chain = program.chains[i];
    if (!std::equal(chain.states.begin(), chain.states.end(), first.states.begin(), first.states.end(),
                    [](const ChainState& a, const ChainState& b) { return alike(a, b); })) {
      throw ConfigError(fmt::format(
          "chain {} of a program differs from the first in more than probabilities; give every chain the same states, "
          "outcomes and amounts (an outcome may have probability 0)",
          i + 1));
    }
  }
  const auto n_periods = static_cast<std::size_t>(horizon);
  if (program.n_segments == 0 || program.n_levels == 0 || program.n_worlds == 0) {
    throw ConfigError("a chain program needs at least one segment, one level and one world");
  }
  check_indices(program.chain_of, program.n_segments * n_periods * program.n_levels, program.chains.size(), "chain_of");
  check_indices(program.level, n_periods * program.n_worlds, program.n_levels, "level");
}

ChainProgram one_a_world(std::vector<MigrationChain> chains, int horizon) {
  ChainProgram program;
  program.n_levels = program.n_worlds = static_cast<std::uint32_t>(chains.size());
  program.chains = std::move(chains);
  for (int t = 0; t < horizon; ++t)
    for (std::uint32_t w = 0; w < program.n_worlds; ++w) program.chain_of.push_back(static_cast<std::uint16_t>(w));
  program.level = program.chain_of;
  return program;
}

std::vector<std::uint16_t> regime_levels(const std::vector<double>& start,
                                         const std::vector<std::vector<double>>& transition, std::uint64_t seed,
                                         int horizon, std::uint32_t n_worlds) {
  const std::size_t n = transition.size();
  check_distribution(start, n, "start of the regimes");
  for (std::size_t m = 0; m < n; ++m) check_distribution(transition[m], n, fmt::format("transitions of regime {}", m));
  std::vector<std::uint16_t> levels(static_cast<std::size_t>(horizon) * n_worlds);
  for (std::uint32_t w = 0; w < n_worlds; ++w) {
    const std::vector<double>* row = &start;
    for (std::uint32_t t = 0; t < static_cast<std::uint32_t>(horizon); ++t) {
      const std::uint16_t regime = choose(*row, kernels::uniform(world_word(seed, Purpose::regime, w, t)));
      levels[std::size_t{t} * n_worlds + w] = regime;
      row = &transition[regime];
    }
  }
  return levels;
}

std::uint16_t LevelGrid::nearest(double factor) const {
  const double at = (factor - lowest) / step + 0.5;
  const double most = n - 1;
  return static_cast<std::uint16_t>(at > 0 ? std::min(at, most) : 0.0);
}

LevelGrid level_grid(const Autoregression& factor, std::uint32_t n) {
  constexpr double width = 4;  // standard deviations to either side
  constexpr std::uint32_t most = 65535;
  if (n < 2 || n > most || !(factor.sd > 0)) {
    throw ConfigError(fmt::format("a grid of {} levels for a factor of sd {}: needs 2 to {} levels and a positive sd",
                                  n, factor.sd, most));
  }
  return {-width * factor.sd, 2 * width * factor.sd / (n - 1), n};
}

std::vector<double> factor_paths(const Autoregression& factor, std::uint64_t seed, int horizon,
                                 std::uint32_t n_worlds) {
  if (!(factor.persistence > -1 && factor.persistence < 1) || !(factor.sd >= 0 && std::isfinite(factor.sd))) {
    throw ConfigError(
        fmt::format("a factor of persistence {} and sd {}: persistence must lie between -1 and 1, ends "
                    "excluded, and sd be at least 0",
                    factor.persistence, factor.sd));
  }
  const double innovation = factor.sd * kernels::square_root(1 - factor.persistence * factor.persistence);
  std::vector<double> paths(static_cast<std::size_t>(horizon) * n_worlds);
  for (std::uint32_t w = 0; w < n_worlds; ++w) {
    double f = 0;
    for (std::uint32_t t = 0; t < static_cast<std::uint32_t>(horizon); ++t) {
      const double z = kernels::normal(world_word(seed, Purpose::factor, w, t));
      f = t > 0 ? factor.persistence * f + innovation * z : factor.first.value_or(factor.sd * z);
      paths[std::size_t{t} * n_worlds + w] = f;
    }
  }
  return paths;
}

std::vector<std::uint16_t> levels_of(const std::vector<double>& factors, const LevelGrid& grid) {
  std::vector<std::uint16_t> levels(factors.size());
  std::transform(factors.begin(), factors.end(), levels.begin(), [&](double f) { return grid.nearest(f); });
  return levels;
}

ValueMoments moments_given_world(const ChainProgram& program, std::uint32_t segment, std::uint32_t world, int start,
                                 const std::vector<double>& weight) {
  if (program.chains.front().spend) throw ConfigError("exact moments need amounts that are given, not drawn");
  const std::size_t horizon = weight.size(), n = program.chains.front().states.size();
  std::vector<double> first(n), second(n);
  for (std::size_t t = horizon; t-- > 0;) {
    const std::size_t level = program.level.empty() ? 0 : program.level[t * program.n_worlds + world];
    const std::size_t at = (segment * horizon + t) * program.n_levels + level;
    const MigrationChain& chain = program.chains[program.chain_of.empty() ? 0 : program.chain_of[at]];
    std::vector<double> new_first(n), new_second(n);
    for (std::size_t s = 0; s < n; ++s) {
      const ChainState& state = chain.states[s];
      for (const ChainOutcome& outcome : state.outcomes) {
        const auto to = static_cast<std::size_t>(outcome.to);
        const double cash = weight[t] * (state.amount + outcome.amount);
        new_first[s] += outcome.probability * (cash + first[to]);
        new_second[s] += outcome.probability * (cash * (cash + 2 * first[to]) + second[to]);
      }
    }
    first = std::move(new_first);
    second = std::move(new_second);
  }
  const auto from = static_cast<std::size_t>(start);
  return {first[from], kernels::square_root(std::max(0.0, second[from] - first[from] * first[from]))};
}

MigrationChain tilted(const MigrationChain& chain, const std::vector<double>& loading, double factor) {
  const bool finite = std::all_of(loading.begin(), loading.end(), [&](double l) { return std::isfinite(l * factor); });
  if (loading.size() != chain.states.size() || !finite) {
    throw ConfigError(fmt::format("{} loadings on a factor of {}: needs a finite one for each of {} states",
                                  loading.size(), factor, chain.states.size()));
  }
  MigrationChain result = chain;
  for (ChainState& state : result.states) {
    // The largest exponent is taken off, so that nothing overflows.
    double most = -INFINITY, sum = 0;
    for (const ChainOutcome& outcome : state.outcomes) {
      if (outcome.probability > 0) most = std::max(most, loading[static_cast<std::size_t>(outcome.to)] * factor);
    }
    for (ChainOutcome& outcome : state.outcomes) {
      if (outcome.probability > 0) {
        outcome.probability *= kernels::portable_exp(loading[static_cast<std::size_t>(outcome.to)] * factor - most);
      }
      sum += outcome.probability;
    }
    for (ChainOutcome& outcome : state.outcomes) outcome.probability /= sum;
  }
  return result;
}

}  // namespace clvsim
