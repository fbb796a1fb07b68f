#include "host/fit/spend.hpp"

#include "host/run/chain_tables.hpp"
#include "host/run/spend_posterior.hpp"
#include "kernels/math/portable.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace clvsim {
namespace {

using kernels::portable_exp;
using kernels::portable_log;

bool is_purchase(const History& rows, std::size_t r) {
  return rows.kind[r] == static_cast<std::uint8_t>(RowKind::purchase);
}

double units(MinorUnits amount, int decimals) { return static_cast<double>(amount) / minor_units_per_unit(decimals); }

template <class Visit>
void for_rows(const CustomerBatch& batch, std::size_t i, Visit&& visit) {
  const auto end = static_cast<std::size_t>(batch.history.offset[i + 1]);
  for (auto r = static_cast<std::size_t>(batch.history.offset[i]); r < end; ++r) visit(r);
}

}  // namespace

OwnSpend own_spend(const CustomerBatch& batch, std::size_t i, int decimals) {
  const History& rows = batch.history;
  OwnSpend own;
  double sum = 0;
  for_rows(batch, i, [&](std::size_t r) {
    if (!is_purchase(rows, r)) return;
    if (rows.amount[r] > 0) {
      ++own.n;
      sum += portable_log(units(rows.amount[r], decimals));
    } else {
      ++own.n_zero;
    }
  });
  if (own.n == 0) return own;
  own.log_mean = sum / static_cast<double>(own.n);
  for_rows(batch, i, [&](std::size_t r) {
    if (!is_purchase(rows, r) || rows.amount[r] <= 0) return;
    const double deviation = portable_log(units(rows.amount[r], decimals)) - own.log_mean;
    own.log_squares += deviation * deviation;
  });
  return own;
}

void SpendMoments::add(const CustomerBatch& batch, const MigrationChain& chain) {
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const OwnSpend own = own_spend(batch, i, decimals_);
    n_zero_ += own.n_zero;
    for_rows(batch, i, [&](std::size_t r) { n_refunds_ += !is_purchase(batch.history, r); });
    if (own.n == 0) continue;
    Group& group = by_class_[static_cast<std::size_t>(chain.frequency_class_of(batch, i))][own.n];
    ++group.n_customers;
    group.sum += own.log_mean;
    group.squares += own.log_mean * own.log_mean;
    within_squares_ += own.log_squares;
  }
}

std::int64_t SpendMoments::n_positive() const {
  std::int64_t n = 0;
  for (const auto& groups : by_class_)
    for (const auto& [purchases, group] : groups) n += purchases * group.n_customers;
  return n;
}

std::int64_t SpendMoments::n_customers() const {
  std::int64_t n = 0;
  for (const auto& groups : by_class_)
    for (const auto& [purchases, group] : groups) n += group.n_customers;
  return n;
}

// One-way random effects, unbalanced (Searle, Casella & McCulloch 1992, section 3.6), with a mean for each class:
// E[within squares] = (N - K) sigma^2, and in each class E[between squares] = (K-1) sigma^2 + (N - sum n^2 / N) tau^2.
SpendModel SpendMoments::estimate(std::vector<std::string>& notes) const {
  SpendModel spend;
  const double degrees_within = static_cast<double>(n_positive() - n_customers());
  const double within = within_squares_ / degrees_within;
  double between_squares = 0, degrees = 0, coefficient = 0;
  for (const auto& groups : by_class_) {
    double n_rows = 0, n_customers = 0, sum = 0, squares = 0, n_squares = 0;
    for (const auto& [purchases, group] : groups) {
      const double n = static_cast<double>(purchases), k = static_cast<double>(group.n_customers);
      n_rows += n * k;
      n_customers += k;
      sum += n * group.sum;
      squares += n * group.squares;
      n_squares += n * n * k;
    }
    if (n_customers < 1) continue;
    between_squares += std::max(squares - sum * sum / n_rows, 0.0);
    degrees += n_customers - 1;
    coefficient += n_rows - n_squares / n_rows;
  }
  double between = coefficient > 0 ? (between_squares - degrees * within) / coefficient : 0;
  if (!(between > 0)) {
    between = 0;
    notes.emplace_back(
        "customers differ no more in their spend than their purchases do: all have the level of their class");
  }
  spend.within_sd = std::sqrt(within);
  spend.between_sd = std::sqrt(between);

  // The mean level of the customers of a class, each weighted by what its purchases tell of it.
  const auto weighted = [&](const std::map<std::int64_t, Group>& groups, double& weights, double& sum) {
    for (const auto& [purchases, group] : groups) {
      const double variance = between + within / static_cast<double>(purchases);
      const double weight = variance > 0 ? 1 / variance : 1;
      weights += weight * static_cast<double>(group.n_customers);
      sum += weight * group.sum;
    }
  };
  double all_weights = 0, all_sum = 0;
  for (const auto& groups : by_class_) weighted(groups, all_weights, all_sum);
  for (std::size_t c = 0; c < by_class_.size(); ++c) {
    double weights = 0, sum = 0;
    weighted(by_class_[c], weights, sum);
    if (weights == 0)
      notes.push_back(
          fmt::format("no customer of frequency class {} (at the end of observation) has a positive purchase: its "
                      "spend is that of all",
                      c + 1));
    spend.log_mean.push_back(weights > 0 ? sum / weights : all_sum / all_weights);
  }
  const double purchases = static_cast<double>(n_purchases());
  spend.zero_share = static_cast<double>(n_zero_) / purchases;
  spend.refund_rate = static_cast<double>(n_refunds_) / purchases;
  if (spend.refund_rate > 1) {
    notes.push_back(fmt::format("{} refunds to {} purchases: refund_rate is 1, and each refund is larger for it",
                                n_refunds_, n_purchases()));
    spend.refund_rate = 1;
  }
  return spend;
}

void SpendTotals::add(const CustomerBatch& batch, const MigrationChain& chain) {
  const double within = spend_.within_sd * spend_.within_sd;
  const History& rows = batch.history;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const OwnSpend own = own_spend(batch, i, decimals_);
    // The level that the engine will draw, by its own function.
    const SpendLevel level =
        spend_level(spend_, chain.frequency_class_of(batch, i), own.n, static_cast<double>(own.n) * own.log_mean);
    const double variance = level.sd * level.sd;
    const double mean_of_exp = portable_exp(level.mean + 0.5 * variance);
    expected_ += static_cast<double>(own.n) * mean_of_exp * portable_exp(0.5 * within);
    level_of_purchases_ += static_cast<double>(own.n + own.n_zero) * mean_of_exp;
    for_rows(batch, i, [&](std::size_t r) {
      if (is_purchase(rows, r)) {
        observed_ += units(rows.amount[r], decimals_);
        return;
      }
      const double refund = units(-rows.amount[r], decimals_);
      const double deviation = portable_log(refund) - level.mean;
      ++n_refunds_;
      refunds_ += refund;
      deviation_sum_ += deviation;
      deviation_squares_ += deviation * deviation;
      posterior_variance_ += variance;
    });
  }
}

SpendModel SpendTotals::finish() const {
  SpendModel spend = spend_;
  spend.smearing = observed_ / expected_;
  if (n_refunds_ == 0) return spend;
  const double n = static_cast<double>(n_refunds_);
  if (n_refunds_ > 1) {
    // ln(refund) spreads around the posterior mean of the level by its own sd and by what is not known of the level.
    const double spread = (deviation_squares_ - deviation_sum_ * deviation_sum_ / n) / (n - 1);
    spend.refund_log_sd = std::sqrt(std::max(spread - posterior_variance_ / n, 0.0));
  }
  const double expected = spend.refund_rate * level_of_purchases_ * spend.smearing *
                          portable_exp(0.5 * spend.refund_log_sd * spend.refund_log_sd);
  spend.refund_log_shift = portable_log(refunds_ / expected);
  return spend;
}

}  // namespace clvsim
