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
//   purchases(t, amount)     the drawn amount of a period's purchases together, less refunds
//   period_end(t, outcome)   after every period, in order, with its PeriodOutcome; of models that are sparse, after
//                            those periods alone that bring something or in which the customer leaves
//   exhausted(n)             of models that reject, at the end: draws that no attempt of their rejection loop gave
// The first three are called only by models that draw amounts; period_end counts every purchase and all cash.
template <class Model>
struct PathSimulator {
  template <class Sink>
  static CLVSIM_HD void walk(const typename Model::Params& params, const typename Model::Customer& customer,
                             std::uint32_t path, std::uint64_t seed, std::uint32_t horizon, Sink& sink) {
    const PathDraws draws{seed, customer.hash, path};
    typename Model::State state = Model::begin(params, customer, draws);
    for (std::uint32_t t = 0; (t = Model::next_due(state, t)) < horizon; ++t) {
      sink.period_end(t, Model::step(params, state, t, draws, sink));
    }
    if constexpr (Model::rejects) sink.exhausted(state.n_exhausted);
  }
};

// The walk of a migration chain.
template <class Sink>
CLVSIM_HD void walk(const MigrationChainView& chain, const ChainCustomer& customer, std::uint32_t path,
                    std::uint64_t seed, std::uint32_t horizon, Sink& sink) {
  PathSimulator<MigrationChainModel>::walk(chain, customer, path, seed, horizon, sink);
}

}  // namespace clvsim::kernels
