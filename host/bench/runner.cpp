// Times cases: a warm-up of each, then sample by sample through all of them.
#include "host/bench/bench.hpp"
#include "host/bench/cases.hpp"
#include "host/bench/statistics.hpp"

#include <clvsim/error.hpp>

#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <cmath>

namespace clvsim {
namespace {

double thread_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

// A case and the call that it times.
struct Timed {
  BenchCase result;
  std::function<void()> call;
  int calls = 1;  // a sample
};

void sample(Timed& timed) {
  const double begin = thread_seconds();
  for (int i = 0; i < timed.calls; ++i) timed.call();
  timed.result.rate.push_back(timed.calls * timed.result.work / (thread_seconds() - begin));
}

// Finds how many calls fill a sample; the calls are the warm-up.
void warm_up(Timed& timed, double seconds) {
  const double begin = thread_seconds();
  int calls = 0;
  double spent = 0;
  do {
    timed.call();
    ++calls;
    spent = thread_seconds() - begin;
  } while (spent < seconds);
  timed.calls = std::max(1, static_cast<int>(std::lround(calls * seconds / spent)));
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
    if (!ceiling) return;
    for (std::size_t i = 0; i < fractions.size(); ++i)
      fractions[i] += part.work / ceiling->rate[i] * (result.rate[i] / result.work);
  }
  result.fraction_of_limit = quantile(fractions, 0.5);
}

}  // namespace

double BenchCase::median_rate() const { return quantile(rate, 0.5); }
double BenchCase::spread() const { return (quantile(rate, 0.95) - quantile(rate, 0.05)) / median_rate(); }
std::string BenchCase::limit_name() const {
  std::string all;
  for (const LimitingWork& part : limit) all += (all.empty() ? "" : " + ") + part.ceiling;
  return all;
}

std::vector<BenchCase> run_bench(const BenchOptions& options, const std::function<void(int, int)>& progress) {
  constexpr int fewest = 5;
  if (options.suite != "smoke")
    throw ConfigError(fmt::format("--suite '{}': 'smoke' is the one there is", options.suite));
  if (options.n_samples < fewest)
    throw ConfigError(fmt::format("--samples {}: a median needs at least {}", options.n_samples, fewest));
  std::vector<Timed> cases;
  for (PlannedCase& planned : planned_cases()) {
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
  for (BenchCase& result : results) compare_with_limit(result, results);
  return results;
}

}  // namespace clvsim
