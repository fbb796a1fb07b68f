#include "host/cli/bench_document.hpp"

#include "host/base/output_file.hpp"
#include "host/cli/machine.hpp"

#include <clvsim/error.hpp>

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/utsname.h>

#include <array>
#include <cmath>
#include <ctime>
#include <fstream>

namespace clvsim::cli {
namespace {

using Json = nlohmann::ordered_json;

// Of the job, without the names of hosts, users and folders.
constexpr std::array slurm_names{
    "SLURM_JOB_ID",        "SLURM_JOB_NUM_NODES", "SLURM_NTASKS",           "SLURM_CPUS_PER_TASK",
    "SLURM_CPUS_ON_NODE",  "SLURM_JOB_GPUS",      "SLURM_GPUS_ON_NODE",     "SLURM_GPUS",
    "SLURM_GPUS_PER_NODE", "SLURM_MEM_PER_NODE",  "SLURM_PROCID",           "SLURM_LOCALID",
    "SLURM_CPU_BIND",      "SLURM_HINT",          "SLURM_THREADS_PER_CORE", "SLURM_RESTART_COUNT"};

std::string first_line(const char* path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

// What may change from one run to the next on the same build and machine, and what was compiled how.
Json context() {
  Json result = machine();
  result["flags"] = CLVSIM_FLAGS;
  result["date_utc"] = fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)));
  utsname kernel{};
  if (::uname(&kernel) == 0) result["kernel"] = fmt::format("{} {}", kernel.sysname, kernel.release);
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  if (::sched_getaffinity(0, sizeof allowed, &allowed) == 0) result["allowed_cpus"] = CPU_COUNT(&allowed);
  if (const std::string governor = first_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor");
      !governor.empty())
    result["governor"] = governor;
  if (const std::string quota = first_line("/sys/fs/cgroup/cpu.max"); !quota.empty()) result["cpu_quota"] = quota;
  double load = 0;
  if (::getloadavg(&load, 1) == 1) result["load_average"] = load;
  Json slurm = Json::object();
  for (const char* name : slurm_names)
    if (const char* value = std::getenv(name)) slurm[name] = value;
  if (!slurm.empty()) result["slurm"] = std::move(slurm);
  return result;
}

Json case_document(const BenchCase& c) {
  Json item{{"name", c.name}, {"unit", c.unit + "/s"}};
  if (!c.skipped.empty()) {
    item["skipped"] = c.skipped;
    return item;
  }
  const SampleStatistics statistics = describe_samples(c.rate);
  const Interval interval = median_interval(c.rate);
  item.update({{"clock", c.clock == BenchClock::cpu ? "cpu" : "wall"},
               {"threads", c.threads},
               {"work", c.work},
               {"samples", c.rate},
               {"median", statistics.median},
               {"median_ci95", {interval.low, interval.high}},
               {"mean", statistics.mean},
               {"p5", statistics.p5},
               {"p95", statistics.p95},
               {"cv", statistics.cv},
               {"noise", statistics.noise},
               {"noisy", statistics.noise > noise_limit}});
  if (c.fraction_of_limit) {
    Json work = Json::object();
    for (const LimitingWork& part : c.limit) work[part.ceiling] = part.work;
    item.update(
        {{"limit", c.limit_name()}, {"limit_work", std::move(work)}, {"fraction_of_limit", *c.fraction_of_limit}});
  }
  if (c.speedup) item.update({{"baseline", c.baseline}, {"speedup", *c.speedup}});
  if (c.efficiency) item["parallel_efficiency"] = *c.efficiency;
  if (!c.digest.empty()) item["digest"] = c.digest;
  return item;
}

}  // namespace

Json bench_document(const BenchOptions& options, const std::vector<BenchCase>& cases) {
  Json benchmarks = Json::array();
  for (const BenchCase& c : cases) benchmarks.push_back(case_document(c));
  return {{"suite", options.suite},         {"filter", options.filter},
          {"n_samples", options.n_samples}, {"sample_seconds", options.sample_seconds},
          {"context", context()},           {"benchmarks", std::move(benchmarks)}};
}

OldBench read_bench(const std::filesystem::path& path) {
  OldBench old;
  old.path = path;
  try {
    const Json document = Json::parse(read_text(path));
    const std::string schema = document.at("schema");
    if (schema != bench_schema)
      throw FormatError(fmt::format("'{}' has the schema '{}', not '{}'; compare with a file of clvsim bench --output",
                                    path.string(), schema, bench_schema));
    old.context = document.at("context");
    for (const Json& item : document.at("benchmarks")) {
      if (item.contains("skipped")) continue;
      OldBench::Case& c = old.cases[item.at("name")];
      c.unit = item.at("unit");
      c.digest = item.value("digest", "");
      c.rate = item.at("samples").get<std::vector<double>>();
      for (const double rate : c.rate)
        if (!(rate > 0 && std::isfinite(rate))) c.rate.clear();
      if (c.rate.empty())
        throw FormatError(fmt::format("'{}': the samples of '{}' are not positive numbers", path.string(),
                                      item.at("name").get<std::string>()));
    }
  } catch (const Json::exception& error) {
    throw FormatError(fmt::format("'{}' is no document of clvsim bench: {}", path.string(), error.what()));
  }
  return old;
}

std::vector<std::string> device_differences(const Json& before, const Json& now) {
  std::vector<std::string> differences;
  for (const char* key : {"cpu", "threads", "instruction_sets", "gpus"}) {
    const Json then = before.value(key, Json()), today = now.value(key, Json());
    if (then != today) differences.push_back(fmt::format("{}: {} then, {} now", key, then.dump(), today.dump()));
  }
  return differences;
}

std::vector<CaseChange> compare_bench(const OldBench& before, const std::vector<BenchCase>& now) {
  std::vector<CaseChange> changes;
  for (const BenchCase& c : now) {
    const auto old = before.cases.find(c.name);
    if (old == before.cases.end() || !c.skipped.empty() || old->second.unit != c.unit + "/s") continue;
    changes.push_back({c.name, compare_rates(old->second.rate, c.rate), old->second.digest != c.digest});
  }
  return changes;
}

}  // namespace clvsim::cli
