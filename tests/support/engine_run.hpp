// Runs the engine in memory.
#pragma once

#include "host/run/chain_tables.hpp"
#include "host/run/engine.hpp"
#include "host/run/estimates.hpp"
#include "kernels/backend/backend.hpp"

#include <cstdint>
#include <vector>

namespace clvsim::test {

struct EngineRun {
  RunInfo info;
  CustomerResults results;
  std::vector<std::int64_t> total_by_path;
};

inline EngineRun run_engine(const CustomerSource& source, const ChainProgram& program,
                            const SimulationOptions& options) {
  EngineRun run;
  const MigrationChain& chain = program.chains.front();
  run.info = describe(resolve(options, chain), chain, source.size());
  const auto join = [](auto& to, const auto& from) { to.insert(to.end(), from.begin(), from.end()); };
  run_customers(source, program, run.info, run.total_by_path,
                [&](const CustomerResults& batch) {
                  run.results.key_width = batch.key_width;
                  join(run.results.key, batch.key);
                  join(run.results.mean, batch.mean);
                  join(run.results.se, batch.se);
                  join(run.results.sd, batch.sd);
                  join(run.results.sd_se, batch.sd_se);
                  join(run.results.quantile, batch.quantile);
                  join(run.results.quantile_se, batch.quantile_se);
                  join(run.results.cvar, batch.cvar);
                  join(run.results.cvar_se, batch.cvar_se);
                  join(run.results.p_nonpositive, batch.p_nonpositive);
                  join(run.results.p_nonpositive_se, batch.p_nonpositive_se);
                  join(run.results.p_active, batch.p_active);
                  join(run.results.p_active_se, batch.p_active_se);
                  join(run.results.transactions_mean, batch.transactions_mean);
                  join(run.results.transactions_se, batch.transactions_se);
                  join(run.results.path_value, batch.path_value);
                },
                {});
  return run;
}

inline EngineRun run_engine(const CustomerSource& source, const MigrationChain& chain,
                            const SimulationOptions& options) {
  return run_engine(source, ChainProgram{{chain}, {}, {}}, options);
}

inline EngineRun run_engine(std::int64_t n, const MigrationChain& chain, const SimulationOptions& options) {
  return run_engine(CountedSource(n, chain), chain, options);
}

inline SimulationOptions options(int horizon, std::uint32_t n_paths, double rate = 0,
                                 RatePeriod per = RatePeriod::month) {
  SimulationOptions result;
  result.horizon = horizon;
  result.n_paths = n_paths;
  result.discounting = {rate, per, DiscountConvention::first};
  result.threads = 1;
  result.device.kind = DeviceChoice::Kind::cpu;
  return result;
}

// Bit for bit the same numbers; NaN equals NaN.
inline bool same_bits(const std::vector<double>& a, const std::vector<double>& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (kernels::bits_of(a[i]) != kernels::bits_of(b[i])) return false;
  }
  return true;
}

inline std::vector<double> all_numbers(const CustomerResults& r) {
  std::vector<double> all;
  for (const auto* column :
       {&r.mean, &r.se, &r.sd, &r.sd_se, &r.quantile, &r.quantile_se, &r.cvar, &r.cvar_se, &r.p_nonpositive,
        &r.p_nonpositive_se, &r.p_active, &r.p_active_se, &r.transactions_mean, &r.transactions_se}) {
    all.insert(all.end(), column->begin(), column->end());
  }
  return all;
}

inline std::vector<double> all_numbers(const RunInfo& info) {
  std::vector<double> all;
  const auto add = [&](const Estimate& e) { all.insert(all.end(), {e.mean, e.se}); };
  for (const Distribution* d : {&info.total, &info.total_revenue}) {
    add(d->mean);
    add(d->sd);
    for (const Estimate& q : d->quantiles) add(q);
    add(d->cvar);
  }
  for (const PeriodForecast& period : info.periods) {
    add(period.active);
    add(period.revenue);
    add(period.profit);
    add(period.transactions);
  }
  return all;
}

inline bool same_bits(const EngineRun& a, const EngineRun& b) {
  return same_bits(all_numbers(a.results), all_numbers(b.results)) &&
         same_bits(all_numbers(a.info), all_numbers(b.info)) && a.total_by_path == b.total_by_path &&
         a.results.path_value == b.results.path_value;
}

}  // namespace clvsim::test
