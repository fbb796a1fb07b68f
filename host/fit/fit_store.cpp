#include "host/fit/fit.hpp"

#include <algorithm>

namespace clvsim {

FitReport fit_migration_chain(const StoreReader& store, const FitOptions& options) {
  // Enough for the reads to be long, little enough for memory to be small.
  constexpr std::int64_t batch_size = 1 << 14;
  const auto source = [&](const BatchSink& sink) {
    CustomerBatch batch;
    for (std::int64_t first = 0; first < store.info().n_customers; first += batch_size) {
      store.read(first, std::min(batch_size, store.info().n_customers - first), batch);
      sink(batch);
    }
  };
  return fit_batches(store.info(), source, options);
}

}  // namespace clvsim
