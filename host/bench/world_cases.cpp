// Migration chains whose tables change: by period, by regime, by a continuous factor of the economy, and by the draw of
// the parameters.
#include "host/bench/cases.hpp"
#include "host/io/seal.hpp"
#include "host/run/engine.hpp"
#include "host/run/worlds.hpp"

#include <fmt/format.h>

namespace clvsim {
namespace {

constexpr int horizon = 60;
constexpr std::uint32_t n_paths = 10000;

// What the last state, the one that is lost, gains in log-odds.
std::vector<double> towards_loss(const MigrationChain& chain) {
  std::vector<double> loading(chain.states.size());
  loading.back() = 1;
  return loading;
}

// Twelve tables in turn.
ChainProgram seasonal(const MigrationChain& chain) {
  constexpr int season = 12;
  ChainProgram program;
  for (int month = 0; month < season; ++month) {
    program.chains.push_back(tilted(chain, towards_loss(chain), month % 3 - 1.0));
  }
  for (int t = 0; t < horizon; ++t) program.chain_of.push_back(static_cast<std::uint16_t>(t % season));
  return program;
}

ChainProgram two_regimes(const MigrationChain& chain) {
  ChainProgram program;
  program.chains = {chain, tilted(chain, towards_loss(chain), 1.5)};
  program.n_levels = 2;
  program.n_worlds = n_paths;
  for (int t = 0; t < horizon; ++t) program.chain_of.insert(program.chain_of.end(), {0, 1});
  program.level = regime_levels({0.9, 0.1}, {{0.95, 0.05}, {0.2, 0.8}}, 1, horizon, n_paths);
  return program;
}

ChainProgram autoregressive(const MigrationChain& chain) {
  constexpr std::uint32_t n_levels = 65;
  const Autoregression factor{0.9, 0.7, std::nullopt};
  const LevelGrid grid = level_grid(factor, n_levels);
  ChainProgram program;
  program.n_levels = n_levels;
  program.n_worlds = n_paths;
  for (std::uint32_t l = 0; l < n_levels; ++l) {
    program.chains.push_back(tilted(chain, towards_loss(chain), grid.value(l)));
  }
  for (int t = 0; t < horizon; ++t) {
    for (std::uint32_t l = 0; l < n_levels; ++l) program.chain_of.push_back(static_cast<std::uint16_t>(l));
  }
  program.level = levels_of(factor_paths(factor, 1, horizon, n_paths), grid);
  return program;
}

// A draw of the parameters a path, of a few hundred: what uncertainty about them costs. A stand-in for draws of a
// fitted model: the log-odds of loss and of the second state, moved at random.
ChainProgram parameter_draws(const MigrationChain& chain) {
  constexpr std::uint32_t n_draws = 200;
  constexpr double spread = 0.2;  // of log-odds
  std::vector<double> second(chain.states.size());
  second[1] = 1;
  const Autoregression noise{0, 1, std::nullopt};
  const std::vector<double> z = factor_paths(noise, 1, 2, n_draws);
  std::vector<MigrationChain> chains;
  for (std::uint32_t d = 0; d < n_draws; ++d)
    chains.push_back(tilted(tilted(chain, towards_loss(chain), spread * z[d]), second, spread * z[n_draws + d]));
  return one_a_world(std::move(chains), horizon);
}

PlannedCase world_case(const std::string& name, const ChainProgram& program, std::int64_t n_customers) {
  const kernels::LaneKernels& lanes = *kernels::lane_kernels().front();
  SimulationOptions options;
  options.horizon = horizon;
  options.n_paths = n_paths;
  options.threads = 1;
  options.device = {DeviceChoice::Kind::cpu, {}, lanes.name};
  options.periods = false;
  PlannedCase planned;
  planned.result.name = name;
  planned.result.unit = "path-steps";
  planned.result.work = static_cast<double>(n_customers) * n_paths * horizon;
  planned.result.limit = {{words_ceiling(lanes), planned.result.work}};
  planned.prepare = [program, options, n_customers](BenchCase& result) {
    const MigrationChain& chain = program.chains.front();
    const auto run = [program, options, n_customers](Hasher* hasher) {
      const MigrationChain& first = program.chains.front();
      RunInfo info = describe(resolve(options, first), first, n_customers);
      std::vector<std::int64_t> total_by_path;
      const auto append = [&](const CustomerResults& batch) {
        if (hasher == nullptr) return;
        for (const std::vector<double>* column : {&batch.mean, &batch.sd, &batch.quantile, &batch.cvar})
          hasher->update(column->data(), column->size() * sizeof(double));
      };
      run_customers(CountedSource(n_customers, first), program, info, total_by_path, append, {});
      return info;
    };
    Hasher hasher;
    const RunInfo info = run(&hasher);
    const std::vector<double> weight = discount_factors(options.discounting, chain.unit, options.horizon);
    double exact = 0;  // given the worlds that were drawn
    for (std::uint32_t w = 0; w < program.n_worlds; ++w) {
      exact += moments_given_world(program, 0, w, chain.start_state, weight).mean / program.n_worlds;
    }
    check_mean(result.name, info.total.mean.mean, info.total.mean.se, static_cast<double>(n_customers) * exact);
    result.digest = to_hex(hasher.digest());
    return [run] { static_cast<void>(run(nullptr)); };
  };
  return planned;
}

}  // namespace

void add_world_cases(PlannedCases& cases) {
  const MigrationChain chain = dense_chain(6, 0.875);
  cases.push_back(world_case("chain_seasonal", seasonal(chain), 256));
  cases.push_back(world_case("chain_regime", two_regimes(chain), 256));
  cases.push_back(world_case("chain_ar1", autoregressive(chain), 64));
  cases.push_back(world_case("chain_posterior", parameter_draws(chain), 64));
}

}  // namespace clvsim
