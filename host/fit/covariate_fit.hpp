// Effects of season, campaigns and segments on the purchases of a fitted chain.
#pragma once

#include "host/fit/fit.hpp"
#include "host/fit/logit.hpp"
#include "host/fit/transitions.hpp"

#include <cstdint>
#include <vector>

namespace clvsim {

// Throws ConfigError for campaigns without a name or a window, or of the same name, and for seasons of years.
void check(const TransitionCovariates& covariates, PeriodUnit unit);

// Customer-periods, counted as TransitionCounts does, by group of states, what the dated covariates are in the period,
// and segment.
class CovariateCounts {
 public:
  // `group` [states]. Throws ConfigError where there are too many segments to count.
  CovariateCounts(const TransitionCovariates& wanted, const StoreInfo& info, const RecencyFrequency& cells,
                  std::vector<int> group, const PeriodTable& periods);
  void add(const CustomerBatch& batch, const PeriodTable& periods);

  // The covariates that can be estimated, effects 0, and the data; the prior is left empty. Notes say which segments
  // are too thin. Throws ModelError, with the remedy, where a season or a campaign is.
  [[nodiscard]] LogitData data(std::vector<ChainCovariate>& covariates, std::vector<std::string>& notes) const;

 private:
  struct Sink;
  [[nodiscard]] std::size_t cell(std::size_t group, std::size_t pattern, std::size_t segment) const {
    return (group * patterns_.size() + pattern) * segments_.size() + segment;
  }
  void require_spread(std::size_t covariate, std::vector<double> z, const std::string& remedy) const;
  [[nodiscard]] std::vector<bool> segments_told_apart(std::vector<std::string>& notes) const;

  RecencyFrequency cells_;
  std::vector<int> group_;
  std::vector<std::string> segments_;
  bool by_segment_;
  std::vector<ChainCovariate> dated_;
  std::vector<std::vector<double>> patterns_;  // what the dated covariates are
  std::vector<std::size_t> pattern_of_;        // [periods ago]
  std::vector<double> periods_, buys_;         // [groups, patterns, segments]
};

// Fits the effects to the counts and puts them, and the probabilities where all covariates are 0, in place of those
// that the report has.
void estimate_covariates(const CovariateCounts& counts, double prior_strength, FitReport& report);

}  // namespace clvsim
