// A whole run without files: customers in, results and forecasts out.
#pragma once

#include <clvsim/simulate.hpp>

#include "host/run/worlds.hpp"
#include "kernels/models/migration_chain.hpp"

#include <cstdint>
#include <functional>
#include <vector>

namespace clvsim {

// Customers, read in batches of any size.
class CustomerSource {
 public:
  virtual ~CustomerSource() = default;
  [[nodiscard]] virtual std::int64_t size() const = 0;
  [[nodiscard]] virtual std::size_t key_width() const = 0;
  // Replaces both: customers [count] and their keys [count, key_width] from `first` on. One thread calls it, in the
  // order of the customers.
  virtual void read(std::int64_t first, std::int64_t count, std::vector<kernels::ChainCustomer>& customers,
                    std::vector<char>& keys) const = 0;
};

// n customers in the chain's start state, with the spend of customers without a purchase; keys "1" to "n", drawn from
// the hashes of these keys.
class CountedSource final : public CustomerSource {
 public:
  // Throws ConfigError unless 1 <= n <= 10^9.
  CountedSource(std::int64_t n, const MigrationChain& chain);
  [[nodiscard]] std::int64_t size() const override { return n_; }
  [[nodiscard]] std::size_t key_width() const override { return key_width_; }
  void read(std::int64_t first, std::int64_t count, std::vector<kernels::ChainCustomer>& customers,
            std::vector<char>& keys) const override;

 private:
  std::int64_t n_;
  std::size_t key_width_;
  kernels::ChainCustomer customer_;  // but for the hash
};

// Checks options against a chain and fills in what follows from it (the margin). Throws ConfigError, with the remedy.
[[nodiscard]] SimulationOptions resolve(const SimulationOptions& options, const MigrationChain& chain);

// RunInfo before the run: measure, options, currency, unit, sampler, number of customers.
[[nodiscard]] RunInfo describe(const SimulationOptions& resolved, const MigrationChain& chain,
                               std::int64_t n_customers);

// Fixed-point numbers a currency unit: 256 * 10^decimals.
[[nodiscard]] double fixed_per_unit(const Currency& currency);

// Runs every customer of `source` and fills in total, total_revenue, periods and device of `info`. `append` receives
// the results in the source's order, a batch at a time; total_by_path [paths] the portfolio's fixed-point values. The
// source is read and `append` called on one thread of their own, while others compute; `progress` is called on the
// caller's. A period's profit is NaN where no margin is known; where the amounts are profit, revenue is the same as
// profit. Throws ConfigError where the per-path sums exceed their budget, DeviceError, ModelError where a number
// saturates, and what the source, `append` or `progress` throw.
void run_customers(const CustomerSource& source, const MigrationChain& chain, RunInfo& info,
                   std::vector<std::int64_t>& total_by_path, const std::function<void(const CustomerResults&)>& append,
                   const CustomerProgress& progress);
// The same where the chain depends on segment, period and world; options of `info` give the horizon.
void run_customers(const CustomerSource& source, const ChainProgram& program, RunInfo& info,
                   std::vector<std::int64_t>& total_by_path, const std::function<void(const CustomerResults&)>& append,
                   const CustomerProgress& progress);

// What per-path sums may take: one set, and all sets of the CPU's threads.
inline constexpr std::uint64_t path_sums_limit = std::uint64_t{1} << 30;
inline constexpr std::uint64_t path_sums_budget = std::uint64_t{2} << 30;

}  // namespace clvsim
