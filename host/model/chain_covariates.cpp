#include "host/model/chain_covariates.hpp"

#include "host/math/special.hpp"

#include <clvsim/error.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

namespace clvsim {
namespace {

int month_of(std::int32_t day) {
  using namespace std::chrono;
  return static_cast<int>(static_cast<unsigned>(year_month_day{sys_days{days{day}}}.month()));
}

std::int32_t days_within(const ChainCovariate& covariate, Date first, Date last) {
  std::int32_t n = 0;
  if (covariate.kind == ChainCovariate::Kind::season) {
    for (std::int32_t day = first.days; day <= last.days; ++day)
      n += std::binary_search(covariate.months.begin(), covariate.months.end(), month_of(day));
    return n;
  }
  for (const DateWindow& window : covariate.windows)
    n += std::max(0, std::min(window.last_day.days, last.days) - std::max(window.first_day.days, first.days) + 1);
  return n;
}

void move_row(const MigrationChain& chain, std::span<const double> z, int from, ChainState& state) {
  std::vector<double> shift(state.outcomes.size(), 0);
  for (std::size_t c = 0; c < z.size(); ++c) {
    if (z[c] == 0) continue;
    for (const LogitEffect& effect : chain.covariates[c].effects)
      for (std::size_t k = 0; k < shift.size(); ++k)
        if (moves(effect, from, state.outcomes[k])) shift[k] += effect.effect * z[c];
  }
  if (std::all_of(shift.begin(), shift.end(), [&](double s) { return s == shift.front(); })) return;
  // The largest is taken off among the outcomes that can happen, so that nothing overflows and not all underflow.
  double most = -INFINITY, sum = 0;
  for (std::size_t k = 0; k < shift.size(); ++k)
    if (state.outcomes[k].probability > 0) most = std::max(most, shift[k]);
  for (std::size_t k = 0; k < shift.size(); ++k) {
    double& p = state.outcomes[k].probability;
    if (p > 0) p *= portable_exp(shift[k] - most);
    sum += p;
  }
  for (ChainOutcome& outcome : state.outcomes) outcome.probability /= sum;
}

}  // namespace

double covariate_share(const ChainCovariate& covariate, Date first, Date last) {
  return static_cast<double>(days_within(covariate, first, last)) / static_cast<double>(last.days - first.days + 1);
}

bool moves(const LogitEffect& effect, int from, const ChainOutcome& outcome) {
  if (!effect.states.empty() && !std::binary_search(effect.states.begin(), effect.states.end(), from)) return false;
  return effect.to < 0 ? outcome.purchase : outcome.to == effect.to;
}

bool has_dates(const MigrationChain& chain) {
  return std::any_of(chain.covariates.begin(), chain.covariates.end(),
                     [](const ChainCovariate& covariate) { return covariate.dated(); });
}

std::vector<double> covariates_at(const MigrationChain& chain, Date first, Date last, const std::string& segment) {
  std::vector<double> z;
  for (const ChainCovariate& covariate : chain.covariates) {
    if (covariate.dated())
      z.push_back(covariate_share(covariate, first, last));
    else
      z.push_back(covariate.segment == segment ? 1 : 0);
  }
  return z;
}

std::vector<std::vector<double>> covariates_by_period(const MigrationChain& chain, const PeriodGrid& grid, int before,
                                                      int horizon, const std::string& segment) {
  const Date end = grid.end(before);
  if (has_dates(chain) && (end.days + 1 < first_valid_date.days || grid.end(before + horizon) > last_valid_date))
    throw ConfigError(
        fmt::format("{} {}s from the day after {} leave the years 1900 to 2199, in which the model's seasons and "
                    "campaigns lie; give a shorter --horizon",
                    horizon, name_of(grid.unit()), to_string(end)));
  std::vector<std::vector<double>> all;
  for (int t = before + 1; t <= before + horizon; ++t)
    all.push_back(covariates_at(chain, {grid.end(t - 1).days + 1}, grid.end(t), segment));
  return all;
}

MigrationChain chain_at(const MigrationChain& chain, std::span<const double> z) {
  MigrationChain at = chain;
  at.covariates.clear();
  for (std::size_t s = 0; s < at.states.size(); ++s) move_row(chain, z, static_cast<int>(s), at.states[s]);
  return at;
}

}  // namespace clvsim
