/// \file
/// Synthetic transaction logs with known truth.
#pragma once

#include <clvsim/migration_chain.hpp>

#include <functional>

namespace clvsim {

struct GenerateOptions {
  std::int64_t n_customers = 1000;
  std::int64_t n_rows = 0;  ///< at least this many rows, by adding customers; 0: n_customers decides
  std::uint64_t seed = 1;
  Date start = {9862};           ///< 1997-01-01: first acquisition
  int acquisition_periods = 12;  ///< customers arrive evenly over these
  int observed_periods = 52;     ///< from `start` to the end of observation
  int holdout_periods = 26;      ///< afterwards: the truth to forecast
  std::filesystem::path output;  ///< CSV (customer_id,date,amount), gzip where it ends in .gz
  std::filesystem::path truth;   ///< CSV of every customer's true level and holdout spend; empty: none
  bool overwrite = false;
};

struct GenerateReport {
  std::int64_t n_customers = 0, n_rows = 0;
  MinorUnits amount = 0;
  Date observation_end;
};

/// Draws histories from `model` (which needs recency_frequency and spend) by the path code of the engine. Rows come in
/// the order of the dates of acquisition, not sorted by customer. The same options give the same bytes. Throws
/// ConfigError, IoError.
GenerateReport generate(const MigrationChain& model, const GenerateOptions& options,
                        const std::function<void(std::int64_t, std::int64_t)>& progress = {});

}  // namespace clvsim
