// Customers that buy, and contracts, on one thread: histories of a retail log, some of them or as many as the CDNOW log
// has, 1,000 paths of 60 months, everything that a run computes. What a path cannot do without, counted from the closed
// forms: blocks of words, and the functions of its draws.
#include "host/bench/cases.hpp"
#include "host/run/behaviour_program.hpp"
#include "host/run/contract_program.hpp"
#include "host/run/dirichlet_program.hpp"
#include "host/run/purchase_program.hpp"

#include <clvsim/error.hpp>

#include <fmt/format.h>

#include <cmath>
#include <memory>
#include <numeric>
#include <span>

namespace clvsim {
namespace {

constexpr std::int64_t some_customers = 512, retail_log = 23'570;
constexpr std::size_t n_digested = 64;

// Customers in memory.
class RowsSource final : public CustomerSource {
 public:
  RowsSource(std::int64_t n, CustomerRows rows) : n_(n), rows_(std::move(rows)) {}
  [[nodiscard]] std::int64_t size() const override { return n_; }
  [[nodiscard]] std::size_t key_width() const override { return 1; }
  void read(std::int64_t first, std::int64_t count, CustomerRows& rows) const override {
    std::visit(
        [&]<class Customer>(const std::vector<Customer>& all) {
          const std::int64_t each = static_cast<std::int64_t>(all.size()) / n_;  // records a customer
          rows.of<Customer>().assign(all.begin() + first * each, all.begin() + (first + count) * each);
        },
        rows_.customers);
    rows.key.assign(static_cast<std::size_t>(count), 'c');
    const auto part = [&](const auto& from, auto& to) {
      to.assign(from.begin() + first, from.begin() + first + count);
    };
    if (!rows_.closed.empty()) part(rows_.closed, rows.closed);
    if (!rows_.moments.empty()) part(rows_.moments, rows.moments);
  }

 private:
  std::int64_t n_;
  CustomerRows rows_;
};

// Histories in months, as a year of a retail log has them: two in five came once, some often.
PurchaseHistory history_of(std::int64_t i, bool opportunities) {
  constexpr std::int32_t purchases[] = {0, 0, 0, 0, 1, 0, 2, 1, 0, 5};
  PurchaseHistory history;
  history.T = 9 - static_cast<double>(i % 3);
  history.x = purchases[i % 10];
  if (history.x > 0)
    history.t_x = opportunities ? std::max<double>(history.x, 1 + static_cast<double>(i % 6))
                                : history.T * (1 + static_cast<double>(i % 7)) / 8;
  return history;
}

SimulationOptions options_of(const kernels::LaneKernels& lanes) {
  SimulationOptions options = bench_simulation();
  options.n_paths = 1000;
  options.device.instructions = lanes.name;
  return options;
}

// What a path takes, in blocks of four words, logarithms, exponentials and gamma draws (which hold a block each).
struct PathWork {
  double blocks = 0, logs = 0, exps = 0, gammas = 0;
};
using CountWork = PathWork (*)(const ClosedForms& customer, double buys);

// All live: one block. The alive: their life, rate and level; four gaps a block; a gamma, an exponential and a block
// for whether they are free a period with purchases, one of each at the least where all purchases of a path fall apart.
PathWork pareto_work(const ClosedForms& of, double buys) {
  return {1 + buys / 4, of.p_alive + buys, 2 * of.p_alive + buys, of.p_alive + buys};
}
PathWork bg_work(const ClosedForms& of, double buys) {
  return {1 + of.p_alive + buys / 4, of.p_alive + buys, of.p_alive + buys, 3 * of.p_alive + buys};
}
// Two gammas and an exponential for drop-out, two for the probability to buy; a word an opportunity, left out.
PathWork bb_work(const ClosedForms& of, double buys) {
  return {1 + of.p_alive, of.p_alive, buys, 4 * of.p_alive + buys};
}
// Two gammas and an exponential.
PathWork contract_work(const ClosedForms& of, double) { return {of.p_alive, 2 * of.p_alive, 0, 2 * of.p_alive}; }

// Compares with the closed forms, sets the digest and the limits, and returns the call.
std::function<void()> prepared(const BehaviourModel& model, const SimulationOptions& options, std::int64_t n,
                               CustomerRows rows, const PathProgram& program, const std::shared_ptr<void>& keep,
                               CountWork count, BenchCase& result) {
  const RunInfo info = describe(resolve(options, model), model, n);
  const std::vector<ClosedForms> closed = rows.closed;
  const auto source = std::make_shared<RowsSource>(n, std::move(rows));
  const auto run = [source, program, info, keep](const std::function<void(const CustomerResults&)>& append) {
    RunInfo of_run = info;
    std::vector<std::int64_t> total;
    run_customers(*source, program, of_run, total, append, {});
  };
  double mean = 0, square = 0, exact = 0;
  PathWork work;
  CustomerResults first;
  run([&](const CustomerResults& results) {
    if (first.mean.empty()) first = results;
    for (std::size_t i = 0; i < results.size(); ++i) {
      mean += results.transactions_mean[i];
      square += results.transactions_se[i] * results.transactions_se[i];
    }
  });
  for (const ClosedForms& customer : closed) {
    exact += customer.expected_transactions;
    const PathWork of = count(customer, customer.expected_transactions);
    work = {work.blocks + of.blocks, work.logs + of.logs, work.exps + of.exps, work.gammas + of.gammas};
  }
  check_mean(result.name, mean, std::sqrt(square), exact);
  result.digest = results_digest(first, n_digested);
  const double n_paths = options.n_paths;
  const double amounts[] = {4 * work.blocks, work.logs, work.exps, work.gammas};
  for (std::size_t i = 0; i < result.limit.size(); ++i) result.limit[i].work = amounts[i] * n_paths;
  return [run] { run([](const CustomerResults&) {}); };
}

PlannedCase planned(const std::string& name, std::int64_t n, const SimulationOptions& options,
                    const kernels::LaneKernels& lanes) {
  PlannedCase planned;
  // In the order of PathWork; how much is known when it is prepared.
  planned.result.limit = {{words_ceiling(lanes), 0},
                          {function_ceiling("log", lanes), 0},
                          {function_ceiling("exp", lanes), 0},
                          {function_ceiling("gamma", lanes), 0}};
  planned.suite = n == some_customers ? BenchSuite::standard : BenchSuite::scaling;
  planned.result.name = (n == some_customers ? "paths_" : "log_") + name;
  planned.result.unit = "path-steps";
  planned.result.work = static_cast<double>(n) * options.n_paths * options.horizon;
  return planned;
}

// `name` of the case: of the model, with k and what is added to it.
PlannedCase purchase_case(const std::string& name, std::int64_t n, BehaviourModel model, CountWork count,
                          const kernels::LaneKernels& lanes) {
  const SimulationOptions options = options_of(lanes);
  PlannedCase of = planned(name, n, options, lanes);
  model.unit = PeriodUnit::month;
  if (!model.spend) model.spend = PurchaseSpend{{6.25, 3.74, 15.44}, 0, 0, 1};
  of.prepare = [model, n, options, count](BenchCase& result) {
    const auto program = std::make_shared<PurchaseProgram>(model, describe(resolve(options, model), model, n));
    CustomerRows rows;
    for (std::int64_t i = 0; i < n; ++i) {
      const PurchaseHistory history = history_of(i, model.model == "bg_bb");
      SpendHistory spend;
      spend.x = history.x;
      spend.mean = history.x > 0 ? 20 + static_cast<double>(i % 50) : 0;
      spend.log_mean = history.x > 0 ? std::log(spend.mean) : 0;
      program->add(history, spend, static_cast<std::uint64_t>(i), rows);
    }
    return prepared(model, options, n, std::move(rows), program->program(), program, count, result);
  };
  return of;
}

PlannedCase contract_case(const std::string& name, std::int64_t n, std::vector<double> parameters,
                          const kernels::LaneKernels& lanes) {
  const SimulationOptions options = options_of(lanes);
  PlannedCase of = planned(name, n, options, lanes);
  BehaviourModel model;
  model.model = name;
  model.unit = PeriodUnit::month;
  model.parameters = std::move(parameters);
  of.prepare = [model, n, options](BenchCase& result) {
    const auto program = std::make_shared<ContractProgram>(model, describe(resolve(options, model), model, n), nullptr);
    CustomerRows rows;
    for (std::int64_t i = 0; i < n; ++i)
      program->add({static_cast<std::int32_t>(i % 40), i % 4 == 0, 2499, 0}, 2499, static_cast<std::uint64_t>(i), rows);
    return prepared(model, options, n, std::move(rows), program->program(), program, contract_work, result);
  };
  return of;
}

// The life of a chain of two states whose customers differ, which has a closed form: a customer stays with P ~ Beta(a,
// b) and is there in period t with probability E[P^t] = prod (a + i) / (a + b + i). A share a path, and a word a
// period.
PlannedCase dirichlet_case(std::int64_t n, const kernels::LaneKernels& lanes) {
  constexpr double a = 6, b = 0.6;
  const SimulationOptions options = options_of(lanes);
  PlannedCase of = planned("dirichlet", n, options, lanes);
  auto chain = std::make_shared<MigrationChain>();
  const auto outcome = [](int to, double probability) {
    ChainOutcome made;
    made.to = to;
    made.probability = probability;
    return made;
  };
  ChainState here, gone;
  here.name = "here";
  here.amount = 1;
  here.outcomes = {outcome(0, a / (a + b)), outcome(1, b / (a + b))};
  here.concentration = a + b;
  gone.name = "gone";
  gone.active = false;
  gone.outcomes = {outcome(1, 1)};
  chain->states = {here, gone};
  of.prepare = [chain, n, options](BenchCase& result) {
    const RunInfo info = describe(resolve(options, *chain), *chain, n);
    const auto program = std::make_shared<DirichletProgram>(*chain, info, nullptr);
    CustomerRows rows;
    for (std::int64_t i = 0; i < n; ++i)
      program->add(0, {}, std::vector<std::uint32_t>(program->tables().n_counts), static_cast<std::uint64_t>(i), rows);
    const auto source = std::make_shared<RowsSource>(n, std::move(rows));
    const auto run = [chain, source, program, info](const std::function<void(const CustomerResults&)>& append) {
      RunInfo of_run = info;
      std::vector<std::int64_t> total;
      run_customers(*source, program->program(), of_run, total, append, {});
    };
    double mean = 0, square = 0, there = 1;
    CustomerResults first;
    run([&](const CustomerResults& results) {
      if (first.mean.empty()) first = results;
      for (std::size_t i = 0; i < results.size(); ++i) {
        mean += results.p_active[i];
        square += results.p_active_se[i] * results.p_active_se[i];
      }
    });
    for (int t = 0; t < options.horizon; ++t) there *= (a + t) / (a + b + t);
    check_mean(result.name, mean, std::sqrt(square), static_cast<double>(n) * there);
    result.digest = results_digest(first, n_digested);
    const double n_paths = static_cast<double>(n) * options.n_paths;
    const double amounts[] = {n_paths * options.horizon, 0, n_paths, 2 * n_paths};
    for (std::size_t i = 0; i < result.limit.size(); ++i) result.limit[i].work = amounts[i];
    return [run] { run([](const CustomerResults&) {}); };
  };
  return of;
}

}  // namespace

void add_purchase_cases(PlannedCases& cases) {
  const kernels::LaneKernels& fastest = *kernels::lane_kernels().front();
  const auto model_of = [](const char* name, std::vector<double> parameters, int k = 1) {
    BehaviourModel model;
    model.model = name;
    model.k = k;
    model.parameters = std::move(parameters);
    return model;
  };
  for (const std::int64_t n : {some_customers, retail_log}) {
    const auto add = [&](const char* name, const BehaviourModel& model, CountWork count) {
      cases.push_back(purchase_case(name, n, model, count, fastest));
    };
    // In months, as fitted on the CDNOW log, or near that.
    add("pareto_nbd", model_of("pareto_nbd", {0.6, 2.66, 0.52, 2.03}), pareto_work);
    add("bg_nbd", model_of("bg_nbd", {0.28, 1.1, 0.86, 2.6}), bg_work);
    add("mbg_nbd", model_of("mbg_nbd", {0.57, 1.5, 0.94, 1.7}), bg_work);
    add("bg_cnbd_2", model_of("bg_cnbd_k", {0.9, 1.1, 0.6, 2.2}, 2), bg_work);
    add("mbg_cnbd_2", model_of("mbg_cnbd_k", {1.3, 1.3, 0.8, 1.6}, 2), bg_work);
    add("bg_bb", model_of("bg_bb", {0.6, 3.5, 0.4, 3.2}), bb_work);
    BehaviourModel other = model_of("mbg_nbd", {0.57, 1.5, 0.94, 1.7});
    other.spend = PurchaseSpend{};
    other.spend->kind = SpendLaw::log_normal;
    other.spend->set_parameters(std::vector<double>{30, 0.6, 0.5});
    add("log_normal", other, bg_work);
    other = model_of("pareto_nbd", {0.6, 2.66, 0.52, 2.03});
    other.classes.push_back({0.4, {1.5, 3.1, 0.4, 2.5}, {6.25, 3.74, 30.0}});
    add("classes", other, pareto_work);
    cases.push_back(contract_case("sbg", n, {0.67, 3.8}, fastest));
    cases.push_back(contract_case("bdw", n, {0.7, 4, 1.2}, fastest));
    cases.push_back(contract_case("geometric", n, {0.1}, fastest));
    cases.push_back(contract_case("discrete_weibull", n, {20, 1.3}, fastest));
    cases.push_back(dirichlet_case(n, fastest));
  }
}

}  // namespace clvsim
