#include "host/model/lever_file.hpp"

#include "host/base/text.hpp"
#include "host/model/fault.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <string_view>
#include <utility>

namespace clvsim {
namespace {

constexpr std::array<std::string_view, 6> target_names{"churn",    "retention", "reactivation",
                                                       "purchase", "spend",     "amount"};
constexpr std::array<std::string_view, 4> operation_names{"logit", "multiply", "add", "set"};

// The place of a name among those of an enumeration.
template <std::size_t n>
std::size_t choice(const TomlTable& table, std::string_view key, const std::array<std::string_view, n>& names) {
  const std::string name = table.string(key);
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end())
    table.fail(key, fmt::format("is \"{}\"; give one of {}{}", name.substr(0, max_name_length), fmt::join(names, ", "),
                                did_you_mean(name, {names.begin(), names.end()})));
  return static_cast<std::size_t>(found - names.begin());
}

LeverEffect read_effect(const TomlTable& table) {
  LeverEffect effect;
  effect.target = static_cast<LeverTarget>(choice(table, "target", target_names));
  effect.operation = static_cast<LeverOperation>(choice(table, "operation", operation_names));
  effect.value = table.number("value");
  return effect;
}

int state_of(const TomlTable& table, std::string_view key, const std::string& name, const MigrationChain& chain) {
  std::vector<std::string> known;
  for (const ChainState& state : chain.states) known.push_back(state.name);
  const auto found = std::find(known.begin(), known.end(), name);
  if (found == known.end())
    table.fail(key, fmt::format("has \"{}\", which is no state of the model{}", name.substr(0, max_name_length),
                                did_you_mean(name, known)));
  return static_cast<int>(found - known.begin());
}

std::vector<int> read_states(const TomlTable& table, const MigrationChain& chain) {
  std::vector<int> states;
  const auto names = table.optional_strings("states");
  if (!names) return states;
  if (names->empty()) table.fail("states", "is empty; name the states that the lever is on, or leave it out");
  for (const std::string& name : *names) {
    const int first = state_of(table, "states", name, chain);
    states.push_back(first);
    // The other parts of a stay.
    for (std::size_t s = 0; s < chain.part_of.size(); ++s)
      if (chain.part_of[s] == first && static_cast<int>(s) != first) states.push_back(static_cast<int>(s));
  }
  std::sort(states.begin(), states.end());
  if (std::adjacent_find(states.begin(), states.end()) != states.end())
    table.fail("states", "has a state twice; name each once");
  return states;
}

std::string text_of(const LeverEffect& effect, const char* separator) {
  return fmt::format("target = \"{}\"{}operation = \"{}\"{}value = {}",
                     target_names[static_cast<std::size_t>(effect.target)], separator,
                     operation_names[static_cast<std::size_t>(effect.operation)], separator, effect.value);
}

std::string list_of(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + toml_string(name);
  return "[" + text + "]";
}

}  // namespace

std::vector<Lever> read_levers(const TomlTable& root, const MigrationChain& chain) {
  constexpr int most = std::numeric_limits<int>::max();
  std::vector<Lever> levers;
  for (const TomlTable& table : root.tables("lever")) {
    Lever lever;
    lever.name = table.string("name");
    lever.effects.push_back(read_effect(table));
    for (const TomlTable& effect : table.tables("side_effects")) lever.effects.push_back(read_effect(effect));
    lever.first_period = static_cast<int>(table.optional_integer("first_period", 1, most).value_or(1));
    if (const auto last = table.optional_integer("last_period", 1, most)) lever.last_period = static_cast<int>(*last);
    if (auto segments = table.optional_strings("segments")) {
      if (segments->empty())
        table.fail("segments", "is empty; name the segments that the lever is on, or leave it out");
      lever.segments = std::move(*segments);
    }
    lever.states = read_states(table, chain);
    lever.cost = table.optional_number("cost", 0).value_or(0);
    levers.push_back(std::move(lever));
  }
  return levers;
}

std::vector<Regime> read_regimes(const TomlTable& root, const MigrationChain& chain) {
  std::vector<Regime> regimes;
  for (const TomlTable& table : root.tables("regime")) {
    Regime regime;
    regime.name = table.string("name");
    regime.start = table.number("start", 0, 1);
    regime.transition = table.numbers("transition", 0, 1);
    if (table.has("state") && !chain.part_of.empty())
      table.fail("state", "is of a model with dwells, whose stays are many states; give the regime effects");
    for (const TomlTable& row : table.tables("state"))
      regime.rows.push_back({state_of(row, "name", row.string("name"), chain), row.numbers("probabilities", 0, 1),
                             row.optional_number("amount")});
    for (const TomlTable& effect : table.tables("effects")) regime.effects.push_back(read_effect(effect));
    regimes.push_back(std::move(regime));
  }
  return regimes;
}

namespace {

void append_regimes(std::string& text, const MigrationChain& chain) {
  for (const Regime& regime : chain.regimes) {
    text += fmt::format("\n[[regime]]\nname = {}\nstart = {}\ntransition = [{}]\n", toml_string(regime.name),
                        regime.start, fmt::join(regime.transition, ", "));
    if (!regime.effects.empty()) {
      text += "effects = [\n";
      for (const LeverEffect& effect : regime.effects) text += fmt::format("  {{ {} }},\n", text_of(effect, ", "));
      text += "]\n";
    }
    for (const Regime::Row& row : regime.rows) {
      text += fmt::format("\n[[regime.state]]\nname = {}\nprobabilities = [{}]\n",
                          toml_string(chain.states[static_cast<std::size_t>(row.state)].name),
                          fmt::join(row.probabilities, ", "));
      if (row.amount) text += fmt::format("amount = {}\n", *row.amount);
    }
  }
}

}  // namespace

void append_levers(std::string& text, const MigrationChain& chain) {
  if (chain.levers.empty() && chain.regimes.empty()) return;
  text += "\n# What a scenario does to the chain: docs/formats/scenario.md.\n";
  append_regimes(text, chain);
  for (const Lever& lever : chain.levers) {
    text += fmt::format("\n[[lever]]\nname = {}\n{}\n", toml_string(lever.name), text_of(lever.effects.front(), "\n"));
    if (lever.first_period != 1) text += fmt::format("first_period = {}\n", lever.first_period);
    if (lever.last_period) text += fmt::format("last_period = {}\n", *lever.last_period);
    if (!lever.segments.empty()) text += fmt::format("segments = {}\n", list_of(lever.segments));
    if (!lever.states.empty()) {
      std::vector<std::string> names;
      for (const int s : lever.states) names.push_back(chain.states[static_cast<std::size_t>(s)].name);
      text += fmt::format("states = {}\n", list_of(names));
    }
    if (lever.cost != 0) text += fmt::format("cost = {}\n", lever.cost);
    if (lever.effects.size() == 1) continue;
    text += "side_effects = [\n";
    for (std::size_t e = 1; e < lever.effects.size(); ++e)
      text += fmt::format("  {{ {} }},\n", text_of(lever.effects[e], ", "));
    text += "]\n";
  }
}

}  // namespace clvsim
