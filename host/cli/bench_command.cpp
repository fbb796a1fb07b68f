// bench: how fast the engine is here, beside what this machine allows, and beside an earlier measurement.
#include "host/base/output_file.hpp"
#include "host/bench/bench.hpp"
#include "host/cli/bench_document.hpp"
#include "host/cli/commands.hpp"
#include "host/cli/machine.hpp"
#include "host/cli/progress.hpp"
#include "host/cli/settings.hpp"

#include <clvsim/error.hpp>
#include <clvsim/version.hpp>

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <memory>
#include <optional>

namespace clvsim::cli {
namespace {

using Json = nlohmann::ordered_json;

struct BenchCommand {
  BenchOptions options;
  std::string device = "cpu";
  std::filesystem::path output, compare;
  bool overwrite = false, fail_if_slower = false;
};

// Four digits and a prefix: 3604.2e6 -> "3.604 G".
std::string rate_text(double rate) {
  constexpr std::array prefixes{"", "k", "M", "G", "T"};
  std::size_t i = 0;
  for (; rate >= 1000 && i + 1 < prefixes.size(); ++i) rate /= 1000;
  return fmt::format("{:#.4g} {}", rate, prefixes[i]);
}

void print_cases(const BenchOptions& options, const std::vector<BenchCase>& cases) {
  std::size_t width = 4;
  for (const BenchCase& c : cases) width = std::max(width, c.name.size());
  fmt::print("{:<{}} {:>10}{:<12}  {:<4} {:>6} {:>9}  {}\n", "case", width, "median ", "of", "time", "noise",
             "of limit", "limit");
  for (const BenchCase& c : cases) {
    if (!c.skipped.empty()) {
      fmt::print("{:<{}} skipped: {}\n", c.name, width, c.skipped);
      continue;
    }
    const SampleStatistics statistics = describe_samples(c.rate);
    std::string notes = c.limit_name();
    const auto note = [&](const std::string& text) { notes += (notes.empty() ? "" : "; ") + text; };
    if (c.speedup) note(fmt::format("{:.2f} x {}", *c.speedup, c.baseline));
    if (c.efficiency) note(fmt::format("efficiency {:.2f}", *c.efficiency));
    if (statistics.noise > noise_limit) note("noisy");
    fmt::print("{:<{}} {:>10}{:<12}  {:<4} {:>5.1f}% {:>9}  {}\n", c.name, width, rate_text(statistics.median),
               c.unit + "/s", c.clock == BenchClock::cpu ? "cpu" : "wall", 100 * statistics.noise,
               c.fraction_of_limit ? fmt::format("{:.3f}", *c.fraction_of_limit) : "", notes);
  }
  fmt::print("{} samples of {} s; time: cpu is CPU time of one core; noise: 1.48 median deviation, noisy above {} %\n",
             options.n_samples, options.sample_seconds, 100 * noise_limit);
}

// Ratios of rates with their intervals. Of two machines they say nothing about the programs: then there is no verdict.
Json comparison_document(const OldBench& old, const std::vector<CaseChange>& changes,
                         const std::vector<std::string>& differences) {
  Json items = Json::array();
  for (const CaseChange& c : changes) {
    Json item{{"name", c.name},
              {"ratio", c.rate.ratio},
              {"ratio_ci95", {c.rate.interval.low, c.rate.interval.high}},
              {"verdict", differences.empty() ? Json(name_of(c.rate.verdict)) : Json()}};
    if (c.results_differ) item["results_differ"] = true;
    items.push_back(std::move(item));
  }
  return {{"with", old.path.filename().string()}, {"device_differences", differences}, {"cases", std::move(items)}};
}

void print_comparison(const OldBench& old, const std::vector<CaseChange>& changes,
                      const std::vector<std::string>& differences) {
  fmt::print("\nagainst {}\n", old.path.filename().string());
  for (const std::string& difference : differences)
    fmt::print("*** ANOTHER MACHINE, so that the ratios compare machines, not programs: {} ***\n", difference);
  if (changes.empty()) fmt::print("no case in common\n");
  for (const CaseChange& c : changes)
    fmt::print("{:<18} {:>6.3f} x [{:.3f}, {:.3f}]  {}{}\n", c.name, c.rate.ratio, c.rate.interval.low,
               c.rate.interval.high, differences.empty() ? name_of(c.rate.verdict) : "",
               c.results_differ ? "; its results are others" : "");
}

void fail_where_slower(const OldBench& old, const std::vector<CaseChange>& changes) {
  std::string slower;
  for (const CaseChange& c : changes)
    if (c.rate.verdict == Verdict::slower)
      slower += fmt::format("{}{} ({:.3f} x)", slower.empty() ? "" : ", ", c.name, c.rate.ratio);
  if (!slower.empty()) throw ModelError(fmt::format("slower than in '{}': {}", old.path.string(), slower));
}

void run_bench_command(const BenchCommand& command, const Session& session) {
  BenchOptions options = command.options;
  options.device = device_choice(command.device);
  std::optional<OldBench> old;
  // What can be refused is refused before minutes of work.
  if (!command.compare.empty()) old = read_bench(command.compare);
  if (command.fail_if_slower && !old) throw ConfigError("--fail-if-slower needs --compare OLD.json");
  if (!command.output.empty()) {
    check_output(command.output, command.overwrite);
    check_distinct({command.compare}, {command.output});
  }
  if (old && command.fail_if_slower) {
    const std::vector<std::string> differences = device_differences(old->context, machine());
    if (!differences.empty())
      throw ConfigError(
          fmt::format("--fail-if-slower: '{}' is of another machine ({}); measure here what to compare with",
                      old->path.string(), fmt::join(differences, "; ")));
  }
  std::vector<BenchCase> cases;
  {
    Progress progress("measuring", "samples", session.quiet);
    cases = run_bench(options, [&](int done, int total) { progress.update(done, total); });
  }
  Json document = bench_document(options, cases);
  std::vector<CaseChange> changes;
  std::vector<std::string> differences;
  if (old) {
    changes = compare_bench(*old, cases);
    differences = device_differences(old->context, document["context"]);
    document["comparison"] = comparison_document(*old, changes, differences);
  }
  if (!command.output.empty()) {
    OutputFile file(command.output, command.overwrite);
    file.write(json_text(bench_schema, document));
    file.commit();
  }
  if (session.json) {
    print_json(bench_schema, document);
  } else {
    print_cases(options, cases);
    if (old) print_comparison(*old, changes, differences);
  }
  if (command.fail_if_slower) fail_where_slower(*old, changes);
}

}  // namespace

void add_bench(CLI::App& program, Session& session) {
  auto command = std::make_shared<BenchCommand>();
  CLI::App* app = program.add_subcommand("bench", "Measure the engine beside the limits of this machine");
  BenchOptions& options = command->options;
  app->add_option("--suite", options.suite,
                  "cases to measure: smoke (a minute or so), standard (files as well), scaling (threads and customers)")
      ->type_name("NAME")
      ->capture_default_str();
  app->add_option("--filter", options.filter, "only cases whose name has a match, and what they are measured by")
      ->type_name("REGEX");
  app->add_option("--device", command->device, "cpu, or cuda or cuda:INDEX,INDEX...: the cases on those GPUs as well")
      ->type_name("DEVICE")
      ->capture_default_str();
  app->add_option("--samples", options.n_samples, "samples of every case")->type_name("N")->capture_default_str();
  app->add_option("--sample-seconds", options.sample_seconds, "seconds of a sample, at least")
      ->type_name("SECONDS")
      ->check(CLI::Range(0.001, 100.0))
      ->capture_default_str();
  app->add_option("-o,--output", command->output, "write the JSON document to a file")->type_name("FILE");
  app->add_flag("--force", command->overwrite, "replace an existing output");
  app->add_option("--compare", command->compare, "set the rates beside those of an earlier --output")
      ->type_name("OLD.json");
  app->add_flag("--fail-if-slower", command->fail_if_slower, "exit code 4 where a case is slower than in OLD.json");
  add_common(*app, session,
             "clvsim bench\nclvsim bench --suite standard --output now.json\nclvsim bench --compare before.json");
  app->callback([command, &session] { run_bench_command(*command, session); });
}

}  // namespace clvsim::cli
