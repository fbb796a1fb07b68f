#include "host/fit/contract_choice.hpp"

#include "host/fit/likelihood.hpp"
#include "host/math/special.hpp"
#include "host/model/covariate_models.hpp"

#include <clvsim/error.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <tuple>
#include <utility>

namespace clvsim {
namespace {

// Where contracts do not differ, alpha and beta rise without end together, to one hazard.
std::string_view limit_of(std::string_view model) {
  if (model == "sbg") return "geometric";
  if (model == "bdw") return "discrete_weibull";
  return "";
}

// The simpler first: sbg has two parameters, its limit one, bdw three and its limit two.
constexpr std::array<std::string_view, 2> candidates{"sbg", "bdw"};
enum Candidate : std::size_t { sbg, bdw };

// An earlier cut has too few opportunities to tell one from the other.
constexpr std::int32_t least_renewals = 4;
// Churns after the cut: fewer say little.
constexpr std::int64_t least_later_churned = 10;

// Two thirds of the churns are before it, or at it. `tenures` ascend in renewals.
std::int32_t place_of_cut(std::span<const Tenure> tenures) {
  double churns = 0, before = 0;
  for (const Tenure& tenure : tenures) churns += tenure.churned ? tenure.weight : 0;
  for (const Tenure& tenure : tenures) {
    before += tenure.churned ? tenure.weight : 0;
    if (3 * before >= 2 * churns) return std::max(least_renewals, tenure.renewals);
  }
  return least_renewals;
}

std::int64_t contracts_in(std::span<const Tenure> tenures) {
  double n = 0;
  for (const Tenure& tenure : tenures) n += tenure.weight;
  return std::llround(n);
}

double mean_of(std::span<const double> values, std::span<const Tenure> weights) {
  CompensatedSum sum, all;
  for (std::size_t i = 0; i < values.size(); ++i) {
    sum.add(weights[i].weight * values[i]);
    all.add(weights[i].weight);
  }
  return sum.value() / all.value();
}

// One model's forecasts of what followed.
struct Forecasts {
  std::string fitted;
  std::size_t n_parameters = 0;
  std::vector<double> scores;  // [later] ln P(what followed | the renewals before the cut)
  double mean = 0;             // of the contracts
  std::vector<double> moves;   // [known] by which one such contract moved the mean, through the parameters
};

// Fits to what is known. `known` and `later`: those of the cut, equal ones merged.
Forecasts forecast(std::string_view candidate, const ContractBook& book, std::span<const Tenure> known,
                   std::span<const Tenure> later, const LikelihoodFitOptions& options) {
  const ContractFit fit = fit_or_limit(candidate, book, options);
  const auto plain = make_contract_model(fit.model);
  std::optional<CovariateContracts> with_covariates;
  if (!book.covariates.covariates.empty()) with_covariates.emplace(*plain, book.covariates);
  const ContractModel& model = with_covariates ? static_cast<const ContractModel&>(*with_covariates) : *plain;
  const std::vector<double>& parameters = fit.fit.parameters;
  const std::size_t n = parameters.size();
  std::vector<double> gradient(n), slope(n), step(n);
  const auto of_one = [&](Tenure tenure) {
    tenure.weight = 1;
    return model.log_likelihood(parameters, {&tenure, 1}, gradient);
  };
  Forecasts result{fit.model, n, {}, 0, {}};
  double n_later = 0;
  for (const Tenure& tenure : later) {
    result.scores.push_back(of_one(tenure));
    n_later += tenure.weight;
    for (std::size_t j = 0; j < n; ++j) slope[j] += tenure.weight * gradient[j];
  }
  result.mean = mean_of(result.scores, later);
  for (std::size_t j = 0; j < n; ++j)
    for (std::size_t k = 0; k < n; ++k) step[j] += fit.fit.log_covariance[j * n + k] * slope[k] / n_later;
  for (const Tenure& tenure : known) {
    (void)of_one(tenure);
    double move = 0;
    for (std::size_t j = 0; j < n; ++j) move += step[j] * gradient[j];
    result.moves.push_back(move);
  }
  return result;
}

// Fits to what is known at the cut and scores what followed; why that is not possible, or nothing.
std::string score(const ContractBook& book, LikelihoodFitOptions options, ContractSelection& selection) {
  options.bootstrap = {};
  const auto key = [](const Tenure& t) { return std::tuple(t.renewals, t.churned, t.covariates, t.entered); };
  const ContractBook merged{
      merge_equal(std::span<const Tenure>(book.tenures), key), {}, book.covariates, book.n_churned};
  const std::int32_t renewals = place_of_cut(merged.tenures);
  const CutBook cut = cut_book(merged, renewals);
  if (cut.n_later_churned < least_later_churned)
    return fmt::format("the book is too young to cut: {} contracts churned after renewal {}, and a score needs {}",
                       cut.n_later_churned, renewals, least_later_churned);
  const auto known = merge_equal(std::span<const Tenure>(cut.known.tenures), key),
             later = merge_equal(std::span<const Tenure>(cut.later), key);
  std::array<Forecasts, candidates.size()> of;
  for (std::size_t m = 0; m < candidates.size(); ++m) {
    try {
      of[m] = forecast(candidates[m], cut.known, known, later, options);
    } catch (const Error& error) {
      return fmt::format("{} cannot be fitted to the first {} renewals: {}", candidates[m], renewals, error.what());
    }
    if (!std::isfinite(of[m].mean))
      return fmt::format("{} gives what followed renewal {} no probability", candidates[m], renewals);
  }
  const std::int64_t n_later = contracts_in(cut.later);
  const double excess = of[bdw].mean - of[sbg].mean;
  // Of the contracts that are scored, and of those by which the parameters were estimated (the delta method).
  std::vector<double> squares(later.size());
  for (std::size_t i = 0; i < later.size(); ++i) {
    const double off = of[bdw].scores[i] - of[sbg].scores[i] - excess;
    squares[i] = off * off;
  }
  double variance = mean_of(squares, later) / static_cast<double>(n_later - 1);
  for (std::size_t i = 0; i < known.size(); ++i) {
    const double move = of[bdw].moves[i] - of[sbg].moves[i];
    variance += known[i].weight * move * move;
  }
  if (!std::isfinite(variance))
    return fmt::format("the forecasts of what followed renewal {} have no finite error", renewals);
  for (std::size_t m = 0; m < candidates.size(); ++m) {
    selection.models[m].fitted = of[m].fitted;
    selection.models[m].n_parameters = static_cast<int>(of[m].n_parameters);
    selection.models[m].log_score = of[m].mean;
  }
  selection.renewals = renewals;
  selection.n_later = n_later;
  selection.n_later_churned = cut.n_later_churned;
  selection.excess = excess;
  selection.excess_se = std::sqrt(variance);
  return {};
}

}  // namespace

ContractFit fit_or_limit(std::string_view model, const ContractBook& book, LikelihoodFitOptions options) {
  const std::string_view limit = limit_of(model);
  options.bootstrap.customers = book.customers;
  try {
    return {std::string(model), fit_contract_model(*make_contract_model(model), book.covariates, book.tenures, options),
            ""};
  } catch (const ModelError&) {
    if (limit.empty()) throw;
  }
  return {std::string(limit), fit_contract_model(*make_contract_model(limit), book.covariates, book.tenures, options),
          fmt::format("the churn shows no differences between contracts, where {} has no maximum of its likelihood: "
                      "{} is its limit",
                      model, limit)};
}

CutBook cut_book(const ContractBook& book, std::int32_t renewals) {
  CutBook cut;
  cut.known = book;
  for (Tenure& tenure : cut.known.tenures) {
    if (tenure.renewals <= renewals) continue;
    // It made the renewals before the cut: what followed is told given these.
    Tenure& later = cut.later.emplace_back(tenure);
    later.entered = renewals;
    if (later.churned) cut.n_later_churned += std::llround(later.weight);
    tenure.renewals = renewals;
    tenure.churned = false;
  }
  cut.known.n_churned -= cut.n_later_churned;
  return cut;
}

void decide(ContractSelection& selection) {
  const bool simpler = selection.models[sbg].n_parameters < selection.models[bdw].n_parameters;
  if (selection.excess <= 0) {
    selection.chosen = sbg;
    selection.rule = simpler ? "its forecasts are better, and it is the simpler one" : "its forecasts are better";
  } else if (simpler && selection.excess <= 2 * selection.excess_se) {
    selection.chosen = sbg;
    selection.rule = "the simpler one, as the other's forecasts are not better by two standard errors";
  } else {
    selection.chosen = bdw;
    selection.rule = simpler ? "its forecasts are better by more than two standard errors"
                             : "its forecasts are better, and the other has as many parameters";
  }
}

ContractFit choose_contract_model(const ContractBook& book, const LikelihoodFitOptions& options,
                                  ContractSelection& selection) {
  std::array<ContractFit, candidates.size()> fits;
  selection.models.clear();
  for (std::size_t m = 0; m < candidates.size(); ++m) {
    fits[m] = fit_or_limit(candidates[m], book, options);
    selection.models.push_back({std::string(candidates[m]), "", 0, 0, fits[m].fit.bic});
  }
  const std::string unscored = score(book, options, selection);
  if (!unscored.empty()) {
    selection.chosen = fits[bdw].fit.bic < fits[sbg].fit.bic ? bdw : sbg;
    selection.rule = "the lower BIC, as " + unscored;
  } else {
    decide(selection);
  }
  return std::move(fits[selection.chosen]);
}

}  // namespace clvsim
