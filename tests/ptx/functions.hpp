// Every device function that is executed from its PTX by itself: one line each. functions.cu makes a kernel of a line,
// functions.cpp a test that compares it with the same expression compiled for the host. Its inputs are samples_of(In).
// After a change: scripts/ptx.
#pragma once

#include "kernels/math/count_draws.hpp"
#include "kernels/math/gamma_draws.hpp"
#include "kernels/math/log_gamma.hpp"
#include "kernels/math/portable.hpp"
#include "kernels/math/wide.hpp"
#include "kernels/models/migration_chain.hpp"
#include "kernels/path/simulator.hpp"
#include "kernels/portability.hpp"
#include "kernels/rng/address.hpp"
#include "kernels/stats/summary.hpp"
#include "kernels/stats/team.hpp"

#include <cstdint>

// F(name, In, Out, expression of `const In& x`)
#define CLVSIM_PTX_FUNCTIONS(F)                                                                           \
  F(philox, PhiloxInput, Words, philox4x32_10(x.counter, x.seed))                                         \
  F(counter, AddressInput, Words, counter_of(x.customer_hash, x.path, x.index))                           \
  F(uniform_of, std::uint32_t, double, uniform(x))                                                        \
  F(normal_of, std::uint32_t, double, normal(x))                                                          \
  F(quantile, double, double, normal_quantile(x))                                                         \
  F(logarithm, double, double, portable_log(x))                                                           \
  F(logarithm_1p, double, double, portable_log1p(x))                                                      \
  F(exponential, double, double, portable_exp(x))                                                         \
  F(root, double, double, square_root(x))                                                                 \
  F(gamma_logarithm, double, double, elementary::log_gamma<ScalarDoubles>(x))                             \
  F(stirling, double, double, elementary::stirling_rest<ScalarDoubles>(x < 1 ? 1.0 : x))                  \
  F(exponential_draw, PhiloxInput, double, exponential(x.counter))                                        \
  F(gamma_draw, DrawInput, DrawOutput, drawn_gamma(x))                                                    \
  F(beta_draw, DrawInput, DrawOutput, drawn_beta(x))                                                      \
  F(poisson_draw, DrawInput, DrawOutput, drawn_poisson(x))                                                \
  F(binomial_draw, DrawInput, DrawOutput, drawn_binomial(x))                                              \
  F(rounding, double, std::int64_t, round_to_fixed(x))                                                    \
  F(rounding_52_bits, double, std::uint64_t, rounded_52_bits(x >= 0 && x < 4503599627370496.0 ? x : 0.0)) \
  F(fixed_sum, FixedPair, std::int64_t, add_fixed(x.a, x.b))                                              \
  F(fixed_distance, FixedPair, std::uint64_t, distance(x.a, x.b))                                         \
  F(wide_sums, WideInput, WideSum, sum_of_squares(x))                                                     \
  F(wide_to_double, WideSum, double, to_double(x))                                                        \
  F(centre, CentreInput, ValueCentre, centre_of(x.min, x.max, x.offset_sum, x.n))                         \
  F(paths, WalkInput, WalkOutput, walked(x))

namespace clvsim::kernels {

struct PhiloxInput {
  Words counter;
  std::uint64_t seed;
};

struct AddressInput {
  std::uint64_t customer_hash;
  std::uint32_t path;
  DrawIndex index;
};

// Of any law: shapes a and b, mean a, n trials of probability b.
struct DrawInput {
  double a, b;
  std::uint64_t n;
  PathDraws draws;
  DrawIndex index;
};
struct DrawOutput {
  double x = 0, y = 0;
  std::uint64_t count = 0;
  std::uint32_t n_exhausted = 0;
};

CLVSIM_HD inline DrawOutput drawn_gamma(const DrawInput& x) {
  DrawOutput output;
  output.x = LogGammaSampler(x.a)(x.draws, x.index, output.n_exhausted);
  return output;
}
CLVSIM_HD inline DrawOutput drawn_beta(const DrawInput& x) {
  DrawOutput output;
  const LogProbabilities p = LogBetaSampler(x.a, x.b)(x.draws, x.index, output.n_exhausted);
  output.x = p.log_p;
  output.y = p.log_1_minus_p;
  return output;
}
CLVSIM_HD inline DrawOutput drawn_poisson(const DrawInput& x) {
  DrawOutput output;
  output.count = PoissonSampler(x.a)(x.draws, x.index, output.n_exhausted);
  return output;
}
CLVSIM_HD inline DrawOutput drawn_binomial(const DrawInput& x) {
  DrawOutput output;
  output.count = BinomialSampler(x.n, x.b)(x.draws, x.index, output.n_exhausted);
  return output;
}

// Within +-fixed_limit.
struct FixedPair {
  std::int64_t a, b;
};

struct WideInput {
  std::uint64_t terms[4];
};

// The sum of their squares, by way of the limbs of a team of one.
template <class Team>
CLVSIM_HD WideSum sum_of_squares(Team team, const WideInput& x) {
  WideSum sum;
  for (const std::uint64_t term : x.terms) sum.add(static_cast<u128>(term) * term);
  std::uint64_t slots[n_limbs] = {};
  add_limbs(team, slots, sum);
  add_limbs(team, slots, sum);
  return from_limbs(slots);
}
CLVSIM_HD inline WideSum sum_of_squares(const WideInput& x) { return sum_of_squares(SoloTeam(), x); }

struct CentreInput {
  std::int64_t min, max;
  double offset_sum;
  std::uint32_t n;
};

// A path of a chain: alias or ordered steps, with drawn spend where the chain has it.
struct WalkInput {
  const MigrationChainView* chain;
  ChainCustomer customer;
  std::uint64_t seed;
  std::uint32_t path, horizon;
};

// Everything that a sink hears, added up.
struct WalkOutput {
  std::uint32_t state = 0, n_active = 0, n_purchases = 0, n_saturated = 0;
  std::int64_t cash = 0, drawn = 0, value = 0;
  std::uint64_t purchases = 0, refunds = 0;  // weighted by their period

  CLVSIM_HD void purchase(std::uint32_t t, std::int64_t amount) {
    purchases += (t + 1) * static_cast<std::uint64_t>(amount);
  }
  CLVSIM_HD void refund(std::uint32_t t, std::int64_t amount) {
    refunds += (t + 1) * static_cast<std::uint64_t>(amount);
  }
  CLVSIM_HD void period_end(std::uint32_t, const PeriodOutcome& outcome) {
    state = outcome.state;
    n_active += outcome.active ? 1 : 0;
    n_purchases += outcome.n_purchases;
    n_saturated += outcome.n_saturated;
    cash = add_fixed(cash, outcome.cash);
    drawn = add_fixed(drawn, outcome.drawn);
    value = add_fixed(value, outcome.value);
  }
};

CLVSIM_HD inline WalkOutput walked(const WalkInput& x) {
  WalkOutput output;
  walk(*x.chain, x.customer, x.path, x.seed, x.horizon, output);
  output.value = MigrationChainModel::path_value(*x.chain, output.value);
  return output;
}

}  // namespace clvsim::kernels
