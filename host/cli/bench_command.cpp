// bench: how fast the engine is here, beside what this machine allows.
#include "host/bench/bench.hpp"
#include "host/cli/commands.hpp"
#include "host/cli/machine.hpp"
#include "host/cli/progress.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

namespace clvsim::cli {
namespace {

using Json = nlohmann::ordered_json;

void run_bench_command(const BenchOptions& options, const Session& session) {
  std::vector<BenchCase> cases;
  {
    Progress progress("measuring", "samples", session.quiet);
    cases = run_bench(options, [&](int done, int total) { progress.update(done, total); });
  }
  Json benchmarks = Json::array();
  for (const BenchCase& c : cases) {
    Json item{{"name", c.name},       {"unit", c.unit + "/s"}, {"work", c.work}, {"median", c.median_rate()},
              {"spread", c.spread()}, {"samples", c.rate}};
    if (c.fraction_of_limit) item.update({{"limit", c.limit_name()}, {"fraction_of_limit", *c.fraction_of_limit}});
    if (!c.digest.empty()) item["digest"] = c.digest;
    benchmarks.push_back(std::move(item));
  }
  if (session.json)
    return print_json("clvsim.bench/1",
                      {{"suite", options.suite}, {"context", machine()}, {"benchmarks", std::move(benchmarks)}});
  fmt::print("{:<16} {:>14} {:<13} {:>7} {:>9}  {}\n", "case", "median M/s", "of", "spread", "of limit", "limit");
  for (const BenchCase& c : cases)
    fmt::print("{:<16} {:>14.1f} {:<13} {:>6.1f}% {:>9}  {}\n", c.name, c.median_rate() / 1e6, c.unit, 100 * c.spread(),
               c.fraction_of_limit ? fmt::format("{:.3f}", *c.fraction_of_limit) : "", c.limit_name());
  fmt::print("one core, CPU time of its thread, {} samples of {} s\n", options.n_samples, options.sample_seconds);
}

}  // namespace

void add_bench(CLI::App& program, Session& session) {
  auto options = std::make_shared<BenchOptions>();
  CLI::App* app = program.add_subcommand("bench", "Measure the engine beside the limits of this machine");
  app->add_option("--suite", options->suite, "cases to measure: smoke")->type_name("NAME")->capture_default_str();
  app->add_option("--samples", options->n_samples, "samples of every case")->type_name("N")->capture_default_str();
  app->add_option("--sample-seconds", options->sample_seconds, "CPU seconds of a sample")
      ->type_name("SECONDS")
      ->check(CLI::Range(0.001, 100.0))
      ->capture_default_str();
  add_common(*app, session, "clvsim bench\nclvsim bench --suite smoke --json");
  app->callback([options, &session] { run_bench_command(*options, session); });
}

}  // namespace clvsim::cli
