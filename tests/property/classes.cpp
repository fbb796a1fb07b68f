// Latent classes of customers, whose purchases and spend are fitted together.
#include "host/fit/class_fit.hpp"
#include "tests/support/simulated.hpp"

#include <clvsim/behaviour_model.hpp>
#include <clvsim/error.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

namespace clvsim {
namespace {

using test::Simulated;
using testing::HasSubstr;

const std::vector<double> two_classes{0.8, 7, 0.6, 9, 6, 4, 15, 1.1, 2.5, 0.5, 14, 5, 6, 50, 0.4};

std::vector<JointHistory> some_histories() {
  std::vector<JointHistory> rows{{{2, 3, 9}, {2, 12}, 1},
                                 {{0, 0, 12}, {}, 2},
                                 {{1, 8, 8}, {1, 70}, 1},
                                 {{4, 7, 12}, {3, 31}, 3},
                                 {{5, 9, 11}, {}, 1}};
  return rows;
}

TEST(ClassLikelihood, IsTheMixtureAndItsGradientItsSlopes) {
  for (const char* name : {"pareto_nbd", "bg_nbd", "bg_bb"}) {
    const auto model = make_purchase_model(name);
    const auto rows = some_histories();
    std::vector<double> at = two_classes, gradient(at.size());
    const double value = class_log_likelihood(*model, 2, at, rows, gradient);
    double sum = 0;
    for (const JointHistory& h : rows) {
      const auto of = [&](std::size_t first) {
        const GammaGamma law{at[first + 4], at[first + 5], at[first + 6]};
        double log_mass = model->log_likelihood(std::span(at).subspan(first, 4), {&h.purchases, 1}, {});
        if (h.spend.x > 0) log_mass += law.log_likelihood({&h.spend, 1}, {});
        return std::exp(log_mass);
      };
      sum += h.weight * std::log((of(0) + 0.4 * of(7)) / 1.4);
    }
    EXPECT_NEAR(value, sum, 1e-10 * std::abs(sum)) << name;
    for (std::size_t i = 0; i < at.size(); ++i) {
      constexpr double h = 1e-5;
      std::vector<double> up = at, down = at;
      up[i] *= std::exp(h);
      down[i] *= std::exp(-h);
      const double slope =
          (class_log_likelihood(*model, 2, up, rows, {}) - class_log_likelihood(*model, 2, down, rows, {})) / (2 * h);
      EXPECT_NEAR(gradient[i], slope, 1e-7 * (std::abs(value) + 1)) << name << " " << i;
    }
  }
}

struct Drawn : Simulated {
  // Customers of the classes of `at`, and what they spent.
  std::vector<JointHistory> draw(const std::string& name, const std::vector<double>& at, int n) {
    std::vector<JointHistory> rows;
    for (int i = 0; i < n; ++i) {
      const std::size_t first = happens(at[14] / (1 + at[14])) ? 7 : 0;
      JointHistory& row = rows.emplace_back();
      row.purchases =
          history(name, 1, {at.begin() + static_cast<long>(first), at.begin() + static_cast<long>(first) + 4}, 40);
      const double rate = gamma(at[first + 5], at[first + 6]);
      row.spend.x = row.purchases.x;
      if (row.spend.x > 0) row.spend.mean = gamma(at[first + 4] * row.spend.x, rate) / row.spend.x;
    }
    return rows;
  }
  LikelihoodFit fit(const std::string& name, const std::vector<JointHistory>& rows, std::size_t n_classes) {
    const auto model = make_purchase_model(name);
    std::vector<PurchaseHistory> purchases;
    std::vector<SpendHistory> spends;
    for (const JointHistory& row : rows) {
      purchases.push_back(row.purchases);
      if (row.spend.x > 0) spends.push_back(row.spend);
    }
    const LikelihoodFit of_purchases = fit_purchase_model(*model, purchases), of_spend = fit_gamma_gamma(spends);
    one_class = of_purchases.log_likelihood + of_spend.log_likelihood;
    return fit_classes(*model, n_classes, rows, of_purchases,
                       {of_spend.parameters[0], of_spend.parameters[1], of_spend.parameters[2]}, {});
  }
  double one_class = 0;  // log-likelihood
};

TEST_F(Drawn, FitsFindTheClasses) {
  for (const char* name : {"pareto_nbd", "mbg_nbd"}) {
    std::vector<JointHistory> rows = draw(name, two_classes, 6000);
    const LikelihoodFit found = fit(name, rows, 2);
    ASSERT_EQ(found.parameters.size(), 15u);
    // The classes may come in either order.
    const bool swapped = found.parameters[6] > found.parameters[13];
    for (std::size_t i = 0; i < 15; ++i) {
      const std::size_t at = i == 14 || !swapped ? i : i < 7 ? i + 7 : i - 7;
      const double truth = std::log(two_classes[i]) * (i == 14 && swapped ? -1 : 1);
      const double error = std::sqrt(found.log_covariance[at * 16]);
      EXPECT_LE(std::abs(std::log(found.parameters[at]) - truth), 4 * error) << name << ' ' << found.names[at];
    }
    EXPECT_GT(found.log_likelihood - one_class, 50) << name;
    std::reverse(rows.begin(), rows.end());
    EXPECT_EQ(fit(name, rows, 2).parameters, found.parameters) << "the order of the customers does not matter";
    const std::vector<ModelClass> classes = classes_of(found, 4);
    ASSERT_EQ(classes.size(), 1u);
    EXPECT_EQ(classes[0].odds, found.parameters[14]);
    EXPECT_EQ(classes[0].spend[2], found.parameters[13]);
  }
}

// Customers of one class fall into no two: refused, or with the higher BIC.
TEST_F(Drawn, CustomersOfOneClassAreNotTwo) {
  std::vector<double> one = two_classes;
  one[14] = 1e-12;
  const std::vector<JointHistory> rows = draw("mbg_nbd", one, 3000);
  try {
    const LikelihoodFit found = fit("mbg_nbd", rows, 2);
    const double gain = 2 * (found.log_likelihood - one_class);
    EXPECT_LT(gain, 8 * std::log(3000)) << "eight parameters more";
  } catch (const ModelError& error) {
    EXPECT_THAT(error.what(), HasSubstr("--classes"));
  }
}

// Times in days instead of weeks and amounts in cents change the units of the parameters alone.
TEST_F(Drawn, UnitsDoNotMatter) {
  std::vector<JointHistory> rows = draw("mbg_nbd", two_classes, 3000);
  const LikelihoodFit weeks = fit("mbg_nbd", rows, 2);
  for (JointHistory& row : rows) {
    row.purchases.t_x *= 7;
    row.purchases.T *= 7;
    row.spend.mean *= 100;
  }
  const LikelihoodFit days = fit("mbg_nbd", rows, 2);
  for (std::size_t i = 0; i < 15; ++i) {
    const double unit = i == 1 || i == 8 ? 7 : i == 6 || i == 13 ? 100 : 1;
    EXPECT_NEAR(days.parameters[i] / weeks.parameters[i] / unit, 1, 1e-5) << weeks.names[i];
  }
}

}  // namespace
}  // namespace clvsim
