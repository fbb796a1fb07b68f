// simulate() and simulate_customers(): a store or a number of customers, a chain, and a run file.
#include <clvsim/simulate.hpp>

#include "host/base/output_file.hpp"
#include "host/io/run_file.hpp"
#include "host/model/histories.hpp"
#include "host/run/chain_tables.hpp"
#include "host/run/engine.hpp"
#include "host/run/purchase_program.hpp"
#include "host/run/spend_posterior.hpp"

#include <clvsim/error.hpp>

#include <fmt/format.h>

#include <optional>
#include <string>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace clvsim {

namespace {

class StoreSource final : public CustomerSource {
 public:
  StoreSource(const StoreReader& store, const MigrationChain& chain)
      : store_(store), chain_(chain), grid_(store.info().observation_end, chain.unit) {}

  [[nodiscard]] std::int64_t size() const override { return store_.info().n_customers; }
  [[nodiscard]] std::size_t key_width() const override { return store_.info().key_width; }

  void read(std::int64_t first, std::int64_t count, CustomerRows& rows) const override {
    store_.read(first, count, batch_);
    auto& customers = rows.of<kernels::ChainCustomer>();
    customers.resize(batch_.size());
    for (std::size_t i = 0; i < batch_.size(); ++i) {
      kernels::ChainCustomer& customer = customers[i];
      customer = {};
      customer.hash = batch_.key_hash[i];
      customer.state = static_cast<std::uint32_t>(chain_.state_of(batch_, i, grid_));
      if (!chain_.spend) continue;
      const SpendLevel level =
          spend_level(*chain_.spend, chain_.frequency_class_of(batch_, i), batch_, i, store_.info().currency.decimals);
      customer.level_mean = level.mean;
      customer.level_sd = level.sd;
    }
    rows.key = batch_.key;
  }

 private:
  const StoreReader& store_;
  const MigrationChain& chain_;
  PeriodGrid grid_;
  mutable CustomerBatch batch_;  // reused from batch to batch
};

class PurchaseSource final : public CustomerSource {
 public:
  PurchaseSource(const StoreReader& store, const BehaviourModel& model, const PurchaseProgram& program)
      : store_(store),
        program_(program),
        days_(days_of(model.unit)),
        minor_units_(minor_units_per_unit(store.info().currency.decimals)) {}

  [[nodiscard]] std::int64_t size() const override { return store_.info().n_customers; }
  [[nodiscard]] std::size_t key_width() const override { return store_.info().key_width; }

  void read(std::int64_t first, std::int64_t count, CustomerRows& rows) const override {
    store_.read(first, count, batch_);
    rows.clear();
    for (std::size_t i = 0; i < batch_.size(); ++i) {
      program_.add(purchase_history(batch_, i, days_, false), spend_history(batch_, i, minor_units_),
                   batch_.key_hash[i], rows);
    }
    rows.key = batch_.key;
  }

 private:
  const StoreReader& store_;
  const PurchaseProgram& program_;
  double days_, minor_units_;
  mutable CustomerBatch batch_;  // reused from batch to batch
};

template <class Model>
std::string digest_of(const Model& model) {
  const std::string text = model_toml(model);
  const XXH128_hash_t hash = XXH3_128bits(text.data(), text.size());
  return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
}

// `program`: a chain or a PathProgram.
template <class Program>
void run(const CustomerSource& source, const Program& program, RunInfo& info, const std::filesystem::path& output,
         bool overwrite, CustomerResults* results, const CustomerProgress& progress) {
  std::optional<RunWriter> writer;
  if (!output.empty()) {
    if (!info.options.periods) throw ConfigError("a run file has forecasts by period; ask for them, or for no file");
    check_output(output, overwrite);
    writer.emplace(output, info, 1 / fixed_per_unit(info.currency), overwrite);
  }
  const auto append_all = [](auto& to, const auto& from) { to.insert(to.end(), from.begin(), from.end()); };
  const auto append = [&](const CustomerResults& batch) {
    if (writer) writer->append(batch);
    if (results == nullptr) return;
    results->key_width = batch.key_width;
    results->key.insert(results->key.end(), batch.key.begin(), batch.key.end());
    append_all(results->mean, batch.mean);
    append_all(results->se, batch.se);
    append_all(results->sd, batch.sd);
    append_all(results->sd_se, batch.sd_se);
    append_all(results->quantile, batch.quantile);
    append_all(results->quantile_se, batch.quantile_se);
    append_all(results->cvar, batch.cvar);
    append_all(results->cvar_se, batch.cvar_se);
    append_all(results->p_nonpositive, batch.p_nonpositive);
    append_all(results->p_nonpositive_se, batch.p_nonpositive_se);
    append_all(results->p_active, batch.p_active);
    append_all(results->p_active_se, batch.p_active_se);
    append_all(results->transactions_mean, batch.transactions_mean);
    append_all(results->transactions_se, batch.transactions_se);
    if (!writer) append_all(results->path_value, batch.path_value);
  };
  std::vector<std::int64_t> total_by_path;
  run_customers(source, program, info, total_by_path, append, progress);
  if (writer) info.content_digest = writer->finish(info, total_by_path);
}

// RunInfo of a store's customers.
template <class Model>
RunInfo describe_for(const StoreInfo& from, const Model& model, const SimulationOptions& options) {
  if (!model.currency.code.empty() && !from.currency.code.empty() && model.currency.code != from.currency.code) {
    throw ConfigError(
        fmt::format("the model's amounts are in {}, the store's in {}; use a model in the store's currency",
                    model.currency.code, from.currency.code));
  }
  RunInfo info = describe(resolve(options, model), model, from.n_customers);
  info.currency = from.currency;
  if (info.currency.code.empty()) info.currency.code = model.currency.code;
  info.observation_end = from.observation_end;
  info.has_dates = true;
  info.store_digest = from.content_digest;
  info.model_digest = digest_of(model);
  return info;
}

}  // namespace

RunInfo simulate(const StoreReader& store, const MigrationChain& model, const SimulationOptions& options,
                 const std::filesystem::path& output, bool overwrite, const CustomerProgress& progress) {
  check(model);
  if (!model.recency_frequency) {
    throw ConfigError(
        "the model has no [recency_frequency] table, so that no customer of a store can be given a state; fit a model "
        "from the store, or simulate customers in the model's start state (--customers N)");
  }
  RunInfo info = describe_for(store.info(), model, options);
  run(StoreSource(store, model), model, info, output, overwrite, nullptr, progress);
  return info;
}

RunInfo simulate(const StoreReader& store, const BehaviourModel& model, const SimulationOptions& options,
                 const std::filesystem::path& output, bool overwrite, const CustomerProgress& progress) {
  RunInfo info = describe_for(store.info(), model, options);
  const PurchaseProgram program(model, info);
  run(PurchaseSource(store, model, program), program.program(), info, output, overwrite, nullptr, progress);
  return info;
}

RunInfo simulate_customers(std::int64_t n_customers, const BehaviourModel& model, const SimulationOptions& options,
                           const std::filesystem::path& output, bool overwrite, CustomerResults* results,
                           const CustomerProgress& progress) {
  RunInfo info = describe(resolve(options, model), model, n_customers);
  info.model_digest = digest_of(model);
  if (results != nullptr) results->clear();
  const PurchaseProgram program(model, info);
  run(CountedSource(n_customers, program.new_customer()), program.program(), info, output, overwrite, results,
      progress);
  return info;
}

RunInfo simulate_customers(std::int64_t n_customers, const MigrationChain& model, const SimulationOptions& options,
                           const std::filesystem::path& output, bool overwrite, CustomerResults* results,
                           const CustomerProgress& progress) {
  check(model);
  RunInfo info = describe(resolve(options, model), model, n_customers);
  info.model_digest = digest_of(model);
  if (results != nullptr) results->clear();
  run(CountedSource(n_customers, model), model, info, output, overwrite, results, progress);
  return info;
}

}  // namespace clvsim
