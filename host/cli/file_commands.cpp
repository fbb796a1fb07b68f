// export, inspect, verify, doctor: what is in a file, whether it is whole, and what this machine has.
#include "host/base/output_file.hpp"
#include "host/base/text.hpp"
#include "host/cli/commands.hpp"
#include "host/cli/machine.hpp"
#include "host/cli/report.hpp"
#include "host/io/describe.hpp"
#include "host/io/hdf5_version.hpp"

#include <clvsim/behaviour_model.hpp>
#include <clvsim/error.hpp>
#include <clvsim/purchase_models.hpp>

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <thrust/version.h>
#include <zlib.h>

#include <CLI/CLI.hpp>
#include <memory>

namespace clvsim::cli {
namespace {

// An indented list of "name: value" lines from a JSON document, for people.
std::string indented(const Json& value, int depth = 0) {
  std::string text;
  const std::string margin(static_cast<std::size_t>(depth) * 2, ' ');
  const auto scalar = [](const Json& item) { return item.is_string() ? item.get<std::string>() : item.dump(); };
  if (value.is_object()) {
    for (const auto& [key, item] : value.items()) {
      const bool nested = item.is_object() || (item.is_array() && !item.empty() && item.front().is_structured());
      text += nested ? fmt::format("{}{}:\n{}", margin, key, indented(item, depth + 1))
                     : fmt::format("{}{}: {}\n", margin, key, scalar(item));
    }
  } else if (value.is_array()) {
    for (const auto& item : value) {
      if (!item.is_object()) {
        text += fmt::format("{}{}\n", margin, scalar(item));
        continue;
      }
      std::vector<std::string> parts;
      for (const auto& [key, field] : item.items()) parts.push_back(fmt::format("{} {}", key, scalar(field)));
      text += fmt::format("{}{}\n", margin, fmt::join(parts, ", "));
    }
  }
  return text;
}

struct FileCommand {
  std::string file, csv, paths_csv;
  bool overwrite = false;
};

void run_export(const FileCommand& command, Session& session) {
  if (command.csv.empty() && command.paths_csv.empty())
    throw ConfigError("export needs --csv FILE or --paths-csv FILE, or both");
  check_distinct({command.file}, {command.csv, command.paths_csv});
  const RunReader run(command.file);
  const std::int64_t n_customers = run.info().n_customers, n_paths = run.info().options.n_paths;
  if (!command.paths_csv.empty()) {
    export_paths_csv(run, command.paths_csv, command.overwrite);
    write_log(session, command.paths_csv, {{"run", command.file}});
  }
  if (!command.csv.empty()) {
    export_csv(run, command.csv, command.overwrite);
    write_log(session, command.csv, {{"run", command.file}});
  }
  if (session.json) {
    Json document;
    if (!command.csv.empty()) document.update({{"rows", n_customers}, {"file", command.csv}});
    if (!command.paths_csv.empty())
      document.update({{"path_rows", n_customers * n_paths}, {"paths_file", command.paths_csv}});
    return print_json("clvsim.export/1", document);
  }
  if (!command.csv.empty()) fmt::print("wrote {} customers to {}\n", with_separators(n_customers), command.csv);
  if (!command.paths_csv.empty())
    fmt::print("wrote {} paths of {} customers to {}\n", with_separators(n_paths), with_separators(n_customers),
               command.paths_csv);
}

void run_doctor(Session& session) {
  Json document = machine();
  document.update(
      {{"libraries",
        {{"hdf5", hdf5_version()},
         {"zlib", zlibVersion()},
         {"openssl", OpenSSL_version(OPENSSL_VERSION)},
         {"fmt", fmt::format("{}.{}.{}", FMT_VERSION / 10000, FMT_VERSION / 100 % 100, FMT_VERSION % 100)},
         {"thrust", fmt::format("{}.{}.{}", THRUST_MAJOR_VERSION, THRUST_MINOR_VERSION, THRUST_SUBMINOR_VERSION)},
         {"cli11", CLI11_VERSION}}},
       {"file_versions", {{"store", 1}, {"run", 1}, {"model", 1}, {"scenario", 1}, {"forecast", 1}}}});
  if (session.json) return print_json("clvsim.doctor/1", document);
  fmt::print("{}", indented(document));
  if (document["gpus"].empty()) fmt::print("no GPU is usable here: --device auto takes the CPU\n");
}

}  // namespace

void add_export(CLI::App& program, Session& session) {
  auto command = std::make_shared<FileCommand>();
  CLI::App* app =
      program.add_subcommand("export", "Write a run as CSV: a row a customer, or a row a customer and path");
  app->add_option("run", command->file, "run file")->type_name("RUN")->required();
  app->add_option("--csv", command->csv, "the CSV to write, one row a customer")->type_name("FILE");
  app->add_option("--paths-csv", command->paths_csv,
                  "the CSV to write, one row a customer and path, of a run with --keep-paths")
      ->type_name("FILE");
  app->add_flag("--force", command->overwrite, "replace an existing output");
  add_common(*app, session, "clvsim export run.h5 --csv customers.csv\nclvsim export run.h5 --paths-csv paths.csv");
  app->callback([command, &session] { run_export(*command, session); });
}

namespace {

Json to_json(const MigrationChain& chain) {
  Json states = Json::array();
  for (const ChainState& state : chain.states)
    states.push_back({{"name", state.name}, {"active", state.active}, {"outcomes", state.outcomes.size()}});
  return {{"type", "model"},
          {"model", "migration_chain"},
          {"unit", name_of(chain.unit)},
          {"start", chain.states[static_cast<std::size_t>(chain.start_state)].name},
          {"spend", chain.spend ? "drawn" : "fixed"},
          {"customers", chain.n_customers},
          {"customer_periods", chain.n_customer_periods},
          {"states", std::move(states)}};
}

Json to_json(const BehaviourModel& model) {
  Json parameters = Json::object();
  const auto names = make_purchase_model(model.model, model.k)->parameter_names();
  for (std::size_t i = 0; i < names.size(); ++i) parameters[std::string(names[i])] = model.parameters[i];
  Json document{{"type", "model"},
                {"model", model.model},
                {"unit", name_of(model.unit)},
                {"spend", model.spend ? "gamma_gamma" : "none"},
                {"customers", model.n_customers},
                {"parameters", std::move(parameters)}};
  if (model.fit) document["log_likelihood"] = model.fit->log_likelihood;
  return document;
}

}  // namespace

void add_inspect(CLI::App& program, Session& session) {
  auto command = std::make_shared<FileCommand>();
  CLI::App* app = program.add_subcommand("inspect", "Describe a clvsim file: store, run or model");
  app->add_option("file", command->file, "file")->type_name("FILE")->required();
  add_common(*app, session, "clvsim inspect customers.h5\nclvsim inspect run.h5 --json");
  app->callback([command, &session] {
    Json document;
    if (std::filesystem::path(command->file).extension() == ".toml") {
      document = std::visit([](const auto& model) { return to_json(model); }, read_any_model(command->file));
    } else {
      document = describe_file(command->file);
    }
    if (session.json) return print_json("clvsim.inspect/1", document);
    fmt::print("{}", indented(document));
  });
}

void add_verify(CLI::App& program, Session& session) {
  auto command = std::make_shared<FileCommand>();
  CLI::App* app = program.add_subcommand("verify", "Check a clvsim file's digest, structure and values");
  app->add_option("file", command->file, "store or run")->type_name("FILE")->required();
  add_common(*app, session, "clvsim verify customers.h5");
  app->callback([command, &session] {
    const Json document = verify_file(command->file);
    if (session.json) return print_json("clvsim.verify/1", document);
    fmt::print("{} is whole\n{}", command->file, indented(document));
  });
}

void add_doctor(CLI::App& program, Session& session) {
  CLI::App* app = program.add_subcommand("doctor", "Show the CPU, the GPUs, the libraries and the versions");
  add_common(*app, session, "clvsim doctor\nclvsim doctor --json");
  app->callback([&session] { run_doctor(session); });
}

}  // namespace clvsim::cli
