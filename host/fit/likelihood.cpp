#include "host/fit/likelihood.hpp"

#include "host/math/special.hpp"
#include "kernels/backend/workers.hpp"
#include "kernels/math/gamma_draws.hpp"
#include "kernels/rng/address.hpp"

#include <clvsim/error.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <thread>

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

// What the rows weigh in a draw. A customer's weight is a draw of a parameter of the world that only it has.
std::vector<double> weights_of(const LikelihoodProblem& problem, const Bootstrap& wanted, std::uint32_t d) {
  std::vector<double> weights(static_cast<std::size_t>(problem.n_unique), 0);
  CompensatedSum sum;
  std::uint32_t n_exhausted = 0;
  for (std::size_t i = 0; i < problem.row_of.size(); ++i) {
    const kernels::PathDraws draws{wanted.seed, wanted.customers.empty() ? i : wanted.customers[i], d};
    const kernels::DrawIndex index{kernels::Purpose::parameter};
    const double weight = problem.weight_of[i] == 1
                              ? kernels::exponential(draws(index))
                              : portable_exp(kernels::LogGammaSampler(problem.weight_of[i])(draws, index, n_exhausted));
    weights[problem.row_of[i]] += weight;
    sum.add(weight);
  }
  const double scale = problem.n_customers / sum.value();
  for (double& weight : weights) weight *= scale;
  return weights;
}

// The maxima of the draws, each polished from the estimates.
void add_draws(const LikelihoodProblem& problem, const Maximum& best, const Bootstrap& wanted, LikelihoodFit& fit) {
  constexpr MaximiseOptions coarse{.decrement = 1e-6};  // a thousandth of a standard error
  const std::size_t n = best.at.size();
  fit.draws.resize(wanted.n_draws * n);
  std::vector<Maximum> uncertified(wanted.n_draws);
  const std::size_t n_threads =
      wanted.threads > 0 ? static_cast<std::size_t>(wanted.threads) : std::max(1U, std::thread::hardware_concurrency());
  kernels::for_groups(wanted.n_draws, 1, n_threads, [&](std::size_t, std::size_t d, std::size_t) {
    const LogLikelihood likelihood = problem.weighted(weights_of(problem, wanted, static_cast<std::uint32_t>(d)));
    Maximum found = polish(by_logarithms(likelihood), best, coarse);
    if (!found.certified) found = maximise(by_logarithms(likelihood), best.at, coarse);
    for (std::size_t i = 0; i < n; ++i) fit.draws[d * n + i] = parameter_of(problem, found, i);
    if (!found.certified) uncertified[d] = std::move(found);
  });
  // A limit of the model, on the way to which the likelihood rises no more, is a draw as any other, as long as most
  // of them are none.
  constexpr std::uint32_t most_limiting = 10;  // one of so many
  constexpr double most_rise = 1e-3;
  std::uint32_t n_failed = 0, n_limiting = 0;
  const Maximum* first = nullptr;
  for (const Maximum& found : uncertified) {
    if (found.at.empty()) continue;
    (found.at_bound >= 0 || std::abs(found.decrement) < most_rise ? n_limiting : n_failed) += 1;
    if (first == nullptr) first = &found;
  }
  if (n_failed > 0 || n_limiting > wanted.n_draws / most_limiting)
    throw ModelError(fmt::format("{} of the {} fits of the bootstrap of {} found no maximum, the first at {}; {}",
                                 n_failed + n_limiting, wanted.n_draws, problem.model, values_of(problem, *first),
                                 remedy(problem, best)));
  fit.n_limiting_draws = static_cast<int>(n_limiting);
}

}  // namespace

std::vector<double> LikelihoodFit::draw_deviations() const {
  const std::size_t n = parameters.size(), count = n_draws();
  std::vector<double> deviations(n, 0);
  for (std::size_t i = 0; i < n; ++i) {
    double mean = 0;
    for (std::size_t d = 0; d < count; ++d) mean += draws[d * n + i] / static_cast<double>(count);
    for (std::size_t d = 0; d < count; ++d) deviations[i] += (draws[d * n + i] - mean) * (draws[d * n + i] - mean);
    deviations[i] = std::sqrt(deviations[i] / static_cast<double>(count > 1 ? count - 1 : 1));
  }
  return deviations;
}

LikelihoodFit::Correlated LikelihoodFit::most_correlated() const {
  Correlated most;
  const std::size_t n = parameters.size();
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = i + 1; j < n; ++j) {
      const double correlation =
          log_covariance[i * n + j] / std::sqrt(log_covariance[i * n + i] * log_covariance[j * n + j]);
      if (std::abs(correlation) > std::abs(most.correlation)) most = {i, j, correlation};
    }
  return most;
}

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
  constexpr std::uint32_t most_draws = 4096;
  if (options.bootstrap.n_draws > most_draws)
    throw ConfigError(
        fmt::format("{} draws of a bootstrap are more than the {} that a model's file may have; give fewer",
                    options.bootstrap.n_draws, most_draws));
}

LikelihoodFit fit_likelihood(const LikelihoodProblem& problem, const LikelihoodFitOptions& options) {
  if (const std::size_t n = options.bootstrap.customers.size();
      options.bootstrap.n_draws > 0 && n != 0 && n != problem.row_of.size())
    throw ConfigError(fmt::format("a bootstrap with hashes of {} customers for {} histories; give one each, or none", n,
                                  problem.row_of.size()));
  const std::size_t n = problem.start.size();
  LikelihoodFit fit;
  fit.n_starts = options.n_starts;
  Maximum best;
  std::vector<double> certified_ends;
  for (int k = 0; k < fit.n_starts; ++k) {
    std::vector<double> from(n);
    for (std::size_t i = 0; i < n; ++i)
      from[i] = portable_log(problem.start[i] *
                             (k == 0 || i >= problem.n_spread ? 1 : spread[static_cast<std::size_t>(k) - 1][i]));
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
  if (options.bootstrap.n_draws > 0) add_draws(problem, best, options.bootstrap, fit);
  return fit;
}

}  // namespace clvsim
