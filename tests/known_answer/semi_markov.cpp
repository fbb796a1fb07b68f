// Chains whose stays have a law of their own, against the renewal equations of semi-Markov processes.
#include "host/model/model_file.hpp"
#include "tests/support/places.hpp"

#include <clvsim/error.hpp>
#include <clvsim/migration_chain.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <string>
#include <vector>

namespace clvsim {
namespace {

// Factors of periods 1, 2, ..., the first of which is not discounted.
std::vector<double> discounts(double rate, int horizon) {
  std::vector<double> factors;
  for (int t = 0; t < horizon; ++t) factors.push_back(std::pow(1 + rate, -t));
  return factors;
}

// A state of a semi-Markov process: P(stay = 1, 2, ...), the amount of a period, where it goes and what that brings.
struct Stay {
  std::vector<double> probability;
  double amount;
  struct Jump {
    int to;
    double probability, amount;
  };
  std::vector<Jump> jumps;
};

// Expected value of `horizon` periods from the beginning of a stay in each state: a stay of d periods brings its amount
// d times, and the jump's amount in the last of them.
std::vector<double> renewal_means(const std::vector<Stay>& states, const std::vector<double>& discount) {
  const std::size_t n = states.size(), horizon = discount.size();
  // value[t][s]: of periods t, t + 1, ... of a stay in s that begins with period t.
  std::vector<std::vector<double>> value(horizon + 1, std::vector<double>(n, 0));
  for (std::size_t t = horizon; t-- > 0;) {
    for (std::size_t s = 0; s < n; ++s) {
      double reaches = 0;  // P(stay >= d)
      for (const double p : states[s].probability) reaches += p;
      for (std::size_t d = 1; d <= states[s].probability.size() && t + d <= horizon; ++d) {
        const double ends = states[s].probability[d - 1];
        value[t][s] += reaches * states[s].amount * discount[t + d - 1];
        for (const Stay::Jump& jump : states[s].jumps)
          value[t][s] += ends * jump.probability *
                         (jump.amount * discount[t + d - 1] + value[t + d][static_cast<std::size_t>(jump.to)]);
        reaches -= ends;
      }
    }
  }
  return value[0];
}

// The laws of configs/models/semi_markov.toml, each by its own formula.
std::vector<Stay> shipped_states() {
  constexpr int longest = 400;
  std::vector<double> weibull, phases, forever(longest, 0);
  for (int t = 1; t <= longest; ++t) {
    weibull.push_back(std::exp(-std::pow((t - 1) / 9.0, 1.6)) - std::exp(-std::pow(t / 9.0, 1.6)));
    phases.push_back(t < 2 ? 0 : (t - 1) * 0.4 * 0.4 * std::pow(0.6, t - 2));  // negative binomial from 2 on
  }
  forever.back() = 1;
  return {{weibull, 30, {{1, 0.8, 0}, {3, 0.2, -5}}},
          {{0.5, 0.3, 0.2}, 0, {{0, 0.6, 0}, {2, 0.4, 0}}},
          {phases, 0, {{0, 0.25, 10}, {3, 0.75, 0}}},
          {forever, 0, {{3, 1, 0}}}};
}

TEST(SemiMarkov, MeansAreThoseOfTheRenewalEquations) {
  const MigrationChain chain = read_model(test::source_dir() + "/configs/models/semi_markov.toml");
  const auto states = shipped_states();
  for (const int horizon : {1, 2, 3, 12, 60, 360}) {
    const std::vector<double> discount = discounts(0.01, horizon);
    const std::vector<double> expected = renewal_means(states, discount);
    const char* const names[] = {"buying", "pausing", "wavering", "lost"};
    for (std::size_t s = 0; s < states.size(); ++s) {
      int entry = 0;
      while (chain.states[static_cast<std::size_t>(entry)].name != names[s]) ++entry;
      // What the Weibull law's table leaves out: a millionth of the stays.
      EXPECT_NEAR(exact_moments(chain, entry, discount).mean, expected[s], 3e-6 * std::abs(expected[s]) + 1e-12)
          << horizon << ' ' << names[s];
    }
  }
}

// Without an end, from the generating functions of the stays: m = r (1 - D(v)) / (1 - v) + D(v) (c / v + P m).
TEST(SemiMarkov, ValuesWithoutEndAreThoseOfTheGeneratingFunctions) {
  const MigrationChain chain = read_model(test::source_dir() + "/configs/models/semi_markov.toml");
  const auto states = shipped_states();
  const double v = 1 / 1.05;
  std::vector<double> value(4, 0);
  for (int step = 0; step < 4000; ++step) {
    std::vector<double> next(4, 0);
    for (std::size_t s = 0; s < 3; ++s) {
      double generating = 0;
      for (std::size_t d = 0; d < states[s].probability.size(); ++d)
        generating += states[s].probability[d] * std::pow(v, static_cast<double>(d + 1));
      next[s] = states[s].amount * (1 - generating) / (1 - v);
      for (const Stay::Jump& jump : states[s].jumps)
        next[s] += generating * jump.probability * (jump.amount / v + value[static_cast<std::size_t>(jump.to)]);
    }
    value = next;
  }
  const std::vector<double> discount = discounts(0.05, 1000);
  EXPECT_NEAR(exact_moments(chain, chain.start_state, discount).mean / value[0], 1, 3e-6);
}

std::string model_with(const std::string& dwell, const std::string& more = "") {
  return "format = \"clvsim-model\"\nversion = 1\nperiod = \"month\"\n" + more +
         "[[state]]\nname = \"here\"\namount = 1\ndwell = " + dwell +
         "\noutcomes = [{ to = \"gone\", probability = 1 }]\n"
         "[[state]]\nname = \"gone\"\noutcomes = [{ to = \"gone\", probability = 1 }]\n";
}

TEST(SemiMarkov, StaysArePartsWithNamesOfTheirOwn) {
  const MigrationChain fixed = parse_model(model_with("{ probabilities = [0, 0, 1] }"), "m");
  ASSERT_EQ(fixed.states.size(), 4U);
  EXPECT_EQ(fixed.states[2].name, "here, period 3");
  EXPECT_DOUBLE_EQ(exact_moments(fixed, 0, std::vector<double>(10, 1)).mean, 3);
  EXPECT_DOUBLE_EQ(exact_moments(fixed, 0, std::vector<double>(10, 1)).sd, 0);
  // A customer who has been there for two periods has one left.
  EXPECT_DOUBLE_EQ(exact_moments(fixed, 2, std::vector<double>(10, 1)).mean, 1);
  const MigrationChain phases = parse_model(model_with("{ phases = 3, leave = 0.5 }"), "m");
  EXPECT_EQ(phases.states[1].name, "here, phase 2");
  EXPECT_NEAR(exact_moments(phases, 0, std::vector<double>(300, 1)).mean, 6, 1e-9);
  // One phase, or c = 1, is the geometric law of a chain.
  const MigrationChain geometric = parse_model(model_with("{ phases = 1, leave = 0.25 }"), "m");
  EXPECT_EQ(geometric.states.size(), 2U);
  EXPECT_NEAR(exact_moments(geometric, 0, std::vector<double>(300, 1)).mean, 4, 1e-9);
  // What was expanded is written as it is, and reads back.
  EXPECT_EQ(model_toml(parse_model(model_toml(phases), "again")), model_toml(phases));
}

TEST(SemiMarkov, RefusesWhatIsNoStay) {
  const auto refusal = [](const std::string& text) -> std::string {
    try {
      (void)parse_model(text, "m");
    } catch (const ConfigError& error) {
      return error.what();
    }
    return "accepted";
  };
  using testing::HasSubstr;
  EXPECT_THAT(refusal(model_with("{ probabilities = [] }")), HasSubstr("sum to 0"));
  EXPECT_THAT(refusal(model_with("{ phases = 0, leave = 0.5 }")), HasSubstr("'phases'"));
  EXPECT_THAT(refusal(model_with("{ phases = 2, leave = 0 }")), HasSubstr("'leave'"));
  EXPECT_THAT(refusal(model_with("{ phases = 2, leave = 0.5, scale = 3 }")), HasSubstr("scale"));
  EXPECT_THAT(refusal(model_with("{ scale = 3 }")), HasSubstr("'c'"));
  EXPECT_THAT(
      refusal(model_with("{ probabilities = [1] }", "[recency_frequency]\nrecency_cells = 1\nclass_from = [1]\n")),
      HasSubstr("exclude each other"));
}

}  // namespace
}  // namespace clvsim
