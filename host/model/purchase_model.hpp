// What the purchase models share.
#pragma once

#include <clvsim/purchase_models.hpp>

#include "host/math/special.hpp"
#include "kernels/models/list.hpp"

#include <array>
#include <cstddef>
#include <limits>
#include <memory>
#include <span>
#include <vector>

namespace clvsim {

inline constexpr double minus_infinity = -std::numeric_limits<double>::infinity();

// The logarithm of a sum of terms that are given by their logarithms, and its gradient: the terms' gradients, weighted.
template <std::size_t n>
class LogSum {
 public:
  void add(double log_term, const std::array<double, n>& gradient) {
    if (log_term == minus_infinity) return;
    if (log_term > top_) {
      const double scale = portable_exp(top_ - log_term);
      sum_ *= scale;
      for (double& g : gradient_) g *= scale;
      top_ = log_term;
    }
    const double term = portable_exp(log_term - top_);
    sum_ += term;
    for (std::size_t i = 0; i < n; ++i) gradient_[i] += term * gradient[i];
  }
  [[nodiscard]] double value() const { return top_ + portable_log(sum_); }
  [[nodiscard]] double gradient(std::size_t i) const { return gradient_[i] / sum_; }

 private:
  double top_ = minus_infinity, sum_ = 0;
  std::array<double, n> gradient_{};
};

// ln Gamma(a + n) - ln Gamma(a) and its derivative by a, for n = 0, 1, ...: sums, kept for the n that are asked for.
class RisingTable {
 public:
  explicit RisingTable(double a) : a_(a) {}
  [[nodiscard]] double value(std::size_t n) {
    return n < most ? entry(n).value : log_gamma_ratio(a_, static_cast<double>(n));
  }
  [[nodiscard]] double slope(std::size_t n) {
    return n < most ? entry(n).slope : digamma(a_ + static_cast<double>(n)) - digamma(a_);
  }

 private:
  static constexpr std::size_t most = 4096;
  struct Entry {
    double value = 0, slope = 0;
  };
  const Entry& entry(std::size_t n) {
    while (entries_.size() <= n) {
      const double at = a_ + static_cast<double>(entries_.size() - 1);
      const Entry& last = entries_.back();
      entries_.push_back({last.value + portable_log(at), last.slope + 1 / at});
    }
    return entries_[n];
  }
  double a_;
  std::vector<Entry> entries_{{}};
};

// A purchase model that the engine simulates: its own part of the parameters, and of a customer given its history
// (kernels/models). Times are in periods.
class SimulatedModel : public PurchaseModel {
 public:
  // Appends a draw of the parameters to `drawn`.
  virtual void add_drawn(std::span<const double> parameters, const kernels::DrawnSpend& spend,
                         kernels::AnyDrawn& drawn) const = 0;
  // Appends what the parameters make of a customer.
  virtual void add_customer(std::span<const double> parameters, const PurchaseHistory& history, std::uint64_t hash,
                            const kernels::DrawnSpendCustomer& spend, kernels::AnyCustomers& customers) const = 0;
};
// As make_purchase_model.
std::unique_ptr<SimulatedModel> make_simulated_model(std::string_view name, int k);

// The two functions above for a behaviour with `Behaviour::Params` and `Customer` given.
template <class Behaviour>
void add_drawn_of(const typename Behaviour::Params& behaviour, const kernels::DrawnSpend& spend,
                  kernels::AnyDrawn& drawn) {
  kernels::vector_of<typename kernels::PurchasePath<Behaviour>::Drawn>(drawn).push_back({behaviour, spend});
}
template <class Behaviour>
void add_customer_of(const typename Behaviour::Customer& behaviour, std::uint64_t hash,
                     const kernels::DrawnSpendCustomer& spend, kernels::AnyCustomers& customers) {
  kernels::vector_of<typename kernels::PurchasePath<Behaviour>::Customer>(customers).push_back(
      {hash, behaviour, spend});
}

// Throw ConfigError where t is no time ahead, 0 <= t finite, and rate no discount rate, 0 < rate finite.
void check_ahead(const PurchaseModel& model, double t);
void check_counts(const PurchaseModel& model, double t, int n_max);  // what purchase_distribution takes
void check_rate(const PurchaseModel& model, double rate);

std::unique_ptr<SimulatedModel> make_pareto_nbd();
// `after_first`: whether a customer may drop out after the first purchase already (mbg_nbd).
std::unique_ptr<SimulatedModel> make_bg_nbd(int k, bool after_first);
std::unique_ptr<SimulatedModel> make_bg_bb();

}  // namespace clvsim
