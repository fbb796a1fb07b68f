// Covariates: likelihoods and fits of models whose customers have parameters of their own.
#include "host/model/covariate_models.hpp"
#include "tests/support/simulated.hpp"

#include <clvsim/contract_models.hpp>
#include <clvsim/error.hpp>
#include <clvsim/purchase_models.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <string>
#include <vector>

namespace clvsim {
namespace {

using test::Simulated;
using testing::DoubleNear;
using testing::ElementsAre;
using testing::HasSubstr;

// Two covariates: one of a few values, one of 0 and 1.
CovariateTable small_table(std::vector<std::uint32_t>& row_of) {
  const std::vector<std::string> names{"visits", "member"};
  const std::vector<std::vector<double>> columns{{3, 1, 3, 2, 1}, {1, 0, 0, 1, 0}};
  return covariate_table(names, columns, row_of);
}

TEST(Covariates, TablesAreOfTheCustomersInAnyOrder) {
  std::vector<std::uint32_t> row_of;
  const CovariateTable table = small_table(row_of);
  EXPECT_THAT(table.values, ElementsAre(1, 0, 2, 1, 3, 0, 3, 1));
  EXPECT_THAT(row_of, ElementsAre(3u, 0u, 2u, 1u, 0u));
  EXPECT_DOUBLE_EQ(table.covariates[0].centre, 2);
  EXPECT_EQ(table.covariates[0].scale, 1);
  EXPECT_DOUBLE_EQ(table.covariates[1].centre, 0.4);

  const std::vector<std::string> names{"income", "share", "constant"};
  std::vector<std::vector<double>> columns{{20000, 40000, 90000}, {0.001, 0.002, 0.004}};
  const CovariateTable scaled = covariate_table({names.data(), 2}, columns, row_of);
  EXPECT_EQ(scaled.covariates[0].scale, 10000) << "a standard deviation of 29,439";
  EXPECT_EQ(scaled.covariates[1].scale, 0.001) << "of 0.00125";
  columns.push_back({7, 7, 7});
  EXPECT_THROW(covariate_table(names, columns, row_of), DataError);
}

TEST(Covariates, MoveTheParametersThatTheModelsName) {
  const std::vector<double> own{0.5, 8, 0.6, 11}, z{1.5, -2};
  const auto at = [&](const char* name, double first, double second) {
    const auto model = make_purchase_model(name);
    const CovariateParameters of(4, model->covariate_effects(), 2);
    std::vector<double> all = own;
    // visits on the purchase rate and the drop-out, then member
    for (const double effect : {first, 0.0, 0.0, second}) all.push_back(std::exp(effect));
    return of.of(all, z);
  };
  const double fewer = std::exp(-0.2 * 1.5), more = std::exp(0.3 * -2);
  EXPECT_THAT(at("pareto_nbd", 0.2, 0.3),
              ElementsAre(0.5, DoubleNear(8 * fewer, 1e-12), 0.6, DoubleNear(11 / more, 1e-11)))
      << "a higher rate has a smaller alpha, a higher drop-out rate a smaller beta";
  EXPECT_THAT(at("bg_nbd", 0.2, 0.3),
              ElementsAre(0.5, DoubleNear(8 * fewer, 1e-12), DoubleNear(0.6 * more, 1e-12), 11));
  EXPECT_THAT(at("bg_bb", 0.2, 0.3), ElementsAre(DoubleNear(0.5 / fewer, 1e-12), 8, DoubleNear(0.6 * more, 1e-12), 11));
}

template <class Model, class Item>
void expect_slopes_and_sum(const Model& model, const Model& base, const CovariateTable& table, std::vector<double> at,
                           const std::vector<Item>& items) {
  std::vector<double> gradient(at.size());
  const double value = model.log_likelihood(at, std::span<const Item>(items), gradient);
  for (std::size_t i = 0; i < at.size(); ++i) {
    constexpr double h = 1e-5;
    std::vector<double> up = at, down = at;
    up[i] *= std::exp(h);
    down[i] *= std::exp(-h);
    const double slope = (model.log_likelihood(up, std::span<const Item>(items), {}) -
                          model.log_likelihood(down, std::span<const Item>(items), {})) /
                         (2 * h);
    EXPECT_NEAR(gradient[i], slope, 1e-6 * (std::abs(value) + 1)) << model.name() << " parameter " << i;
  }
  // One customer after the other, each with the model's own parameters.
  double sum = 0;
  const std::size_t n_own = base.parameter_names().size(), n_effects = base.covariate_effects().size();
  for (const Item& item : items) {
    std::vector<double> own(at.begin(), at.begin() + static_cast<std::ptrdiff_t>(n_own));
    for (std::size_t e = 0; e < n_effects; ++e)
      for (std::size_t k = 0; k < 2; ++k)
        own[base.covariate_effects()[e].parameter] *= std::pow(
            at[n_own + k * n_effects + e], base.covariate_effects()[e].sign *
                                               (table.values[2 * item.covariates + k] - table.covariates[k].centre) /
                                               table.covariates[k].scale);
    sum += base.log_likelihood(own, std::span<const Item>(&item, 1), {});
  }
  EXPECT_NEAR(value, sum, 1e-10 * (std::abs(sum) + 1)) << model.name();
}

TEST(Covariates, LikelihoodsAreTheCustomersOwn) {
  std::vector<std::uint32_t> row_of;
  const CovariateTable table = small_table(row_of);
  for (const char* name : {"pareto_nbd", "bg_nbd", "mbg_nbd", "bg_bb"}) {
    const auto base = make_purchase_model(name);
    const CovariatePurchases model(*base, table);
    std::vector<PurchaseHistory> histories{{2, 3, 9}, {0, 0, 12}, {1, 8, 8}, {4, 7, 12}, {5, 9, 11}};
    for (std::size_t i = 0; i < histories.size(); ++i) histories[i].covariates = static_cast<std::uint32_t>(i) % 4;
    expect_slopes_and_sum<PurchaseModel>(model, *base, table, {0.7, 4, 0.6, 8, 1.3, 0.8, 0.6, 1.7}, histories);
    EXPECT_EQ(model.parameter_names()[4], std::string(base->covariate_effects()[0].name) + ".visits");
    EXPECT_FALSE(model.is_time(5));
  }
  for (const std::string_view name : contract_models()) {
    const auto base = make_contract_model(name);
    const CovariateContracts model(*base, table);
    std::vector<Tenure> tenures{{1, true}, {7, true}, {0, false}, {9, false}, {30, true}};
    for (std::size_t i = 0; i < tenures.size(); ++i) tenures[i].covariates = static_cast<std::uint32_t>(i) % 4;
    std::vector<double> at{0.7, 5, 1.2};
    at.resize(base->parameter_names().size());
    at.insert(at.end(), {1.4, 0.5});
    expect_slopes_and_sum<ContractModel>(model, *base, table, at, tenures);
  }
}

// Customers with drawn covariates, each drawn with its own parameters.
TEST_F(Simulated, FitsFindTheEffectsOfCovariates) {
  struct Case {
    const char* name;
    std::vector<double> truth;  // the model's own at the centres, then of each covariate its effects
  };
  const std::vector<Case> cases{{"pareto_nbd", {0.8, 6, 0.7, 14, 0.4, -0.5, 0.3, 0.6}},
                                {"mbg_nbd", {0.9, 6, 0.6, 2.0, 0.4, -0.5, 0.3, 0.6}},
                                {"bg_bb", {1.2, 2, 0.7, 6, 0.4, -0.5, 0.3, 0.6}}};
  constexpr int n = 4000;
  for (const Case& c : cases) {
    const auto model = make_purchase_model(c.name);
    const auto effects = model->covariate_effects();
    std::vector<std::vector<double>> columns(2);
    for (int i = 0; i < n; ++i) {
      columns[0].push_back(std::round(std::normal_distribution<double>()(random) * 4) / 4);
      columns[1].push_back(happens(0.3) ? 1 : 0);
    }
    std::vector<std::uint32_t> row_of;
    const std::vector<std::string> names{"visits", "member"};
    const CovariateTable table = covariate_table(names, columns, row_of);
    std::vector<PurchaseHistory> histories;
    for (std::size_t i = 0; i < n; ++i) {
      std::vector<double> own(c.truth.begin(), c.truth.begin() + 4);
      for (std::size_t e = 0; e < 2; ++e)
        own[effects[e].parameter] *=
            std::exp(effects[e].sign * (c.truth[4 + e] * (columns[0][i] - table.covariates[0].centre) +
                                        c.truth[6 + e] * (columns[1][i] - table.covariates[1].centre)));
      histories.push_back(history(c.name, 1, own, 40));
      histories.back().covariates = row_of[i];
    }
    const LikelihoodFit fit = fit_purchase_model(*model, table, histories);
    ASSERT_EQ(fit.parameters.size(), 8u);
    for (std::size_t i = 0; i < 8; ++i) {
      const double estimate = std::log(fit.parameters[i]), error = std::sqrt(fit.log_covariance[i * 9]);
      const double truth = i < 4 ? std::log(c.truth[i]) : c.truth[i];
      EXPECT_LE(std::abs(estimate - truth), 4 * error) << c.name << " " << fit.names[i];
      if (i >= 4) {
        EXPECT_LE(error, 0.15) << c.name << " " << fit.names[i];
      }
    }
    // They matter: twice the gain is far beyond its four degrees of freedom.
    const double gain = fit.log_likelihood - fit_purchase_model(*model, histories).log_likelihood;
    EXPECT_GT(gain, 50) << c.name;
    // The order of the customers does not.
    std::reverse(histories.begin(), histories.end());
    EXPECT_EQ(fit_purchase_model(*model, table, histories).parameters, fit.parameters);
  }
}

TEST_F(Simulated, ContractFitsFindTheEffectsOfCovariates) {
  std::vector<std::vector<double>> columns(1);
  constexpr int n = 6000;
  for (int i = 0; i < n; ++i) columns[0].push_back(std::round(std::normal_distribution<double>(30, 8)(random)));
  std::vector<std::uint32_t> row_of;
  const std::vector<std::string> names{"age"};
  const CovariateTable table = covariate_table(names, columns, row_of);
  std::vector<Tenure> tenures;
  for (std::size_t i = 0; i < n; ++i) {
    const double churn = beta(0.8 * std::exp(-0.04 * (columns[0][i] - table.covariates[0].centre)), 6);
    Tenure& tenure = tenures.emplace_back();
    tenure.covariates = row_of[i];
    while (tenure.renewals < 24 && !tenure.churned) {
      ++tenure.renewals;
      tenure.churned = happens(churn);
    }
  }
  const LikelihoodFit fit = fit_contract_model(*make_contract_model("sbg"), table, tenures);
  ASSERT_THAT(fit.names, ElementsAre("alpha", "beta", "churn.age"));
  EXPECT_LE(std::abs(fit.parameters[0] - 0.8), 4 * fit.standard_errors[0]);
  EXPECT_LE(std::abs(fit.parameters[1] - 6), 4 * fit.standard_errors[1]);
  EXPECT_LE(std::abs(std::log(fit.parameters[2]) + 0.04), 4 * fit.standard_errors[2]);
  EXPECT_LE(fit.standard_errors[2], 0.01);
}

TEST_F(Simulated, CovariatesThatFollowFromOneAnotherAreRefused) {
  std::vector<std::vector<double>> columns(2);
  std::vector<PurchaseHistory> histories;
  for (int i = 0; i < 500; ++i) {
    columns[0].push_back(happens(0.5) ? 1 : 0);
    columns[1].push_back(1 - columns[0].back());
    histories.push_back(history("mbg_nbd", 1, {0.9, 6, 0.6, 2.0}, 40));
  }
  std::vector<std::uint32_t> row_of;
  const std::vector<std::string> names{"member", "guest"};
  const CovariateTable table = covariate_table(names, columns, row_of);
  for (std::size_t i = 0; i < histories.size(); ++i) histories[i].covariates = row_of[i];
  try {
    (void)fit_purchase_model(*make_purchase_model("mbg_nbd"), table, histories);
    ADD_FAILURE() << "was fitted";
  } catch (const ModelError& error) {
    EXPECT_THAT(error.what(), HasSubstr("covariates may follow from one another"));
  }
  histories[3].covariates = 9;
  EXPECT_THROW((void)fit_purchase_model(*make_purchase_model("mbg_nbd"), table, histories), DataError);
}

}  // namespace
}  // namespace clvsim
