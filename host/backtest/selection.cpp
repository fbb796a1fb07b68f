// The choice of a model: a split inside what is known, and one of the best.
#include "host/backtest/score.hpp"

#include <clvsim/error.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace clvsim {

std::vector<std::string_view> purchase_models() {
  return {"pareto_nbd", "bg_nbd", "mbg_nbd", "bg_cnbd_k", "mbg_cnbd_k", "bg_bb"};
}

namespace {

std::vector<ScoredModel> score_all(const Panel& panel) {
  std::vector<ScoredModel> models;
  for (const std::string_view name : purchase_models())
    if (name != "bg_bb") models.push_back(score_model(name, panel));  // fit has it not, and its BIC is of other data
  return models;
}

// The split inside the log up to `until`; none where it is too short.
std::optional<LogSplit> inner_split(StoreInfo known, Date until, std::optional<int> most_periods) {
  known.observation_end = known.last_day = until;
  try {
    LogSplit split = split_log(known, {}, {});
    if (most_periods && *most_periods < split.horizon()) split = split_log(known, {}, most_periods);
    return split;
  } catch (const ConfigError&) {
    return {};
  }
}

// One standard error: Breiman, Friedman, Olshen & Stone 1984, section 3.4.3. Of equals the first.
std::size_t choose(const std::vector<ScoredModel>& models, std::size_t best) {
  std::size_t chosen = best;
  for (std::size_t m = models.size(); m-- > 0;) {
    const ModelBacktest& result = models[m].result;
    if (result.refused.empty() && result.crps_excess <= result.crps_excess_se &&
        result.fit.bic <= models[chosen].result.fit.bic)
      chosen = m;
  }
  return chosen;
}

ModelSelection selection_of(std::vector<ScoredModel> models, std::size_t best, const LogSplit& split,
                            std::string rule) {
  ModelSelection selection{split, {}, choose(models, best), std::move(rule)};
  for (ScoredModel& model : models) selection.models.push_back(std::move(model.result));
  return selection;
}

}  // namespace

ModelSelection select_model(const StoreReader& store, Date until, std::optional<int> most_periods) {
  if (const auto split = inner_split(store.info(), until, most_periods)) {
    const Panel panel = make_panel(store, *split);
    std::vector<ScoredModel> models = score_all(panel);
    if (std::any_of(models.begin(), models.end(), [](const ScoredModel& m) { return m.result.refused.empty(); })) {
      const std::size_t best = compare(models, panel);
      return selection_of(std::move(models), best, *split,
                          "the lowest BIC among the models whose CRPS exceeds the lowest by no more than its paired "
                          "standard error");
    }
  }
  // Nothing is forecast: all have the same score.
  const LogSplit whole{until, {}, "too short to be cut"};
  const Panel panel = make_panel(store, whole);
  std::vector<ScoredModel> models = score_all(panel);
  const std::size_t best = compare(models, panel);
  return selection_of(std::move(models), best, whole,
                      "the lowest BIC, as the log is too short to forecast a part of it");
}

}  // namespace clvsim
