// What is wrong with a migration chain, and where: shared by check() and the reader, which adds file and line.
#pragma once

#include <clvsim/migration_chain.hpp>

#include <optional>
#include <string>

namespace clvsim {

struct ModelFault {
  enum class Part { top, recency_frequency, spend, state, segment, covariate, lever } part = Part::top;
  int state = -1;       // index, where part is state, segment, covariate or lever
  std::string key;      // as model.toml calls it
  std::string message;  // "is 1.5; give ..."
};

// The first invariant of migration_chain.hpp that the chain breaks.
std::optional<ModelFault> find_fault(const MigrationChain& chain);

inline constexpr int max_states = 256;
inline constexpr int max_outcomes = 16;
inline constexpr int max_purchases_in_period = 16;
inline constexpr int max_decimals = 6;
inline constexpr std::size_t max_name_length = 64;
inline constexpr std::size_t max_currency_length = 8;
// Probabilities of a row may miss 1 by this much: a sum of 16 doubles written with 12 digits.
inline constexpr double sum_tolerance = 1e-9;
// An amount of more minor units than this has lost its last units to rounding.
inline constexpr double max_minor_units = 1e15;
inline constexpr double max_log_spend = 50;  // exp(50) units would not fit in 64 bits
inline constexpr double max_log_sd = 10;
inline constexpr double lowest_margin = -100;
// Of concentrations: from customers that always do the same to customers that are alike in a billion periods.
inline constexpr double lowest_concentration = 1e-6, highest_concentration = 1e9;

}  // namespace clvsim
