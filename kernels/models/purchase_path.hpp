// A behaviour that gives purchases, with their spend drawn, as a model of the engine. It is walked from one period in
// which something happens to the next. A behaviour has
//
//   Params, Customer   of all customers and of one; Customer from its history
//   State begin(params, customer, draws, n_exhausted)             the latent traits, given the history
//   std::uint32_t due(state)                                      the next period in which something may happen
//   PurchaseCount advance(params, state, t, draws, n_exhausted)   period t = due(state), and no other
//
// Customers may be of several latent classes, each with a behaviour and a spend of its own: a path draws the customer's
// class first, by its probabilities given the history.
#pragma once

#include "kernels/models/drawn_spend.hpp"
#include "kernels/models/outcome.hpp"
#include "kernels/portability.hpp"
#include "kernels/rng/address.hpp"

#include <cstdint>

namespace clvsim::kernels {

// What a period brings. A customer that is not active at its end never comes back.
struct PurchaseCount {
  std::uint64_t n = 0;
  bool active = true;
};

template <class Behaviour>
struct PurchasePath {
  static constexpr bool sparse = true;  // only due periods are stepped through; leaving is for good
  static constexpr bool rejects = true;

  // What is uncertain: one draw of the parameters, of one class.
  struct Drawn {
    typename Behaviour::Params behaviour;
    DrawnSpend spend;
  };
  struct Params {
    const Drawn* drawn = nullptr;    // [n_draws, n_classes]; path p has draw p mod n_draws, whoever the customer is
    const double* weight = nullptr;  // [horizon] discount factor times margin
    std::uint32_t n_draws = 1, n_classes = 1;
  };
  // A customer is n_draws x n_classes of these, one after the other: what a draw of the parameters makes of the history
  // in a class.
  struct Customer {
    std::uint64_t hash = 0;  // 56 bits
    typename Behaviour::Customer behaviour;
    DrawnSpendCustomer spend;
    double until = 1;  // probability of this class and the ones before it; of the last one it is not asked
  };
  struct State {
    typename Behaviour::State behaviour;
    const Drawn* drawn = nullptr;
    const DrawnSpendCustomer* spend = nullptr;
    double log_level = 0;
    bool has_level = false, active = true;
    std::uint32_t n_exhausted = 0;
  };

  static CLVSIM_HD State begin(const Params& params, const Customer& customer, const PathDraws& draws) {
    std::uint32_t at = params.n_draws == 1 ? 0 : draws.path % params.n_draws * params.n_classes;
    if (params.n_classes > 1)
      at += class_of(&customer + at, params.n_classes, first_uniform(draws, {Purpose::latent_class}));
    const Customer& own = (&customer)[at];
    State s;
    s.drawn = params.drawn + at;
    s.behaviour = Behaviour::begin(s.drawn->behaviour, own.behaviour, draws, s.n_exhausted);
    s.spend = &own.spend;
    return s;
  }

  // The class of a customer, by a uniform number.
  static CLVSIM_HD std::uint32_t class_of(const Customer* classes, std::uint32_t n_classes, double u) {
    std::uint32_t c = 0;
    while (c + 1 < n_classes && u >= classes[c].until) ++c;
    return c;
  }

  // The next period that needs a step, from t on; never where the customer has left.
  static CLVSIM_HD std::uint32_t next_due(const State& s, std::uint32_t t) {
    if (!s.active) return never_due;
    const std::uint32_t due = Behaviour::due(s.behaviour);
    return due > t ? due : t;
  }

  template <class Sink>
  static CLVSIM_HD PeriodOutcome step(const Params& params, State& s, std::uint32_t t, const PathDraws& draws,
                                      Sink& sink) {
    PeriodOutcome result;
    const PurchaseCount count = Behaviour::advance(s.drawn->behaviour, s.behaviour, t, draws, s.n_exhausted);
    s.active = result.active = count.active;
    if (count.n != 0) {
      constexpr std::uint64_t most = 0xFFFFFFFF;
      result.n_purchases = static_cast<std::uint32_t>(count.n < most ? count.n : most);
      if (!s.has_level) s.log_level = spend_level(s.drawn->spend, *s.spend, draws, s.n_exhausted);
      s.has_level = true;
      const SpendDraw spent = draw_spend(s.drawn->spend, s.log_level, count.n, t, draws, s.n_exhausted);
      sink.purchases(t, spent.amount);
      const double amount = static_cast<double>(spent.amount) * fixed_per_minor_unit;
      result.cash = result.drawn = round_to_fixed(amount);
      result.value = round_to_fixed(params.weight[t] * amount);
      const bool beyond = spent.saturated || saturated(result.cash) || saturated(result.value) || count.n > most;
      result.n_saturated = beyond ? 1 : 0;
    }
    return result;
  }

  static CLVSIM_HD std::int64_t path_value(const Params&, std::int64_t sum) { return sum; }

  // Customers stand so far apart.
  static CLVSIM_HD std::uint32_t records(const Params& params) { return params.n_draws * params.n_classes; }

  // Tables of the parameters: visit(pointer, n) for each.
  template <class Visit>
  static void for_tables(Params& params, std::uint32_t horizon, Visit&& visit) {
    visit(params.drawn, std::uint64_t{params.n_draws} * params.n_classes);
    visit(params.weight, horizon);
  }
};

}  // namespace clvsim::kernels
