// A synthetic log through the whole line: generate, import, fit, simulate, with the truth beside the forecast.
#pragma once

#include "host/base/output_file.hpp"
#include "tests/support/places.hpp"
#include "tests/support/program.hpp"

#include <clvsim/fit.hpp>
#include <clvsim/generate.hpp>
#include <clvsim/holdout.hpp>
#include <clvsim/import.hpp>
#include <clvsim/simulate.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace clvsim::test {

inline MigrationChain shipped_model(const std::string& name) {
  return read_model(source_dir() + "/configs/models/" + name + ".toml");
}

inline StoreReader import_text(const TemporaryFolder& folder, const std::filesystem::path& log, PeriodUnit unit,
                               std::optional<Date> observation_end) {
  ImportOptions options;
  options.logs = {log};
  options.output = folder / "customers.h5";
  options.overwrite = true;
  options.unit = unit;
  options.currency = "USD";
  options.observation_end = observation_end;
  import_logs(options);
  return StoreReader(options.output);
}

inline StoreReader generated_store(const TemporaryFolder& folder, const MigrationChain& model,
                                   GenerateOptions options) {
  options.output = folder / "log.csv";
  options.overwrite = true;
  const GenerateReport report = generate(model, options);
  return import_text(folder, options.output, model.unit, report.observation_end);
}

// One customer's forecast and what it did in the holdout, in currency units.
struct Forecast {
  double mean = 0, sd = 0, p_nonpositive = 0;
  std::vector<double> quantiles;
  double truth = 0;
};

inline std::vector<Forecast> forecasts(const TemporaryFolder& folder, const StoreReader& store,
                                       const MigrationChain& model, const SimulationOptions& options) {
  const std::string path = folder / "run.h5";
  const RunInfo info = simulate(store, model, options, path, true);
  const RunReader run(path);
  CustomerResults results;
  run.read(0, info.n_customers, results);
  CustomerBatch batch;
  store.read(0, info.n_customers, batch);
  std::vector<MinorUnits> spend;
  std::vector<std::int64_t> purchases;
  HoldoutJoin join(store, options.horizon);
  join.join(batch, spend, purchases);
  std::vector<Forecast> all(batch.size());
  const std::size_t n = options.quantiles.size();
  for (std::size_t i = 0; i < all.size(); ++i) {
    all[i] = {results.mean[i], results.sd[i], results.p_nonpositive[i], {}, static_cast<double>(spend[i]) / 100};
    all[i].quantiles.assign(results.quantile.begin() + static_cast<std::ptrdiff_t>(i * n),
                            results.quantile.begin() + static_cast<std::ptrdiff_t>((i + 1) * n));
  }
  return all;
}

// Standard deviations between the true total and the forecast.
inline double total_deviation(const std::vector<Forecast>& all) {
  double difference = 0, variance = 0;
  for (const Forecast& one : all) {
    difference += one.truth - one.mean;
    variance += one.sd * one.sd;
  }
  return difference / std::sqrt(variance);
}

// The randomised probability integral transform of what happened, by a uniform number u; `levels`: of the quantiles.
inline double randomised_pit(const Forecast& one, const std::vector<double>& levels, double u) {
  double low = 0, high = one.p_nonpositive;
  if (one.truth > 0) {
    std::size_t k = 0;
    while (k < levels.size() && one.quantiles[k] < one.truth) ++k;
    high = k < levels.size() ? levels[k] : 1;
    low = std::min(std::max(k > 0 ? levels[k - 1] : 0, one.p_nonpositive), high);
  }
  return low + (high - low) * u;
}

// A run of the holdout's periods, undiscounted.
inline SimulationOptions undiscounted(int horizon, std::uint32_t n_paths, std::vector<double> quantiles) {
  SimulationOptions options;
  options.horizon = horizon;
  options.n_paths = n_paths;
  options.seed = 99;
  options.discounting.rate = 0;
  options.quantiles = std::move(quantiles);
  options.threads = 1;
  options.device.kind = DeviceChoice::Kind::cpu;
  return options;
}

}  // namespace clvsim::test
