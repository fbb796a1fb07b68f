/// \file
/// Comparing runs of scenarios on common random numbers.
#pragma once

#include <clvsim/simulate.hpp>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace clvsim {

/// Another run less the base, over the paths that both have drawn with the same random numbers.
struct PairedDifference {
  double base = 0, other = 0;            ///< means
  double difference = 0, se = 0;         ///< mean over paths of the difference, and its Monte Carlo standard error
  double independent_se = 0;             ///< of the same runs with random numbers of their own
  double p_better = 0, p_better_se = 0;  ///< share of the paths in which the other is worth more
};

struct SegmentDifference {
  std::string name;  ///< empty: no segment
  std::int64_t n_customers = 0;
  PairedDifference value;
};

struct RunComparison {
  PairedDifference total;  ///< discounted value of all customers
  /// Of the total's distribution: base and other, without errors of the difference.
  struct Measure {
    std::string name;  ///< "sd", "q05", "cvar05"
    double base = 0, other = 0;
  };
  std::vector<Measure> measures;
  bool has_paths = false;                   ///< both runs kept their paths: segments and customers are paired
  std::vector<SegmentDifference> segments;  ///< where the store has some, and has_paths
};

/// One customer. Without has_paths the error is that of independent runs, which it does not pass where the scenarios
/// move values alike, and p_better is NaN.
struct CustomerDifference {
  std::string_view key;
  std::uint32_t segment = 0;
  PairedDifference value;
};
using CustomerDifferenceSink = std::function<void(const CustomerDifference&)>;

/// Compares two runs of the same customers. Throws ConfigError, saying what differs, unless seed, paths, horizon,
/// discounting, unit, currency, measure and customers are the same.
[[nodiscard]] RunComparison compare_runs(const RunReader& base, const RunReader& other,
                                         const CustomerDifferenceSink& sink = {});

}  // namespace clvsim
