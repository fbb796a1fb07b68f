// More threads and more customers, in wall time: a chain of 6 states, P = 1,000, per-customer outputs.
#include "host/bench/cases.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <thread>

namespace clvsim {
namespace {

constexpr std::size_t n_digested = 64;  // customers
constexpr double stay = 0.875;          // dwell 8

PlannedCase scaling_case(const std::string& name, std::int64_t n_customers, int threads, const std::string& baseline) {
  SimulationOptions options = bench_simulation();
  options.n_paths = 1000;
  options.threads = threads;
  options.periods = false;
  PlannedCase planned;
  planned.suite = BenchSuite::scaling;
  planned.result.name = name;
  planned.result.unit = "path-steps";
  planned.result.clock = BenchClock::wall;
  planned.result.threads = threads;
  planned.result.work = static_cast<double>(n_customers) * options.n_paths * options.horizon;
  if (baseline != name) planned.result.baseline = baseline;
  planned.prepare = [options, n_customers](BenchCase& result) {
    return checked_run(dense_chain(6, stay), options, n_customers, n_digested, result);
  };
  return planned;
}

}  // namespace

void add_scaling_cases(PlannedCases& cases) {
  constexpr std::int64_t strong = 16384, weak = 4096;  // customers; of a thread
  const int most = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  std::vector<int> threads;
  for (int n = 1; n < most; n *= 2) threads.push_back(n);
  threads.push_back(most);
  for (const int n : threads)
    cases.push_back(scaling_case(fmt::format("scaling_strong_{}", n), strong, n, "scaling_strong_1"));
  for (const int n : threads)
    cases.push_back(scaling_case(fmt::format("scaling_weak_{}", n), weak * n, n, "scaling_weak_1"));
  for (const std::int64_t n : {1000, 10000, 100000})
    cases.push_back(scaling_case(fmt::format("scaling_customers_{}", n), n, most, "scaling_customers_1000"));
}

}  // namespace clvsim
