#include "host/fit/fit.hpp"
#include "host/fit/likelihood.hpp"
#include "host/math/special.hpp"

#include <clvsim/error.hpp>
#include <clvsim/purchase_models.hpp>

#include <fmt/format.h>

#include <tuple>

namespace clvsim {
namespace {

// The histories ascending and merged, without log_gaps, whose share of the log-likelihood does not depend on the
// parameters: returned as `constant`.
std::vector<PurchaseHistory> merge(const PurchaseModel& model, std::span<const PurchaseHistory> histories,
                                   double& constant) {
  auto sorted =
      merge_equal(histories, [](const PurchaseHistory& h) { return std::tuple(h.x, h.t_x, h.T, h.log_gaps); });
  CompensatedSum sum;
  for (PurchaseHistory& h : sorted) {
    sum.add((model.regularity() - 1) * h.weight * h.log_gaps);
    h.log_gaps = 0;
  }
  constant = sum.value();
  return merge_equal(std::span<const PurchaseHistory>(sorted),
                     [](const PurchaseHistory& h) { return std::tuple(h.x, h.t_x, h.T); });
}

}  // namespace

LikelihoodFit fit_purchase_model(const PurchaseModel& model, std::span<const PurchaseHistory> histories,
                                 const LikelihoodFitOptions& options) {
  for (std::size_t i = 0; i < histories.size(); ++i) {
    std::string fault = fault_of(histories[i]);
    if (fault.empty() && !(histories[i].weight > 0)) fault = fmt::format("has the weight {}", histories[i].weight);
    if (!fault.empty()) throw DataError(fmt::format("history no. {} {}", i + 1, fault));
  }
  LikelihoodProblem problem;
  const auto all = merge(model, histories, problem.constant);
  const auto some = thin_out(all, options.subsample);
  problem.model = model.name();
  problem.names = model.parameter_names();
  problem.start = model.start(all);
  problem.some = [&](std::span<const double> p, std::span<double> g) { return model.log_likelihood(p, some, g); };
  problem.all = [&](std::span<const double> p, std::span<double> g) { return model.log_likelihood(p, all, g); };
  problem.some_is_all = some.size() == all.size();
  problem.n_unique = static_cast<std::int64_t>(all.size());
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
  return fit_likelihood(problem, options);
}

}  // namespace clvsim
