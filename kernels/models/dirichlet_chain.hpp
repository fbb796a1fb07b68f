// A migration chain whose customers differ: the probabilities of a customer's row r are
//
//   P_r ~ Dirichlet(concentration_r * probabilities_r + the customer's own outcomes so far),
//
// independent over rows (a Dirichlet-multinomial chain; Martin 1967, "Bayesian Decision Problems and Markov Chains"). A
// path has one customer's rows, which it keeps: each is drawn from this posterior given the history, and walked with.
// The predictive mean of the rows is not the row of a customer: chains that use it lose the customers too fast or too
// slowly. States may share a row.
//
// Rows are broken like a stick (Connor & Mosimann 1969, J. of the American Statistical Association 64): the first
// outcome has the share b_0, the second the share b_1 of what is left, ..., and these shares are independent,
//
//   b_k ~ Beta(a_k, a_k+1 + a_k+2 + ...),
//
// a_k the parameters of the Dirichlet law. A step asks outcome after outcome whether it is the one, so that shares
// behind it are not drawn, and nothing is kept but the first share of the latest row: a share is addressed by its row
// and outcome, and a row that a path comes back to has the same shares as before. Rows of a concentration without end
// have fixed shares.
//
// What a step brings, and spend, are those of kernels/models/migration_chain.hpp. Draws: a word a period and one for
// each outcome that it is not, beyond the first; two blocks a share (and those of rejected attempts). An outcome has
// its share to within 2^-33.
#pragma once

#include "kernels/math/gamma_draws.hpp"
#include "kernels/models/migration_chain.hpp"

#include <cstdint>

namespace clvsim::kernels {

// The row of a state.
struct DirichletRow {
  std::uint32_t first = 0;  // of its outcomes, in `next` and `shares`
  std::uint32_t count = 0;  // of the customer's counts
  std::uint16_t n = 1;      // outcomes, at most 16; the last takes what the others leave
  std::uint16_t row = 0;    // of the customer's: below 4096; states may share one
  bool drawn = false;       // customers differ
};

// The law of an outcome's share of what the outcomes before it leave.
struct DirichletShare {
  double own = 0;    // prior parameter; of a row in which all are alike, the share
  double later = 0;  // sum of those of the outcomes behind it
};

struct DirichletChainView {
  MigrationChainView chain;                // but for the tables of its rows, which are null
  const DirichletRow* rows = nullptr;      // [n_states]
  const DirichletShare* shares = nullptr;  // [n_outcomes]
  const std::uint16_t* next = nullptr;     // [n_outcomes] positions
  std::uint32_t n_outcomes = 0;            // of all states
  std::uint32_t n_counts = 0;              // of a customer
};

struct DirichletChain {
  static constexpr bool sparse = false;  // every period is stepped through
  static constexpr bool rejects = true;

  using Params = DirichletChainView;
  struct Drawn {};  // its parameters are not
  // A customer is as many of these, one after the other, as its counts need; of all but counts the first says it.
  struct Customer {
    static constexpr std::uint32_t n_counts = 48;
    std::uint64_t hash = 0;  // 56 bits
    double level_mean = 0;   // of theta, given the customer's own purchases
    double level_sd = 0;
    std::uint32_t state = 0;             // at the end of observation
    std::uint16_t count[n_counts] = {};  // periods of the history in a row with this outcome or one behind it
  };
  struct State {
    const Customer* customer = nullptr;
    std::uint32_t position = 0;
    std::uint32_t row = 0xFFFFFFFF;  // whose first share is known
    double share = 0;
    double level = 0;  // theta of this path
    Words words;       // of four periods
    std::uint32_t n_exhausted = 0;
  };

  static CLVSIM_HD State begin(const Params& params, const Customer& customer, const PathDraws& draws) {
    State s;
    s.customer = &customer;
    s.position = params.chain.position_of_state[customer.state];
    if (params.chain.has_spend) {
      s.level = customer.level_mean + customer.level_sd * normal(draws({Purpose::spend_level}).x);
    }
    return s;
  }

  static CLVSIM_HD std::uint32_t next_due(const State&, std::uint32_t t) { return t; }

  template <class Sink>
  static CLVSIM_HD PeriodOutcome step(const Params& params, State& s, std::uint32_t t, const PathDraws& draws,
                                      Sink& sink) {
    const std::uint32_t from = s.position;
    s.position = next_position(params, s, t, draws);
    return MigrationChainModel::arrive(params.chain, from, s.position, s.level, t, draws, sink);
  }

  // Customers stand so far apart.
  static CLVSIM_HD std::uint32_t records(const Params& params) {
    return params.n_counts <= Customer::n_counts ? 1 : (params.n_counts - 1) / Customer::n_counts + 1;
  }

  template <class Visit>
  static void for_tables(Params& params, std::uint32_t horizon, Visit&& visit) {
    MigrationChainModel::for_tables(params.chain, horizon, visit);
    visit(params.rows, params.chain.n_states);
    visit(params.shares, params.n_outcomes);
    visit(params.next, params.n_outcomes);
  }

  static CLVSIM_HD std::int64_t path_value(const Params& params, std::int64_t sum) {
    return MigrationChainModel::path_value(params.chain, sum);
  }

 private:
  static CLVSIM_HD std::uint32_t next_position(const Params& params, State& s, std::uint32_t t,
                                               const PathDraws& draws) {
    const DirichletRow& row = params.rows[params.chain.positions[s.position].state];
    if ((t & 3U) == 0) s.words = draws({Purpose::row_outcome, t >> 2});
    std::uint32_t k = 0;
    if (row.n > 1) {
      if (!row.drawn) {
        s.share = params.shares[row.first].own;
      } else if (s.row != row.row) {
        s.share = draw_share(params, row, 0, s, draws);
      }
      s.row = row.drawn ? row.row : 0xFFFFFFFF;
      if (uniform(word(s.words, t & 3U)) >= s.share) k = later_outcome(params, row, s, t, draws);
    }
    return params.next[row.first + k];
  }

  // One of those behind the first.
  static CLVSIM_HD std::uint32_t later_outcome(const Params& params, const DirichletRow& row, State& s, std::uint32_t t,
                                               const PathDraws& draws) {
    std::uint32_t k = 1;
    Words words;
    for (; k + 1 < row.n; ++k) {
      const std::uint32_t i = k - 1;
      if ((i & 3U) == 0) words = draws({Purpose::row_later_outcome, t, 0, static_cast<std::uint8_t>(i >> 2)});
      const double share = row.drawn ? draw_share(params, row, k, s, draws) : params.shares[row.first + k].own;
      if (uniform(word(words, i & 3U)) < share) break;
    }
    return k;
  }

  static CLVSIM_HD double draw_share(const Params& params, const DirichletRow& row, std::uint32_t k, State& s,
                                     const PathDraws& draws) {
    const DirichletShare& prior = params.shares[row.first + k];
    const std::uint32_t from_here = count_of(s, row.count + k), later = count_of(s, row.count + k + 1);
    const LogBetaSampler law(prior.own + static_cast<double>(from_here - later),
                             prior.later + static_cast<double>(later));
    return portable_exp(law(draws, {Purpose::row_share, row.row * 16U + k}, s.n_exhausted).log_p);
  }

  static CLVSIM_HD std::uint32_t count_of(const State& s, std::uint32_t i) {
    return s.customer[i / Customer::n_counts].count[i % Customer::n_counts];
  }
};

}  // namespace clvsim::kernels
