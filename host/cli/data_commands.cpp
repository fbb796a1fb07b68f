// import, fit, generate: from a log, or from nothing, to a store and a model.
#include "host/base/output_file.hpp"
#include "host/base/text.hpp"
#include "host/cli/backtest_report.hpp"
#include "host/cli/commands.hpp"
#include "host/cli/progress.hpp"
#include "host/cli/report.hpp"
#include "host/cli/settings.hpp"

#include <clvsim/contract_models.hpp>
#include <clvsim/error.hpp>

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <optional>

namespace clvsim::cli {
namespace {

struct ImportCommand {
  ImportOptions options;
  Settings settings = import_settings(options);
  std::vector<std::string> logs;
  std::string output;
  bool sniff_only = false;
};

void run_import(ImportCommand& command, Session& session) {
  command.settings.apply_flags();
  ImportOptions& options = command.options;
  options.logs.assign(command.logs.begin(), command.logs.end());
  options.output = command.output;
  if (command.sniff_only) {
    const Dialect dialect = sniff(options);
    if (session.json) return print_json("clvsim.sniff/1", {{"flags", dialect.flags}});
    fmt::print("{}\n", fmt::join(dialect.flags, " "));
    return;
  }
  if (options.output.empty()) throw ConfigError("import needs --output FILE (or --sniff-only)");
  ImportReport report;
  {
    Progress progress("importing", "bytes", session.quiet);
    report = import_logs(options, [&](std::int64_t done, std::int64_t total) { progress.update(done, total); });
  }
  write_log(session, options.output, {{"logs", command.logs}});
  if (session.json) return print_json("clvsim.import/1", to_json(report));
  fmt::print("{}\nwrote {}\n", text_of(report), options.output.string());
}

struct FitCommand {
  FitOptions options;
  Settings settings = fit_settings(options);
  std::string store, output, model = "migration_chain";
  std::string spend, uncertainty;
  std::vector<std::string> covariates;
  std::size_t n_classes = 1;
  LikelihoodFitOptions likelihood;
  std::vector<std::string> bootstrap_flags;  // that were given
  bool by_segment = false;
  bool overwrite = false;
};

// The default first.
std::vector<std::string> fitted_models() {
  std::vector<std::string> models{"migration_chain"};
  for (const std::string_view name : behaviour_models()) models.emplace_back(name);
  for (const std::string_view name : contract_models()) models.emplace_back(name);
  models.emplace_back("auto");
  return models;
}

// Draws of the parameters are asked for by a word, so that what they cost is nobody's surprise.
LikelihoodFitOptions likelihood_options(const FitCommand& command) {
  LikelihoodFitOptions options = command.likelihood;
  if (command.uncertainty == "bootstrap") return options;
  if (!command.bootstrap_flags.empty())
    throw ConfigError(fmt::format("{} is a setting of --uncertainty bootstrap; give both or neither",
                                  command.bootstrap_flags.front()));
  options.bootstrap = {};
  return options;
}

// A model with a likelihood, or the one that "auto" chooses.
void fit_by_likelihood(const FitCommand& command, const StoreReader& store, const Session& session) {
  const LikelihoodFitOptions options = likelihood_options(command);
  std::optional<ModelSelection> selection;
  std::string model = command.model;
  const bool contracts = is_contract_model(model) || (model == "auto" && store.info().contract_book);
  if (contracts && !command.spend.empty())
    throw ConfigError("--spend is a setting of models of purchases; contracts have charges: leave it out");
  if (contracts && command.n_classes > 1)
    throw ConfigError("--classes is a setting of models of purchases; contracts have charges: leave it out");
  if (model == "auto" && !contracts) {
    selection = select_model(store, store.info().observation_end);
    model = selection->models[selection->chosen].model;
  }
  std::vector<std::string> covariates = command.covariates;
  if (covariates == std::vector<std::string>{"all"}) {
    covariates = store.info().covariates;
    if (covariates.empty())
      throw ConfigError("--covariates all: the store has none; import the log with them (import --covariates COLUMN)");
  }
  const double begin = session.seconds();
  const BehaviourFit fit =
      contracts ? fit_contracts(store, model, command.by_segment, options, covariates)
                : fit_behaviour(store, model, command.spend.empty() ? SpendLaw::gamma_gamma : spend_law(command.spend),
                                command.by_segment, options, covariates, command.n_classes);
  const double fit_seconds = session.seconds() - begin;
  write_behaviour(fit, store.info(), command.output, command.overwrite);
  write_log(session, command.output, {{"store", command.store}, {"fit_seconds", fit_seconds}});
  if (session.json) {
    Json document = to_json(fit, store.info());
    if (selection) document["selection"] = to_json(*selection);
    return print_json("clvsim.fit/1", document);
  }
  if (selection) fmt::print("{}\n", text_of(*selection, store.info().unit));
  fmt::print("{}\nwrote {}\n", text_of(fit, store.info()), command.output);
}

void run_fit(FitCommand& command, Session& session) {
  command.settings.apply_flags();
  const std::vector<std::string> models = fitted_models();
  if (std::find(models.begin(), models.end(), command.model) == models.end())
    throw ConfigError(fmt::format("--model {}: no such model; there is: {}{}", command.model, fmt::join(models, ", "),
                                  did_you_mean(command.model, models)));
  check_distinct({command.store}, {command.output});
  const StoreReader store(command.store);
  if (command.model != models.front()) {
    if (!command.settings.given().empty())
      throw ConfigError(fmt::format("--{} is a setting of {}; {} has none: leave it out",
                                    *command.settings.given().begin(), models.front(), command.model));
    check_output(command.output, command.overwrite);
    fit_by_likelihood(command, store, session);
    return;
  }
  if (!command.uncertainty.empty())
    throw ConfigError(fmt::format("--uncertainty is a setting of models with a likelihood; {} has none: leave it out",
                                  models.front()));
  if (command.n_classes > 1)
    throw ConfigError(
        fmt::format("--classes is a setting of models of purchases; {} has none: leave it out", models.front()));
  if (!command.covariates.empty())
    throw ConfigError(fmt::format("--covariates is a setting of models with a likelihood; {} has none: leave it out",
                                  models.front()));
  if (!command.spend.empty())
    throw ConfigError(fmt::format(
        "--spend is a setting of models of purchases; {} has a spend of its own: leave it out", models.front()));
  command.options.by_segment = command.by_segment;
  const FitReport report = fit_migration_chain(store, command.options);
  write_model(report.chain, command.output, command.overwrite);
  write_log(session, command.output, {{"store", command.store}});
  if (session.json) return print_json("clvsim.fit/1", to_json(report));
  fmt::print("{}\nwrote {}\n", text_of(report), command.output);
}

struct GenerateCommand {
  GenerateOptions options;
  Settings settings = generate_settings(options);
  std::string model, output;
};

void run_generate(GenerateCommand& command, Session& session) {
  command.settings.apply_flags();
  command.options.output = command.output;
  check_distinct({command.model}, {command.output, command.options.truth});
  const MigrationChain model = read_model(command.model);
  GenerateReport report;
  {
    Progress progress("generating", "customers", session.quiet);
    report =
        generate(model, command.options, [&](std::int64_t done, std::int64_t total) { progress.update(done, total); });
  }
  const int decimals = model.currency.decimals;
  if (session.json) {
    return print_json("clvsim.generate/1", {{"customers", report.n_customers},
                                            {"rows", report.n_rows},
                                            {"amount", exact(report.amount, decimals)},
                                            {"observation_end", to_string(report.observation_end)}});
  }
  fmt::print("{} customers, {} rows, {} {}; observation ends {}\nwrote {}\n", with_separators(report.n_customers),
             with_separators(report.n_rows), money(report.amount, decimals), model.currency.code,
             to_string(report.observation_end), command.output);
}

}  // namespace

void add_import(CLI::App& program, Session& session) {
  auto command = std::make_shared<ImportCommand>();
  CLI::App* app = program.add_subcommand("import", "Read transaction logs (CSV, .gz) into a customer store");
  app->add_option("log", command->logs, "transaction logs")->type_name("LOG...")->required();
  app->add_option("-o,--output", command->output, "the customer store to write")->type_name("FILE");
  app->add_flag("--force", command->options.overwrite, "replace an existing output");
  app->add_flag("--sniff-only", command->sniff_only, "print what was sniffed as flags, and import nothing");
  command->settings.add_flags(*app, "Log");
  add_common(
      *app, session,
      "clvsim import log.csv -o customers.h5\n"
      "clvsim import log.csv.gz --customer id --date day --amount value --observation-end 2025-12-31 -o customers.h5\n"
      "clvsim import book.csv --customer id --tenure months --churned churn --amount monthly_charge --segment plan "
      "--unit month --observation-end 2025-12-31 -o contracts.h5");
  app->callback([command, &session] { run_import(*command, session); });
}

void add_fit(CLI::App& program, Session& session) {
  auto command = std::make_shared<FitCommand>();
  CLI::App* app = program.add_subcommand("fit", "Estimate a model from a customer store");
  app->add_option("store", command->store, "customer store")->type_name("STORE")->required();
  app->add_option("--model", command->model,
                  fmt::format("one of {}; the first is the default, the last chooses a model of purchases (help "
                              "backtest) or of contracts",
                              fmt::join(fitted_models(), ", ")))
      ->type_name("NAME");
  app->add_option("--spend", command->spend, "of a model of purchases: gamma_gamma (default), log_normal, or none")
      ->type_name("NAME")
      ->check(CLI::IsMember({"gamma_gamma", "log_normal", "none"}));
  app->add_flag("--by-segment", command->by_segment,
                "fit each segment on its own as well; of a chain, its rows of probabilities");
  app->add_option("--covariates", command->covariates,
                  "of a model with a likelihood: covariates of the store (import --covariates) that move each "
                  "customer's parameters; or all")
      ->type_name("NAME,NAME...")
      ->delimiter(',');
  app->add_option("--classes", command->n_classes,
                  "of a model of purchases with gamma_gamma spend: latent classes of customers, each with a behaviour "
                  "and a spend of its own, so that spend says how often a customer buys (default 1)")
      ->type_name("N")
      ->check(CLI::Range(std::size_t{1}, most_classes));
  app->add_option(
         "--uncertainty", command->uncertainty,
         "of a model with a likelihood: hessian (default), the covariance of the estimates; or bootstrap, draws "
         "of the parameters as well, each from a fit to reweighted customers")
      ->type_name("NAME")
      ->check(CLI::IsMember({"hessian", "bootstrap"}));
  Bootstrap& bootstrap = command->likelihood.bootstrap;
  bootstrap.n_draws = 200;
  const auto given = [&flags = command->bootstrap_flags](const char* flag) {
    return [&flags, flag](const std::string&) { flags.emplace_back(flag); };
  };
  app->add_option("--draws", bootstrap.n_draws, "of the bootstrap (default 200)")
      ->type_name("N")
      ->check(CLI::Range(2U, 4096U))
      ->each(given("--draws"));
  app->add_option("--seed", bootstrap.seed, "of the bootstrap (default 1)")->type_name("N")->each(given("--seed"));
  app->add_option("--threads", bootstrap.threads,
                  "of the bootstrap; 0 (default) takes every core; draws do not depend on it")
      ->type_name("N")
      ->check(CLI::Range(0, 4096))
      ->each(given("--threads"));
  app->add_option("-o,--output", command->output, "the model file to write")->type_name("FILE")->required();
  app->add_flag("--force", command->overwrite, "replace an existing output");
  command->settings.add_flags(*app, "Model");
  add_common(*app, session,
             "clvsim fit customers.h5 --model migration_chain -o model.toml\n"
             "clvsim fit customers.h5 --model pareto_nbd -o model.toml\n"
             "clvsim fit customers.h5 --model pareto_nbd --uncertainty bootstrap -o model.toml\n"
             "clvsim fit customers.h5 --model auto -o model.toml\n"
             "clvsim fit contracts.h5 --model bdw --by-segment -o model.toml\n"
             "clvsim fit customers.h5 --model pareto_nbd --classes 2 -o model.toml\n"
             "clvsim fit customers.h5 --model pareto_nbd --covariates income,age -o model.toml\n"
             "clvsim fit customers.h5 --recency-cells 26 --frequency-classes 1,2,4 -o model.toml\n"
             "clvsim fit customers.h5 --heterogeneity --by-segment -o model.toml\n"
             "clvsim fit customers.h5 --season month --campaign sale=2025-11-24..2025-11-30 "
             "--campaign sale=2026-11-23..2026-11-29 -o model.toml");
  app->callback([command, &session] { run_fit(*command, session); });
}

void add_generate(CLI::App& program, Session& session) {
  auto command = std::make_shared<GenerateCommand>();
  CLI::App* app = program.add_subcommand("generate", "Make a synthetic transaction log with known truth");
  app->add_option("--model", command->model, "model file to draw from, e.g. configs/models/generator_retail.toml")
      ->type_name("FILE")
      ->required();
  app->add_option("-o,--output", command->output, "the log to write (.csv or .csv.gz)")->type_name("FILE")->required();
  app->add_flag("--force", command->options.overwrite, "replace an existing output");
  command->settings.add_flags(*app, "Log");
  add_common(
      *app, session,
      "clvsim generate --model configs/models/generator_retail.toml --customers 1000 -o log.csv\n"
      "clvsim generate --model configs/models/generator_retail.toml --rows 20000000 -o big.csv --truth truth.csv");
  app->callback([command, &session] { run_generate(*command, session); });
}

}  // namespace clvsim::cli
