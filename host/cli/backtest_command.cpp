// backtest: how well the models would have told the last part of a log.
#include "host/base/output_file.hpp"
#include "host/base/text.hpp"
#include "host/cli/backtest_report.hpp"
#include "host/cli/commands.hpp"
#include "host/cli/report.hpp"

#include <clvsim/error.hpp>

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iterator>
#include <memory>
#include <optional>

namespace clvsim::cli {
namespace {

struct BacktestCommand {
  BacktestOptions options;
  std::string store, split, spend, csv, tables;
  int horizon = 0;
  bool overwrite = false;
};

std::vector<std::string> model_choices() {
  std::vector<std::string> models{"auto"};
  for (const std::string_view name : purchase_models()) models.emplace_back(name);
  return models;
}

std::string csv_header() {
  std::string text = "key,x,t_x,T,actual,expected,sd";
  for (const double level : backtest_levels) text += fmt::format(",low{0:.0f},high{0:.0f}", level * 100);
  return text + ",crps,log_score,pit_low,pit_high,actual_spend,expected_spend\r\n";
}

void append_row(std::string& text, std::string_view key, const CustomerBacktest& c, int decimals) {
  append_csv_text(text, key);
  const auto out = std::back_inserter(text);
  fmt::format_to(out, ",{},{},{},{},{},{}", c.history.x, c.history.t_x, c.history.T, c.actual, c.expected, c.sd);
  for (const auto& [low, high] : c.interval) fmt::format_to(out, ",{},{}", low, high);
  fmt::format_to(out, ",{},{},{},{},{},{}\r\n", c.crps, c.log_score, c.pit_low, c.pit_high,
                 exact(c.actual_spend, decimals), c.expected_spend);
}

void run_backtest(BacktestCommand& command, Session& session) {
  BacktestOptions& options = command.options;
  const std::vector<std::string> models = model_choices();
  if (std::find(models.begin(), models.end(), options.model) == models.end())
    throw ConfigError(fmt::format("--model {}: no such model; there is: {}{}", options.model, fmt::join(models, ", "),
                                  did_you_mean(options.model, models)));
  if (command.horizon > 0) options.horizon = command.horizon;
  if (!command.split.empty()) {
    try {
      options.split = parse_iso_date(command.split);
    } catch (const DataError& error) {
      throw ConfigError(fmt::format("--split {}: {}", command.split, error.what()));
    }
  }
  if (!command.spend.empty()) options.spend = spend_law(command.spend);
  check_distinct({command.store}, {command.csv, command.tables});
  std::optional<OutputFile> csv, tables;
  if (!command.csv.empty()) csv.emplace(command.csv, command.overwrite);
  if (!command.tables.empty()) tables.emplace(command.tables, command.overwrite);
  const StoreReader store(command.store);
  const int decimals = store.info().currency.decimals;
  constexpr std::size_t text_bytes = std::size_t{1} << 18;
  std::string rows = csv_header();
  CustomerBacktestSink sink;
  if (csv) {
    sink = [&](std::string_view key, const CustomerBacktest& customer) {
      append_row(rows, key, customer, decimals);
      if (rows.size() < text_bytes) return;
      csv->write(rows);
      rows.clear();
    };
  }
  const Backtest test = backtest(store, options, sink);
  // Written in full before either appears.
  if (csv) csv->write(rows);
  if (tables) tables->write(tables_csv(test));
  if (csv) {
    csv->commit();
    write_log(session, command.csv, {{"store", command.store}});
  }
  if (tables) {
    tables->commit();
    write_log(session, command.tables, {{"store", command.store}});
  }
  if (session.json) return print_json("clvsim.backtest/1", to_json(test, store.info()));
  fmt::print("{}", text_of(test, store.info()));
  if (csv) fmt::print("\nwrote {}\n", command.csv);
  if (tables) fmt::print("\nwrote {}\n", command.tables);
}

}  // namespace

void add_backtest(CLI::App& program, Session& session) {
  constexpr int most_periods = 100'000, most_draws = 4096;
  auto command = std::make_shared<BacktestCommand>();
  CLI::App* app = program.add_subcommand("backtest", "Score forecasts of the last part of a store's log");
  app->add_option("store", command->store, "customer store")->type_name("STORE")->required();
  app->add_option("--model", command->options.model,
                  fmt::format("one of {}; the first is the default: chosen by the calibration part alone",
                              fmt::join(model_choices(), ", ")))
      ->type_name("NAME");
  app->add_option("--split", command->split,
                  "last day of calibration, YYYY-MM-DD; default: the store's end of observation where rows follow it, "
                  "else two thirds of the log")
      ->type_name("DATE");
  app->add_option("--horizon", command->horizon,
                  "periods of the holdout: after --split, or else the last ones of the log; default: all whole ones")
      ->type_name("N")
      ->check(CLI::Range(1, most_periods));
  app->add_option("--spend", command->spend, "gamma_gamma (default), log_normal, or none")
      ->type_name("NAME")
      ->check(CLI::IsMember({"gamma_gamma", "log_normal", "none"}));
  app->add_option("--parameter-draws", command->options.parameter_draws,
                  fmt::format("draws of the parameters for the law of the total (default {}); 0: without it",
                              command->options.parameter_draws))
      ->type_name("N")
      ->check(CLI::Range(0, most_draws));
  app->add_option("--seed", command->options.seed, "of these draws (default 1)")->type_name("N");
  app->add_option("--csv", command->csv, "write a row a customer: forecast by the chosen model, what came, scores")
      ->type_name("FILE");
  app->add_option("--tables-csv", command->tables,
                  "write all tables, a number a row: scores and coverage of every model, totals, tracking by period, "
                  "cohort and frequency")
      ->type_name("FILE");
  app->add_flag("--force", command->overwrite, "replace an existing output");
  add_common(*app, session,
             "clvsim backtest customers.h5\n"
             "clvsim backtest customers.h5 --model pareto_nbd --split 1997-09-30 --csv scores.csv\n"
             "clvsim backtest customers.h5 --horizon 39 --json");
  app->callback([command, &session] { run_backtest(*command, session); });
}

}  // namespace clvsim::cli
