// Walks one (customer, path) over the horizon. Knows no files, threads or backends.
#pragma once

#include "kernels/models/migration_chain.hpp"
#include "kernels/portability.hpp"
#include "kernels/rng/address.hpp"

#include <cstdint>

namespace clvsim::kernels {

// A sink has
//   purchase(t, amount)      a drawn purchase of period t = 0, 1, ..., std::int64_t minor units
//   refund(t, amount)        a drawn refund, as a positive amount
//   period_end(t, outcome)   after every period, in order, with its PeriodOutcome
// purchase and refund are called only by models that draw amounts; period_end counts every purchase and all cash.
template <class Model>
struct PathSimulator {
  template <class Sink>
  static CLVSIM_HD void walk(const typename Model::Params& params, const typename Model::Customer& customer,
                             std::uint32_t path, std::uint64_t seed, std::uint32_t horizon, Sink& sink) {
    const PathDraws draws{seed, customer.hash, path};
    typename Model::State state = Model::begin(params, customer, draws);
    for (std::uint32_t t = 0; t < horizon; ++t) {
      sink.period_end(t, Model::step(params, state, t, draws, sink));
    }
  }
};

// The walk of a migration chain.
template <class Sink>
CLVSIM_HD void walk(const MigrationChainView& chain, const ChainCustomer& customer, std::uint32_t path,
                    std::uint64_t seed, std::uint32_t horizon, Sink& sink) {
  PathSimulator<MigrationChainModel>::walk(chain, customer, path, seed, horizon, sink);
}

}  // namespace clvsim::kernels
