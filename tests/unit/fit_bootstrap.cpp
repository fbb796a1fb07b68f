// The Bayesian bootstrap: what a draw is, what it does not depend on, and what it is refused for.
#include "host/math/special.hpp"
#include "kernels/math/gamma_draws.hpp"
#include "kernels/rng/address.hpp"

#include <clvsim/contract_models.hpp>
#include <clvsim/error.hpp>
#include <clvsim/gamma_gamma.hpp>
#include <clvsim/purchase_models.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

namespace clvsim {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;

LikelihoodFitOptions bootstrap(std::uint32_t n_draws, std::uint64_t seed = 7, int threads = 2) {
  LikelihoodFitOptions options;
  options.bootstrap = {n_draws, seed, threads, {}};
  return options;
}

// BG/NBD customers of a year, in weeks.
std::vector<PurchaseHistory> drawn_histories(int n) {
  std::mt19937_64 random(20261127);
  const auto gamma = [&](double shape, double scale) { return std::gamma_distribution<double>(shape, scale)(random); };
  std::vector<PurchaseHistory> histories;
  for (int i = 0; i < n; ++i) {
    const double a = gamma(0.8, 1), drops = a / (a + gamma(2.5, 1)), rate = gamma(0.9, 1 / 6.0);
    PurchaseHistory h;
    h.T = 39 + static_cast<double>(random() % 13);
    for (double time = std::exponential_distribution<double>(rate)(random); time < h.T;
         time += std::exponential_distribution<double>(rate)(random)) {
      ++h.x;
      h.t_x = time;
      if (std::uniform_real_distribution<double>()(random) < drops) break;
    }
    histories.push_back(h);
  }
  return histories;
}

// The maximum of the geometric law, S(t) = exp(-hazard t), is churns over opportunities, by any weights.
TEST(Bootstrap, OfAGeometricLawIsARatioOfWeights) {
  std::vector<Tenure> tenures;
  for (int i = 0; i < 60; ++i) tenures.push_back({1 + i % 7, i % 3 == 0, 0, 1});
  const auto fit = fit_contract_model(*make_contract_model("geometric"), tenures, bootstrap(5, 11));
  ASSERT_EQ(fit.n_draws(), 5U);
  for (std::uint32_t d = 0; d < 5; ++d) {
    double churns = 0, opportunities = 0;
    for (std::size_t i = 0; i < tenures.size(); ++i) {
      const kernels::PathDraws draws{11, i, d};
      const double weight = kernels::exponential(draws({kernels::Purpose::parameter}));
      churns += tenures[i].churned ? weight : 0;
      opportunities += weight * tenures[i].renewals;
    }
    EXPECT_NEAR(std::exp(-fit.draws[d]), 1 - churns / opportunities, 2e-3 * fit.standard_errors[0]) << d;
  }
}

TEST(Bootstrap, DoesNotDependOnThreadsAndBeginsWithFewerDraws) {
  const auto histories = drawn_histories(400);
  const auto model = make_purchase_model("mbg_nbd");
  const auto one = fit_purchase_model(*model, histories, bootstrap(9, 7, 1));
  EXPECT_EQ(one.draws, fit_purchase_model(*model, histories, bootstrap(9, 7, 3)).draws);
  const auto few = fit_purchase_model(*model, histories, bootstrap(4));
  EXPECT_TRUE(std::equal(few.draws.begin(), few.draws.end(), one.draws.begin()));
  EXPECT_NE(few.draws[0], fit_purchase_model(*model, histories, bootstrap(4, 8)).draws[0]);
  const auto none = fit_purchase_model(*model, histories);
  EXPECT_EQ(none.parameters, one.parameters);
  EXPECT_EQ(none.n_draws(), 0U);
}

TEST(Bootstrap, FollowsTheCustomersAndNotTheirOrder) {
  auto histories = drawn_histories(400);
  std::vector<std::uint64_t> customers;
  for (std::uint64_t i = 0; i < histories.size(); ++i) customers.push_back(1000 + i * i);
  const auto model = make_purchase_model("bg_nbd");
  auto options = bootstrap(3);
  options.bootstrap.customers = customers;
  const auto before = fit_purchase_model(*model, histories, options);
  std::reverse(histories.begin(), histories.end());
  std::reverse(customers.begin(), customers.end());
  const auto after = fit_purchase_model(*model, histories, options);
  for (std::size_t i = 0; i < before.draws.size(); ++i) EXPECT_NEAR(before.draws[i] / after.draws[i], 1, 1e-6);
  customers[0] = 5;
  EXPECT_NE(fit_purchase_model(*model, histories, options).draws[0], after.draws[0]);
}

// 400 draws tell a standard deviation to 3.5 %; the two differ by what is not normal as well.
TEST(Bootstrap, VariesLikeTheStandardErrors) {
  const auto histories = drawn_histories(3000);
  const auto fit = fit_purchase_model(*make_purchase_model("bg_nbd"), histories, bootstrap(400));
  const std::vector<double> deviations = fit.draw_deviations();
  for (std::size_t i = 0; i < 4; ++i) EXPECT_NEAR(deviations[i] / fit.standard_errors[i], 1, 0.25) << fit.names[i];
}

// A history that stands for m customers weighs as much as they do: a Gamma(m) number.
TEST(Bootstrap, WeighsMergedHistoriesAsTheirCustomers) {
  std::vector<Tenure> apart, merged;
  for (int t = 1; t <= 8; ++t)
    for (const bool churned : {false, true}) {
      merged.push_back({t, churned, 0, 25});
      for (int i = 0; i < 25; ++i) apart.push_back({t, churned, 0, 1});
    }
  const auto law = make_contract_model("geometric");
  const auto one = fit_contract_model(*law, apart, bootstrap(2000)),
             other = fit_contract_model(*law, merged, bootstrap(2000));
  // 1.6 % each.
  EXPECT_NEAR(other.draw_deviations()[0] / one.draw_deviations()[0], 1, 4 * 0.0158 * std::sqrt(2.0));
}

TEST(Bootstrap, RefusesWhatItCannotDo) {
  const auto histories = drawn_histories(200);
  const auto model = make_purchase_model("bg_nbd");
  EXPECT_THAT([&] { (void)fit_purchase_model(*model, histories, bootstrap(4097)); },
              ThrowsMessage<ConfigError>(HasSubstr("4097 draws")));
  auto options = bootstrap(2);
  const std::vector<std::uint64_t> few(3);
  options.bootstrap.customers = few;
  EXPECT_THAT([&] { (void)fit_purchase_model(*model, histories, options); },
              ThrowsMessage<ConfigError>(HasSubstr("3 customers for 200 histories")));
  // Churn that hardly falls with tenure: in many draws contracts do not differ, and alpha and beta have no maximum.
  std::vector<Tenure> tenures{{6, false, 0, 400}};
  const int churned[] = {11, 10, 10, 9, 9, 9};
  for (int t = 1; t <= 6; ++t) tenures.push_back({t, true, 0, static_cast<double>(churned[t - 1])});
  const auto sbg = make_contract_model("sbg");
  ASSERT_EQ(fit_contract_model(*sbg, tenures).n_draws(), 0U);
  EXPECT_THAT([&] { (void)fit_contract_model(*sbg, tenures, bootstrap(200)); },
              ThrowsMessage<ModelError>(AllOf(HasSubstr("of the 200 fits of the bootstrap of sbg found no maximum"),
                                              HasSubstr("the first at alpha = "), HasSubstr("fit a longer log"))));
}

// A few of them are draws of the geometric law, which they come close to.
TEST(Bootstrap, TakesLimitsOfTheModelForDraws) {
  std::vector<Tenure> tenures(40, {6, false, 0, 1});
  for (const int t : {1, 1, 2, 3, 3, 4, 5, 6}) tenures.push_back({t, true, 0, 1});
  const auto fit = fit_contract_model(*make_contract_model("sbg"), tenures, bootstrap(200, 1));
  EXPECT_GT(fit.n_limiting_draws, 0);
  int far = 0;
  for (std::size_t d = 0; d < 200; ++d) {
    far += fit.draws[2 * d] > 1000 ? 1 : 0;
    EXPECT_TRUE(std::isfinite(fit.draws[2 * d]) && fit.draws[2 * d + 1] > 0);
  }
  EXPECT_GE(far, fit.n_limiting_draws);
}

TEST(Bootstrap, OfSpendRefusesAnInfiniteMean) {
  std::mt19937_64 random(8);
  std::vector<SpendHistory> histories;
  for (int i = 0; i < 80; ++i) {
    const double nu = std::gamma_distribution<double>(1.3, 1.0 / 10)(random);
    const int x = 4 + i % 5;
    histories.push_back({x, std::gamma_distribution<double>(4.0 * x, 1 / nu)(random) / x});
  }
  ASSERT_GT(fit_gamma_gamma(histories).parameters[1], 1);
  EXPECT_THAT([&] { (void)fit_gamma_gamma(histories, bootstrap(200)); },
              ThrowsMessage<ModelError>(AllOf(HasSubstr("of the bootstrap of gamma_gamma has q = 0."),
                                              HasSubstr("check the largest amounts"))));
}

TEST(MostCorrelated, IsThePairWithTheLargestCorrelation) {
  LikelihoodFit fit;
  fit.parameters = {1, 1, 1};
  fit.log_covariance = {4, 1, 0, 1, 1, -0.9, 0, -0.9, 1};
  const auto most = fit.most_correlated();
  EXPECT_EQ(most.first, 1U);
  EXPECT_EQ(most.second, 2U);
  EXPECT_DOUBLE_EQ(most.correlation, -0.9);
}

}  // namespace
}  // namespace clvsim
