// The benchmark: what this machine's limits are, and how near the engine comes to them, measured in the same run.
#pragma once

#include <clvsim/simulate.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace clvsim {

// Work of one kind that a call of a case cannot do without, in the unit of the ceiling: the name of the case that
// measures how fast this machine does that kind.
struct LimitingWork {
  std::string ceiling;
  double work = 0;
};

// What seconds are: CPU time of the process (of one core, where one thread works: what neighbours take of the machine
// counts as little as can be), or wall time, where several threads, a disk or a GPU work.
enum class BenchClock : std::uint8_t { cpu, wall };

// Samples of a rate.
struct BenchCase {
  std::string name;
  std::string unit;  // what is counted, e.g. "path-steps"
  double work = 0;   // units a call
  BenchClock clock = BenchClock::cpu;
  int threads = 1;
  std::vector<double> rate;                 // units a second, one a sample
  std::vector<LimitingWork> limit;          // the least time of a call is their sum; empty: a ceiling, or none is known
  std::optional<double> fraction_of_limit;  // median of that time / time taken, both from the same sample
  std::string baseline;                     // name of the case that this one is compared with; empty: none
  std::optional<double> speedup;            // median of rate / rate of the baseline in the same sample
  std::optional<double> efficiency;         // speedup / (threads / threads of the baseline), where more threads work
  std::string digest;                       // of the results: the same on every machine; empty where there are none
  std::string skipped;                      // why it was not run here; empty: it was

  [[nodiscard]] double median_rate() const;
  // "philox_avx512", "philox_avx512 + exp_avx512", ...
  [[nodiscard]] std::string limit_name() const;
};

struct BenchOptions {
  std::string suite = "smoke";  // or standard (smoke and more), scaling
  std::string filter;           // regular expression (ECMAScript) found in the names of the cases to run; empty: all.
                                // The ceilings and baselines that they are measured by run as well.
  DeviceChoice device{DeviceChoice::Kind::cpu, {}, ""};  // cuda: the cases on those GPUs too, skipped without one
  int n_samples = 11;                                    // at least 5
  double sample_seconds = 0.1;                           // of each case
};

// Runs a suite: after a warm-up of each case, sample by sample through all cases. Cases that need files write them in a
// hidden folder of the working directory, removed afterwards. Throws ConfigError for options that cannot be;
// ModelError where a result is wrong (exit code 4): a wrong engine has no speed; IoError.
[[nodiscard]] std::vector<BenchCase> run_bench(const BenchOptions& options,
                                               const std::function<void(int done, int total)>& progress = {});

}  // namespace clvsim
