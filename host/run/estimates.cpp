#include "host/run/estimates.hpp"

#include "kernels/lanes/summary.hpp"

#include <clvsim/error.hpp>

#include <algorithm>
#include <cmath>
#include <limits>

namespace clvsim {

using kernels::i128;
using kernels::square_root;
using kernels::to_double;
using kernels::u128;
using kernels::WideSum;

namespace {

// The order statistic (one-based) ceil(fraction * n), a product within rounding of a whole number taken as that.
std::uint32_t rank_of(double fraction, std::uint32_t n) {
  const double position = fraction * n;
  const double nearest = std::floor(position + 0.5);
  constexpr double rounding = 1e-12;
  const double whole = std::abs(position - nearest) <= rounding * n ? nearest : std::ceil(position);
  return static_cast<std::uint32_t>(std::clamp(whole, 1.0, static_cast<double>(n)));
}

// sqrt(variance of a count) of paths in the tail: a binomial number.
double tail_width(double n, double fraction) { return square_root(n * fraction * (1 - fraction)); }

double variance_over(double n, double squares, double sum) {
  return std::max(0.0, (squares - sum * sum / n) / (n - 1));
}

}  // namespace

void CustomerResults::clear() { *this = CustomerResults{}; }

RankPlan plan_ranks(std::uint32_t n_paths, const std::vector<double>& quantiles, double cvar_level) {
  RankPlan plan;
  plan.n_paths = n_paths;
  plan.cvar_level = cvar_level;
  const double n = n_paths;
  for (const double q : quantiles) {
    RankPlan::Quantile entry;
    const double width = tail_width(n, q);
    entry.at = rank_of(q, n_paths);
    entry.low = static_cast<std::uint32_t>(std::clamp(std::floor(n * q - width), 1.0, n));
    entry.high = static_cast<std::uint32_t>(std::clamp(std::ceil(n * q + width), 1.0, n));
    if (entry.low == entry.high) {
      if (entry.high < n_paths) {
        ++entry.high;
      } else {
        --entry.low;
      }
    }
    entry.widening = std::max(1.0, 2 * width / (entry.high - entry.low));
    plan.quantiles.push_back(entry);
  }
  const std::uint32_t tail = rank_of(cvar_level, n_paths);
  const std::uint32_t next = std::min(tail + 1, n_paths);
  const double highest = std::ceil(cvar_level * n + 2 * tail_width(n, cvar_level));
  const auto above = static_cast<std::uint32_t>(std::clamp(highest, static_cast<double>(next), n));
  plan.ranks = {tail - 1, next - 1, above - 1};
  for (const RankPlan::Quantile& entry : plan.quantiles) {
    plan.ranks.insert(plan.ranks.end(), {entry.at - 1, entry.low - 1, entry.high - 1});
  }
  std::sort(plan.ranks.begin(), plan.ranks.end());
  plan.ranks.erase(std::unique(plan.ranks.begin(), plan.ranks.end()), plan.ranks.end());
  const auto index_of = [&](std::uint32_t rank) {
    return static_cast<std::uint32_t>(std::lower_bound(plan.ranks.begin(), plan.ranks.end(), rank - 1) -
                                      plan.ranks.begin());
  };
  for (RankPlan::Quantile& entry : plan.quantiles) {
    entry.at = index_of(entry.at);
    entry.low = index_of(entry.low);
    entry.high = index_of(entry.high);
  }
  plan.tail = index_of(tail);
  plan.next = index_of(next);
  plan.above = index_of(above);
  plan.next_distance = next - tail;
  return plan;
}

Distribution distribution_of(const kernels::ValueSummary& summary, std::span<const std::int64_t> order,
                             const RankPlan& plan, double fixed_per_unit) {
  const double n = plan.n_paths;
  Distribution result;
  result.mean.mean = static_cast<double>(summary.sum) / n / fixed_per_unit;

  const i128 about_centre = summary.sum - static_cast<i128>(summary.centre) * plan.n_paths;
  const double variance = variance_over(n, to_double(summary.squares), static_cast<double>(about_centre));
  const double sd = square_root(variance);
  const auto reach = static_cast<double>(summary.reach);
  const double fourth = to_double(summary.fourth) / kernels::fourth_scale / n * (reach * reach) * (reach * reach);
  const double variance_of_variance = std::max(0.0, (fourth - variance * variance * (n - 3) / (n - 1)) / n);
  result.mean.se = sd / square_root(n) / fixed_per_unit;
  result.sd.mean = sd / fixed_per_unit;
  result.sd.se = sd > 0 ? square_root(variance_of_variance) / (2 * sd) / fixed_per_unit : 0;

  result.quantiles.reserve(plan.quantiles.size());
  for (const RankPlan::Quantile& entry : plan.quantiles) {
    const auto distance = static_cast<double>(kernels::distance(order[entry.high], order[entry.low]));
    result.quantiles.push_back(
        {static_cast<double>(order[entry.at]) / fixed_per_unit, distance / 2 * entry.widening / fixed_per_unit});
  }

  const double a = plan.cvar_level;
  const double shortfall = to_double(summary.shortfall);
  result.cvar.mean = (static_cast<double>(order[plan.tail]) - shortfall / (a * n)) / fixed_per_unit;
  const std::int64_t tail = order[plan.tail];
  const auto beyond_tail = [&](std::uint32_t index) {
    return static_cast<double>(kernels::distance(order[index], tail));
  };
  const double k = plan.ranks[plan.tail] + 1;
  const double step = plan.next_distance > 0 ? beyond_tail(plan.next) / plan.next_distance : 0;
  const double shift = std::clamp(a * n - (k - 1), 0.0, 1.0) * step;  // of the centre, from the order statistic k
  const double squares = to_double(summary.shortfall_squares) + 2 * shift * shortfall + k * shift * shift;
  const double about_centred = square_root(variance_over(n, squares, shortfall + k * shift) / n) / a;
  const double replaced = std::min(1.0, tail_width(n, a) / (a * n));
  result.cvar.se = std::max(about_centred, beyond_tail(plan.above) / 2 * replaced) / fixed_per_unit;
  return result;
}

Estimate share_of(std::uint64_t count, std::uint32_t n_paths) {
  const double n = n_paths;
  const double p = static_cast<double>(count) / n;
  return {p, square_root(p * (1 - p) / n)};
}

void withhold_infinite(double moments, Estimate& mean) {
  constexpr double unknown = std::numeric_limits<double>::quiet_NaN();
  if (moments <= 1) mean.mean = unknown;
  if (moments <= 2) mean.se = unknown;
}

void withhold_infinite(double moments, Distribution& value) {
  constexpr double unknown = std::numeric_limits<double>::quiet_NaN();
  withhold_infinite(moments, value.mean);
  if (moments <= 2) value.sd.mean = value.cvar.se = unknown;
  if (moments <= 4) value.sd.se = unknown;
}

void withhold_infinite(double moments, CustomerResults& results, std::size_t i) {
  Distribution value{
      {results.mean[i], results.se[i]}, {results.sd[i], results.sd_se[i]}, {}, {results.cvar[i], results.cvar_se[i]}};
  withhold_infinite(moments, value);
  results.mean[i] = value.mean.mean;
  results.se[i] = value.mean.se;
  results.sd[i] = value.sd.mean;
  results.sd_se[i] = value.sd.se;
  results.cvar_se[i] = value.cvar.se;
}

void resize_rows(CustomerResults& results, std::size_t n, const RankPlan& plan) {
  for (std::vector<double>* column :
       {&results.mean, &results.se, &results.sd, &results.sd_se, &results.cvar, &results.cvar_se,
        &results.p_nonpositive, &results.p_nonpositive_se, &results.p_active, &results.p_active_se,
        &results.transactions_mean, &results.transactions_se}) {
    column->resize(n);
  }
  results.quantile.resize(n * plan.quantiles.size());
  results.quantile_se.resize(n * plan.quantiles.size());
}

void set_row(const kernels::CustomerSummary& summary, std::span<const std::int64_t> order, const RankPlan& plan,
             double fixed_per_unit, CustomerResults& results, std::size_t i) {
  const Distribution value = distribution_of(summary.value, order, plan, fixed_per_unit);
  const auto set = [i](std::vector<double>& mean, std::vector<double>& se, const Estimate& estimate) {
    mean[i] = estimate.mean;
    se[i] = estimate.se;
  };
  set(results.mean, results.se, value.mean);
  set(results.sd, results.sd_se, value.sd);
  std::size_t at = i * value.quantiles.size();
  for (const Estimate& quantile : value.quantiles) {
    results.quantile[at] = quantile.mean;
    results.quantile_se[at++] = quantile.se;
  }
  set(results.cvar, results.cvar_se, value.cvar);
  set(results.p_nonpositive, results.p_nonpositive_se, share_of(summary.value.n_nonpositive, plan.n_paths));
  set(results.p_active, results.p_active_se, share_of(summary.n_active, plan.n_paths));
  const double n = plan.n_paths;
  // Below 2^32 transactions a path and 2^32 paths: both sums, and the product, fit 128 bits.
  const u128 sum = summary.transactions.low;
  const u128 spread = summary.transactions_squares.low * plan.n_paths - sum * sum;
  set(results.transactions_mean, results.transactions_se,
      {static_cast<double>(sum) / n, square_root(static_cast<double>(spread) / n / (n - 1) / n)});
}

Distribution distribution_over_paths(const std::vector<std::int64_t>& values, const RankPlan& plan,
                                     double fixed_per_unit) {
  const auto beyond = [](std::int64_t v) { return kernels::saturated(v); };
  if (std::any_of(values.begin(), values.end(), beyond)) {
    throw ModelError(
        "the portfolio's total of a path is beyond the engine's fixed point of 2^62 / 256 minor units; check the "
        "amounts of the model, or simulate fewer customers a run");
  }
  std::uint64_t bound = 0;
  for (const std::int64_t v : values) bound = std::max(bound, kernels::distance(v, 0));
  kernels::ValueSummary summary;
  std::vector<std::int64_t> order(plan.ranks.size());
  kernels::SummaryScratch scratch;
  const kernels::RankView ranks{plan.ranks.data(), static_cast<std::uint32_t>(plan.ranks.size()), plan.tail};
  kernels::summarise(*kernels::lane_kernels().front(), values.data(), plan.n_paths, bound, ranks, scratch, summary,
                     order.data());
  return distribution_of(summary, order, plan, fixed_per_unit);
}

template <class T>
std::vector<Estimate> period_estimates(const std::vector<T>& sums, std::uint32_t n_paths, int horizon, double divisor) {
  const auto n_periods = static_cast<std::size_t>(horizon);
  std::vector<Estimate> estimates(n_periods);
  if (n_paths == 0) return estimates;
  const double n = n_paths;
  const T* row = sums.data();
  for (Estimate& estimate : estimates) {
    i128 total = 0;
    for (std::uint32_t p = 0; p < n_paths; ++p) total += row[p];
    const auto centre = static_cast<std::int64_t>(total / n_paths);
    WideSum squares;
    for (std::uint32_t p = 0; p < n_paths; ++p) {
      const std::uint64_t d = kernels::distance(static_cast<std::int64_t>(row[p]), centre);
      squares.add(static_cast<u128>(d) * d);
    }
    const auto rest = static_cast<double>(total - static_cast<i128>(centre) * n_paths);
    const double variance = variance_over(n, to_double(squares), rest);
    estimate = {static_cast<double>(total) / n / divisor, square_root(variance / n) / divisor};
    row += n_paths;
  }
  return estimates;
}

template std::vector<Estimate> period_estimates(const std::vector<std::int64_t>&, std::uint32_t, int, double);
template std::vector<Estimate> period_estimates(const std::vector<std::uint32_t>&, std::uint32_t, int, double);

}  // namespace clvsim
