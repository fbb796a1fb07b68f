// Covariates of a chain in numbers: what they are in a period, and the chain that they make.
#pragma once

#include <clvsim/migration_chain.hpp>

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace clvsim {

struct ModelFault;

// Whether an outcome of state `from` is among those that the effect moves.
[[nodiscard]] bool moves(const LogitEffect& effect, int from, const ChainOutcome& outcome);

// Whether any covariate depends on dates.
[[nodiscard]] bool has_dates(const MigrationChain& chain);

// z [covariates] in the days `first` to `last`, of customers of `segment`.
[[nodiscard]] std::vector<double> covariates_at(const MigrationChain& chain, Date first, Date last,
                                                const std::string& segment);

// z [covariates] of the periods before + 1 to before + horizon of the grid, each. Throws ConfigError where dates matter
// and leave the years 1900 to 2199.
[[nodiscard]] std::vector<std::vector<double>> covariates_by_period(const MigrationChain& chain, const PeriodGrid& grid,
                                                                    int before, int horizon,
                                                                    const std::string& segment);

// The chain without covariates whose probabilities are those at z. Where no outcome of a row moves, its probabilities
// keep their bits.
[[nodiscard]] MigrationChain chain_at(const MigrationChain& chain, std::span<const double> z);

// The first invariant of chain_covariates.hpp that the chain breaks. Precondition: its states are valid.
[[nodiscard]] std::optional<ModelFault> fault_of_covariates(const MigrationChain& chain);

inline constexpr std::size_t max_covariates = 64;
inline constexpr std::size_t max_windows = 1000;
inline constexpr double max_effect = 20;  // odds times 5e8

}  // namespace clvsim
