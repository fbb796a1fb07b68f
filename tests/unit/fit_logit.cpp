// The logistic regression of purchases on covariates: its derivatives, tables with a closed form, a log of known
// effects, and everything it refuses.
#include "host/fit/covariate_fit.hpp"
#include "host/fit/logit.hpp"
#include "tests/support/fit_log.hpp"

#include <clvsim/error.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace clvsim {
namespace {

using testing::HasSubstr;

LogitData random_data(unsigned seed, std::size_t groups, std::size_t settings, std::size_t effects) {
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<double> uniform(0, 1);
  LogitData data;
  for (std::size_t c = 0; c < effects; ++c) data.covariates.push_back("c" + std::to_string(c));
  for (std::size_t m = 0; m < settings; ++m) {
    data.z.emplace_back();
    for (std::size_t c = 0; c < effects; ++c) data.z.back().push_back(random() % 3 == 0 ? 0 : uniform(random));
  }
  for (std::size_t i = 0; i < groups * settings; ++i) {
    data.periods.push_back(static_cast<double>(random() % 50));
    data.buys.push_back(std::floor(data.periods.back() * uniform(random)));
  }
  for (std::size_t g = 0; g < groups; ++g) {
    data.prior_buys.push_back(0.2 + 0.5 * uniform(random));
    data.prior_quiet.push_back(1 - data.prior_buys.back());
  }
  return data;
}

TEST(Logit, DerivativesAreThoseOfDifferences) {
  const LogitData data = random_data(1, 4, 9, 3);
  const std::vector<double> alpha{-1.5, 0.3, -3, 1}, beta{0.4, -0.9, 1.3};
  const LogitPoint point = logit_point(data, alpha, beta);
  constexpr double h = 1e-5;
  const auto moved = [&](std::size_t parameter, double by) {
    std::vector<double> a = alpha, b = beta;
    (parameter < 4 ? a[parameter] : b[parameter - 4]) += by;
    return logit_point(data, a, b);
  };
  for (std::size_t i = 0; i < 7; ++i) {
    const LogitPoint up = moved(i, h), down = moved(i, -h);
    const double gradient = i < 4 ? point.alpha_gradient[i] : point.beta_gradient[i - 4];
    EXPECT_NEAR(gradient, (up.value - down.value) / (2 * h), 1e-6) << i;
    for (std::size_t j = 0; j < 4; ++j) {
      const double curvature = -(up.alpha_gradient[j] - down.alpha_gradient[j]) / (2 * h);
      const double stated = i < 4 ? (i == j ? point.alpha_information[j] : 0) : point.cross[j * 3 + i - 4];
      EXPECT_NEAR(stated, curvature, 1e-6) << i << ' ' << j;
    }
    for (std::size_t j = 0; j < 3; ++j) {
      const double curvature = -(up.beta_gradient[j] - down.beta_gradient[j]) / (2 * h);
      const double stated = i < 4 ? point.cross[i * 3 + j] : point.beta_information(i - 4, j);
      EXPECT_NEAR(stated, curvature, 1e-6) << i << ' ' << j;
    }
  }
}

TEST(Logit, TheMaximumIsOne) {
  for (unsigned seed = 2; seed < 12; ++seed) {
    const LogitData data = random_data(seed, 5, 12, 4);
    const LogitMaximum maximum = fit_logit(data);
    for (const double g : maximum.point.alpha_gradient) EXPECT_NEAR(g, 0, 1e-4);
    for (const double g : maximum.point.beta_gradient) EXPECT_NEAR(g, 0, 1e-4);
    EXPECT_LE(maximum.decrement, 1e-10);
    EXPECT_GE(maximum.condition, 1);
    for (const double by : {-1e-2, 1e-2}) {
      for (std::size_t i = 0; i < 4; ++i) {
        std::vector<double> beta = maximum.beta;
        beta[i] += by;
        EXPECT_LT(logit_point(data, maximum.alpha, beta).value, maximum.point.value);
      }
    }
  }
}

// One group and one covariate of 0 or 1 is a table of two by two: the effect is the logarithm of its odds ratio, the
// variance the sum of the reciprocals (Woolf 1955). The prior adds its pseudo-periods to the row of 0.
TEST(Logit, ATwoByTwoTableHasAClosedForm) {
  LogitData data;
  data.covariates = {"sale"};
  data.z = {{0}, {1}};
  data.periods = {200, 80};
  data.buys = {30, 25};
  data.prior_buys = {0.25};
  data.prior_quiet = {0.75};
  const LogitMaximum maximum = fit_logit(data);
  EXPECT_NEAR(maximum.alpha[0], std::log(30.25 / 170.75), 1e-9);
  EXPECT_NEAR(maximum.beta[0], std::log(25.0 / 55) - std::log(30.25 / 170.75), 1e-9);
  EXPECT_NEAR(maximum.covariance(0, 0), 1 / 30.25 + 1 / 170.75 + 1 / 25.0 + 1 / 55.0, 1e-9);
  EXPECT_NEAR(maximum.alpha_variance[0], 1 / 30.25 + 1 / 170.75, 1e-9);
  EXPECT_NEAR(maximum.point.log_likelihood,
              30 * maximum.alpha[0] - 200 * std::log1p(std::exp(maximum.alpha[0])) + 25 * std::log(25.0 / 80) +
                  55 * std::log(55.0 / 80),
              1e-9);
}

TEST(Logit, CovariatesThatCoincideAreNamed) {
  LogitData data = random_data(3, 3, 8, 2);
  for (std::vector<double>& z : data.z) z[1] = 0.5 * z[0] + 0.25;  // a combination of the other and the intercepts
  try {
    (void)fit_logit(data);
    FAIL();
  } catch (const ModelError& error) {
    EXPECT_THAT(error.what(), HasSubstr("cannot tell the effect of 'c1'"));
  }
}

// A log of weeks: customers buy with chances that depend on the month, a campaign and the segment, whatever else.
struct KnownLog {
  static constexpr double base = -2, june = 0.7, sale = 0.9, gold = 0.5;
  Date end = make_date(2025, 12, 28);
  CustomerBatch batch;
  StoreInfo info;

  explicit KnownLog(int n_customers, int n_weeks = 104, unsigned seed = 7) {
    std::mt19937_64 random(seed);
    std::uniform_real_distribution<double> uniform(0, 1);
    const PeriodGrid grid(end, PeriodUnit::week);
    ChainCovariate summer, campaign;
    summer.months = {4, 5, 6};
    campaign.kind = ChainCovariate::Kind::campaign;
    campaign.windows = windows();
    std::vector<test::Rows> customers;
    for (int i = 0; i < n_customers; ++i) {
      test::Rows rows{{grid.end(-n_weeks).days + 1, 1000}};
      for (int ago = n_weeks - 2; ago >= 0; --ago) {
        const Date first{grid.end(-ago - 1).days + 1}, last = grid.end(-ago);
        const double x = base + june * covariate_share(summer, first, last) +
                         sale * covariate_share(campaign, first, last) + (i % 3 == 0 ? gold : 0);
        if (uniform(random) < 1 / (1 + std::exp(-x))) rows.emplace_back(first.days + 2, 900 + i % 7);
      }
      customers.push_back(rows);
    }
    batch = test::batch_of(customers, end);
    info = test::info_of(batch, end, PeriodUnit::week);
    info.segments = {"", "gold", "plain"};
    for (std::size_t i = 0; i < batch.size(); ++i) batch.segment[i] = i % 3 == 0 ? 1 : 2;
  }

  static std::vector<DateWindow> windows() {
    return {{make_date(2024, 3, 4), make_date(2024, 3, 24)},
            {make_date(2025, 9, 3), make_date(2025, 10, 1)},
            {make_date(2026, 9, 3), make_date(2026, 10, 1)}};
  }
  [[nodiscard]] FitReport fit(const TransitionCovariates& covariates) const {
    FitOptions options;
    options.states = {3, {1, 2}};
    options.covariates = covariates;
    return fit_batches(
        info, [&](const BatchSink& sink) { sink(batch); }, options);
  }
};

TransitionCovariates all_covariates() {
  TransitionCovariates covariates;
  covariates.season = TransitionCovariates::Season::quarter;
  covariates.campaigns = {{"sale", KnownLog::windows()}};
  covariates.segments = true;
  return covariates;
}

TEST(CovariateFit, RecoversTheEffectsOfALog) {
  const KnownLog log(600);
  const FitReport report = log.fit(all_covariates());
  const auto& covariates = report.chain.covariates;
  ASSERT_EQ(covariates.size(), 5U);  // quarters 2 to 4, the campaign, the segment
  const double truth[] = {KnownLog::june, 0, 0, KnownLog::sale, KnownLog::gold};
  for (std::size_t c = 0; c < 5; ++c) {
    const LogitEffect& effect = covariates[c].effects[0];
    EXPECT_LT(std::abs(effect.effect - truth[c]), 4 * effect.standard_error) << covariates[c].name;
    EXPECT_GT(effect.standard_error, 0.005);
    EXPECT_LT(effect.standard_error, 0.1);
  }
  EXPECT_EQ(covariates[0].name, "quarter 2");
  EXPECT_EQ(covariates[3].windows.size(), 3U) << "the window to come is kept";
  EXPECT_EQ(covariates[4].segment, "gold") << "plain is the largest, and what gold is compared with";
  // At zero of all covariates the chance is that of the base, in every state.
  for (const ChainState& state : report.chain.states) {
    const ChainOutcome& buys = state.outcomes[0];
    EXPECT_LT(std::abs(buys.probability - 1 / (1 + std::exp(-KnownLog::base))), 4.5 * buys.standard_error)
        << state.name;
  }
  const LogitFit& fit = *report.logit;
  EXPECT_GT(fit.log_likelihood, fit.without_covariates + 100);
  EXPECT_DOUBLE_EQ(fit.aic, 2 * fit.n_parameters - 2 * fit.log_likelihood);
  EXPECT_LT(fit.decrement, 1e-9);
  EXPECT_EQ(fit.covariance.size(), 25U);
}

// Over many logs the errors in units of their standard errors are standard normal: the sum of their squares is a
// chi-square of 300 degrees for the effects, and one of 60 for the campaign's alone; wrong standard errors by a quarter
// would be seen.
TEST(CovariateFit, StandardErrorsAreAsLargeAsTheErrors) {
  constexpr unsigned n_logs = 60;
  constexpr double limit = 4.5;
  const double truth[] = {KnownLog::june, 0, 0, KnownLog::sale, KnownLog::gold};
  double all = 0, of_campaign = 0, of_base = 0;
  int n_states = 0;
  for (unsigned seed = 100; seed < 100 + n_logs; ++seed) {
    const FitReport report = KnownLog(60, 104, seed).fit(all_covariates());
    for (std::size_t c = 0; c < 5; ++c) {
      const LogitEffect& effect = report.chain.covariates[c].effects[0];
      const double z = (effect.effect - truth[c]) / effect.standard_error;
      all += z * z;
      if (c == 3) of_campaign += z * z;
    }
    // The first state that buys again and again has the most data.
    const ChainOutcome& buys = report.chain.states[4].outcomes[0];
    const double z = (buys.probability - 1 / (1 + std::exp(-KnownLog::base))) / buys.standard_error;
    of_base += z * z;
    ++n_states;
  }
  EXPECT_NEAR(all, 5 * n_logs, limit * std::sqrt(2.0 * 5 * n_logs));
  EXPECT_NEAR(of_campaign, n_logs, limit * std::sqrt(2.0 * n_logs));
  EXPECT_NEAR(of_base, n_states, limit * std::sqrt(2.0 * n_states));
}

TEST(CovariateFit, WithoutCovariatesNothingChanges) {
  const KnownLog log(200);
  FitReport plain = log.fit({}), with = log.fit(all_covariates());
  EXPECT_FALSE(plain.logit.has_value());
  EXPECT_TRUE(plain.chain.covariates.empty());
  ASSERT_EQ(plain.chain.states.size(), with.chain.states.size());
  for (std::size_t s = 0; s < plain.chain.states.size(); ++s)
    EXPECT_EQ(plain.chain.states[s].outcomes[0].count, with.chain.states[s].outcomes[0].count);
  EXPECT_EQ(plain.tie_group, with.tie_group);
}

void expect_refused(const KnownLog& log, const TransitionCovariates& covariates, const std::string& words) {
  try {
    (void)log.fit(covariates);
    FAIL() << words;
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr(words));
  }
}

TEST(CovariateFit, ThinOrMissingCovariatesAreRefused) {
  const KnownLog log(100, 26);  // half a year
  TransitionCovariates covariates;
  covariates.season = TransitionCovariates::Season::month;
  expect_refused(log, covariates, "too thin for the effect of 'January'");
  covariates = {};
  covariates.campaigns = {{"to come", {{make_date(2026, 3, 1), make_date(2026, 3, 31)}}}};
  expect_refused(log, covariates, "too thin for the effect of 'to come'");
  covariates.campaigns = {{"always", {{make_date(2020, 1, 1), make_date(2026, 3, 31)}}}};
  expect_refused(log, covariates, "outside its days it has 0.0");
  covariates.campaigns = {{"one", {KnownLog::windows()[1]}}, {"two", {KnownLog::windows()[1]}}};
  expect_refused(log, covariates, "cannot tell the effect of 'two'");
  covariates.campaigns = {{"one", {KnownLog::windows()[1]}}, {"one", {KnownLog::windows()[1]}}};
  expect_refused(log, covariates, "name of another covariate");
  covariates = {};
  covariates.segments = true;
  KnownLog without = log;
  without.info.segments = {""};
  expect_refused(without, covariates, "the store has no segments");
  KnownLog yearly = log;
  yearly.info.unit = PeriodUnit::year;
  covariates = {};
  covariates.season = TransitionCovariates::Season::quarter;
  expect_refused(yearly, covariates, "years have the same seasons");
}

}  // namespace
}  // namespace clvsim
