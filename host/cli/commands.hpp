// The subcommands of the program. Each add_... declares one: its flags, its help, and what it runs.
#pragma once

#include <nlohmann/json.hpp>

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace clvsim::cli {

// What every subcommand shares.
struct Session {
  bool json = false;   // one JSON document on stdout instead of text
  bool quiet = false;  // no progress on stderr
  std::vector<std::string> command_line;
  std::chrono::system_clock::time_point started = std::chrono::system_clock::now();
  std::chrono::steady_clock::time_point clock = std::chrono::steady_clock::now();

  [[nodiscard]] double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - clock).count();
  }
};

void add_import(CLI::App& program, Session& session);
void add_fit(CLI::App& program, Session& session);
void add_backtest(CLI::App& program, Session& session);
void add_simulate(CLI::App& program, Session& session);
void add_forecast(CLI::App& program, Session& session);
void add_attribute(CLI::App& program, Session& session);
void add_compare(CLI::App& program, Session& session);
void add_export(CLI::App& program, Session& session);
void add_inspect(CLI::App& program, Session& session);
void add_ltv_table(CLI::App& program, Session& session);
void add_verify(CLI::App& program, Session& session);
void add_generate(CLI::App& program, Session& session);
void add_bench(CLI::App& program, Session& session);
void add_doctor(CLI::App& program, Session& session);

// Declares --json, --force where `writes`, and the exit codes in the footer after `examples`.
void add_common(CLI::App& command, Session& session, const std::string& examples);

// Writes OUTPUT.log.json: when, how, on what a file was made: everything that must not be in the file itself.
void write_log(const Session& session, const std::filesystem::path& output, const nlohmann::ordered_json& extra);

// The document that --json promises, whole lines: `schema` names its kind and version.
[[nodiscard]] std::string json_text(const std::string& schema, const nlohmann::ordered_json& document);
// Prints it.
void print_json(const std::string& schema, const nlohmann::ordered_json& document);

}  // namespace clvsim::cli
