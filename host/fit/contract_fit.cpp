#include "host/fit/fit.hpp"
#include "host/fit/likelihood.hpp"
#include "host/model/covariate_models.hpp"

#include <clvsim/contract_models.hpp>
#include <clvsim/error.hpp>

#include <fmt/format.h>

#include <cmath>
#include <tuple>

namespace clvsim {

namespace {

// `n_own`: parameters that are no effects of covariates.
LikelihoodFit fit(const ContractModel& model, std::size_t n_own, std::span<const Tenure> tenures,
                  const LikelihoodFitOptions& options) {
  check(options);
  bool churned = false;
  for (std::size_t i = 0; i < tenures.size(); ++i) {
    const Tenure& tenure = tenures[i];
    if (tenure.renewals < (tenure.churned ? 1 : 0) || tenure.entered < 0 ||
        tenure.entered > tenure.renewals - (tenure.churned ? 1 : 0))
      throw DataError(
          fmt::format("tenure no. {} entered after {} renewals and {} {}; a contract churns at opportunity 1 or later, "
                      "and enters before",
                      i + 1, tenure.entered, tenure.churned ? "churned at opportunity" : "has made", tenure.renewals));
    if (!(tenure.weight > 0 && std::isfinite(tenure.weight)))
      throw DataError(fmt::format("tenure no. {} has the weight {}; give a finite number of contracts above 0", i + 1,
                                  tenure.weight));
    churned = churned || tenure.churned;
  }
  const auto key = [](const Tenure& t) { return std::tuple(t.covariates, t.renewals, t.churned, t.entered); };
  const auto all = merge_equal(tenures, key);
  LikelihoodProblem problem;
  problem.model = model.name();
  problem.names = model.parameter_names();
  problem.start.assign(problem.names.size(), 1);
  problem.unit.assign(problem.names.size(), 1);
  problem.n_spread = n_own;
  if (options.bootstrap.n_draws > 0) note_rows(tenures, all, key, problem);
  const auto likelihood = [&](std::span<const double> p, const std::vector<Tenure>& rows, std::span<double> gradient) {
    return model.log_likelihood(p, rows, gradient);
  };
  set_likelihood(all, all, likelihood, problem);
  for (const Tenure& tenure : all) problem.n_customers += tenure.weight;
  if (problem.n_customers < static_cast<double>(min_customers))
    throw DataError(fmt::format("{} contracts are too few to fit {}; give at least {}", problem.n_customers,
                                model.name(), min_customers));
  if (!churned)
    throw DataError(
        fmt::format("no contract has churned, so that {} cannot be fitted; give a longer log", model.name()));
  if (n_own < model.parameter_names().size())
    problem.explain = [](std::span<const double>) { return std::string(covariates_unclear); };
  return fit_likelihood(problem, options);
}

}  // namespace

LikelihoodFit fit_contract_model(const ContractModel& model, std::span<const Tenure> tenures,
                                 const LikelihoodFitOptions& options) {
  return fit(model, model.parameter_names().size(), tenures, options);
}

LikelihoodFit fit_contract_model(const ContractModel& model, const CovariateTable& covariates,
                                 std::span<const Tenure> tenures, const LikelihoodFitOptions& options) {
  if (covariates.covariates.empty()) return fit_contract_model(model, tenures, options);
  check_rows(covariates, tenures);
  return fit(CovariateContracts(model, covariates), model.parameter_names().size(), tenures, options);
}

}  // namespace clvsim
