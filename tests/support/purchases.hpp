// Models of purchases with their customers, as the engine takes them, without a store.
#pragma once

#include "host/run/purchase_program.hpp"
#include "tests/support/engine_outcome.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace clvsim::test {

// A customer of a case.
struct Buyer {
  PurchaseHistory history;
  SpendHistory spend;
};

struct PurchaseCase {
  BehaviourModel model;
  std::vector<Buyer> buyers;
  std::uint32_t horizon, n_paths;
  std::uint32_t n_draws = 0;  // of the parameters
};

// Parameters that are known to a tenth, all correlated a little.
inline BehaviourModel with_uncertainty(BehaviourModel model) {
  const auto covariance = [](std::size_t n) {
    std::vector<double> all(n * n, 0.002);
    for (std::size_t i = 0; i < n; ++i) all[i * n + i] = 0.01;
    return all;
  };
  model.fit = FitRecord{};
  model.fit->log_covariance = covariance(model.parameters.size());
  model.spend->log_covariance = covariance(3);
  return model;
}

inline BehaviourModel behaviour(const std::string& name, std::vector<double> parameters, int k = 1) {
  BehaviourModel model;
  model.model = name;
  model.k = k;
  model.unit = PeriodUnit::week;
  model.parameters = std::move(parameters);
  model.spend = PurchaseSpend{{6.25, 3.74, 15.44}, 0, 0, 1};
  return model;
}

// With free purchases and refunds.
inline BehaviourModel with_refunds(BehaviourModel model) {
  model.spend->zero_share = 0.1;
  model.spend->refund_rate = 0.2;
  model.spend->refund_ratio = 0.7;
  return model;
}

// Each model with parameters as fitted on retail logs in weeks, and others that reach every branch.
inline std::vector<BehaviourModel> behaviours() {
  return {behaviour("pareto_nbd", {0.553, 10.58, 0.606, 11.67}), behaviour("bg_nbd", {0.243, 4.41, 0.793, 2.43}),
          behaviour("mbg_nbd", {0.525, 6.18, 0.891, 1.61}),      behaviour("bg_cnbd_k", {0.9, 2.1, 0.6, 2.2}, 3),
          behaviour("mbg_cnbd_k", {0.9, 2.1, 0.6, 2.2}, 2),      behaviour("bg_bb", {1.204, 0.75, 0.657, 2.783})};
}

// Ten histories with the corners: nothing bought, bought at the very end, bought very often, hardly observed.
inline std::vector<Buyer> buyers_of(const BehaviourModel& model) {
  const std::vector<Buyer> in_time{{{0, 0, 38.86}, {}},    {{2, 30.43, 38.86}, {2, 22.1}}, {{1, 9.5, 39}, {1, 60}},
                                   {{7, 39, 39}, {7, 31}}, {{300, 38.5, 39}, {300, 12.5}}, {{26, 30.86, 31}, {25, 48}},
                                   {{0, 0, 0.14}, {}},     {{1, 0.1, 0.14}, {1, 9}},       {{12, 15, 18.5}, {12, 250}},
                                   {{0, 0, 0}, {}}};
  if (model.model != "bg_bb") return in_time;
  return {{{0, 0, 6}, {}},
          {{2, 4, 6}, {2, 22.1}},
          {{1, 1, 6}, {1, 60}},
          {{6, 6, 6}, {6, 31}},
          {{300, 310, 312}, {300, 12.5}},
          {{4, 5, 6}, {4, 48}},
          {{0, 0, 1}, {}},
          {{1, 1, 1}, {1, 9}},
          {{12, 15, 18.5}, {12, 250}},
          {{0, 0, 0}, {}}};
}

inline CustomerRows rows_of(const PurchaseProgram& program, const std::vector<Buyer>& buyers) {
  CustomerRows rows;
  for (std::size_t i = 0; i < buyers.size(); ++i)
    program.add(buyers[i].history, buyers[i].spend, customer_hash(std::to_string(i)), rows);
  return rows;
}

// As Prepared, of a model of purchases; not moved once made.
struct PreparedPurchases {
  explicit PreparedPurchases(const PurchaseCase& c)
      : info(info_of(c)), program(c.model, info), plan(plan_ranks(c.n_paths, {0.05, 0.5, 0.9}, 0.05)) {
    any = rows_of(program, c.buyers).customers;
    spec.params = program.program().params;
    spec.seed = 77;
    spec.horizon = c.horizon;
    spec.n_paths = c.n_paths;
    spec.ranks = plan.ranks;
    spec.tail = plan.tail;
  }
  PreparedPurchases(const PreparedPurchases&) = delete;
  PreparedPurchases& operator=(const PreparedPurchases&) = delete;

  RunInfo info;
  PurchaseProgram program;
  RankPlan plan;
  kernels::AnyCustomers any;
  kernels::RunSpec spec;

 private:
  static RunInfo info_of(const PurchaseCase& c) {
    SimulationOptions options;
    options.horizon = static_cast<int>(c.horizon);
    options.n_paths = c.n_paths;
    options.parameter_draws = c.n_draws;
    options.discounting = {0.02, RatePeriod::month, DiscountConvention::mid};
    return describe(resolve(options, c.model), c.model, static_cast<std::int64_t>(c.buyers.size()));
  }
};

inline std::size_t n_customers(const PreparedPurchases& prepared) {
  return static_cast<std::size_t>(prepared.info.n_customers);
}
inline kernels::CustomerSpan span_of(const PreparedPurchases& prepared) { return kernels::span_of(prepared.any); }

// Customers that buy very often, and one of whom many paths have the same value.
inline std::vector<Buyer> heavy_buyers() {
  return {{{4000, 39, 39}, {4000, 30}}, {{0, 0, 39}, {}}, {{4000, 4000, 4000}, {4000, 30}}};
}

// Every model, with and without refunds, of few and of many purchases a period, and of more paths than selection lists.
inline std::vector<PurchaseCase> purchase_cases() {
  std::vector<PurchaseCase> cases;
  for (const BehaviourModel& model : behaviours()) cases.push_back({model, buyers_of(model), 30, 300});
  for (const BehaviourModel& model : behaviours()) cases.push_back({with_refunds(model), buyers_of(model), 13, 129});
  for (const BehaviourModel& model : behaviours())
    cases.push_back({with_uncertainty(model), buyers_of(model), 20, 130, 7});
  for (const BehaviourModel& model : behaviours()) {
    std::vector<Buyer> buyers = heavy_buyers();
    if (model.model == "bg_bb") buyers.erase(buyers.begin());
    cases.push_back({with_refunds(model), buyers, 2, 2500});
  }
  return cases;
}

}  // namespace clvsim::test
