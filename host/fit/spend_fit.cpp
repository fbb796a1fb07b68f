#include "host/fit/fit.hpp"
#include "host/fit/likelihood.hpp"
#include "host/math/special.hpp"

#include <clvsim/error.hpp>
#include <clvsim/gamma_gamma.hpp>
#include <clvsim/log_normal.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <tuple>

namespace clvsim {

namespace {

void check_histories(std::span<const SpendHistory> histories) {
  for (std::size_t i = 0; i < histories.size(); ++i) {
    const SpendHistory& h = histories[i];
    if (h.x < 1 || !(h.mean > 0) || !std::isfinite(h.mean))
      throw DataError(fmt::format(
          "spend history no. {} has {} purchases of mean {}; leave customers without a positive purchase out, and "
          "refunds and free orders out of the mean",
          i + 1, h.x, h.mean));
    if (!std::isfinite(h.log_mean) || !(h.log_squares >= 0) || !std::isfinite(h.log_squares))
      throw DataError(fmt::format(
          "spend history no. {} has logarithms of mean {} and squared deviations {}; give those of its amounts", i + 1,
          h.log_mean, h.log_squares));
    if (!(h.weight > 0 && std::isfinite(h.weight)))
      throw DataError(fmt::format("spend history no. {} has the weight {}; give a finite number of customers above 0",
                                  i + 1, h.weight));
  }
}

// Adds the customers up; throws DataError where they are too few, or none has two purchases.
void check_number(std::span<const SpendHistory> all, LikelihoodProblem& problem) {
  bool repeats = false;
  for (const SpendHistory& h : all) {
    problem.n_customers += h.weight;
    repeats = repeats || h.x > 1;
  }
  if (problem.n_customers < static_cast<double>(min_customers))
    throw DataError(fmt::format("{} customers with spend are too few to fit {}; give at least {}", problem.n_customers,
                                problem.model, min_customers));
  if (!repeats)
    throw DataError(
        "no customer has two purchases, so that spend within and between customers cannot be told apart; give a longer "
        "log");
}

constexpr std::string_view infinite_mean =
    "at q <= 1 the mean spend of new customers is infinite; a few very large amounts dominate: check them, model such "
    "customers apart, or use log-normal spend (--spend log_normal)";

}  // namespace

LikelihoodFit fit_gamma_gamma(std::span<const SpendHistory> histories, const LikelihoodFitOptions& options) {
  check(options);
  check_histories(histories);
  const auto key = [](const SpendHistory& h) { return std::tuple(h.x, h.mean); };
  auto all = merge_equal(histories, key);
  LikelihoodProblem problem;
  if (options.bootstrap.n_draws > 0) note_rows(histories, all, key, problem);
  problem.model = "gamma_gamma";
  check_number(all, problem);
  double purchases = 0;
  for (const SpendHistory& h : all) purchases += h.weight * h.x;
  double spend = 0, log_spend = 0;  // of a purchase, means
  for (const SpendHistory& h : all) {
    spend += h.weight * h.x / purchases * h.mean;
    log_spend += h.weight * h.x / purchases * portable_log(h.mean);
  }
  // The mean may be that of a few very large amounts, and gamma, in it, beyond the range of the search.
  const double typical = portable_exp(log_spend);
  constexpr double most_typical = 100;
  // The likelihood is a density by each customer's mean amount.
  const double unit = unit_near(typical);
  for (SpendHistory& h : all) h.mean /= unit;
  problem.unit = {1, 1, unit};
  problem.constant = -problem.n_customers * portable_log(unit);
  // The mean spend is p gamma / (q - 1).
  problem.start = {4, 4, 3.0 / 4 * std::min(spend, most_typical * typical) / unit};
  const auto some = thin_out(all, options.subsample);
  static constexpr std::array<std::string_view, 3> names{"p", "q", "gamma"};
  problem.names = names;
  const auto likelihood = [](std::span<const double> p, const std::vector<SpendHistory>& rows,
                             std::span<double> gradient) {
    return GammaGamma{p[0], p[1], p[2]}.log_likelihood(rows, gradient);
  };
  set_likelihood(some, all, likelihood, problem);
  problem.explain = [](std::span<const double> p) { return p[1] <= 1 ? std::string(infinite_mean) : std::string(); };
  LikelihoodFit fit = fit_likelihood(problem, options);
  if (fit.parameters[1] <= 1)
    throw ModelError(fmt::format("gamma_gamma gives q = {:.6g}: {}", fit.parameters[1], infinite_mean));
  for (std::size_t d = 0; d < fit.n_draws(); ++d)
    if (const double q = fit.draws[d * names.size() + 1]; q <= 1)
      throw ModelError(
          fmt::format("draw {} of the bootstrap of gamma_gamma has q = {:.6g}: at q <= 1 the mean spend of new "
                      "customers is infinite. q = {:.6g} is too uncertain for draws: fit more customers, or check the "
                      "largest amounts",
                      d, q, fit.parameters[1]));
  return fit;
}

LikelihoodFit fit_log_normal(std::span<const SpendHistory> histories, const LikelihoodFitOptions& options) {
  check(options);
  check_histories(histories);
  const auto key = [](const SpendHistory& h) { return std::tuple(h.x, h.log_mean, h.log_squares); };
  const auto all = merge_equal(histories, key);
  LikelihoodProblem problem;
  problem.model = "log_normal";
  if (options.bootstrap.n_draws > 0) note_rows(histories, all, key, problem);
  check_number(all, problem);
  double log_mean = 0, squares = 0, purchases = 0;
  for (const SpendHistory& h : all) purchases += h.weight * h.x;
  for (const SpendHistory& h : all) log_mean += h.weight * h.x / purchases * h.log_mean;
  for (const SpendHistory& h : all) {
    const double away = h.log_mean - log_mean;
    squares += h.weight / purchases * (h.log_squares + h.x * away * away);
  }
  // The search measures amounts in their geometric mean.
  const double unit = portable_exp(log_mean), sd = std::sqrt(std::max(0.5 * squares, 1e-12));
  problem.unit = {unit, 1, 1};
  problem.start = {1, sd, sd};
  const auto some = thin_out(all, options.subsample);
  static constexpr std::array<std::string_view, 3> names{"median", "between_sd", "within_sd"};
  problem.names = names;
  const auto likelihood = [unit](std::span<const double> p, const std::vector<SpendHistory>& rows,
                                 std::span<double> gradient) {
    return LogNormalSpend{p[0] * unit, p[1], p[2]}.log_likelihood(rows, gradient);
  };
  set_likelihood(some, all, likelihood, problem);
  return fit_likelihood(problem, options);
}

}  // namespace clvsim
