// The published chains of configs/models: closed form against every printed digit, and against a recursion of the
// test's own that shares nothing with the program's.
#include "tests/support/places.hpp"

#include <clvsim/error.hpp>
#include <clvsim/migration_chain.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <string>
#include <vector>

namespace clvsim {
namespace {

MigrationChain model(const std::string& name) {
  return read_model(test::source_dir() + "/configs/models/" + name + ".toml");
}

std::vector<double> factors(double rate, int horizon, int shift = 0) {
  std::vector<double> all;
  for (int t = 0; t < horizon; ++t) all.push_back(std::pow(1 + rate, -(t + shift)));
  return all;
}

struct Moments {
  double mean = 0, second = 0, third = 0, p_total = 0;
  double sd() const { return std::sqrt(second - mean * mean); }
};

// Every path of the Dwyer tables, from the printed rates and amounts alone.
Moments enumerate(const std::function<double(const std::vector<bool>&)>& rate,
                  const std::function<double(const std::vector<bool>&)>& amount, double discount_rate) {
  Moments moments;
  for (int path = 0; path < 8; ++path) {
    double p = 1, value = 0;
    std::vector<bool> history;
    for (int year = 0; year < 3; ++year) {
      const bool buys = (path >> year & 1) != 0;
      p *= buys ? rate(history) : 1 - rate(history);
      if (buys) value += amount(history) / std::pow(1 + discount_rate, year);
      history.push_back(buys);
    }
    moments.mean += p * value;
    moments.second += p * value * value;
    moments.p_total += p;
  }
  return moments;
}

double retention_rate(const std::vector<bool>& history) {
  for (const bool bought : history)
    if (!bought) return 0;
  return std::array{0.70, 0.80, 0.85}[history.size()];
}

double migration_rate(const std::vector<bool>& history) {
  if (history.empty()) return 0.70;
  if (history.size() == 1) return history[0] ? 0.80 : 0.40;
  if (history[0]) return history[1] ? 0.85 : 0.50;
  return history[1] ? 0.75 : 0.30;
}

double migration_amount(const std::vector<bool>& history) {
  if (history.empty()) return 100;
  if (history.size() == 1) return history[0] ? 110 : 90;
  if (history[0]) return 90;
  return history[1] ? 100 : 50;
}

TEST(DwyerRetention, EveryPrintedDigit) {
  const MigrationChain chain = model("dwyer_retention");
  const ChainMoments moments = exact_moments(chain, chain.start_state, factors(0, 3));
  EXPECT_NEAR(moments.mean, 173.60, 1e-9);
  EXPECT_NEAR(moments.sd, 132.1478, 5e-5);
  EXPECT_NEAR(moments.p_active, 0.476, 1e-12);
  EXPECT_NEAR(moments.transactions, 1.736, 1e-12);
  const ChainMoments discounted = exact_moments(chain, chain.start_state, factors(0.1, 3));
  EXPECT_NEAR(discounted.mean, 160.24793, 5e-6);
  EXPECT_NEAR(discounted.sd, 120.0081, 5e-5);
  EXPECT_NEAR(exact_moments(chain, chain.start_state, factors(0.1, 3, 1)).mean, 145.67994, 5e-6);
}

TEST(DwyerRetention, AgreesWithItsPaths) {
  const MigrationChain chain = model("dwyer_retention");
  for (const double rate : {0.0, 0.1, 0.37}) {
    const Moments paths = enumerate(
        retention_rate, [](const auto&) { return 100.0; }, rate);
    ASSERT_NEAR(paths.p_total, 1, 1e-12);
    // A longer horizon adds nothing: the tables end after three years.
    for (const int horizon : {3, 10}) {
      const ChainMoments moments = exact_moments(chain, chain.start_state, factors(rate, horizon));
      EXPECT_NEAR(moments.mean, paths.mean, 1e-9);
      EXPECT_NEAR(moments.sd, paths.sd(), 1e-9);
    }
  }
}

TEST(DwyerMigration, EveryPrintedDigit) {
  const MigrationChain chain = model("dwyer_migration");
  const ChainMoments moments = exact_moments(chain, chain.start_state, factors(0, 3));
  EXPECT_NEAR(moments.mean, 203.24, 1e-9);
  EXPECT_NEAR(moments.sd, 109.9632, 5e-5);
  EXPECT_NEAR(moments.p_active, 0.690, 1e-12);                      // 690 buyers of 1,000 in year 3
  EXPECT_NEAR(moments.transactions, 0.700 + 0.680 + 0.690, 1e-12);  // buyers of the three years
  EXPECT_NEAR(exact_moments(chain, chain.start_state, factors(0, 1)).mean, 70.0, 1e-9);
  EXPECT_NEAR(exact_moments(chain, chain.start_state, factors(0, 2)).mean, 142.4, 1e-9);
}

TEST(DwyerMigration, AgreesWithItsPaths) {
  const MigrationChain chain = model("dwyer_migration");
  for (const double rate : {0.0, 0.1, 0.37}) {
    const Moments paths = enumerate(migration_rate, migration_amount, rate);
    ASSERT_NEAR(paths.p_total, 1, 1e-12);
    const ChainMoments moments = exact_moments(chain, chain.start_state, factors(rate, 3));
    EXPECT_NEAR(moments.mean, paths.mean, 1e-9);
    EXPECT_NEAR(moments.sd, paths.sd(), 1e-9);
  }
}

TEST(LifecycleAE, EveryPrintedDigit) {
  const MigrationChain chain = model("lifecycle_a_e");
  const ChainMoments moments = exact_moments(chain, 0, factors(0.01, 60));
  EXPECT_NEAR(moments.mean, 430.3257, 5e-5);
  EXPECT_NEAR(moments.sd, 539.8787, 5e-5);
  const std::array infinite{433.6131, 603.3567, 724.1509, 238.2075, 0.0};
  for (int start = 0; start < 5; ++start)
    EXPECT_NEAR(exact_moments(chain, start, factors(0.01, 2000)).mean, infinite[static_cast<std::size_t>(start)], 5e-5);
  EXPECT_NEAR(exact_moments(chain, 0, factors(0, 2000)).mean, 508.75, 1e-9);
  EXPECT_NEAR(1 - exact_moments(chain, 0, factors(0, 12)).p_active, 0.594277, 5e-7);
}

TEST(LifecycleAE, WinBackBringsASecondLifecycle) {
  MigrationChain chain = model("lifecycle_a_e");
  chain.states[4].outcomes = {ChainOutcome{.to = 0, .probability = 0.02}, ChainOutcome{.to = 4, .probability = 0.98}};
  EXPECT_NEAR(exact_moments(chain, 0, factors(0.01, 60)).mean, 604.9154, 5e-5);
  EXPECT_NEAR(exact_moments(chain, 0, factors(0.01, 60)).sd, 567.6426, 5e-5);
  EXPECT_NEAR(exact_moments(chain, 4, factors(0.01, 60)).mean, 255.3537, 5e-5);
  EXPECT_NEAR(exact_moments(chain, 0, factors(0.01, 4000)).mean, 1050.9282, 5e-5);
  EXPECT_NEAR(exact_moments(chain, 4, factors(0.01, 4000)).mean, 700.6188, 5e-5);
}

// The value distribution by pushing (state, value) pairs forward: stated here from the stages alone, with the second
// moment instead of the variance form.
TEST(LifecycleAE, AgreesWithAForwardRecursion) {
  const double p[5][5] = {
      {.5, .4, 0, 0, .1}, {0, .7, .2, .05, .05}, {0, 0, .9, .08, .02}, {0, 0, .1, .6, .3}, {0, 0, 0, 0, 1}};
  const double reward[5] = {-20, 30, 60, 25, 0};
  const MigrationChain chain = model("lifecycle_a_e");
  for (const int horizon : {1, 2, 12, 60}) {
    // By state: probability, E[G; state], E[G^2; state].
    std::array<long double, 5> mass{1, 0, 0, 0, 0}, first{}, second{};
    long double factor = 1;
    for (int t = 0; t < horizon; ++t) {
      std::array<long double, 5> next_mass{}, next_first{}, next_second{};
      for (std::size_t i = 0; i < 5; ++i) {
        const long double cash = factor * reward[i];
        const long double first_after = first[i] + cash * mass[i];
        const long double second_after = second[i] + 2 * cash * first[i] + cash * cash * mass[i];
        for (std::size_t j = 0; j < 5; ++j) {
          next_mass[j] += p[i][j] * mass[i];
          next_first[j] += p[i][j] * first_after;
          next_second[j] += p[i][j] * second_after;
        }
      }
      mass = next_mass;
      first = next_first;
      second = next_second;
      factor /= 1.01L;
    }
    long double mean = 0, square = 0;
    for (std::size_t i = 0; i < 5; ++i) {
      mean += first[i];
      square += second[i];
    }
    const ChainMoments moments = exact_moments(chain, 0, factors(0.01, horizon));
    EXPECT_NEAR(moments.mean, static_cast<double>(mean), 1e-9);
    EXPECT_NEAR(moments.sd, static_cast<double>(std::sqrt(std::max(square - mean * mean, 0.0L))), 1e-9);
    EXPECT_NEAR(moments.p_active, static_cast<double>(1 - mass[4]), 1e-12);
  }
}

// Recency states of Pfeifer & Carraway 2000: a customer of recency i buys with probability buys[i - 1], and is then of
// recency 1, or moves on; past the last recency there is nothing more. `amount[i - 1]` falls at the beginning of a
// period in the state: at times 0, 1, ..., horizon - 1.
MigrationChain recency_chain(const std::vector<double>& buys, const std::vector<double>& amount) {
  MigrationChain chain;
  const int lapsed = static_cast<int>(buys.size());
  for (int i = 0; i < lapsed; ++i) {
    const auto at = static_cast<std::size_t>(i);
    chain.states.push_back({.name = "recency " + std::to_string(i + 1),
                            .amount = amount[at],
                            .outcomes = {{.to = i + 1, .probability = 1 - buys[at]}}});
    if (buys[at] > 0) chain.states.back().outcomes.push_back({.to = 0, .probability = buys[at], .purchase = true});
  }
  chain.states.push_back({.name = "lapsed", .active = false, .outcomes = {{.to = lapsed, .probability = 1}}});
  return chain;
}

void expect_values(const MigrationChain& chain, double rate, int horizon, const std::vector<double>& printed,
                   double half_a_digit) {
  for (std::size_t i = 0; i < printed.size(); ++i)
    EXPECT_NEAR(exact_moments(chain, static_cast<int>(i), factors(rate, horizon)).mean, printed[i], half_a_digit) << i;
}

// Stands for an infinite horizon: what comes later is below 1e-9, by the bound (1 + d)^-n (1 + d) / d max |amount|.
constexpr int endless = 400;
void expect_endless(double rate, double most) {
  ASSERT_LT(std::pow(1 + rate, -endless) * (1 + rate) / rate * most, 1e-9);
}

// A test of others (testMigrationModel, PHP) prints two decimals; the others were computed elsewhere. Their horizon T
// counts the cash flows at times 0 to T.
TEST(PfeiferCarraway, HasTheValuesOfTheMigrationModel) {
  expect_endless(0.1, 100);
  const MigrationChain one_sale = recency_chain({.5, .2, .1, 0}, {100, 0, 0, 0});
  expect_values(one_sale, 0.1, endless, {231.08, 57.29, 21.01, 0}, 5.1e-3);
  expect_values(one_sale, 0.1, endless, {231.0764, 57.2917, 21.0069, 0}, 5.1e-5);

  const MigrationChain mailed = recency_chain({.3, .2, .05, 0}, {36, -4, -4, 0});
  expect_values(mailed, 0.2, 4 + 1, {49.4, 2.69, -1.98, 0}, 5.1e-3);
  expect_values(mailed, 0.2, 4 + 1, {49.4047, 2.6875, -1.9828, 0}, 5.1e-5);
  expect_endless(0.2, 36);
  expect_values(mailed, 0.2, endless, {50.4436, 3.1418, -1.8982, 0}, 5.1e-5);
}

// Margin 40 of a purchase, 4 of a mailing, to customers of recency 1 to 4. Computed elsewhere for these probabilities;
// the paper's own tables are not at hand.
TEST(PfeiferCarraway, StopsMailingWhereTheValueTurnsNegative) {
  const std::vector<double> buys{.3, .2, .15, .05}, amount{36, -4, -4, -4};
  expect_endless(0.2, 36);
  const MigrationChain all = recency_chain(buys, amount);
  expect_values(all, 0.2, endless, {52.31961, 5.55378, 1.25077, -1.82002, 0}, 5.1e-6);
  expect_values(all, 0.2, 4 + 1, {50.11497, 4.21991, .59211, -1.98013, 0}, 5.1e-6);

  // Nobody of recency 4 is mailed: all are better off, as the negative value said.
  const auto mailed_until = [&](std::size_t n) {
    return recency_chain({buys.begin(), buys.begin() + static_cast<std::ptrdiff_t>(n)}, amount);
  };
  expect_values(mailed_until(3), 0.2, endless, {53.14943, 6.62069, 2.64368, 0}, 5.1e-6);
  // No other rule of this kind is as good.
  const double best = exact_moments(mailed_until(3), 0, factors(0.2, endless)).mean;
  for (const std::size_t n : {1U, 2U, 4U})
    EXPECT_LT(exact_moments(mailed_until(n), 0, factors(0.2, endless)).mean, best - 0.5) << n;
}

TEST(ExactMoments, RefusesWhatItCannotDo) {
  MigrationChain chain = model("lifecycle_a_e");
  EXPECT_THROW((void)exact_moments(chain, 5, {1.0}), ConfigError);
  EXPECT_THROW((void)exact_moments(chain, -1, {1.0}), ConfigError);
  chain.spend = SpendModel{.log_mean = {1}, .purchases_in_period = {1}};
  EXPECT_THROW((void)exact_moments(chain, 0, {1.0}), ConfigError);
}

}  // namespace
}  // namespace clvsim
