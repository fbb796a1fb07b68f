#include "host/model/levers.hpp"

#include "host/math/special.hpp"
#include "host/model/chain_covariates.hpp"
#include "host/model/fault.hpp"

#include <clvsim/error.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <set>
#include <string>

namespace clvsim {
namespace {

using Operation = LeverOperation;
using Target = LeverTarget;

constexpr double most_logit = 20;  // odds times 5e8

bool is_money(Target target) { return target == Target::spend || target == Target::amount; }

bool is_on_state(const Lever& lever, int state) {
  return lever.states.empty() || std::binary_search(lever.states.begin(), lever.states.end(), state);
}

// The outcomes of a row that a target counts; empty where it counts none or all, so that nothing can move.
std::vector<bool> counted(const MigrationChain& chain, const ChainState& state, Target target) {
  std::vector<bool> of;
  for (const ChainOutcome& outcome : state.outcomes) {
    const bool to_active = chain.states[static_cast<std::size_t>(outcome.to)].active;
    of.push_back((target == Target::purchase && outcome.purchase) ||
                 (target == Target::churn && state.active && !to_active) ||
                 (target == Target::retention && state.active && to_active) ||
                 (target == Target::reactivation && !state.active && to_active));
  }
  const auto n = std::count(of.begin(), of.end(), true);
  if (n == 0 || n == static_cast<std::ptrdiff_t>(of.size())) of.clear();
  return of;
}

double moved(double q, const LeverEffect& effect) {
  switch (effect.operation) {
    case Operation::logit: {
      const double odds = portable_exp(effect.value);
      return q * odds / (1 - q + q * odds);
    }
    case Operation::multiply:
      return q * effect.value;
    case Operation::add:
      return q + effect.value;
    case Operation::set:
      return effect.value;
  }
  return q;
}

void move_row(const std::vector<bool>& of, const std::string& name, const LeverEffect& effect, ChainState& state) {
  double q = 0, rest = 0;
  for (std::size_t k = 0; k < of.size(); ++k) (of[k] ? q : rest) += state.outcomes[k].probability;
  const double to = moved(q, effect);
  if (to == q) return;
  if (!(to >= 0 && to <= 1))
    throw ConfigError(
        fmt::format("{} makes a probability of {} out of {} in the state '{}'; choose a value that keeps it in 0 to 1, "
                    "or operation "
                    "= \"logit\"",
                    name, to, q, state.name));
  // What is impossible has no proportions to keep: one outcome takes all of it.
  const auto n = static_cast<std::size_t>(std::count(of.begin(), of.end(), true));
  if ((q == 0 && n > 1) || (rest == 0 && of.size() - n > 1))
    throw ConfigError(fmt::format(
        "{} moves a probability of {} in the state '{}' to outcomes of which none is possible yet; give them "
        "probabilities in the model, which say their proportions",
        name, q, state.name));
  for (std::size_t k = 0; k < of.size(); ++k) {
    double& p = state.outcomes[k].probability;
    const double all = of[k] ? q : rest, now = of[k] ? to : 1 - to;
    p = all == 0 ? now : p * (now / all);
  }
}

// Reactivation and churn are never of one row.
constexpr std::array probabilities{Target::purchase, Target::churn, Target::retention, Target::reactivation};
constexpr std::array operations{Operation::logit, Operation::multiply, Operation::add, Operation::set};

bool is_on(const Lever& lever, int period, const std::string& segment) {
  return period >= lever.first_period && (!lever.last_period || period <= *lever.last_period) &&
         (lever.segments.empty() ||
          std::find(lever.segments.begin(), lever.segments.end(), segment) != lever.segments.end());
}

// Whether a lever's money is due in a period that begins in the state.
bool is_due(const Lever& lever, const ChainState& state, std::size_t s) {
  return lever.states.empty() ? state.active : is_on_state(lever, static_cast<int>(s));
}

// What several effects on one number come to, operation by operation, and whose they are.
struct Combined {
  std::string names;
  std::optional<double> by;

  void add(const std::string& name, const LeverEffect& effect, const std::string& what) {
    if (effect.operation == Operation::set && by)
      throw ConfigError(fmt::format("{} and {} set {} in the same period; keep one", names, name, what));
    const double v = effect.value;
    by = !by ? v : effect.operation == Operation::multiply ? *by * v : *by + v;
    names += names.empty() ? name : " with " + name;
  }
};

// A lever that is on, or the regime.
struct Active {
  std::string name;  // "the lever 'x'"
  const Lever* lever;
};

void move_money(const std::vector<Active>& active, std::size_t s, ChainState& state) {
  double cost = 0, factor = 1;
  for (const Operation operation : operations) {
    Combined amount;
    for (const auto& [name, lever] : active)
      for (const LeverEffect& effect : lever->effects)
        if (effect.operation == operation && effect.target == Target::amount && is_due(*lever, state, s))
          amount.add(name, effect, fmt::format("the amount of the state '{}'", state.name));
    if (!amount.by) continue;
    state.amount = operation == Operation::set        ? *amount.by
                   : operation == Operation::multiply ? state.amount * *amount.by
                                                      : state.amount + *amount.by;
  }
  for (const auto& [name, lever] : active) {
    if (is_due(*lever, state, s)) cost += lever->cost;
    for (const LeverEffect& effect : lever->effects)
      if (effect.target == Target::spend && is_on_state(*lever, static_cast<int>(s))) factor *= effect.value;
  }
  state.amount -= cost;
  for (ChainOutcome& outcome : state.outcomes)
    if (outcome.purchase) outcome.amount *= factor;
}

void move_probabilities(const MigrationChain& chain, const std::vector<Active>& active, std::size_t s,
                        ChainState& state) {
  std::array<std::vector<bool>, probabilities.size()> of;
  for (std::size_t k = 0; k < of.size(); ++k) of[k] = counted(chain, state, probabilities[k]);
  Combined set;  // of the whole row, whose probabilities are not free of each other
  for (const Operation operation : operations)
    for (std::size_t k = 0; k < of.size(); ++k) {
      if (of[k].empty()) continue;
      Combined combined;
      for (const auto& [name, lever] : active)
        for (const LeverEffect& effect : lever->effects) {
          if (effect.operation != operation || effect.target != probabilities[k] ||
              !is_on_state(*lever, static_cast<int>(s)))
            continue;
          if (operation == Operation::set)
            set.add(name, effect, fmt::format("probabilities of the state '{}'", state.name));
          combined.add(name, effect, "");
        }
      if (combined.by) move_row(of[k], combined.names, {probabilities[k], operation, *combined.by}, state);
    }
}

}  // namespace

std::vector<bool> levers_on(const MigrationChain& chain, int period, const std::string& segment) {
  std::vector<bool> on;
  for (const Lever& lever : chain.levers) on.push_back(is_on(lever, period, segment));
  return on;
}

MigrationChain with_levers(const MigrationChain& chain, const std::vector<bool>& on, const Regime* regime) {
  MigrationChain with = chain;
  with.levers.clear();
  with.regimes.clear();
  std::vector<Active> active;
  for (std::size_t l = 0; l < on.size(); ++l)
    if (on[l]) active.push_back({fmt::format("the lever '{}'", chain.levers[l].name), &chain.levers[l]});
  Lever of_regime;
  if (regime != nullptr) {
    of_regime.effects = regime->effects;
    active.push_back({fmt::format("the regime '{}'", regime->name), &of_regime});
  }
  for (std::size_t s = 0; s < with.states.size(); ++s) {
    move_money(active, s, with.states[s]);
    move_probabilities(chain, active, s, with.states[s]);
  }
  for (const auto& [name, lever] : active)
    for (const LeverEffect& effect : lever->effects)
      if (effect.target == Target::spend && with.spend) with.spend->smearing *= effect.value;
  return with;
}

MigrationChain chain_in_period(const MigrationChain& chain, std::span<const double> z, const std::vector<bool>& on,
                               const Regime* regime) {
  if (regime == nullptr || regime->rows.empty()) return with_levers(chain_at(chain, z), on, regime);
  MigrationChain with = chain;
  for (const Regime::Row& row : regime->rows) {
    ChainState& state = with.states[static_cast<std::size_t>(row.state)];
    if (row.amount) state.amount = *row.amount;
    for (std::size_t k = 0; k < state.outcomes.size(); ++k) state.outcomes[k].probability = row.probabilities[k];
  }
  return with_levers(chain_at(with, z), on, regime);
}

namespace {

// `everywhere`: not of a regime.
std::string wrong_effect(const MigrationChain& chain, const Lever& lever, const LeverEffect& effect,
                         bool everywhere = true) {
  const double v = effect.value;
  if (!std::isfinite(v)) return "has a value that is no number";
  if (is_money(effect.target)) {
    if (effect.operation == Operation::logit) return "shifts the logit of money; multiply, add or set it";
    if (effect.target == Target::amount) return "";
    if (effect.operation != Operation::multiply || !(v >= 0 && v <= 1e6))
      return "changes spend otherwise than by a factor from 0 to 1000000; multiply it";
    if (chain.spend && !(everywhere && lever.first_period == 1 && !lever.last_period && lever.segments.empty() &&
                         lever.states.empty()))
      return "changes drawn spend ([spend]) at some times, in some states or for some customers; what a purchase "
             "brings is drawn alike in all: leave window, segments and states out";
    for (std::size_t s = 0; s < chain.states.size(); ++s)
      for (const ChainOutcome& outcome : chain.states[s].outcomes)
        if (outcome.purchase && (chain.spend || outcome.amount != 0) && is_on_state(lever, static_cast<int>(s)))
          return "";
    return "changes the spend of purchases, and none of its states has any that bring something; amounts of states are "
           "moved by \"amount\"";
  }
  if (effect.operation == Operation::logit && !(std::abs(v) <= most_logit))
    return fmt::format("shifts a logit by {}; give a number from {} to {}", v, -most_logit, most_logit);
  if (effect.operation == Operation::multiply && !(v >= 0)) return fmt::format("multiplies a probability by {}", v);
  if (effect.operation == Operation::add && !(v >= -1 && v <= 1)) return fmt::format("adds {} to a probability", v);
  if (effect.operation == Operation::set && !(v >= 0 && v <= 1)) return fmt::format("sets a probability to {}", v);
  for (std::size_t s = 0; s < chain.states.size(); ++s)
    if (is_on_state(lever, static_cast<int>(s)) && !counted(chain, chain.states[s], effect.target).empty()) return "";
  return "moves no probability: none of its states has such outcomes beside others";
}

}  // namespace

std::optional<ModelFault> fault_of_levers(const MigrationChain& chain) {
  if (chain.levers.size() > max_levers)
    return ModelFault{ModelFault::Part::top, -1, "lever",
                      fmt::format("has {} entries; give at most {}", chain.levers.size(), max_levers)};
  std::set<std::string> names;
  for (std::size_t l = 0; l < chain.levers.size(); ++l) {
    const Lever& lever = chain.levers[l];
    const auto fault = [l](const char* key, std::string message) {
      return ModelFault{ModelFault::Part::lever, static_cast<int>(l), key, std::move(message)};
    };
    if (lever.name.empty() || lever.name.size() > max_name_length || !names.insert(lever.name).second)
      return fault("name",
                   fmt::format("is no text of 1 to {} bytes, or the name of an earlier lever; give each its own",
                               max_name_length));
    if (lever.first_period < 1 || (lever.last_period && *lever.last_period < lever.first_period))
      return fault("first_period", "is below 1, or after last_period; give a window of periods 1, 2, ...");
    if (!(lever.cost >= 0 && lever.cost <= 1e12)) return fault("cost", "is no number from 0 to 1e12");
    if (lever.cost > 0 && chain.measure != Measure::profit)
      return fault("cost", "is of a model of revenue; costs are of models whose measure is \"profit\"");
    std::set<std::string> segments;
    for (const std::string& segment : lever.segments)
      if (segment.empty() || !segments.insert(segment).second)
        return fault("segments", "has an empty name, or one twice; name each segment of the store once");
    if (!std::is_sorted(lever.states.begin(), lever.states.end()) ||
        (!lever.states.empty() &&
         (lever.states.front() < 0 || lever.states.back() >= static_cast<int>(chain.states.size()))))
      return fault("states", "are no states of the model in its order");
    if (lever.effects.empty()) return fault("target", "is missing: a lever has an effect");
    for (const LeverEffect& effect : lever.effects)
      if (std::string wrong = wrong_effect(chain, lever, effect); !wrong.empty())
        return fault("value", std::move(wrong));
  }
  return std::nullopt;
}

namespace {

std::string wrong_regime(const MigrationChain& chain, const Regime& regime) {
  const auto sums_to_one = [](const std::vector<double>& row) {
    double sum = 0;
    for (const double p : row) {
      if (!(p >= 0 && p <= 1)) return false;
      sum += p;
    }
    return std::abs(sum - 1) <= sum_tolerance;
  };
  if (regime.name.empty() || regime.name.size() > max_name_length) return "has no name";
  if (!(regime.start >= 0 && regime.start <= 1)) return "has a start that is no probability";
  if (regime.transition.size() != chain.regimes.size() || !sums_to_one(regime.transition))
    return fmt::format("has a transition that is not {} probabilities that sum to 1, one for each regime",
                       chain.regimes.size());
  std::set<int> states;
  for (const Regime::Row& row : regime.rows) {
    if (row.state < 0 || row.state >= static_cast<int>(chain.states.size()) || !states.insert(row.state).second)
      return "has a row of no state, or of one that has a row already";
    const ChainState& state = chain.states[static_cast<std::size_t>(row.state)];
    if (row.probabilities.size() != state.outcomes.size() || !sums_to_one(row.probabilities))
      return fmt::format(
          "has a row of '{}' that is not {} probabilities that sum to 1, one for each outcome of the state", state.name,
          state.outcomes.size());
    if (row.amount && !(std::abs(*row.amount) <= max_minor_units / std::pow(10.0, chain.currency.decimals)))
      return fmt::format("has an amount of '{}' that is too large", state.name);
  }
  Lever all;
  for (const LeverEffect& effect : regime.effects)
    if (std::string wrong = wrong_effect(chain, all, effect, false); !wrong.empty())
      return "has an effect that " + wrong;
  return "";
}

}  // namespace

std::optional<ModelFault> fault_of_regimes(const MigrationChain& chain) {
  if (chain.regimes.empty()) return std::nullopt;
  const auto fault = [](std::string message) {
    return ModelFault{ModelFault::Part::top, -1, "regime", std::move(message)};
  };
  for (const Regime& regime : chain.regimes)
    if (!regime.rows.empty() && !chain.segments.empty())
      return fault(
          "has [[regime.state]] beside [[segment]]: whose probabilities hold is not said; give the regime effects");
  if (chain.regimes.size() > max_regimes)
    return fault(fmt::format("has {} entries; give at most {}", chain.regimes.size(), max_regimes));
  double start = 0;
  std::set<std::string> names;
  for (const Regime& regime : chain.regimes) {
    if (std::string wrong = wrong_regime(chain, regime); !wrong.empty())
      return fault(fmt::format("no. {} ('{}') {}", names.size() + 1, regime.name, wrong));
    if (!names.insert(regime.name).second) return fault(fmt::format("'{}' stands there twice", regime.name));
    start += regime.start;
  }
  if (!(std::abs(start - 1) <= sum_tolerance)) return fault(fmt::format("has starts that sum to {}, not 1", start));
  return std::nullopt;
}

namespace {

// What a row brings.
struct RowAmounts {
  double state = 0;
  std::vector<double> outcomes;
  bool operator==(const RowAmounts&) const = default;
};

RowAmounts amounts_of(const ChainState& state) {
  RowAmounts amounts{state.amount, {}};
  for (const ChainOutcome& outcome : state.outcomes) amounts.outcomes.push_back(outcome.amount);
  return amounts;
}

}  // namespace

void share_amounts(std::vector<MigrationChain>& chains) {
  for (std::size_t s = 0; s < chains.front().states.size(); ++s) {
    std::vector<RowAmounts> different;
    std::vector<std::size_t> of_chain;
    for (const MigrationChain& chain : chains) {
      const RowAmounts amounts = amounts_of(chain.states[s]);
      const auto found = std::find(different.begin(), different.end(), amounts);
      of_chain.push_back(static_cast<std::size_t>(found - different.begin()));
      if (found == different.end()) different.push_back(amounts);
    }
    if (different.size() == 1) continue;
    if (chains.front().spend)
      throw ModelError(fmt::format(
          "levers or regimes change what the state '{}' brings at some times, and the model draws the amounts of "
          "purchases ([spend]), which bring nothing else; leave window, segments and regime out",
          chains.front().states[s].name));
    const std::size_t n = different.front().outcomes.size();
    if (n * different.size() > max_outcomes)
      throw ModelError(fmt::format(
          "levers and regimes give the state '{}' {} kinds of amounts, for {} outcomes; a state has at most {} in all: "
          "use fewer windows of money, or fewer outcomes",
          chains.front().states[s].name, different.size(), n, max_outcomes));
    for (std::size_t c = 0; c < chains.size(); ++c) {
      ChainState& state = chains[c].states[s];
      const std::vector<ChainOutcome> own = std::move(state.outcomes);
      state.outcomes.clear();
      state.amount = 0;  // it is due with what happens, in the same period
      for (std::size_t v = 0; v < different.size(); ++v)
        for (std::size_t k = 0; k < n; ++k) {
          state.outcomes.push_back(own[k]);
          state.outcomes.back().amount = different[v].state + different[v].outcomes[k];
          if (v != of_chain[c]) state.outcomes.back().probability = 0;
        }
    }
  }
}

}  // namespace clvsim
