// The CPU launcher: every batch over a few threads, each with its own path sums. A chain that the vector
// code can walk is walked by it (kernels/lanes); any other model by a team of one thread.
#include "kernels/backend/path_worker.hpp"
#include "kernels/lanes/event_tables.hpp"
#include "kernels/lanes/lanes.hpp"
#include "kernels/lanes/summary.hpp"
#include "kernels/lanes/tables.hpp"

#include <clvsim/error.hpp>

#include <algorithm>
#include <utility>

namespace clvsim::kernels {

std::uint64_t path_sums_bytes(std::uint64_t n_paths, std::uint64_t horizon) {
  const std::uint64_t per_period = sizeof(std::int64_t) + 2 * sizeof(std::uint32_t);
  return n_paths * (horizon * per_period + 2 * sizeof(std::int64_t));  // with the total and the scratch value
}

namespace {

constexpr std::size_t round_up(std::size_t n, std::size_t to) { return (n + to - 1) / to * to; }

// Several groups a thread: a thread that is held up leaves its share to the others.
constexpr std::size_t groups_a_worker = 16;

std::string cpu_name(std::size_t n_workers, const char* instructions) {
  return "cpu (" + std::to_string(n_workers) + (n_workers == 1 ? " thread, " : " threads, ") + instructions + ")";
}

const LaneKernels* find_lanes(const std::string& instructions) {
  for (const LaneKernels* lanes : lane_kernels()) {
    if (instructions.empty() || instructions == lanes->name) return lanes;
  }
  std::string known;
  for (const LaneKernels* lanes : lane_kernels()) known += std::string(lanes->name) + ", ";
  throw DeviceError("this machine has no instruction set '" + instructions + "'; it has " + known + "reference");
}

// Any other model: walked by the instruction set's own compilation of its source, or as the GPU's reference.
template <class Model>
class PathBackend final : public Backend {
 public:
  PathBackend(const RunSpec& spec, int n_threads, std::uint64_t memory_budget, const std::string& instructions)
      : spec_(spec), run_(view_of<Model>(spec)), max_workers_(fitting_workers(spec, n_threads, memory_budget)) {
    if (instructions == "reference") return;
    lanes_ = find_lanes(instructions);
    const auto all = lane_kernels();  // the fastest first
    for (auto lanes = std::find(all.begin(), all.end(), lanes_); walk_ == nullptr; ++lanes)
      walk_ = std::get<PathWalker<Model>>((*lanes)->walk_paths);
  }

  void run(const CustomerSpan& any, std::span<CustomerSummary> summaries, std::span<std::int64_t> order,
           std::span<std::int64_t> values) override {
    const auto customers = std::get<std::span<const typename Model::Customer>>(any);
    const std::size_t n = summaries.size(), n_ranks = spec_.ranks.size(), records = Model::records(run_.params);
    const std::size_t n_workers = std::max<std::size_t>(1, std::min(max_workers_, n));
    while (workers_.size() < n_workers) workers_.emplace_back(spec_, spec_.n_paths, 1);
    for_groups(n, n / (n_workers * groups_a_worker) + 1, n_workers,
               [&](std::size_t w, std::size_t first, std::size_t size) {
                 for (std::size_t i = first; i < first + size; ++i) {
                   run_one(workers_[w], customers[i * records], summaries[i], order.data() + i * n_ranks,
                           values.empty() ? nullptr : values.data() + i * spec_.n_paths);
                 }
               });
    n_customers_ += n;
  }

  void gather(PathSums& sums) override {
    if (workers_.empty()) workers_.emplace_back(spec_, spec_.n_paths, 1);
    sums = gather_sums(workers_, spec_.n_paths);
    if constexpr (Model::sparse) leavers_to_active(sums, n_customers_);
  }

  [[nodiscard]] std::string description() const override {
    return cpu_name(max_workers_, lanes_ == nullptr ? "reference" : lanes_->name);
  }

  [[nodiscard]] std::size_t batch_size() const override {
    constexpr double paths_a_thread = 4e6;  // a fraction of a second
    const auto customers = static_cast<std::size_t>(paths_a_thread / spec_.n_paths);
    return std::clamp<std::size_t>(customers, 1, 4096) * max_workers_;
  }

 private:
  struct Worker : PathWorker {
    SummaryScratch scratch;
    using PathWorker::PathWorker;
  };

  void run_one(Worker& worker, const typename Model::Customer& customer, CustomerSummary& summary, std::int64_t* order,
               std::int64_t* kept) const {
    if (lanes_ == nullptr) return worker.run(run_, customer, summary, order, kept);
    std::int64_t* const values = kept == nullptr ? worker.values.data() : kept;
    PathTotals totals;
    const std::uint64_t bound = walk_(run_, customer, worker.sums(), values, totals);
    summary = {};
    summarise(*lanes_, values, spec_.n_paths, bound, run_.ranks, worker.scratch, summary.value, order);
    summary.n_active = totals.n_active;
    summary.n_saturated = totals.n_saturated;
    summary.n_exhausted = totals.n_exhausted;
    summary.max_drawn = totals.max_drawn;
    summary.max_purchases = totals.max_purchases;
    summary.transactions = totals.transactions;
    summary.transactions_squares = totals.transactions_squares;
  }

  RunSpec spec_;
  RunView<Model> run_;
  std::size_t max_workers_;
  const LaneKernels* lanes_ = nullptr;
  PathWalker<Model> walk_ = nullptr;
  std::uint64_t n_customers_ = 0;
  std::vector<Worker> workers_;
};

// What a thread works with beside its sums.
struct LaneWorker : PathWorker {
  std::vector<std::uint16_t> ends, purchases;  // as values: active at the end, purchases
  std::vector<ChainPaths> paths;               // [customers at once]
  std::vector<std::int32_t> tile_cash;         // see ChainPaths
  std::vector<std::uint16_t> tile_marks;
  std::vector<std::uint32_t> bought;  // see ChainPaths; [customers at once, periods, words]
  std::unique_ptr<SpendScratch> spend;
  std::vector<std::int64_t> changes;
  SummaryScratch scratch;

  using PathWorker::PathWorker;
};

// Chains, by the vector code where it can walk them.
class ChainBackend final : public Backend {
 public:
  ChainBackend(const RunSpec& spec, int n_threads, std::uint64_t memory_budget, const std::string& instructions)
      : spec_(spec),
        chain_(std::get<MigrationChainView>(spec.params)),
        padded_(round_up(spec.n_paths, lane_paths)),
        run_(view_of<MigrationChainModel>(spec)),
        max_workers_(fitting_workers(spec, n_threads, memory_budget)) {
    constexpr std::uint32_t most_paths = std::uint32_t{1} << 31;
    if (instructions != "reference" && spec.n_paths < most_paths) {
      has_events_ = make_event_lanes(chain_, spec.seed, spec.horizon, events_) &&
                    (!spec.periods || events_.events.customers_a_sum != 0);
      if (has_events_ || make_lane_tables(chain_, spec.seed, spec.horizon, padded_, tables_))
        lanes_ = find_lanes(instructions);
    }
    bound_ = has_events_ ? events_.bound : tables_.bound;
    has_purchases_ = has_events_ ? events_.events.count_bits != 1 : tables_.chain.has_purchases || chain_.has_spend;
    if (lanes_ == nullptr) return;
    draws_spend_ = chain_.has_spend;
    if (spec.periods) spend_paths_ = 512;  // whose sums by period stay in a core's second cache
    if (spec.periods) {
      constexpr std::size_t scratch_bytes = std::size_t{24} << 20;  // of values
      constexpr std::size_t bought_bytes = std::size_t{1} << 18;    // within a core's second cache
      std::size_t most = scratch_bytes / (padded_ * sizeof(std::int64_t));
      if (draws_spend_) most = std::min(most, bought_bytes / (bought_words() * sizeof(std::uint32_t)));
      const std::size_t a_sum = has_events_ ? events_.events.customers_a_sum : tables_.chain.customers_a_sum;
      at_once_ = std::clamp<std::size_t>(most, 1, a_sum);
    }
  }

  void run(const CustomerSpan& any, std::span<CustomerSummary> summaries, std::span<std::int64_t> order,
           std::span<std::int64_t> values) override {
    const auto customers = std::get<std::span<const ChainCustomer>>(any);
    const std::size_t n = customers.size(), n_ranks = spec_.ranks.size();
    const std::size_t n_workers = std::max<std::size_t>(1, std::min(max_workers_, n));
    while (workers_.size() < n_workers) add_worker();
    const std::size_t group = round_up(n / (n_workers * groups_a_worker) + 1, at_once_);
    for_groups(n, group, n_workers, [&](std::size_t w, std::size_t first, std::size_t size) {
      for (std::size_t i = first, count = 1; i < first + size; i += count) {
        std::int64_t* const ranked = order.data() + i * n_ranks;
        std::int64_t* const kept = values.empty() ? nullptr : values.data() + i * spec_.n_paths;
        const std::size_t most = std::min(at_once_, first + size - i);
        for (count = 0; count < most && fits_lanes(customers[i + count]);) ++count;
        if (count == 0) {
          workers_[w].run(run_, customers[i], summaries[i], ranked, kept);
          count = 1;
        } else {
          run_lanes(workers_[w], customers.subspan(i, count), summaries.subspan(i, count), ranked, kept);
        }
      }
    });
  }

  void gather(PathSums& sums) override {
    if (workers_.empty()) add_worker();
    sums = gather_sums(workers_, spec_.n_paths);
  }

  [[nodiscard]] std::string description() const override {
    return cpu_name(max_workers_, lanes_ == nullptr ? "reference" : lanes_->name);
  }

  [[nodiscard]] std::size_t batch_size() const override {
    const double steps_a_thread = lanes_ == nullptr ? 8e6 : 3e8;  // a fraction of a second
    const double customers = steps_a_thread / (static_cast<double>(spec_.n_paths) * spec_.horizon);
    const auto groups = static_cast<std::size_t>(customers) / at_once_;
    return std::clamp<std::size_t>(groups * at_once_, at_once_, 4096) * max_workers_;
  }

 private:
  [[nodiscard]] bool fits_lanes(const ChainCustomer& customer) const {
    return lanes_ != nullptr && (!draws_spend_ || spend_fits(tables_, customer));
  }

  // Of a customer's paths that are drawn for at once.
  [[nodiscard]] std::size_t bought_stride() const { return spend_paths_ / lanes_->n_register_paths; }
  [[nodiscard]] std::size_t bought_words() const { return spec_.horizon * bought_stride(); }

  void add_worker() {
    LaneWorker& worker = workers_.emplace_back(spec_, padded_, at_once_);
    if (lanes_ == nullptr) return;
    worker.ends.resize(at_once_ * padded_);
    worker.purchases.resize(at_once_ * padded_);
    if (draws_spend_) {
      worker.bought.resize(at_once_ * bought_words());
      worker.spend = std::make_unique<SpendScratch>();
    }
    if (!spec_.periods) return;
    if (has_events_) {
      worker.changes.resize((spec_.horizon + std::size_t{3}) * event_tile);
      return;
    }
    worker.tile_cash.resize(std::size_t{spec_.horizon} * tables_.chain.n_limbs * lane_tile);
    worker.tile_marks.resize(std::size_t{spec_.horizon} * lane_tile);
  }

  // A few customers; with sums by period tile by tile of paths, so that the sums of a tile stay in the cache. `kept` as
  // above.
  void run_lanes(LaneWorker& worker, std::span<const ChainCustomer> customers, std::span<CustomerSummary> summaries,
                 std::int64_t* order, std::int64_t* kept) const {
    const std::size_t n = customers.size();
    worker.paths.resize(n);
    std::vector<std::uint64_t> largest_drawn(draws_spend_ ? n : 0);
    const auto walk = [&](std::uint32_t first_path, std::uint32_t n_paths, LaneOutputs outputs) {
      for (std::size_t i = 0; i < n; ++i) {
        ChainPaths& paths = worker.paths[i];
        paths.hash = customers[i].hash;
        paths.start = chain_.position_of_state[customers[i].state];
        paths.start_value = chain_.start_value[paths.start];
        paths.segment = customers[i].segment;
        if (chain_.extra_bits != 0) paths.start_value += std::int64_t{1} << (chain_.extra_bits - 1);
        paths.first_path = first_path;
        paths.n_paths = n_paths;
        const std::size_t at = i * padded_ + first_path;
        paths.values = worker.values.data() + at;
        paths.active = worker.ends.data() + at;
        paths.purchases = worker.purchases.data() + at;
        paths.tile = lane_tile;
        paths.cash = worker.tile_cash.data();
        paths.marks = worker.tile_marks.data();
        paths.bought = worker.bought.data() + i * bought_words() + first_path % spend_paths_ / lanes_->n_register_paths;
        paths.bought_stride = bought_stride();
        paths.changes = worker.changes.data();
      }
      if (has_events_) {
        lanes_->walk_events(events_.events, worker.paths.data(), n, outputs);
      } else {
        lanes_->walk_chain(tables_.chain, worker.paths.data(), n, outputs);
      }
    };
    const auto walk_tile = [&](std::uint32_t first, LaneOutputs outputs) {
      walk(first, lane_tile, outputs);
      lanes_->add_tile(tables_.chain, worker.paths[0], padded_, worker.revenue.data() + first,
                       worker.active.data() + first, worker.transactions.data() + first);
    };
    if (draws_spend_) {
      for (std::uint32_t first = 0; first < padded_; first += spend_paths_) {
        const auto n_paths = static_cast<std::uint32_t>(std::min<std::size_t>(spend_paths_, padded_ - first));
        if (spec_.periods) {
          for (std::uint32_t p = 0; p < n_paths; p += lane_tile) walk_tile(first + p, LaneOutputs::drawn_periods);
        } else {
          walk(first, n_paths, LaneOutputs::drawn);
        }
        for (std::size_t i = 0; i < n; ++i) {
          const std::uint64_t largest = draw_spend(worker, customers[i], i, first, n_paths);
          largest_drawn[i] = std::max(largest_drawn[i], largest);
        }
      }
    } else if (spec_.periods && has_events_) {
      for (std::uint32_t first = 0; first < padded_; first += event_tile) {
        walk(first, event_tile, LaneOutputs::periods);
        lanes_->add_events(events_.events, worker.changes.data(), padded_, worker.revenue.data() + first,
                           worker.active.data() + first, worker.transactions.data() + first);
      }
    } else if (spec_.periods) {
      for (std::uint32_t first = 0; first < padded_; first += lane_tile) walk_tile(first, LaneOutputs::periods);
    } else {
      walk(0, static_cast<std::uint32_t>(padded_), has_purchases_ ? LaneOutputs::counts : LaneOutputs::values);
    }
    for (std::size_t i = 0; i < n; ++i) {
      const std::int64_t* values = worker.values.data() + i * padded_;
      CustomerSummary& summary = summaries[i];
      summary = {};
      const std::uint64_t bound = draws_spend_ ? tables_.bound_with(largest_drawn[i]) : bound_;
      if (draws_spend_) summary.max_drawn = largest_drawn[i];
      summarise(*lanes_, values, spec_.n_paths, bound, run_.ranks, worker.scratch, summary.value,
                order + i * spec_.ranks.size());
      lanes_->add(values, spec_.n_paths, worker.total.data());
      if (kept != nullptr) std::copy_n(values, spec_.n_paths, kept + i * spec_.n_paths);
      std::uint64_t squares = 0;  // below 2^31 paths: sums of squares stay below 2^63
      lanes_->count(worker.ends.data() + i * padded_, spec_.n_paths, summary.n_active, squares);
      if (!has_purchases_) continue;
      std::uint64_t sum = 0;
      lanes_->count(worker.purchases.data() + i * padded_, spec_.n_paths, sum, squares);
      summary.transactions.low = sum;
      summary.transactions_squares.low = squares;
    }
  }

  // Of some paths of customer i of those at once, which have been walked. Returns the largest that a period draws.
  std::uint64_t draw_spend(LaneWorker& worker, const ChainCustomer& customer, std::size_t i, std::uint32_t first,
                           std::uint32_t n_paths) const {
    SpendPaths paths;
    paths.hash = customer.hash;
    paths.level_mean = customer.level_mean;
    paths.level_sd = customer.level_sd;
    paths.first_path = first;
    paths.n_paths = n_paths;
    paths.n_wanted = first < spec_.n_paths ? std::min(n_paths, spec_.n_paths - first) : 0;
    paths.bought = worker.bought.data() + i * bought_words();
    paths.bought_stride = bought_stride();
    paths.values = worker.values.data() + i * padded_ + first;
    paths.purchases = worker.purchases.data() + i * padded_ + first;
    if (spec_.periods) {
      paths.revenue = worker.revenue.data() + first;
      paths.transactions = worker.transactions.data() + first;
      paths.stride = padded_;
    }
    paths.scratch = worker.spend.get();
    return lanes_->draw_spend(tables_.spend, paths);
  }

  RunSpec spec_;
  MigrationChainView chain_;
  std::size_t padded_;  // paths
  RunView<MigrationChainModel> run_;
  std::size_t max_workers_;
  LaneTables tables_;
  EventTables events_;
  bool has_events_ = false, has_purchases_ = false, draws_spend_ = false;
  std::uint64_t bound_ = 0;  // of the magnitude of a path's value
  const LaneKernels* lanes_ = nullptr;
  std::size_t at_once_ = 1;                            // customers
  std::uint32_t spend_paths_ = SpendLanes::max_paths;  // that are drawn for at once
  std::vector<LaneWorker> workers_;
};

}  // namespace

std::unique_ptr<Backend> make_cpu_backend(const RunSpec& spec, int n_threads, std::uint64_t memory_budget,
                                          const std::string& instructions) {
  std::unique_ptr<Backend> backend;
  BehaviourModels::with(spec.params.index(), [&]<class Model>(std::type_identity<Model>) {
    if constexpr (std::is_same_v<Model, MigrationChainModel>) {
      backend = std::make_unique<ChainBackend>(spec, n_threads, memory_budget, instructions);
    } else {
      backend = std::make_unique<PathBackend<Model>>(spec, n_threads, memory_budget, instructions);
    }
  });
  return backend;
}

}  // namespace clvsim::kernels
