// simulate() and simulate_customers(): a store or a number of customers, a chain, and a run file.
#include <clvsim/simulate.hpp>

#include "host/base/output_file.hpp"
#include "host/base/text.hpp"
#include "host/io/run_file.hpp"
#include "host/model/chain_covariates.hpp"
#include "host/model/histories.hpp"
#include "host/run/behaviour_program.hpp"
#include "host/run/chain_tables.hpp"
#include "host/run/dirichlet_program.hpp"
#include "host/run/engine.hpp"
#include "host/run/segment_places.hpp"
#include "host/run/spend_posterior.hpp"

#include <clvsim/error.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace clvsim {

namespace {

bool has_segments(const StoreReader& store) { return store.info().segments.size() > 1; }

// Keys and, where the store has them, segments.
void name_rows(const StoreReader& store, const CustomerBatch& batch, CustomerRows& rows) {
  rows.key = batch.key;
  if (has_segments(store)) rows.segment = batch.segment;
}

// The sums of the segments' customers.
class SegmentSums {
 public:
  explicit SegmentSums(const RunInfo& info)
      : segments_(info.segments), shares_draws_(info.options.parameter_draws > 0) {}

  void add(const CustomerResults& results) {
    for (std::size_t i = 0; i < results.segment.size(); ++i) {
      SegmentForecast& segment = segments_[results.segment[i]];
      ++segment.n_customers;
      add(segment.value, results.mean[i], results.se[i]);
      add(segment.active, results.p_active[i], results.p_active_se[i]);
      add(segment.transactions, results.transactions_mean[i], results.transactions_se[i]);
    }
  }
  [[nodiscard]] std::vector<SegmentForecast> segments() const {
    std::vector<SegmentForecast> all = segments_;
    for (SegmentForecast& segment : all)
      for (Estimate* estimate : {&segment.value, &segment.active, &segment.transactions})
        if (!shares_draws_) estimate->se = std::sqrt(estimate->se);
    return all;
  }

 private:
  void add(Estimate& sum, double mean, double se) const {
    sum.mean += mean;
    sum.se += shares_draws_ ? se : se * se;
  }
  std::vector<SegmentForecast> segments_;
  bool shares_draws_;
};

class StoreSource final : public CustomerSource {
 public:
  StoreSource(const StoreReader& store, const MigrationChain& chain)
      : store_(store),
        chain_(chain),
        grid_(store.info().observation_end, chain.unit),
        places_(places_of(chain, store.info().segments)) {}

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
      customer.segment = places_[batch_.segment[i]];
      if (!chain_.spend) continue;
      const SpendLevel level =
          spend_level(*chain_.spend, chain_.frequency_class_of(batch_, i), batch_, i, store_.info().currency.decimals);
      customer.level_mean = level.mean;
      customer.level_sd = level.sd;
    }
    name_rows(store_, batch_, rows);
  }

 private:
  const StoreReader& store_;
  const MigrationChain& chain_;
  PeriodGrid grid_;
  std::vector<std::uint32_t> places_;
  mutable CustomerBatch batch_;  // reused from batch to batch
};

class BehaviourSource final : public CustomerSource {
 public:
  BehaviourSource(const StoreReader& store, const BehaviourProgram& program) : store_(store), program_(program) {}

  [[nodiscard]] std::int64_t size() const override { return store_.info().n_customers; }
  [[nodiscard]] std::size_t key_width() const override { return store_.info().key_width; }

  void read(std::int64_t first, std::int64_t count, CustomerRows& rows) const override {
    store_.read(first, count, batch_);
    rows.clear();
    for (std::size_t i = 0; i < batch_.size(); ++i) program_.add(batch_, i, rows);
    name_rows(store_, batch_, rows);
  }

 private:
  const StoreReader& store_;
  const BehaviourProgram& program_;
  mutable CustomerBatch batch_;  // reused from batch to batch
};

template <class Model>
std::string digest_of(const Model& model) {
  const std::string text = model_toml(model);
  const XXH128_hash_t hash = XXH3_128bits(text.data(), text.size());
  return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
}

// `program`: a ChainProgram or a PathProgram.
template <class Program>
void run(const CustomerSource& source, const Program& program, RunInfo& info, const std::filesystem::path& output,
         bool overwrite, CustomerResults* results, const CustomerProgress& progress) {
  std::optional<RunWriter> writer;
  if (!output.empty()) {
    if (!info.options.periods) throw ConfigError("a run file has forecasts by period; ask for them, or for no file");
    check_output(output, overwrite);
    writer.emplace(output, info, 1 / fixed_per_unit(info.currency), overwrite);
  }
  SegmentSums segments(info);
  const auto append_all = [](auto& to, const auto& from) { to.insert(to.end(), from.begin(), from.end()); };
  const auto append = [&](const CustomerResults& batch) {
    if (writer) writer->append(batch);
    segments.add(batch);
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
    append_all(results->p_alive, batch.p_alive);
    append_all(results->expected_transactions, batch.expected_transactions);
    append_all(results->expected_spend, batch.expected_spend);
    append_all(results->dert, batch.dert);
    if (!writer) append_all(results->path_value, batch.path_value);
  };
  std::vector<std::int64_t> total_by_path;
  run_customers(source, program, info, total_by_path, append, progress);
  info.segments = segments.segments();
  info.total_by_path.clear();
  for (const std::int64_t total : total_by_path)
    info.total_by_path.push_back(static_cast<double>(total) / fixed_per_unit(info.currency));
  if (writer) info.content_digest = writer->finish(info, total_by_path);
}

// One a path; beyond these, or a quarter gigabyte of their periods, they repeat.
std::uint32_t n_worlds(const SimulationOptions& options) {
  constexpr std::uint32_t most = 1U << 16, most_periods = 1U << 27;
  return std::min({options.n_paths, most, most_periods / static_cast<std::uint32_t>(options.horizon)});
}

// The chain, or one for every draw of its probabilities.
ChainProgram program_of(const MigrationChain& chain, const RunInfo& info) {
  const SimulationOptions& options = info.options;
  if (options.parameter_draws > 0 && !chain.covariates.empty())
    throw ConfigError(
        "--parameter-draws does not know how the effects of covariates and the probabilities of the model were "
        "estimated together; simulate without it, or fit the model without covariates");
  if (options.parameter_draws > 0 && (!chain.levers.empty() || !chain.regimes.empty()))
    throw ConfigError(
        "--parameter-draws: levers and regimes move the estimated probabilities, not their draws; leave out one of the "
        "two");
  const bool varies =
      !chain.covariates.empty() || !chain.segments.empty() || !chain.levers.empty() || !chain.regimes.empty();
  if (options.parameter_draws == 0 && varies) {
    if (has_dates(chain) && !info.has_dates)
      throw ConfigError(
          "the model has seasons or campaigns, and customers without a store have no dates; say when period 1 begins "
          "(--first-day YYYY-MM-DD)");
    return with_covariates(chain, {info.observation_end, info.unit}, 0, options.horizon, segments_of(chain),
                           {options.seed, n_worlds(options)});
  }
  if (options.parameter_draws == 0) return {{chain}, {}, {}};
  return one_a_world(draw_chains(chain, options.parameter_draws, options.seed), options.horizon);
}

// RunInfo of customers without a store.
template <class Model>
RunInfo describe_counted(std::int64_t n_customers, const Model& model, const SimulationOptions& options) {
  RunInfo info = describe(resolve(options, model), model, n_customers);
  if (options.first_day) {
    info.observation_end = {options.first_day->days - 1};
    info.has_dates = true;
  }
  info.model_digest = digest_of(model);
  return info;
}

// RunInfo of a store's customers.
template <class Model>
RunInfo describe_for(const StoreReader& store, const Model& model, const SimulationOptions& options) {
  const StoreInfo& from = store.info();
  if (!model.currency.code.empty() && !from.currency.code.empty() && model.currency.code != from.currency.code) {
    throw ConfigError(
        fmt::format("the model's amounts are in {}, the store's in {}; use a model in the store's currency",
                    model.currency.code, from.currency.code));
  }
  RunInfo info = describe(resolve(options, model), model, from.n_customers);
  info.currency = from.currency;
  if (info.currency.code.empty()) info.currency.code = model.currency.code;
  if (options.first_day)
    throw ConfigError(
        fmt::format("--first-day is a setting of customers without a store; the periods of a store begin the day after "
                    "its observation ends, on {}: leave it out",
                    to_string(from.observation_end)));
  info.observation_end = from.observation_end;
  info.has_dates = true;
  info.store_digest = from.content_digest;
  for (std::size_t s = 0; has_segments(store) && s < from.segments.size(); ++s)
    info.segments.push_back({from.segments[s], 0, {}, {}, {}});
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
  require_purchases(store.info(), "a migration chain");
  RunInfo info = describe_for(store, model, options);
  if (has_heterogeneity(model)) {
    const DirichletProgram program(model, info, &store.info());
    run(BehaviourSource(store, program), program.program(), info, output, overwrite, nullptr, progress);
    return info;
  }
  run(StoreSource(store, model), program_of(model, info), info, output, overwrite, nullptr, progress);
  return info;
}

RunInfo simulate(const StoreReader& store, const BehaviourModel& model, const SimulationOptions& options,
                 const std::filesystem::path& output, bool overwrite, const CustomerProgress& progress) {
  (is_contract_model(model.model) ? require_contracts : require_purchases)(store.info(), model.model);
  RunInfo info = describe_for(store, model, options);
  const auto program = make_program(model, info, &store.info());
  run(BehaviourSource(store, *program), program->program(), info, output, overwrite, nullptr, progress);
  return info;
}

RunInfo simulate_customers(std::int64_t n_customers, const BehaviourModel& model, const SimulationOptions& options,
                           const std::filesystem::path& output, bool overwrite, CustomerResults* results,
                           const CustomerProgress& progress) {
  RunInfo info = describe_counted(n_customers, model, options);
  if (results != nullptr) results->clear();
  const auto program = make_program(model, info, nullptr);
  run(CountedSource(n_customers, program->new_customer()), program->program(), info, output, overwrite, results,
      progress);
  return info;
}

RunInfo simulate_customers(std::int64_t n_customers, const MigrationChain& model, const SimulationOptions& options,
                           const std::filesystem::path& output, bool overwrite, CustomerResults* results,
                           const CustomerProgress& progress) {
  check(model);
  for (const Lever& lever : model.levers)
    if (!lever.segments.empty())
      throw ConfigError(fmt::format(
          "the lever '{}' is on for segments of a store, and customers without a store have none; simulate a store, or "
          "leave segments out",
          lever.name));
  RunInfo info = describe_counted(n_customers, model, options);
  if (results != nullptr) results->clear();
  if (has_heterogeneity(model)) {
    const DirichletProgram program(model, info, nullptr);
    run(CountedSource(n_customers, program.new_customer()), program.program(), info, output, overwrite, results,
        progress);
    return info;
  }
  run(CountedSource(n_customers, model), program_of(model, info), info, output, overwrite, results, progress);
  return info;
}

}  // namespace clvsim
