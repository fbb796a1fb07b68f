// The posterior of a customer's spend level given the customer's own purchases.
#pragma once

#include <clvsim/customers.hpp>
#include <clvsim/migration_chain.hpp>

namespace clvsim {

// theta ~ N(mean, sd^2), of ln(currency units).
struct SpendLevel {
  double mean = 0, sd = 0;
};

// Normal-normal conjugacy (Gelman et al. 2013, section 2.5): prior N(log_mean[frequency_class],
// between_sd^2), n purchases with sum of logs `log_sum`, each with noise within_sd^2. n = 0 gives the prior.
[[nodiscard]] SpendLevel spend_level(const SpendModel& spend, int frequency_class, std::int64_t n, double log_sum);

// The same from customer i's history: its purchases with a positive amount.
[[nodiscard]] SpendLevel spend_level(const SpendModel& spend, int frequency_class, const CustomerBatch& batch,
                                     std::size_t i, int decimals);

}  // namespace clvsim
