#include "host/fit/fit.hpp"

#include "host/base/text.hpp"
#include "host/fit/covariate_fit.hpp"
#include "host/fit/heterogeneity.hpp"
#include "host/fit/margin.hpp"
#include "host/fit/segment_rows.hpp"
#include "host/fit/spend.hpp"
#include "host/fit/transitions.hpp"
#include "host/model/fault.hpp"

#include <clvsim/error.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

namespace clvsim {
namespace {

constexpr double max_prior_strength = 1e9;

void check_options(const FitOptions& options) {
  const RecencyFrequency& cells = options.states;
  if (!(options.prior_strength > 0 && options.prior_strength <= max_prior_strength))
    throw ConfigError(fmt::format("the prior strength is {}; give a number of pseudo-periods above 0, e.g. 1",
                                  options.prior_strength));
  if (!(options.min_periods >= 0))
    throw ConfigError(fmt::format("the fewest customer-periods of a state of its own are {}; give at least 0, e.g. 100",
                                  options.min_periods));
  if (cells.recency_cells < 1 || cells.recency_cells >= max_states)
    throw ConfigError(fmt::format("{} recency cells; give 1 to {}", cells.recency_cells, max_states - 1));
  if (cells.class_from.empty() || cells.class_from.front() != 1 ||
      std::adjacent_find(cells.class_from.begin(), cells.class_from.end(), std::greater_equal<>()) !=
          cells.class_from.end())
    throw ConfigError(
        "the frequency classes do not ascend from 1; give the lowest number of purchase days of each, e.g. 1, 2");
  const std::size_t n_states = cells.class_from.size() * (static_cast<std::size_t>(cells.recency_cells) + 1);
  if (n_states > max_states || cells.class_from.size() >= max_outcomes)
    throw ConfigError(fmt::format(
        "{} frequency classes of {} recency cells and a lapsed one make {} states; give at most {} states and "
        "{} classes",
        cells.class_from.size(), cells.recency_cells, n_states, max_states, max_outcomes - 1));
}

std::string class_name(const RecencyFrequency& cells, int c) {
  const auto at = static_cast<std::size_t>(c);
  const int from = cells.class_from[at];
  if (at + 1 == cells.class_from.size()) return fmt::format("{}+ purchases", from);
  const int to = cells.class_from[at + 1] - 1;
  if (from == to) return from == 1 ? "1 purchase" : fmt::format("{} purchases", from);
  return fmt::format("{}-{} purchases", from, to);
}

// Classes that a purchase may lead to: the next one, the same where one more day may stay in it, and any higher one
// that the log shows.
std::vector<int> destinations(const TransitionCounts& counts, int c) {
  const std::vector<int>& from = counts.cells.class_from;
  std::vector<int> all;
  for (int to = c; to < counts.n_classes(); ++to) {
    const bool last = c + 1 == counts.n_classes();
    bool possible =
        to == c + 1 ||
        (to == c && (last || from[static_cast<std::size_t>(c) + 1] > from[static_cast<std::size_t>(c)] + 1));
    for (int r = 0; r <= counts.cells.recency_cells; ++r) {
      const int state = c * (counts.cells.recency_cells + 1) + r;
      possible = possible || counts.buys_to[static_cast<std::size_t>(state * counts.n_classes() + to)] > 0;
    }
    if (possible) all.push_back(to);
  }
  return all;
}

// Ties neighbouring recency cells of a class until each group has at least min_periods: from cell 0 on a group takes
// the next cell while it is too thin; a thin remainder joins the group before it.
std::vector<int> tie(const TransitionCounts& counts, double min_periods) {
  const int row = counts.cells.recency_cells + 1;
  std::vector<int> group(static_cast<std::size_t>(counts.n_states()));
  int next = 0;
  for (int c = 0; c < counts.n_classes(); ++c) {
    const int first_of_class = next;
    double at_risk = 0;
    for (int r = 0; r < row; ++r) {
      const auto state = static_cast<std::size_t>(c * row + r);
      group[state] = next;
      at_risk += static_cast<double>(counts.periods[state]);
      if (at_risk >= min_periods && at_risk > 0) {
        ++next;
        at_risk = 0;
      }
    }
    if (group[static_cast<std::size_t>(c * row + row - 1)] < next) continue;  // the last group is complete
    if (next == first_of_class) {
      ++next;
      continue;
    }
    for (int r = 0; r < row; ++r) {
      const auto state = static_cast<std::size_t>(c * row + r);
      if (group[state] == next) group[state] = next - 1;
    }
  }
  return group;
}

// Outcome shares of a class as a whole, towards which its states are smoothed: outcome 0 ages, the others buy. One
// pseudo-period at the shares of all classes keeps every share above 0 and below 1.
std::vector<double> pooled_shares(const TransitionCounts& counts, int c, const std::vector<int>& to) {
  double all_periods = 0, all_buys = 0;
  for (int s = 0; s < counts.n_states(); ++s) {
    all_periods += static_cast<double>(counts.periods[static_cast<std::size_t>(s)]);
    all_buys += static_cast<double>(counts.buys(s));
  }
  const double buy_share = (all_buys + 0.5) / (all_periods + 1);  // Jeffreys' prior of a share
  const int row = counts.cells.recency_cells + 1;
  double periods = 0;
  std::vector<double> bought(to.size(), 0);
  for (int s = c * row; s < (c + 1) * row; ++s) {
    periods += static_cast<double>(counts.periods[static_cast<std::size_t>(s)]);
    for (std::size_t k = 0; k < to.size(); ++k)
      bought[k] += static_cast<double>(counts.buys_to[static_cast<std::size_t>(s * counts.n_classes() + to[k])]);
  }
  std::vector<double> share{1};
  for (const double n : bought) {
    share.push_back((n + buy_share / static_cast<double>(to.size())) / (periods + 1));
    share[0] -= share.back();
  }
  return share;
}

// Returns the pseudo-periods of each state's outcomes.
std::vector<std::vector<double>> estimate_transitions(const TransitionCounts& counts, const FitOptions& options,
                                                      FitReport& report) {
  std::vector<std::vector<double>> prior;
  const int row = counts.cells.recency_cells + 1;
  report.tie_group = tie(counts, options.min_periods);
  MigrationChain& chain = report.chain;
  for (int c = 0; c < counts.n_classes(); ++c) {
    const std::vector<int> to = destinations(counts, c);
    const std::vector<double> share = pooled_shares(counts, c, to);
    for (int r = 0; r < row; ++r) {
      const int s = c * row + r;
      // The data of every state that shares its probabilities.
      double periods = 0;
      std::vector<double> bought(to.size(), 0);
      for (int other = c * row; other < (c + 1) * row; ++other) {
        if (report.tie_group[static_cast<std::size_t>(other)] != report.tie_group[static_cast<std::size_t>(s)])
          continue;
        periods += static_cast<double>(counts.periods[static_cast<std::size_t>(other)]);
        for (std::size_t k = 0; k < to.size(); ++k)
          bought[k] +=
              static_cast<double>(counts.buys_to[static_cast<std::size_t>(other * counts.n_classes() + to[k])]);
      }
      const double weight = periods + options.prior_strength;
      ChainState state;
      state.name = r < row - 1 ? fmt::format("{}, recency {}", class_name(counts.cells, c), r)
                               : fmt::format("{}, lapsed", class_name(counts.cells, c));
      state.active = r < row - 1;
      double ages = 1;
      std::vector<double> pseudo;
      for (std::size_t k = 0; k < to.size(); ++k) {
        ChainOutcome buys;
        buys.to = to[k] * row;
        buys.probability = (bought[k] + options.prior_strength * share[k + 1]) / weight;
        buys.count = static_cast<double>(counts.buys_to[static_cast<std::size_t>(s * counts.n_classes() + to[k])]);
        buys.purchase = true;
        ages -= buys.probability;
        state.outcomes.push_back(buys);
        pseudo.push_back(options.prior_strength * share[k + 1]);
      }
      ChainOutcome older;
      older.to = c * row + std::min(r + 1, row - 1);
      older.probability = std::max(ages, 0.0);
      older.count = static_cast<double>(counts.periods[static_cast<std::size_t>(s)] - counts.buys(s));
      state.outcomes.push_back(older);
      pseudo.push_back(options.prior_strength * share[0]);
      prior.push_back(std::move(pseudo));
      for (ChainOutcome& outcome : state.outcomes)
        outcome.standard_error = std::sqrt(outcome.probability * (1 - outcome.probability) / (weight + 1));
      chain.states.push_back(std::move(state));
      report.periods.push_back(static_cast<double>(counts.periods[static_cast<std::size_t>(s)]));
    }
  }
  return prior;
}

[[noreturn]] void refuse(const std::string& has, const std::string& needs, const std::string& remedy) {
  throw ModelError(fmt::format("the log is too thin to fit a migration chain: it has {}, and a fit needs {}; {}", has,
                               needs, remedy));
}

void require_length(const StoreInfo& info, int n_periods) {
  if (n_periods < min_observed_periods)
    refuse(fmt::format("{} {} of observation ({} to {})", n_periods, name_of(info.unit), to_string(info.first_day),
                       to_string(info.observation_end)),
           fmt::format("at least {}", min_observed_periods),
           "import a longer log, a later --observation-end or a shorter --unit");
}

void require_counts(const TransitionCounts& counts) {
  if (counts.n_customers < min_customers)
    refuse(fmt::format("{} customers with a purchase", counts.n_customers), fmt::format("at least {}", min_customers),
           "import more customers");
  std::int64_t buying = 0;
  for (int s = 0; s < counts.n_states(); ++s) buying += counts.buys(s);
  if (buying < min_buying_periods)
    refuse(fmt::format("{} customer-periods with a purchase after the customer's first period", buying),
           fmt::format("at least {}", min_buying_periods),
           "import a longer log or more customers, or a shorter --unit where customers buy again within their first "
           "period");
}

void require_spend(const SpendMoments& moments) {
  if (moments.n_positive() == 0)
    refuse("no purchase with a positive amount", "spend to forecast", "check the amount column of the import");
  const std::int64_t repeats = moments.n_positive() - moments.n_customers();
  if (repeats < min_repeat_spend)
    refuse(fmt::format("{} positive purchases beyond the first of each customer", repeats),
           fmt::format("at least {} to tell customers that spend more from purchases that happen to be large",
                       min_repeat_spend),
           "import a longer log or more customers");
}

void add_notes(const TransitionCounts& counts, FitReport& report) {
  const int row = counts.cells.recency_cells + 1;
  int n_groups = 0;
  for (const int group : report.tie_group) n_groups = std::max(n_groups, group + 1);
  if (n_groups < counts.n_states())
    report.notes.push_back(fmt::format("{} states share {} sets of probabilities, because some recency cells are thin",
                                       counts.n_states(), n_groups));
  for (int c = 0; c < counts.n_classes(); ++c) {
    std::int64_t periods = 0;
    for (int s = c * row; s < (c + 1) * row; ++s) periods += counts.periods[static_cast<std::size_t>(s)];
    if (periods == 0)
      report.notes.push_back(
          fmt::format("the log has no customer-period with {}: these states behave as all customers do",
                      class_name(counts.cells, c)));
    else if (counts.periods[static_cast<std::size_t>((c + 1) * row - 1)] == 0)
      report.notes.push_back(
          fmt::format("the log shows no customer with {} that has lapsed: reactivation is that of the cells before it",
                      class_name(counts.cells, c)));
  }
  if (counts.n_without_purchase > 0)
    report.notes.push_back(
        fmt::format("{} customers have refunds alone: their refunds count, they have no customer-periods, and a "
                    "simulation starts them lapsed, in the class of the fewest purchases",
                    with_separators(counts.n_without_purchase)));
  if (counts.crowded_periods > 0)
    report.notes.push_back(fmt::format("{} customer-periods have more than {} purchases and count as {}",
                                       with_separators(counts.crowded_periods), TransitionCounts::max_purchases,
                                       TransitionCounts::max_purchases));
}

// Of the transitions. Customers' rows add up, so that a segment's own take the place of those of all.
double log_likelihood_of(const FitReport& report) {
  double sum = report.logit ? report.logit->log_likelihood : 0;
  for (const ChainState& state : report.chain.states) {
    double buys = 0;
    for (const ChainOutcome& outcome : state.outcomes) buys += outcome.purchase ? outcome.probability : 0;
    for (const ChainOutcome& outcome : state.outcomes) {
      if (outcome.count == 0 || !report.rows.empty()) continue;
      // Whether there is a purchase is the logit's.
      if (!report.logit) sum += outcome.count * std::log(outcome.probability);
      if (report.logit && outcome.purchase) sum += outcome.count * std::log(outcome.probability / buys);
    }
  }
  for (const RowFit& row : report.rows) sum += row.log_likelihood;
  for (const RowsOfSegment& segment : report.segments) sum += segment.log_likelihood - segment.log_likelihood_of_all;
  return sum;
}

}  // namespace

FitReport fit_batches(const StoreInfo& info, const BatchSource& source, const FitOptions& options) {
  check_options(options);
  check(options.covariates, info.unit);
  if (options.heterogeneity && options.covariates.any())
    throw ConfigError(
        "--heterogeneity beside --season, --campaign or --segment-effects: a chain has customers that differ or "
        "covariates; leave one out");
  if (options.by_segment && options.covariates.any())
    throw ConfigError(
        "--by-segment beside --season, --campaign or --segment-effects: rows of segments and effects of covariates are "
        "not estimated together; leave one out");
  const PeriodGrid grid(info.observation_end, info.unit);
  const PeriodTable periods(info.first_day, grid);
  require_length(info, periods.n_periods());

  FitReport report;
  MigrationChain& chain = report.chain;
  chain.unit = info.unit;
  chain.currency = info.currency;
  chain.recency_frequency = options.states;
  chain.fitted_from_digest = info.content_digest;

  TransitionCounts counts(options.states);
  SpendMoments moments(counts.n_classes(), info.currency.decimals);
  MarginSums sums;
  source([&](const CustomerBatch& batch) {
    counts.add(batch, periods);
    moments.add(batch, chain);
    if (info.has_cost) sums.add(batch);
  });
  require_counts(counts);
  require_spend(moments);
  chain.n_customers = counts.n_customers;
  for (const std::int64_t n : counts.periods) chain.n_customer_periods += n;

  const std::vector<std::vector<double>> prior = estimate_transitions(counts, options, report);
  add_notes(counts, report);
  if (options.covariates.any()) {
    CovariateCounts by_covariate(options.covariates, info, options.states, report.tie_group, periods);
    source([&](const CustomerBatch& batch) { by_covariate.add(batch, periods); });
    estimate_covariates(by_covariate, options.prior_strength, report);
    constexpr std::int32_t two_years = 730;
    if (options.covariates.season != TransitionCovariates::Season::none &&
        info.observation_end.days - info.first_day.days + 1 < two_years)
      report.notes.emplace_back(
          "observation is shorter than two years: effects of seasons hold whatever else changed over it");
  }
  SpendTotals totals(moments.estimate(report.notes), info.currency.decimals);
  std::optional<RowCounts> rows;
  if (options.heterogeneity) rows.emplace(chain, report.tie_group);
  std::optional<SegmentRows> segments;
  if (options.by_segment) segments.emplace(info.segments, chain, report.tie_group);
  source([&](const CustomerBatch& batch) {
    totals.add(batch, chain);
    for (std::size_t i = 0; rows && i < batch.size(); ++i) rows->add(batch, i, periods);
    if (segments) segments->add(batch, periods);
  });
  if (rows) {
    report.rows = rows->estimate(prior, chain.states);
    const auto alike = std::count_if(report.rows.begin(), report.rows.end(),
                                     [](const RowFit& row) { return !row.concentration.has_value(); });
    if (alike > 0)
      report.notes.push_back(
          fmt::format("{} of {} rows have no concentration, as no differences between customers can be seen in them",
                      alike, report.rows.size()));
  }
  if (segments) segments->estimate(options, report);
  report.log_likelihood = log_likelihood_of(report);
  chain.spend = totals.finish();
  std::int64_t buying = 0;
  int most = 0;
  for (int k = 0; k < TransitionCounts::max_purchases; ++k) {
    const std::int64_t n = counts.purchases_in_period[static_cast<std::size_t>(k)];
    buying += n;
    if (n > 0) most = k;
  }
  for (int k = 0; k <= most; ++k)
    chain.spend->purchases_in_period.push_back(
        static_cast<double>(counts.purchases_in_period[static_cast<std::size_t>(k)]) / static_cast<double>(buying));
  chain.margin = sums.margin(report.notes);
  check(chain);
  return report;
}

}  // namespace clvsim
