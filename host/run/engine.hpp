// A whole run without files: customers in, results and forecasts out.
#pragma once

#include <clvsim/simulate.hpp>

#include "host/run/worlds.hpp"
#include "kernels/models/list.hpp"

#include <cstdint>
#include <functional>
#include <vector>

namespace clvsim {

// A customer's closed forms (CustomerResults).
struct ClosedForms {
  double p_alive = 0, expected_transactions = 0, expected_spend = 0, dert = 0;
};

// Some customers, as the engine takes them.
struct CustomerRows {
  kernels::AnyCustomers customers;     // a record each, or one for each draw of the parameters
  std::vector<char> key;               // [n, key_width]
  std::vector<std::uint32_t> segment;  // [n] of the store's, or empty
  std::vector<ClosedForms> closed;     // [n], or empty: the model has none
  // [n] moments of the value are finite up to this order, itself excluded; empty: all are.
  std::vector<double> moments;

  template <class Customer>
  [[nodiscard]] std::vector<Customer>& of() {
    return kernels::customers_of<Customer>(customers);
  }
  void clear() {
    std::visit([](auto& all) { all.clear(); }, customers);
    key.clear();
    segment.clear();
    closed.clear();
    moments.clear();
  }
};

// Customers, read in batches of any size.
class CustomerSource {
 public:
  virtual ~CustomerSource() = default;
  [[nodiscard]] virtual std::int64_t size() const = 0;
  [[nodiscard]] virtual std::size_t key_width() const = 0;
  // Replaces `rows` by those of the customers [first, first + count). One thread calls it, in the order of the
  // customers.
  virtual void read(std::int64_t first, std::int64_t count, CustomerRows& rows) const = 0;
};

// n customers without a history; keys "1" to "n", drawn from the hashes of these keys.
class CountedSource final : public CustomerSource {
 public:
  // `one`: a customer without a history. Throws ConfigError unless 1 <= n <= 10^9.
  CountedSource(std::int64_t n, CustomerRows one);
  // In the chain's start state, with the spend of customers without a purchase.
  CountedSource(std::int64_t n, const MigrationChain& chain);
  [[nodiscard]] std::int64_t size() const override { return n_; }
  [[nodiscard]] std::size_t key_width() const override { return key_width_; }
  void read(std::int64_t first, std::int64_t count, CustomerRows& rows) const override;

 private:
  std::int64_t n_;
  std::size_t key_width_;
  CustomerRows one_;  // but for the hash
};

// A model as the engine takes it; tables of the parameters outlive the run.
struct PathProgram {
  kernels::AnyParams params;
  std::uint64_t max_cash = 0;       // of a period of a customer, without what is drawn, fixed point
  std::uint32_t max_purchases = 0;  // of a period of a customer; 0: as drawn
  Measure measure = Measure::revenue;
};

// Checks options against a chain and fills in what follows from it (the margin). Throws ConfigError, with the remedy.
[[nodiscard]] SimulationOptions resolve(const SimulationOptions& options, const MigrationChain& chain);

// Throws ConfigError where there are more draws of the parameters than paths.
void check_draws(const SimulationOptions& options);

// RunInfo before the run: measure, options, currency, unit, sampler, number of customers.
[[nodiscard]] RunInfo describe(const SimulationOptions& resolved, const MigrationChain& chain,
                               std::int64_t n_customers);

// Factors [horizon] that turn a period's cash into value: discount times margin.
[[nodiscard]] std::vector<double> value_weights(const RunInfo& info);

// Fixed-point numbers a currency unit: 256 * 10^decimals.
[[nodiscard]] double fixed_per_unit(const Currency& currency);

// Runs every customer of `source` and fills in total, total_revenue, periods and device of `info`. `append` receives
// the results in the source's order, a batch at a time; total_by_path [paths] the portfolio's fixed-point values. The
// source is read and `append` called on one thread of their own, while others compute; `progress` is called on the
// caller's. A period's profit is NaN where no margin is known; where the amounts are profit, revenue is the same as
// profit. Errors of estimates are NaN where the moments that they need are infinite. Throws ConfigError where the
// per-path sums exceed their budget, DeviceError, ModelError where a number saturates, and what the source, `append` or
// `progress` throw.
void run_customers(const CustomerSource& source, const PathProgram& program, RunInfo& info,
                   std::vector<std::int64_t>& total_by_path, const std::function<void(const CustomerResults&)>& append,
                   const CustomerProgress& progress);
// A chain, also one that depends on segment, period and world; options of `info` give the horizon.
void run_customers(const CustomerSource& source, const ChainProgram& program, RunInfo& info,
                   std::vector<std::int64_t>& total_by_path, const std::function<void(const CustomerResults&)>& append,
                   const CustomerProgress& progress);

void run_customers(const CustomerSource& source, const MigrationChain& chain, RunInfo& info,
                   std::vector<std::int64_t>& total_by_path, const std::function<void(const CustomerResults&)>& append,
                   const CustomerProgress& progress);

// What per-path sums may take: one set, and all sets of the CPU's threads.
inline constexpr std::uint64_t path_sums_limit = std::uint64_t{1} << 30;
inline constexpr std::uint64_t path_sums_budget = std::uint64_t{2} << 30;

}  // namespace clvsim
