#include "host/fit/dirichlet.hpp"

#include "host/math/maximise.hpp"
#include "host/math/special.hpp"
#include "host/model/fault.hpp"

#include <algorithm>
#include <cmath>

namespace clvsim {
namespace {

constexpr const char* alike_note = "customers are alike";

using Above = std::vector<std::vector<std::int64_t>>;  // DirichletCounts::above

// Of the data, and of the prior where it is given.
double log_likelihood(const Above& counts, std::span<const double> a, std::span<const double> prior,
                      std::span<double> gradient) {
  const std::size_t n = counts.size() - 1;
  double all = 0, all_prior = 0;
  for (const double x : a) all += x;
  for (const double x : prior) all_prior += x;
  CompensatedSum sum;
  const auto add = [&](const std::vector<std::int64_t>& above, double at, double pseudo, double sign) {
    double slope = pseudo / at;
    sum.add(sign * pseudo * portable_log(at));
    for (std::size_t m = 0; m < above.size(); ++m) {
      const auto c = static_cast<double>(above[m]);
      sum.add(sign * c * portable_log(at + static_cast<double>(m)));
      slope += c / (at + static_cast<double>(m));
    }
    return sign * slope;
  };
  const double slope_all = add(counts[n], all, all_prior, -1);
  for (std::size_t k = 0; k < n; ++k) {
    const double slope = add(counts[k], a[k], prior.empty() ? 0 : prior[k], 1);
    if (!gradient.empty()) gradient[k] = a[k] * (slope + slope_all);  // by the logarithm
  }
  return sum.value();
}

double log_likelihood_alike(const Above& counts, std::span<const double> p) {
  CompensatedSum sum;
  for (std::size_t k = 0; k < p.size(); ++k)
    for (const std::int64_t c : counts[k])
      if (c > 0) sum.add(static_cast<double>(c) * portable_log(p[k]));
  return sum.value();
}

// Derivative of the log-likelihood by 1 / A where A has no end.
double slope_at_alike(const Above& counts, std::span<const double> p) {
  CompensatedSum sum;
  for (std::size_t k = 0; k <= p.size(); ++k) {
    const std::vector<std::int64_t>& above = counts[k];
    const double weight = k < p.size() ? 1 / p[k] : -1;
    for (std::size_t m = 1; m < above.size(); ++m)
      sum.add(weight * static_cast<double>(m) * static_cast<double>(above[m]));
  }
  return sum.value();
}

// Whether some customer has done two different things.
bool is_mixed(const Above& counts) {
  std::int64_t n = 0;
  for (std::size_t k = 0; k + 1 < counts.size(); ++k)
    if (!counts[k].empty()) n += counts[k].front();
  return n > counts.back().front();
}

// Of ln sum a_l w_l for the direction `w` of the logarithms.
double spread(const SmallMatrix& covariance, const std::vector<double>& w) {
  double sum = 0;
  for (std::size_t i = 0; i < w.size(); ++i)
    for (std::size_t j = 0; j < w.size(); ++j) sum += w[i] * w[j] * covariance(i, j);
  return std::sqrt(std::max(sum, 0.0));
}

}  // namespace

void DirichletCounts::add(std::span<const std::uint32_t> counts) {
  std::uint32_t all = 0;
  const auto count = [](std::vector<std::int64_t>& with, std::uint32_t n) {
    if (with.size() <= n) with.resize(n + std::size_t{1});
    ++with[n];
  };
  for (std::size_t k = 0; k < counts.size(); ++k) {
    count(with_[k], counts[k]);
    all += counts[k];
  }
  count(with_.back(), all);
}

std::vector<std::vector<std::int64_t>> DirichletCounts::above() const {
  std::vector<std::vector<std::int64_t>> all;
  for (const std::vector<std::int64_t>& with : with_) {
    std::vector<std::int64_t>& above = all.emplace_back(with.empty() ? 0 : with.size() - 1);
    std::int64_t n = 0;
    for (std::size_t m = above.size(); m-- > 0;) above[m] = n += with[m + 1];
  }
  return all;
}

std::int64_t DirichletCounts::n_with(std::size_t least) const {
  std::int64_t n = 0;
  for (std::size_t m = least; m < with_.back().size(); ++m) n += with_.back()[m];
  return n;
}

double dirichlet_log_likelihood(const DirichletCounts& counts, std::span<const double> probabilities,
                                std::optional<double> concentration) {
  if (!concentration) return log_likelihood_alike(counts.above(), probabilities);
  std::vector<double> a;
  for (const double p : probabilities) a.push_back(*concentration * p);
  return log_likelihood(counts.above(), a, {}, {});
}

DirichletFit fit_dirichlet(const DirichletCounts& counts, std::span<const double> alike,
                           std::span<const double> prior) {
  DirichletFit fit;
  const Above above = counts.above();
  fit.log_likelihood = fit.log_likelihood_alike = log_likelihood_alike(above, alike);
  if (counts.n_twice() == 0) {
    fit.note = "cannot be told: no customer was there twice";
    return fit;
  }
  if (!is_mixed(above)) {
    fit.note = "cannot be told: no customer did two different things there";
    return fit;
  }
  if (!(slope_at_alike(above, alike) > 0)) {
    fit.note = alike_note;
    return fit;
  }
  const std::size_t n = counts.n_outcomes();
  std::vector<double> a(n);
  const Objective objective = [&](std::span<const double> at, std::span<double> gradient) {
    for (std::size_t k = 0; k < n; ++k) a[k] = portable_exp(at[k]);
    return log_likelihood(above, a, prior, gradient);
  };
  MaximiseOptions options;
  options.lowest = -25;  // a rare outcome of customers that differ much
  options.highest = 20;
  Maximum best;
  for (const double start : {10.0, 1.0, 100.0}) {
    std::vector<double> at;
    for (const double p : alike) at.push_back(std::max(portable_log(start * p), options.lowest + 1));
    best = maximise(objective, at, options);
    if (best.certified) break;
  }
  if (!best.certified) {
    fit.note = "cannot be told: the likelihood has no maximum";
    return fit;
  }
  double all = 0;
  for (std::size_t k = 0; k < n; ++k) all += a[k] = portable_exp(best.at[k]);
  const double value = log_likelihood(above, a, {}, {});
  if (!(all < highest_concentration && all > lowest_concentration)) {
    fit.note = alike_note;
    return fit;
  }
  SmallMatrix lower;
  if (!cholesky(best.information, lower)) {
    fit.note = alike_note;
    return fit;
  }
  const SmallMatrix covariance = inverse_of(lower);
  std::vector<double> share(n);
  for (std::size_t k = 0; k < n; ++k) share[k] = a[k] / all;
  fit.concentration = all;
  fit.concentration_error = all * spread(covariance, share);
  fit.log_likelihood = value;
  for (std::size_t k = 0; k < n; ++k) {
    std::vector<double> direction = share;
    for (double& w : direction) w = -w;
    direction[k] += 1;
    fit.probabilities.push_back(share[k]);
    fit.standard_errors.push_back(share[k] * spread(covariance, direction));
  }
  return fit;
}

}  // namespace clvsim
