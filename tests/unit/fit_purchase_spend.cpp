// What a fit takes from a log beside the law of positive purchases: free purchases, refunds, costs.
#include "host/fit/behaviour_fit.hpp"
#include "host/fit/margin.hpp"
#include "tests/support/fit_log.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <string>
#include <vector>

namespace clvsim {
namespace {

using test::Rows;

constexpr Date end{20089};  // 2025-01-01
constexpr std::int32_t begin = end.days - 300;

// 250 purchases: 60 first ones and 150 repeats that cost something, 30 repeats that do not, nine free first orders, and
// one purchase that brings the mean of the 211 positive ones to 10.00.
std::vector<Rows> purchases_of_61() {
  std::mt19937_64 random(11);
  const auto gamma = [&](double shape) { return std::gamma_distribution<double>(shape)(random); };
  std::vector<Rows> customers;
  MinorUnits sum = 0;
  for (int i = 0; i < 60; ++i) {
    const double level = 2000 / gamma(4);
    Rows& rows = customers.emplace_back();
    for (int k = 0; k < 2 + i % 4; ++k) {
      rows.emplace_back(begin + 7 * k, static_cast<MinorUnits>(1 + level * gamma(5) / 5));
      sum += rows.back().second;
    }
    if (i < 30) rows.emplace_back(begin + 100, 0);
  }
  for (int i = 0; i < 9; ++i) customers.push_back({{begin, 0}});
  customers.push_back({{begin, 211 * 1000 - sum}});
  return customers;
}

SpendFit fit_of(const std::vector<Rows>& customers, SpendLaw law = SpendLaw::gamma_gamma) {
  // In two batches, as from a large store.
  const auto half = customers.begin() + 33;
  const CustomerBatch first = test::batch_of({customers.begin(), half}, end),
                      second = test::batch_of({half, customers.end()}, end);
  const BatchSource source = [&](const BatchSink& sink) {
    sink(first);
    sink(second);
  };
  return fit_spend(source, law, 2, {});
}

// Refunds of `amount`, one after another of all customers.
std::vector<Rows> with_refunds(std::vector<Rows> customers, int n, MinorUnits amount) {
  for (int i = 0; i < n; ++i)
    customers[static_cast<std::size_t>(i) % customers.size()].emplace_back(begin + 200 + i, -amount);
  return customers;
}

TEST(PurchaseSpendFit, CountsFreePurchasesAmongRepeats) {
  for (const SpendLaw law : {SpendLaw::gamma_gamma, SpendLaw::log_normal}) {
    const SpendFit fit = fit_of(purchases_of_61(), law);
    EXPECT_EQ(fit.fit.n_customers, 60);
    EXPECT_DOUBLE_EQ(fit.spend.zero_share, 30.0 / 180);
    EXPECT_EQ(fit.spend.refund_rate, 0);
    EXPECT_EQ(fit.spend.refund_ratio, 1);
  }
}

TEST(PurchaseSpendFit, CountsRefundsByPurchase) {
  const std::vector<Rows> customers = purchases_of_61();
  ASSERT_GT(customers.back().front().second, 0);
  const LikelihoodFit without = fit_of(customers).fit;
  for (const SpendLaw law : {SpendLaw::gamma_gamma, SpendLaw::log_normal}) {
    const SpendFit fit = fit_of(with_refunds(customers, 50, 400), law);
    EXPECT_DOUBLE_EQ(fit.spend.zero_share, 30.0 / 180);
    EXPECT_DOUBLE_EQ(fit.spend.refund_rate, 50.0 / 250);
    EXPECT_DOUBLE_EQ(fit.spend.refund_ratio, 4.00 / 10.00);
    // The law is of what is positive.
    if (law == SpendLaw::gamma_gamma) {
      EXPECT_EQ(fit.fit.parameters, without.parameters);
      EXPECT_NEAR(fit.spend.expected({}), (1 - 1.0 / 6 - 0.2 * 0.4) * fit.spend.law.expected_spend(0, 0), 1e-12);
    }
  }
}

// A purchase has at most one refund: of more, each is larger, and what is refunded stays the same.
TEST(PurchaseSpendFit, MakesMoreRefundsThanPurchasesLargerOnes) {
  const std::vector<Rows> customers = purchases_of_61();
  const PurchaseSpend twice = fit_of(with_refunds(customers, 500, 100)).spend;
  EXPECT_EQ(twice.refund_rate, 1);
  EXPECT_DOUBLE_EQ(twice.refund_ratio, 2 * 1.00 / 10.00);
  // As many as purchases: none is changed. One more: hardly.
  const PurchaseSpend as_many = fit_of(with_refunds(customers, 250, 100)).spend;
  EXPECT_EQ(as_many.refund_rate, 1);
  EXPECT_DOUBLE_EQ(as_many.refund_ratio, 0.1);
  const PurchaseSpend one_more = fit_of(with_refunds(customers, 251, 100)).spend;
  EXPECT_EQ(one_more.refund_rate, 1);
  EXPECT_DOUBLE_EQ(one_more.refund_ratio, 0.1 * 251 / 250);
  // More is refunded than bought: a purchase is expected to lose money.
  const PurchaseSpend loss = fit_of(with_refunds(customers, 250, 1200)).spend;
  EXPECT_NEAR(loss.expected({}) / loss.law.expected_spend(0, 0), 1 - 1.0 / 6 - 1.2, 1e-12);
}

TEST(MarginOfPurchases, IsNegativeWhereCostsExceedRevenue) {
  CustomerBatch batch = test::batch_of({{{begin, 1000}, {begin + 1, 3000}}, {{begin, 0}, {begin + 5, -500}}}, end);
  batch.history.cost = {1500, 4000, 500, -200};  // the refund's costs count as little as its amount
  MarginSums sums;
  sums.add(batch);
  std::vector<std::string> notes;
  EXPECT_DOUBLE_EQ(sums.margin(notes).value(), 1 - 6000.0 / 4000);
  EXPECT_TRUE(notes.empty());
}

}  // namespace
}  // namespace clvsim
