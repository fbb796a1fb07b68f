#include "host/model/levers.hpp"

#include "host/math/special.hpp"
#include "host/model/fault.hpp"

#include <clvsim/error.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <set>

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

void move_row(const std::vector<bool>& of, const Lever& lever, const LeverEffect& effect, ChainState& state) {
  double q = 0, rest = 0;
  for (std::size_t k = 0; k < of.size(); ++k) (of[k] ? q : rest) += state.outcomes[k].probability;
  const double to = moved(q, effect);
  if (to == q) return;
  if (!(to >= 0 && to <= 1))
    throw ConfigError(fmt::format(
        "the lever '{}' makes a probability of {} out of {} in the state '{}'; choose a value that keeps it in 0 to 1, "
        "or operation = \"logit\"",
        lever.name, to, q, state.name));
  // What is impossible has no proportions to keep: one outcome takes all of it.
  const auto n = static_cast<std::size_t>(std::count(of.begin(), of.end(), true));
  if ((q == 0 && n > 1) || (rest == 0 && of.size() - n > 1))
    throw ConfigError(fmt::format(
        "the lever '{}' moves a probability of {} in the state '{}' to outcomes of which none is possible yet; give "
        "them probabilities in the model, which say their proportions",
        lever.name, q, state.name));
  for (std::size_t k = 0; k < of.size(); ++k) {
    double& p = state.outcomes[k].probability;
    const double all = of[k] ? q : rest, now = of[k] ? to : 1 - to;
    p = all == 0 ? now : p * (now / all);
  }
}

// Reactivation and churn are never of one row.
constexpr std::array probabilities{Target::purchase, Target::churn, Target::retention, Target::reactivation};
constexpr std::array operations{Operation::logit, Operation::multiply, Operation::add, Operation::set};

double with_effect(double amount, const LeverEffect& effect) {
  return effect.operation == Operation::set        ? effect.value
         : effect.operation == Operation::multiply ? amount * effect.value
                                                   : amount + effect.value;
}

// Money of the states, in the order of the operations.
void add_money(const std::vector<Lever>& levers, std::vector<ChainState>& states) {
  for (const Operation operation : operations)
    for (const Lever& lever : levers)
      for (const LeverEffect& effect : lever.effects) {
        if (effect.operation != operation || !is_money(effect.target)) continue;
        for (std::size_t s = 0; s < states.size(); ++s) {
          if (effect.target == Target::amount) {
            const bool eligible = lever.states.empty() ? states[s].active : is_on_state(lever, static_cast<int>(s));
            if (eligible) states[s].amount = with_effect(states[s].amount, effect);
          } else {
            for (ChainOutcome& outcome : states[s].outcomes)
              if (outcome.purchase) outcome.amount = with_effect(outcome.amount, effect);
          }
        }
      }
  for (const Lever& lever : levers)
    for (std::size_t s = 0; s < states.size(); ++s)
      if (lever.states.empty() ? states[s].active : is_on_state(lever, static_cast<int>(s)))
        states[s].amount -= lever.cost;
}

bool is_on(const Lever& lever, int period, const std::string& segment) {
  return period >= lever.first_period && (!lever.last_period || period <= *lever.last_period) &&
         (lever.segments.empty() ||
          std::find(lever.segments.begin(), lever.segments.end(), segment) != lever.segments.end());
}

}  // namespace

std::vector<bool> levers_on(const MigrationChain& chain, int period, const std::string& segment) {
  std::vector<bool> on;
  for (const Lever& lever : chain.levers) on.push_back(is_on(lever, period, segment));
  return on;
}

MigrationChain with_money(const MigrationChain& chain) {
  MigrationChain with = chain;
  add_money(chain.levers, with.states);
  for (ChainSegment& segment : with.segments) add_money(chain.levers, segment.states);
  for (const Lever& lever : chain.levers)
    for (const LeverEffect& effect : lever.effects)
      if (effect.target == Target::spend && with.spend) with.spend->smearing *= effect.value;
  return with;
}

MigrationChain with_levers(const MigrationChain& chain, const std::vector<bool>& on) {
  MigrationChain with = chain;
  with.levers.clear();
  for (std::size_t s = 0; s < with.states.size(); ++s) {
    for (const Target target : probabilities) {
      const std::vector<bool> of = counted(chain, with.states[s], target);
      if (of.empty()) continue;
      const Lever* has_set = nullptr;
      for (const Operation operation : operations) {
        for (std::size_t l = 0; l < on.size(); ++l) {
          const Lever& lever = chain.levers[l];
          if (!on[l] || !is_on_state(lever, static_cast<int>(s))) continue;
          for (const LeverEffect& effect : lever.effects) {
            if (effect.target != target || effect.operation != operation) continue;
            if (operation == Operation::set && has_set != nullptr)
              throw ConfigError(fmt::format(
                  "the levers '{}' and '{}' set the same probability of the state '{}' in the same period; keep one",
                  has_set->name, lever.name, with.states[s].name));
            if (operation == Operation::set) has_set = &lever;
            move_row(of, lever, effect, with.states[s]);
          }
        }
      }
    }
  }
  return with;
}

namespace {

std::string wrong_effect(const MigrationChain& chain, const Lever& lever, const LeverEffect& effect) {
  const double v = effect.value;
  if (!std::isfinite(v)) return "has a value that is no number";
  if (is_money(effect.target)) {
    if (effect.operation == Operation::logit) return "shifts the logit of money; multiply, add or set it";
    if (lever.first_period != 1 || lever.last_period || !lever.segments.empty())
      return "changes money in some periods or segments; what is due in each period is the same for all: leave window "
             "and segments out";
    if (effect.target == Target::amount) return "";
    if (effect.operation != Operation::multiply || !(v >= 0 && v <= 1e6))
      return "changes spend otherwise than by a factor from 0 to 1000000; multiply it";
    if (!lever.states.empty()) return "changes spend in some states; it can be changed in all, or in segments' models";
    return "";
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
    if (lever.cost > 0 && (lever.first_period != 1 || lever.last_period || !lever.segments.empty()))
      return fault("cost", "is of some periods or segments; what is due in each period is the same for all");
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

}  // namespace clvsim
