#include "host/fit/likelihood.hpp"

#include "host/math/special.hpp"

#include <clvsim/error.hpp>

#include <fmt/format.h>

#include <array>
#include <cmath>

namespace clvsim {
namespace {

// Factors of the parameters of the starts after the first: spread, and the same in every run.
constexpr std::array<std::array<double, 4>, 6> spread{
    {{2, 2, 2, 2}, {0.5, 0.5, 0.5, 0.5}, {2, 4, 0.4, 0.3}, {0.4, 0.3, 2, 4}, {1, 1, 4, 8}, {3, 1, 1, 0.3}}};

double parameter_of(const LikelihoodProblem& problem, const Maximum& found, std::size_t i) {
  return portable_exp(found.at[i]) * problem.unit[i];
}

std::string values_of(const LikelihoodProblem& problem, const Maximum& found) {
  std::string values;
  for (std::size_t i = 0; i < found.at.size(); ++i)
    values += fmt::format("{}{} = {:.6g}", i == 0 ? "" : ", ", problem.names[i], parameter_of(problem, found, i));
  return values;
}

std::vector<double> exponentials(std::span<const double> at) {
  std::vector<double> parameters(at.size());
  for (std::size_t i = 0; i < at.size(); ++i) parameters[i] = portable_exp(at[i]);
  return parameters;
}

std::string remedy(const LikelihoodProblem& problem, const Maximum& found) {
  std::string explanation = problem.explain ? problem.explain(exponentials(found.at)) : "";
  if (!explanation.empty()) return explanation;
  return "the data do not tell the model's parameters apart; fit a longer log or more customers, or another model";
}

[[noreturn]] void refuse(const LikelihoodProblem& problem, const Maximum& found) {
  if (found.at_bound >= 0)
    throw ModelError(fmt::format(
        "{} has no maximum of its likelihood on these data: {} runs to the end of its range ({}); {}", problem.model,
        problem.names[static_cast<std::size_t>(found.at_bound)], values_of(problem, found), remedy(problem, found)));
  throw ModelError(fmt::format(
      "the fit of {} did not converge: at {} the log-likelihood {:.6f} could still rise by {:.3g}, and the smallest "
      "eigenvalue of the information is {:.3g}; {}",
      problem.model, values_of(problem, found), found.value, found.decrement, found.smallest_eigenvalue,
      remedy(problem, found)));
}

[[noreturn]] void refuse_unknown(const LikelihoodProblem& problem, const Maximum& found, std::size_t i, double error) {
  throw ModelError(
      fmt::format("{} is flat at the maximum of its likelihood ({}): the standard error of ln({}) is {:.3g}; {}",
                  problem.model, values_of(problem, found), problem.names[i], error, remedy(problem, found)));
}

Objective by_logarithms(const LogLikelihood& likelihood) {
  return [&likelihood](std::span<const double> at, std::span<double> gradient) {
    return likelihood(exponentials(at), gradient);
  };
}

}  // namespace

double unit_near(double typical) {
  int exponent = 0;
  (void)std::frexp(typical, &exponent);
  return std::ldexp(1.0, exponent);
}

void check(const LikelihoodFitOptions& options) {
  constexpr int most_starts = static_cast<int>(spread.size()) + 1;
  if (options.n_starts < 1 || options.n_starts > most_starts)
    throw ConfigError(fmt::format("a fit from {} starts; give 1 to {}", options.n_starts, most_starts));
  if (options.subsample < 1)
    throw ConfigError(
        fmt::format("a fit that tries its starts on {} histories; give a subsample of 1 or more", options.subsample));
}

LikelihoodFit fit_likelihood(const LikelihoodProblem& problem, const LikelihoodFitOptions& options) {
  const std::size_t n = problem.start.size();
  LikelihoodFit fit;
  fit.n_starts = options.n_starts;
  Maximum best;
  std::vector<double> certified_ends;
  for (int k = 0; k < fit.n_starts; ++k) {
    std::vector<double> from(n);
    for (std::size_t i = 0; i < n; ++i)
      from[i] = portable_log(problem.start[i] * (k == 0 ? 1 : spread[static_cast<std::size_t>(k) - 1][i]));
    Maximum found = maximise(by_logarithms(problem.some), from);
    if (found.certified) certified_ends.push_back(found.value);
    if (k == 0 || std::isnan(best.value) || found.value > best.value) best = std::move(found);
  }
  constexpr double same = 1e-4;
  for (const double value : certified_ends) fit.n_agreeing += value > best.value - same ? 1 : 0;
  if (!problem.some_is_all) {
    Maximum polished = polish(by_logarithms(problem.all), best);
    if (!polished.certified) {  // the subsample was too thin: from the start, on everything
      std::vector<double> from(n);
      for (std::size_t i = 0; i < n; ++i) from[i] = portable_log(problem.start[i]);
      polished = maximise(by_logarithms(problem.all), from);
    }
    best = std::move(polished);
  }
  if (!best.certified) refuse(problem, best);

  fit.model = problem.model;
  fit.n_customers = problem.n_customers;
  fit.n_unique = problem.n_unique;
  fit.n_evaluations = best.n_evaluations;
  fit.log_likelihood = best.value + problem.constant;
  fit.aic = 2 * static_cast<double>(n) - 2 * fit.log_likelihood;
  fit.bic = static_cast<double>(n) * portable_log(problem.n_customers) - 2 * fit.log_likelihood;
  fit.remaining = best.decrement;
  fit.condition = best.largest_eigenvalue / best.smallest_eigenvalue;
  SmallMatrix lower;
  if (!cholesky(best.information, lower)) refuse(problem, best);
  const SmallMatrix covariance = inverse_of(lower);
  // A standard error of 10 is a factor of e^10 either way: the data do not say what the parameter is.
  constexpr double most_log_error = 10;
  for (std::size_t i = 0; i < n; ++i)
    if (covariance(i, i) > most_log_error * most_log_error)
      refuse_unknown(problem, best, i, std::sqrt(covariance(i, i)));
  fit.log_covariance = covariance.value;
  double squares = 0;
  for (std::size_t i = 0; i < n; ++i) {
    fit.names.emplace_back(problem.names[i]);
    fit.parameters.push_back(parameter_of(problem, best, i));
    fit.standard_errors.push_back(fit.parameters[i] * std::sqrt(covariance(i, i)));
    squares += best.gradient[i] * best.gradient[i];
  }
  fit.gradient_norm = std::sqrt(squares);
  return fit;
}

}  // namespace clvsim
