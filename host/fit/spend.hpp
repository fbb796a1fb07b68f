// Spend per purchase: the log-normal hierarchy of SpendModel, estimated by moments in two passes over the log.
#pragma once

#include <clvsim/migration_chain.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace clvsim {

// A customer's own positive purchases.
struct OwnSpend {
  std::int64_t n = 0;       // purchases with amount > 0
  double log_mean = 0;      // of ln(currency units)
  double log_squares = 0;   // sum of squared deviations from log_mean
  std::int64_t n_zero = 0;  // purchases with amount 0
};
OwnSpend own_spend(const CustomerBatch& batch, std::size_t i, int decimals);

// First pass: what the variances and means need.
class SpendMoments {
 public:
  SpendMoments(int n_classes, int decimals) : by_class_(static_cast<std::size_t>(n_classes)), decimals_(decimals) {}
  // `chain` gives the frequency class: the current one, as the engine will draw the customer's level.
  void add(const CustomerBatch& batch, const MigrationChain& chain);

  [[nodiscard]] std::int64_t n_positive() const;   // purchases with amount > 0
  [[nodiscard]] std::int64_t n_customers() const;  // with such a purchase
  [[nodiscard]] std::int64_t n_purchases() const { return n_positive() + n_zero_; }
  [[nodiscard]] std::int64_t n_refunds() const { return n_refunds_; }
  // log_mean, between_sd, within_sd, zero_share, refund_rate; smearing and refund amounts are left to SpendTotals.
  // Precondition: some customer has two positive purchases.
  [[nodiscard]] SpendModel estimate(std::vector<std::string>& notes) const;

 private:
  struct Group {  // the customers of a class with the same number of purchases
    std::int64_t n_customers = 0;
    double sum = 0, squares = 0;  // of their log means
  };
  std::vector<std::map<std::int64_t, Group>> by_class_;
  double within_squares_ = 0;
  std::int64_t n_zero_ = 0, n_refunds_ = 0;
  int decimals_;
};

// Second pass: the retransformation to money (Duan 1983). Smearing makes the spend that the simulation expects of the
// log's customers, one draw for every positive purchase of theirs, equal to what they spent; the shift of the refunds
// does the same for the refunds.
class SpendTotals {
 public:
  SpendTotals(const SpendModel& spend, int decimals) : spend_(spend), decimals_(decimals) {}
  void add(const CustomerBatch& batch, const MigrationChain& chain);
  [[nodiscard]] SpendModel finish() const;

 private:
  SpendModel spend_;
  int decimals_;
  double observed_ = 0, expected_ = 0;           // sum of purchases, and what the levels expect
  double refunds_ = 0, level_of_purchases_ = 0;  // sum of refunds; expected exp(level), one for each purchase
  std::int64_t n_refunds_ = 0;
  double deviation_sum_ = 0, deviation_squares_ = 0, posterior_variance_ = 0;  // of ln(refund) - level
};

}  // namespace clvsim
