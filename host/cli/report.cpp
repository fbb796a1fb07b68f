#include "host/cli/report.hpp"

#include "host/base/text.hpp"
#include "host/cli/settings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace clvsim::cli {
namespace {

double in_units(MinorUnits amount, int decimals) { return static_cast<double>(amount) / std::pow(10.0, decimals); }

std::string unit_text(const Currency& currency) { return currency.code.empty() ? "" : currency.code + " "; }

std::string after_comma(const Currency& currency) { return currency.code.empty() ? "" : ", " + currency.code; }

std::string percent(double share) { return fmt::format("{:g} %", share * 100); }

Json ledger_line(const LedgerLine& line, int decimals) {
  return {{"rows", line.rows}, {"amount", exact(line.amount, decimals)}};
}

}  // namespace

std::string exact(MinorUnits amount, int decimals) {
  std::string text = money(amount, decimals);
  std::erase(text, ',');
  return text;
}

std::string number_text(double value, int decimals) {
  if (std::isnan(value)) return "infinite";
  const double scaled = std::round(value * std::pow(10.0, decimals));
  if (!(std::abs(scaled) < 9e18)) return fmt::format("{}", value);
  return money(static_cast<long long>(scaled), decimals);
}

std::string amount_text(const Estimate& estimate, const Currency& currency) {
  return fmt::format("{}{} +- {}", unit_text(currency), number_text(estimate.mean, currency.decimals),
                     number_text(estimate.se, currency.decimals));
}

Json to_json(const Estimate& estimate) { return {{"mean", estimate.mean}, {"se", estimate.se}}; }

Json to_json(const Ledger& ledger, int decimals) {
  return {{"read", ledger_line(ledger.read, decimals)},
          {"calibration", ledger_line(ledger.calibration, decimals)},
          {"holdout", ledger_line(ledger.holdout, decimals)},
          {"merged_calibration", ledger_line(ledger.merged_calibration, decimals)},
          {"merged_holdout", ledger_line(ledger.merged_holdout, decimals)},
          {"rejected", ledger_line(ledger.rejected, decimals)},
          {"rejected_by_reason", ledger.rejected_by_reason},
          {"refunds", ledger_line(ledger.refunds, decimals)},
          {"zero_amount_rows", ledger.zero_amount_rows}};
}

Json to_json(const ImportReport& report) {
  const StoreInfo& store = report.store;
  return {{"flags", report.dialect.flags},
          {"bytes_read", report.bytes_read},
          {"counted_rows", report.n_counted_rows},
          {"customers", store.n_customers},
          {"history_rows", store.n_rows},
          {"holdout_customers", store.n_holdout_customers},
          {"holdout_rows", store.n_holdout_rows},
          {"unit", name_of(store.unit)},
          {"currency", store.currency.code},
          {"decimals", store.currency.decimals},
          {"first_day", to_string(store.first_day)},
          {"observation_end", to_string(store.observation_end)},
          {"last_day", to_string(store.last_day)},
          {"ledger", to_json(store.ledger, store.currency.decimals)},
          {"content_digest", store.content_digest},
          {"notes", report.notes}};
}

std::string text_of(const ImportReport& report) {
  const StoreInfo& store = report.store;
  const int decimals = store.currency.decimals;
  std::string text = fmt::format("columns and dialect, as flags: {}\n\n", fmt::join(report.dialect.flags, " "));
  text += fmt::format("{:<22}{:>14}{:>28}\n", "ledger", "rows", "amount " + store.currency.code);
  const auto line = [&](std::string_view name, const LedgerLine& entry) {
    text += fmt::format("{:<22}{:>14}{:>28}\n", name, with_separators(entry.rows), money(entry.amount, decimals));
  };
  const Ledger& ledger = store.ledger;
  line("calibration", ledger.calibration);
  line("holdout", ledger.holdout);
  line("merged, same day", {ledger.merged_calibration.rows + ledger.merged_holdout.rows,
                            ledger.merged_calibration.amount + ledger.merged_holdout.amount});
  line("rejected", ledger.rejected);
  line("= read", ledger.read);
  line("of which refunds", ledger.refunds);
  text += fmt::format("{:<22}{:>14}\n", "of which zero amounts", with_separators(ledger.zero_amount_rows));
  for (const auto& [reason, rows] : ledger.rejected_by_reason)
    text += fmt::format("rejected: {:>10}  {}\n", with_separators(rows), reason);
  text += fmt::format("\n{} customers, observed {} to {}, periods of a {}; {} customers with later rows\n",
                      with_separators(store.n_customers), to_string(store.first_day), to_string(store.observation_end),
                      name_of(store.unit), with_separators(store.n_holdout_customers));
  for (const std::string& note : report.notes) text += fmt::format("note: {}\n", note);
  return text;
}

Json to_json(const Distribution& distribution, const SimulationOptions& options) {
  Json document{{"mean", distribution.mean.mean},
                {"mean_se", distribution.mean.se},
                {"sd", distribution.sd.mean},
                {"sd_se", distribution.sd.se}};
  Json quantiles = Json::array();
  for (std::size_t q = 0; q < distribution.quantiles.size(); ++q)
    quantiles.push_back({{"quantile", options.quantiles[q]},
                         {"value", distribution.quantiles[q].mean},
                         {"value_se", distribution.quantiles[q].se}});
  document["quantiles"] = std::move(quantiles);
  document["cvar"] = distribution.cvar.mean;
  document["cvar_se"] = distribution.cvar.se;
  return document;
}

Json to_json(const RunInfo& run) {
  const SimulationOptions& options = run.options;
  Json periods = Json::array();
  for (std::size_t t = 0; t < run.periods.size(); ++t) {
    const PeriodForecast& period = run.periods[t];
    Json entry{{"period", t + 1}};
    if (run.has_dates) {
      entry["first_day"] = to_string(period.first_day);
      entry["last_day"] = to_string(period.last_day);
    }
    entry["active_mean"] = period.active.mean;
    entry["active_se"] = period.active.se;
    entry["revenue_mean"] = period.revenue.mean;
    entry["revenue_se"] = period.revenue.se;
    entry["profit_mean"] = period.profit.mean;
    entry["profit_se"] = period.profit.se;
    entry["transactions_mean"] = period.transactions.mean;
    entry["transactions_se"] = period.transactions.se;
    periods.push_back(std::move(entry));
  }
  Json segments = Json::array();
  for (const SegmentForecast& segment : run.segments)
    if (segment.n_customers > 0)
      segments.push_back({{"name", segment.name},
                          {"customers", segment.n_customers},
                          {"value", to_json(segment.value)},
                          {"active", to_json(segment.active)},
                          {"transactions", to_json(segment.transactions)}});
  return {{"measure", run.measure_name},
          {"customers", run.n_customers},
          {"paths", options.n_paths},
          {"seed", options.seed},
          {"horizon", options.horizon},
          {"unit", name_of(run.unit)},
          {"discount", options.discounting.rate},
          {"discount_period", name_of(options.discounting.per)},
          {"convention", name_of(options.discounting.convention)},
          {"margin", options.margin ? Json(*options.margin) : Json(nullptr)},
          {"currency", run.currency.code},
          {"sampler", run.sampler},
          {"parameter_draws", options.parameter_draws},
          {"sampler_choice", options.sampler == StepSampler::automatic ? "automatic" : "given"},
          {"device", run.device},
          {"exhausted_draws", run.n_exhausted_draws},
          {"content_digest", run.content_digest},
          {"independent_customers", true},
          {"total", to_json(run.total, options)},
          {"total_revenue", to_json(run.total_revenue, options)},
          {"segments", std::move(segments)},
          {"periods", std::move(periods)}};
}

std::string text_of(const RunInfo& run) {
  const SimulationOptions& options = run.options;
  const int decimals = run.currency.decimals;
  std::string text =
      fmt::format("{} customers x {} paths x {} {}s, seed {}, on {}\n", with_separators(run.n_customers),
                  with_separators(options.n_paths), options.horizon, name_of(run.unit), options.seed, run.device);
  const bool is_alias = run.sampler.find("alias") != std::string::npos;
  text += fmt::format("sampler {}, {}\n", run.sampler,
                      options.sampler != StepSampler::automatic ? "as asked for"
                      : is_alias                                ? "chosen automatically: it fits every chain"
                                                                : "the one way in which this model is drawn");
  text += fmt::format("discount {} a {}, convention {}; {}\n\n", percent(options.discounting.rate),
                      name_of(options.discounting.per), name_of(options.discounting.convention),
                      options.margin ? "margin " + percent(*options.margin)
                      : run.measure_name == "clv"
                          ? std::string("amounts of the model are profit")
                          : std::string("no costs and no margin are known, so the value is revenue"));
  text += fmt::format("{:<34}{:>20}{:>16}\n", "all customers" + after_comma(run.currency), "value", "MC std. error");
  const auto line = [&](const std::string& name, const Estimate& estimate) {
    text += fmt::format("{:<34}{:>20}{:>16}\n", name, number_text(estimate.mean, decimals),
                        number_text(estimate.se, decimals));
  };
  const std::string measure = run.measure_name == "clv" ? "CLV" : "revenue";
  line("discounted " + measure + ", mean", run.total.mean);
  line("  standard deviation", run.total.sd);
  for (std::size_t q = 0; q < run.total.quantiles.size(); ++q)
    line("  quantile " + percent(options.quantiles[q]), run.total.quantiles[q]);
  line("  CVaR, worst " + percent(options.cvar_level), run.total.cvar);
  line("undiscounted revenue, mean", run.total_revenue.mean);
  if (!run.periods.empty()) {
    const Estimate& active = run.periods.back().active;
    const int places = active.mean < 100 ? 4 : 2;
    text += fmt::format("{:<34}{:>20}{:>16}\n", "active at the horizon", number_text(active.mean, places),
                        number_text(active.se, places));
  }
  if (!run.segments.empty()) {
    text += fmt::format("\n{:<24}{:>11}{:>18}{:>14}{:>14}{:>10}\n", "segment", "customers", "value", "MC std. error",
                        "a customer", "active");
    for (const SegmentForecast& segment : run.segments) {
      if (segment.n_customers == 0) continue;
      const auto n = static_cast<double>(segment.n_customers);
      text += fmt::format("{:<24}{:>11}{:>18}{:>14}{:>14}{:>10.4f}\n", segment.name.empty() ? "(none)" : segment.name,
                          with_separators(segment.n_customers), number_text(segment.value.mean, decimals),
                          number_text(segment.value.se, decimals), number_text(segment.value.mean / n, decimals),
                          segment.active.mean / n);
    }
  }
  text += fmt::format("{:<34}{:>20}\n", "draws that ran out of attempts",
                      with_separators(static_cast<long long>(run.n_exhausted_draws)));
  std::string shared;
  if (options.parameter_draws > 0)
    shared = fmt::format(" and its parameters, of which all share {} draws", options.parameter_draws);
  if (run.n_regimes > 0) shared = fmt::format(" and the regime that all of a path live in, one of {}", run.n_regimes);
  text += fmt::format(
      "\nThe customers are independent given the model{}; {}shared risk would widen the totals' "
      "distribution.\n",
      shared, shared.empty() ? "" : "other ");
  return text;
}

Json to_json(const HoldoutTotals& holdout, int decimals) {
  return {{"revenue", exact(holdout.revenue, decimals)},
          {"purchases", holdout.purchases},
          {"new_customers", holdout.new_customers},
          {"new_revenue", exact(holdout.new_revenue, decimals)},
          {"complete", holdout.complete},
          {"log_end", to_string(holdout.log_end)}};
}

std::string text_of(const RunInfo& run, const HoldoutTotals& holdout) {
  const int decimals = run.currency.decimals;
  const Distribution& forecast = run.total_revenue;
  std::string text = fmt::format("spend of the next {} {}s, undiscounted{}\n", run.options.horizon, name_of(run.unit),
                                 after_comma(run.currency));
  text += fmt::format("{:<34}{:>20} +- {}\n", "  forecast", number_text(forecast.mean.mean, decimals),
                      number_text(forecast.mean.se, decimals));
  if (forecast.quantiles.size() >= 2)
    text += fmt::format("{:<34}{:>20} to {}\n",
                        fmt::format("  interval {} to {}", percent(run.options.quantiles.front()),
                                    percent(run.options.quantiles.back())),
                        number_text(forecast.quantiles.front().mean, decimals),
                        number_text(forecast.quantiles.back().mean, decimals));
  if (holdout.log_end <= run.observation_end) {
    text += "  the log ends where observation does: there is nothing to compare with yet\n";
    return text;
  }
  const double shown = in_units(holdout.revenue, decimals);
  text += fmt::format("{:<34}{:>20} (forecast {:+.1f} %)\n", "  the log then shows", money(holdout.revenue, decimals),
                      shown != 0 ? (forecast.mean.mean / shown - 1) * 100 : 0.0);
  if (!holdout.complete)
    text += fmt::format("  the log ends on {}, before the horizon's last day {}: what it shows may be incomplete\n",
                        to_string(holdout.log_end), to_string(run.periods.back().last_day));
  if (holdout.new_customers > 0)
    text += fmt::format("  besides, {} customers who came later spent {}; no forecast covers them\n",
                        with_separators(holdout.new_customers), money(holdout.new_revenue, decimals));
  return text;
}

Json to_json(const CustomerResults& results, std::size_t i, const RunInfo& run) {
  const std::string& m = run.measure_name;
  Json document{{m + "_mean", results.mean[i]},
                {m + "_se", results.se[i]},
                {m + "_sd", results.sd[i]},
                {m + "_sd_se", results.sd_se[i]}};
  Json quantiles = Json::array();
  const std::size_t n = run.options.quantiles.size();
  for (std::size_t q = 0; q < n; ++q)
    quantiles.push_back({{"quantile", run.options.quantiles[q]},
                         {"value", results.quantile[i * n + q]},
                         {"value_se", results.quantile_se[i * n + q]}});
  document["quantiles"] = std::move(quantiles);
  document["cvar"] = results.cvar[i];
  document["cvar_se"] = results.cvar_se[i];
  document["p_nonpositive"] = results.p_nonpositive[i];
  document["p_nonpositive_se"] = results.p_nonpositive_se[i];
  document["p_active"] = results.p_active[i];
  document["p_active_se"] = results.p_active_se[i];
  document["transactions_mean"] = results.transactions_mean[i];
  document["transactions_se"] = results.transactions_se[i];
  if (run.has_closed_forms) {
    document["p_alive"] = results.p_alive[i];
    document["expected_transactions"] = results.expected_transactions[i];
    document["expected_spend"] = results.expected_spend[i];
  }
  if (run.has_dert) document["dert"] = results.dert[i];
  return document;
}

}  // namespace clvsim::cli
