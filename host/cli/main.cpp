// The program: declares the subcommands, runs one, and turns whatever happens into a message and an exit code.
#include "host/base/output_file.hpp"
#include "host/base/text.hpp"
#include "host/cli/commands.hpp"

#include <clvsim/error.hpp>
#include <clvsim/version.hpp>

#include <fmt/format.h>

#include <malloc.h>
#include <unistd.h>
#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <new>

namespace {

using namespace clvsim;

// An interrupted run leaves no half-written file.
extern "C" void stop(int signal) {
  remove_unfinished_outputs();
  ::_exit(128 + signal);  // ExitCode::interrupted, ExitCode::terminated; 141 where the reader of stdout has gone
}

std::vector<std::string> flags_of(const CLI::App& app) {
  std::vector<std::string> flags;
  for (const CLI::Option* option : app.get_options())
    for (const std::string& name : option->get_lnames()) flags.push_back("--" + name);
  return flags;
}

// The first argument that no subcommand or flag takes, with the nearest that does.
std::string usage_message(const CLI::App& program, const CLI::ParseError& error,
                          const std::vector<std::string>& arguments) {
  std::vector<std::string> names;
  for (const CLI::App* subcommand : program.get_subcommands({})) names.push_back(subcommand->get_name());
  if (arguments.empty()) return "no subcommand given";
  const CLI::App* subcommand = nullptr;
  for (const CLI::App* candidate : program.get_subcommands({}))
    if (candidate->get_name() == arguments.front()) subcommand = candidate;
  if (subcommand == nullptr)
    return fmt::format("unknown subcommand '{}'{}", arguments.front(), did_you_mean(arguments.front(), names));
  const std::vector<std::string> flags = flags_of(*subcommand);
  for (std::size_t i = 1; i < arguments.size(); ++i) {
    const std::string flag = arguments[i].substr(0, arguments[i].find('='));
    if (flag.rfind("--", 0) == 0 && std::find(flags.begin(), flags.end(), flag) == flags.end())
      return fmt::format("clvsim {}: unknown flag '{}'{}", subcommand->get_name(), flag, did_you_mean(flag, flags));
  }
  return fmt::format("clvsim {}: {}", subcommand->get_name(), error.what());
}

int fail(ExitCode code, const std::string& message) {
  std::fflush(stdout);
  fmt::print(stderr, "error: {}\n", message);
  return static_cast<int>(code);
}

int run(int argc, char** argv) {
  cli::Session session;
  session.command_line.assign(argv, argv + argc);
  CLI::App program("clvsim: the distribution of lifetime value of every customer, by Monte Carlo", "clvsim");
  program.set_version_flag("--version", fmt::format("clvsim {} ({})", version(), commit()));
  program.set_help_all_flag("--help-all", "help of every subcommand");
  program.require_subcommand(1);
  cli::add_import(program, session);
  cli::add_fit(program, session);
  cli::add_backtest(program, session);
  cli::add_simulate(program, session);
  cli::add_forecast(program, session);
  cli::add_compare(program, session);
  cli::add_attribute(program, session);
  cli::add_ltv_table(program, session);
  cli::add_export(program, session);
  cli::add_inspect(program, session);
  cli::add_verify(program, session);
  cli::add_generate(program, session);
  cli::add_bench(program, session);
  cli::add_doctor(program, session);

  std::vector<std::string> arguments(argv + 1, argv + argc);
  if (!arguments.empty() && arguments.front() == "help") {  // clvsim help X = clvsim X --help
    arguments.erase(arguments.begin());
    arguments.push_back("--help");
  }
  if (arguments.empty()) {
    fmt::print("{}", program.help());
    return static_cast<int>(ExitCode::configuration);
  }
  try {
    std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());  // the order that CLI11 takes
    program.parse(reversed);
    std::fflush(stdout);
    if (std::ferror(stdout) != 0) return fail(ExitCode::io, "cannot write to standard output");
    return 0;
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return program.exit(error);  // --help, --version
    return fail(ExitCode::configuration, usage_message(program, error, arguments) + "\nsee 'clvsim help'");
  } catch (const Error& error) {
    return fail(error.exit_code(), error.what());
  } catch (const std::bad_alloc&) {
    return fail(ExitCode::io, "out of memory; use a smaller --batch, fewer --paths or fewer --threads");
  } catch (const std::exception& error) {
    return fail(ExitCode::internal, fmt::format("internal error: {}; please report it", error.what()));
  }
}

}  // namespace

int main(int argc, char** argv) {
#ifdef __GLIBC__
  // Large buffers have memory of their own, which is given back. As it is, glibc raises this limit to 32 MiB as they
  // are freed, and leaves holes of their size: up to 5 MiB, more or less from run to run.
  constexpr int large_buffer = 1 << 18;
  ::mallopt(M_MMAP_THRESHOLD, large_buffer);
#endif
  std::signal(SIGINT, stop);
  std::signal(SIGTERM, stop);
  std::signal(SIGPIPE, stop);
  std::signal(SIGXFSZ, SIG_IGN);  // a file-size limit is then a failed write, with a message
  return run(argc, argv);
}
