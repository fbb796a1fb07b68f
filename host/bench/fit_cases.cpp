// Maximum likelihood on one thread: whole fits of a retail log's customers, and single likelihoods with their gradient
// beside the functions that they cannot do without. The customers are drawn from stated models; all numbers made up,
// near those of the CDNOW log.
#include "host/bench/cases.hpp"
#include "host/io/seal.hpp"
#include "host/math/special.hpp"
#include "kernels/math/gamma_draws.hpp"
#include "kernels/rng/address.hpp"

#include <clvsim/contract_models.hpp>
#include <clvsim/error.hpp>
#include <clvsim/gamma_gamma.hpp>
#include <clvsim/log_normal.hpp>
#include <clvsim/purchase_models.hpp>

#include <fmt/format.h>

#include <cmath>
#include <memory>

namespace clvsim {
namespace {

constexpr int retail_log = 23'570, large_log = 1'000'000;  // customers
const std::vector<double> pareto_truth{0.6, 11.6, 0.52, 8.8};
constexpr GammaGamma spend_truth{6.25, 3.75, 15.4};
const std::vector<double> donor_truth{1.2, 0.75, 0.66, 2.8}, contract_truth{0.7, 3.8};

struct Log {
  std::vector<PurchaseHistory> purchases, donors;  // the latter of BG/BB
  std::vector<SpendHistory> spend;
  std::vector<Tenure> tenures;  // of sBG
};

// A probability that is Beta(a, b) over customers.
double drawn_share(const kernels::PathDraws& draws, kernels::Purpose one, kernels::Purpose other, double a, double b) {
  std::uint32_t n_exhausted = 0;
  const double x = portable_exp(kernels::LogGammaSampler(a)(draws, {one}, n_exhausted));
  return x / (x + portable_exp(kernels::LogGammaSampler(b)(draws, {other}, n_exhausted)));
}

// Of six to nine opportunities.
void add_donor(int i, std::vector<PurchaseHistory>& donors) {
  using kernels::Purpose;
  const kernels::PathDraws draws{2027, static_cast<std::uint64_t>(i), 0};
  const double buys = drawn_share(draws, Purpose::purchase_rate, Purpose::life, donor_truth[0], donor_truth[1]);
  const double leaves = drawn_share(draws, Purpose::dropout, Purpose::phase_count, donor_truth[2], donor_truth[3]);
  PurchaseHistory history;
  history.T = 6 + i % 4;
  for (std::uint32_t t = 1; t <= 6 + static_cast<std::uint32_t>(i % 4); ++t) {
    const kernels::Words words = draws({Purpose::opportunity, t});
    if (kernels::uniform(words.x) < leaves) break;
    if (kernels::uniform(words.y) >= buys) continue;
    ++history.x;
    history.t_x = t;
  }
  donors.push_back(history);
}

// Seen for up to 24 renewals.
void add_contract(int i, std::vector<Tenure>& tenures) {
  using kernels::Purpose;
  const kernels::PathDraws draws{2028, static_cast<std::uint64_t>(i), 0};
  const double leaves = drawn_share(draws, Purpose::dropout, Purpose::life, contract_truth[0], contract_truth[1]);
  const std::int32_t seen = 1 + i % 24;
  Tenure tenure;
  for (std::uint32_t t = 1; tenure.renewals < seen && !tenure.churned; ++t) {
    tenure.churned = kernels::uniform(draws({Purpose::opportunity, t}).x) < leaves;
    ++tenure.renewals;
  }
  tenures.push_back(tenure);
}

// Customers of Pareto/NBD in weeks, whose first purchase was 27 to 39 weeks ago; purchases happen on days.
Log drawn_log(int n_customers) {
  using kernels::Purpose;
  constexpr int shortest = 27 * 7, range = 12 * 7;  // days
  Log log;
  std::uint32_t n_exhausted = 0;
  for (int i = 0; i < n_customers; ++i) {
    const kernels::PathDraws draws{2026, static_cast<std::uint64_t>(i), 0};
    const auto gamma = [&](Purpose purpose, double shape) {
      return portable_exp(kernels::LogGammaSampler(shape)(draws, {purpose}, n_exhausted));
    };
    const auto exponential = [&](Purpose purpose, std::uint32_t k) {
      return kernels::exponential(draws({purpose, k}));
    };
    const double rate = gamma(Purpose::purchase_rate, pareto_truth[0]) / pareto_truth[1] / 7;
    const double life = exponential(Purpose::life, 0) * 7 * pareto_truth[3] / gamma(Purpose::dropout, pareto_truth[2]);
    const int observed = shortest + static_cast<int>(draws({Purpose::acquisition}).x % range);
    PurchaseHistory history;
    history.T = observed / 7.0;
    int last = 0;
    double time = 0;
    for (std::uint32_t k = 0; k < 0xFFFF; ++k) {
      time += exponential(Purpose::purchase_gap, k) / rate;
      if (!(time < observed && time < life)) break;
      const int day = static_cast<int>(time) + 1;
      if (day == last) continue;
      last = day;
      ++history.x;
      history.t_x = day / 7.0;
    }
    log.purchases.push_back(history);
    add_donor(i, log.donors);
    add_contract(i, log.tenures);
    if (history.x == 0) continue;
    const double nu = gamma(Purpose::spend_rate, spend_truth.q) / spend_truth.gamma;
    const double total = gamma(Purpose::spend_total, spend_truth.p * history.x) / nu;
    const double amount = std::round(100 * total / history.x) / 100 + 0.01;
    // Of a customer's amounts the mean is known, and logarithms that have it in the middle.
    log.spend.push_back({history.x, amount, 1, portable_log(amount), 0.2 * (history.x - 1)});
  }
  return log;
}

std::shared_ptr<const Log> log_of(int n_customers) { return std::make_shared<const Log>(drawn_log(n_customers)); }

std::string digest_of(const LikelihoodFit& fit) {
  Hasher hasher;
  hasher.update(fit.parameters.data(), fit.parameters.size() * sizeof(double));
  hasher.update(&fit.log_likelihood, sizeof fit.log_likelihood);
  return to_hex(hasher.digest());
}

// A fit that is no maximum throws; this one is checked against what its customers were drawn from.
void check_truth(const BenchCase& result, const LikelihoodFit& fit, const std::vector<double>& truth) {
  constexpr double most_errors = 5;  // and what merging purchases by day takes away
  for (std::size_t i = 0; i < truth.size(); ++i)
    if (std::abs(fit.parameters[i] - truth[i]) > most_errors * fit.standard_errors[i] + 0.05 * truth[i])
      throw ModelError(fmt::format("{}: {} = {} was drawn with {}; please report it", result.name, fit.names[i],
                                   fit.parameters[i], truth[i]));
}

template <class Fit>
PlannedCase fit_case(std::string name, int n_customers, const std::vector<double>& truth, const Fit& fit) {
  PlannedCase planned;
  planned.suite = n_customers == retail_log ? BenchSuite::standard : BenchSuite::scaling;
  planned.result.name = std::move(name);
  planned.result.unit = "customers";
  planned.result.work = n_customers;
  planned.prepare = [n_customers, truth, fit](BenchCase& result) {
    const auto log = log_of(n_customers);
    const LikelihoodFit found = fit(*log);
    check_truth(result, found, truth);
    result.digest = digest_of(found);
    return [log, fit] { static_cast<void>(fit(*log)); };
  };
  return planned;
}

// Functions that a history's likelihood takes at the least.
struct FunctionCount {
  double exps, logs;
};

// `likelihood(log, gradient)` of as many histories.
template <class Likelihood>
PlannedCase likelihood_case(std::string name, double n_histories, std::size_t n_parameters, FunctionCount count,
                            const Likelihood& likelihood) {
  constexpr int calls = 10;
  const kernels::LaneKernels& lanes = *kernels::lane_kernels().front();
  PlannedCase planned;
  planned.suite = BenchSuite::standard;
  planned.result.name = std::move(name);
  planned.result.unit = "histories";
  planned.result.work = n_histories * calls;
  planned.result.limit = {{function_ceiling("log", lanes), count.logs * planned.result.work}};
  if (count.exps > 0)
    planned.result.limit.push_back({function_ceiling("exp", lanes), count.exps * planned.result.work});
  planned.prepare = [n_parameters, likelihood](BenchCase& result) {
    const auto log = log_of(retail_log);
    std::vector<double> gradient(n_parameters);
    const double value = likelihood(*log, gradient);
    Hasher hasher;
    hasher.update(&value, sizeof value);
    hasher.update(gradient.data(), gradient.size() * sizeof(double));
    result.digest = to_hex(hasher.digest());
    return [log, likelihood, gradient]() mutable {
      for (int i = 0; i < calls; ++i) static_cast<void>(likelihood(*log, gradient));
    };
  };
  return planned;
}

}  // namespace

void add_fit_cases(PlannedCases& cases) {
  for (const int n : {retail_log, large_log}) {
    const std::string suffix = n == retail_log ? "" : "_1m";
    for (const char* name : {"pareto_nbd", "bg_nbd", "mbg_nbd"}) {
      // The log is no BG/NBD's: its own parameters are those of its maximum.
      const std::vector<double> truth = std::string(name) == "pareto_nbd" ? pareto_truth : std::vector<double>{};
      cases.push_back(fit_case(fmt::format("fit_{}{}", name, suffix), n, truth, [name](const Log& log) {
        return fit_purchase_model(*make_purchase_model(name), log.purchases);
      }));
    }
    for (const char* name : {"bg_cnbd_k", "mbg_cnbd_k"})  // at one k; the log's customers buy at random
      cases.push_back(fit_case(fmt::format("fit_{}{}", name, suffix), n, {}, [name](const Log& log) {
        return fit_purchase_model(*make_purchase_model(name, 2), log.purchases);
      }));
    cases.push_back(fit_case(fmt::format("fit_bg_bb{}", suffix), n, donor_truth, [](const Log& log) {
      return fit_purchase_model(*make_purchase_model("bg_bb"), log.donors);
    }));
    cases.push_back(fit_case(fmt::format("fit_gamma_gamma{}", suffix), n,
                             {spend_truth.p, spend_truth.q, spend_truth.gamma},
                             [](const Log& log) { return fit_gamma_gamma(log.spend); }));
    cases.push_back(fit_case(fmt::format("fit_log_normal{}", suffix), n, {},
                             [](const Log& log) { return fit_log_normal(log.spend); }));
    for (const char* name : {"sbg", "bdw"})
      cases.push_back(
          fit_case(fmt::format("fit_{}{}", name, suffix), n,
                   std::string(name) == "sbg" ? contract_truth : std::vector<double>{0.7, 3.8, 1},
                   [name](const Log& log) { return fit_contract_model(*make_contract_model(name), log.tenures); }));
  }
  const auto likelihood = [&](const char* name, std::vector<double> at, FunctionCount count) {
    cases.push_back(likelihood_case(fmt::format("likelihood_{}", name), retail_log, 4, count,
                                    [name, at](const Log& log, std::span<double> gradient) {
                                      return make_purchase_model(name)->log_likelihood(at, log.purchases, gradient);
                                    }));
  };
  // 12 nodes of two exponentials and a logarithm; range, ends, sum and both times.
  likelihood("pareto_nbd", pareto_truth, {26, 20});
  // Two times, two terms and their sum.
  likelihood("bg_nbd", {0.25, 4.5, 0.8, 2.5}, {2, 3});
}

}  // namespace clvsim
