// The fit, from wherever the customers come.
#pragma once

#include <clvsim/fit.hpp>

#include <functional>

namespace clvsim {

using BatchSink = std::function<void(const CustomerBatch&)>;
// Hands every customer of a log to the sink, in batches, in the order of the keys; called once a pass.
using BatchSource = std::function<void(const BatchSink&)>;

// Hands every customer of a store to the sink.
void for_batches(const StoreReader& store, const BatchSink& sink);

// fit_migration_chain on the batches of `source`; of `info` it uses the currency, unit, dates, has_cost and digest.
FitReport fit_batches(const StoreInfo& info, const BatchSource& source, const FitOptions& options);

// What a log must have at least. Fewer make estimates whose standard errors mean nothing.
inline constexpr std::int64_t min_customers = 30;       // with a purchase
inline constexpr int min_observed_periods = 2;          // one to start in, one to see what happens
inline constexpr std::int64_t min_buying_periods = 10;  // customer-periods with a purchase after the first period
inline constexpr std::int64_t min_repeat_spend = 10;    // positive purchases beyond each customer's first

}  // namespace clvsim
