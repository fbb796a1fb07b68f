// What `clvsim bench` compares the engine with: the same simulation in plain, good C++, a path at a time.
#pragma once

#include <cstdint>
#include <vector>

namespace clvsim::baseline {

// A migration chain of up to 8 states. Period t begins in a state and earns amount[state] * discount[t].
struct ChainInput {
  std::int64_t n_customers = 1;
  std::uint32_t n_paths = 0;
  std::uint64_t seed = 1;
  unsigned start = 0;                           // state
  std::vector<double> amount;                   // [states]
  std::vector<std::vector<double>> transition;  // [states][states], rows sum to 1
  std::vector<double> discount;                 // [horizon]
  std::vector<double> quantiles;                // ascending, in (0, 1)
  double cvar_level = 0.05;
};

struct ChainEstimates {
  double mean = 0, sd = 0;
  std::vector<double> quantiles;
  double cvar = 0;  // mean of the worst share cvar_level of the paths
};

struct ChainOutput {
  std::vector<ChainEstimates> customers;
  ChainEstimates total;  // over paths, of the sum over customers
};

// Philox4x32-10 (Salmon et al. 2011), a word a step; Walker's alias method (1977), a cell in one 32-bit word;
// std::nth_element for the quantiles.
[[nodiscard]] ChainOutput simulate(const ChainInput& input);

}  // namespace clvsim::baseline
