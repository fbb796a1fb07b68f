// A fit to a generated log finds the numbers that the log was generated from.
#include "tests/support/fit_line.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace clvsim {
namespace {

#ifdef CLVSIM_SANITIZED
constexpr std::int64_t n_customers = 4000;
#else
constexpr std::int64_t n_customers = 20000;
#endif

// About 40 comparisons a log: 4.5 standard errors are passed by chance in one of 4,000 runs, and the seeds are fixed.
constexpr double limit = 4.5;

void expect_recovered(const std::string& name, std::uint64_t seed) {
  test::TemporaryFolder folder;
  const MigrationChain truth = test::shipped_model(name);
  GenerateOptions generation;
  generation.n_customers = n_customers;
  generation.seed = seed;
  const StoreReader store = test::generated_store(folder, truth, generation);
  FitOptions options;
  options.states = *truth.recency_frequency;
  options.min_periods = 30;
  const FitReport report = fit_migration_chain(store, options);
  const MigrationChain& chain = report.chain;

  // Transitions: every state that has its probabilities for itself.
  ASSERT_EQ(chain.states.size(), truth.states.size());
  int n_compared = 0;
  double buying_periods = 0, chi_square = 0;
  for (std::size_t s = 0; s < chain.states.size(); ++s) {
    const auto& outcomes = chain.states[s].outcomes;
    EXPECT_EQ(outcomes[0].to, truth.states[s].outcomes[0].to);
    EXPECT_EQ(outcomes[1].to, truth.states[s].outcomes[1].to);
    buying_periods += outcomes[0].count;
    if (std::count(report.tie_group.begin(), report.tie_group.end(), report.tie_group[s]) > 1) continue;
    const double z = (outcomes[0].probability - truth.states[s].outcomes[0].probability) / outcomes[0].standard_error;
    EXPECT_LT(std::abs(z), limit) << chain.states[s].name;
    chi_square += z * z;
    ++n_compared;
  }
  ASSERT_GE(n_compared, 8);
  // The standard errors are as large as the errors: a chi-square of n_compared degrees.
  EXPECT_NEAR(chi_square, n_compared, limit * std::sqrt(2.0 * n_compared));

  const SpendModel &found = *chain.spend, &stated = *truth.spend;
  double n_purchases = 0, n_refunds = 0;
  std::vector<double> in_class(2, 0);
  double mean_purchases = 0;
  CustomerBatch batch;
  store.read(0, store.info().n_customers, batch);
  for (std::size_t i = 0; i < batch.size(); ++i)
    in_class[static_cast<std::size_t>(chain.frequency_class_of(batch, i))] += 1;
  for (const std::uint8_t kind : batch.history.kind) (kind == 0 ? n_purchases : n_refunds) += 1;
  mean_purchases = n_purchases / static_cast<double>(batch.size());
  const auto share_error = [](double p, double n) { return std::sqrt(p * (1 - p) / n) + 1e-12; };
  for (std::size_t c = 0; c < 2; ++c) {
    if (in_class[c] < 30) continue;
    const double variance = stated.between_sd * stated.between_sd + stated.within_sd * stated.within_sd;
    EXPECT_LT(std::abs(found.log_mean[c] - stated.log_mean[c]), limit * std::sqrt(variance / in_class[c])) << c;
  }
  const double customers = static_cast<double>(batch.size());
  // Between customers: sd of an sd of `customers` levels; heavy buyers weigh more, hence fewer effective customers.
  EXPECT_NEAR(found.between_sd, stated.between_sd,
              limit * stated.between_sd / std::sqrt(2 * customers / mean_purchases));
  EXPECT_NEAR(found.within_sd, stated.within_sd, limit * stated.within_sd / std::sqrt(2 * (n_purchases - customers)));
  // Means of log-normals, over customers.
  EXPECT_NEAR(found.smearing, 1, 0.02);
  EXPECT_NEAR(found.zero_share, stated.zero_share, limit * share_error(stated.zero_share, n_purchases));
  EXPECT_NEAR(found.refund_rate, stated.refund_rate, limit * share_error(stated.refund_rate, n_purchases));
  EXPECT_NEAR(found.refund_log_sd, stated.refund_log_sd, limit * stated.refund_log_sd / std::sqrt(n_refunds));
  EXPECT_NEAR(found.refund_log_shift, stated.refund_log_shift, limit * 1.5 / std::sqrt(n_refunds));
  ASSERT_EQ(found.purchases_in_period.size(), stated.purchases_in_period.size());
  for (std::size_t k = 0; k < stated.purchases_in_period.size(); ++k)
    EXPECT_NEAR(found.purchases_in_period[k], stated.purchases_in_period[k],
                limit * share_error(stated.purchases_in_period[k], buying_periods));
  EXPECT_EQ(chain.n_customers, n_customers);
  EXPECT_EQ(chain.fitted_from_digest, store.info().content_digest);
}

TEST(FitRecovery, Retail) { expect_recovered("generator_retail", 11); }
TEST(FitRecovery, Frequent) { expect_recovered("generator_frequent", 12); }

}  // namespace
}  // namespace clvsim
