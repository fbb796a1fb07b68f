// The fit on logs small enough to count by hand, and everything it refuses.
#include "host/fit/fit.hpp"
#include "host/fit/spend.hpp"
#include "host/fit/transitions.hpp"
#include "tests/support/fit_log.hpp"

#include <clvsim/error.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

namespace clvsim {
namespace {

using test::Rows;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr Date end{70};  // weeks end on days 70, 63, 56, ...

// The first day of the week that is `ago` weeks before the last one.
std::int32_t week(int ago) { return end.days - 7 * ago - 6; }

FitReport fit(const std::vector<Rows>& customers, const FitOptions& options = {}) {
  const CustomerBatch batch = test::batch_of(customers, end);
  return fit_batches(
      test::info_of(batch, end, PeriodUnit::week), [&](const BatchSink& sink) { sink(batch); }, options);
}

TransitionCounts count(const std::vector<Rows>& customers, const RecencyFrequency& cells) {
  const CustomerBatch batch = test::batch_of(customers, end);
  const StoreInfo info = test::info_of(batch, end, PeriodUnit::week);
  TransitionCounts counts(cells);
  counts.add(batch, PeriodTable(info.first_day, PeriodGrid(end, PeriodUnit::week)));
  return counts;
}

TEST(PeriodTable, AgreesWithTheGridForEveryUnitAndEnd) {
  for (const PeriodUnit unit : {PeriodUnit::day, PeriodUnit::week, PeriodUnit::month, PeriodUnit::year}) {
    for (const Date last :
         {make_date(2024, 2, 29), make_date(2023, 2, 28), make_date(2024, 1, 30), make_date(2024, 5, 31)}) {
      const PeriodGrid grid(last, unit);
      const Date first{last.days - 1500};
      const PeriodTable table(first, grid);
      for (std::int32_t day = first.days; day <= last.days; ++day)
        ASSERT_EQ(table.periods_ago(day), grid.periods_ago(Date{day})) << name_of(unit) << to_string(last) << day;
      EXPECT_EQ(table.n_periods(), grid.periods_ago(first) + 1);
    }
  }
}

// Two cells and a lapsed one: states 0 1 2 (one-time) and 3 4 5 (repeat).
TEST(Transitions, CountedByHand) {
  const TransitionCounts counts = count(
      {
          {{week(0), 100}},                                  // no period after the first
          {{week(3), 100}},                                  // ages through 0, 1, lapsed
          {{week(5), 100}, {week(4), 100}, {week(1), 100}},  // 0 buys; repeat: ages 3, ages 4, lapsed 5 buys; ages 3
          {{week(2), 100}, {week(2) + 3, 100}},              // two days in the first week: repeat at once; ages 3, 4
          {{week(2), 100}, {week(2), 100}},                  // the same day twice: one-time; ages 0, 1
          {{week(1), 100}, {week(0), -50}},                  // a refund does not buy; ages 0
          {{week(1), 100}, {week(0), 0}, {week(0) + 1, 5}},  // a purchase of 0 buys; two purchases in the period
          {{week(4), -5}},                                   // refunds alone: not a customer of the chain
      },
      {2, {1, 2}});
  EXPECT_EQ(counts.n_customers, 7);
  //                         0: c1 c2 c4 c5 c6; 1: c1 c4; 2: c1; 3: c2 c2 c3; 4: c2 c3; 5: c2
  EXPECT_THAT(counts.periods, ElementsAre(5, 2, 1, 3, 2, 1));
  EXPECT_THAT(counts.buys_to, ElementsAre(0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1));
  EXPECT_EQ(counts.buys(0), 2);
  EXPECT_EQ(counts.buys(5), 1);
  EXPECT_EQ(counts.purchases_in_period[0], 2);
  EXPECT_EQ(counts.purchases_in_period[1], 1);
}

TEST(Transitions, SeveralClassesStayAndMoveUp) {
  // classes 1, 2-3, 4+; one cell and a lapsed one: states 0 1 | 2 3 | 4 5
  const TransitionCounts counts = count(
      {
          {{week(4), 1}, {week(3), 1}, {week(2), 1}, {week(1), 1}, {week(0), 1}},  // 1 -> 2 -> 3 -> 4 -> 5 days
          {{week(1), 1}, {week(0), 1}, {week(0) + 1, 1}, {week(0) + 2, 1}},        // 1 -> 4 days: skips a class
      },
      {1, {1, 2, 4}});
  EXPECT_THAT(counts.periods, ElementsAre(2, 0, 2, 0, 1, 0));
  EXPECT_EQ(counts.buys_to[0 * 3 + 1], 1);
  EXPECT_EQ(counts.buys_to[0 * 3 + 2], 1);
  EXPECT_EQ(counts.buys_to[2 * 3 + 1], 1);
  EXPECT_EQ(counts.buys_to[2 * 3 + 2], 1);
  EXPECT_EQ(counts.buys_to[4 * 3 + 2], 1);
}

TEST(Transitions, PeriodsAreConserved) {
  // Every period after a customer's first is counted once, whatever happens in it.
  std::vector<Rows> customers;
  std::int64_t expected = 0;
  for (int i = 0; i < 200; ++i) {
    Rows rows;
    const int first = i % 10;
    for (int ago = first; ago >= 0; --ago)
      if (ago == first || (i * 7 + ago * 5) % 3 == 0) rows.emplace_back(week(ago) + i % 7, 100);
    customers.push_back(rows);
    expected += first;
  }
  for (const int cells : {1, 3, 20}) {
    const TransitionCounts counts = count(customers, {cells, {1, 2, 3}});
    EXPECT_EQ(std::accumulate(counts.periods.begin(), counts.periods.end(), std::int64_t{0}), expected);
  }
}

// 40 customers of 10 weeks, a few patterns of purchases and amounts.
std::vector<Rows> small_log() {
  std::vector<Rows> customers;
  for (int i = 0; i < 40; ++i) {
    Rows rows{{week(9), 1000 + 100 * (i % 7)}};
    for (int ago = 8; ago >= 0; --ago)
      if ((i + ago) % (2 + i % 5) == 0) rows.emplace_back(week(ago), 800 + 150 * ((i * 3 + ago) % 9) + 300 * (i % 4));
    customers.push_back(rows);
  }
  return customers;
}

TEST(Fit, ProbabilitiesAreTheDirichletPosterior) {
  FitOptions options;
  options.states = {2, {1, 2}};
  options.min_periods = 0;
  options.prior_strength = 2;
  const std::vector<Rows> log = small_log();
  const FitReport report = fit(log, options);
  const TransitionCounts counts = count(log, options.states);
  double all = 0, all_buys = 0, own = 0, own_buys = 0;
  for (int s = 0; s < 6; ++s) {
    all += static_cast<double>(counts.periods[static_cast<std::size_t>(s)]);
    all_buys += static_cast<double>(counts.buys(s));
    if (s < 3) own += static_cast<double>(counts.periods[static_cast<std::size_t>(s)]);
    if (s < 3) own_buys += static_cast<double>(counts.buys(s));
  }
  const double share = (own_buys + (all_buys + 0.5) / (all + 1)) / (own + 1);
  for (int s = 0; s < 3; ++s) {
    const double n = static_cast<double>(counts.periods[static_cast<std::size_t>(s)]);
    const ChainState& state = report.chain.states[static_cast<std::size_t>(s)];
    const double p = (static_cast<double>(counts.buys(s)) + 2 * share) / (n + 2);
    ASSERT_EQ(state.outcomes.size(), 2u);
    EXPECT_EQ(state.outcomes[0].to, 3);
    EXPECT_TRUE(state.outcomes[0].purchase);
    EXPECT_NEAR(state.outcomes[0].probability, p, 1e-12);
    EXPECT_NEAR(state.outcomes[0].standard_error, std::sqrt(p * (1 - p) / (n + 3)), 1e-12);
    EXPECT_EQ(state.outcomes[0].count, static_cast<double>(counts.buys(s)));
    EXPECT_EQ(state.outcomes[1].to, std::min(s + 1, 2));
    EXPECT_EQ(state.outcomes[1].count, n - static_cast<double>(counts.buys(s)));
    EXPECT_FALSE(state.outcomes[1].purchase);
    EXPECT_EQ(state.active, s < 2);
  }
  EXPECT_EQ(report.chain.states[0].name, "1 purchase, recency 0");
  EXPECT_EQ(report.chain.states[5].name, "2+ purchases, lapsed");
  EXPECT_EQ(report.chain.states[5].outcomes[1].to, 5);
  EXPECT_EQ(report.chain.n_customer_periods, static_cast<std::int64_t>(all));
  for (const ChainState& state : report.chain.states)
    for (const ChainOutcome& outcome : state.outcomes) {
      EXPECT_GT(outcome.probability, 0);
      EXPECT_LT(outcome.probability, 1);
    }
}

TEST(Fit, ThinCellsShareTheirProbabilities) {
  FitOptions options;
  options.states = {8, {1, 2}};
  options.min_periods = 60;
  const FitReport report = fit(small_log(), options);
  const int row = 9;
  for (int c = 0; c < 2; ++c) {
    double of_class = 0;
    for (int r = 0; r < row; ++r) of_class += report.periods[static_cast<std::size_t>(c * row + r)];
    for (int r = 0; r < row; ++r) {
      const auto s = static_cast<std::size_t>(c * row + r);
      double at_risk = 0;
      for (std::size_t other = 0; other < report.periods.size(); ++other)
        if (report.tie_group[other] == report.tie_group[s]) at_risk += report.periods[other];
      EXPECT_TRUE(at_risk >= 60 || at_risk == of_class) << s;
      if (r == 0) continue;
      EXPECT_THAT(report.tie_group[s] - report.tie_group[s - 1], testing::AnyOf(0, 1));
      if (report.tie_group[s] == report.tie_group[s - 1]) {
        EXPECT_EQ(report.chain.states[s].outcomes[0].probability, report.chain.states[s - 1].outcomes[0].probability);
      }
    }
    if (c > 0) {
      EXPECT_NE(report.tie_group[static_cast<std::size_t>(row)], report.tie_group[static_cast<std::size_t>(row) - 1]);
    }
  }
  EXPECT_THAT(report.notes, testing::Contains(HasSubstr("share")));
}

TEST(Fit, CustomersWithRefundsAloneAreNotedAndStartLapsed) {
  std::vector<Rows> customers = small_log();
  const FitReport without = fit(customers);
  EXPECT_THAT(without.notes, testing::Not(testing::Contains(HasSubstr("refunds alone"))));
  for (int i = 0; i < 3; ++i) customers.push_back({{week(0), -500}});
  const FitReport report = fit(customers);
  EXPECT_THAT(report.notes, testing::Contains(HasSubstr("3 customers have refunds alone")));
  EXPECT_EQ(report.periods, without.periods);
  EXPECT_EQ(report.chain.n_customers, without.chain.n_customers);
  EXPECT_GT(report.chain.spend->refund_rate, without.chain.spend->refund_rate);
  const CustomerBatch batch = test::batch_of(customers, end);
  const int state = report.chain.state_of(batch, customers.size() - 1, PeriodGrid(end, PeriodUnit::week));
  EXPECT_EQ(state, report.chain.recency_frequency->recency_cells);
  EXPECT_FALSE(report.chain.states[static_cast<std::size_t>(state)].active);
}

TEST(Fit, MoreThanTwoClassesHaveTheirOutcomes) {
  FitOptions options;
  options.states = {1, {1, 2, 4}};
  options.min_periods = 1;
  const FitReport report = fit(small_log(), options);
  ASSERT_EQ(report.chain.states.size(), 6u);
  EXPECT_EQ(report.chain.states[0].name, "1 purchase, recency 0");
  EXPECT_EQ(report.chain.states[2].name, "2-3 purchases, recency 0");
  const auto destinations = [&](std::size_t s) {
    std::vector<int> to;
    for (const ChainOutcome& outcome : report.chain.states[s].outcomes) to.push_back(outcome.to);
    return to;
  };
  EXPECT_THAT(destinations(0), ElementsAre(2, 1));     // one more day is 2; ages
  EXPECT_THAT(destinations(2), ElementsAre(2, 4, 3));  // stays with 3, moves up to 4
  EXPECT_THAT(destinations(4), ElementsAre(4, 5));
}

TEST(Spend, RandomEffectsAgreeWithABalancedTable) {
  // Two purchases each: the textbook one-way analysis of variance.
  std::vector<Rows> customers;
  std::vector<std::array<double, 2>> y;
  for (int i = 0; i < 40; ++i) {
    const MinorUnits a = 1000 + 137 * (i % 11), b = 900 + 211 * (i % 7);
    customers.push_back({{week(9), a}, {week(i % 9), b}});
    y.push_back({std::log(static_cast<double>(a) / 100), std::log(static_cast<double>(b) / 100)});
  }
  double grand = 0, within = 0, between = 0;
  for (const auto& pair : y) grand += (pair[0] + pair[1]) / 80;
  for (const auto& pair : y) {
    const double mean = (pair[0] + pair[1]) / 2;
    within += (pair[0] - mean) * (pair[0] - mean) + (pair[1] - mean) * (pair[1] - mean);
    between += 2 * (mean - grand) * (mean - grand);
  }
  const double within_square = within / 40, between_square = (between / 39 - within_square) / 2;
  ASSERT_GT(between_square, 0);
  const FitReport report = fit(customers);
  const SpendModel& spend = *report.chain.spend;
  EXPECT_NEAR(spend.within_sd, std::sqrt(within_square), 1e-12);
  EXPECT_NEAR(spend.between_sd, std::sqrt(between_square), 1e-12);
  EXPECT_NEAR(spend.log_mean[1], grand, 1e-12);
  EXPECT_NEAR(spend.log_mean[0], grand, 1e-12);  // nobody is in the class of one: the level of all
  EXPECT_THAT(report.notes,
              testing::Contains(HasSubstr("frequency class 1 (at the end of observation) has a positive purchase")));
}

// What the simulation expects of the log's customers, one draw for each of their purchases, is what they spent.
TEST(Spend, SmearingMatchesTheObservedTotal) {
  std::vector<Rows> customers = small_log();
  customers[3].emplace_back(week(2), -700);
  customers[5].emplace_back(week(2), -90);
  customers[8].emplace_back(week(1), -1500);
  customers[9].emplace_back(week(1) + 1, 0);
  const FitReport report = fit(customers);
  const SpendModel& spend = *report.chain.spend;
  double spent = 0, refunded = 0, n_purchases = 0, expected = 0, expected_refunds = 0;
  for (const Rows& rows : customers) {
    double n = 0, sum = 0, all = 0;
    std::size_t days = 0;
    for (const auto& [day, amount] : rows) {
      if (amount < 0) refunded -= static_cast<double>(amount) / 100;
      if (amount < 0) continue;
      ++all;
      ++days;
      spent += static_cast<double>(amount) / 100;
      if (amount > 0) ++n;
      if (amount > 0) sum += std::log(static_cast<double>(amount) / 100);
    }
    n_purchases += all;
    const double t2 = spend.between_sd * spend.between_sd, s2 = spend.within_sd * spend.within_sd;
    const double precision = 1 / t2 + n / s2;
    const double mean = (spend.log_mean[days > 1 ? 1 : 0] / t2 + sum / s2) / precision;
    const double level = std::exp(mean + 0.5 / precision) * spend.smearing;
    expected += n * level * std::exp(0.5 * s2);
    expected_refunds += all * spend.refund_rate * level *
                        std::exp(spend.refund_log_shift + 0.5 * spend.refund_log_sd * spend.refund_log_sd);
  }
  EXPECT_NEAR(expected / spent, 1, 1e-9);
  EXPECT_NEAR(expected_refunds / refunded, 1, 1e-9);
  EXPECT_NEAR(spend.zero_share, 1 / n_purchases, 1e-15);
  EXPECT_NEAR(spend.refund_rate, 3 / n_purchases, 1e-15);
}

TEST(Fit, MarginIsWhatCostsLeave) {
  const std::vector<Rows> customers = small_log();
  CustomerBatch batch = test::batch_of(customers, end);
  for (const MinorUnits amount : batch.history.amount) batch.history.cost.push_back(amount / 4);
  StoreInfo info = test::info_of(batch, end, PeriodUnit::week);
  const auto source = [&](const BatchSink& sink) { sink(batch); };
  EXPECT_EQ(fit_batches(info, source, {}).chain.margin, std::nullopt);
  info.has_cost = true;
  EXPECT_NEAR(fit_batches(info, source, {}).chain.margin.value(), 0.75, 1e-3);
}

TEST(Fit, BatchesDoNotMatter) {
  const std::vector<Rows> customers = small_log();
  const CustomerBatch all = test::batch_of(customers, end);
  const StoreInfo info = test::info_of(all, end, PeriodUnit::week);
  const std::string whole = model_toml(fit_batches(info, [&](const BatchSink& sink) { sink(all); }, {}).chain);
  const auto in_pieces = [&](const BatchSink& sink) {
    for (std::size_t i = 0; i < customers.size(); i += 7)
      sink(test::batch_of({customers.begin() + static_cast<std::ptrdiff_t>(i),
                           customers.begin() + static_cast<std::ptrdiff_t>(std::min(i + 7, customers.size()))},
                          end));
  };
  EXPECT_EQ(model_toml(fit_batches(info, in_pieces, {}).chain), whole);
}

template <class Error>
std::string refusal(const std::vector<Rows>& customers, const FitOptions& options = {}) {
  try {
    (void)fit(customers, options);
  } catch (const Error& error) {
    return error.what();
  }
  return "accepted";
}

TEST(Fit, RefusesAThinLogWithNumbersAndARemedy) {
  const std::vector<Rows> log = small_log();
  EXPECT_THAT(refusal<ModelError>({log.begin(), log.begin() + 29}),
              HasSubstr("29 customers with a purchase, and a fit needs at least 30; import more"));
  std::vector<Rows> last_week, once, free, same_week;
  for (int i = 0; i < 50; ++i) {
    last_week.push_back({{week(0), 100}, {week(0) + 1, 100}});
    once.push_back({{week(i % 9), 100}});
    free.push_back({{week(9), 0}, {week(3), 0}});
    same_week.push_back({{week(9), 500}, {week(2), 0}});
  }
  EXPECT_THAT(refusal<ModelError>(last_week),
              HasSubstr("1 week of observation (1970-03-06 to 1970-03-12), and a fit needs at least 2"));
  EXPECT_THAT(refusal<ModelError>(once),
              HasSubstr("0 customer-periods with a purchase after the customer's first period"));
  EXPECT_THAT(refusal<ModelError>(free), HasSubstr("no purchase with a positive amount"));
  EXPECT_THAT(refusal<ModelError>(same_week), HasSubstr("0 positive purchases beyond the first of each customer"));
}

TEST(Fit, RefusesImpossibleOptions) {
  const std::vector<Rows> log = small_log();
  const auto with = [&](auto&& change) {
    FitOptions options;
    change(options);
    return refusal<ConfigError>(log, options);
  };
  EXPECT_THAT(with([](FitOptions& o) { o.prior_strength = 0; }), HasSubstr("prior strength is 0"));
  EXPECT_THAT(with([](FitOptions& o) { o.prior_strength = std::nan(""); }), HasSubstr("prior strength is nan"));
  EXPECT_THAT(with([](FitOptions& o) { o.min_periods = -1; }), HasSubstr("-1"));
  EXPECT_THAT(with([](FitOptions& o) { o.states.recency_cells = 0; }), HasSubstr("0 recency cells; give 1 to 255"));
  EXPECT_THAT(with([](FitOptions& o) { o.states.class_from = {2}; }), HasSubstr("do not ascend from 1"));
  EXPECT_THAT(with([](FitOptions& o) { o.states.recency_cells = 200; }), HasSubstr("402 states; give at most 256"));
}

// Customers that spend the same on every purchase tell no level apart, and no noise.
TEST(Fit, ConstantSpendIsNotABreakdown) {
  std::vector<Rows> customers;
  for (int i = 0; i < 40; ++i) customers.push_back({{week(9), 1999}, {week(i % 9), 1999}});
  const SpendModel spend = *fit(customers).chain.spend;
  EXPECT_NEAR(spend.between_sd, 0, 1e-6);
  EXPECT_NEAR(spend.within_sd, 0, 1e-6);
  EXPECT_NEAR(std::exp(spend.log_mean[1]) * spend.smearing, 19.99, 1e-9);
}

}  // namespace
}  // namespace clvsim
