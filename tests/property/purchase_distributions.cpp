// The predictive laws of purchases to come: their mean, what they are where t = 0, and that drawn customers follow
// them.
#include "tests/support/simulated.hpp"

#include <clvsim/error.hpp>
#include <clvsim/purchase_models.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

namespace clvsim {
namespace {

using test::Simulated;
using Parameters = std::vector<double>;

struct Model {
  const char* name;
  int k;
  Parameters parameters;
};
const std::vector<Model> models{{"pareto_nbd", 1, {0.6, 8, 0.8, 12}},  {"bg_nbd", 1, {0.4, 5, 0.9, 2.5}},
                                {"mbg_nbd", 1, {0.6, 5, 0.7, 2.5}},    {"bg_cnbd_k", 3, {0.8, 4, 0.8, 2.5}},
                                {"mbg_cnbd_k", 2, {0.8, 5, 0.8, 2.5}}, {"bg_bb", 1, {1.2, 0.8, 0.7, 2.8}},
                                {"pareto_nbd", 1, {3, 1.5, 0.7, 6}},   {"pareto_nbd", 1, {2, 60, 5, 90}}};

std::vector<PurchaseHistory> some_histories(bool whole) {
  if (whole) return {{0, 0, 0}, {0, 0, 12}, {1, 1, 12}, {3, 5, 9}, {12, 12, 12}, {40, 55, 60}};
  return {{0, 0, 0},       {0, 0, 40},      {1, 40, 40, 3.7},  {2, 3, 60, 0.4},  {7, 30, 38.86, 9.1},
          {60, 20, 39, 0}, {60, 38, 39, 0}, {300, 99, 100, 0}, {5, 0.001, 30, 0}};
}

TEST(PurchaseDistribution, AddsUpToOneAndToTheExpectation) {
  for (const Model& m : models) {
    const auto model = make_purchase_model(m.name, m.k);
    for (const PurchaseHistory& history : some_histories(std::string(m.name) == "bg_bb")) {
      for (const double t : {1., 10., 52.}) {
        SCOPED_TRACE(testing::Message() << m.name << ", x = " << history.x << ", T = " << history.T << ", t = " << t);
        const auto probability = model->purchase_distribution(m.parameters, history, t, 1500);
        ASSERT_EQ(probability.size(), 1501U);
        double sum = 0, mean = 0;
        for (std::size_t n = 0; n < probability.size(); ++n) {
          EXPECT_GE(probability[n], 0);
          sum += probability[n];
          mean += static_cast<double>(n) * probability[n];
        }
        EXPECT_NEAR(sum, 1, 1e-12);
        EXPECT_NEAR(mean / model->expected_purchases(m.parameters, history, t), 1, 1e-11);
      }
    }
  }
}

// Where it is asked for fewer n, it gives the same probabilities: they are no shares of what was asked for.
TEST(PurchaseDistribution, DoesNotDependOnHowFarItGoes) {
  for (const Model& m : models) {
    const auto model = make_purchase_model(m.name, m.k);
    for (const PurchaseHistory& history : some_histories(std::string(m.name) == "bg_bb")) {
      const auto far = model->purchase_distribution(m.parameters, history, 26, 200),
                 near = model->purchase_distribution(m.parameters, history, 26, 20);
      for (std::size_t n = 0; n < near.size(); ++n)
        EXPECT_NEAR(near[n], far[n], 1e-10 * far[n] + 1e-300) << m.name << ", x = " << history.x << ", n = " << n;
    }
  }
}

TEST(PurchaseDistribution, OfNoTimeIsNoPurchase) {
  for (const Model& m : models)
    EXPECT_EQ(make_purchase_model(m.name, m.k)->purchase_distribution(m.parameters, {2, 5, 9}, 0, 2),
              (std::vector<double>{1, 0, 0}))
        << m.name;
}

// Against the trapezoidal rule in ln w, each n by itself, also far out and after very many purchases.
TEST(PurchaseDistribution, OfParetoNbdIsTheIntegral) {
  const auto model = make_purchase_model("pareto_nbd");
  const Parameters p{0.6, 8, 0.8, 12};
  const double t = 52;
  for (const PurchaseHistory& history : {PurchaseHistory{0, 0, 0}, {3, 20, 39}, {2000, 38.99, 39}}) {
    const double shape = p[0] + history.x, buys = p[1] + history.T, stays = p[3] + history.T;
    const double alive = model->p_alive(p, history);
    const auto probability = model->purchase_distribution(p, history, t, 400);
    for (const int n : {0, 1, 2, 7, 45, 60, 150, 400}) {
      const double coefficient = std::lgamma(shape + n) - std::lgamma(shape) - std::lgamma(n + 1.0);
      const auto log_of_n = [&](double w) {
        return coefficient - shape * std::log1p(w / buys) + (n > 0 ? n * std::log(w / (buys + w)) : 0);
      };
      double sum = 0;
      constexpr int steps = 400000;
      constexpr double lowest = -40;
      const double step = (std::log(t) - lowest) / steps;
      for (int i = 0; i <= steps; ++i) {
        const double w = std::exp(lowest + step * i);
        sum += (i == steps ? 0.5 : 1) * w * std::exp(log_of_n(w) - (p[2] + 1) * std::log1p(w / stays));
      }
      const double expected =
          alive * (sum * step * p[2] / stays + std::exp(log_of_n(t) - p[2] * std::log1p(t / stays))) +
          (n == 0 ? 1 - alive : 0);
      EXPECT_NEAR(probability[static_cast<std::size_t>(n)] / expected, 1, 2e-7) << history.x << ", n = " << n;
    }
  }
}

// Drawn customers of any history, next to the sum of their distributions.
TEST_F(Simulated, PurchasesAheadFollowTheirDistribution) {
  for (const Model& m : models) {
    const bool whole = std::string(m.name) == "bg_bb";
    const auto model = make_purchase_model(m.name, m.k);
    constexpr int n_max = 12;
    std::vector<double> expected(n_max + 2), variance(n_max + 2);
    std::vector<int> drawn(n_max + 2);
    for (int i = 0; i < 20000; ++i) {
      const double t = whole ? 6 : 15;
      const auto customer = draw(m.name, m.k, m.parameters, whole ? 8 : 20 + i % 10, t);
      auto probability = model->purchase_distribution(m.parameters, customer.history, t, n_max);
      probability.push_back(1 - std::accumulate(probability.begin(), probability.end(), 0.0));
      for (std::size_t n = 0; n < probability.size(); ++n) {
        expected[n] += probability[n];
        variance[n] += probability[n] * (1 - probability[n]);
      }
      ++drawn[static_cast<std::size_t>(std::min(customer.ahead, n_max + 1))];
    }
    int n_tested = 0;
    for (std::size_t n = 0; n < expected.size(); ++n) {
      if (variance[n] < 20) continue;  // too few to be normal
      ++n_tested;
      // A normal is beyond 6.1 standard deviations with probability 1e-9.
      EXPECT_LT(std::abs(drawn[n] - expected[n]), 6.1 * std::sqrt(variance[n]))
          << m.name << " " << m.parameters[0] << ", n = " << n << ": " << drawn[n] << ", expected " << expected[n];
    }
    EXPECT_GE(n_tested, 3) << m.name;
  }
}

TEST(PurchaseDistribution, RefusesWhatIsNoTimeOrCount) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  for (const Model& m : models) {
    const auto model = make_purchase_model(m.name, m.k);
    const auto of = [&](double t, int n_max) { (void)model->purchase_distribution(m.parameters, {2, 5, 9}, t, n_max); };
    for (const double t : {-1.0, infinity, std::nan("")}) EXPECT_THROW(of(t, 3), ConfigError);
    EXPECT_THROW(of(1, -1), ConfigError);
    EXPECT_THROW(of(1, 10'001), ConfigError);
  }
  EXPECT_THROW((void)make_purchase_model("bg_bb")->purchase_distribution(models[5].parameters, {}, 10'001, 1),
               ConfigError);
  EXPECT_THROW((void)make_purchase_model("bg_nbd")->purchase_distribution(models[1].parameters, {}, 1e9, 1),
               ModelError);
  EXPECT_THROW((void)make_purchase_model("pareto_nbd")
                   ->purchase_distribution(models[0].parameters, {1'000'000'000, 38, 39}, 52, 1),
               ModelError);
}

}  // namespace
}  // namespace clvsim
