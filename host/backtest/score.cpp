#include "host/backtest/score.hpp"

#include "host/fit/behaviour_fit.hpp"
#include "host/math/special.hpp"
#include "host/model/histories.hpp"

#include <clvsim/error.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace clvsim {
namespace {

// Weighted mean and its standard error, customers independent.
struct MeanOf {
  CompensatedSum n, sum, squares;

  void add(double weight, double value) {
    n.add(weight);
    sum.add(weight * value);
    squares.add(weight * value * value);
  }
  [[nodiscard]] double mean() const { return n.value() > 0 ? sum.value() / n.value() : 0; }
  [[nodiscard]] double se() const {
    if (!(n.value() > 1)) return 0;
    const double variance = squares.value() / n.value() - mean() * mean();
    return std::sqrt(std::max(variance, 0.0) / (n.value() - 1));
  }
};

void score_purchases(const PurchaseModel& model, const Panel& panel, ScoredModel& scored) {
  const std::vector<double>& parameters = scored.result.fit.parameters;
  CountScores& scores = scored.result.purchases;
  MeanOf crps, log_score, absolute, square;
  std::array<MeanOf, backtest_levels.size()> interval, mass, pit;
  CompensatedSum actual, expected, variance;
  scored.crps.resize(panel.cells.size());
  for (std::size_t h = 0; h < panel.histories.size(); ++h) {
    const PurchaseHistory& history = scored.histories[h];
    const std::uint32_t first = panel.first_cell[h], last = panel.first_cell[h + 1];
    const CountLaw law = law_of(model, parameters, history, scored.time_ahead, panel.cells[last - 1].purchases);
    const double mean = model.expected_purchases(parameters, history, scored.time_ahead);
    scored.expected.push_back(mean);
    scored.variance.push_back(law.variance());
    scored.law_size.push_back(static_cast<int>(law.size()));
    expected.add(history.weight * mean);
    variance.add(history.weight * law.variance());
    std::array<CountInterval, backtest_levels.size()> central;
    for (std::size_t l = 0; l < backtest_levels.size(); ++l) {
      central[l] = law.central(backtest_levels[l]);
      mass[l].add(history.weight, law.cumulative(central[l].highest) - law.cumulative(central[l].lowest - 1));
    }
    for (std::uint32_t c = first; c < last; ++c) {
      const Cell& cell = panel.cells[c];
      const int y = cell.purchases;
      actual.add(cell.weight * y);
      absolute.add(cell.weight, std::abs(mean - y));
      square.add(cell.weight, (mean - y) * (mean - y));
      crps.add(cell.weight, scored.crps[c] = law.crps(y));
      if (const double log = law.log_score(y); std::isfinite(log)) {
        log_score.add(cell.weight, log);
      } else {
        scores.n_impossible += static_cast<std::int64_t>(cell.weight);
      }
      for (std::size_t l = 0; l < backtest_levels.size(); ++l) {
        interval[l].add(cell.weight, central[l].lowest <= y && y <= central[l].highest ? 1 : 0);
        pit[l].add(cell.weight, law.pit_share(y, backtest_levels[l]));
      }
    }
  }
  scores.actual = actual.value();
  scores.expected = expected.value();
  scores.mae = absolute.mean();
  scores.rmse = std::sqrt(square.mean());
  scores.crps = crps.mean();
  scores.crps_se = crps.se();
  scores.log_score = log_score.mean();
  scores.log_score_se = log_score.se();
  for (std::size_t l = 0; l < backtest_levels.size(); ++l)
    scores.levels[l] = {backtest_levels[l], interval[l].mean(), mass[l].mean(), pit[l].mean(), pit[l].se()};
  scored.result.total = forecast_of({{expected.value(), variance.value()}});
}

// Of bg_bb times are periods: every period after that of the first purchase is an opportunity.
PurchaseHistory by_opportunities(const PurchaseHistory& history, const Panel& panel) {
  const PeriodGrid grid(panel.split.calibration_end, panel.unit);
  const double days = days_of(panel.unit);
  const auto period_of = [&](double time_ago) {
    return grid.periods_ago(Date{panel.split.calibration_end.days - static_cast<int>(std::lround(time_ago * days))});
  };
  PurchaseHistory seen = history;
  seen.T = period_of(history.T);
  seen.t_x = seen.T - period_of(history.T - history.t_x);
  return seen;
}

// Sets the histories and times as the model counts them, and fits.
void fit_to(const Panel& panel, const LikelihoodFitOptions& options, ScoredModel& scored) {
  ModelBacktest& result = scored.result;
  const std::size_t n_periods = panel.split.period_end.size();
  if (result.model == "bg_bb") {
    if (panel.n_crowded > 0)
      throw DataError(fmt::format(
          "{} of {} customers bought more than once in a {}, and bg_bb is of one purchase at most an opportunity",
          panel.n_crowded, panel.customers.size(), name_of(panel.unit)));
    for (const PurchaseHistory& history : panel.histories) scored.histories.push_back(by_opportunities(history, panel));
    for (std::size_t k = 1; k <= n_periods; ++k) scored.time_to.push_back(static_cast<double>(k));
    result.fit = fit_purchase_model(*make_purchase_model(result.model), scored.histories, options);
  } else {
    scored.histories = panel.histories;
    for (std::size_t k = 1; k <= n_periods; ++k) scored.time_to.push_back(panel.time_to(k));
    std::vector<PurchaseHistory> with_gaps;
    with_gaps.reserve(panel.customers.size());
    for (const PanelCustomer& customer : panel.customers) with_gaps.push_back(customer.history);
    BehaviourFit fit = fit_purchases(result.model, with_gaps, options);
    result.k = fit.k;
    result.fit = std::move(fit.fit);
  }
  scored.time_ahead = n_periods > 0 ? scored.time_to.back() : 0;
}

}  // namespace

std::unique_ptr<PurchaseModel> model_of(const ModelBacktest& result) {
  return make_purchase_model(result.model, std::max(result.k, 1));
}

TotalForecast forecast_of(const std::vector<NormalPart>& parts) {
  const NormalPart whole = moments_of(parts);
  TotalForecast total{whole.mean, std::sqrt(whole.variance), {}};
  for (std::size_t l = 0; l < backtest_levels.size(); ++l)
    total.interval[l] = {quantile_of(parts, (1 - backtest_levels[l]) / 2),
                         quantile_of(parts, (1 + backtest_levels[l]) / 2)};
  return total;
}

CountLaw law_of(const PurchaseModel& model, std::span<const double> parameters, const PurchaseHistory& history,
                double time_ahead, int n_max) {
  constexpr int first_guess = 24, most = 10'000;
  constexpr double most_missing = 1e-11;
  // Twice what it bought in as much time, and some.
  const double typical = history.T > 0 ? 2 * history.x * time_ahead / history.T : 0;
  int n = std::min(most, std::max(n_max, first_guess + static_cast<int>(std::min<double>(typical, most))));
  for (;; n = std::min(most, 2 * n)) {
    std::vector<double> probability = model.purchase_distribution(parameters, history, time_ahead, n);
    CompensatedSum sum;
    for (const double p : probability) sum.add(p);
    if (std::abs(1 - sum.value()) <= most_missing) return CountLaw(std::move(probability));
    if (n == most)
      throw ModelError(
          fmt::format("the law of purchases of {} in the time {} ahead goes beyond {} (x = {}, t_x = {}, T = {}); give "
                      "a shorter holdout",
                      model.name(), time_ahead, most, history.x, history.t_x, history.T));
  }
}

ScoredModel score_model(std::string_view name, const Panel& panel, const LikelihoodFitOptions& options) {
  ScoredModel scored;
  ModelBacktest& result = scored.result;
  result.model = name;
  try {
    fit_to(panel, options, scored);
    score_purchases(*model_of(result), panel, scored);
  } catch (const Error& error) {
    if (error.exit_code() != ExitCode::configuration && error.exit_code() != ExitCode::data &&
        error.exit_code() != ExitCode::model)
      throw;
    scored = {};
    scored.result.model = name;
    scored.result.refused = error.what();
  }
  return scored;
}

std::size_t compare(std::vector<ScoredModel>& models, const Panel& panel) {
  std::size_t best = models.size();
  std::string reasons;
  for (std::size_t m = 0; m < models.size(); ++m) {
    const ModelBacktest& result = models[m].result;
    if (!result.refused.empty()) {
      reasons += fmt::format("{}{}: {}", reasons.empty() ? "" : "\n", result.model, result.refused);
    } else if (best == models.size() || result.purchases.crps < models[best].result.purchases.crps) {
      best = m;
    }
  }
  if (best == models.size())
    throw ModelError(fmt::format("no model can be tested on the log up to {}:\n{}",
                                 to_string(panel.split.calibration_end), reasons));
  for (ScoredModel& model : models) {
    if (!model.result.refused.empty()) continue;
    MeanOf excess;
    for (std::size_t c = 0; c < panel.cells.size(); ++c)
      excess.add(panel.cells[c].weight, model.crps[c] - models[best].crps[c]);
    model.result.crps_excess = excess.mean();
    model.result.crps_excess_se = excess.se();
  }
  return best;
}

NormalPart total_of(const ScoredModel& scored, const PurchaseModel& model, std::span<const double> parameters) {
  CompensatedSum mean, variance;
  for (std::size_t h = 0; h < scored.histories.size(); ++h) {
    const PurchaseHistory& history = scored.histories[h];
    const CountLaw law = law_of(model, parameters, history, scored.time_ahead, scored.law_size[h] - 1);
    mean.add(history.weight * law.mean());
    variance.add(history.weight * law.variance());
  }
  return {mean.value(), variance.value()};
}

}  // namespace clvsim
