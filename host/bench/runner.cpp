// Times cases: a warm-up of each, then sample by sample through all of them.
#include "host/base/text.hpp"
#include "host/bench/bench.hpp"
#include "host/bench/cases.hpp"
#include "host/bench/statistics.hpp"

#include <clvsim/error.hpp>

#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <cmath>
#include <regex>
#include <set>

namespace clvsim {
namespace {

double seconds(BenchClock clock) {
  timespec now{};
  ::clock_gettime(clock == BenchClock::cpu ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

// A case and the call that it times.
struct Timed {
  BenchCase result;
  std::function<void()> call;
  int calls = 1;  // a sample
};

void sample(Timed& timed) {
  const double begin = seconds(timed.result.clock);
  for (int i = 0; i < timed.calls; ++i) timed.call();
  timed.result.rate.push_back(timed.calls * timed.result.work / (seconds(timed.result.clock) - begin));
}

// Finds how many calls fill a sample; the calls are the warm-up.
void warm_up(Timed& timed, double sample_seconds) {
  const double begin = seconds(timed.result.clock);
  int calls = 0;
  double spent = 0;
  do {
    timed.call();
    ++calls;
    spent = seconds(timed.result.clock) - begin;
  } while (spent < sample_seconds);
  timed.calls = std::max(1, static_cast<int>(std::lround(calls * sample_seconds / spent)));
}

const BenchCase* find_case(const std::vector<BenchCase>& cases, const std::string& name) {
  const auto found = std::find_if(cases.begin(), cases.end(), [&](const BenchCase& c) { return c.name == name; });
  return found == cases.end() ? nullptr : &*found;
}

// The least time of a call over the time that it took, sample by sample.
void compare_with_limit(BenchCase& result, const std::vector<BenchCase>& cases) {
  if (result.limit.empty()) return;
  std::vector<double> fractions(result.rate.size());
  for (const LimitingWork& part : result.limit) {
    const BenchCase* ceiling = find_case(cases, part.ceiling);
    if (ceiling == nullptr) return;
    for (std::size_t i = 0; i < fractions.size(); ++i)
      fractions[i] += part.work / ceiling->rate[i] * (result.rate[i] / result.work);
  }
  result.fraction_of_limit = quantile(fractions, 0.5);
}

void compare_with_baseline(BenchCase& result, const std::vector<BenchCase>& cases) {
  const BenchCase* baseline = find_case(cases, result.baseline);
  if (baseline == nullptr) return;
  std::vector<double> ratios(result.rate.size());
  for (std::size_t i = 0; i < ratios.size(); ++i) ratios[i] = result.rate[i] / baseline->rate[i];
  result.speedup = quantile(ratios, 0.5);
  if (result.threads > baseline->threads) result.efficiency = *result.speedup * baseline->threads / result.threads;
}

BenchSuite suite_of(const std::string& name) {
  const std::vector<std::string> names{"smoke", "standard", "scaling"};
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end())
    throw ConfigError(
        fmt::format("--suite '{}': none of {}{}", name, fmt::join(names, ", "), did_you_mean(name, names)));
  return static_cast<BenchSuite>(found - names.begin());
}

// The cases of the suite whose names match the filter, and what they are measured by.
PlannedCases choose_cases(const BenchOptions& options) {
  const BenchSuite suite = suite_of(options.suite);
  PlannedCases all = planned_cases(options);
  std::erase_if(all, [&](const PlannedCase& planned) {
    return planned.suite != suite && !(planned.suite == BenchSuite::smoke && suite == BenchSuite::standard);
  });
  if (options.filter.empty()) return all;
  std::set<std::string> wanted;
  try {
    const std::regex filter(options.filter);
    for (const PlannedCase& planned : all) {
      if (!std::regex_search(planned.result.name, filter)) continue;
      wanted.insert(planned.result.name);
      if (!planned.result.baseline.empty()) wanted.insert(planned.result.baseline);
    }
  } catch (const std::regex_error& error) {
    throw ConfigError(fmt::format("--filter '{}': no regular expression: {}", options.filter, error.what()));
  }
  if (wanted.empty()) {
    std::string names;
    for (const PlannedCase& planned : all) names += (names.empty() ? "" : ", ") + planned.result.name;
    throw ConfigError(fmt::format("--filter '{}' matches no case of the suite; it has {}", options.filter, names));
  }
  for (const PlannedCase& planned : all) {
    if (!wanted.contains(planned.result.name)) continue;
    for (const LimitingWork& part : planned.result.limit) wanted.insert(part.ceiling);
  }
  std::erase_if(all, [&](const PlannedCase& planned) { return !wanted.contains(planned.result.name); });
  return all;
}

}  // namespace

double BenchCase::median_rate() const { return quantile(rate, 0.5); }
std::string BenchCase::limit_name() const {
  std::string all;
  for (const LimitingWork& part : limit) all += (all.empty() ? "" : " + ") + part.ceiling;
  return all;
}

std::vector<BenchCase> run_bench(const BenchOptions& options, const std::function<void(int, int)>& progress) {
  constexpr int fewest = 5;
  if (options.n_samples < fewest)
    throw ConfigError(fmt::format("--samples {}: a median needs at least {}", options.n_samples, fewest));
  if (options.device.kind == DeviceChoice::Kind::automatic || !options.device.instructions.empty())
    throw ConfigError("--device: bench takes cpu (every instruction set), cuda or cuda:INDEX,INDEX... (and GPUs)");
  std::vector<BenchCase> skipped;
  std::vector<Timed> cases;
  PlannedCases plan = choose_cases(options);  // lives as long as the calls: cases share what they hold
  for (PlannedCase& planned : plan) {
    if (!planned.result.skipped.empty()) {
      skipped.push_back(std::move(planned.result));
      continue;
    }
    Timed timed;
    timed.result = std::move(planned.result);
    timed.call = planned.prepare(timed.result);
    cases.push_back(std::move(timed));
  }
  for (Timed& timed : cases) warm_up(timed, options.sample_seconds);
  for (int i = 0; i < options.n_samples; ++i) {
    for (Timed& timed : cases) sample(timed);
    if (progress) progress(i + 1, options.n_samples);
  }
  std::vector<BenchCase> results;
  results.reserve(cases.size());
  for (Timed& timed : cases) results.push_back(std::move(timed.result));
  for (BenchCase& result : results) {
    compare_with_limit(result, results);
    compare_with_baseline(result, results);
  }
  results.insert(results.end(), skipped.begin(), skipped.end());
  return results;
}

}  // namespace clvsim
