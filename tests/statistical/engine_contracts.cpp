// Contracts: the law of the renewals that a path draws is the model's survival given the tenure, its mean value the
// charge times the discounted residual lifetime.
#include "kernels/path/simulator.hpp"
#include "tests/support/purchases.hpp"

#include <clvsim/contract_models.hpp>
#include <clvsim/error.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

namespace clvsim {
namespace {

using kernels::ContractPath;

struct PathSink {
  std::uint32_t n = 0;
  std::int64_t value = 0;
  bool active = true;
  std::uint64_t n_exhausted = 0, n_saturated = 0;

  void purchases(std::uint32_t, std::int64_t) {}
  void exhausted(std::uint32_t draws) { n_exhausted += draws; }
  void period_end(std::uint32_t, const kernels::PeriodOutcome& outcome) {
    n += outcome.n_purchases;
    value += outcome.value;
    active = outcome.active;
    n_saturated += outcome.n_saturated;
  }
};

RunInfo info_of(const BehaviourModel& model, int horizon, double discount) {
  SimulationOptions options;
  options.horizon = horizon;
  options.discounting = {discount, RatePeriod::month, DiscountConvention::first};
  return describe(resolve(options, model), model, 1);
}

std::vector<PathSink> paths_of(const ContractProgram& program, const Contract& contract, std::uint32_t n_paths,
                               std::uint32_t horizon) {
  CustomerRows rows;
  program.add(contract, static_cast<double>(contract.charge), customer_hash("a" + std::to_string(contract.renewals)),
              rows);
  const kernels::AnyParams params = program.program().params;
  std::vector<PathSink> sinks(n_paths);
  for (std::uint32_t path = 0; path < n_paths; ++path)
    kernels::PathSimulator<ContractPath>::walk(std::get<ContractPath::Params>(params),
                                               rows.of<ContractPath::Customer>().front(), path, 11, horizon,
                                               sinks[path]);
  return sinks;
}

// P(k renewals or more | n made).
double survival_after(const BehaviourModel& model, std::int32_t n, std::int32_t k) {
  const auto law = make_contract_model(model.model);
  double share = 1;
  for (std::int32_t i = 1; i <= k; ++i) share *= law->retention(model.parameters, n + i);
  return share;
}

TEST(Contracts, RenewalsHaveTheLawOfTheModelGivenTheTenure) {
  constexpr std::uint32_t n_paths = 40000, horizon = 24;
  for (const BehaviourModel& model : test::contract_behaviours()) {
    const ContractProgram program(model, info_of(model, horizon, 0.01), nullptr);
    for (const std::int32_t tenure : {0, 1, 2, 7, 12, 24, 71, 400, 1500}) {
      const std::vector<PathSink> paths = paths_of(program, {tenure, false, 2499, 0}, n_paths, horizon);
      std::vector<double> count(horizon + 1);
      for (const PathSink& path : paths) {
        ASSERT_EQ(path.n_exhausted + path.n_saturated, 0U);
        ASSERT_EQ(path.active, path.n == horizon);
        ++count[path.n];
      }
      // Cells of at least 10 expected paths; the 0.0001 quantile of chi-square by Wilson & Hilferty.
      double statistic = 0, expected = 0, observed = 0;
      int cells = -1;
      for (std::uint32_t k = 0; k <= horizon; ++k) {
        const double share = survival_after(model, tenure, static_cast<std::int32_t>(k)) -
                             (k == horizon ? 0 : survival_after(model, tenure, static_cast<std::int32_t>(k) + 1));
        expected += n_paths * share;
        observed += count[k];
        if (expected < 10 && k != horizon) continue;
        statistic += (observed - expected) * (observed - expected) / expected;
        ++cells;
        expected = observed = 0;
      }
      ASSERT_GE(cells, 1) << model.model << " tenure " << tenure;
      const double spread = 2.0 / (9 * cells), limit = cells * std::pow(1 - spread + 3.719 * std::sqrt(spread), 3);
      EXPECT_LT(statistic, limit) << model.model << " tenure " << tenure << ", " << cells << " degrees of freedom";
    }
  }
}

TEST(Contracts, MeanIsTheChargeTimesTheDiscountedResidualLifetime) {
  constexpr double discount = 0.03;
  constexpr int horizon = 1200;  // 0.97^1200 is 1e-16
  constexpr std::uint32_t n_paths = 20000;
  for (const BehaviourModel& model : test::contract_behaviours()) {
    const ContractProgram program(model, info_of(model, horizon, discount), nullptr);
    const auto law = make_contract_model(model.model);
    for (const std::int32_t tenure : {0, 1, 5, 36}) {
      double sum = 0, squares = 0;
      for (const PathSink& path : paths_of(program, {tenure, false, 2499, 0}, n_paths, horizon)) {
        const double value = static_cast<double>(path.value) / kernels::fixed_per_minor_unit;
        sum += value;
        squares += value * value;
      }
      const double mean = sum / n_paths, se = std::sqrt((squares / n_paths - mean * mean) / n_paths);
      const double expected = 2499 * law->derl(model.parameters, tenure + 1, discount);
      EXPECT_LE(std::abs(mean - expected), 4 * se) << model.model << " tenure " << tenure;
      EXPECT_LE(se, 0.02 * expected) << model.model << " tenure " << tenure;
    }
  }
}

// A churned contract brings nothing; a segment of the store has its own parameters where the model has them.
TEST(Contracts, ChurnAndSegments) {
  const BehaviourModel model = test::contract_behaviours().front();
  const StoreInfo store = test::store_of_contracts();
  const RunInfo info = info_of(model, 24, 0.01);
  const ContractProgram program(model, info, &store), pooled(model, info, nullptr);
  for (const PathSink& path : paths_of(program, {12, true, 2499, 1}, 100, 24)) {
    EXPECT_EQ(path.n, 0U);
    EXPECT_EQ(path.value, 0);
    EXPECT_FALSE(path.active);
  }
  const auto mean = [&](const ContractProgram& of, std::uint32_t segment) {
    double n = 0;
    for (const PathSink& path : paths_of(of, {12, false, 2499, segment}, 20000, 24)) n += path.n;
    return n / 20000;
  };
  const double all = mean(pooled, 0);
  EXPECT_EQ(mean(program, 0), all);
  EXPECT_EQ(mean(program, 1), all) << "a segment that the model does not know";
  BehaviourModel yearly = test::contracts("discrete_weibull", model.segments.front().parameters);
  double expected = 0;
  for (std::int32_t k = 1; k <= 24; ++k) expected += survival_after(yearly, 12, k);
  EXPECT_NEAR(mean(program, 2), expected, 0.2);
  EXPECT_GT(std::abs(mean(program, 2) - all), 1);
}

}  // namespace
}  // namespace clvsim
