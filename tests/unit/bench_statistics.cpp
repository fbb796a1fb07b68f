// Statistics of benchmark samples, and when a change of a rate is one.
#include "host/bench/cases.hpp"
#include "host/bench/statistics.hpp"

#include <clvsim/error.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <set>

namespace clvsim::test {
namespace {

TEST(BenchStatistics, QuantilesInterpolate) {
  EXPECT_EQ(quantile({7}, 0.05), 7);
  EXPECT_EQ(quantile({3, 1, 2}, 0.5), 2);
  EXPECT_EQ(quantile({4, 1, 3, 2}, 0.5), 2.5);
  EXPECT_DOUBLE_EQ(quantile({0, 10}, 0.95), 9.5);
  EXPECT_EQ(quantile({5, 1, 9}, 1), 9);
}

TEST(BenchStatistics, DescribesSamples) {
  const SampleStatistics s = describe_samples({10, 11, 9, 10, 30});
  EXPECT_EQ(s.median, 10);
  EXPECT_EQ(s.mean, 14);
  EXPECT_DOUBLE_EQ(s.cv, std::sqrt((16.0 + 9 + 25 + 16 + 256) / 4) / 14);
  // One outlier of five: deviations 0, 1, 1, 0, 20, whose median is 1.
  EXPECT_DOUBLE_EQ(s.noise, 1.4826 * 1 / 10);
  EXPECT_EQ(describe_samples({5}).cv, 0);
  EXPECT_EQ(describe_samples({5, 5, 5}).noise, 0);
}

TEST(BenchStatistics, IntervalsAreTheSameEachTime) {
  const std::vector<double> samples{3, 1, 4, 1.5, 9, 2.6, 5, 3.5, 8, 9.5, 7};
  const Interval first = median_interval(samples), second = median_interval(samples);
  EXPECT_EQ(first.low, second.low);
  EXPECT_EQ(first.high, second.high);
  EXPECT_LT(first.low, quantile(samples, 0.5));
  EXPECT_GT(first.high, quantile(samples, 0.5));
}

// The median of a resample of n = 5 is its third value: at most the k-th order statistic with the probability that at
// least 3 of 5 draws are. P(median = smallest) = P(Bin(5, 1/5) >= 3) = 0.058 > 0.025, so that the interval reaches the
// ends; of 11 values P(median <= 2nd) = P(Bin(11, 2/11) >= 6) = 0.0074 and P(median <= 3rd) = 0.047: the interval is
// [3rd, 9th].
TEST(BenchStatistics, IntervalOfTheMedianIsTheBootstraps) {
  const Interval five = median_interval({5, 3, 1, 4, 2});
  EXPECT_EQ(five.low, 1);
  EXPECT_EQ(five.high, 5);
  const Interval eleven = median_interval({11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1});
  EXPECT_EQ(eleven.low, 3);
  EXPECT_EQ(eleven.high, 9);
}

TEST(BenchStatistics, VerdictsNeedSizeAndCertainty) {
  const std::vector<double> steady{100, 100.1, 99.9, 100, 100.2, 99.8, 100};
  const auto scaled = [](std::vector<double> values, double factor) {
    for (double& v : values) v *= factor;
    return values;
  };
  EXPECT_EQ(compare_rates(steady, steady).verdict, Verdict::same);
  EXPECT_EQ(compare_rates(steady, scaled(steady, 1.02)).verdict, Verdict::same);  // certain, but too small
  EXPECT_EQ(compare_rates(steady, scaled(steady, 1.05)).verdict, Verdict::faster);
  EXPECT_EQ(compare_rates(steady, scaled(steady, 0.95)).verdict, Verdict::slower);
  EXPECT_NEAR(compare_rates(steady, scaled(steady, 0.95)).ratio, 0.95, 1e-12);
  const std::vector<double> wild{60, 140, 80, 130, 95, 70, 120};
  EXPECT_EQ(compare_rates(steady, wild).verdict, Verdict::ambiguous);
  const RateChange change = compare_rates(wild, steady);
  EXPECT_LT(change.interval.low, change.ratio);
  EXPECT_GT(change.interval.high, change.ratio);
}

// What stands between a wrong result and a printed speed.
TEST(BenchCases, AWrongMeanIsRefused) {
  EXPECT_NO_THROW(check_mean("chain", 10.39, 0.1, 10));
  EXPECT_THROW(check_mean("chain", 10.41, 0.1, 10), ModelError);
  EXPECT_THROW(check_mean("chain", 9.59, 0.1, 10), ModelError);
  EXPECT_THROW(check_mean("chain", std::nan(""), 0.1, 10), ModelError);
}

TEST(BenchCases, NamesAreUniqueAndLimitsExist) {
  std::set<std::string> names;
  const PlannedCases cases = planned_cases({});
  for (const PlannedCase& planned : cases) EXPECT_TRUE(names.insert(planned.result.name).second) << planned.result.name;
  for (const PlannedCase& planned : cases) {
    for (const LimitingWork& part : planned.result.limit) EXPECT_TRUE(names.contains(part.ceiling)) << part.ceiling;
    EXPECT_TRUE(planned.result.baseline.empty() || names.contains(planned.result.baseline)) << planned.result.name;
  }
}

}  // namespace
}  // namespace clvsim::test
