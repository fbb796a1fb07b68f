// Contracts: the law of the renewals that a path draws is the model's survival given the tenure, their means are the
// closed forms, and simulated futures are those of the models' stories.
#include "kernels/path/simulator.hpp"
#include "tests/support/purchases.hpp"
#include "tests/support/statistical.hpp"

#include <clvsim/contract_models.hpp>
#include <clvsim/error.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <random>
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

// Contracts whose next renewal is nearly certain, and nearly impossible, are among them.
std::vector<BehaviourModel> with_corners() {
  std::vector<BehaviourModel> models = test::contract_behaviours();
  models.push_back(test::contracts("geometric", {1e-9}));
  models.push_back(test::contracts("discrete_weibull", {30, 3}));
  models.push_back(test::contracts("sbg", {0.02, 0.3}));
  return models;
}

// Renewals, their value and the share still active after the horizon, with the standard errors of the law itself: the
// paths cannot excuse a wrong mean by their own spread.
TEST(Contracts, MeansAreTheClosedForms) {
  constexpr double discount = 0.03, charge = 2499;
  constexpr std::int32_t horizon = 240;
  constexpr std::uint32_t n_paths = 40000;
  for (const BehaviourModel& model : with_corners()) {
    const ContractProgram program(model, info_of(model, horizon, discount), nullptr);
    const auto law = make_contract_model(model.model);
    for (const std::int32_t tenure : {0, 1, 2, 5, 12, 36, 100, 300, 1200, 10000, 100000}) {
      SCOPED_TRACE(model.model + " tenure " + std::to_string(tenure));
      double n = 0, value = 0, active = 0;
      for (const PathSink& path : paths_of(program, {tenure, false, 2499, 0}, n_paths, horizon)) {
        n += path.n;
        value += static_cast<double>(path.value) / kernels::fixed_per_minor_unit;
        active += path.active ? 1 : 0;
      }
      // E f(N) = sum of (f(k) - f(k - 1)) P(N >= k), for N itself, for what N renewals are worth, and their squares.
      double mean = 0, square = 0, worth = 0, worth_square = 0, there = 1, paid = 0, weight = 1;
      for (std::int32_t k = 1; k <= horizon; ++k) {
        there *= law->retention(model.parameters, tenure + k);
        const double before = paid;
        paid += charge * weight;
        weight /= 1 + discount;
        mean += there;
        square += (2 * k - 1) * there;
        worth += (paid - before) * there;
        worth_square += (paid * paid - before * before) * there;
      }
      const double beyond = weight * there * law->derl(model.parameters, tenure + horizon + 1, discount);
      EXPECT_NEAR(worth, charge * (law->derl(model.parameters, tenure + 1, discount) - beyond), 1e-9 * (1 + worth));
      // `seen`: not next to impossible, so that the paths must be enough to tell 2 %.
      const auto expect = [](double sum, double expected, double expected_square, bool seen, const char* what) {
        const double se = std::sqrt(std::max(0.0, expected_square - expected * expected) / n_paths);
        // 1e-12: rounding of the sums, where nothing varies.
        EXPECT_NEAR(sum / n_paths, expected, 4 * se + 1e-12 * expected) << what;
        if (seen) {
          EXPECT_LE(se, 0.02 * expected) << what << ": too few paths";
        }
      };
      const bool renews = law->retention(model.parameters, tenure + 1) > 0.01;
      expect(n, mean, square, renews, "renewals");
      expect(value, worth, worth_square, renews, "value");
      expect(active, there, there, there > 0.06, "active");
    }
  }
}

// A contract's past and future by the story of the model, an opportunity at a time, drawn by the standard library.
class StoryTeller {
 public:
  explicit StoryTeller(const BehaviourModel& model) : name_(model.model), p_(model.parameters), bits_(23) {}

  // A contract with a churn hazard of its own: -ln(1 - theta), theta as the model says.
  void begin() {
    if (name_ == "geometric" || name_ == "discrete_weibull") {
      c_ = name_ == "geometric" ? 1 : p_[1];
      hazard_ = name_ == "geometric" ? p_[0] : std::pow(p_[0], -c_);
    } else {
      c_ = name_ == "sbg" ? 1 : p_[2];
      const double leaves = gamma(p_[0]), stays = gamma(p_[1]);
      hazard_ = std::log1p(leaves / stays);  // theta = leaves / (leaves + stays)
    }
    renewals_ = 0;
  }
  // Up to so many opportunities; the number of renewals made.
  std::int32_t live(std::int32_t opportunities) {
    for (std::int32_t made = 0; made < opportunities; ++made, ++renewals_) {
      const double exposure = std::pow(renewals_ + 1, c_) - std::pow(renewals_, c_);
      if (uniform() >= std::exp(-hazard_ * exposure)) return made;
    }
    return opportunities;
  }
  double uniform() { return std::uniform_real_distribution<>(0, 1)(bits_); }

 private:
  double gamma(double shape) { return std::gamma_distribution<>(shape, 1)(bits_); }

  std::string name_;
  std::vector<double> p_;
  std::mt19937_64 bits_;
  double hazard_ = 0, c_ = 1;
  std::int32_t renewals_ = 0;
};

constexpr std::array<const char*, 6> strata{"all", "new", "1 to 3", "4 to 12", "13 to 36", "37 and more"};
using Ranks = std::array<std::vector<double>, strata.size()>;

// Ranks of the true number of renewals among simulated ones, overall and by tenure; ties are broken at random.
// `ignored`: the engine is not told the tenure.
Ranks ranks_of_the_truth(const BehaviourModel& model, bool ignored) {
  constexpr std::uint32_t n_paths = 19;
  constexpr std::int32_t horizon = 24, n_contracts = 150000;
  const ContractProgram program(model, info_of(model, horizon, 0), nullptr);
  const kernels::AnyParams params = program.program().params;
  StoryTeller teller(model);
  Ranks ranks;
  ranks.fill(std::vector<double>(n_paths + 1));
  for (std::int32_t i = 0; i < n_contracts; ++i) {
    const std::int32_t age = i % 7 == 0 ? 0 : i % 64;
    teller.begin();
    if (teller.live(age) < age) continue;  // has churned: ChurnAndSegments
    const auto truth = static_cast<std::uint32_t>(teller.live(horizon));
    CustomerRows rows;
    program.add({ignored ? 0 : age, false, 2499, 0}, 2499, customer_hash(std::to_string(i)), rows);
    std::uint32_t below = 0, equal = 0;
    for (std::uint32_t path = 0; path < n_paths; ++path) {
      PathSink sink;
      kernels::PathSimulator<ContractPath>::walk(std::get<ContractPath::Params>(params),
                                                 rows.of<ContractPath::Customer>().front(), path, 3, horizon, sink);
      below += sink.n < truth;
      equal += sink.n == truth;
    }
    const std::size_t rank = below + static_cast<std::uint32_t>(teller.uniform() * (equal + 1));
    const std::size_t stratum = age == 0 ? 1 : age <= 3 ? 2 : age <= 12 ? 3 : age <= 36 ? 4 : 5;
    ++ranks[0][rank];
    ++ranks[stratum][rank];
  }
  return ranks;
}

testing::AssertionResult are_uniform(const std::vector<double>& ranks) {
  double n = 0;
  for (const double count : ranks) n += count;
  // What a stratum of so many can see: among 100,000 contracts, ranks off by 3.5 %; false alarms one in 10^6 each.
  const std::vector<double> uniform(ranks.size(), 1.0 / static_cast<double>(ranks.size()));
  return test::counts_agree(ranks, uniform, 120 / n, {1e-6, 1e-3}) << n << " contracts";
}

// Simulation-based calibration (Talts et al. 2018; strata by what the history says: Modrak et al. 2023): the truth has
// a churn probability drawn from the model's own, the engine knows only how long the contract has lasted.
TEST(Contracts, FuturesAreCalibrated) {
  for (const BehaviourModel& model : test::contract_behaviours()) {
    const Ranks ranks = ranks_of_the_truth(model, false);
    for (std::size_t s = 0; s < strata.size(); ++s)
      EXPECT_TRUE(are_uniform(ranks[s])) << model.model << ", tenure " << strata[s];
  }
}

// Where contracts of long tenure are taken for new ones, the ranks say so.
TEST(Contracts, FuturesWithoutTheTenureAreNotCalibrated) {
  for (const BehaviourModel& model : test::contract_behaviours()) {
    if (model.model == "geometric") continue;  // its tenure says nothing
    const Ranks ranks = ranks_of_the_truth(model, true);
    EXPECT_TRUE(are_uniform(ranks[1])) << model.model;
    for (const std::size_t s : {0, 3, 4, 5}) {
      double n = 0;
      for (const double count : ranks[s]) n += count;
      EXPECT_GT(n, 2400) << model.model << ", tenure " << strata[s];  // so that it is not refused as too small
      EXPECT_FALSE(are_uniform(ranks[s])) << model.model << ", tenure " << strata[s];
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
