// The production kernel, executed from its PTX: what the CUDA launcher does, without a GPU.
#pragma once

#include "tests/support/engine_outcome.hpp"
#include "tests/support/ptx/machine.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace clvsim::test::ptx {

inline constexpr const char* simulation_kernel = "simulate_customers_MigrationChainModel";

// The tables that a view points to, as arrays that kernels may read.
inline void give_tables(Device& device, const kernels::MigrationChainView& chain, std::uint32_t horizon) {
  const auto give = [&](const char* name, const auto* data, std::size_t n) {
    device.give(name, const_cast<void*>(static_cast<const void*>(data)), n * sizeof *data, true);
  };
  give("positions", chain.positions, chain.n_positions);
  const kernels::TableSchedule& schedule = chain.schedule;
  const std::size_t n_rows = std::size_t{schedule.n_tables} * chain.n_positions;
  give("cells", chain.cells, n_rows << chain.column_bits);
  give("outcomes", chain.outcomes, n_rows * chain.row);
  if (schedule.table_of != nullptr) {
    give("table_of", schedule.table_of, std::size_t{schedule.n_segments} * schedule.horizon * schedule.n_levels);
  }
  if (schedule.level != nullptr) give("level", schedule.level, std::size_t{schedule.horizon} * schedule.n_worlds);
  give("position_of_state", chain.position_of_state, chain.n_states);
  give("value", chain.value, std::size_t{horizon} * chain.n_positions);
  give("start_value", chain.start_value, chain.n_positions);
  give("weight", chain.weight, horizon);
  if (chain.has_spend) give("count_threshold", chain.spend.count_threshold, chain.spend.n_counts - 1);
  if (chain.sampler != kernels::Sampler::event) return;
  give("dwells", chain.events.dwells, std::size_t{chain.n_positions} << chain.events.dwell_bits);
  give("jumps", chain.events.jumps, std::size_t{chain.n_positions} << chain.events.jump_bits);
  give("continued", chain.events.continued, chain.n_positions);
}

// All customers of a case, by `blocks` blocks of 256 threads.
inline Outcome simulate(Device& device, const Prepared& prepared, std::uint32_t blocks) {
  const kernels::RunSpec& spec = prepared.spec;
  kernels::RunView<kernels::MigrationChainModel> run;
  run.params = spec.chain;
  run.seed = spec.seed;
  run.horizon = spec.horizon;
  run.n_paths = spec.n_paths;
  run.ranks = {spec.ranks.data(), static_cast<std::uint32_t>(spec.ranks.size()), spec.tail};
  Outcome outcome;
  const std::size_t n = prepared.customers.size();
  const std::size_t elements = spec.periods ? std::size_t{spec.n_paths} * spec.horizon : 0;
  std::vector<kernels::CustomerSummary> summaries(n);
  std::vector<std::uint64_t> total(spec.n_paths), revenue(elements);
  std::vector<std::int64_t> scratch(std::size_t{spec.n_paths} * blocks);
  outcome.order.resize(n * spec.ranks.size());
  outcome.sums.active.resize(elements);
  outcome.sums.transactions.resize(elements);
  kernels::PathSumsView sums{total.data(), nullptr, nullptr, nullptr, 1, spec.n_paths};
  if (spec.periods) {
    sums.revenue = revenue.data();
    sums.active = outcome.sums.active.data();
    sums.transactions = outcome.sums.transactions.data();
  }
  give_tables(device, spec.chain, spec.horizon);
  device.give("ranks", spec.ranks);
  device.give("customers", prepared.customers);
  device.give("total", total);
  device.give("revenue", revenue);
  device.give("active", outcome.sums.active);
  device.give("transactions", outcome.sums.transactions);
  device.give("scratch", scratch);
  device.give("summaries", summaries);
  device.give("order", outcome.order);
  device.launch(simulation_kernel, blocks, 256, run, prepared.customers.data(), static_cast<std::uint32_t>(n), sums,
                scratch.data(), summaries.data(), outcome.order.data());
  device.take_back_all();
  for (const kernels::CustomerSummary& summary : summaries) outcome.add(summary);
  outcome.sums.total.assign(total.begin(), total.end());
  outcome.sums.revenue.assign(revenue.begin(), revenue.end());
  return outcome;
}

}  // namespace clvsim::test::ptx
