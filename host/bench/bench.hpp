// The benchmark: what this machine's limits are, and how near the engine comes to them, measured in the same run.
#pragma once

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

// Samples of a rate, all of one core, in thread CPU time: what neighbours take of the machine counts as little as can
// be.
struct BenchCase {
  std::string name;
  std::string unit;                         // what is counted, e.g. "path-steps"
  double work = 0;                          // units a call
  std::vector<double> rate;                 // units a second, one a sample
  std::vector<LimitingWork> limit;          // the least time of a call is their sum; empty: a ceiling, or none is known
  std::optional<double> fraction_of_limit;  // median of that time / time taken, both from the same sample
  std::string digest;                       // of the results: the same on every machine; empty where there are none

  [[nodiscard]] double median_rate() const;
  // (95th - 5th percentile) / median of the samples.
  [[nodiscard]] double spread() const;
  // "philox_avx512", "philox_avx512 + exp_avx512", ...
  [[nodiscard]] std::string limit_name() const;
};

struct BenchOptions {
  std::string suite = "smoke";
  int n_samples = 11;           // at least 5
  double sample_seconds = 0.1;  // of each case
};

// Runs a suite: after a warm-up of each case, sample by sample through all cases. Throws ConfigError for an unknown
// suite or too few samples; ModelError where a result is wrong (exit code 4): a wrong engine has no speed.
[[nodiscard]] std::vector<BenchCase> run_bench(const BenchOptions& options,
                                               const std::function<void(int done, int total)>& progress = {});

}  // namespace clvsim
