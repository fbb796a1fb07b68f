// sBG and BdW against the numbers of Fader & Hardie 2007 (table 1, appendix B), Fader et al. 2018 and Fader & Hardie
// 2010, 2015.
#include <clvsim/contract_models.hpp>
#include <clvsim/error.hpp>

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <span>
#include <vector>

namespace clvsim {
namespace {

using Parameters = std::vector<double>;

constexpr std::array<double, 13> regular{1000, 631, 468, 382, 326, 289, 262, 241, 223, 207, 194, 183, 173};
constexpr std::array<double, 13> high_end{1000, 869, 743, 653, 593, 551, 517, 491, 468, 445, 427, 409, 394};

std::vector<Tenure> cohort(const std::array<double, 13>& survivors, std::size_t renewals) {
  return tenures_of_cohort(std::span(survivors).first(renewals + 1));
}

struct Published {
  const char* model;
  const std::array<double, 13>* survivors;
  std::size_t renewals;
  Parameters parameters;
  double log_likelihood, half_a_unit;  // of its last digit
  double tolerance;                    // of the parameters
};

TEST(ContractModels, FitTheCohortsOfThePapers) {
  // Of seven decimals the last differs by up to 2 units: there the likelihood is flat to its last digit.
  const std::vector<Published> all{{"sbg", &regular, 7, {.7040773, 1.1820431}, -1680.265188, 5.1e-7, 3e-7},
                                   {"sbg", &high_end, 7, {.6680883, 3.8060948}, -1611.158147, 5.1e-7, 3e-7},
                                   {"sbg", &regular, 4, {.76367, 1.29583}, -1401.5594, 5.1e-5, 5.1e-6},
                                   {"sbg", &high_end, 4, {1.28098, 7.79038}, -1225.1349, 5.1e-5, 5.1e-6},
                                   {"bdw", &regular, 4, {.52303, .89428, 1.19640}, -1401.3831, 5.1e-5, 5.1e-6},
                                   {"bdw", &high_end, 4, {.25934, 1.72255, 1.58436}, -1222.7493, 5.1e-5, 5.1e-6},
                                   {"bdw", &regular, 7, {.45561, .77933, 1.28345}, -1679.6028, 5.1e-5, 5.1e-6},
                                   {"bdw", &high_end, 7, {.21425, 1.42657, 1.72356}, -1605.3142, 5.1e-5, 5.1e-6}};
  for (const Published& published : all) {
    SCOPED_TRACE(testing::Message() << published.model << " " << published.renewals << " " << published.log_likelihood);
    const auto model = make_contract_model(published.model);
    const LikelihoodFit fit = fit_contract_model(*model, cohort(*published.survivors, published.renewals));
    EXPECT_NEAR(fit.log_likelihood, published.log_likelihood, published.half_a_unit);
    for (std::size_t i = 0; i < published.parameters.size(); ++i)
      EXPECT_NEAR(fit.parameters[i], published.parameters[i], published.tolerance) << fit.names[i];
    EXPECT_EQ(fit.n_agreeing, fit.n_starts);
  }
}

TEST(ContractModels, HaveTheLogLikelihoodsOfAppendixB) {
  const auto model = make_contract_model("sbg");
  EXPECT_NEAR(model->log_likelihood(Parameters{1, 1}, cohort(high_end, 7), {}), -2115.5455, 5.1e-5);
  EXPECT_NEAR(model->log_likelihood(Parameters{.01, .01}, cohort(high_end, 7), {}), -2741.7009, 5.1e-5);
}

TEST(ContractModels, SurviveAsTheTableSays) {
  const auto model = make_contract_model("sbg");
  const std::array<double, 13> of_regular{100,   62.67, 47.38, 38.80, 33.21, 29.23, 26.25,
                                          23.90, 22.01, 20.44, 19.12, 17.99, 17.00};
  const std::array<double, 13> of_high_end{100,   85.07, 74.69, 66.98, 60.99, 56.18, 52.22,
                                           48.89, 46.04, 43.58, 41.42, 39.51, 37.80};
  for (std::size_t t = 0; t < of_regular.size(); ++t) {
    EXPECT_NEAR(100 * model->survival(Parameters{.7040773, 1.1820431}, static_cast<double>(t)), of_regular[t], 5.1e-3);
    EXPECT_NEAR(100 * model->survival(Parameters{.6680883, 3.8060948}, static_cast<double>(t)), of_high_end[t], 5.1e-3);
  }
}

// $100 a period at 10 %, before renewals 1, 2 and 5.
TEST(ContractModels, GiveTheResidualValuesOfThePaper) {
  const auto model = make_contract_model("sbg");
  const Parameters p{.764, 1.296};
  EXPECT_NEAR(100 * model->derl(p, 1, 0.1), 288.22, 5.1e-3);
  EXPECT_NEAR(100 * model->derl(p, 2, 0.1), 393.94, 5.1e-3);
  EXPECT_NEAR(100 * model->derl(p, 5, 0.1), 568.25, 5.1e-3);
  // Were all contracts alike, with a retention of .833: $343 before any renewal.
  const auto alike = make_contract_model("geometric");
  const Parameters hazard{-std::log(.833)};
  for (const std::int32_t renewal : {1, 2, 5})
    EXPECT_NEAR(100 * alike->derl(hazard, renewal, 0.1), 343.18, 5.1e-3) << renewal;
}

TEST(ContractModels, BdwWithCOneIsSbg) {
  const auto sbg = make_contract_model("sbg"), bdw = make_contract_model("bdw");
  for (const double t : {0., 1., 2., 7., 100., 1e5})
    EXPECT_NEAR(bdw->survival(Parameters{.7, 1.2, 1}, t) / sbg->survival(Parameters{.7, 1.2}, t), 1, 1e-12) << t;
}

// c ln t above 709: t^c is beyond a double. There S(t) is Gamma(alpha + beta) / Gamma(beta) t^(-alpha c).
TEST(ContractModels, BdwStandsExposuresBeyondADouble) {
  const auto bdw = make_contract_model("bdw");
  const Parameters p{.02, 1.2, 300};
  for (const std::int32_t t : {12, 1000, 2'000'000'000}) {
    SCOPED_TRACE(t);
    const double log_survival = std::lgamma(1.22) - std::lgamma(1.2) - .02 * 300 * std::log(t);
    EXPECT_NEAR(std::log(bdw->survival(p, t)), log_survival, 1e-12);
    EXPECT_NEAR(bdw->retention(p, t), std::exp(.02 * 300 * std::log1p(-1.0 / t)), 1e-15);
    const std::vector<Tenure> churned{{t, true, 0, 1}};
    std::array<double, 3> gradient{};
    EXPECT_NEAR(
        bdw->log_likelihood(p, churned, gradient),
        std::lgamma(1.22) - std::lgamma(1.2) - 6 * std::log(t - 1.0) + std::log(-std::expm1(6 * std::log1p(-1.0 / t))),
        1e-11);
    for (const double g : gradient) EXPECT_TRUE(std::isfinite(g));
  }
  EXPECT_GT(bdw->derl(p, 1000, 0.1), 0);
  // Every contract ends at the twelfth opportunity: c runs away, and the fit says so.
  EXPECT_THROW((void)fit_contract_model(*bdw, std::vector<Tenure>{{11, false, 0, 500}, {12, true, 0, 500}}),
               ModelError);
}

// Few churn: log-gamma differences would leave seven digits of ln S.
TEST(ContractModels, SumsKeepTheDigitsOfRareChurn) {
  const auto sbg = make_contract_model("sbg"), bdw = make_contract_model("bdw");
  const Parameters p{1e-8, 2.5}, with_c{1e-8, 2.5, 1};
  for (const std::int32_t t : {1, 12, 4096, 4097, 100'000}) {
    SCOPED_TRACE(t);
    long double sum = 0;
    for (std::int32_t u = 1; u <= t; ++u) sum += std::log1p(1e-8L / (2.5L + u - 1));
    const std::vector<Tenure> there{{t, false, 0, 1}}, churned{{t, true, 0, 1}};
    EXPECT_NEAR(sbg->log_likelihood(p, there, {}) / static_cast<double>(-sum), 1, 1e-13);
    EXPECT_NEAR(std::log(sbg->survival(p, t)), static_cast<double>(-sum), 2e-16);
    const double hazard = 1e-8 / (1e-8 + 2.5 + t - 1);
    EXPECT_NEAR(sbg->log_likelihood(p, churned, {}) - sbg->log_likelihood(p, there, {}), std::log(hazard), 2e-8);
    EXPECT_NEAR(bdw->log_likelihood(with_c, churned, {}), sbg->log_likelihood(p, churned, {}), 1e-7);
  }
}

// A million contracts one by one: rounding of a plain sum would show.
TEST(ContractModels, AddContractsUpWithoutLosingDigits) {
  const auto model = make_contract_model("sbg");
  const Parameters p{.7, 1.2};
  const std::vector<Tenure> one{{5, true, 0, 1}}, many(1'000'000, one.front());
  EXPECT_NEAR(model->log_likelihood(p, many, {}) / (1e6 * model->log_likelihood(p, one, {})), 1, 1e-15);
}

// A contract first seen after two renewals counts as one that is known to have made them.
TEST(ContractModels, CountLeftTruncatedContractsFromTheirEntry) {
  const auto model = make_contract_model("sbg");
  const Parameters p{.7, 1.2};
  const std::vector<Tenure> churned{{5, true, 2, 1}}, there{{5, false, 2, 1}};
  const double before = model->survival(p, 2);
  EXPECT_NEAR(model->log_likelihood(p, churned, {}), std::log((model->survival(p, 4) - model->survival(p, 5)) / before),
              1e-13);
  EXPECT_NEAR(model->log_likelihood(p, there, {}), std::log(model->survival(p, 5) / before), 1e-13);
}

// A constant hazard is estimated by the share of opportunities that ended a contract; its residual lifetime is a
// geometric sum.
TEST(ContractModels, GeometricIsTheShareOfOpportunities) {
  const std::vector<Tenure> tenures{{1, true, 0, 30}, {4, true, 0, 20}, {9, false, 0, 50}, {6, false, 2, 10}};
  const double churned = 50, opportunities = 30 + 4 * 20 + 9 * 50 + 4 * 10, share = churned / opportunities;
  const auto model = make_contract_model("geometric");
  const LikelihoodFit fit = fit_contract_model(*model, tenures);
  EXPECT_NEAR(1 - std::exp(-fit.parameters[0]), share, 1e-8);
  EXPECT_NEAR(fit.log_likelihood, churned * std::log(share) + (opportunities - churned) * std::log1p(-share), 1e-9);
  const double d = 0.1, retention = 1 - share;
  EXPECT_NEAR(model->derl(fit.parameters, 5, d), retention / (1 - retention / (1 + d)), 1e-6);
}

TEST(ContractModels, DiscreteWeibullIsItsFormula) {
  const auto model = make_contract_model("discrete_weibull"), geometric = make_contract_model("geometric");
  const Parameters at{57.7, 0.604};
  for (const double t : {0.0, 1.0, 2.0, 12.0, 57.7, 400.0})
    EXPECT_NEAR(model->survival(at, t), std::exp(-std::pow(t / 57.7, 0.604)), 1e-14);
  for (const int t : {1, 2, 72}) {
    const double fall = std::pow(t / 57.7, 0.604) - std::pow((t - 1) / 57.7, 0.604);
    EXPECT_NEAR(model->retention(at, t), std::exp(-fall), 1e-14);
  }
  const std::vector<Tenure> tenures{{1, true, 0, 1}, {7, true, 0, 2}, {0, false, 0, 1}, {40, false, 5, 3}};
  EXPECT_NEAR(model->log_likelihood(Parameters{20, 1}, tenures, {}),
              geometric->log_likelihood(Parameters{0.05}, tenures, {}), 1e-12);
}

TEST(ContractModels, RefuseWhatTheyCannotFit) {
  const auto model = make_contract_model("sbg");
  EXPECT_THROW((void)tenures_of_cohort(std::array<double, 3>{100, 90, 91}), DataError);
  EXPECT_THROW((void)fit_contract_model(*model, std::vector<Tenure>{{0, true, 0, 100}}), DataError);
  EXPECT_THROW((void)fit_contract_model(*model, std::vector<Tenure>{{3, false, 4, 100}}), DataError);
  EXPECT_THROW((void)fit_contract_model(*model, std::vector<Tenure>{{3, false, 0, 100}}), DataError);
  EXPECT_THROW((void)fit_contract_model(*model, std::vector<Tenure>{{3, true, 0, 10}}), DataError);
  // All contracts alike: theta has no spread, alpha and beta run away.
  EXPECT_THROW((void)fit_contract_model(*model, tenures_of_cohort(std::array<double, 4>{1000, 500, 250, 125})),
               ModelError);
  EXPECT_THROW((void)make_contract_model("weibull"), ConfigError);
  for (const double t : {-1.0, std::nan(""), HUGE_VAL})
    EXPECT_THROW((void)model->survival(Parameters{.7, 1.2}, t), ConfigError) << t;
  EXPECT_THROW((void)model->retention(Parameters{.7, 1.2}, 0), ConfigError);
}

}  // namespace
}  // namespace clvsim
