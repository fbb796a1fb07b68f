// A thread's sums over customers, and the walk of a customer by it alone.
#pragma once

#include "kernels/backend/backend.hpp"
#include "kernels/backend/workers.hpp"
#include "kernels/stats/team.hpp"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

namespace clvsim::kernels {

// Paths vary fastest; they are padded, so that vector code may walk more of them than there are.
struct PathWorker {
  std::vector<std::int64_t> total, revenue;         // [padded paths], [periods, padded paths]
  std::vector<std::uint32_t> active, transactions;  // [periods, padded paths]
  std::vector<std::int64_t> values;                 // [customers at once, padded paths]
  std::unique_ptr<TaskShared> shared = std::make_unique<TaskShared>();

  PathWorker() = default;
  PathWorker(const RunSpec& spec, std::size_t padded, std::size_t customers_at_once) : total(padded) {
    const std::size_t elements = spec.periods ? padded * spec.horizon : 0;
    revenue.resize(elements);
    active.resize(elements);
    transactions.resize(elements);
    values.resize(customers_at_once * padded);
  }

  [[nodiscard]] PathSumsView sums() {
    PathSumsView view;
    // Signed and unsigned variants of a type may alias; two's complement makes the sums the same.
    view.total = reinterpret_cast<std::uint64_t*>(total.data());
    if (!revenue.empty()) {
      view.revenue = reinterpret_cast<std::uint64_t*>(revenue.data());
      view.active = active.data();
      view.transactions = transactions.data();
    }
    view.path_stride = 1;
    view.period_stride = total.size();
    return view;
  }

  // A path at a time. `kept`: where the values of the paths go; null: nowhere.
  template <class Model>
  void run(const RunView<Model>& run, const typename Model::Customer& customer, CustomerSummary& summary,
           std::int64_t* order, std::int64_t* kept) {
    SoloTeam team;
    run_customer<Model>(team, *shared, run, customer, sums(), kept == nullptr ? values.data() : kept, &summary, order);
  }
};

// What a run is for one of its models.
template <class Model>
RunView<Model> view_of(const RunSpec& spec) {
  RunView<Model> run;
  run.params = std::get<typename Model::Params>(spec.params);
  run.seed = spec.seed;
  run.horizon = spec.horizon;
  run.n_paths = spec.n_paths;
  run.ranks = {spec.ranks.data(), static_cast<std::uint32_t>(spec.ranks.size()), spec.tail};
  return run;
}

// How many threads there is memory for.
inline std::size_t fitting_workers(const RunSpec& spec, int n_threads, std::uint64_t memory_budget) {
  const std::uint64_t bytes = path_sums_bytes(spec.n_paths, spec.periods ? spec.horizon : 0);
  const std::uint64_t fitting = std::max<std::uint64_t>(1, memory_budget / bytes);
  return std::min<std::uint64_t>(static_cast<std::uint64_t>(std::max(1, n_threads)), fitting);
}

// [periods, padded paths] to [periods, paths].
template <class T>
std::vector<T> without_padding(std::vector<T> sums, std::size_t n_paths, std::size_t padded) {
  if (padded == n_paths || sums.empty()) return sums;
  const std::size_t n_rows = sums.size() / padded;
  for (std::size_t t = 1; t < n_rows; ++t) {
    const auto row = sums.begin() + static_cast<std::ptrdiff_t>(t * padded);
    std::copy(row, row + static_cast<std::ptrdiff_t>(n_paths), sums.begin() + static_cast<std::ptrdiff_t>(t * n_paths));
  }
  sums.resize(n_paths * n_rows);
  return sums;
}

// The sums of one worker or more, which are left empty.
template <class Worker>
PathSums gather_sums(std::vector<Worker>& workers, std::size_t n_paths) {
  PathWorker& first = workers.front();
  for (std::size_t w = 1; w < workers.size(); ++w) {
    PathWorker& other = workers[w];
    add_to(first.total, other.total);
    add_to(first.revenue, other.revenue);
    add_to(first.active, other.active);
    add_to(first.transactions, other.transactions);
    workers[w] = {};
  }
  const std::size_t padded = first.total.size();
  PathSums sums;
  sums.revenue = without_padding(std::move(first.revenue), n_paths, padded);
  sums.active = without_padding(std::move(first.active), n_paths, padded);
  sums.transactions = without_padding(std::move(first.transactions), n_paths, padded);
  first.total.resize(n_paths);
  sums.total = std::move(first.total);
  workers.clear();
  return sums;
}

// Of sparse models: customers that have left, period by period, to customers that are active, of n in all.
inline void leavers_to_active(PathSums& sums, std::uint64_t n_customers) {
  const std::size_t n_paths = sums.total.size();
  std::vector<std::uint32_t> active(n_paths, static_cast<std::uint32_t>(n_customers));
  for (std::size_t row = 0; row < sums.active.size(); row += n_paths) {
    for (std::size_t p = 0; p < n_paths; ++p) sums.active[row + p] = active[p] -= sums.active[row + p];
  }
}

}  // namespace clvsim::kernels
