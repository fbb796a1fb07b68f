#include "host/backtest/cut_log.hpp"
#include "host/backtest/score.hpp"
#include "host/fit/behaviour_fit.hpp"
#include "host/math/special.hpp"
#include "host/model/histories.hpp"
#include "host/run/chain_tables.hpp"

#include <clvsim/error.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>

namespace clvsim {
namespace {

double expected_spend(const Backtest& test, const ScoredModel& scored, const Panel& panel,
                      const PanelCustomer& customer) {
  return test.spend ? scored.expected[panel.cells[customer.cell].history] * test.spend->spend.expected(customer.spend)
                    : 0;
}

void add_spend(const StoreReader& store, SpendLaw law, const Panel& panel, std::vector<ScoredModel>& models,
               Backtest& test) {
  const int decimals = store.info().currency.decimals;
  const CutLog log(store, test.split.calibration_end, test.split.end());
  try {
    test.spend = fit_spend(log.before(), law, decimals, {});
  } catch (const DataError& error) {
    test.spend_refused = error.what();
  } catch (const ModelError& error) {
    test.spend_refused = error.what();
  }
  if (!test.spend) return;
  const double minor_units = minor_units_per_unit(decimals);
  for (ScoredModel& model : models) {
    if (!model.result.refused.empty()) continue;
    CompensatedSum actual, expected, absolute, square;
    for (const PanelCustomer& customer : panel.customers) {
      const double shown = static_cast<double>(customer.money) / minor_units,
                   forecast = expected_spend(test, model, panel, customer);
      actual.add(shown);
      expected.add(forecast);
      absolute.add(std::abs(forecast - shown));
      square.add((forecast - shown) * (forecast - shown));
    }
    model.result.spend = {actual.value(), expected.value(), absolute.value() / panel.n(),
                          std::sqrt(square.value() / panel.n())};
  }
}

// Every draw of the parameters gives all customers laws of their own: the total is a mixture over the draws.
void add_uncertainty(const ScoredModel& scored, const StoreInfo& store, const BacktestOptions& options,
                     Backtest& test) {
  if (options.parameter_draws == 0) {
    test.uncertainty_refused = "no draws of the parameters were asked for";
    return;
  }
  BehaviourFit fit;
  fit.model = scored.result.model;
  fit.k = scored.result.k;
  fit.fit = scored.result.fit;
  const auto model = model_of(scored.result);
  try {
    std::vector<NormalPart> parts;
    for (const ParameterDraw& draw :
         draw_parameters(behaviour_model(fit, store), options.parameter_draws, options.seed))
      parts.push_back(total_of(scored, *model, draw.parameters));
    ParameterUncertainty uncertainty{forecast_of(parts), 0, options.parameter_draws};
    double squares = 0;
    for (const NormalPart& part : parts)
      squares += (part.mean - uncertainty.total.mean) * (part.mean - uncertainty.total.mean);
    uncertainty.parameters_sd = std::sqrt(squares / static_cast<double>(parts.size()));
    test.uncertainty = uncertainty;
  } catch (const ConfigError& error) {
    test.uncertainty_refused = error.what();
  } catch (const ModelError& error) {
    test.uncertainty_refused = error.what();
  }
}

void add_periods(const ScoredModel& scored, const Panel& panel, Backtest& test) {
  constexpr std::size_t most_rows = 60;
  const auto model = model_of(scored.result);
  const std::size_t n = panel.split.period_end.size(), step = (n + most_rows - 1) / most_rows;
  std::int64_t actual = 0;
  for (std::size_t k = 1; k <= n; ++k) {
    actual += panel.period_purchases[k - 1];
    if (k % step != 0 && k != n) continue;
    CompensatedSum expected;
    for (const PurchaseHistory& history : scored.histories)
      expected.add(history.weight *
                   model->expected_purchases(scored.result.fit.parameters, history, scored.time_to[k - 1]));
    test.periods.push_back({panel.split.period_end[k - 1], actual, expected.value()});
  }
}

// "1997-01", "1997 Q1" or "1997": the finest that makes few cohorts.
std::string cohort_of(std::int32_t day, int months) {
  const std::chrono::year_month_day date{std::chrono::sys_days{std::chrono::days{day}}};
  const int year = static_cast<int>(date.year()), month = static_cast<int>(static_cast<unsigned>(date.month()));
  if (months == 1) return fmt::format("{:04}-{:02}", year, month);
  if (months == 3) return fmt::format("{:04} Q{}", year, (month + 2) / 3);
  return fmt::format("{:04}", year);
}

template <class Name>
std::vector<BacktestGroup> groups_of(const ScoredModel& scored, const Panel& panel, const Name& name) {
  std::map<std::string, BacktestGroup> groups;
  for (const PanelCustomer& customer : panel.customers) {
    BacktestGroup& group = groups[name(customer)];
    ++group.n_customers;
    group.actual += customer.purchases;
    group.expected += scored.expected[panel.cells[customer.cell].history];
  }
  std::vector<BacktestGroup> sorted;
  for (auto& [label, group] : groups) {
    group.name = label;
    sorted.push_back(group);
  }
  return sorted;
}

void add_groups(const ScoredModel& scored, const Panel& panel, Backtest& test) {
  constexpr std::size_t most_cohorts = 24;
  for (const int months : {1, 3, 12}) {
    test.cohorts = groups_of(scored, panel, [&](const PanelCustomer& c) { return cohort_of(c.first_day, months); });
    if (test.cohorts.size() <= most_cohorts) break;
  }
  constexpr std::int32_t many = 7;
  test.frequency = groups_of(scored, panel, [&](const PanelCustomer& c) {
    return c.history.x < many ? fmt::format("{}", c.history.x) : fmt::format("{}+", many);
  });
}

void hand_over(const StoreReader& store, const ScoredModel& scored, const Panel& panel, const Backtest& test,
               const CustomerBacktestSink& sink) {
  const auto model = model_of(scored.result);
  std::size_t at = 0;
  const CutLog log(store, test.split.calibration_end, test.split.end());
  log.for_batches([&](const CustomerBatch& before, const History&) {
    for (std::size_t i = 0; i < before.size(); ++i) {
      if (before.n_purchase_days[i] == 0) continue;
      const PanelCustomer& known = panel.customers[at++];
      const std::uint32_t h = panel.cells[known.cell].history;
      const CountLaw law =
          law_of(*model, scored.result.fit.parameters, scored.histories[h], scored.time_ahead, scored.law_size[h] - 1);
      CustomerBacktest customer;
      customer.history = known.history;
      customer.actual = known.purchases;
      customer.expected = scored.expected[h];
      customer.sd = std::sqrt(scored.variance[h]);
      for (std::size_t l = 0; l < backtest_levels.size(); ++l) {
        const CountInterval central = law.central(backtest_levels[l]);
        customer.interval[l] = {central.lowest, central.highest};
      }
      customer.crps = scored.crps[known.cell];
      customer.log_score = law.log_score(known.purchases);
      customer.pit_low = law.cumulative(known.purchases - 1);
      customer.pit_high = law.cumulative(known.purchases);
      customer.actual_spend = known.money;
      customer.expected_spend = expected_spend(test, scored, panel, known);
      sink(before.key_of(i), customer);
    }
  });
}

}  // namespace

Backtest backtest(const StoreReader& store, const BacktestOptions& options, const CustomerBacktestSink& sink) {
  std::vector<std::string_view> names = purchase_models();
  const bool automatic = options.model == "auto";
  if (!automatic) {
    if (std::find(names.begin(), names.end(), options.model) == names.end())
      throw ConfigError(fmt::format("there is no model '{}' to test; choose auto or one of {}", options.model,
                                    fmt::join(names, ", ")));
    names = {options.model};
  }
  require_purchases(store.info(), "a backtest");
  Backtest test;
  test.split = split_log(store.info(), options.split, options.horizon);
  const Panel panel = make_panel(store, test.split);
  test.n_customers = static_cast<std::int64_t>(panel.customers.size());
  test.n_unique = static_cast<std::int64_t>(panel.histories.size());
  test.n_left_out = panel.n_left_out;
  test.new_customers = panel.new_customers;
  test.new_purchases = panel.new_purchases;
  test.new_spend = panel.new_money;
  std::vector<ScoredModel> models;
  models.reserve(names.size());
  for (const std::string_view name : names) models.push_back(score_model(name, panel));
  (void)compare(models, panel);
  if (automatic) {
    test.selection = select_model(store, test.split.calibration_end, test.split.horizon());
    const std::string& name = test.selection->models[test.selection->chosen].model;
    test.chosen = static_cast<std::size_t>(std::find(names.begin(), names.end(), name) - names.begin());
  }
  const ScoredModel& chosen = models[test.chosen];
  if (!chosen.result.refused.empty())
    throw ModelError(
        fmt::format("{} was chosen by the calibration, and is refused on the whole of it: {}; name a model",
                    chosen.result.model, chosen.result.refused));
  if (options.spend == SpendLaw::none) {
    test.spend_refused = "spend was left out";
  } else {
    add_spend(store, options.spend, panel, models, test);
  }
  add_uncertainty(chosen, store.info(), options, test);
  add_periods(chosen, panel, test);
  add_groups(chosen, panel, test);
  if (sink) hand_over(store, chosen, panel, test, sink);
  for (ScoredModel& model : models) test.models.push_back(std::move(model.result));
  return test;
}

}  // namespace clvsim
