// simulate, forecast: from a store and a model to a run.
#include "host/base/output_file.hpp"
#include "host/base/text.hpp"
#include "host/base/toml_file.hpp"
#include "host/cli/attribution_report.hpp"
#include "host/cli/commands.hpp"
#include "host/cli/progress.hpp"
#include "host/cli/report.hpp"
#include "host/cli/settings.hpp"
#include "host/model/chain_segments.hpp"
#include "host/model/lever_file.hpp"
#include "host/model/levers.hpp"
#include "host/run/segment_places.hpp"

#include <clvsim/attribution.hpp>
#include <clvsim/error.hpp>
#include <clvsim/holdout.hpp>

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <memory>
#include <set>
#include <tuple>
#include <variant>

namespace clvsim::cli {
namespace {

constexpr std::int64_t file_version = 1;
constexpr std::int64_t most_rows_kept = 10000;
constexpr std::int64_t most_customers = 1000000000;

// Opens a configuration file and checks its format and version keys.
TomlFile open_configuration(const std::string& path, const std::string& format) {
  TomlFile file(path);
  const TomlTable root = file.root();
  if (root.string("format") != format) root.fail("format", fmt::format("must be \"{}\"", format));
  if (const std::int64_t version = root.integer("version", 1); version > file_version)
    throw FormatError(fmt::format("{}: 'version' is {}, newer than the {} that this clvsim reads; upgrade clvsim",
                                  root.where("version"), version, file_version));
  return file;
}

// A scenario file: settings of the simulation ([simulate]) where none are given yet, levers and regimes; then its base.
// Of two levers of one name the base's is left out, and its regimes where the file has some.
void read_scenario(const std::filesystem::path& path, Settings& settings, const MigrationChain* chain,
                   std::vector<Lever>& levers, std::vector<Regime>& regimes,
                   std::vector<std::filesystem::path>& files) {
  constexpr std::size_t most_bases = 16;
  files.push_back(path);
  const TomlFile file = open_configuration(path, "clvsim-scenario");
  const TomlTable root = file.root();
  (void)root.optional_string("name");
  if (const auto table = root.optional_table("simulate")) settings.read(*table);
  for (const char* key : {"lever", "regime"})
    if (root.has(key) && chain == nullptr)
      root.fail(key, "is of migration chains; this model has another way to behave");
  if (chain != nullptr)
    if (std::vector<Regime> own = read_regimes(root, *chain); regimes.empty()) regimes = std::move(own);
  if (chain != nullptr)
    for (Lever& lever : read_levers(root, *chain))
      if (std::none_of(levers.begin(), levers.end(), [&](const Lever& own) { return own.name == lever.name; }))
        levers.push_back(std::move(lever));
  const auto base = root.optional_string("base");
  if (base && files.size() > most_bases)
    root.fail("base", fmt::format("goes on for more than {} files; does one of them name itself?", most_bases));
  file.finish();
  if (base) read_scenario((path.parent_path() / *base).lexically_normal(), settings, chain, levers, regimes, files);
}

// "horizon 36 weeks (default), discount 10 % a year (default)": nobody should find out from the numbers.
std::vector<std::string> defaults_taken(const Settings& settings, const SimulationOptions& options, PeriodUnit unit) {
  std::vector<std::string> notes;
  if (!settings.given("horizon"))
    notes.push_back(fmt::format("--horizon was not given: {} {}s", options.horizon, name_of(unit)));
  if (!settings.given("discount"))
    notes.push_back(fmt::format("--discount was not given: {:g} % a {}", options.discounting.rate * 100,
                                name_of(options.discounting.per)));
  return notes;
}

// What a model's numbers must not be used for.
void add_caution(const BehaviourModel& model, std::vector<std::string>& notes) {
  if (model.model == "bg_nbd" || model.model == "bg_cnbd_k")
    notes.push_back(
        fmt::format("{} takes every customer without a repeat purchase for alive, whatever the silence: use "
                    "its purchases and values, and no count of active customers; mbg_nbd and pareto_nbd "
                    "have none of this",
                    model.model));
}

struct SimulateCommand {
  SimulationOptions options;
  Settings settings = simulate_settings(options);
  std::string store, model, scenario, output;
  std::vector<std::filesystem::path> scenario_files;  // the scenario's and its bases
  std::int64_t customers = 0;
  bool overwrite = false, without_side_effects = false;
  bool parameter_uncertainty = false, parameter_draws_given = false;
};

// Throws ConfigError, with the file, for what levers and regimes cannot do to the chain.
void check_scenario(const MigrationChain& chain, int horizon, const std::string& file) {
  try {
    check(chain);
    for (const Lever& lever : chain.levers)
      if (lever.first_period > horizon)
        throw ConfigError(
            fmt::format("the lever '{}' begins in period {}, after the horizon of {}; give a longer "
                        "--horizon, or leave it out",
                        lever.name, lever.first_period, horizon));
    for (const std::string& segment : segments_of(chain)) {
      const MigrationChain own = chain_of(chain, segment);
      std::set<std::vector<bool>> known;
      for (int t = 1; t <= horizon; ++t) {
        const std::vector<bool> on = levers_on(own, t, segment);
        if (!known.insert(on).second) continue;
        const std::vector<double> no_covariates(own.covariates.size());
        if (chain.regimes.empty()) static_cast<void>(chain_in_period(own, no_covariates, on, nullptr));
        for (const Regime& regime : chain.regimes) static_cast<void>(chain_in_period(own, no_covariates, on, &regime));
      }
    }
  } catch (const ConfigError& error) {
    throw ConfigError(fmt::format("{}: {}", file, error.what()));
  }
}

// The model with what the scenario does to it.
AnyModel model_of(SimulateCommand& command) {
  AnyModel model = read_any_model(command.model);
  auto* const chain = std::get_if<MigrationChain>(&model);
  std::vector<Lever> levers;
  std::vector<Regime> regimes;
  if (!command.scenario.empty())
    read_scenario(command.scenario, command.settings, chain, levers, regimes, command.scenario_files);
  if (command.parameter_uncertainty) {
    constexpr std::uint32_t draws = 200;
    if (command.parameter_draws_given)
      throw ConfigError("--parameter-uncertainty is short for --parameter-draws 200; give one of the two");
    command.options.parameter_draws = draws;
  }
  if (chain != nullptr) {
    chain->levers.insert(chain->levers.end(), levers.begin(), levers.end());
    if (!regimes.empty()) chain->regimes = std::move(regimes);
  }
  if (command.without_side_effects) {
    if (chain == nullptr || std::none_of(chain->levers.begin(), chain->levers.end(),
                                         [](const Lever& lever) { return lever.effects.size() > 1; }))
      throw ConfigError("--no-side-effects: no lever has side effects; leave it out");
    for (Lever& lever : chain->levers) lever.effects.resize(1);
  }
  if (!command.scenario.empty() && chain != nullptr) check_scenario(*chain, command.options.horizon, command.scenario);
  return model;
}

void run_simulate(SimulateCommand& command, Session& session) {
  command.settings.apply_flags();
  command.parameter_draws_given = command.settings.given("parameter-draws");
  const AnyModel model = model_of(command);
  if (command.store.empty() == (command.customers == 0))
    throw ConfigError("simulate needs a customer store, or --customers N for customers without a history: one of them");
  if (!command.store.empty() && command.output.empty()) throw ConfigError("simulate needs --output FILE");
  if (command.options.keep_paths && command.output.empty())
    throw ConfigError("--keep-paths needs --output FILE: the paths are kept in the run file");
  std::vector<std::filesystem::path> inputs{command.store, command.model};
  inputs.insert(inputs.end(), command.scenario_files.begin(), command.scenario_files.end());
  check_distinct(inputs, {command.output});
  const SimulationOptions& options = command.options;
  RunInfo run;
  CustomerResults results;  // to show the first customer's row of a small run
  CustomerResults* const one_row = command.customers <= most_rows_kept ? &results : nullptr;
  {
    Progress progress("simulating", "customers", session.quiet);
    const auto update = [&](std::int64_t done, std::int64_t total) { progress.update(done, total); };
    const auto& [store, output, overwrite] = std::tie(command.store, command.output, command.overwrite);
    const auto simulate_with = [&](const auto& one) {
      return store.empty() ? simulate_customers(command.customers, one, options, output, overwrite, one_row, update)
                           : simulate(StoreReader(store), one, options, output, overwrite, update);
    };
    run = std::visit(simulate_with, model);
  }
  const double seconds = session.seconds();
  if (!command.output.empty())
    write_log(
        session, command.output,
        {{"store", command.store}, {"model", command.model}, {"device", run.device}, {"threads", options.threads}});
  std::vector<std::string> notes = defaults_taken(command.settings, options, run.unit);
  if (const auto* behaviour = std::get_if<BehaviourModel>(&model)) add_caution(*behaviour, notes);
  const auto* const chain = std::get_if<MigrationChain>(&model);
  const bool has_closed_form = command.store.empty() && chain != nullptr && !chain->spend && !has_heterogeneity(*chain);
  ChainMoments exact;
  if (has_closed_form) {
    exact = exact_moments(*chain, chain->start_state, discount_factors(options.discounting, run.unit, options.horizon),
                          {run.observation_end, run.unit});
    exact.mean *= run.options.margin.value_or(1);
    exact.sd *= std::abs(run.options.margin.value_or(1));
  }

  if (session.json) {
    Json document = to_json(run);
    document["notes"] = notes;
    if (results.size() > 0) document["customer"] = to_json(results, 0, run);
    if (has_closed_form)
      document["closed_form"] = {{"mean", exact.mean},
                                 {"sd", exact.sd},
                                 {"p_active", exact.p_active},
                                 {"transactions_mean", exact.transactions}};
    return print_json("clvsim.simulate/1", document);
  }
  fmt::print("{}", text_of(run));
  if (results.size() > 0) {
    fmt::print("\none customer: mean {:.4f} +- {:.4f}, standard deviation {:.4f} +- {:.4f}\n", results.mean[0],
               results.se[0], results.sd[0], results.sd_se[0]);
    if (has_closed_form) fmt::print("closed form:  mean {:.4f}, standard deviation {:.4f}\n", exact.mean, exact.sd);
  }
  for (const std::string& note : notes) fmt::print("note: {}\n", note);
  if (!command.output.empty()) fmt::print("\nwrote {} after {:.1f} s\n", command.output, seconds);
}

// A run for every set of the scenario's levers.
void run_attribute(SimulateCommand& command, Session& session) {
  command.settings.apply_flags();
  for (const char* flag : {"keep-paths", "quantiles", "cvar-level"})
    if (command.settings.given(flag))
      throw ConfigError(fmt::format("--{}: attribute gives means alone; leave it out", flag));
  const AnyModel model = model_of(command);
  if (command.store.empty() == (command.customers == 0))
    throw ConfigError(
        "attribute needs a customer store, or --customers N for customers without a history: one of them");
  const auto* const chain = std::get_if<MigrationChain>(&model);
  if (chain == nullptr || chain->levers.empty() || chain->levers.size() > most_attributed_levers)
    throw ConfigError(fmt::format("attribute needs a migration chain and 1 to {} levers (--scenario); there are {}",
                                  most_attributed_levers, chain == nullptr ? 0 : chain->levers.size()));
  std::vector<std::string> names;
  for (const Lever& lever : chain->levers) names.push_back(lever.name);
  SimulationOptions options = command.options;
  options.periods = false;
  std::vector<std::vector<double>> totals;
  std::optional<StoreReader> store;
  if (!command.store.empty()) store.emplace(command.store);
  RunInfo run;
  const std::size_t n_runs = std::size_t{1} << names.size();
  {
    Progress progress("simulating", "runs", session.quiet);
    for (std::size_t set = 0; set < n_runs; ++set) {
      MigrationChain some = *chain;
      some.levers.clear();
      for (std::size_t l = 0; l < names.size(); ++l)
        if ((set >> l & 1) != 0) some.levers.push_back(chain->levers[l]);
      run = store ? simulate(*store, some, options, {}, false)
                  : simulate_customers(command.customers, some, options, {}, false);
      totals.push_back(std::move(run.total_by_path));
      progress.update(static_cast<std::int64_t>(set + 1), static_cast<std::int64_t>(n_runs));
    }
  }
  const Attribution attribution = attribute_levers(names, totals);
  const std::vector<std::string> notes = defaults_taken(command.settings, options, run.unit);
  if (session.json) {
    Json document = to_json(attribution);
    document["measure"] = run.measure_name;
    document["currency"] = run.currency.code;
    document["notes"] = notes;
    return print_json("clvsim.attribute/1", document);
  }
  fmt::print("discounted {} of {} customers over {} {}s, {} paths on the same random numbers\n\n{}", run.measure_name,
             with_separators(run.n_customers), options.horizon, name_of(run.unit), with_separators(options.n_paths),
             text_of(attribution, run.currency.decimals));
  for (const std::string& note : notes) fmt::print("note: {}\n", note);
}

struct ForecastCommand {
  SimulationOptions options;
  Settings settings = simulate_settings(options);
  std::string file, folder;
  bool overwrite = false;
};

// import, fit, simulate, export in one go. Paths in the file are relative to the file's folder.
void run_forecast(ForecastCommand& command, Session& session) {
  command.settings.apply_flags();
  const TomlFile file = open_configuration(command.file, "clvsim-forecast");
  const TomlTable root = file.root();
  (void)root.optional_string("name");
  const std::filesystem::path base = std::filesystem::path(command.file).parent_path();
  const auto from_base = [&](const std::string& path) { return (base / path).lexically_normal(); };

  ImportOptions import;
  Settings import_table = import_settings(import);
  const TomlTable import_section = root.table("import");
  for (const std::string& log : import_section.strings("logs")) import.logs.push_back(from_base(log));
  if (import.logs.empty()) import_section.fail("logs", "is empty; give at least one log");
  import_table.read(import_section);
  if (import.hash_key_file) import.hash_key_file = from_base(import.hash_key_file->string());

  FitOptions fit;
  Settings fit_table = fit_settings(fit);
  if (const auto section = root.optional_table("fit")) {
    if (const auto name = section->optional_string("model"); name && *name != "migration_chain")
      section->fail("model", "is no model; there is: migration_chain");
    fit_table.read(*section);
  }
  const SimulationOptions& options = command.options;
  if (const auto section = root.optional_table("simulate")) command.settings.read(*section);
  std::filesystem::path folder = command.folder;
  const std::string folder_in_file = root.table("output").string("folder");
  if (folder.empty()) folder = from_base(folder_in_file);
  file.finish();
  check(options);

  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error)
    throw IoError(fmt::format("cannot create the folder '{}': {}; choose another", folder.string(), error.message()));
  const std::vector<std::string> names{"customers.h5", "model.toml", "run.h5", "customers.csv"};
  const std::filesystem::path rejects = folder / "rejects.csv";
  std::vector<std::filesystem::path> inputs = import.logs, outputs{rejects};
  inputs.emplace_back(command.file);
  if (import.hash_key_file) inputs.push_back(*import.hash_key_file);
  for (const std::string& name : names) outputs.push_back(folder / name);
  check_distinct(inputs, outputs);
  // All four appear together, so that no refused fit leaves a store beside yesterday's run.
  StagedFiles files(folder, names, command.overwrite);
  const auto store_path = files.path(names[0]), model_path = files.path(names[1]), run_path = files.path(names[2]),
             csv_path = files.path(names[3]);
  import.output = store_path;
  import.overwrite = command.overwrite;
  import.rejects = rejects;

  ImportReport imported;
  {
    Progress progress("importing", "bytes", session.quiet);
    imported = import_logs(import, [&](std::int64_t done, std::int64_t total) { progress.update(done, total); });
  }
  if (!session.json) fmt::print("{}\n", text_of(imported));

  const StoreReader store(store_path);
  const FitReport fitted = fit_migration_chain(store, fit);
  write_model(fitted.chain, model_path, command.overwrite);
  if (!session.json) fmt::print("{}\n", text_of(fitted));

  RunInfo run;
  {
    Progress progress("simulating", "customers", session.quiet);
    run = simulate(store, fitted.chain, options, run_path, command.overwrite,
                   [&](std::int64_t done, std::int64_t total) { progress.update(done, total); });
  }
  export_csv(RunReader(run_path), csv_path, command.overwrite);
  const HoldoutTotals holdout = holdout_totals(store, options.horizon);
  files.commit();
  for (const std::string& name : names)
    write_log(session, folder / name,
              {{"configuration", command.file}, {"device", run.device}, {"threads", options.threads}});
  const std::vector<std::string> notes = defaults_taken(command.settings, options, run.unit);

  std::vector<std::string> written;
  written.reserve(names.size() + 1);
  for (const std::string& name : names) written.push_back((folder / name).string());
  if (imported.store.ledger.rejected.rows > 0) written.push_back(rejects.string());
  if (session.json) {
    Json document{{"import", to_json(imported)},
                  {"fit", to_json(fitted)},
                  {"simulate", to_json(run)},
                  {"holdout", to_json(holdout, run.currency.decimals)},
                  {"notes", notes},
                  {"files", written}};
    return print_json("clvsim.forecast/1", document);
  }
  fmt::print("{}\n{}", text_of(run), text_of(run, holdout));
  for (const std::string& note : notes) fmt::print("note: {}\n", note);
  fmt::print(
      "\nafter {:.1f} s, in {}:\n  customers.h5   the customer store\n  model.toml     the fitted model\n"
      "  run.h5         every customer's distribution\n  customers.csv  the same, one row a customer\n",
      session.seconds(), folder.string());
  if (imported.store.ledger.rejected.rows > 0)
    fmt::print("  rejects.csv    {} rejected rows\n", with_separators(imported.store.ledger.rejected.rows));
}

}  // namespace

void add_simulate(CLI::App& program, Session& session) {
  auto command = std::make_shared<SimulateCommand>();
  CLI::App* app = program.add_subcommand("simulate", "Simulate the lifetime value of every customer of a store");
  app->add_option("store", command->store, "customer store")->type_name("STORE");
  app->add_option("--model", command->model, "model file")->type_name("FILE")->required();
  app->add_option("--scenario", command->scenario,
                  "scenario file: levers, and settings below but threads, batch and device, where no flag gives them")
      ->type_name("FILE");
  app->add_flag("--no-side-effects", command->without_side_effects,
                "leave out the side effects of the scenario's levers: what each is for, alone");
  app->add_flag("--parameter-uncertainty", command->parameter_uncertainty, "short for --parameter-draws 200");
  app->add_option("--customers", command->customers, "without a store: N customers without a history")
      ->type_name("N")
      ->check(CLI::Range(std::int64_t{1}, most_customers));
  app->add_option("-o,--output", command->output, "the run file to write")->type_name("FILE");
  app->add_flag("--force", command->overwrite, "replace an existing output");
  command->settings.add_flags(*app, "Simulation");
  add_common(*app, session,
             "clvsim simulate customers.h5 --model model.toml --horizon 39 --paths 1000 --seed 1 -o run.h5\n"
             "clvsim simulate --model configs/models/dwyer_migration.toml --customers 1 --horizon 3 --discount 0 "
             "--paths 1000000");
  app->callback([command, &session] { run_simulate(*command, session); });
}

void add_attribute(CLI::App& program, Session& session) {
  auto command = std::make_shared<SimulateCommand>();
  command->options.sampler = StepSampler::ordered;
  command->settings = simulate_settings(command->options, "ordered");
  CLI::App* app = program.add_subcommand("attribute", "Share what a scenario changes among its levers");
  app->add_option("store", command->store, "customer store")->type_name("STORE");
  app->add_option("--model", command->model, "model file of a migration chain")->type_name("FILE")->required();
  app->add_option("--scenario", command->scenario, "scenario file with 1 to 6 levers")->type_name("FILE")->required();
  app->add_flag("--no-side-effects", command->without_side_effects, "leave out the levers' side effects");
  app->add_option("--customers", command->customers, "without a store: N customers without a history")
      ->type_name("N")
      ->check(CLI::Range(std::int64_t{1}, most_customers));
  command->settings.add_flags(*app, "Simulation");
  add_common(*app, session,
             "clvsim attribute customers.h5 --model model.toml --scenario scenario.toml --horizon 36\n"
             "clvsim attribute --model configs/models/lifecycle_a_e.toml --scenario "
             "configs/scenarios/fewer_lost_dearer.toml --customers 1000");
  app->callback([command, &session] { run_attribute(*command, session); });
}

void add_forecast(CLI::App& program, Session& session) {
  auto command = std::make_shared<ForecastCommand>();
  CLI::App* app = program.add_subcommand("forecast", "Import, fit, simulate and export in one go");
  app->add_option("file", command->file, "forecast file")->type_name("FILE")->required();
  app->add_option("--output-folder", command->folder, "write here instead of the file's [output] folder")
      ->type_name("FOLDER");
  app->add_flag("--force", command->overwrite, "replace existing outputs");
  command->settings.add_flags(*app, "Simulation, instead of what the file says");
  add_common(
      *app, session,
      "clvsim forecast configs/forecasts/quickstart.toml --force\nclvsim forecast my.toml --output-folder out --force");
  app->callback([command, &session] { run_forecast(*command, session); });
}

}  // namespace clvsim::cli
