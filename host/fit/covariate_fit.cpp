#include "host/fit/covariate_fit.hpp"

#include "host/math/special.hpp"
#include "host/model/chain_covariates.hpp"
#include "host/model/fault.hpp"

#include <clvsim/error.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>

namespace clvsim {
namespace {

using Kind = ChainCovariate::Kind;
using Season = TransitionCovariates::Season;

constexpr int months_a_year = 12, months_a_quarter = 3;
constexpr std::array<const char*, months_a_year> month_names{"January",   "February", "March",    "April",
                                                             "May",       "June",     "July",     "August",
                                                             "September", "October",  "November", "December"};

// Every season of the year, or every one but the first, which the others are compared with.
std::vector<ChainCovariate> seasons(Season season) {
  std::vector<ChainCovariate> all;
  if (season == Season::none) return all;
  const int length = season == Season::month ? 1 : months_a_quarter;
  for (int first = 1; first <= months_a_year; first += length) {
    ChainCovariate covariate;
    covariate.kind = Kind::season;
    covariate.name = season == Season::month ? month_names[static_cast<std::size_t>(first - 1)]
                                             : fmt::format("quarter {}", first / months_a_quarter + 1);
    for (int m = first; m < first + length; ++m) covariate.months.push_back(m);
    all.push_back(covariate);
  }
  return all;
}

std::vector<ChainCovariate> campaigns(const std::vector<TransitionCovariates::Campaign>& wanted) {
  std::vector<ChainCovariate> all;
  for (const TransitionCovariates::Campaign& campaign : wanted) {
    ChainCovariate covariate;
    covariate.kind = Kind::campaign;
    covariate.name = campaign.name;
    covariate.windows = campaign.windows;
    all.push_back(covariate);
  }
  return all;
}

double log_odds(double p) { return portable_log(p / (1 - p)); }
double odds_to_share(double x) { return x >= 0 ? 1 / (1 + portable_exp(-x)) : portable_exp(x) / (1 + portable_exp(x)); }

double purchase_share(const ChainState& state) {
  double share = 0;
  for (const ChainOutcome& outcome : state.outcomes)
    if (outcome.purchase) share += outcome.probability;
  return share;
}

}  // namespace

void check(const TransitionCovariates& covariates, PeriodUnit unit) {
  if (covariates.season != Season::none && unit == PeriodUnit::year)
    throw ConfigError("--season: years have the same seasons; import the log with a shorter --unit");
  std::set<std::string> names;
  for (const ChainCovariate& season : seasons(covariates.season)) names.insert(season.name);
  for (const TransitionCovariates::Campaign& campaign : covariates.campaigns)
    if (campaign.name.empty() || campaign.windows.empty() || !names.insert(campaign.name).second)
      throw ConfigError(fmt::format(
          "the campaign '{}' has no name, no days, or the name of another covariate; give each its own name and days",
          campaign.name));
}

CovariateCounts::CovariateCounts(const TransitionCovariates& wanted, const StoreInfo& info,
                                 const RecencyFrequency& cells, std::vector<int> group, const PeriodTable& periods)
    : cells_(cells), group_(std::move(group)), segments_{""}, by_segment_(wanted.segments) {
  if (by_segment_) {
    segments_ = info.segments;
    if (segments_.size() < 2)
      throw ConfigError(
          "--segment-effects: the store has no segments; import the log with --segment COLUMN, or leave it out");
  }
  dated_ = seasons(wanted.season);
  for (ChainCovariate& campaign : campaigns(wanted.campaigns)) dated_.push_back(std::move(campaign));
  const PeriodGrid grid(info.observation_end, info.unit);
  std::map<std::vector<double>, std::size_t> known;
  for (int ago = 0; ago < periods.n_periods(); ++ago) {
    std::vector<double> z;
    for (const ChainCovariate& covariate : dated_)
      z.push_back(covariate_share(covariate, {grid.end(-ago - 1).days + 1}, grid.end(-ago)));
    const auto [at, is_new] = known.try_emplace(z, patterns_.size());
    if (is_new) patterns_.push_back(z);
    pattern_of_.push_back(at->second);
  }
  const auto n_groups = static_cast<std::size_t>(*std::max_element(group_.begin(), group_.end())) + 1;
  constexpr std::size_t most_cells = std::size_t{1} << 26;  // half a gigabyte a count
  if (segments_.size() > most_cells / (n_groups * patterns_.size()))
    throw ConfigError(
        fmt::format("{} segments in {} kinds of periods and {} groups of states are too many to count; "
                    "import the log with fewer segments",
                    segments_.size(), patterns_.size(), n_groups));
  periods_.assign(n_groups * patterns_.size() * segments_.size(), 0);
  buys_ = periods_;
}

// Takes the transitions of a customer to the periods that they happen in: they come in their order, one period each,
// from the one after the first purchase on.
struct CovariateCounts::Sink {
  CovariateCounts& counts;
  std::size_t segment;
  int ago;  // of the next transition

  [[nodiscard]] std::size_t at(int state, int when) const {
    return counts.cell(static_cast<std::size_t>(counts.group_[static_cast<std::size_t>(state)]),
                       counts.pattern_of_[static_cast<std::size_t>(when)], segment);
  }
  void at_risk(int state, int n) {
    for (; n > 0; --n) counts.periods_[at(state, ago--)] += 1;
  }
  void buys(int state, int /*class_after*/, std::int64_t /*n_purchases*/) { counts.buys_[at(state, ago + 1)] += 1; }
};

void CovariateCounts::add(const CustomerBatch& batch, const PeriodTable& table) {
  for (std::size_t i = 0; i < batch.size(); ++i)
    for_transitions(cells_, batch, i, table,
                    Sink{*this, by_segment_ ? batch.segment[i] : 0, table.periods_ago(batch.first_day[i]) - 1});
}

void CovariateCounts::require_spread(std::size_t covariate, std::vector<double> z, const std::string& remedy) const {
  double within[2] = {0, 0}, outside[2] = {0, 0};  // customer-periods with and without a purchase
  for (std::size_t i = 0; i < periods_.size(); ++i) {
    const double share = z[i / segments_.size() % patterns_.size()];
    const double buys = buys_[i], quiet = periods_[i] - buys_[i];
    within[0] += share * buys;
    within[1] += share * quiet;
    outside[0] += (1 - share) * buys;
    outside[1] += (1 - share) * quiet;
  }
  constexpr auto least = static_cast<double>(min_buying_periods);
  for (const auto& [counts, where] : {std::pair(within, "in"), std::pair(outside, "outside")})
    if (!(counts[0] >= least && counts[1] >= least))
      throw ModelError(fmt::format(
          "the log is too thin for the effect of '{}': {} its days it has {:.1f} customer-periods with a purchase and "
          "{:.1f} without (a period counts by the share of its days), and a fit needs at least {} of each; {}",
          dated_[covariate].name, where, counts[0], counts[1], min_buying_periods, remedy));
}

std::vector<bool> CovariateCounts::segments_told_apart(std::vector<std::string>& notes) const {
  std::vector<double> at_risk(segments_.size(), 0), bought(segments_.size(), 0);
  for (std::size_t i = 0; i < periods_.size(); ++i) {
    at_risk[i % segments_.size()] += periods_[i];
    bought[i % segments_.size()] += buys_[i];
  }
  // The largest is what others are compared with; of equals the first.
  const auto largest = static_cast<std::size_t>(std::max_element(at_risk.begin(), at_risk.end()) - at_risk.begin());
  constexpr auto least = static_cast<double>(min_buying_periods);
  std::vector<bool> told(segments_.size());
  std::vector<std::string> thin;
  for (std::size_t s = 0; s < segments_.size(); ++s) {
    const bool enough = bought[s] >= least && at_risk[s] - bought[s] >= least;
    told[s] = s != largest && !segments_[s].empty() && enough;
    if (s != largest && !told[s] && at_risk[s] > 0)
      thin.push_back(segments_[s].empty() ? "customers without a segment" : "'" + segments_[s] + "'");
  }
  notes.push_back(fmt::format("effects of segments are against '{}', the largest", segments_[largest]));
  if (!thin.empty())
    notes.push_back(
        fmt::format("no segment of their own (fewer than {} customer-periods with or without a purchase, or "
                    "no name), taken as the largest: {}",
                    min_buying_periods, fmt::join(thin, ", ")));
  return told;
}

LogitData CovariateCounts::data(std::vector<ChainCovariate>& covariates, std::vector<std::string>& notes) const {
  const auto is_season = [&](std::size_t c) { return dated_[c].kind == Kind::season; };
  std::size_t reference = dated_.size();  // the season that others are compared with
  for (std::size_t c = 0; c < dated_.size(); ++c) {
    std::vector<double> z;
    for (const std::vector<double>& pattern : patterns_) z.push_back(pattern[c]);
    require_spread(c, z,
                   !is_season(c)                  ? "give more of its windows, or leave the campaign out"
                   : dated_[c].months.size() == 1 ? "import a longer log, or fit --season quarter"
                                                  : "import a longer log, or fit without seasons");
    if (reference == dated_.size() && is_season(c)) reference = c;
  }
  std::vector<bool> told(segments_.size(), false);
  if (by_segment_) told = segments_told_apart(notes);

  LogitData data;
  std::vector<std::size_t> kept;  // of the dated ones
  for (std::size_t c = 0; c < dated_.size(); ++c) {
    if (c == reference) continue;
    kept.push_back(c);
    covariates.push_back(dated_[c]);
  }
  std::vector<std::size_t> place(segments_.size(), 0);  // 0: of the reference
  std::size_t n_told = 0;
  for (std::size_t s = 0; s < segments_.size(); ++s) {
    if (!told[s]) continue;
    place[s] = ++n_told;
    ChainCovariate covariate;
    covariate.kind = Kind::segment;
    covariate.name = segments_[s].size() + 8 <= max_name_length ? "segment " + segments_[s] : segments_[s];
    covariate.segment = segments_[s];
    covariates.push_back(covariate);
  }
  if (covariates.size() > max_covariates)
    throw ConfigError(fmt::format(
        "seasons, campaigns and segments ask for {} effects, and a model has at most {}; import the log with fewer "
        "segments, or leave some out",
        covariates.size(), max_covariates));
  for (const ChainCovariate& covariate : covariates) data.covariates.push_back(covariate.name);
  for (const std::vector<double>& pattern : patterns_) {
    for (std::size_t n = 0; n <= n_told; ++n) {
      std::vector<double> z;
      for (const std::size_t c : kept) z.push_back(pattern[c]);
      for (std::size_t other = 1; other <= n_told; ++other) z.push_back(other == n ? 1 : 0);
      data.z.push_back(z);
    }
  }
  const std::size_t n_groups = periods_.size() / (patterns_.size() * segments_.size());
  data.periods.assign(n_groups * data.z.size(), 0);
  data.buys = data.periods;
  for (std::size_t g = 0; g < n_groups; ++g)
    for (std::size_t m = 0; m < patterns_.size(); ++m)
      for (std::size_t s = 0; s < segments_.size(); ++s) {
        const std::size_t to = g * data.z.size() + m * (n_told + 1) + place[s];
        data.periods[to] += periods_[cell(g, m, s)];
        data.buys[to] += buys_[cell(g, m, s)];
      }
  if (reference < dated_.size())
    notes.push_back(fmt::format("effects of seasons are against {}", dated_[reference].name));
  return data;
}

void estimate_covariates(const CovariateCounts& counts, double prior_strength, FitReport& report) {
  MigrationChain& chain = report.chain;
  LogitData data = counts.data(chain.covariates, report.notes);
  if (chain.covariates.empty()) throw ModelError("no covariate can be estimated from this log; fit without covariates");
  // What the pseudo-periods of the prior were, from what they have made of the counts.
  const std::size_t settings = data.z.size();
  const std::size_t n_groups = data.periods.size() / settings;
  LogitFit fit;
  std::vector<double> without(n_groups, 0);
  data.prior_buys.assign(n_groups, 0);
  for (std::size_t s = 0; s < chain.states.size(); ++s)
    without[static_cast<std::size_t>(report.tie_group[s])] = purchase_share(chain.states[s]);
  for (std::size_t g = 0; g < n_groups; ++g) {
    double periods = 0, buys = 0;
    for (std::size_t m = 0; m < settings; ++m) {
      periods += data.periods[g * settings + m];
      buys += data.buys[g * settings + m];
    }
    const double share = (without[g] * (periods + prior_strength) - buys) / prior_strength;
    data.prior_buys[g] = prior_strength * std::clamp(share, 1e-9, 1 - 1e-9);
    data.prior_quiet.push_back(prior_strength - data.prior_buys[g]);
    without[g] = log_odds(without[g]);
  }
  const std::vector<double> none(data.n_effects(), 0);
  fit.without_covariates = logit_point(data, without, none).log_likelihood;
  const LogitMaximum maximum = fit_logit(data);
  fit.log_likelihood = maximum.point.log_likelihood;
  fit.n_parameters = static_cast<int>(n_groups + data.n_effects());
  fit.n_steps = maximum.n_steps;
  fit.aic = 2 * fit.n_parameters - 2 * fit.log_likelihood;
  fit.bic = fit.n_parameters * portable_log(static_cast<double>(chain.n_customer_periods)) - 2 * fit.log_likelihood;
  for (const auto* gradient : {&maximum.point.alpha_gradient, &maximum.point.beta_gradient})
    for (const double g : *gradient) fit.gradient_norm = std::max(fit.gradient_norm, std::abs(g));
  fit.decrement = maximum.decrement;
  fit.condition = maximum.condition;
  fit.covariance = maximum.covariance.value;
  for (std::size_t c = 0; c < chain.covariates.size(); ++c) {
    LogitEffect effect;
    effect.effect = maximum.beta[c];
    effect.standard_error = std::sqrt(maximum.covariance(c, c));
    chain.covariates[c].effects = {effect};
  }

  for (std::size_t s = 0; s < chain.states.size(); ++s) {
    const auto g = static_cast<std::size_t>(report.tie_group[s]);
    const double share = odds_to_share(maximum.alpha[g]), before = purchase_share(chain.states[s]);
    const double share_error = share * odds_to_share(-maximum.alpha[g]) * std::sqrt(maximum.alpha_variance[g]);
    double bought = data.prior_buys[g];
    for (std::size_t m = 0; m < settings; ++m) bought += data.buys[g * settings + m];
    double ages = 1;
    for (ChainOutcome& outcome : chain.states[s].outcomes) {
      if (!outcome.purchase) continue;
      // Of a purchase, which class it leads to: as without covariates.
      const double part = before > 0 ? outcome.probability / before : 0;
      outcome.probability = share * part;
      outcome.standard_error =
          std::sqrt(share_error * share_error * part * part + share * share * part * (1 - part) / (bought + 1));
      ages -= outcome.probability;
    }
    for (ChainOutcome& outcome : chain.states[s].outcomes) {
      if (outcome.purchase) continue;
      outcome.probability = std::max(ages, 0.0);
      outcome.standard_error = share_error;
    }
  }
  report.logit = std::move(fit);
}

}  // namespace clvsim
