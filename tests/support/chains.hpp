// Chains with published or exact answers, built in code.
#pragma once

#include <clvsim/migration_chain.hpp>

#include <string>
#include <utility>
#include <vector>

namespace clvsim::test {

inline ChainOutcome outcome(int to, double probability, double amount = 0, bool purchase = false) {
  ChainOutcome result;
  result.to = to;
  result.probability = probability;
  result.amount = amount;
  result.purchase = purchase;
  return result;
}

inline ChainState state(std::string name, std::vector<ChainOutcome> outcomes, bool active = true, double amount = 0) {
  ChainState result;
  result.name = std::move(name);
  result.active = active;
  result.amount = amount;
  result.outcomes = std::move(outcomes);
  return result;
}

// A customer who earns 1 a period and is lost with the same probability in each.
inline MigrationChain constant_hazard(double hazard) {
  MigrationChain chain;
  chain.states = {state("here", {outcome(0, 1 - hazard), outcome(1, hazard)}, true, 1),
                  state("gone", {outcome(1, 1)}, false)};
  return chain;
}

// Dwyer's retention model (Dwyer 1997, "Customer lifetime valuation to support marketing decision making", J. Direct
// Marketing 11): 3 years, 100 a year while retained. Mean 173.60, sd 132.1478.
inline MigrationChain dwyer_retention() {
  MigrationChain chain;
  chain.unit = PeriodUnit::year;
  chain.states = {state("new", {outcome(1, 0.70, 100, true), outcome(4, 0.30)}),
                  state("retained_1", {outcome(2, 0.80, 100, true), outcome(4, 0.20)}),
                  state("retained_2", {outcome(3, 0.85, 100, true), outcome(4, 0.15)}),
                  state("retained_3", {outcome(3, 1)}), state("lost", {outcome(4, 1)}, false)};
  return chain;
}

// Dwyer's migration model (Dwyer 1997): states are the last two years, newest last; B bought, N did not. 3 years.
// Mean 203.24, sd 109.9632.
inline MigrationChain dwyer_migration() {
  const auto node = [](std::string name, int bought, int not_bought, double rate, double amount) {
    return state(std::move(name), {outcome(bought, rate, amount, true), outcome(not_bought, 1 - rate)});
  };
  MigrationChain chain;
  chain.unit = PeriodUnit::year;
  chain.states = {
      node("new", 1, 2, 0.70, 100), node("B", 3, 4, 0.80, 110),      node("N", 5, 6, 0.40, 90),
      node("BB", 7, 8, 0.85, 90),   node("BN", 7, 8, 0.50, 90),      node("NB", 7, 8, 0.75, 100),
      node("NN", 7, 8, 0.30, 50),   state("end_B", {outcome(7, 1)}), state("end_N", {outcome(8, 1)}, false)};
  return chain;
}

// A life-cycle chain, acquisition (A) to exit (E), net ARPU a month. 60 months at 1 % a month, first: mean 430.3257, sd
// 539.8787.
inline MigrationChain life_cycle() {
  MigrationChain chain;
  chain.measure = Measure::profit;
  chain.states = {state("A", {outcome(0, 0.5), outcome(1, 0.4), outcome(4, 0.1)}, true, -20),
                  state("B", {outcome(1, 0.7), outcome(2, 0.2), outcome(3, 0.05), outcome(4, 0.05)}, true, 30),
                  state("C", {outcome(2, 0.9), outcome(3, 0.08), outcome(4, 0.02)}, true, 60),
                  state("D", {outcome(2, 0.1), outcome(3, 0.6), outcome(4, 0.3)}, true, 25),
                  state("E", {outcome(4, 1)}, false)};
  return chain;
}

// Every period a purchase with drawn spend and the state's chance of leaving: the smallest chain with a SpendModel.
inline MigrationChain with_spend() {
  MigrationChain chain;
  chain.states = {state("customer", {outcome(0, 0.6, 0, true), outcome(0, 0.3), outcome(1, 0.1)}),
                  state("gone", {outcome(1, 1)}, false)};
  SpendModel spend;
  spend.log_mean = {3.2};
  spend.between_sd = 0.4;
  spend.within_sd = 0.6;
  spend.smearing = 1.05;
  spend.zero_share = 0.02;
  spend.purchases_in_period = {0.7, 0.2, 0.1};
  spend.refund_rate = 0.05;
  spend.refund_log_shift = -0.3;
  spend.refund_log_sd = 0.5;
  chain.spend = spend;
  return chain;
}

// n states, each with outcomes to `n_outcomes` of them, some of them purchases; amounts of both signs up to `largest`.
inline MigrationChain mixed_chain(int n, int n_outcomes, double largest) {
  MigrationChain chain;
  for (int s = 0; s < n; ++s) {
    ChainState made = state("s" + std::to_string(s), {}, s % 3 != 2, largest * (s % 5 - 1) / 5);
    double left = 1;
    for (int k = 0; k < n_outcomes; ++k) {
      const double p = k + 1 == n_outcomes ? left : left * (k == 0 ? 0.7 : 0.45);
      left -= p;
      const int to = (s + k * (k + 1) / 2 + 1) % n;
      made.outcomes.push_back(outcome(to, p, 0, to % 4 == 1));
    }
    chain.states.push_back(made);
  }
  return chain;
}

}  // namespace clvsim::test
