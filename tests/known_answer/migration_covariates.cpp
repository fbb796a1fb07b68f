// Covariates of a migration chain: shares of days counted by hand, softmax by hand, moments by enumeration of all
// paths.
#include "host/model/chain_covariates.hpp"
#include "host/model/model_file.hpp"

#include <clvsim/error.hpp>
#include <clvsim/migration_chain.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace clvsim {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* text = R"(
format = "clvsim-model"
version = 1
period = "month"

[[covariate]]
name = "winter"
kind = "season"
months = [1, 12]
effect = 0.6931471805599453  # odds times 2

[[covariate]]
name = "sale"
kind = "campaign"
windows = [
  { first_day = "2025-11-16", last_day = "2025-11-20" },
  { first_day = "2025-11-26", last_day = "2025-12-05" },
]
effects = [
  { effect = 1.2, states = ["A"] },
  { effect = -0.4, to = "lost" },
]

[[covariate]]
name = "gold"
kind = "segment"
segment = "gold"
effect = 0.5
states = ["B"]

[[state]]
name = "A"
outcomes = [
  { to = "A", probability = 0.2, amount = 10, purchase = true },
  { to = "B", probability = 0.5, amount = -1 },
  { to = "lost", probability = 0.3 },
]

[[state]]
name = "B"
amount = 0.5
outcomes = [
  { to = "A", probability = 0.1, amount = 12, purchase = true },
  { to = "B", probability = 0.9 },
]

[[state]]
name = "lost"
active = false
outcomes = [{ to = "lost", probability = 1 }]
)";

MigrationChain chain() { return parse_model(text, "here"); }

std::vector<double> row(const MigrationChain& of, std::size_t state) {
  std::vector<double> p;
  for (const ChainOutcome& outcome : of.states[state].outcomes) p.push_back(outcome.probability);
  return p;
}

TEST(ChainCovariates, AreTheShareOfAPeriodsDays) {
  const MigrationChain model = chain();
  const auto share = [&](std::size_t c, Date first, Date last) {
    return covariate_share(model.covariates[c], first, last);
  };
  EXPECT_EQ(share(0, make_date(2025, 12, 1), make_date(2025, 12, 31)), 1);
  EXPECT_EQ(share(0, make_date(2026, 1, 29), make_date(2026, 2, 4)), 3.0 / 7);
  EXPECT_EQ(share(0, make_date(2025, 11, 1), make_date(2025, 11, 30)), 0);
  EXPECT_EQ(share(0, make_date(2024, 1, 1), make_date(2024, 12, 31)), 62.0 / 366);
  EXPECT_EQ(share(1, make_date(2025, 11, 1), make_date(2025, 11, 30)), 10.0 / 30);  // 16-20 and 26-30
  EXPECT_EQ(share(1, make_date(2025, 12, 5), make_date(2025, 12, 5)), 1);
  EXPECT_EQ(share(1, make_date(2025, 12, 6), make_date(2025, 12, 6)), 0);
  EXPECT_THAT(covariates_at(model, make_date(2025, 12, 1), make_date(2025, 12, 31), "gold"),
              ElementsAre(1, 5.0 / 31, 1));
  EXPECT_THAT(covariates_at(model, make_date(2025, 10, 1), make_date(2025, 10, 31), "silver"), ElementsAre(0, 0, 0));
}

TEST(ChainCovariates, SoftmaxByHand) {
  const MigrationChain model = chain();
  // Odds of a purchase times 2: 0.4 : 0.5 : 0.3.
  const MigrationChain winter = chain_at(model, std::vector<double>{1, 0, 0});
  EXPECT_TRUE(winter.covariates.empty());
  EXPECT_THAT(row(winter, 0), ElementsAre(testing::DoubleNear(0.4 / 1.2, 1e-15), testing::DoubleNear(0.5 / 1.2, 1e-15),
                                          testing::DoubleNear(0.3 / 1.2, 1e-15)));
  EXPECT_THAT(row(winter, 1),
              ElementsAre(testing::DoubleNear(0.2 / 1.1, 1e-15), testing::DoubleNear(0.9 / 1.1, 1e-15)));
  // All three at once: effects add on the log-odds.
  const std::vector<double> z{0.5, 0.25, 1};
  const MigrationChain all = chain_at(model, z);
  const double a[] = {0.2 * std::exp(0.5 * std::log(2.0) + 0.25 * 1.2), 0.5, 0.3 * std::exp(-0.4 * 0.25)};
  const double b[] = {0.1 * std::exp(0.5 * std::log(2.0) + 0.5), 0.9};
  for (std::size_t k = 0; k < 3; ++k) EXPECT_NEAR(row(all, 0)[k], a[k] / (a[0] + a[1] + a[2]), 1e-15);
  for (std::size_t k = 0; k < 2; ++k) EXPECT_NEAR(row(all, 1)[k], b[k] / (b[0] + b[1]), 1e-15);
  EXPECT_THAT(row(all, 2), ElementsAre(1));
}

TEST(ChainCovariates, AtZeroProbabilitiesKeepTheirBits) {
  const MigrationChain model = chain(), at = chain_at(model, std::vector<double>{0, 0, 0});
  for (std::size_t s = 0; s < 3; ++s) EXPECT_EQ(row(at, s), row(model, s));
}

TEST(ChainCovariates, LargeEffectsNeverMakeNaN) {
  MigrationChain model = chain();
  for (const double effect : {-20.0, 20.0}) {
    for (ChainCovariate& covariate : model.covariates)
      for (LogitEffect& one : covariate.effects) one.effect = effect;
    model.states[0].outcomes[0].probability = 0;
    model.states[0].outcomes[1].probability = 0.7;
    check(model);
    const MigrationChain at = chain_at(model, std::vector<double>(3, 1));
    check(at);
    EXPECT_EQ(at.states[0].outcomes[0].probability, 0) << "what never happens still does not";
  }
}

// Every path of four periods, each with its own probabilities.
struct Enumerated {
  double mean = 0, square = 0, p_active = 0, transactions = 0;

  void walk(const std::vector<MigrationChain>& chains, const std::vector<double>& discount, std::size_t t, int state,
            double p, double value, double purchases) {
    if (t == chains.size()) {
      mean += p * value;
      square += p * value * value;
      transactions += p * purchases;
      if (chains[0].states[static_cast<std::size_t>(state)].active) p_active += p;
      return;
    }
    const ChainState& at = chains[t].states[static_cast<std::size_t>(state)];
    for (const ChainOutcome& outcome : at.outcomes)
      walk(chains, discount, t + 1, outcome.to, p * outcome.probability,
           value + discount[t] * (at.amount + outcome.amount), purchases + (outcome.purchase ? 1 : 0));
  }
};

TEST(ChainCovariates, ExactMomentsAreThoseOfAllPaths) {
  const MigrationChain model = chain();
  const PeriodGrid grid(make_date(2025, 10, 31), PeriodUnit::month);
  const std::vector<double> discount{1, 0.99, 0.97, 0.94};
  for (const std::string segment : {"", "gold"}) {
    // November, December, January, February, by hand.
    std::vector<MigrationChain> chains;
    for (const auto& [winter, sale] : {std::pair(0.0, 10.0 / 30), {1.0, 5.0 / 31}, {1.0, 0.0}, {0.0, 0.0}})
      chains.push_back(chain_at(model, std::vector<double>{winter, sale, segment == "gold" ? 1.0 : 0.0}));
    for (int start = 0; start < 3; ++start) {
      Enumerated paths;
      paths.walk(chains, discount, 0, start, 1, 0, 0);
      const ChainMoments exact = exact_moments(model, start, discount, grid, segment);
      EXPECT_NEAR(exact.mean, paths.mean, 1e-13);
      EXPECT_NEAR(exact.sd, std::sqrt(std::max(0.0, paths.square - paths.mean * paths.mean)), 1e-6);
      EXPECT_NEAR(exact.p_active, paths.p_active, 1e-14);
      EXPECT_NEAR(exact.transactions, paths.transactions, 1e-14);
    }
  }
}

TEST(ChainCovariates, WithoutThemDatesDoNotMatter) {
  MigrationChain model = chain();
  EXPECT_THROW((void)exact_moments(model, 0, {1, 1}), ConfigError);
  model.covariates.clear();
  const PeriodGrid grid(make_date(2025, 10, 31), PeriodUnit::month);
  const ChainMoments with = exact_moments(model, 0, {1, 1, 1}, grid), without = exact_moments(model, 0, {1, 1, 1});
  EXPECT_EQ(with.mean, without.mean);
  EXPECT_EQ(with.sd, without.sd);
}

TEST(ChainCovariates, PeriodsOutsideTheCalendarAreRefused) {
  const PeriodGrid late(make_date(2199, 11, 30), PeriodUnit::month);
  EXPECT_NO_THROW((void)exact_moments(chain(), 0, {1}, late));
  try {
    (void)exact_moments(chain(), 0, {1, 1}, late);
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), HasSubstr("leave the years 1900 to 2199"));
  }
}

TEST(ChainCovariates, AreWrittenAsTheyAreRead) {
  const MigrationChain model = chain();
  const std::string written = model_toml(model);
  const MigrationChain again = parse_model(written, "again");
  EXPECT_EQ(model_toml(again), written);
  ASSERT_EQ(again.covariates.size(), 3U);
  EXPECT_EQ(again.covariates[0].months, (std::vector<int>{1, 12}));
  EXPECT_EQ(again.covariates[0].effects[0].effect, 0.6931471805599453);
  ASSERT_EQ(again.covariates[1].windows.size(), 2U);
  EXPECT_EQ(again.covariates[1].windows[1].last_day, make_date(2025, 12, 5));
  EXPECT_EQ(again.covariates[1].effects[0].states, (std::vector<int>{0}));
  EXPECT_EQ(again.covariates[1].effects[1].to, 2);
  EXPECT_EQ(again.covariates[2].segment, "gold");
}

}  // namespace
}  // namespace clvsim
