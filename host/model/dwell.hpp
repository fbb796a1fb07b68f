// Semi-Markov chains: how long a customer stays in a state before an outcome happens. Such a chain is a migration chain
// of more states, the periods or phases of a stay; it is expanded when it is read, and everything else is exact as
// ever.
#pragma once

#include <clvsim/migration_chain.hpp>

#include <optional>
#include <vector>

namespace clvsim {

// The parts of a stay, one after the other. Periods (`one_period`): a customer leaves by an outcome of the state with
// the given probability, and is in the next part otherwise; the last part goes on for as long as it takes. Phases: a
// customer leaves for the next part with the given probability, from the last by an outcome, and stays otherwise.
struct Dwell {
  std::vector<double> leaves;  // of each part
  bool one_period = true;
};

// P(stay = 1, 2, ... periods), at least one and summing to 1.
[[nodiscard]] Dwell dwell_of(const std::vector<double>& probabilities);
// P(stay > t) = exp(-(t / scale)^c), the discrete Weibull law (Nakagawa & Osaki 1975), up to the period that one in a
// million stays reaches; from there on as in that period.
[[nodiscard]] Dwell weibull_dwell(double scale, double c);
// `phases` of at least one period each, left with the probability `leave` a period: a shifted negative binomial law.
[[nodiscard]] Dwell phase_dwell(int phases, double leave);

// The chain with the stays of its states [states] written out; `origin` receives the state that each comes from. The
// first part of a state has its name, later ones "NAME, period 2" or "NAME, phase 2".
[[nodiscard]] MigrationChain with_dwells(const MigrationChain& chain, const std::vector<std::optional<Dwell>>& dwells,
                                         std::vector<int>& origin);

}  // namespace clvsim
