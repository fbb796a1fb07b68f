#include "host/fit/fit.hpp"
#include "host/fit/likelihood.hpp"

#include <clvsim/error.hpp>
#include <clvsim/purchase_models.hpp>

#include <fmt/format.h>

#include <tuple>

namespace clvsim {

LikelihoodFit fit_purchase_model(const PurchaseModel& model, std::span<const PurchaseHistory> histories,
                                 const LikelihoodFitOptions& options) {
  for (std::size_t i = 0; i < histories.size(); ++i) {
    std::string fault = fault_of(histories[i]);
    if (fault.empty() && !(histories[i].weight > 0)) fault = fmt::format("has the weight {}", histories[i].weight);
    if (!fault.empty()) throw DataError(fmt::format("history no. {} {}", i + 1, fault));
  }
  const auto all =
      merge_equal(histories, [](const PurchaseHistory& h) { return std::tuple(h.x, h.t_x, h.T, h.log_gaps); });
  const auto some = thin_out(all, options.subsample);

  LikelihoodProblem problem;
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
