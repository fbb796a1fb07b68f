// The production kernels, executed from their PTX by the launcher of a GPU, without a GPU.
#pragma once

#include "kernels/backend/gpu_backend.hpp"
#include "tests/support/engine_outcome.hpp"
#include "tests/support/ptx/gpu.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>

namespace clvsim::test::ptx {

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

// All customers of a case, in batches of `batch`.
template <class AnyPrepared>
Outcome simulate(Device& device, const AnyPrepared& prepared, const GpuSetting& setting, std::size_t batch = 100) {
  GpuRecord record;
  return run_backend(
      prepared, *kernels::make_gpu_backend(prepared.spec, std::make_unique<PtxGpu>(device, setting, record), 1), batch);
}

}  // namespace clvsim::test::ptx
