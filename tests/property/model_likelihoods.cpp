// What holds for every model, whatever its formulas: gradients are slopes, probabilities add up, units and the order of
// the customers do not matter, and a fit finds the parameters that drew the data.
#include "tests/support/simulated.hpp"

#include <clvsim/contract_models.hpp>
#include <clvsim/error.hpp>
#include <clvsim/gamma_gamma.hpp>
#include <clvsim/log_normal.hpp>
#include <clvsim/purchase_models.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace clvsim {
namespace {

using test::Simulated;
using Parameters = std::vector<double>;
using Likelihood = std::function<double(const Parameters&, std::span<double>)>;

// Central differences by the logarithms of the parameters. The likelihood is a sum of terms that cancel, of some
// ln T for each of `n_events`.
void expect_slopes(const Likelihood& likelihood, const Parameters& at, double n_events = 0) {
  constexpr double h = 1e-5;
  std::vector<double> gradient(at.size());
  const double value = likelihood(at, gradient);
  for (std::size_t i = 0; i < at.size(); ++i) {
    Parameters up = at, down = at;
    up[i] *= std::exp(h);
    down[i] *= std::exp(-h);
    const double slope = (likelihood(up, {}) - likelihood(down, {})) / (2 * h);
    EXPECT_NEAR(gradient[i], slope, 2e-8 * (std::abs(value) + std::abs(slope) + 1) + 1e-9 * n_events)
        << "parameter " << i;
  }
}

// The corners: nothing bought, bought at the end, often, and hardly observed.
std::vector<PurchaseHistory> corner_histories(bool whole) {
  if (whole) return {{0, 0, 1}, {0, 0, 12}, {1, 1, 1}, {1, 1, 12}, {3, 5, 9}, {12, 12, 12}, {40, 55, 60}};
  return {{0, 0, 40},          {0, 0, 0.01},      {1, 39.9, 40, 1.2},   {1, 40, 40, 3.7},   {2, 3, 200, 0.4},
          {7, 30, 38.86, 9.1}, {60, 20, 39, -60}, {300, 99, 100, -330}, {5, 0.001, 30, -45}};
}

std::vector<std::unique_ptr<PurchaseModel>> all_models() {
  std::vector<std::unique_ptr<PurchaseModel>> all;
  for (const char* name : {"pareto_nbd", "bg_nbd", "mbg_nbd", "bg_bb"}) all.push_back(make_purchase_model(name));
  for (const int k : {2, 3, 5}) {
    all.push_back(make_purchase_model("bg_cnbd_k", k));
    all.push_back(make_purchase_model("mbg_cnbd_k", k));
  }
  return all;
}

const std::vector<Parameters> places{
    {0.25, 4.4, 0.8, 2.4}, {0.55, 10.6, 0.6, 11.7}, {3, 0.4, 1.7, 0.2}, {0.05, 60, 5, 90}, {1, 5, 1, 5}};

TEST(Likelihoods, GradientsAreSlopes) {
  for (const auto& model : all_models()) {
    for (const Parameters& at : places) {
      for (const PurchaseHistory& history : corner_histories(model->name() == "bg_bb")) {
        SCOPED_TRACE(testing::Message() << model->name() << " r = " << at[0] << ", x = " << history.x
                                        << ", T = " << history.T);
        expect_slopes(
            [&](const Parameters& p, std::span<double> g) {
              return model->log_likelihood(p, {&history, 1}, g);
            },
            at, history.x);
      }
    }
  }
}

TEST(Likelihoods, ContractGradientsAreSlopes) {
  const std::vector<Tenure> tenures{{1, true, 0, 1},  {7, true, 0, 1}, {0, false, 0, 1},
                                    {9, false, 0, 1}, {6, true, 3, 1}, {40, false, 5, 1}};
  for (const std::string_view name : contract_models()) {
    const auto model = make_contract_model(name);
    std::vector<Parameters> at_places{{.7, 1.2, 1.3}, {.05, .02, .6}, {6, 300, 1}};
    if (name == "geometric") at_places = {{.7}, {.05}, {2}};
    if (name == "discrete_weibull") at_places = {{58, .6}, {110, 2.6}, {3, 1}};
    for (Parameters at : at_places) {
      at.resize(model->parameter_names().size());
      for (const Tenure& tenure : tenures)
        expect_slopes(
            [&](const Parameters& p, std::span<double> g) {
              return model->log_likelihood(p, {&tenure, 1}, g);
            },
            at);
    }
  }
}

TEST(Likelihoods, SpendGradientsAreSlopes) {
  for (const Parameters& at : {Parameters{6.2, 3.7, 15}, {0.3, 1.1, 200}})
    for (const SpendHistory& history : {SpendHistory{1, 30}, SpendHistory{40, 0.5}, SpendHistory{3, 9000}})
      expect_slopes(
          [&](const Parameters& p, std::span<double> g) {
            return GammaGamma{p[0], p[1], p[2]}.log_likelihood({&history, 1}, g);
          },
          at);
}

SpendHistory of_amounts(const std::vector<double>& amounts) {
  SpendHistory history;
  history.x = static_cast<std::int32_t>(amounts.size());
  for (const double amount : amounts) {
    history.mean += amount / history.x;
    history.log_mean += std::log(amount) / history.x;
  }
  for (const double amount : amounts) history.log_squares += std::pow(std::log(amount) - history.log_mean, 2);
  return history;
}

TEST(Likelihoods, LogNormalGradientsAreSlopes) {
  for (const Parameters& at : {Parameters{27, 0.46, 0.58}, {300, 1.4, 0.2}})
    for (const SpendHistory& history :
         {of_amounts({30}), of_amounts({0.5, 0.6, 2}), of_amounts(std::vector<double>(40, 9000))})
      expect_slopes(
          [&](const Parameters& p, std::span<double> g) {
            return LogNormalSpend{p[0], p[1], p[2]}.log_likelihood({&history, 1}, g);
          },
          at);
}

// The amounts of a customer are lognormal together: by the density of two correlated normals.
TEST(Likelihoods, OfLogNormalSpendIsTheJointDensity) {
  constexpr double pi = 3.14159265358979323846;
  const LogNormalSpend law{25, 0.5, 0.7};
  const double variance = 0.5 * 0.5 + 0.7 * 0.7, correlation = 0.5 * 0.5 / variance;
  for (const auto& [a, b] : {std::pair(10.0, 40.0), std::pair(25.0, 24.0), std::pair(900.0, 2.0)}) {
    const double u = std::log(a / 25) / std::sqrt(variance), v = std::log(b / 25) / std::sqrt(variance);
    const double quadratic = (u * u - 2 * correlation * u * v + v * v) / (1 - correlation * correlation);
    const double expected = -std::log(2 * pi * variance * std::sqrt(1 - correlation * correlation)) - quadratic / 2 -
                            std::log(a) - std::log(b);
    const SpendHistory history = of_amounts({a, b});
    EXPECT_NEAR(law.log_likelihood({&history, 1}, {}), expected, 1e-11 * std::abs(expected));
  }
  // Given them, the level is normal, and the next amount has the mean of its own lognormal law.
  const auto level = law.level(of_amounts({10, 40}));
  const double precision = 1 / 0.25 + 2 / 0.49;
  EXPECT_NEAR(level.mean, (std::log(25) / 0.25 + (std::log(10) + std::log(40)) / 0.49) / precision, 1e-13);
  EXPECT_NEAR(level.sd, 1 / std::sqrt(precision), 1e-15);
  EXPECT_NEAR(law.expected_spend({}), 25 * std::exp(variance / 2), 1e-12);
}

TEST(Likelihoods, LogNormalFitsFindTheTruth) {
  std::mt19937_64 random(3);
  const auto normal = [&] { return std::normal_distribution<double>()(random); };
  std::vector<SpendHistory> histories, in_cents;
  for (int i = 0; i < 3000; ++i) {
    std::vector<double> amounts;
    const double level = std::log(27) + 0.46 * normal();
    for (int k = 0; k < 1 + i % 4; ++k) amounts.push_back(std::exp(level + 0.58 * normal()));
    histories.push_back(of_amounts(amounts));
    for (double& amount : amounts) amount *= 100;
    in_cents.push_back(of_amounts(amounts));
  }
  const LikelihoodFit fit = fit_log_normal(histories);
  const double truth[] = {27, 0.46, 0.58};
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_NEAR(fit.parameters[i], truth[i], 4 * fit.standard_errors[i]) << fit.names[i];
    EXPECT_LT(fit.standard_errors[i], 0.05 * truth[i]) << fit.names[i];
  }
  const LikelihoodFit cents = fit_log_normal(in_cents);
  EXPECT_NEAR(cents.parameters[0], 100 * fit.parameters[0], 1e-4 * fit.parameters[0]);
  EXPECT_NEAR(cents.parameters[1], fit.parameters[1], 1e-6);
}

// Of BG/BB every history of n opportunities: there are finitely many.
TEST(BgBbProperty, ProbabilitiesOfAllHistoriesAddUpToOne) {
  const auto model = make_purchase_model("bg_bb");
  for (const Parameters& at : places) {
    const int n = 7;
    double sum = 0;
    for (int x = 0; x <= n; ++x) {
      for (int last = x; last <= n; ++last) {
        if ((x == 0) != (last == 0)) continue;
        const PurchaseHistory history{x, static_cast<double>(last), n};
        // Ways to place the other x - 1 purchases before the last.
        const double ways = x < 2 ? 1 : std::exp(std::lgamma(last) - std::lgamma(x) - std::lgamma(last - x + 1));
        sum += ways * std::exp(model->log_likelihood(at, {&history, 1}, {}));
      }
    }
    EXPECT_NEAR(sum, 1, 1e-12);
  }
}

TEST(PurchaseModelProperty, AliveAndExpectedAreInRangeAndGrowWithTime) {
  for (const auto& model : all_models()) {
    for (const Parameters& at : places) {
      for (const PurchaseHistory& history : corner_histories(model->name() == "bg_bb")) {
        SCOPED_TRACE(testing::Message() << model->name() << " r = " << at[0] << ", x = " << history.x
                                        << ", T = " << history.T);
        const double alive = model->p_alive(at, history);
        EXPECT_GE(alive, 0);
        EXPECT_LE(alive, 1);
        EXPECT_EQ(model->expected_purchases(at, history, 0), 0);
        double before = 0;
        for (const double t : {1., 4., 30., 300.}) {
          const double expected = model->expected_purchases(at, history, t);
          EXPECT_GE(expected, before * (1 - 1e-12));
          EXPECT_TRUE(std::isfinite(expected));
          before = expected;
        }
      }
    }
  }
}

// Where the last purchase is at the end, a customer of the models without a drop-out at purchases is alive.
TEST(PurchaseModelProperty, WhoBuysAtTheEndIsAlive) {
  const auto pareto = make_purchase_model("pareto_nbd"), bb = make_purchase_model("bg_bb");
  EXPECT_EQ(pareto->p_alive(places[1], {4, 30, 30}), 1);
  EXPECT_EQ(bb->p_alive(places[1], {4, 30, 30}), 1);
  EXPECT_EQ(make_purchase_model("bg_nbd")->p_alive(places[0], {0, 0, 300}), 1) << "none drops out before a purchase";
}

TEST(PurchaseModelProperty, KOneIsTheModelWithoutPhases) {
  for (const PurchaseHistory& history : corner_histories(false)) {
    for (const auto& [one, phases] : {std::pair{"bg_nbd", "bg_cnbd_k"}, {"mbg_nbd", "mbg_cnbd_k"}})
      EXPECT_EQ(make_purchase_model(one)->log_likelihood(places[0], {&history, 1}, {}),
                make_purchase_model(phases, 1)->log_likelihood(places[0], {&history, 1}, {}));
  }
}

// BG/NBD's expectation as the hypergeometric function that the paper prints, by its series.
double expected_by_hypergeometric(const Parameters& p, const PurchaseHistory& h, double alive, double t) {
  const double r = p[0], alpha = p[1], a = p[2], b = p[3], z = t / (alpha + h.T + t);
  const double first = r + h.x, second = b + h.x, third = a + b + h.x - 1;
  double term = 1, sum = 1;
  for (int n = 0; n < 100000 && term > 1e-18 * sum; ++n) {
    term *= (first + n) * (second + n) / ((third + n) * (n + 1)) * z;
    sum += term;
  }
  return alive * third / (a - 1) * (1 - std::pow((alpha + h.T) / (alpha + h.T + t), first) * sum);
}

TEST(BgNbdProperty, ExpectsWhatThePapersFormulaSays) {
  const auto model = make_purchase_model("bg_nbd");
  for (const Parameters& at : places) {
    if (at[2] == 1) continue;  // the formula is 0 / 0 there
    for (const PurchaseHistory& history : {PurchaseHistory{0, 0, 39}, {2, 30.43, 38.86}, {9, 12, 31}, {26, 30, 31}}) {
      for (const double t : {0.5, 10., 78.}) {
        const double expected = expected_by_hypergeometric(at, history, model->p_alive(at, history), t);
        EXPECT_NEAR(model->expected_purchases(at, history, t), expected, 1e-9 * std::abs(expected) + 1e-12)
            << at[2] << " " << history.x << " " << t;
      }
    }
  }
}

// DERT is the integral of the discounted slope of the expected purchases.
TEST(ParetoNbdProperty, DertIsTheDiscountedIntegralOfTheExpectation) {
  const auto model = make_purchase_model("pareto_nbd");
  for (const Parameters& at : places) {
    const PurchaseHistory history{3, 20, 39};
    const double delta = 0.05;
    double sum = 0;
    constexpr int n = 60000;
    constexpr double step = 0.01;
    for (int i = 0; i < n; ++i)
      sum += std::exp(-delta * step * (i + 0.5)) * (model->expected_purchases(at, history, step * (i + 1)) -
                                                    model->expected_purchases(at, history, step * i));
    EXPECT_NEAR(*model->dert(at, history, delta) / sum, 1, 1e-6);
  }
}

// Ranges of t over many orders of magnitude, against the trapezoidal rule in the logarithm of tau.
TEST(ParetoNbdProperty, IntegratesOverManyOrdersOfMagnitude) {
  const auto model = make_purchase_model("pareto_nbd");
  const std::vector<std::pair<Parameters, double>> cases{{{.1, .05, .5, 50}, 500},   {{.1, .5, .5, 50}, 700},
                                                         {{.3, 1, .5, 100}, 1000},   {{.05, .001, .2, 30}, 700},
                                                         {{.5, 20, .05, 1e-4}, 500}, {{.5, 20, .05, 1e-6}, 500}};
  for (const auto& [p, T] : cases) {
    const double first = std::min(p[1], p[3]), length = std::log1p(T / first);
    constexpr int n = 2000000;
    double sum = 0;
    for (int i = 0; i <= n; ++i) {
      const double grown = std::exp(length * i / n), tau = first * (grown - 1);
      const double term = std::pow(p[1] + tau, -p[0]) * std::pow(p[3] + tau, -p[2] - 1) * first * grown;
      sum += i == 0 || i == n ? term / 2 : term;
    }
    const double odds = p[2] * sum * length / n * std::pow(p[1] + T, p[0]) * std::pow(p[3] + T, p[2]);
    EXPECT_NEAR(model->p_alive(p, {0, 0, T}) * (1 + odds), 1, 2e-10) << p[1] << " " << p[3];
  }
}

TEST_F(Simulated, FitsFindTheParametersWithinTheirErrors) {
  struct Case {
    const char* name;
    int k;
    Parameters truth;
  };
  for (const Case& c : {Case{"pareto_nbd", 1, {0.6, 8, 0.8, 12}},
                        {"bg_nbd", 1, {0.4, 5, 0.9, 2.5}},
                        {"mbg_nbd", 1, {0.6, 5, 0.7, 2.5}},
                        {"bg_cnbd_k", 3, {0.8, 4, 0.8, 2.5}},
                        {"mbg_cnbd_k", 2, {0.8, 5, 0.8, 2.5}},
                        {"bg_bb", 1, {1.2, 0.8, 0.7, 2.8}}}) {
    SCOPED_TRACE(c.name);
    std::vector<PurchaseHistory> histories;
    std::uniform_real_distribution<double> observed(20, 60);
    for (int i = 0; i < 8000; ++i)
      histories.push_back(history(c.name, c.k, c.truth, std::string(c.name) == "bg_bb" ? 10 : observed(random)));
    const auto model = make_purchase_model(c.name, c.k);
    const LikelihoodFit fit = fit_purchase_model(*model, histories);
    EXPECT_EQ(fit.n_agreeing, fit.n_starts);
    // Four parameters jointly: the squared distance in the metric of the covariance is chi-squared with 4 degrees of
    // freedom, above 37.3 with probability 1.5e-7.
    std::vector<double> off(4);
    for (std::size_t i = 0; i < 4; ++i) off[i] = std::log(c.truth[i] / fit.parameters[i]);
    // Solves covariance * y = off by Gaussian elimination.
    std::vector<std::vector<double>> rows(4, std::vector<double>(5));
    for (std::size_t i = 0; i < 4; ++i) {
      for (std::size_t j = 0; j < 4; ++j) rows[i][j] = fit.log_covariance[4 * i + j];
      rows[i][4] = off[i];
    }
    for (std::size_t i = 0; i < 4; ++i)
      for (std::size_t j = 0; j < 4; ++j) {
        if (i == j) continue;
        const double factor = rows[j][i] / rows[i][i];
        for (std::size_t l = 0; l < 5; ++l) rows[j][l] -= factor * rows[i][l];
      }
    double distance = 0;
    for (std::size_t i = 0; i < 4; ++i) distance += off[i] * rows[i][4] / rows[i][i];
    EXPECT_LT(distance, 37.3);
    EXPECT_GT(distance, 0.01);
    for (const double error : fit.standard_errors) EXPECT_GT(error, 0);

    // Order and duplicates of the customers do not matter.
    std::vector<PurchaseHistory> shuffled = histories;
    std::shuffle(shuffled.begin(), shuffled.end(), random);
    EXPECT_EQ(fit_purchase_model(*model, shuffled).parameters, fit.parameters);
  }
}

// Of a history only the sum of the logarithms of its gaps differs: the likelihood's slopes are the same.
TEST_F(Simulated, FitsMergeHistoriesThatDifferInTheirGapsAlone) {
  const Parameters truth{0.8, 4, 0.8, 2.5};
  std::vector<PurchaseHistory> histories;
  for (int i = 0; i < 400; ++i) {
    histories.push_back(history("bg_cnbd_k", 2, truth, 30));
    histories.push_back(histories.back());
    histories.back().log_gaps -= 0.25 * histories.back().x;
  }
  const auto model = make_purchase_model("bg_cnbd_k", 2);
  const LikelihoodFit fit = fit_purchase_model(*model, histories);
  EXPECT_LE(fit.n_unique, 400);
  EXPECT_EQ(fit.n_customers, 800);
  EXPECT_NEAR(fit.log_likelihood / model->log_likelihood(fit.parameters, histories, {}), 1, 1e-14);
  EXPECT_NEAR(fit.aic, 8 - 2 * fit.log_likelihood, 1e-9);
}

// The same fit in another unit, `factor` times smaller, of which `shares` say how each parameter scales. By a power of
// two it is the same to the last bit; the log-likelihood moves by `n_densities` ln(factor).
void expect_same_fit(const LikelihoodFit& fit, const LikelihoodFit& other, double factor, const Parameters& powers,
                     double n_densities) {
  SCOPED_TRACE(testing::Message() << fit.model << " times " << factor);
  int exponent = 0;
  const bool exact = std::frexp(factor, &exponent) == 0.5;
  for (std::size_t i = 0; i < fit.parameters.size(); ++i) {
    const double scale = std::pow(factor, powers[i]), error = fit.standard_errors[i];
    EXPECT_NEAR(other.parameters[i] / scale, fit.parameters[i], exact ? 0 : 1e-4 * error) << fit.names[i];
    EXPECT_NEAR(other.standard_errors[i] / scale / error, 1, exact ? 0 : 1e-4) << fit.names[i];
  }
  EXPECT_NEAR(other.log_likelihood + n_densities * std::log(factor), fit.log_likelihood,
              2e-9 + 1e-14 * std::abs(other.log_likelihood));
  EXPECT_NEAR(other.aic, 2 * static_cast<double>(fit.parameters.size()) - 2 * other.log_likelihood, 1e-9);
}

// Weeks, days, seconds, nanoseconds and millennia.
TEST_F(Simulated, FitsDoNotDependOnTheUnitOfTime) {
  for (const auto& [name, k] : {std::pair{"pareto_nbd", 1}, {"bg_nbd", 1}, {"mbg_nbd", 1}, {"bg_cnbd_k", 3}}) {
    std::vector<PurchaseHistory> histories;
    double n_phases = 0;
    for (int i = 0; i < 1500; ++i) {
      histories.push_back(history(name, k, {0.6, 8, 0.8, 12}, 20 + i % 20));
      n_phases += k * histories.back().x;
    }
    const auto model = make_purchase_model(name, k);
    const LikelihoodFit fit = fit_purchase_model(*model, histories);
    for (const double factor : {7., 604800., 6.048e14, 1e-5, 0x1p20, 0x1p-40}) {
      std::vector<PurchaseHistory> scaled = histories;
      for (PurchaseHistory& h : scaled) {
        h.t_x *= factor;
        h.T *= factor;
        h.log_gaps += h.x * std::log(factor);
      }
      // The gaps take (k - 1) x of the dimension back.
      expect_same_fit(fit, fit_purchase_model(*model, scaled), factor, {0, 1, 0, model->is_time(3) ? 1. : 0},
                      n_phases / k);
    }
  }
}

TEST_F(Simulated, SpendFitsDoNotDependOnTheUnitOfMoney) {
  std::vector<SpendHistory> histories;
  for (int i = 0; i < 1500; ++i) {
    const int x = 1 + i % 5;
    histories.push_back({x, gamma(6 * x, gamma(4, 15)) / x});
  }
  const LikelihoodFit fit = fit_gamma_gamma(histories);
  for (const double factor : {1e9, 1e-6, 0x1p30, 0x1p-20}) {
    std::vector<SpendHistory> scaled = histories;
    for (SpendHistory& h : scaled) h.mean *= factor;
    expect_same_fit(fit, fit_gamma_gamma(scaled), factor, {0, 0, 1}, 1500);
  }
}

// P(alive) of drawn customers, in groups, is the share that is alive.
TEST_F(Simulated, PAliveIsCalibrated) {
  const auto model = make_purchase_model("pareto_nbd");
  const Parameters p{0.6, 8, 0.8, 12};
  std::array<double, 5> expected{}, alive{}, variance{};
  for (int i = 0; i < 60000; ++i) {
    const double rate = gamma(p[0], p[1]), ends = std::exponential_distribution<double>(gamma(p[2], p[3]))(random);
    PurchaseHistory h;
    h.T = 40;
    for (double t = gamma(1, rate); t <= std::min(h.T, ends); t += gamma(1, rate)) {
      ++h.x;
      h.t_x = t;
    }
    const double probability = model->p_alive(p, h);
    const auto group = static_cast<std::size_t>(std::min(probability * 5, 4.0));
    expected[group] += probability;
    variance[group] += probability * (1 - probability);
    alive[group] += ends > h.T ? 1 : 0;
  }
  for (std::size_t i = 0; i < expected.size(); ++i) {
    ASSERT_GT(variance[i], 20) << "a group too small to tell";
    EXPECT_LT(std::abs(alive[i] - expected[i]), 5.3 * std::sqrt(variance[i])) << i;
  }
}

TEST(FitRefuses, WhatCannotBeFitted) {
  const auto model = make_purchase_model("pareto_nbd");
  const auto refuses = [&](std::vector<PurchaseHistory> histories) { (void)fit_purchase_model(*model, histories); };
  EXPECT_THROW(refuses({40, {1, 5, 4}}), DataError);
  EXPECT_THROW(refuses({40, {1, 0, 4}}), DataError);
  EXPECT_THROW(refuses({40, {-1, 0, 4}}), DataError);
  EXPECT_THROW(refuses({40, {0, 0, std::nan("")}}), DataError);
  EXPECT_THROW(refuses({29, {1, 2, 4}}), DataError);
  EXPECT_THROW(refuses({40, {0, 0, 4}}), DataError) << "nobody bought again";
  EXPECT_THROW(refuses({40, {3, 2, 4}}), ModelError) << "all alike: no spread to estimate";
  EXPECT_THROW((void)make_purchase_model("bg_cnbd_k", 0), ConfigError);
  EXPECT_THROW((void)make_purchase_model("bg-nbd"), ConfigError);
}

}  // namespace
}  // namespace clvsim
