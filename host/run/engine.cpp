#include "host/run/engine.hpp"

#include "host/base/buffer.hpp"
#include "host/base/text.hpp"
#include "host/run/backends.hpp"
#include "host/run/chain_tables.hpp"
#include "host/run/discounting.hpp"
#include "host/run/estimates.hpp"
#include "host/run/event_tables.hpp"
#include "host/run/pipeline.hpp"
#include "host/run/spend_posterior.hpp"
#include "kernels/backend/workers.hpp"

#include <clvsim/error.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace clvsim {

namespace {

// Name and version of the draws: the same name, seed and inputs give the same numbers.
std::string sampler_name(StepSampler sampler) {
  switch (sampler) {
    case StepSampler::ordered:
      return "philox4x32-10 ordered-threshold 3";
    case StepSampler::event:
      return "philox4x32-10 event 1";
    case StepSampler::automatic:
    case StepSampler::alias:
      break;
  }
  return "philox4x32-10 alias 1";
}

kernels::Sampler kernel_sampler(StepSampler sampler) {
  switch (sampler) {
    case StepSampler::ordered:
      return kernels::Sampler::ordered;
    case StepSampler::event:
      return kernels::Sampler::event;
    case StepSampler::automatic:
    case StepSampler::alias:
      break;
  }
  return kernels::Sampler::alias;
}

constexpr double unknown = std::numeric_limits<double>::quiet_NaN();
constexpr Estimate unknown_estimate{unknown, unknown};

// Bounds of what the sums over customers can reach: they must stay within 63 bits on every path.
struct SumBounds {
  std::uint64_t max_cash = 0;  // of a period of a customer, without what is drawn
  kernels::u128 value = 0, cash = 0;
  std::uint64_t purchases = 0, horizon = 0;

  void add(const kernels::CustomerSummary& summary, std::int64_t row) {
    constexpr kernels::u128 limit = static_cast<kernels::u128>(kernels::fixed_limit);
    if (summary.n_saturated != 0) {
      throw ModelError(fmt::format(
          "customer row {}: {} simulated numbers are beyond the engine's fixed point of 2^62 / 256 minor units; check "
          "the amounts, spend and refunds of the model, its currency's decimals, and the discounting",
          row + 1, summary.n_saturated));
    }
    if (summary.n_exhausted != 0) {
      throw ModelError(
          fmt::format("customer row {}: {} draws found no value, though each of 32 attempts has a chance of more than "
                      "1/2; a parameter of the model, or this customer's history, is beyond what can be drawn from",
                      row + 1, summary.n_exhausted));
    }
    value += std::max(kernels::distance(summary.value.min, 0), kernels::distance(summary.value.max, 0));
    cash += static_cast<kernels::u128>(max_cash) + summary.max_drawn;
    purchases += summary.max_purchases;
    constexpr std::uint64_t most = std::numeric_limits<std::uint32_t>::max();
    if (purchases > most || summary.max_purchases * horizon > most) {
      throw ModelError(
          fmt::format("the first {} customers could make more than 2^32 purchases in a period, or one of "
                      "them in all; check the model's purchase rate and period, or simulate fewer "
                      "customers a run",
                      row + 1));
    }
    if (value >= limit || cash >= limit) {
      throw ModelError(
          fmt::format("the sum over the first {} customers could pass the engine's fixed point of 2^62 / 256 minor "
                      "units; check the "
                      "amounts of the model, or simulate fewer customers a run",
                      row + 1));
    }
  }
};

// A batch on its way through the pipeline.
struct Batch {
  CustomerRows rows;
  CustomerResults results;
};

void set_closed_forms(const std::vector<ClosedForms>& closed, bool has_dert, CustomerResults& results) {
  for (std::vector<double>* column :
       {&results.p_alive, &results.expected_transactions, &results.expected_spend, &results.dert})
    column->clear();
  for (const ClosedForms& customer : closed) {
    results.p_alive.push_back(customer.p_alive);
    results.expected_transactions.push_back(customer.expected_transactions);
    results.expected_spend.push_back(customer.expected_spend);
    if (has_dert) results.dert.push_back(customer.dert);
  }
}

void check_memory(const SimulationOptions& options, std::int64_t n_customers, std::uint32_t max_purchases) {
  const auto horizon = static_cast<std::uint64_t>(options.periods ? options.horizon : 0);
  const std::uint64_t bytes = kernels::path_sums_bytes(options.n_paths, horizon);
  if (bytes > path_sums_limit) {
    const std::uint64_t fitting = path_sums_limit / kernels::path_sums_bytes(1, horizon);
    throw ConfigError(fmt::format(
        "{} paths of {} periods need {} MB of per-path sums, more than the {} MB that a run may take; use at most {} "
        "paths, or a shorter horizon",
        with_separators(options.n_paths), options.horizon, with_separators(static_cast<long long>(bytes / 1000000)),
        with_separators(static_cast<long long>(path_sums_limit / 1000000)),
        with_separators(static_cast<long long>(fitting))));
  }
  const auto limit = static_cast<std::int64_t>(std::numeric_limits<std::uint32_t>::max() / std::max(1U, max_purchases));
  if (n_customers > limit) {
    throw ConfigError(fmt::format("{} customers are more than the {} that a run can count transactions of; split them",
                                  with_separators(n_customers), with_separators(limit)));
  }
}

void forecast_periods(const kernels::PathSums& sums, Measure measure, RunInfo& info) {
  const SimulationOptions& options = info.options;
  const auto cash = period_estimates(sums.revenue, options.n_paths, options.horizon, fixed_per_unit(info.currency));
  const auto active = period_estimates(sums.active, options.n_paths, options.horizon, 1);
  const auto transactions = period_estimates(sums.transactions, options.n_paths, options.horizon, 1);
  const PeriodGrid grid(info.observation_end, info.unit);
  const double margin = measure == Measure::profit ? 1 : options.margin.value_or(unknown);
  info.periods.clear();
  for (int t = 0; t < options.horizon; ++t) {
    const auto i = static_cast<std::size_t>(t);
    PeriodForecast period;
    if (info.has_dates) {
      period.first_day = {grid.end(t).days + 1};
      period.last_day = grid.end(t + 1);
    }
    period.active = active[i];
    period.revenue = cash[i];
    period.profit = {margin * cash[i].mean, std::abs(margin) * cash[i].se};
    period.transactions = transactions[i];
    info.periods.push_back(period);
  }
}

// Undiscounted cash of the whole horizon, for every path. A sum beyond the fixed point stays at its limit, where it is
// found.
std::vector<std::int64_t> sum_over_periods(const kernels::PathSums& sums) {
  const std::size_t n = sums.total.size();
  std::vector<std::int64_t> total(n);
  for (std::size_t row = 0; row < sums.revenue.size(); row += n) {
    for (std::size_t p = 0; p < n; ++p) total[p] = kernels::add_fixed(total[p], sums.revenue[row + p]);
  }
  return total;
}

}  // namespace

double fixed_per_unit(const Currency& currency) {
  return kernels::fixed_per_minor_unit * minor_units_per_unit(currency.decimals);
}

RunInfo describe(const SimulationOptions& resolved, const MigrationChain& chain, std::int64_t n_customers) {
  RunInfo info;
  info.options = resolved;
  info.measure_name = resolved.margin || chain.measure == Measure::profit ? "clv" : "revenue";
  info.currency = chain.currency;
  info.unit = chain.unit;
  info.n_customers = n_customers;
  info.n_regimes = chain.regimes.size();
  info.sampler = has_heterogeneity(chain) ? "philox4x32-10 dirichlet 1" : sampler_name(resolved.sampler);
  return info;
}

void run_customers(const CustomerSource& source, const MigrationChain& chain, RunInfo& info,
                   std::vector<std::int64_t>& total_by_path, const std::function<void(const CustomerResults&)>& append,
                   const CustomerProgress& progress) {
  run_customers(source, ChainProgram{{chain}, {}, {}}, info, total_by_path, append, progress);
}

std::vector<double> value_weights(const RunInfo& info) {
  std::vector<double> weight = discount_factors(info.options.discounting, info.unit, info.options.horizon);
  for (double& factor : weight) factor *= info.options.margin.value_or(1);
  return weight;
}

void run_customers(const CustomerSource& source, const ChainProgram& program, RunInfo& info,
                   std::vector<std::int64_t>& total_by_path, const std::function<void(const CustomerResults&)>& append,
                   const CustomerProgress& progress) {
  const SimulationOptions& options = info.options;
  check(program, options.horizon);
  if (std::any_of(program.chains.begin(), program.chains.end(), has_heterogeneity))
    throw ConfigError(
        "customers of the chain differ (concentration), and it cannot depend on segments, periods or worlds; use a "
        "chain without concentrations");
  ChainTables tables = pack(program, info.currency.decimals, value_weights(info));
  if (options.sampler == StepSampler::event) add_event_tables(tables);
  const PathProgram packed{tables.view(kernel_sampler(options.sampler)), tables.max_cash, tables.max_purchases(),
                           program.chains.front().measure};
  run_customers(source, packed, info, total_by_path, append, progress);
}

void run_customers(const CustomerSource& source, const PathProgram& program, RunInfo& info,
                   std::vector<std::int64_t>& total_by_path, const std::function<void(const CustomerResults&)>& append,
                   const CustomerProgress& progress) {
  const SimulationOptions& options = info.options;
  const RankPlan plan = plan_ranks(options.n_paths, options.quantiles, options.cvar_level);
  check_memory(options, source.size(), program.max_purchases);

  kernels::RunSpec spec;
  spec.params = program.params;
  spec.seed = options.seed;
  spec.horizon = static_cast<std::uint32_t>(options.horizon);
  spec.n_paths = options.n_paths;
  spec.ranks = plan.ranks;
  spec.tail = plan.tail;
  spec.periods = options.periods;
  const std::unique_ptr<kernels::Backend> backend = open_backend(spec, options);

  // Of models with draws of the parameters a customer may be a megabyte.
  constexpr std::int64_t record_bytes_at_once = std::int64_t{1} << 27;
  std::int64_t largest_batch =
      std::clamp(record_bytes_at_once / static_cast<std::int64_t>(kernels::customer_bytes(spec.params)),
                 std::int64_t{1}, std::int64_t{1} << 20);
  if (options.keep_paths) {
    constexpr std::int64_t values_at_once = std::int64_t{1} << 21;  // 16 MiB
    largest_batch = std::clamp(values_at_once / std::int64_t{options.n_paths}, std::int64_t{1}, largest_batch);
  }
  const std::int64_t wanted_batch =
      options.batch > 0 ? options.batch : static_cast<std::int64_t>(backend->batch_size());
  const std::int64_t batch_size = std::min(wanted_batch, largest_batch);
  const double divisor = fixed_per_unit(info.currency);
  const std::int64_t n = source.size();
  const auto workers = static_cast<std::size_t>(n_threads(options));
  constexpr std::size_t rows_at_once = 64;
  SumBounds bounds;
  bounds.max_cash = program.max_cash;
  bounds.horizon = static_cast<std::uint64_t>(options.horizon);
  double fewest_moments = std::numeric_limits<double>::infinity();
  std::array<Batch, pipeline_slots> batches;
  std::vector<kernels::CustomerSummary> summaries;
  std::vector<std::int64_t> order;

  PipelineSteps steps;
  steps.read = [&](std::int64_t b, std::size_t slot) {
    Batch& batch = batches[slot];
    const std::int64_t first = b * batch_size;
    batch.results.key_width = source.key_width();
    source.read(first, std::min(batch_size, n - first), batch.rows);
    batch.results.key = batch.rows.key;
    batch.results.segment = batch.rows.segment;
    set_closed_forms(batch.rows.closed, info.has_dert, batch.results);
  };
  steps.compute = [&](std::int64_t b, std::size_t slot) {
    Batch& batch = batches[slot];
    const std::size_t count = batch.rows.key.size() / batch.results.key_width, n_ranks = plan.ranks.size();
    const std::int64_t first = b * batch_size;
    summaries.resize(count);
    order.resize(count * n_ranks);
    resize_anew(batch.results.path_value, options.keep_paths ? count * options.n_paths : 0);
    backend->run(kernels::span_of(batch.rows.customers), summaries, order, batch.results.path_value);
    for (std::size_t i = 0; i < count; ++i) {
      bounds.add(summaries[i], first + static_cast<std::int64_t>(i));
      info.n_exhausted_draws += summaries[i].n_exhausted;
    }
    resize_rows(batch.results, count, plan);
    kernels::for_groups(count, rows_at_once, workers, [&](std::size_t, std::size_t begin, std::size_t rows) {
      for (std::size_t i = begin; i < begin + rows; ++i) {
        set_row(summaries[i], {order.data() + i * n_ranks, n_ranks}, plan, divisor, batch.results, i);
        if (!batch.rows.moments.empty()) withhold_infinite(batch.rows.moments[i], batch.results, i);
      }
    });
    for (const double moments : batch.rows.moments) fewest_moments = std::min(fewest_moments, moments);
    if (progress) progress(first + static_cast<std::int64_t>(count), n);
  };
  steps.write = [&](std::int64_t, std::size_t slot) { append(batches[slot].results); };
  run_pipeline((n + batch_size - 1) / batch_size, steps);

  kernels::PathSums sums;
  backend->gather(sums);
  info.device = backend->description();
  info.total = distribution_over_paths(sums.total, plan, divisor);
  withhold_infinite(fewest_moments, info.total);
  if (options.periods) {
    info.total_revenue = distribution_over_paths(sum_over_periods(sums), plan, divisor);
    forecast_periods(sums, program.measure, info);
    withhold_infinite(fewest_moments, info.total_revenue);
    for (PeriodForecast& period : info.periods) {
      withhold_infinite(fewest_moments, period.revenue);
      withhold_infinite(fewest_moments, period.profit);
    }
  } else {
    info.total_revenue = {unknown_estimate, unknown_estimate, {}, unknown_estimate};
    info.total_revenue.quantiles.assign(options.quantiles.size(), unknown_estimate);
    info.periods.clear();
  }
  total_by_path = std::move(sums.total);
}

}  // namespace clvsim
