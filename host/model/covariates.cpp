#include <clvsim/covariates.hpp>

#include "host/math/special.hpp"
#include "host/model/covariate_models.hpp"

#include <clvsim/error.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

namespace clvsim {
namespace {

ModelCovariate standardised(const std::string& name, const std::vector<double>& values) {
  constexpr double narrow = 0.05, wide = 20;
  // In ascending order, so that the order of the customers does not matter.
  std::vector<double> sorted = values;
  std::sort(sorted.begin(), sorted.end());
  const auto n = static_cast<double>(sorted.size());
  CompensatedSum sum, squares;
  for (const double value : sorted) sum.add(value / n);
  const double mean = sum.value();
  for (const double value : sorted) squares.add((value - mean) * (value - mean) / n);
  const double sd = std::sqrt(squares.value());
  if (sorted.empty() || sorted.front() == sorted.back() || !(sd > 0))
    throw DataError(fmt::format(
        "the covariate '{}' is the same for all customers, so that it says nothing of them; leave it out", name));
  if (!std::isfinite(sd))
    throw DataError(fmt::format("the covariate '{}' is too large to be standardised; give it in other units", name));
  const double scale = sd >= narrow && sd <= wide ? 1 : std::pow(10.0, std::round(std::log10(sd)));
  return {name, mean, scale, {}};
}

}  // namespace

CovariateTable covariate_table(std::span<const std::string> names, std::span<const std::vector<double>> columns,
                               std::vector<std::uint32_t>& row_of) {
  CovariateTable table;
  for (std::size_t k = 0; k < names.size(); ++k) table.covariates.push_back(standardised(names[k], columns[k]));
  const std::size_t n = columns.empty() ? 0 : columns.front().size();
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto before = [&](std::size_t a, std::size_t b) {
    for (const std::vector<double>& column : columns)
      if (column[a] != column[b]) return column[a] < column[b];
    return false;
  };
  std::sort(order.begin(), order.end(), before);
  row_of.assign(n, 0);
  std::uint32_t row = 0;
  for (std::size_t i = 0; i < n; ++i) {
    if (i == 0 || before(order[i - 1], order[i])) {
      row = static_cast<std::uint32_t>(table.rows());
      for (const std::vector<double>& column : columns) table.values.push_back(column[order[i]]);
    }
    row_of[order[i]] = row;
  }
  return table;
}

std::vector<double> CovariateParameters::of(std::span<const double> parameters, std::span<const double> z) const {
  const auto own = parameters.first(n_own_);
  std::vector<double> of_customer(own.begin(), own.end());
  for (std::size_t e = 0; e < effects_.size(); ++e) {
    double shift = 0;
    for (std::size_t k = 0; k < n_covariates_; ++k)
      shift += z[k] * portable_log(parameters[n_own_ + k * effects_.size() + e]);
    of_customer[effects_[e].parameter] *= portable_exp(effects_[e].sign * shift);
  }
  return of_customer;
}

void CovariateParameters::add_gradient(std::span<const double> gradient, std::span<const double> z,
                                       std::span<double> sum) const {
  for (std::size_t i = 0; i < n_own_; ++i) sum[i] += gradient[i];
  for (std::size_t e = 0; e < effects_.size(); ++e)
    for (std::size_t k = 0; k < n_covariates_; ++k)
      sum[n_own_ + k * effects_.size() + e] += effects_[e].sign * z[k] * gradient[effects_[e].parameter];
}

std::vector<std::string> CovariateParameters::names(std::span<const ModelCovariate> covariates) const {
  std::vector<std::string> names;
  for (const ModelCovariate& covariate : covariates)
    for (const CovariateEffect& effect : effects_) names.push_back(fmt::format("{}.{}", effect.name, covariate.name));
  return names;
}

CovariateRows::CovariateRows(const CovariateTable& table, std::span<const std::string_view> own,
                             std::span<const CovariateEffect> effects)
    : parameters(own.size(), effects, table.covariates.size()), n_covariates_(table.covariates.size()) {
  for (std::size_t at = 0; at < table.values.size(); ++at) {
    const ModelCovariate& covariate = table.covariates[at % n_covariates_];
    z_.push_back((table.values[at] - covariate.centre) / covariate.scale);
  }
  added_ = parameters.names(table.covariates);
  names.assign(own.begin(), own.end());
  names.insert(names.end(), added_.begin(), added_.end());
}

}  // namespace clvsim
