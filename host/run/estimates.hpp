// From the engine's integers to estimates in currency units, each with its Monte Carlo standard error.
#pragma once

#include "kernels/backend/backend.hpp"

#include <clvsim/simulate.hpp>

#include <cstdint>
#include <span>
#include <vector>

namespace clvsim {

// The order statistics that the quantiles, their errors and the CVaR need.
//
// Quantile q of P paths is the order statistic ceil(q P), P q taken as whole where it is within rounding of it. Its
// standard error is half the distance of the order statistics at P q -+ sqrt(P q (1 - q)), rounded outwards (the
// binomial confidence interval for a quantile, e.g. David & Nagaraja 2003, section 7.1). Where P is too small for them
// to exist, the extreme ones stand in and their distance is scaled up to the width that was meant; it then rests on few
// values and is rough.
struct RankPlan {
  struct Quantile {
    std::uint32_t at = 0, low = 0, high = 0;  // indices into ranks
    double widening = 1;                      // of the distance from low to high
  };
  std::vector<std::uint32_t> ranks;  // zero-based, ascending
  std::vector<Quantile> quantiles;
  std::uint32_t tail = 0;  // index into ranks: order statistic k = ceil(a P) of the CVaR
  // For the CVaR's error: indices into ranks of the order statistics k + 1 and a P + 2 sqrt(a P (1 - a)), rounded up.
  std::uint32_t next = 0, above = 0;
  std::uint32_t next_distance = 0;  // ranks from tail to next; 0 where k = P
  std::uint32_t n_paths = 0;
  double cvar_level = 0;
};
[[nodiscard]] RankPlan plan_ranks(std::uint32_t n_paths, const std::vector<double>& quantiles, double cvar_level);

// One distribution over paths. `fixed_per_unit`: fixed-point numbers a currency unit.
//
// sd has the divisor P - 1. Errors: mean sd / sqrt(P); sd from the fourth central moment, Var(s^2) = (m4 - s^4 (P - 3)
// / (P - 1)) / P; CVaR by se^2 = Var((q - V)^+) / (P a^2). There q lies between the order statistics k = ceil(a P) and
// k + 1, at a P - (k - 1) of their distance: about the order statistic k itself a tail of one path has no shortfall,
// and its error would be 0. Values that are tied there leave the width of the quantile's confidence interval: the error
// is at least half the distance from k to a P + 2 sqrt(a P (1 - a)), times min(1, sqrt((1 - a) / (a P))), the share of
// the tail that chance may replace. It is 0 only where all these paths are equal; it is rough where P is below about 20
// or a P below about 5.
[[nodiscard]] Distribution distribution_of(const kernels::ValueSummary& summary, std::span<const std::int64_t> order,
                                           const RankPlan& plan, double fixed_per_unit);

// A share of paths: sqrt(p (1 - p) / P).
[[nodiscard]] Estimate share_of(std::uint64_t count, std::uint32_t n_paths);

// Makes NaN what is infinite, or has an infinite error, where moments of the value are finite below this order alone:
// the mean up to 1; errors of means, standard deviations and their errors, and errors of CVaRs up to 2; errors of
// standard deviations up to 4.
void withhold_infinite(double moments, Estimate& mean);
void withhold_infinite(double moments, Distribution& value);
void withhold_infinite(double moments, CustomerResults& results, std::size_t i);

// Makes room for the rows of n customers, without their keys.
void resize_rows(CustomerResults& results, std::size_t n, const RankPlan& plan);
// Fills in row i, without its key. Several threads may fill in different rows.
void set_row(const kernels::CustomerSummary& summary, std::span<const std::int64_t> order, const RankPlan& plan,
             double fixed_per_unit, CustomerResults& results, std::size_t i);

// Summarises values [P] of one quantity over paths as the engine does a customer's. Throws ModelError where they
// saturate.
[[nodiscard]] Distribution distribution_over_paths(const std::vector<std::int64_t>& values, const RankPlan& plan,
                                                   double fixed_per_unit);

// Mean and its error over paths, for every period, of sums [periods, paths]; divided by `divisor`.
template <class T>
[[nodiscard]] std::vector<Estimate> period_estimates(const std::vector<T>& sums, std::uint32_t n_paths, int horizon,
                                                     double divisor);
extern template std::vector<Estimate> period_estimates(const std::vector<std::int64_t>&, std::uint32_t, int, double);
extern template std::vector<Estimate> period_estimates(const std::vector<std::uint32_t>&, std::uint32_t, int, double);

}  // namespace clvsim
