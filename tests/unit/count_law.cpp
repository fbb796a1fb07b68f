// Scores of laws that can be worked out by hand, of samples that follow their laws, and of samples that do not.
#include <clvsim/count_law.hpp>
#include <clvsim/error.hpp>

#include "tests/support/statistical.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace clvsim {
namespace {

constexpr double levels[] = {0.5, 0.8, 0.9};

TEST(CountLaw, OfOneCountIsScoredByTheDistance) {
  const CountLaw law({0, 0, 1});
  EXPECT_EQ(law.mean(), 2);
  EXPECT_EQ(law.variance(), 0);
  EXPECT_EQ(law.crps(0), 2);
  EXPECT_EQ(law.crps(1), 1);
  EXPECT_EQ(law.crps(2), 0);
  EXPECT_EQ(law.crps(5), 3);
  EXPECT_EQ(law.log_score(2), 0);
  EXPECT_TRUE(std::isinf(law.log_score(1)));
  EXPECT_TRUE(std::isinf(law.log_score(3)));
  EXPECT_TRUE(std::isinf(law.log_score(1000)));
  for (const double level : levels) {
    EXPECT_EQ(law.central(level), (CountInterval{2, 2}));
    EXPECT_NEAR(law.pit_share(2, level), level, 1e-15);
    EXPECT_EQ(law.pit_share(0, level), 0);  // P(Y <= 0) = 0: below the band
    EXPECT_EQ(law.pit_share(3, level), 0);
  }
}

TEST(CountLaw, OfTwoCountsIsScoredAsByHand) {
  const CountLaw law({0.25, 0.75});
  EXPECT_EQ(law.mean(), 0.75);
  EXPECT_EQ(law.variance(), 0.1875);
  EXPECT_EQ(law.crps(0), 0.5625);  // (0.25 - 1)^2
  EXPECT_EQ(law.crps(1), 0.0625);  // (0.25 - 0)^2
  EXPECT_EQ(law.crps(3), 2.0625);  // and 1 at 1 and at 2
  EXPECT_NEAR(law.log_score(0), std::log(4.0), 1e-15);
  EXPECT_NEAR(law.log_score(1), std::log(4.0 / 3), 1e-15);
  // The band is [0.1, 0.9]; PIT of 0 is uniform on [0, 0.25], of 1 on [0.25, 1].
  EXPECT_NEAR(law.pit_share(0, 0.8), 0.15 / 0.25, 1e-15);
  EXPECT_NEAR(law.pit_share(1, 0.8), 0.65 / 0.75, 1e-15);
  EXPECT_EQ(law.central(0.8), (CountInterval{0, 1}));
  EXPECT_EQ(law.central(0.5), (CountInterval{0, 1}));  // P(Y <= 0) is 0.25, which is the quantile's
  EXPECT_EQ(law.central(0.4), (CountInterval{1, 1}));
}

TEST(CountLaw, HasTheIntervalsThatItsSumsGive) {
  const CountLaw law({0.05, 0.45, 0.45, 0.05});
  EXPECT_EQ(law.central(0.8), (CountInterval{1, 2}));
  EXPECT_EQ(law.central(0.9), (CountInterval{0, 2}));  // sums of exactly 5 % and 95 % count
  EXPECT_EQ(law.central(0.95), (CountInterval{0, 3}));
  EXPECT_EQ(law.quantile(0), 0);
  EXPECT_EQ(law.quantile(1), 3);
  EXPECT_NEAR(law.cumulative(1), 0.5, 1e-15);
  EXPECT_EQ(law.cumulative(-1), 0);
  EXPECT_EQ(law.cumulative(99), 1);
  EXPECT_EQ(law.probability(99), 0);
}

TEST(CountLaw, RefusesWhatIsNoLaw) {
  EXPECT_THROW(CountLaw({}), ConfigError);
  EXPECT_THROW(CountLaw({0.5, 0.4}), ConfigError);
  EXPECT_THROW(CountLaw({1.5, -0.5}), ConfigError);
  EXPECT_THROW(CountLaw({std::nan(""), 1}), ConfigError);
}

std::vector<double> poisson(double mean) {
  std::vector<double> probability;
  double p = std::exp(-mean);
  for (int n = 0; n < 200; ++n) {
    probability.push_back(p);
    p *= mean / (n + 1);
  }
  return probability;
}

// Gneiting & Raftery 2007, equation 21: E|X - y| - E|X - X'| / 2.
TEST(CountLaw, CrpsIsTheKernelForm) {
  const std::vector<double> p = poisson(3.7);
  const CountLaw law(p);
  double among = 0;
  for (std::size_t i = 0; i < p.size(); ++i)
    for (std::size_t j = 0; j < p.size(); ++j)
      among += p[i] * p[j] * std::abs(static_cast<double>(i) - static_cast<double>(j));
  for (const int y : {0, 1, 4, 11, 60}) {
    double to = 0;
    for (std::size_t i = 0; i < p.size(); ++i) to += p[i] * std::abs(static_cast<double>(i) - y);
    EXPECT_NEAR(law.crps(y), to - among / 2, 1e-12) << y;
  }
}

// Whatever the law, its own counts have the nominal share in the band, and a closed interval at least.
TEST(CountLaw, ItsOwnCountsAreInTheBandAsOftenAsTheLevelSays) {
  for (const double mean : {0.05, 0.7, 3.0, 40.0}) {
    const CountLaw law(poisson(mean));
    for (const double level : levels) {
      double share = 0;
      for (int y = 0; y < 200; ++y) share += law.probability(y) * law.pit_share(y, level);
      EXPECT_NEAR(share, level, 1e-12) << mean;
      const CountInterval interval = law.central(level);
      EXPECT_GE(law.cumulative(interval.highest) - law.cumulative(interval.lowest - 1), level - 1e-12) << mean;
    }
  }
}

struct Sample {
  std::vector<double> crps, pit;  // by customer
};
// Counts of a mean that is gamma over customers, scored by `law_of(the mean's gamma draw)`.
template <class LawOf>
Sample score(const LawOf& law_of) {
  std::mt19937_64 random(20261126);
  Sample sample;
  for (int i = 0; i < 40000; ++i) {
    const double mean = std::gamma_distribution<double>(0.8, 2)(random);
    const int y = std::poisson_distribution<int>(mean)(random);
    const CountLaw law(law_of(mean));
    sample.crps.push_back(law.crps(y));
    sample.pit.push_back(law.pit_share(y, 0.8));
  }
  return sample;
}

// A band that holds 2 % more or less of the customers than it says is seen.
TEST(CountLaw, FindsTrueLawsCalibratedAndWrongOnesNot) {
  const Sample right = score([](double mean) { return poisson(mean); });
  EXPECT_TRUE(test::mean_agrees(right.pit, 0.8, 0.02));
  const Sample high = score([](double mean) { return poisson(2 * mean); });
  EXPECT_FALSE(test::mean_agrees(high.pit, 0.8, 0.02));
  // The right mean for all customers together, but not the spread: the marginal law is negative binomial.
  const Sample narrow = score([](double) { return poisson(1.6); });
  EXPECT_FALSE(test::mean_agrees(narrow.pit, 0.8, 0.02));
  // The score is proper: the true law has the lowest, by far more than its error.
  for (const Sample* wrong : {&high, &narrow}) {
    std::vector<double> excess;
    for (std::size_t i = 0; i < right.crps.size(); ++i) excess.push_back(wrong->crps[i] - right.crps[i]);
    EXPECT_FALSE(test::mean_agrees(excess, 0, 0.05));
    double mean = 0;
    for (const double e : excess) mean += e / static_cast<double>(excess.size());
    EXPECT_GT(mean, 0);
  }
}

TEST(NormalMixture, HasTheQuantilesAndMomentsOfItsParts) {
  const std::vector<NormalPart> one{{100, 25}};
  EXPECT_NEAR(quantile_of(one, 0.5), 100, 1e-9);
  EXPECT_NEAR(quantile_of(one, 0.95), 100 + 5 * 1.6448536269514722, 1e-9);
  EXPECT_NEAR(quantile_of(one, 0.05), 100 - 5 * 1.6448536269514722, 1e-9);
  // Far apart: each has half of the mass.
  const std::vector<NormalPart> two{{-50, 1}, {50, 4}};
  EXPECT_NEAR(quantile_of(two, 0.25), -50, 1e-9);
  EXPECT_NEAR(quantile_of(two, 0.75), 50, 1e-9);
  const NormalPart whole = moments_of(two);
  EXPECT_EQ(whole.mean, 0);
  EXPECT_EQ(whole.variance, 2.5 + 2500);
  const std::vector<NormalPart> certain{{7, 0}};
  EXPECT_NEAR(quantile_of(certain, 0.05), 7, 1e-12);
}

}  // namespace
}  // namespace clvsim
