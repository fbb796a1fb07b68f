// Chains whose probabilities depend on the customer's segment, the period, and the world that all customers of a path
// share: a regime, a factor, a draw of the parameters. kernels/models/table_schedule.hpp says how the engine sees it.
#pragma once

#include <clvsim/migration_chain.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace clvsim {

// Which chain a step follows. Path p lives in world p mod n_worlds, whatever the customer: what a world brings is
// shared risk, which does not average out over customers.
struct ChainProgram {
  std::vector<MigrationChain> chains;   // alike but for probabilities; the first gives everything else
  std::vector<std::uint16_t> chain_of;  // [n_segments, horizon, n_levels] index of the chain; empty: the first, always
  std::vector<std::uint16_t> level;     // [horizon, n_worlds] of the shared factor, below n_levels; empty: 0
  std::uint32_t n_segments = 1, n_levels = 1, n_worlds = 1;
};
// Throws ConfigError unless all chains, each checked before, have the states and outcomes of the first, and the arrays
// have their sizes and ranges.
void check(const ChainProgram& program, int horizon);

// A chain for every world: path p follows chains[p mod n].
[[nodiscard]] ChainProgram one_a_world(std::vector<MigrationChain> chains, int horizon);

// The worlds of a chain's regimes: path p lives in world p mod n.
struct WorldOptions {
  std::uint64_t seed = 1;
  std::uint32_t n_worlds = 1;
};

// A chain with covariates, segments, levers and regimes, which depends on the period of the grid, after number `before`
// the next `horizon`, on the segment: number s is that of customers of segments[s], of which the chain may know none;
// and on the regime, its levels. Whatever is alike shares a chain. Throws ConfigError where dates matter and leave the
// years 1900 to 2199, ModelError where there are more chains than 65,535.
[[nodiscard]] ChainProgram with_covariates(const MigrationChain& chain, const PeriodGrid& grid, int before, int horizon,
                                           const std::vector<std::string>& segments, const WorldOptions& worlds = {});

// Levels [horizon, n_worlds] of a regime that is a Markov chain: period 1 has regime m with probability start[m], then
// transition[m][m']. One word a world and period, inverse cdf, so that worlds of near probabilities stay close. Throws
// ConfigError unless the rows are distributions.
[[nodiscard]] std::vector<std::uint16_t> regime_levels(const std::vector<double>& start,
                                                       const std::vector<std::vector<double>>& transition,
                                                       std::uint64_t seed, int horizon, std::uint32_t n_worlds);

// A factor f_{t+1} = persistence f_t + sd sqrt(1 - persistence^2) N, of stationary standard deviation sd.
struct Autoregression {
  double persistence = 0;       // in (-1, 1)
  double sd = 1;                // at least 0
  std::optional<double> first;  // in period 1; none: drawn from the stationary distribution
};
// Levels at which a continuous factor is looked up: level l stands for value(l). A factor takes the nearest level.
struct LevelGrid {
  double lowest = 0, step = 1;
  std::uint32_t n = 1;

  [[nodiscard]] double value(std::uint32_t l) const { return lowest + step * l; }
  [[nodiscard]] std::uint16_t nearest(double factor) const;
};
// n levels over +-4 standard deviations (a factor is beyond once in 16,000 periods, and takes the outermost level).
// Rounding to the nearest level moves an expectation by about step^2/24 of its second derivative in the factor: with 65
// levels the step is an eighth of a standard deviation. Throws ConfigError unless 2 <= n <= 65535 and sd > 0.
[[nodiscard]] LevelGrid level_grid(const Autoregression& factor, std::uint32_t n);
// Factor [horizon, n_worlds]: one word a world and period. Throws ConfigError for a persistence or sd out of range.
[[nodiscard]] std::vector<double> factor_paths(const Autoregression& factor, std::uint64_t seed, int horizon,
                                               std::uint32_t n_worlds);
[[nodiscard]] std::vector<std::uint16_t> levels_of(const std::vector<double>& factors, const LevelGrid& grid);

// Exact mean and standard deviation of one customer's discounted value, given its segment and the world; `weight`
// [horizon] what cash of a period counts. Chains with a SpendModel are refused: ConfigError. By backward recursion of
// the first two moments.
struct ValueMoments {
  double mean = 0, sd = 0;
};
[[nodiscard]] ValueMoments moments_given_world(const ChainProgram& program, std::uint32_t segment, std::uint32_t world,
                                               int start, const std::vector<double>& weight);

// The chain with its logits moved: the probability of an outcome to state s is multiplied by exp(loading[s] factor),
// each row scaled to sum to 1 (multinomial logit; McFadden 1974). Throws ConfigError unless there is a finite loading a
// state.
[[nodiscard]] MigrationChain tilted(const MigrationChain& chain, const std::vector<double>& loading, double factor);

}  // namespace clvsim
