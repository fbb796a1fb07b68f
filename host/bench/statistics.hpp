// Statistics of samples, and the comparison of two benchmarks.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace clvsim {

// The q-quantile of at least one value, q in [0, 1], between its neighbours by linear interpolation (Hyndman & Fan
// 1996, type 7).
[[nodiscard]] double quantile(std::vector<double> values, double q);

struct SampleStatistics {
  double median = 0, mean = 0, p5 = 0, p95 = 0;
  double cv = 0;     // standard deviation (n - 1) / mean; 0 of one sample
  double noise = 0;  // 1.4826 median |x - median| / median: as cv for normal samples, but blind to a few outliers
};
[[nodiscard]] SampleStatistics describe_samples(const std::vector<double>& samples);

// Above this noise a case is flagged "noisy".
inline constexpr double noise_limit = 0.02;

struct Interval {
  double low = 0, high = 0;
};
// 95 % percentile-bootstrap intervals (Efron 1979), 2,000 resamples drawn by Philox: the same samples give the same
// interval. Of the median:
[[nodiscard]] Interval median_interval(const std::vector<double>& samples);
// Of median(now) / median(before), resampled independently:
[[nodiscard]] Interval ratio_interval(const std::vector<double>& before, const std::vector<double>& now);

// A change counts from 3 % on. faster, slower: by more than that, and the interval excludes 1; same: the whole interval
// lies within 3 % of 1; ambiguous: anything else.
enum class Verdict : std::uint8_t { faster, slower, same, ambiguous };
[[nodiscard]] std::string_view name_of(Verdict verdict);

struct RateChange {
  double ratio = 1;  // median now / median before, of rates: above 1 is faster
  Interval interval;
  Verdict verdict = Verdict::same;
};
// At least one sample each, all positive.
[[nodiscard]] RateChange compare_rates(const std::vector<double>& before, const std::vector<double>& now);

}  // namespace clvsim
