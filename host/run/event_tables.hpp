// The tables of the event sampler (kernels/models/chain_events.hpp) for a packed chain.
#pragma once

#include "host/run/chain_tables.hpp"

#include <cstdint>
#include <vector>

namespace clvsim {

// How many periods a stay in a state lasts: element k is the probability of k + 1 periods. They sum to 1, up to
// rounding, which the normalisation takes away. Empty: what the state's outcomes that lead back give, q^k (1 - q).
using DwellLaw = std::vector<double>;

// Adds the tables for Sampler::event: for every position the exact masses that its alias row has, of 2^-48.
//
// `laws` [n_states], or empty where every state has the law of its outcomes. A state with a law of its own makes the
// chain a semi-Markov process: a stay begins with the arrival (or with the run), lasts as drawn, and ends with one of
// the state's outcomes, none of which may lead back. Every further period of the stay repeats what the arrival brought.
// A law longer than the dwell classes is continued at copies of its positions, so that it has no cap of its own; the
// other samplers know nothing of laws. Throws ConfigError for a law that is not a distribution or of a state that leads
// back to itself, for more than 65535 positions, and for a program of several chains.
void add_event_tables(ChainTables& tables, const std::vector<DwellLaw>& laws = {});

}  // namespace clvsim
