// Draws of a chain's probabilities, for all customers of a path alike: rows are Dirichlet, as their standard errors
// say.
#include <clvsim/migration_chain.hpp>

#include "host/math/special.hpp"
#include "kernels/math/gamma_draws.hpp"
#include "kernels/rng/address.hpp"

#include <clvsim/error.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <limits>

namespace clvsim {
namespace {

// Whose draws they are, as of every model's parameters.
constexpr std::uint64_t parameter_hash = first_reserved_hash + 1;

// What the outcomes of a Dirichlet row have been counted on, prior included: each p has the variance p (1 - p) / (n +
// 1). 0 where the row is known.
double counted_on(const ChainState& state) {
  double spread = 0, errors = 0;
  for (const ChainOutcome& outcome : state.outcomes) {
    spread += outcome.probability * (1 - outcome.probability);
    errors += outcome.standard_error * outcome.standard_error;
  }
  if (errors == 0) return 0;
  const double n = spread / errors - 1;
  if (!(n > 0))
    throw ConfigError(
        fmt::format("the standard errors of state '{}' are larger than those of any row of its probabilities; fit the "
                    "model again, or simulate without --parameter-draws",
                    state.name));
  return n;
}

bool same_row(const ChainState& a, const ChainState& b) {
  return std::equal(a.outcomes.begin(), a.outcomes.end(), b.outcomes.begin(), b.outcomes.end(),
                    [](const ChainOutcome& x, const ChainOutcome& y) {
                      return x.probability == y.probability && x.standard_error == y.standard_error &&
                             x.purchase == y.purchase;
                    });
}

void draw_row(double n, std::size_t row, const kernels::PathDraws& draws, ChainState& state) {
  constexpr std::size_t most_outcomes = 16;
  double top = -std::numeric_limits<double>::infinity(), sum = 0;
  std::vector<double> logs(state.outcomes.size(), top);
  std::uint32_t n_exhausted = 0;
  for (std::size_t k = 0; k < logs.size(); ++k) {
    const double shape = n * state.outcomes[k].probability;
    if (shape == 0) continue;
    logs[k] = kernels::LogGammaSampler(shape)(
        draws, {kernels::Purpose::parameter, static_cast<std::uint32_t>(row * most_outcomes + k)}, n_exhausted);
    top = std::max(top, logs[k]);
  }
  for (double& value : logs) sum += value = portable_exp(value - top);
  for (std::size_t k = 0; k < logs.size(); ++k) state.outcomes[k].probability = logs[k] / sum;
}

}  // namespace

std::vector<MigrationChain> draw_chains(const MigrationChain& chain, std::uint32_t n, std::uint64_t seed) {
  check(chain);
  if (has_heterogeneity(chain))
    throw ConfigError(
        "customers of the migration chain differ (concentration), and its probabilities cannot be drawn for all of "
        "them as well; leave --parameter-draws out, or fit a chain without --heterogeneity");
  if (!chain.segments.empty())
    throw ConfigError(
        "the migration chain has segments, and their probabilities cannot be drawn together with those of all others; "
        "leave --parameter-draws out, or fit a chain without --by-segment");
  // A row that states share is drawn once: the first state that has it says where.
  std::vector<double> counted;
  std::vector<std::size_t> row_of;
  for (std::size_t s = 0; s < chain.states.size(); ++s) {
    counted.push_back(counted_on(chain.states[s]));
    const auto first = std::find_if(chain.states.begin(), chain.states.begin() + static_cast<std::ptrdiff_t>(s),
                                    [&](const ChainState& before) { return same_row(before, chain.states[s]); });
    row_of.push_back(static_cast<std::size_t>(first - chain.states.begin()));
  }
  if (*std::max_element(counted.begin(), counted.end()) == 0)
    throw ConfigError(
        "no probability of the migration chain has a standard error, so that its uncertainty is not known; fit the "
        "model to a store, or leave --parameter-draws out");
  std::vector<MigrationChain> all(n, chain);
  for (std::uint32_t d = 0; d < n; ++d)
    for (std::size_t s = 0; s < counted.size(); ++s)
      if (counted[s] > 0) draw_row(counted[s], row_of[s], {seed, parameter_hash, d}, all[d].states[s]);
  return all;
}

}  // namespace clvsim
