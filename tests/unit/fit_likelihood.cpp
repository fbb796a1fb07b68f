// What the fits by maximum likelihood and the closed forms refuse, and what they say.
#include "host/fit/likelihood.hpp"

#include <clvsim/contract_models.hpp>
#include <clvsim/error.hpp>
#include <clvsim/gamma_gamma.hpp>
#include <clvsim/purchase_models.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <tuple>
#include <vector>

namespace clvsim {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
const double not_a_number = std::nan("");

// Expects that `act` throws an Expected whose message has every one of `parts`.
template <class Expected, class Act>
void expect_refusal(const Act& act, const std::vector<std::string>& parts) {
  try {
    act();
    ADD_FAILURE() << "not refused; expected: " << testing::PrintToString(parts);
  } catch (const Expected& refusal) {
    for (const std::string& part : parts)
      EXPECT_NE(std::string(refusal.what()).find(part), std::string::npos) << part << "\nin: " << refusal.what();
  }
}

TEST(BgBbHistories, AreOpportunities) {
  const auto model = make_purchase_model("bg_bb");
  const auto with = [&](PurchaseHistory faulty) {
    std::vector<PurchaseHistory> histories(40, {1, 2, 6});
    histories[7] = faulty;
    return [&model, histories] { (void)fit_purchase_model(*model, histories); };
  };
  expect_refusal<DataError>(with({3, 2, 6}), {"no. 8", "x = 3", "t_x = 2", "pareto_nbd"});
  expect_refusal<DataError>(with({1, 2.5, 6}), {"no. 8", "t_x = 2.5", "whole"});
  expect_refusal<DataError>(with({1, 2, 6.5}), {"no. 8", "T = 6.5", "whole"});
  expect_refusal<DataError>(with({1, 2, 10'001}), {"no. 8", "T = 10001", "at most 10000"});
  expect_refusal<DataError>(with({1, 7, 6}), {"no. 8", "t_x = 7"});
  EXPECT_EQ(model->fault_of({6, 6, 10'000}), "");
  EXPECT_EQ(make_purchase_model("bg_nbd")->fault_of({3, 2.5, 10'001.5}), "");
}

const std::vector<double> parameters{0.6, 8, 0.8, 12};

TEST(ClosedForms, RefuseTimesAndRatesThatAreNone) {
  for (const char* name : {"pareto_nbd", "bg_nbd", "mbg_nbd", "bg_bb"}) {
    SCOPED_TRACE(name);
    const auto model = make_purchase_model(name);
    const PurchaseHistory history{2, 5, 10};
    for (const double t : {-1.0, infinity, not_a_number}) {
      expect_refusal<ConfigError>([&] { (void)model->expected_purchases(parameters, history, t); },
                                  {name, "t = ", "dert"});
      expect_refusal<ConfigError>([&] { (void)model->expected_of_new(parameters, t); }, {name, "t = ", "dert"});
    }
    EXPECT_EQ(model->expected_purchases(parameters, history, 0), 0);
    for (const double rate : {0.0, -0.1, infinity, not_a_number})
      expect_refusal<ConfigError>([&] { (void)model->dert(parameters, history, rate); }, {name, "rate", "above 0"});
  }
}

// Sums of more than 10 million terms were cut off.
TEST(ClosedForms, RefuseSumsThatDoNotSettle) {
  const auto bg_nbd = make_purchase_model("bg_nbd"), bg_bb = make_purchase_model("bg_bb"),
             pareto_nbd = make_purchase_model("pareto_nbd");
  const PurchaseHistory history{2, 5, 10};
  expect_refusal<ModelError>([&] { (void)bg_nbd->expected_purchases(parameters, history, 1e9); },
                             {"bg_nbd", "t = 1000000000", "shorter"});
  expect_refusal<ModelError>([&] { (void)bg_bb->dert(parameters, history, 1e-9); }, {"bg_bb", "1e-09", "larger rate"});
  expect_refusal<ConfigError>([&] { (void)bg_bb->expected_purchases(parameters, history, 1e9); },
                              {"bg_bb", "t = 1000000000", "at most 10000000"});
  expect_refusal<ModelError>([&] { (void)pareto_nbd->dert(parameters, history, 1e-308); },
                             {"pareto_nbd", "larger rate"});
  EXPECT_TRUE(std::isfinite(*pareto_nbd->dert(parameters, history, 1e-300)));
  EXPECT_TRUE(std::isfinite(*pareto_nbd->dert(parameters, history, 1e300)));
}

TEST(Fits, RefuseWeightsThatAreNoNumbersOfCustomers) {
  for (const double weight : {0.0, -1.0, infinity, not_a_number}) {
    SCOPED_TRACE(weight);
    std::vector<PurchaseHistory> histories(40, {1, 2, 6});
    histories[7].weight = weight;
    expect_refusal<DataError>([&] { (void)fit_purchase_model(*make_purchase_model("bg_nbd"), histories); },
                              {"no. 8", "weight", "above 0"});
    std::vector<Tenure> tenures(40, {1, true});
    tenures[7].weight = weight;
    expect_refusal<DataError>([&] { (void)fit_contract_model(*make_contract_model("sbg"), tenures); },
                              {"no. 8", "weight", "above 0"});
    std::vector<SpendHistory> spend(40, {2, 10});
    spend[7].weight = weight;
    expect_refusal<DataError>([&] { (void)fit_gamma_gamma(spend); }, {"no. 8", "weight", "above 0"});
  }
}

TEST(Fits, RefuseStartsAndSubsamplesThatAreNone) {
  const auto refused = [](int n_starts, std::int64_t subsample, const std::string& part) {
    const LikelihoodFitOptions options{n_starts, subsample};
    const std::vector<PurchaseHistory> histories(40, {1, 2, 6});
    expect_refusal<ConfigError>([&] { (void)fit_purchase_model(*make_purchase_model("bg_nbd"), histories, options); },
                                {part});
    expect_refusal<ConfigError>(
        [&] {
          (void)fit_contract_model(*make_contract_model("sbg"), std::vector<Tenure>(40, {1, true}), options);
        },
        {part});
    expect_refusal<ConfigError>(
        [&] {
          (void)fit_gamma_gamma(std::vector<SpendHistory>(40, {2, 10}), options);
        },
        {part});
  };
  refused(0, 1000, "1 to 7");
  refused(8, 1000, "1 to 7");
  refused(5, 0, "1 or more");
  refused(5, -3, "1 or more");
}

TEST(GammaGammaSpend, TakesNoMeanWhereThereIsNoPurchase) {
  const GammaGamma model{6.25, 3.74, 15.44};
  EXPECT_EQ(model.expected_spend(0, not_a_number), model.expected_spend(0, 0));
  EXPECT_EQ(model.expected_spend(0, infinity), model.expected_spend(0, 0));
}

// 1 to 4 purchases each of n customers with nu ~ Gamma(q, 20).
std::vector<SpendHistory> drawn_spend(double q, int n) {
  std::mt19937_64 random(7);
  const auto gamma = [&](double shape) { return std::gamma_distribution<double>(shape)(random); };
  std::vector<SpendHistory> histories;
  for (int i = 0; i < n; ++i) {
    const int x = 1 + i % 4;
    const double level = 20 / gamma(q);
    double sum = 0;
    for (int k = 0; k < x; ++k) sum += level * gamma(4);
    histories.push_back({x, sum / x});
  }
  return histories;
}

const std::vector<std::string> infinite_mean{"at q <= 1 the mean spend of new customers is infinite",
                                             "check them, model such customers apart", "--spend log_normal"};

void expect_infinite_mean(const std::vector<SpendHistory>& histories, std::vector<std::string> parts) {
  parts.insert(parts.end(), infinite_mean.begin(), infinite_mean.end());
  expect_refusal<ModelError>([&] { (void)fit_gamma_gamma(histories); }, parts);
}

// Of q = .12 the mean amount is that of the largest, and says nothing of gamma.
TEST(GammaGammaSpend, FitsRefuseAMaximumOfInfiniteMean) {
  expect_infinite_mean(drawn_spend(.64, 2000), {"gamma_gamma gives q = 0.64"});
  expect_infinite_mean(drawn_spend(.12, 2000), {"gamma_gamma gives q = 0.12"});
  expect_infinite_mean(drawn_spend(.12, 20000), {"gamma_gamma gives q = 0.11"});
}

// So few customers do not tell p either: it rises without end, and p gamma is what it is.
TEST(GammaGammaSpend, FitsRefuseADirectionOfInfiniteMean) {
  expect_infinite_mean(drawn_spend(.12, 300), {"gamma runs to the end of its range", "q = 0.10"});
}

// Customers that do not differ: q runs away, upwards.
TEST(GammaGammaSpend, FitsBlameNoInfiniteMeanOfCustomersAlike) {
  std::vector<SpendHistory> alike;
  for (int i = 0; i < 200; ++i) alike.push_back({1 + i % 4, i % 8 < 4 ? 9.0 : 11.0});
  try {
    (void)fit_gamma_gamma(alike);
    ADD_FAILURE() << "not refused";
  } catch (const ModelError& refusal) {
    EXPECT_EQ(std::string(refusal.what()).find("infinite"), std::string::npos) << refusal.what();
  }
}

// Customers who buy at many rates, the last time shortly before the end: nobody has left.
TEST(Fits, SayThatALogShowsNoDropOut) {
  const std::vector<std::tuple<const char*, int, std::string>> models{
      {"pareto_nbd", 1, "the drop-out rate (s, beta)"},
      {"bg_nbd", 1, "the probability to drop out after a purchase (a, b)"},
      {"mbg_nbd", 1, "the probability to drop out after a purchase (a, b)"},
      {"bg_cnbd_k", 2, "the probability to drop out after a purchase (a, b)"},
      {"mbg_cnbd_k", 2, "the probability to drop out after a purchase (a, b)"},
      {"bg_bb", 1, "the probability to drop out at an opportunity (gamma, delta)"}};
  for (const auto& [name, k, dropout] : models) {
    SCOPED_TRACE(name);
    const auto model = make_purchase_model(name, k);
    std::vector<PurchaseHistory> histories;
    for (int i = 0; i < 440; ++i) {
      PurchaseHistory history{i % 11, 10, 10};
      if (model->is_time(1)) {
        history.T = 20 + i % 20;
        history.t_x = history.T * (1 - 0.05 / (history.x + 1));
        history.log_gaps = history.x * std::log(history.T / (history.x + 1));
      }
      if (history.x == 0) history.t_x = 0;
      histories.push_back(history);
    }
    expect_refusal<ModelError>([&] { (void)fit_purchase_model(*model, histories); },
                               {"the log shows no drop-out", "of 440 customers", dropout, "longer"});
  }
}

// A problem of one parameter p: its log-likelihood is a function of ln p.
LikelihoodProblem one_parameter(const std::function<double(double, double&)>& of_log) {
  static constexpr std::array<std::string_view, 1> names{"p"};
  LikelihoodProblem problem;
  problem.model = "trial";
  problem.names = names;
  problem.start = problem.unit = {1};
  problem.all = [of_log](std::span<const double> p, std::span<double> gradient) {
    double slope = 0;
    const double value = of_log(std::log(p[0]), slope);
    if (!gradient.empty()) gradient[0] = slope;
    return value;
  };
  problem.some = problem.all;
  problem.some_is_all = true;
  problem.n_customers = 100;
  return problem;
}

// The starts at p = 2 and 3 stay on a plateau, which is close to the maximum but none.
TEST(Fits, CountStartsThatEndedAtAMaximum) {
  const LikelihoodFit fit = fit_likelihood(one_parameter([](double y, double& slope) {
                                             slope = y > 0.5 ? 0 : -2 * y;
                                             return y > 0.5 ? -5e-5 : -y * y;
                                           }),
                                           {7, 1000});
  EXPECT_EQ(fit.n_starts, 7);
  EXPECT_EQ(fit.n_agreeing, 4);
}

// The last start, p = 3, has no likelihood.
TEST(Fits, AreNotHiddenByAStartWithoutALikelihood) {
  const LikelihoodFit fit = fit_likelihood(one_parameter([](double y, double& slope) {
                                             slope = y > 1 ? not_a_number : -2 * y;
                                             return y > 1 ? not_a_number : -y * y;
                                           }),
                                           {7, 1000});
  EXPECT_NEAR(fit.parameters[0], 1, 1e-4);
  EXPECT_EQ(fit.n_agreeing, 6);
}

}  // namespace
}  // namespace clvsim
