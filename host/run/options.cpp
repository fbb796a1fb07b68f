// What a run may be asked for, and the customers of a run without a store.
#include "host/base/text.hpp"
#include "host/run/discounting.hpp"
#include "host/run/engine.hpp"
#include "host/run/spend_posterior.hpp"

#include <clvsim/error.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

namespace clvsim {

namespace {

template <class T>
void check_range(const char* what, T value, T low, T high, const char* remedy) {
  if (value >= low && value <= high) return;
  throw ConfigError(fmt::format("{} {}: must be in {} to {}; {}", what, value, low, high, remedy));
}

void check_quantiles(const std::vector<double>& quantiles) {
  constexpr std::size_t most = 16;
  if (quantiles.empty() || quantiles.size() > most) {
    throw ConfigError(fmt::format("{} quantiles: 1 to {} are possible", quantiles.size(), most));
  }
  double before = 0;
  for (const double q : quantiles) {
    if (!(q > 0 && q < 1)) {
      throw ConfigError(fmt::format("quantile {}: must lie between 0 and 1, ends excluded; write 0.05 for 5 %", q));
    }
    if (!(q > before)) {
      throw ConfigError(fmt::format("quantile {} after {}: give each once, in ascending order", q, before));
    }
    before = q;
  }
}

}  // namespace

void check(const SimulationOptions& options) {
  check_range("horizon", options.horizon, 1, 65535, "it counts periods of the model");
  check_range<std::int64_t>("paths", options.n_paths, 2, 4294967295, "1000 is a good start");
  check(options.discounting);
  check_quantiles(options.quantiles);
  if (!(options.cvar_level > 0 && options.cvar_level < 1)) {
    throw ConfigError(fmt::format(
        "CVaR level {}: must lie between 0 and 1, ends excluded; write 0.05 for the worst 5 %", options.cvar_level));
  }
  check_range("threads", options.threads, 0, 4096, "0 takes every core");
  check_range<std::int64_t>("batch", options.batch, 0, std::int64_t{1} << 40, "0 lets clvsim choose");
  check_range<std::int64_t>("parameter draws", options.parameter_draws, 0, 4096, "0 takes the estimates as known");
  if (options.first_day && (*options.first_day <= first_valid_date || *options.first_day > last_valid_date))
    throw ConfigError(
        fmt::format("first day {}: must lie after 1900-01-01 and before 2200", to_string(*options.first_day)));
  const DeviceChoice& device = options.device;
  if (device.kind == DeviceChoice::Kind::cuda) {
    check_range<std::size_t>("number of GPUs", device.gpus.size(), 1, 64, "cuda:0,1 names two");
  }
  for (const int gpu : device.gpus) check_range("GPU index", gpu, 0, 1023, "the first GPU is cuda:0");
  constexpr double lowest_margin = -100;  // as in a model's file: costs may exceed revenue
  if (options.margin && !(*options.margin >= lowest_margin && *options.margin <= 1)) {
    throw ConfigError(fmt::format("margin {}: must be in -100 to 1; it is a share of revenue, so write 0.3 for 30 %",
                                  *options.margin));
  }
}

void check_draws(const SimulationOptions& options) {
  if (options.parameter_draws > options.n_paths)
    throw ConfigError(
        fmt::format("{} parameter draws of {} paths: a path has one draw; give at most as many draws as "
                    "paths",
                    options.parameter_draws, options.n_paths));
}

SimulationOptions resolve(const SimulationOptions& options, const MigrationChain& chain) {
  check(options);
  if (has_heterogeneity(chain) && options.sampler != StepSampler::automatic)
    throw ConfigError(
        "--sampler: customers of the model differ (concentration), and there is one way to draw their steps: leave it "
        "out, or use a model without concentrations");
  if (has_heterogeneity(chain) && options.parameter_draws > 0)
    throw ConfigError(
        "--parameter-draws: customers of the model differ (concentration), and its probabilities cannot be drawn for "
        "all of them as well; leave it out, or use a model without concentrations");
  if (options.sampler == StepSampler::event && chain.spend) {
    throw ConfigError(
        "sampler 'event': the model draws the amount of every purchase ([spend]), and events have none between them; "
        "use --sampler alias, or a model whose outcomes have amounts");
  }
  check_draws(options);
  SimulationOptions resolved = options;
  if (chain.measure == Measure::profit) {
    if (options.margin) {
      throw ConfigError(
          fmt::format("margin {}: the model's amounts are profit already (measure = \"profit\"); leave the margin out",
                      *options.margin));
    }
    return resolved;
  }
  if (!resolved.margin) {
    resolved.margin = chain.margin;
    check(resolved);  // a chain made in memory may hold any margin
  }
  return resolved;
}

namespace {

CustomerRows starting_customer(const MigrationChain& chain) {
  CustomerRows rows;
  kernels::ChainCustomer& customer = rows.of<kernels::ChainCustomer>().emplace_back();
  customer.state = static_cast<std::uint32_t>(chain.start_state);
  if (chain.spend) {
    const int frequency_class =
        chain.recency_frequency ? chain.start_state / (chain.recency_frequency->recency_cells + 1) : 0;
    const SpendLevel level = spend_level(*chain.spend, frequency_class, 0, 0);
    customer.level_mean = level.mean;
    customer.level_sd = level.sd;
  }
  return rows;
}

}  // namespace

CountedSource::CountedSource(std::int64_t n, CustomerRows one)
    : n_(n), key_width_(std::to_string(n).size()), one_(std::move(one)) {
  check_range<std::int64_t>("customers", n, 1, 1000000000, "use a store for more");
}
CountedSource::CountedSource(std::int64_t n, const MigrationChain& chain)
    : CountedSource(n, starting_customer(chain)) {}

void CountedSource::read(std::int64_t first, std::int64_t count, CustomerRows& rows) const {
  const auto n = static_cast<std::size_t>(count);
  rows.key.assign(n * key_width_, '\0');
  rows.closed.assign(one_.closed.empty() ? 0 : n, one_.closed.empty() ? ClosedForms{} : one_.closed.front());
  rows.moments.assign(one_.moments.empty() ? 0 : n, one_.moments.empty() ? 0 : one_.moments.front());
  std::visit(
      [&](const auto& one) {
        auto& customers = rows.of<typename std::decay_t<decltype(one)>::value_type>();
        customers.clear();
        const std::size_t records = one.size();
        for (std::size_t i = 0; i < n; ++i) {
          customers.insert(customers.end(), one.begin(), one.end());
          const std::string key = std::to_string(first + static_cast<std::int64_t>(i) + 1);
          std::copy(key.begin(), key.end(), rows.key.begin() + static_cast<std::ptrdiff_t>(i * key_width_));
          std::uint64_t attempt = 0;
          std::uint64_t hash = 0;
          do {
            hash = customer_hash(key, attempt++);
          } while (hash >= first_reserved_hash);
          for (std::size_t r = i * records; r < (i + 1) * records; ++r) customers[r].hash = hash;
        }
      },
      one_.customers);
}

}  // namespace clvsim
