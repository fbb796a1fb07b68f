// The rows of a chain for the customers of each segment of a store.
#pragma once

#include "host/fit/heterogeneity.hpp"
#include "host/fit/transitions.hpp"

#include <clvsim/fit.hpp>

#include <string>
#include <vector>

namespace clvsim {

// Counts what the customers of each segment did.
class SegmentRows {
 public:
  // As RowCounts; `segments` as StoreInfo has them. Throws ConfigError where there are none, or too many.
  SegmentRows(const std::vector<std::string>& segments, const MigrationChain& chain, std::vector<int> tie_group);
  void add(const CustomerBatch& batch, const PeriodTable& periods);
  // Puts the segments that have rows of their own into the report's chain, whose states are those of all customers.
  void estimate(const FitOptions& options, FitReport& report) const;

 private:
  struct Segment {
    std::string name;
    TransitionCounts transitions;
    RowCounts rows;
  };
  [[nodiscard]] double periods_of_group(const Segment& segment, int group) const;

  std::vector<int> tie_group_;  // [states]
  TransitionOutcomes outcomes_;
  std::vector<Segment> segments_;
};

}  // namespace clvsim
