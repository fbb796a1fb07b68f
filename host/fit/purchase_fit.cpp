#include "host/fit/fit.hpp"
#include "host/fit/likelihood.hpp"
#include "host/math/special.hpp"
#include "host/model/covariate_models.hpp"

#include <clvsim/error.hpp>
#include <clvsim/purchase_models.hpp>

#include <fmt/format.h>

#include <cmath>
#include <tuple>

namespace clvsim {
namespace {

std::tuple<std::uint32_t, std::int32_t, double, double> times_of(const PurchaseHistory& h) {
  return {h.covariates, h.x, h.t_x, h.T};
}

// The histories ascending and merged, without log_gaps, whose share of the log-likelihood does not depend on the
// parameters: returned as `constant`.
std::vector<PurchaseHistory> merge(const PurchaseModel& model, std::span<const PurchaseHistory> histories,
                                   double& constant) {
  auto sorted = merge_equal(
      histories, [](const PurchaseHistory& h) { return std::tuple(h.covariates, h.x, h.t_x, h.T, h.log_gaps); });
  CompensatedSum sum;
  for (PurchaseHistory& h : sorted) {
    sum.add((model.regularity() - 1) * h.weight * h.log_gaps);
    h.log_gaps = 0;
  }
  constant = sum.value();
  return merge_equal(std::span<const PurchaseHistory>(sorted), times_of);
}

// Measures times in a unit near their mean. The likelihood is a density by the times of the purchases: it has the
// dimension time^-(k x).
void use_own_unit(const PurchaseModel& model, std::vector<PurchaseHistory>& histories, LikelihoodProblem& problem) {
  double mean_time = 0, n_phases = 0;
  for (const PurchaseHistory& h : histories) {
    mean_time += h.weight / problem.n_customers * h.T;
    n_phases += h.weight * model.regularity() * h.x;
  }
  const double unit = unit_near(mean_time);
  problem.unit.assign(model.n_parameters(), 1);
  bool has_times = false;
  for (std::size_t i = 0; i < problem.unit.size(); ++i) {
    if (!model.is_time(i)) continue;
    problem.unit[i] = unit;
    has_times = true;
  }
  if (!has_times) return;  // opportunities, which are counted
  for (PurchaseHistory& h : histories) {
    h.t_x /= unit;
    h.T /= unit;
  }
  problem.constant -= n_phases * portable_log(unit);
}

// Without drop-out the likelihood rises to the end of the range of what describes it, or is flat there.
std::string explain(const PurchaseModel& model, std::span<const PurchaseHistory> histories,
                    std::span<const double> parameters) {
  constexpr double too_few = 0.01;  // of the customers, to say how they differ
  double left = 0, n_customers = 0;
  for (const PurchaseHistory& h : histories) {
    left += h.weight * (1 - model.p_alive(parameters, h));
    n_customers += h.weight;
  }
  if (!(left < too_few * n_customers)) return {};
  return fmt::format(
      "by these values {:.2g} of {} customers have left: the log shows no drop-out, or too little to fit {}; fit a log "
      "that goes on for longer after the first purchases, or take every customer for alive",
      left, n_customers, model.dropout());
}

// `n_own`: parameters that are no effects of covariates.
LikelihoodFit fit(const PurchaseModel& model, std::size_t n_own, std::span<const PurchaseHistory> histories,
                  const LikelihoodFitOptions& options) {
  check(options);
  for (std::size_t i = 0; i < histories.size(); ++i) {
    std::string fault = model.fault_of(histories[i]);
    if (fault.empty() && !(histories[i].weight > 0 && std::isfinite(histories[i].weight)))
      fault = fmt::format("has the weight {}; give a finite number of customers above 0", histories[i].weight);
    if (!fault.empty()) throw DataError(fmt::format("history no. {} {}", i + 1, fault));
  }
  LikelihoodProblem problem;
  auto all = merge(model, histories, problem.constant);
  if (options.bootstrap.n_draws > 0) note_rows(histories, all, times_of, problem);
  double n_repeat = 0;
  for (const PurchaseHistory& h : all) {
    problem.n_customers += h.weight;
    n_repeat += h.weight * h.x;
  }
  if (problem.n_customers < static_cast<double>(min_customers))
    throw DataError(fmt::format("{} customers are too few to fit {}; give at least {}", problem.n_customers,
                                model.name(), min_customers));
  if (n_repeat == 0)
    throw DataError(
        fmt::format("no customer has bought again, so that {} cannot be fitted; give a longer log", model.name()));
  use_own_unit(model, all, problem);
  const auto some = thin_out(all, options.subsample);

  problem.model = model.name();
  problem.names = model.parameter_names();
  problem.start = model.start(all);
  problem.n_spread = n_own;
  const auto likelihood = [&](std::span<const double> p, const std::vector<PurchaseHistory>& rows,
                              std::span<double> gradient) { return model.log_likelihood(p, rows, gradient); };
  set_likelihood(some, all, likelihood, problem);
  problem.explain = [&](std::span<const double> p) {
    const std::string why = explain(model, all, p);
    return !why.empty() || n_own == model.n_parameters() ? why : std::string(covariates_unclear);
  };
  return fit_likelihood(problem, options);
}

}  // namespace

LikelihoodFit fit_purchase_model(const PurchaseModel& model, std::span<const PurchaseHistory> histories,
                                 const LikelihoodFitOptions& options) {
  return fit(model, model.n_parameters(), histories, options);
}

LikelihoodFit fit_purchase_model(const PurchaseModel& model, const CovariateTable& covariates,
                                 std::span<const PurchaseHistory> histories, const LikelihoodFitOptions& options) {
  if (covariates.covariates.empty()) return fit_purchase_model(model, histories, options);
  check_rows(covariates, histories);
  return fit(CovariatePurchases(model, covariates), model.n_parameters(), histories, options);
}

}  // namespace clvsim
