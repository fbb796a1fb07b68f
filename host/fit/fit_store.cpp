#include "host/fit/fit.hpp"
#include "host/model/histories.hpp"

#include <algorithm>

namespace clvsim {

void for_batches(const StoreReader& store, const BatchSink& sink) {
  // Enough for the reads to be long, little enough for memory to be small.
  constexpr std::int64_t batch_size = 1 << 14;
  CustomerBatch batch;
  for (std::int64_t first = 0; first < store.info().n_customers; first += batch_size) {
    store.read(first, std::min(batch_size, store.info().n_customers - first), batch);
    sink(batch);
  }
}

FitReport fit_migration_chain(const StoreReader& store, const FitOptions& options) {
  require_purchases(store.info(), "a migration chain");
  const auto source = [&](const BatchSink& sink) { for_batches(store, sink); };
  return fit_batches(store.info(), source, options);
}

}  // namespace clvsim
