// How much customers differ, from their counts: the likelihood is the Dirichlet-multinomial law's, its maximum is one,
// and what cannot be told is said.
#include "host/fit/dirichlet.hpp"
#include "host/fit/fit.hpp"
#include "host/fit/heterogeneity.hpp"
#include "tests/support/fit_log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>
#include <vector>

namespace clvsim {
namespace {

using Counts = std::vector<std::vector<std::uint32_t>>;  // [customers][outcomes]

DirichletCounts counted(const Counts& counts, std::size_t n_outcomes) {
  DirichletCounts all(n_outcomes);
  for (const auto& own : counts) all.add(own);
  return all;
}

std::vector<double> shares_of(const Counts& counts, const std::vector<double>& prior) {
  std::vector<double> p = prior;
  for (const auto& own : counts)
    for (std::size_t k = 0; k < p.size(); ++k) p[k] += own[k];
  const double all = std::accumulate(p.begin(), p.end(), 0.0);
  for (double& x : p) x /= all;
  return p;
}

// Of the sequences of outcomes, without the number of their orders; std's log-gamma.
double dirichlet_multinomial(const Counts& counts, const std::vector<double>& a) {
  double sum = 0;
  const double all = std::accumulate(a.begin(), a.end(), 0.0);
  for (const auto& own : counts) {
    double n = 0;
    for (std::size_t k = 0; k < a.size(); ++k) {
      sum += std::lgamma(a[k] + own[k]) - std::lgamma(a[k]);
      n += own[k];
    }
    sum += std::lgamma(all) - std::lgamma(all + n);
  }
  return sum;
}

// Customers with rows of their own; the random numbers are std's.
Counts drawn(const std::vector<double>& a, int n_customers, int most, std::uint64_t seed, bool alike = false) {
  std::mt19937_64 random(seed);
  Counts all;
  for (int i = 0; i < n_customers; ++i) {
    std::vector<double> row;
    for (const double x : a) row.push_back(alike ? x : std::gamma_distribution<double>(x, 1)(random));
    std::discrete_distribution<std::size_t> outcome(row.begin(), row.end());
    std::vector<std::uint32_t> own(a.size());
    const int n = static_cast<int>(random() % static_cast<unsigned>(most + 1));
    for (int j = 0; j < n; ++j) ++own[outcome(random)];
    all.push_back(own);
  }
  return all;
}

DirichletFit fitted(const Counts& counts, std::size_t n) {
  const std::vector<double> prior(n, 1.0 / static_cast<double>(n));
  return fit_dirichlet(counted(counts, n), shares_of(counts, prior), prior);
}

TEST(DirichletFit, IsTheMaximumOfTheDirichletMultinomialLikelihood) {
  for (const std::vector<double>& a :
       {std::vector<double>{0.3, 4}, std::vector<double>{2, 1, 0.5}, std::vector<double>{0.2, 0.2, 0.3, 0.4, 6}}) {
    const Counts counts = drawn(a, 500, 12, 7);
    const DirichletFit fit = fitted(counts, a.size());
    ASSERT_TRUE(fit.concentration) << fit.note;
    const auto at = [&](double factor, std::size_t moved, double by) {
      std::vector<double> b = fit.probabilities;
      for (double& x : b) x *= factor * *fit.concentration;
      if (moved < b.size()) b[moved] *= by;
      double prior = 0;  // of the mean row, one pseudo-period
      const double all = std::accumulate(b.begin(), b.end(), 0.0);
      for (const double x : b) prior += std::log(x / all) / static_cast<double>(b.size());
      return std::pair(dirichlet_multinomial(counts, b), dirichlet_multinomial(counts, b) + prior);
    };
    const auto [likelihood, best] = at(1, a.size(), 1);
    EXPECT_NEAR(fit.log_likelihood, likelihood, 1e-9 * std::abs(likelihood));
    for (const double by : {0.98, 1.02}) {
      EXPECT_LT(at(by, a.size(), 1).second, best);
      for (std::size_t k = 0; k < a.size(); ++k) EXPECT_LT(at(1, k, by).second, best);
    }
    EXPECT_GT(fit.log_likelihood, fit.log_likelihood_alike);
    EXPECT_NEAR(std::accumulate(fit.probabilities.begin(), fit.probabilities.end(), 0.0), 1, 1e-12);
  }
}

TEST(DirichletFit, FindsWhatCustomersWereDrawnFrom) {
  for (const std::vector<double>& a :
       {std::vector<double>{0.3, 4}, std::vector<double>{2, 1, 0.5}, std::vector<double>{20, 10}}) {
    const double all = std::accumulate(a.begin(), a.end(), 0.0);
    for (const std::uint64_t seed : {1, 2, 3}) {
      const DirichletFit fit = fitted(drawn(a, 20000, 15, seed), a.size());
      ASSERT_TRUE(fit.concentration) << fit.note;
      EXPECT_NEAR(*fit.concentration, all, 4 * fit.concentration_error);
      EXPECT_LT(fit.concentration_error, 0.15 * all);
      for (std::size_t k = 0; k < a.size(); ++k)
        EXPECT_NEAR(fit.probabilities[k], a[k] / all, 4 * fit.standard_errors[k]);
    }
  }
}

// The errors are those of many logs: their mean square is the spread of the estimates.
TEST(DirichletFit, StandardErrorsAreTheSpreadOfTheEstimates) {
  constexpr int n_logs = 200;
  double sum = 0, squares = 0, error = 0;
  for (int i = 0; i < n_logs; ++i) {
    const DirichletFit fit = fitted(drawn({1, 3}, 1000, 10, 100 + static_cast<std::uint64_t>(i)), 2);
    ASSERT_TRUE(fit.concentration) << fit.note;
    const double log = std::log(*fit.concentration);
    sum += log;
    squares += log * log;
    error += std::pow(fit.concentration_error / *fit.concentration, 2) / n_logs;
  }
  const double variance = squares / n_logs - sum / n_logs * sum / n_logs;
  EXPECT_NEAR(variance / error, 1, 4 * std::sqrt(2.0 / n_logs));
}

TEST(DirichletFit, LikelihoodOfGivenRows) {
  const std::vector<double> p{0.2, 0.5, 0.3};
  const Counts counts = drawn({2, 5, 3}, 400, 9, 12);
  const DirichletCounts all = counted(counts, 3);
  for (const double concentration : {0.4, 10.0, 3000.0})
    EXPECT_NEAR(dirichlet_log_likelihood(all, p, concentration),
                dirichlet_multinomial(counts, {concentration * p[0], concentration * p[1], concentration * p[2]}),
                1e-7);
  double alike = 0;
  for (const auto& own : counts)
    for (std::size_t k = 0; k < p.size(); ++k) alike += own[k] * std::log(p[k]);
  EXPECT_NEAR(dirichlet_log_likelihood(all, p, {}), alike, 1e-7);
}

// Of customers that are alike the maximum lies at the end every second time, and far out otherwise.
TEST(DirichletFit, CustomersThatAreAlikeHaveNoConcentrationOrALargeOne) {
  int none = 0;
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    const Counts counts = drawn({1, 4}, 2000, 10, 500 + seed, true);
    const DirichletFit fit = fitted(counts, 2);
    none += fit.concentration ? 0 : 1;
    if (fit.concentration) {
      EXPECT_GT(*fit.concentration, 50);
      EXPECT_TRUE(std::isfinite(fit.concentration_error));
    } else {
      EXPECT_EQ(fit.note, "customers are alike");
      EXPECT_EQ(fit.log_likelihood, fit.log_likelihood_alike);
    }
  }
  EXPECT_GT(none, 8);
  EXPECT_LT(none, 32);
}

TEST(DirichletFit, WhatCannotBeToldIsSaid) {
  const auto note_of = [](const Counts& counts) {
    const DirichletFit fit = fitted(counts, 2);
    EXPECT_FALSE(fit.concentration);
    EXPECT_TRUE(std::isfinite(fit.log_likelihood));
    return fit.note;
  };
  EXPECT_THAT(note_of({}), testing::HasSubstr("was there twice"));
  EXPECT_THAT(note_of({{0, 0}, {0, 0}}), testing::HasSubstr("was there twice"));
  EXPECT_THAT(note_of({{1, 0}, {0, 1}, {0, 1}}), testing::HasSubstr("was there twice"));
  EXPECT_THAT(note_of({{3, 0}, {0, 7}, {0, 65535}}), testing::HasSubstr("two different things"));
  EXPECT_THAT(note_of({{0, 9}, {0, 70}}), testing::HasSubstr("two different things"));
  // Nearly nothing, and far too much: an answer or a note, never a number that is none.
  for (const Counts& counts : {Counts{{1, 1}}, Counts{{2, 1}, {0, 3}}, Counts{{1, 60000}, {60000, 1}},
                               Counts{{30000, 30000}, {1, 0}}, Counts{{1, 65000}, {0, 2}, {0, 1}}}) {
    const DirichletFit fit = fitted(counts, 2);
    EXPECT_TRUE(std::isfinite(fit.log_likelihood));
    EXPECT_EQ(fit.concentration.has_value(), fit.note.empty());
    if (!fit.concentration) continue;
    EXPECT_TRUE(std::isfinite(*fit.concentration) && std::isfinite(fit.concentration_error));
    for (const double p : fit.probabilities) EXPECT_TRUE(p > 0 && p < 1);
  }
}

// What customers did, row by row; states of a tie group share a row.
TEST(RowCounts, EachCustomersTransitionsAreCountedInItsRows) {
  FitOptions options;
  options.states = {2, {1, 3}};
  options.min_periods = 0;
  options.heterogeneity = true;
  // Weeks that end on a Sunday; buys every week, every third week, once, and never again.
  std::vector<test::Rows> log;
  const Date end = make_date(2024, 6, 30);
  for (int i = 0; i < 60; ++i) {
    test::Rows rows;
    const int step = i % 3 == 0 ? 7 : i % 3 == 1 ? 21 : 700;
    for (int day = end.days - 7 * (18 + i % 4); day <= end.days; day += step + (i * 5 + day) % 8)
      rows.push_back({day, 1000 + i});
    log.push_back(rows);
  }
  const CustomerBatch batch = test::batch_of(log, end);
  const StoreInfo info = test::info_of(batch, end, PeriodUnit::week);
  const FitReport report = fit_batches(
      info, [&](const BatchSink& sink) { sink(batch); }, options);
  ASSERT_FALSE(report.rows.empty());
  double differ = 0;
  for (const RowFit& row : report.rows) {
    const ChainState& state = report.chain.states[static_cast<std::size_t>(row.state)];
    EXPECT_EQ(row.concentration, state.concentration);
    EXPECT_LE(row.n_twice, row.n_customers);
    EXPECT_EQ(row.concentration.has_value(), row.note.empty());
    differ += row.concentration ? 1 : 0;
  }
  EXPECT_GT(differ, 0);
  for (std::size_t s = 0; s < report.chain.states.size(); ++s) {
    const auto first = std::find(report.tie_group.begin(), report.tie_group.end(), report.tie_group[s]);
    const bool own = first == report.tie_group.begin() + static_cast<std::ptrdiff_t>(s);
    const ChainState& state = report.chain.states[s];
    EXPECT_EQ(state.row_of, own || !state.concentration ? -1 : static_cast<int>(first - report.tie_group.begin()));
  }
  options.heterogeneity = false;
  const FitReport alike = fit_batches(
      info, [&](const BatchSink& sink) { sink(batch); }, options);
  EXPECT_TRUE(alike.rows.empty());
  EXPECT_FALSE(has_heterogeneity(alike.chain));
}

}  // namespace
}  // namespace clvsim
