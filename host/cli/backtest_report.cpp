#include "host/cli/backtest_report.hpp"

#include "host/base/text.hpp"
#include "host/cli/report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace clvsim::cli {
namespace {

double off(double expected, double actual) { return expected / actual - 1; }

// "-12.1 %"; empty where nothing came.
std::string off_text(double expected, double actual) {
  return actual != 0 ? fmt::format("{:+.1f} %", off(expected, actual) * 100) : std::string();
}

std::string count_text(double count) { return fmt::format("{:.1f}", count); }

// "bg_cnbd_k (k = 2)"
std::string label_of(const ModelBacktest& model) {
  return model.k > 0 ? fmt::format("{} (k={})", model.model, model.k) : model.model;
}

std::string split_text(const LogSplit& split, PeriodUnit unit) {
  if (split.horizon() == 0) return fmt::format("all up to {}", to_string(split.calibration_end));
  return fmt::format("fitted up to {}, the {} {}s after it forecast, to {}", to_string(split.calibration_end),
                     split.horizon(), name_of(unit), to_string(split.end()));
}

Json level_json(const CountScores::Level& level) {
  return {{"level", level.level},
          {"interval", level.interval},
          {"interval_from_level", level.interval - level.level},
          {"interval_expected", level.interval_mass},
          {"pit", level.pit},
          {"pit_se", level.pit_se},
          {"pit_from_level", level.pit - level.level}};
}

Json json_of(const TotalForecast& total) {
  Json intervals = Json::array();
  for (std::size_t l = 0; l < backtest_levels.size(); ++l)
    intervals.push_back({{"level", backtest_levels[l]}, {"low", total.interval[l][0]}, {"high", total.interval[l][1]}});
  return {{"mean", total.mean}, {"sd", total.sd}, {"intervals", std::move(intervals)}};
}

Json json_of(const LogSplit& split) {
  Json document{{"calibration_end", to_string(split.calibration_end)}, {"holdout_periods", split.horizon()}};
  if (split.horizon() > 0) document["holdout_end"] = to_string(split.end());
  document["why"] = split.why;
  return document;
}

// `forecast`: whether there is a holdout to score on.
Json json_of(const ModelBacktest& model, bool forecast) {
  Json document{{"model", model.model}};
  if (!model.refused.empty()) {
    document["refused"] = model.refused;
    return document;
  }
  if (model.k > 0) document["k"] = model.k;
  for (std::size_t i = 0; i < model.fit.names.size(); ++i)
    document["parameters"][model.fit.names[i]] = model.fit.parameters[i];
  document["log_likelihood"] = model.fit.log_likelihood;
  document["aic"] = model.fit.aic;
  document["bic"] = model.fit.bic;
  if (!forecast) return document;
  const CountScores& scores = model.purchases;
  Json levels = Json::array();
  for (const CountScores::Level& level : scores.levels) levels.push_back(level_json(level));
  document["purchases"] = {{"actual", scores.actual},
                           {"expected", scores.expected},
                           {"error", scores.actual > 0 ? Json(off(scores.expected, scores.actual)) : Json(nullptr)},
                           {"mae", scores.mae},
                           {"rmse", scores.rmse},
                           {"crps", scores.crps},
                           {"crps_se", scores.crps_se},
                           {"crps_excess", model.crps_excess},
                           {"crps_excess_se", model.crps_excess_se},
                           {"log_score", scores.n_impossible > 0 ? Json(nullptr) : Json(scores.log_score)},
                           {"log_score_se", scores.n_impossible > 0 ? Json(nullptr) : Json(scores.log_score_se)},
                           {"impossible", scores.n_impossible},
                           {"coverage", std::move(levels)},
                           {"total", json_of(model.total)}};
  if (model.spend) {
    const SpendScores& spend = *model.spend;
    document["spend"] = {{"actual", spend.actual},
                         {"expected", spend.expected},
                         {"error", spend.actual != 0 ? Json(off(spend.expected, spend.actual)) : Json(nullptr)},
                         {"mae", spend.mae},
                         {"rmse", spend.rmse}};
  }
  return document;
}

Json json_of(const std::vector<ModelBacktest>& models, bool forecast) {
  Json document = Json::array();
  for (const ModelBacktest& model : models) document.push_back(json_of(model, forecast));
  return document;
}

Json json_of(const std::vector<BacktestGroup>& groups) {
  Json document = Json::array();
  for (const BacktestGroup& group : groups)
    document.push_back({{"name", group.name},
                        {"customers", group.n_customers},
                        {"actual", group.actual},
                        {"expected", group.expected}});
  return document;
}

std::string log_score_text(const CountScores& scores) {
  return scores.n_impossible > 0 ? "infinite" : fmt::format("{:.5f}", scores.log_score);
}

// A row a model, the refused with their reasons below.
std::string table_of(const std::vector<ModelBacktest>& models, std::size_t chosen, bool forecast) {
  std::string text = fmt::format("  {:<18}", "model");
  if (forecast)
    text += fmt::format("{:>12}{:>10}{:>9}{:>9}{:>10}{:>22}{:>11}", "purchases", "error", "MAE", "RMSE", "CRPS",
                        "above the lowest", "log score");
  text += fmt::format("{:>15}{:>15}\n", "AIC", "BIC");
  std::string below;
  for (std::size_t m = 0; m < models.size(); ++m) {
    const ModelBacktest& model = models[m];
    if (!model.refused.empty()) {
      below += fmt::format("  {} is refused: {}\n", model.model, model.refused);
      continue;
    }
    text += fmt::format("{} {:<18}", m == chosen ? '*' : ' ', label_of(model));
    if (forecast) {
      const CountScores& scores = model.purchases;
      text +=
          fmt::format("{:>12}{:>10}{:>9.4f}{:>9.4f}{:>10.5f}{:>22}{:>11}", count_text(scores.expected),
                      off_text(scores.expected, scores.actual), scores.mae, scores.rmse, scores.crps,
                      fmt::format("{:.5f} +- {:.5f}", model.crps_excess, model.crps_excess_se), log_score_text(scores));
    }
    // The likelihood of bg_bb is a probability of purchases by opportunity, not a density of their times.
    text += model.model == "bg_bb" ? fmt::format("{:>15}{:>15}\n", "of other data", "of other data")
                                   : fmt::format("{:>15.2f}{:>15.2f}\n", model.fit.aic, model.fit.bic);
    if (forecast && model.purchases.n_impossible > 0)
      below += fmt::format("  {} gives what {} customers did no probability: its log score is infinite\n", model.model,
                           with_separators(model.purchases.n_impossible));
  }
  return text + below;
}

std::string coverage_of(const std::vector<ModelBacktest>& models) {
  std::string text = fmt::format("  {:<18}{:>7}{:>22}{:>12}{:>22}\n", "model", "level", "in closed interval",
                                 "by the law", "PIT in the band");
  for (const ModelBacktest& model : models) {
    if (!model.refused.empty()) continue;
    if (model.k == 1 && models.size() > 1) continue;  // as bg_nbd, mbg_nbd
    std::string name = label_of(model);
    for (const CountScores::Level& level : model.purchases.levels) {
      text += fmt::format("  {:<18}{:>5.0f} %{:>22}{:>10.1f} %{:>22}{:>8}\n", name, level.level * 100,
                          fmt::format("{:.1f} % ({:+.1f})", level.interval * 100, (level.interval - level.level) * 100),
                          level.interval_mass * 100,
                          fmt::format("{:.1f} % ({:+.1f})", level.pit * 100, (level.pit - level.level) * 100),
                          fmt::format("+- {:.1f}", level.pit_se * 100));
      name.clear();
    }
  }
  return text;
}

std::string interval_text(const std::string& name, const TotalForecast& total, double actual) {
  std::string text = fmt::format("  {:<34}{:>12}, sd {:.1f}\n", name, count_text(total.mean), total.sd);
  for (std::size_t l = 0; l < backtest_levels.size(); ++l) {
    const auto [low, high] = total.interval[l];
    text += fmt::format("  {:<34}{:>12} to {} {}\n", fmt::format("  {:.0f} % interval", backtest_levels[l] * 100),
                        count_text(low), count_text(high),
                        low <= actual && actual <= high ? "holds what came" : "misses what came");
  }
  return text;
}

std::string groups_text(std::string_view title, const std::vector<BacktestGroup>& groups) {
  std::string text =
      fmt::format("\n  {:<22}{:>12}{:>12}{:>12}{:>10}\n", title, "customers", "came", "expected", "error");
  for (const BacktestGroup& group : groups)
    text += fmt::format("  {:<22}{:>12}{:>12}{:>12}{:>10}\n", group.name, with_separators(group.n_customers),
                        with_separators(group.actual), count_text(group.expected),
                        off_text(group.expected, static_cast<double>(group.actual)));
  return text;
}

std::string periods_text(const std::vector<BacktestPeriod>& periods) {
  constexpr std::size_t most_rows = 14;  // all are in JSON
  const std::size_t step = (periods.size() + most_rows - 1) / most_rows;
  std::string text = fmt::format("\n  {:<34}{:>12}{:>12}{:>10}\n", "purchases until", "came", "expected", "error");
  for (std::size_t i = 0; i < periods.size(); ++i) {
    if ((i + 1) % step != 0 && i + 1 != periods.size()) continue;
    const BacktestPeriod& period = periods[i];
    text += fmt::format("  {:<34}{:>12}{:>12}{:>10}\n", to_string(period.last_day), with_separators(period.actual),
                        count_text(period.expected), off_text(period.expected, static_cast<double>(period.actual)));
  }
  return text;
}

std::string spend_text(const Backtest& test, const Currency& currency) {
  if (!test.spend) return fmt::format("\nspend is not forecast: {}\n", test.spend_refused);
  std::string text = fmt::format("\n  {:<18}{:>18}{:>18}{:>10}{:>14}{:>14}\n",
                                 "spend" + (currency.code.empty() ? "" : ", " + currency.code), "came", "expected",
                                 "error", "MAE", "RMSE");
  for (const ModelBacktest& model : test.models) {
    if (!model.spend) continue;
    const SpendScores& spend = *model.spend;
    text += fmt::format("  {:<18}{:>18}{:>18}{:>10}{:>14}{:>14}\n", label_of(model),
                        number_text(spend.actual, currency.decimals), number_text(spend.expected, currency.decimals),
                        off_text(spend.expected, spend.actual), number_text(spend.mae, currency.decimals),
                        number_text(spend.rmse, currency.decimals));
  }
  return text;
}

}  // namespace

Json to_json(const ModelSelection& selection) {
  return {{"chosen", selection.models[selection.chosen].model},
          {"rule", selection.rule},
          {"split", json_of(selection.split)},
          {"models", json_of(selection.models, selection.split.horizon() > 0)}};
}

std::string text_of(const ModelSelection& selection, PeriodUnit unit) {
  const ModelBacktest& chosen = selection.models[selection.chosen];
  std::string text = fmt::format("choice of the model: {}\n", split_text(selection.split, unit));
  text += table_of(selection.models, selection.chosen, selection.split.horizon() > 0);
  return text + fmt::format("chosen: {}, {}\n", label_of(chosen), selection.rule);
}

Json to_json(const Backtest& test, const StoreInfo& store) {
  Json document{{"split", json_of(test.split)},
                {"unit", name_of(store.unit)},
                {"currency", store.currency.code},
                {"customers", test.n_customers},
                {"unique_histories", test.n_unique},
                {"customers_left_out", test.n_left_out},
                {"new_customers",
                 {{"customers", test.new_customers},
                  {"purchases", test.new_purchases},
                  {"spend", exact(test.new_spend, store.currency.decimals)}}},
                {"chosen", test.models[test.chosen].model},
                {"selection", test.selection ? to_json(*test.selection) : Json(nullptr)},
                {"models", json_of(test.models, true)}};
  Json total{{"actual", test.models[test.chosen].purchases.actual},
             {"given_parameters", json_of(test.models[test.chosen].total)}};
  if (test.uncertainty) {
    Json uncertain = json_of(test.uncertainty->total);
    uncertain["parameters_sd"] = test.uncertainty->parameters_sd;
    uncertain["draws"] = test.uncertainty->n_draws;
    total["uncertain_parameters"] = std::move(uncertain);
  } else {
    total["uncertain_parameters_refused"] = test.uncertainty_refused;
  }
  document["total"] = std::move(total);
  Json periods = Json::array();
  for (const BacktestPeriod& period : test.periods)
    periods.push_back({{"last_day", to_string(period.last_day)},
                       {"actual_cumulative", period.actual},
                       {"expected_cumulative", period.expected}});
  document["periods"] = std::move(periods);
  document["cohorts"] = json_of(test.cohorts);
  document["by_frequency"] = json_of(test.frequency);
  if (test.spend) {
    document["spend"] = to_json(test.spend->spend);
  } else {
    document["spend_refused"] = test.spend_refused;
  }
  return document;
}

std::string text_of(const Backtest& test, const StoreInfo& store) {
  const ModelBacktest& chosen = test.models[test.chosen];
  const std::string unit(name_of(store.unit));
  std::string text =
      fmt::format("{} customers ({} different histories): {} ({})\n\n", with_separators(test.n_customers),
                  with_separators(test.n_unique), split_text(test.split, store.unit), test.split.why);
  if (test.selection) text += text_of(*test.selection, store.unit) + "\n";
  text += fmt::format("out of sample: {} purchases came\n",
                      with_separators(static_cast<long long>(chosen.purchases.actual)));
  text += table_of(test.models, test.chosen, true);
  text += fmt::format("\ncoverage: share of customers, and its distance from the level\n{}", coverage_of(test.models));
  text += fmt::format("\nall purchases together by {}: {} came\n", label_of(chosen),
                      with_separators(static_cast<long long>(chosen.purchases.actual)));
  text += interval_text("parameters taken for true", chosen.total, chosen.purchases.actual);
  if (test.uncertainty) {
    text += interval_text(fmt::format("parameters uncertain, {} draws", test.uncertainty->n_draws),
                          test.uncertainty->total, chosen.purchases.actual);
    text += fmt::format("  of the sd {:.1f} is the parameters', which all customers share\n",
                        test.uncertainty->parameters_sd);
  } else {
    text += fmt::format("  with uncertain parameters: none, as {}\n", test.uncertainty_refused);
  }
  text += periods_text(test.periods);
  text += groups_text("first purchase", test.cohorts);
  text += groups_text("repeat purchases", test.frequency);
  text += spend_text(test, store.currency);
  if (test.n_left_out > 0)
    text += fmt::format("note: {} customers without a purchase up to {} are left out\n",
                        with_separators(test.n_left_out), to_string(test.split.calibration_end));
  if (test.new_customers > 0)
    text += fmt::format("note: {} customers came in the holdout, with {} purchases; no forecast covers them\n",
                        with_separators(test.new_customers), with_separators(test.new_purchases));
  return text;
}

std::string tables_csv(const Backtest& test) {
  std::string text = "table,model,row,measure,value\r\n";
  const auto add = [&](std::string_view table, const std::string& model, std::string_view row, std::string_view measure,
                       double value) {
    text += fmt::format("{},{},", table, model);
    append_csv_text(text, row);
    text += fmt::format(",{},{}\r\n", measure, value);
  };
  for (const ModelBacktest& model : test.models) {
    if (!model.refused.empty()) continue;
    const std::string name = label_of(model);
    const CountScores& scores = model.purchases;
    add("models", name, "", "actual", scores.actual);
    add("models", name, "", "expected", scores.expected);
    add("models", name, "", "mae", scores.mae);
    add("models", name, "", "rmse", scores.rmse);
    add("models", name, "", "crps", scores.crps);
    add("models", name, "", "crps_se", scores.crps_se);
    add("models", name, "", "crps_excess", model.crps_excess);
    add("models", name, "", "crps_excess_se", model.crps_excess_se);
    if (scores.n_impossible == 0) add("models", name, "", "log_score", scores.log_score);
    add("models", name, "", "log_likelihood", model.fit.log_likelihood);
    add("models", name, "", "aic", model.fit.aic);
    add("models", name, "", "bic", model.fit.bic);
    for (const CountScores::Level& level : scores.levels) {
      const std::string of_level = fmt::format("{:.0f} %", level.level * 100);
      add("coverage", name, of_level, "interval", level.interval);
      add("coverage", name, of_level, "interval_expected", level.interval_mass);
      add("coverage", name, of_level, "pit", level.pit);
      add("coverage", name, of_level, "pit_se", level.pit_se);
    }
    if (!model.spend) continue;
    add("spend", name, "", "actual", model.spend->actual);
    add("spend", name, "", "expected", model.spend->expected);
    add("spend", name, "", "mae", model.spend->mae);
    add("spend", name, "", "rmse", model.spend->rmse);
  }
  const std::string chosen = label_of(test.models[test.chosen]);
  const auto add_total = [&](std::string_view row, const TotalForecast& total) {
    add("total", chosen, row, "mean", total.mean);
    add("total", chosen, row, "sd", total.sd);
    for (std::size_t l = 0; l < backtest_levels.size(); ++l) {
      add("total", chosen, row, fmt::format("low{:.0f}", backtest_levels[l] * 100), total.interval[l][0]);
      add("total", chosen, row, fmt::format("high{:.0f}", backtest_levels[l] * 100), total.interval[l][1]);
    }
  };
  add_total("given parameters", test.models[test.chosen].total);
  if (test.uncertainty) add_total("uncertain parameters", test.uncertainty->total);
  BacktestPeriod before;
  for (const BacktestPeriod& period : test.periods) {
    const std::string day = to_string(period.last_day);
    add("periods", chosen, day, "actual", static_cast<double>(period.actual - before.actual));
    add("periods", chosen, day, "expected", period.expected - before.expected);
    add("periods", chosen, day, "actual_cumulative", static_cast<double>(period.actual));
    add("periods", chosen, day, "expected_cumulative", period.expected);
    before = period;
  }
  for (const auto& [table, groups] : {std::pair("cohorts", &test.cohorts), std::pair("frequency", &test.frequency)})
    for (const BacktestGroup& group : *groups) {
      add(table, chosen, group.name, "customers", static_cast<double>(group.n_customers));
      add(table, chosen, group.name, "actual", static_cast<double>(group.actual));
      add(table, chosen, group.name, "expected", group.expected);
    }
  return text;
}

}  // namespace clvsim::cli
