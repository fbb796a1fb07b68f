// The CPU launcher: a fixed partition of every batch over threads, each a team of one with its own path sums.
#include "kernels/backend/backend.hpp"
#include "kernels/stats/team.hpp"

#include <algorithm>
#include <thread>
#include <type_traits>
#include <utility>

namespace clvsim::kernels {

std::uint64_t path_sums_bytes(std::uint64_t n_paths, std::uint64_t horizon) {
  const std::uint64_t per_period = sizeof(std::int64_t) + 2 * sizeof(std::uint32_t);
  return n_paths * (horizon * per_period + 2 * sizeof(std::int64_t));  // with the total and the scratch value
}

namespace {

// What a thread writes to.
struct Worker {
  PathSums sums;
  std::vector<std::int64_t> values;  // [paths] scratch
  std::unique_ptr<TaskShared> shared = std::make_unique<TaskShared>();

  Worker(std::size_t n_paths, std::size_t horizon) : values(n_paths) {
    sums.total.resize(n_paths);
    sums.revenue.resize(n_paths * horizon);
    sums.active.resize(n_paths * horizon);
    sums.transactions.resize(n_paths * horizon);
  }
};

template <class T>
void add_to(std::vector<T>& sum, const std::vector<T>& other) {
  for (std::size_t i = 0; i < sum.size(); ++i) {
    // Unsigned: the caller has bounded the sums, and refuses the run where they could overflow.
    using U = std::make_unsigned_t<T>;
    sum[i] = static_cast<T>(static_cast<U>(sum[i]) + static_cast<U>(other[i]));
  }
}

class CpuBackend final : public Backend {
 public:
  CpuBackend(const RunSpec& spec, int n_threads, std::uint64_t memory_budget) : spec_(spec) {
    const std::uint64_t fitting =
        std::max<std::uint64_t>(1, memory_budget / path_sums_bytes(spec.n_paths, spec.horizon));
    max_workers_ = std::min<std::uint64_t>(static_cast<std::uint64_t>(std::max(1, n_threads)), fitting);
    run_.params = spec.chain;
    run_.seed = spec.seed;
    run_.horizon = spec.horizon;
    run_.n_paths = spec.n_paths;
    run_.weight = spec.weight.data();
    run_.ranks = {spec.ranks.data(), static_cast<std::uint32_t>(spec.ranks.size()), spec.tail};
  }

  void run(std::span<const ChainCustomer> customers, std::span<CustomerSummary> summaries,
           std::span<std::int64_t> order) override {
    const std::size_t n = customers.size();
    const std::size_t n_workers = std::max<std::size_t>(1, std::min(max_workers_, n));
    while (workers_.size() < n_workers) workers_.emplace_back(spec_.n_paths, spec_.horizon);
    const auto work = [&](std::size_t w) {
      for (std::size_t i = n * w / n_workers; i < n * (w + 1) / n_workers; ++i) {
        run_one(workers_[w], customers[i], summaries[i], order.data() + i * spec_.ranks.size());
      }
    };
    std::vector<std::jthread> threads;
    for (std::size_t w = 1; w < n_workers; ++w) threads.emplace_back(work, w);
    work(0);
  }

  void gather(PathSums& sums) override {
    if (workers_.empty()) workers_.emplace_back(spec_.n_paths, spec_.horizon);
    for (std::size_t w = 1; w < workers_.size(); ++w) {
      add_to(workers_[0].sums.total, workers_[w].sums.total);
      add_to(workers_[0].sums.revenue, workers_[w].sums.revenue);
      add_to(workers_[0].sums.active, workers_[w].sums.active);
      add_to(workers_[0].sums.transactions, workers_[w].sums.transactions);
    }
    sums = std::move(workers_[0].sums);
    workers_.clear();
  }

  [[nodiscard]] std::string description() const override {
    return "cpu (" + std::to_string(max_workers_) + (max_workers_ == 1 ? " thread)" : " threads)");
  }

  [[nodiscard]] std::size_t batch_size() const override {
    constexpr double steps_a_thread = 8e6;  // about a quarter of a second
    const double customers = steps_a_thread / (static_cast<double>(spec_.n_paths) * spec_.horizon);
    return std::clamp<std::size_t>(static_cast<std::size_t>(customers), 1, 4096) * max_workers_;
  }

 private:
  void run_one(Worker& worker, const ChainCustomer& customer, CustomerSummary& summary, std::int64_t* order) const {
    SoloTeam team;
    PathSumsView view;
    // Signed and unsigned variants of a type may alias; two's complement makes the sums the same.
    view.total = reinterpret_cast<std::uint64_t*>(worker.sums.total.data());
    view.revenue = reinterpret_cast<std::uint64_t*>(worker.sums.revenue.data());
    view.active = worker.sums.active.data();
    view.transactions = worker.sums.transactions.data();
    view.path_stride = spec_.horizon;
    view.period_stride = 1;
    run_customer<MigrationChainModel>(team, *worker.shared, run_, customer, view, worker.values.data(), &summary,
                                      order);
  }

  RunSpec spec_;
  RunView<MigrationChainModel> run_;
  std::size_t max_workers_ = 1;
  std::vector<Worker> workers_;
};

}  // namespace

std::unique_ptr<Backend> make_cpu_backend(const RunSpec& spec, int n_threads, std::uint64_t memory_budget) {
  return std::make_unique<CpuBackend>(spec, n_threads, memory_budget);
}

}  // namespace clvsim::kernels
