// A stranger's program: the installed headers and the installed library, nothing else.
#include <clvsim/error.hpp>
#include <clvsim/migration_chain.hpp>
#include <clvsim/simulate.hpp>
#include <clvsim/version.hpp>

#include <cmath>
#include <cstdio>

int main() {
  // Retained with probability 0.8 a period, 100 each period: 100 (1 - 0.8^3) / 0.2 = 244 over three periods.
  clvsim::MigrationChain chain;
  chain.measure = clvsim::Measure::profit;
  chain.states = {{"retained", true, 100, {{0, 0.8}, {1, 0.2}}}, {"lost", false, 0, {{1, 1.0}}}};
  const clvsim::ChainMoments exact = clvsim::exact_moments(chain, 0, {1.0, 1.0, 1.0});
  clvsim::SimulationOptions options;
  options.horizon = 3;
  options.n_paths = 100000;
  options.discounting.rate = 0;
  const clvsim::RunInfo run = clvsim::simulate_customers(1, chain, options, "", false);
  std::printf("clvsim %s: exact %.4f, simulated %.4f +- %.4f\n", std::string(clvsim::version()).c_str(), exact.mean,
              run.total.mean.mean, run.total.mean.se);
  const bool right = std::abs(exact.mean - 244) < 1e-9 && std::abs(run.total.mean.mean - 244) < 4 * run.total.mean.se;
  try {
    clvsim::StoreReader("no such file");
  } catch (const clvsim::IoError&) {
    return right ? 0 : 1;
  }
  return 1;
}
