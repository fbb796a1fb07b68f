// Models of purchases and of contracts with their customers, as the engine takes them, without a store.
#pragma once

#include "host/run/contract_program.hpp"
#include "host/run/purchase_program.hpp"
#include "tests/support/engine_outcome.hpp"

#include <cmath>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace clvsim::test {

// A customer of a case.
struct Buyer {
  PurchaseHistory history;
  SpendHistory spend;
};

struct BehaviourCase {
  BehaviourModel model;
  std::vector<Buyer> buyers;
  std::uint32_t horizon, n_paths;
  std::uint32_t n_draws = 0;             // of the parameters
  std::vector<Contract> contracts = {};  // instead of buyers, of a model of contracts

  [[nodiscard]] std::size_t n_customers() const { return buyers.size() + contracts.size(); }
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
  if (!model.classes.empty()) model.fit->log_covariance = covariance(all_parameters(model).size());
  if (model.spend) model.spend->log_covariance = covariance(3);
  for (ModelSegment& segment : model.segments) {
    segment.fit = FitRecord{};
    segment.fit->log_covariance = covariance(segment.parameters.size());
  }
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

// Of contracts, a month each: two segments of a store, of which the model knows one.
inline BehaviourModel contracts(const std::string& name, std::vector<double> parameters) {
  BehaviourModel model;
  model.model = name;
  model.unit = PeriodUnit::month;
  model.parameters = std::move(parameters);
  model.charge = 24.99;
  model.segments.push_back({"yearly", "discrete_weibull", 0, {110, 2.6}, {}});
  return model;
}
inline std::vector<BehaviourModel> contract_behaviours() {
  return {contracts("sbg", {0.668, 3.806}), contracts("bdw", {0.259, 1.722, 1.584}), contracts("bdw", {1.1, 5.2, 0.55}),
          contracts("geometric", {0.05}), contracts("discrete_weibull", {57.7, 0.604})};
}
inline StoreInfo store_of_contracts() {
  StoreInfo store;
  store.unit = PeriodUnit::month;
  store.contract_book = true;
  store.segments = {"", "monthly", "yearly"};
  return store;
}
// Just begun, long there, churned, free of charge, and of the segment with parameters of its own.
inline std::vector<Contract> all_contracts() {
  return {{0, false, 2499, 0},  {1, false, 100, 1},    {2, false, 9999999, 1}, {12, true, 2499, 1},
          {72, false, 6500, 2}, {400, false, 6500, 1}, {30, false, 0, 2},      {9, false, 1, 0}};
}

// With free purchases and refunds.
inline BehaviourModel with_refunds(BehaviourModel model) {
  model.spend->zero_share = 0.1;
  model.spend->refund_rate = 0.2;
  model.spend->refund_ratio = 0.7;
  return model;
}

inline BehaviourModel with_log_normal(BehaviourModel model) {
  model.spend->kind = SpendLaw::log_normal;
  model.spend->log_normal = {27.1, 0.46, 0.58};
  model.spend->smearing = 1.02;
  return model;
}

// A second class of customers, who buy three times as often and spend twice as much.
inline BehaviourModel with_classes(BehaviourModel model) {
  ModelClass often{0.4, model.parameters, {5.1, 6, 48}};
  const bool at_opportunities = model.model == "bg_bb";
  often.parameters[at_opportunities ? 0 : 1] *= at_opportunities ? 3 : 1.0 / 3;
  model.classes.push_back(often);
  return model;
}

// Each model with parameters as fitted on retail logs in weeks, and others that reach every branch.
inline std::vector<BehaviourModel> behaviours() {
  return {behaviour("pareto_nbd", {0.553, 10.58, 0.606, 11.67}), behaviour("bg_nbd", {0.243, 4.41, 0.793, 2.43}),
          behaviour("mbg_nbd", {0.525, 6.18, 0.891, 1.61}),      behaviour("bg_cnbd_k", {0.9, 2.1, 0.6, 2.2}, 3),
          behaviour("mbg_cnbd_k", {0.9, 2.1, 0.6, 2.2}, 2),      behaviour("bg_bb", {1.204, 0.75, 0.657, 2.783})};
}

inline std::vector<Buyer> histories_of(const BehaviourModel& model);

// Ten histories with the corners: nothing bought, bought at the very end, bought very often, hardly observed.
inline std::vector<Buyer> buyers_of(const BehaviourModel& model) {
  std::vector<Buyer> buyers = histories_of(model);
  for (Buyer& buyer : buyers) {  // logarithms that go with the mean of their amounts
    SpendHistory& spend = buyer.spend;
    if (spend.x == 0) continue;
    spend.log_squares = 0.3 * (spend.x - 1);
    spend.log_mean = std::log(spend.mean) - 0.15 * (spend.x - 1) / spend.x;
  }
  return buyers;
}

inline std::vector<Buyer> histories_of(const BehaviourModel& model) {
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

inline CustomerRows rows_of(const ContractProgram& program, const std::vector<Contract>& contracts) {
  CustomerRows rows;
  for (std::size_t i = 0; i < contracts.size(); ++i)
    program.add(contracts[i], static_cast<double>(contracts[i].charge), customer_hash(std::to_string(i)), rows);
  return rows;
}

// As Prepared, of a model with a likelihood; not moved once made.
struct PreparedBehaviour {
  explicit PreparedBehaviour(const BehaviourCase& c)
      : info(info_of(c)), plan(plan_ranks(c.n_paths, {0.05, 0.5, 0.9}, 0.05)) {
    if (c.contracts.empty()) {
      auto purchases = std::make_unique<PurchaseProgram>(c.model, info);
      any = rows_of(*purchases, c.buyers).customers;
      program = std::move(purchases);
    } else {
      const StoreInfo store = store_of_contracts();
      auto contracts = std::make_unique<ContractProgram>(c.model, info, &store);
      any = rows_of(*contracts, c.contracts).customers;
      program = std::move(contracts);
    }
    spec.params = program->program().params;
    spec.seed = 77;
    spec.horizon = c.horizon;
    spec.n_paths = c.n_paths;
    spec.ranks = plan.ranks;
    spec.tail = plan.tail;
  }
  PreparedBehaviour(const PreparedBehaviour&) = delete;
  PreparedBehaviour& operator=(const PreparedBehaviour&) = delete;

  RunInfo info;
  std::unique_ptr<BehaviourProgram> program;
  RankPlan plan;
  kernels::AnyCustomers any;
  kernels::RunSpec spec;

 private:
  static RunInfo info_of(const BehaviourCase& c) {
    SimulationOptions options;
    options.horizon = static_cast<int>(c.horizon);
    options.n_paths = c.n_paths;
    options.parameter_draws = c.n_draws;
    options.discounting = {0.02, RatePeriod::month, DiscountConvention::mid};
    return describe(resolve(options, c.model), c.model, static_cast<std::int64_t>(c.n_customers()));
  }
};

inline std::size_t n_customers(const PreparedBehaviour& prepared) {
  return static_cast<std::size_t>(prepared.info.n_customers);
}
inline kernels::CustomerSpan span_of(const PreparedBehaviour& prepared) { return kernels::span_of(prepared.any); }

// Customers that buy very often, and one of whom many paths have the same value.
inline std::vector<Buyer> heavy_buyers() {
  return {{{4000, 39, 39}, {4000, 30}}, {{0, 0, 39}, {}}, {{4000, 4000, 4000}, {4000, 30}}};
}

// Every model, with and without refunds, of few and of many purchases a period, and of more paths than selection lists.
inline std::vector<BehaviourCase> behaviour_cases() {
  std::vector<BehaviourCase> cases;
  for (const BehaviourModel& model : behaviours()) cases.push_back({model, buyers_of(model), 30, 300});
  for (const BehaviourModel& model : behaviours()) cases.push_back({with_refunds(model), buyers_of(model), 13, 129});
  for (const BehaviourModel& model : behaviours())
    cases.push_back({with_uncertainty(model), buyers_of(model), 20, 130, 7});
  for (const BehaviourModel& model : behaviours()) {
    std::vector<Buyer> buyers = heavy_buyers();
    if (model.model == "bg_bb") buyers.erase(buyers.begin());
    cases.push_back({with_refunds(model), buyers, 2, 2500});
  }
  for (const BehaviourModel& model : contract_behaviours()) {
    cases.push_back({model, {}, 30, 300, 0, all_contracts()});
    cases.push_back({with_uncertainty(model), {}, 12, 130, 7, all_contracts()});
  }
  // Log-normal spend, of one and of many purchases a period.
  for (const BehaviourModel& model : behaviours()) {
    const bool once = model.model == "bg_bb";
    cases.push_back({with_refunds(with_log_normal(model)), once ? buyers_of(model) : heavy_buyers(), 5, 200});
    cases.push_back({with_uncertainty(with_log_normal(model)), buyers_of(model), 20, 130, 7});
  }
  // Tenures without end, of churn that is nearly 0 or 1, and a charge beyond what the fixed point counts.
  std::vector<Contract> extreme = all_contracts();
  extreme.push_back({3, false, 90'000'000'000'000'000, 1});
  cases.push_back({contracts("bdw", {0.3, 0.4, 0.05}), {}, 12, 130, 0, extreme});
  // Latent classes.
  for (const BehaviourModel& model : behaviours()) {
    cases.push_back({with_refunds(with_classes(model)), buyers_of(model), 30, 600});
    cases.push_back({with_uncertainty(with_classes(model)), buyers_of(model), 20, 130, 7});
  }
  return cases;
}

}  // namespace clvsim::test
