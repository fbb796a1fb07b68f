#include "host/fit/logit.hpp"

#include "host/math/special.hpp"

#include <clvsim/error.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace clvsim {
namespace {

// ln(1 + e^x), without overflow.
double softplus(double x) { return std::max(x, 0.0) + portable_log1p(portable_exp(-std::abs(x))); }
double sigmoid(double x) {
  const double e = portable_exp(-std::abs(x));
  return (x >= 0 ? 1 : e) / (1 + e);
}

double dot(std::span<const double> a, std::span<const double> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

// The information of beta that is left when alpha is free (Schur complement), with the prior's on alpha or without.
SmallMatrix free_information(const LogitPoint& point, bool with_prior) {
  SmallMatrix left = point.beta_information;
  const std::size_t p = left.n;
  for (std::size_t g = 0; g < point.alpha_information.size(); ++g) {
    const double own = point.alpha_information[g] - (with_prior ? 0 : point.prior_information[g]);
    if (!(own > 0)) continue;  // a group without data
    for (std::size_t i = 0; i < p; ++i)
      for (std::size_t j = 0; j < p; ++j) left(i, j) -= point.cross[g * p + i] * point.cross[g * p + j] / own;
  }
  return left;
}

// Refuses information in which a covariate is a combination of the states and the covariates before it: pivots of the
// Cholesky factor are the share of its information that these leave. The prior, whose covariates are 0, does not count.
void require_distinct(const LogitData& data, const LogitPoint& point) {
  constexpr double least = 1e-7;  // of a covariate's own information: its error would be 3000 times as large
  const SmallMatrix left = free_information(point, false);
  const std::size_t p = left.n;
  SmallMatrix lower(p);
  for (std::size_t i = 0; i < p; ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      const double scale = std::sqrt(point.beta_information(i, i) * point.beta_information(j, j));
      double sum = scale > 0 ? left(i, j) / scale : 0;
      for (std::size_t k = 0; k < j; ++k) sum -= lower(i, k) * lower(j, k);
      if (i == j && !(sum > least))
        throw ModelError(fmt::format(
            "the log cannot tell the effect of '{}' from those of the states and the other covariates: it is in force "
            "when they are; leave it out, or them, or import a log in which they differ",
            data.covariates[i]));
      lower(i, j) = i == j ? std::sqrt(sum) : sum / lower(j, j);
    }
  }
}

double condition_of(const SmallMatrix& information) {
  if (information.n == 0) return 1;
  SmallMatrix scaled(information.n);
  for (std::size_t i = 0; i < scaled.n; ++i)
    for (std::size_t j = 0; j < scaled.n; ++j)
      scaled(i, j) = information(i, j) / std::sqrt(information(i, i) * information(j, j));
  const std::vector<double> spectrum = eigenvalues(scaled);
  return spectrum.back() / spectrum.front();
}

}  // namespace

LogitPoint logit_point(const LogitData& data, std::span<const double> alpha, std::span<const double> beta) {
  const std::size_t groups = data.n_groups(), settings = data.z.size(), p = data.n_effects();
  LogitPoint point;
  point.alpha_gradient.assign(groups, 0);
  point.beta_gradient.assign(p, 0);
  point.alpha_information.assign(groups, 0);
  point.prior_information.assign(groups, 0);
  point.cross.assign(groups * p, 0);
  point.beta_information = SmallMatrix(p);
  CompensatedSum likelihood, prior;
  std::vector<double> shift;
  for (const std::vector<double>& z : data.z) shift.push_back(dot(z, beta));
  for (std::size_t g = 0; g < groups; ++g) {
    const auto add = [&](double n, double buys, double log_odds, CompensatedSum& sum) {
      const double chance = sigmoid(log_odds);
      sum.add(buys * log_odds - n * softplus(log_odds));
      point.alpha_gradient[g] += buys - n * chance;
      const double weight = n * chance * sigmoid(-log_odds);
      point.alpha_information[g] += weight;
      return std::pair(buys - n * chance, weight);
    };
    add(data.prior_buys[g] + data.prior_quiet[g], data.prior_buys[g], alpha[g], prior);
    point.prior_information[g] = point.alpha_information[g];
    for (std::size_t m = 0; m < settings; ++m) {
      const double n = data.periods[g * settings + m];
      if (n == 0) continue;
      const auto [residual, weight] = add(n, data.buys[g * settings + m], alpha[g] + shift[m], likelihood);
      const std::vector<double>& z = data.z[m];
      for (std::size_t i = 0; i < p; ++i) {
        if (z[i] == 0) continue;
        point.beta_gradient[i] += z[i] * residual;
        point.cross[g * p + i] += z[i] * weight;
        for (std::size_t j = 0; j <= i; ++j) point.beta_information(i, j) += z[i] * z[j] * weight;
      }
    }
  }
  for (std::size_t i = 0; i < p; ++i)
    for (std::size_t j = 0; j < i; ++j) point.beta_information(j, i) = point.beta_information(i, j);
  point.log_likelihood = likelihood.value();
  point.value = point.log_likelihood + prior.value();
  return point;
}

LogitMaximum fit_logit(const LogitData& data) {
  constexpr int most_steps = 100;
  constexpr double longest = 3;  // of a coordinate
  const std::size_t groups = data.n_groups(), p = data.n_effects(), settings = data.z.size();
  LogitMaximum at;
  at.beta.assign(p, 0);
  for (std::size_t g = 0; g < groups; ++g) {
    double buys = data.prior_buys[g], periods = buys + data.prior_quiet[g];
    for (std::size_t m = 0; m < settings; ++m) {
      buys += data.buys[g * settings + m];
      periods += data.periods[g * settings + m];
    }
    at.alpha.push_back(portable_log(buys / (periods - buys)));
  }
  at.point = logit_point(data, at.alpha, at.beta);
  for (bool settled = false;; ++at.n_steps) {
    const LogitPoint& point = at.point;
    const SmallMatrix left = free_information(point, true);
    require_distinct(data, point);
    SmallMatrix lower;
    if (!cholesky(left, lower)) throw ModelError("the information of the covariates' effects is not positive definite");
    at.covariance = inverse_of(lower);
    // Newton's step: first of beta, alpha eliminated.
    std::vector<double> right = point.beta_gradient, beta_step(p, 0), alpha_step(groups);
    for (std::size_t g = 0; g < groups; ++g)
      for (std::size_t i = 0; i < p; ++i)
        right[i] -= point.cross[g * p + i] * point.alpha_gradient[g] / point.alpha_information[g];
    for (std::size_t i = 0; i < p; ++i)
      for (std::size_t j = 0; j < p; ++j) beta_step[i] += at.covariance(i, j) * right[j];
    for (std::size_t g = 0; g < groups; ++g)
      alpha_step[g] = (point.alpha_gradient[g] - dot({&point.cross[g * p], p}, beta_step)) / point.alpha_information[g];
    at.decrement = 0.5 * (dot(alpha_step, point.alpha_gradient) + dot(beta_step, point.beta_gradient));
    // One step more once it is small: its error is then the square of a small one.
    const bool small = at.decrement <= std::max(1e-10, 2e-14 * std::abs(point.value));
    if (std::exchange(settled, small) && small) {
      at.condition = condition_of(left);
      break;
    }
    if (at.n_steps == most_steps)
      throw ModelError(fmt::format("the effects of the covariates do not settle in {} steps; use fewer", most_steps));
    double size = 1;
    for (const auto* step : {&alpha_step, &beta_step})
      for (const double d : *step) size = std::min(size, longest / std::max(std::abs(d), 1e-300));
    for (int halved = 0;; ++halved, size /= 2) {
      std::vector<double> alpha = at.alpha, beta = at.beta;
      for (std::size_t g = 0; g < groups; ++g) alpha[g] += size * alpha_step[g];
      for (std::size_t i = 0; i < p; ++i) beta[i] += size * beta_step[i];
      LogitPoint next = logit_point(data, alpha, beta);
      if (!(next.value >= point.value - 1e-14 * std::abs(point.value))) {
        if (halved == 40)
          throw ModelError("the likelihood of the covariates' effects does not rise along its gradient");
        continue;
      }
      at.alpha = std::move(alpha);
      at.beta = std::move(beta);
      at.point = std::move(next);
      break;
    }
  }
  for (std::size_t g = 0; g < groups; ++g) {
    const std::span<const double> cross{&at.point.cross[g * p], p};
    double spread = 0;
    for (std::size_t i = 0; i < p; ++i)
      for (std::size_t j = 0; j < p; ++j) spread += cross[i] * at.covariance(i, j) * cross[j];
    const double own = at.point.alpha_information[g];
    at.alpha_variance.push_back(1 / own + spread / (own * own));
  }
  return at;
}

}  // namespace clvsim
