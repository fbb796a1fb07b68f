/// \file
/// The lifetime value table of a run: what a cohort brings, period by period.
#pragma once

#include <clvsim/simulate.hpp>

#include <vector>

namespace clvsim {

/// A period of all customers of a run, means over its paths (Hughes 2000, "Strategic Database Marketing", lays such
/// tables out). Money in currency units.
struct LtvRow {
  double customers = 0;  ///< active when it begins; in period 1 all of the run
  double retention = 0;  ///< share of them still active when it ends; NaN where there are none. Who comes back counts
  double transactions = 0;
  double revenue = 0;
  Estimate profit;        ///< undiscounted; revenue where neither costs nor a margin are known
  double factor = 0;      ///< of discounting: the value of 1 at its time
  Estimate npv;           ///< profit times factor
  double cumulative = 0;  ///< NPV up to here
  double ltv = 0;         ///< cumulative NPV over all customers of the run
};

/// [horizon] Throws ConfigError for a run without forecasts by period.
[[nodiscard]] std::vector<LtvRow> ltv_table(const RunInfo& run);

}  // namespace clvsim
