// What every subcommand shares: common flags, the log file beside an output, the JSON envelope.
#include "host/base/output_file.hpp"
#include "host/cli/commands.hpp"

#include <clvsim/error.hpp>
#include <clvsim/version.hpp>

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <string_view>

namespace clvsim::cli {
namespace {

constexpr std::string_view exit_codes =
    "Exit codes: 0 done, 1 a bug, 2 usage or configuration, 3 input data rejected, 4 model not estimable or a check "
    "failed,\n"
    "5 file not readable or not writable, 6 damaged, unsafe or newer file, 7 no such device, 130/143 interrupted";

}  // namespace

void add_common(CLI::App& command, Session& session, const std::string& examples) {
  command.add_flag("--json", session.json, "print one JSON document on stdout");
  command.add_flag("--quiet", session.quiet, "no progress on stderr");
  command.footer(
      fmt::format("Examples:\n  {}\n\n{}", fmt::join(CLI::detail::split(examples, '\n'), "\n  "), exit_codes));
}

void write_log(const Session& session, const std::filesystem::path& output, const nlohmann::ordered_json& extra) {
  std::array<char, 256> host{};
  ::gethostname(host.data(), host.size() - 1);
  nlohmann::ordered_json document{
      {"schema", "clvsim.log/1"},
      {"output", output.filename().string()},
      {"command_line", session.command_line},
      {"folder", std::filesystem::current_path().string()},
      {"started_utc",
       fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::chrono::system_clock::to_time_t(session.started)))},
      {"seconds", session.seconds()},
      {"host", host.data()},
      {"version", version()},
      {"commit", commit()},
  };
  document.update(extra);
  try {
    OutputFile file(output.string() + ".log.json", true);
    file.write(document.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n");
    file.commit();
  } catch (const IoError& error) {  // the output itself is whole
    fmt::print(stderr, "warning: the output is written, but not the log beside it: {}\n", error.what());
  }
}

std::string json_text(const std::string& schema, const nlohmann::ordered_json& document) {
  nlohmann::ordered_json whole{{"schema", schema}, {"clvsim_version", version()}};
  whole.update(document);
  return whole.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

void print_json(const std::string& schema, const nlohmann::ordered_json& document) {
  fmt::print("{}", json_text(schema, document));
}

}  // namespace clvsim::cli
