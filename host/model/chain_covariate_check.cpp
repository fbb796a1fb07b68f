#include "host/model/chain_covariates.hpp"
#include "host/model/fault.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string>

namespace clvsim {
namespace {

using Kind = ChainCovariate::Kind;
using Fault = std::optional<ModelFault>;

bool is_label(const std::string& text) {
  return !text.empty() && text.size() <= max_name_length && std::none_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
  });
}

bool ascends(const std::vector<int>& values, int lowest, int highest) {
  return std::adjacent_find(values.begin(), values.end(), std::greater_equal<>()) == values.end() &&
         (values.empty() || (values.front() >= lowest && values.back() <= highest));
}

// What is wrong, of which key; empty key: nothing.
struct Wrong {
  const char* key = "";
  std::string message;
};

Wrong wrong_effect(const MigrationChain& chain, const LogitEffect& effect) {
  if (!(effect.effect >= -max_effect && effect.effect <= max_effect))
    return {"effect",
            fmt::format("is {}; give a number from {} to {}, of log-odds", effect.effect, -max_effect, max_effect)};
  if (!(effect.standard_error >= 0 && effect.standard_error <= max_effect))
    return {"standard_error",
            fmt::format("is {}; give a number from 0 to {}, of log-odds", effect.standard_error, max_effect)};
  const int n_states = static_cast<int>(chain.states.size());
  if (!ascends(effect.states, 0, n_states - 1))
    return {"states", "are no states in the model's order; give each once, in the order of the file"};
  if (effect.to >= n_states) return {"to", "is no state of the model"};
  for (int s = 0; s < n_states; ++s) {
    const std::vector<ChainOutcome>& row = chain.states[static_cast<std::size_t>(s)].outcomes;
    const auto n =
        std::count_if(row.begin(), row.end(), [&](const auto& outcome) { return moves(effect, s, outcome); });
    if (n > 0 && n < static_cast<std::ptrdiff_t>(row.size())) return {};
  }
  return {"effect", fmt::format("changes no probability: no row of its states has {} beside others; name the outcomes "
                                "that it moves by 'to' or 'purchase = true'",
                                effect.to < 0 ? "an outcome that is a purchase" : "an outcome that leads there")};
}

Wrong wrong_covariate(const MigrationChain& chain, const ChainCovariate& covariate) {
  if (!is_label(covariate.name))
    return {"name", fmt::format("is not a text of 1 to {} printable bytes", max_name_length)};
  if (covariate.kind == Kind::season) {
    if (chain.unit == PeriodUnit::year)
      return {"kind", "is \"season\", and years have the same seasons; give the model a shorter period"};
    if (covariate.months.empty() || covariate.months.size() > 11 || !ascends(covariate.months, 1, 12))
      return {"months", "are not 1 to 11 months in ascending order; give e.g. [11, 12] for November and December"};
  }
  if (covariate.kind == Kind::campaign) {
    if (covariate.windows.empty() || covariate.windows.size() > max_windows)
      return {"windows", fmt::format("has {} entries; give 1 to {}", covariate.windows.size(), max_windows)};
    const DateWindow* before = nullptr;
    for (const DateWindow& window : covariate.windows) {
      if (window.first_day < first_valid_date || window.last_day > last_valid_date)
        return {"windows", "has a day outside 1900-01-01 to 2199-12-31"};
      if (window.last_day < window.first_day)
        return {"windows", fmt::format("has one that ends on {}, before it begins on {}; exchange the days",
                                       to_string(window.last_day), to_string(window.first_day))};
      if (before != nullptr && window.first_day <= before->last_day)
        return {"windows", fmt::format("has one from {} that begins before the one before it ends, on {}; give them in "
                                       "order and apart, or as one",
                                       to_string(window.first_day), to_string(before->last_day))};
      before = &window;
    }
  }
  if (covariate.kind == Kind::segment && !is_label(covariate.segment))
    return {"segment", fmt::format("is not a text of 1 to {} printable bytes", max_name_length)};
  if (covariate.effects.empty() || covariate.effects.size() > max_states)
    return {"effects", fmt::format("has {} entries; give 1 to {}", covariate.effects.size(), max_states)};
  for (const LogitEffect& effect : covariate.effects)
    if (Wrong wrong = wrong_effect(chain, effect); *wrong.key != '\0') return wrong;
  return {};
}

}  // namespace

std::optional<ModelFault> fault_of_covariates(const MigrationChain& chain) {
  if (chain.covariates.size() > max_covariates)
    return ModelFault{ModelFault::Part::top, -1, "covariate",
                      fmt::format("has {} entries; give at most {}", chain.covariates.size(), max_covariates)};
  std::set<std::string> names;
  for (std::size_t c = 0; c < chain.covariates.size(); ++c) {
    Wrong wrong = wrong_covariate(chain, chain.covariates[c]);
    if (*wrong.key == '\0' && !names.insert(chain.covariates[c].name).second)
      wrong = {"name", "is the name of an earlier covariate too; give each its own"};
    if (*wrong.key != '\0')
      return ModelFault{ModelFault::Part::covariate, static_cast<int>(c), wrong.key, std::move(wrong.message)};
  }
  return std::nullopt;
}

}  // namespace clvsim
