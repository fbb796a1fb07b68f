#include "host/model/chain_covariates.hpp"
#include "host/model/chain_segments.hpp"
#include "host/model/fault.hpp"
#include "host/model/levers.hpp"

#include <clvsim/error.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <unordered_set>
#include <utility>

namespace clvsim {
namespace {

using Part = ModelFault::Part;

bool printable(const std::string& text) {
  return std::none_of(text.begin(), text.end(),
                      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

// NaN fails every comparison, so "not inside" refuses it too.
bool inside(double value, double lowest, double highest) { return value >= lowest && value <= highest; }

std::string outside(double value, double lowest, double highest) {
  return fmt::format("is {}; give a number from {} to {}", value, lowest, highest);
}

std::optional<ModelFault> fault_of_top(const MigrationChain& chain) {
  const auto fault = [](const char* key, std::string message) {
    return ModelFault{Part::top, -1, key, std::move(message)};
  };
  if (!inside(chain.currency.decimals, 0, max_decimals))
    return fault("decimals", outside(chain.currency.decimals, 0, max_decimals));
  if (chain.currency.code.size() > max_currency_length || !printable(chain.currency.code))
    return fault("currency",
                 fmt::format("is not a label of at most {} printable bytes; give e.g. \"EUR\"", max_currency_length));
  if (chain.margin && !inside(*chain.margin, lowest_margin, 1))
    return fault("margin", outside(*chain.margin, lowest_margin, 1));
  if (chain.states.empty() || chain.states.size() > max_states)
    return fault("state", fmt::format("has {} entries; give 1 to {} states", chain.states.size(), max_states));
  if (chain.start_state < 0 || chain.start_state >= static_cast<int>(chain.states.size()))
    return fault("start", fmt::format("is state number {} of {}; give one of the states", chain.start_state,
                                      chain.states.size()));
  if (chain.n_customers < 0 || chain.n_customer_periods < 0)
    return fault("fitted", "has a negative count; give counts of at least 0");
  return std::nullopt;
}

std::optional<ModelFault> fault_of_cells(const MigrationChain& chain) {
  if (!chain.recency_frequency) return std::nullopt;
  const RecencyFrequency& cells = *chain.recency_frequency;
  const auto fault = [](const char* key, std::string message) {
    return ModelFault{Part::recency_frequency, -1, key, std::move(message)};
  };
  if (!inside(cells.recency_cells, 1, max_states - 1))
    return fault("recency_cells", outside(cells.recency_cells, 1, max_states - 1));
  if (cells.class_from.empty() || cells.class_from.front() != 1 ||
      std::adjacent_find(cells.class_from.begin(), cells.class_from.end(), std::greater_equal<>()) !=
          cells.class_from.end())
    return fault("class_from",
                 "is not ascending from 1; give the lowest number of purchase days of each class, e.g. [1, 2]");
  const std::size_t wanted = cells.class_from.size() * (static_cast<std::size_t>(cells.recency_cells) + 1);
  if (wanted != chain.states.size())
    return fault("recency_cells",
                 fmt::format("is {}, which with {} frequency classes makes {} states (each class has its cells and a "
                             "lapsed one), but the model has {}; make them agree",
                             cells.recency_cells, cells.class_from.size(), wanted, chain.states.size()));
  return std::nullopt;
}

std::optional<ModelFault> fault_of_spend(const MigrationChain& chain) {
  if (!chain.spend) return std::nullopt;
  const SpendModel& spend = *chain.spend;
  const auto fault = [](const char* key, std::string message) {
    return ModelFault{Part::spend, -1, key, std::move(message)};
  };
  const std::size_t classes = chain.recency_frequency ? chain.recency_frequency->class_from.size() : 1;
  if (spend.log_mean.size() != classes)
    return fault("log_mean", fmt::format("has {} numbers; give one for each of the {} frequency classes",
                                         spend.log_mean.size(), classes));
  for (const double mean : spend.log_mean)
    if (!inside(mean, -max_log_spend, max_log_spend))
      return fault("log_mean", outside(mean, -max_log_spend, max_log_spend));
  if (!inside(spend.between_sd, 0, max_log_sd)) return fault("between_sd", outside(spend.between_sd, 0, max_log_sd));
  if (!inside(spend.within_sd, 0, max_log_sd)) return fault("within_sd", outside(spend.within_sd, 0, max_log_sd));
  constexpr double least_smearing = 1e-6, most_smearing = 1e6;
  if (!inside(spend.smearing, least_smearing, most_smearing))
    return fault("smearing", outside(spend.smearing, least_smearing, most_smearing));
  if (!inside(spend.zero_share, 0, 1)) return fault("zero_share", outside(spend.zero_share, 0, 1));
  if (spend.purchases_in_period.empty() || spend.purchases_in_period.size() > max_purchases_in_period)
    return fault("purchases_in_period", fmt::format("has {} probabilities; give 1 to {}, the first for one purchase",
                                                    spend.purchases_in_period.size(), max_purchases_in_period));
  double sum = 0;
  for (const double p : spend.purchases_in_period) {
    if (!inside(p, 0, 1)) return fault("purchases_in_period", outside(p, 0, 1));
    sum += p;
  }
  if (!inside(sum, 1 - sum_tolerance, 1 + sum_tolerance))
    return fault("purchases_in_period", fmt::format("sums to {}; make it sum to 1", sum));
  if (!inside(spend.refund_rate, 0, 1)) return fault("refund_rate", outside(spend.refund_rate, 0, 1));
  if (!inside(spend.refund_log_shift, -max_log_spend, max_log_spend))
    return fault("refund_log_shift", outside(spend.refund_log_shift, -max_log_spend, max_log_spend));
  if (!inside(spend.refund_log_sd, 0, max_log_sd))
    return fault("refund_log_sd", outside(spend.refund_log_sd, 0, max_log_sd));
  return std::nullopt;
}

std::optional<ModelFault> fault_of_state(const MigrationChain& chain, int index, double max_amount) {
  const ChainState& state = chain.states[static_cast<std::size_t>(index)];
  const auto fault = [index](const char* key, std::string message) {
    return ModelFault{Part::state, index, key, std::move(message)};
  };
  if (state.name.empty() || state.name.size() > max_name_length || !printable(state.name))
    return fault("name", fmt::format("is not a text of 1 to {} printable bytes", max_name_length));
  if (!inside(state.amount, -max_amount, max_amount))
    return fault("amount", outside(state.amount, -max_amount, max_amount));
  if (state.outcomes.empty() || state.outcomes.size() > max_outcomes)
    return fault("outcomes", fmt::format("has {} entries; give 1 to {}", state.outcomes.size(), max_outcomes));
  double sum = 0;
  for (std::size_t k = 0; k < state.outcomes.size(); ++k) {
    const ChainOutcome& outcome = state.outcomes[k];
    const std::string which = fmt::format("no. {} has ", k + 1);
    if (outcome.to < 0 || outcome.to >= static_cast<int>(chain.states.size()))
      return fault("outcomes", which + fmt::format("the next state number {} of {}; give one of the states", outcome.to,
                                                   chain.states.size()));
    if (!inside(outcome.probability, 0, 1))
      return fault("outcomes", which + fmt::format("probability {}; give a number from 0 to 1", outcome.probability));
    if (!inside(outcome.standard_error, 0, 1))
      return fault("outcomes",
                   which + fmt::format("standard_error {}; give a number from 0 to 1", outcome.standard_error));
    if (!inside(outcome.count, 0, max_minor_units))
      return fault("outcomes", which + fmt::format("count {}; give a number of at least 0", outcome.count));
    if (!inside(outcome.amount, -max_amount, max_amount))
      return fault("outcomes", which + fmt::format("amount {}; give a number from {} to {}", outcome.amount,
                                                   -max_amount, max_amount));
    sum += outcome.probability;
  }
  if (!inside(sum, 1 - sum_tolerance, 1 + sum_tolerance))
    return fault("outcomes", fmt::format("have probabilities that sum to {}; make them sum to 1", sum));
  return std::nullopt;
}

// Once all states are known to be well formed.
std::optional<ModelFault> fault_of_row(const MigrationChain& chain, int index) {
  const ChainState& state = chain.states[static_cast<std::size_t>(index)];
  const auto fault = [index](const char* key, std::string message) {
    return ModelFault{Part::state, index, key, std::move(message)};
  };
  if (state.concentration && !inside(*state.concentration, lowest_concentration, highest_concentration))
    return fault("concentration", outside(*state.concentration, lowest_concentration, highest_concentration));
  if (state.row_of == -1) return std::nullopt;
  if (state.row_of < 0 || state.row_of >= static_cast<int>(chain.states.size()))
    return fault("row_of",
                 fmt::format("is state number {} of {}; give one of the states", state.row_of, chain.states.size()));
  const ChainState& first = chain.states[static_cast<std::size_t>(state.row_of)];
  if (!state.concentration)
    return fault("row_of", "needs a concentration: without one all customers have the same row");
  if (first.row_of != -1 || state.row_of == index)
    return fault("row_of", "must name another state with a row of its own; name the one that its row_of names");
  if (first.concentration != state.concentration ||
      !std::equal(state.outcomes.begin(), state.outcomes.end(), first.outcomes.begin(), first.outcomes.end(),
                  [](const ChainOutcome& a, const ChainOutcome& b) { return a.probability == b.probability; }))
    return fault("row_of",
                 fmt::format("is the state '{}' of another concentration or other probabilities; a shared row "
                             "has the same, in the same order",
                             first.name));
  return std::nullopt;
}

}  // namespace

std::optional<ModelFault> find_fault(const MigrationChain& chain) {
  for (const auto& fault : {fault_of_top(chain), fault_of_cells(chain), fault_of_spend(chain)})
    if (fault) return fault;
  const double max_amount = max_minor_units / std::pow(10.0, chain.currency.decimals);
  std::unordered_set<std::string> names;
  for (int i = 0; i < static_cast<int>(chain.states.size()); ++i) {
    if (auto fault = fault_of_state(chain, i, max_amount)) return fault;
    if (!names.insert(chain.states[static_cast<std::size_t>(i)].name).second)
      return ModelFault{Part::state, i, "name", "is the name of an earlier state too; give each state its own"};
  }
  for (int i = 0; i < static_cast<int>(chain.states.size()); ++i)
    if (auto found = fault_of_row(chain, i)) return found;
  if (auto found = fault_of_segments(chain)) return found;
  if (has_heterogeneity(chain) && !chain.covariates.empty())
    return ModelFault{Part::top, -1, "covariate",
                      "stands beside concentrations of states; a chain has the one or the other"};
  if (has_heterogeneity(chain) && (!chain.levers.empty() || !chain.regimes.empty()))
    return ModelFault{Part::top, -1, chain.levers.empty() ? "regime" : "lever",
                      "stands beside concentrations of states; levers are on chains whose customers are alike"};
  if (auto found = fault_of_levers(chain)) return found;
  if (auto found = fault_of_regimes(chain)) return found;
  return fault_of_covariates(chain);
}

void check(const MigrationChain& chain) {
  const auto fault = find_fault(chain);
  if (!fault) return;
  std::string where = "the model";
  if (fault->part == Part::recency_frequency) where = "[recency_frequency] of the model";
  if (fault->part == Part::spend) where = "[spend] of the model";
  if (fault->part == Part::state)
    where = fmt::format("state no. {} ('{}') of the model", fault->state + 1,
                        chain.states[static_cast<std::size_t>(fault->state)].name);
  if (fault->part == Part::segment)
    where = fmt::format("segment no. {} ('{}') of the model", fault->state + 1,
                        chain.segments[static_cast<std::size_t>(fault->state)].name);
  if (fault->part == Part::lever)
    where = fmt::format("lever no. {} ('{}') of the scenario", fault->state + 1,
                        chain.levers[static_cast<std::size_t>(fault->state)].name);
  if (fault->part == Part::covariate)
    where = fmt::format("covariate no. {} ('{}') of the model", fault->state + 1,
                        chain.covariates[static_cast<std::size_t>(fault->state)].name);
  throw ConfigError(fmt::format("'{}' in {} {}", fault->key, where, fault->message));
}

}  // namespace clvsim
