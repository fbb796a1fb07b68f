#include "host/model/chain_covariate_file.hpp"

#include "host/base/text.hpp"
#include "host/model/fault.hpp"

#include <clvsim/error.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace clvsim {
namespace {

using Kind = ChainCovariate::Kind;

std::string number(double value) { return value == 0 ? "0" : fmt::format("{}", value); }

Date date(const TomlTable& table, std::string_view key) {
  try {
    return parse_iso_date(table.string(key));
  } catch (const DataError&) {
    table.fail(key, R"(is no day from 1900 to 2199; give e.g. "2025-11-24")");
  }
}

// `table` is a covariate with one effect, or one of its effects.
LogitEffect read_effect(const TomlTable& table, const StateIndex& state_of, const MigrationChain& chain) {
  LogitEffect effect;
  effect.effect = table.number("effect");
  effect.standard_error = table.optional_number("standard_error", 0).value_or(0);
  if (table.optional_string("to")) effect.to = state_of(table, "to");
  if (const auto names = table.optional_strings("states")) {
    if (names->empty()) table.fail("states", "is empty; name the states whose outcomes it moves, or leave it out");
    for (const std::string& name : *names) {
      const auto found = std::find_if(chain.states.begin(), chain.states.end(),
                                      [&](const ChainState& state) { return state.name == name; });
      if (found == chain.states.end()) {
        std::vector<std::string> known;
        for (const ChainState& state : chain.states) known.push_back(state.name);
        table.fail("states", fmt::format("has \"{}\", which is no state of the model{}",
                                         name.substr(0, max_name_length), did_you_mean(name, known)));
      }
      effect.states.push_back(static_cast<int>(found - chain.states.begin()));
    }
    std::sort(effect.states.begin(), effect.states.end());
    if (std::adjacent_find(effect.states.begin(), effect.states.end()) != effect.states.end())
      table.fail("states", "has a state twice; name each once");
  }
  return effect;
}

std::string text_of(const LogitEffect& effect, const MigrationChain& chain, const char* separator) {
  const auto name = [&](int s) { return toml_string(chain.states[static_cast<std::size_t>(s)].name); };
  std::string text = fmt::format("effect = {}", number(effect.effect));
  if (effect.standard_error != 0)
    text += fmt::format("{}standard_error = {}", separator, number(effect.standard_error));
  if (effect.to >= 0) text += fmt::format("{}to = {}", separator, name(effect.to));
  if (effect.states.empty()) return text;
  std::string names;
  for (const int s : effect.states) names += (names.empty() ? "" : ", ") + name(s);
  return text + fmt::format("{}states = [{}]", separator, names);
}

}  // namespace

std::vector<ChainCovariate> read_covariates(const TomlTable& root, const StateIndex& state_of,
                                            const MigrationChain& chain) {
  std::vector<ChainCovariate> covariates;
  for (const TomlTable& table : root.tables("covariate")) {
    ChainCovariate covariate;
    covariate.name = table.string("name");
    const std::string kind = table.string("kind");
    if (kind == "season") {
      covariate.kind = Kind::season;
      for (const std::int64_t month : table.integers("months", 1, 12))
        covariate.months.push_back(static_cast<int>(month));
    } else if (kind == "campaign") {
      covariate.kind = Kind::campaign;
      for (const TomlTable& window : table.tables("windows"))
        covariate.windows.push_back({date(window, "first_day"), date(window, "last_day")});
    } else if (kind == "segment") {
      covariate.kind = Kind::segment;
      covariate.segment = table.string("segment");
    } else {
      table.fail("kind", R"(is none of "season", "campaign", "segment")");
    }
    if (table.has("effects")) {
      if (table.has("effect"))
        table.fail("effects", "stands beside 'effect'; give one effect in the covariate, or all of them in 'effects'");
      for (const TomlTable& effect : table.tables("effects"))
        covariate.effects.push_back(read_effect(effect, state_of, chain));
    } else {
      covariate.effects.push_back(read_effect(table, state_of, chain));
    }
    covariates.push_back(std::move(covariate));
  }
  return covariates;
}

void append_covariates(std::string& text, const MigrationChain& chain) {
  if (chain.covariates.empty()) return;
  text +=
      "\n# What moves probabilities. A covariate is the share of a period's days in its months or windows, or 1 for "
      "the\n"
      "# customers of a segment; effect is what a whole one adds to the log-odds of purchases, or of outcomes to a "
      "state.\n"
      "# The probabilities below are those where all covariates are 0.\n";
  for (const ChainCovariate& covariate : chain.covariates) {
    text += fmt::format("\n[[covariate]]\nname = {}\n", toml_string(covariate.name));
    if (covariate.kind == Kind::season)
      text += fmt::format("kind = \"season\"\nmonths = [{}]\n", fmt::join(covariate.months, ", "));
    if (covariate.kind == Kind::segment)
      text += fmt::format("kind = \"segment\"\nsegment = {}\n", toml_string(covariate.segment));
    if (covariate.kind == Kind::campaign) {
      text += "kind = \"campaign\"\nwindows = [\n";
      for (const DateWindow& window : covariate.windows)
        text += fmt::format("  {{ first_day = \"{}\", last_day = \"{}\" }},\n", to_string(window.first_day),
                            to_string(window.last_day));
      text += "]\n";
    }
    if (covariate.effects.size() == 1) {
      text += text_of(covariate.effects.front(), chain, "\n") + "\n";
      continue;
    }
    text += "effects = [\n";
    for (const LogitEffect& effect : covariate.effects) text += "  { " + text_of(effect, chain, ", ") + " },\n";
    text += "]\n";
  }
}

}  // namespace clvsim
