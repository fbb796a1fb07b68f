#include "host/bench/statistics.hpp"

#include "kernels/rng/philox.hpp"

#include <algorithm>
#include <cmath>

namespace clvsim {
namespace {

// Medians of resamples of `samples`, with replacement. `stream` tells draws apart that must be independent.
std::vector<double> resampled_medians(const std::vector<double>& samples, std::uint32_t stream) {
  constexpr std::uint32_t n_resamples = 2000;
  constexpr std::uint64_t seed = 1;
  const auto n = static_cast<std::uint32_t>(samples.size());
  std::vector<double> medians(n_resamples), resample(n);
  for (std::uint32_t r = 0; r < n_resamples; ++r) {
    for (std::uint32_t i = 0; i < n; ++i) {
      const kernels::Words words = kernels::philox4x32_10({i / 4, r, stream, 0}, seed);
      resample[i] = samples[(static_cast<std::uint64_t>(kernels::word(words, i % 4)) * n) >> 32];
    }
    medians[r] = quantile(resample, 0.5);
  }
  return medians;
}

Interval central_95(const std::vector<double>& values) {
  constexpr double tail = 0.025;
  return {quantile(values, tail), quantile(values, 1 - tail)};
}

}  // namespace

double quantile(std::vector<double> values, double q) {
  std::sort(values.begin(), values.end());
  const double at = q * static_cast<double>(values.size() - 1);
  const auto low = static_cast<std::size_t>(at);
  const std::size_t high = std::min(low + 1, values.size() - 1);
  return values[low] + (at - static_cast<double>(low)) * (values[high] - values[low]);
}

SampleStatistics describe_samples(const std::vector<double>& samples) {
  constexpr double normal_mad = 1.4826;  // standard deviations of a normal variable in its median absolute deviation
  const auto n = static_cast<double>(samples.size());
  SampleStatistics result;
  result.median = quantile(samples, 0.5);
  result.p5 = quantile(samples, 0.05);
  result.p95 = quantile(samples, 0.95);
  for (const double x : samples) result.mean += x / n;
  double squares = 0;
  std::vector<double> deviations;
  for (const double x : samples) {
    squares += (x - result.mean) * (x - result.mean);
    deviations.push_back(std::abs(x - result.median));
  }
  if (n > 1) result.cv = std::sqrt(squares / (n - 1)) / result.mean;
  result.noise = normal_mad * quantile(deviations, 0.5) / result.median;
  return result;
}

Interval median_interval(const std::vector<double>& samples) { return central_95(resampled_medians(samples, 0)); }

Interval ratio_interval(const std::vector<double>& before, const std::vector<double>& now) {
  const std::vector<double> old_medians = resampled_medians(before, 1), new_medians = resampled_medians(now, 2);
  std::vector<double> ratios(old_medians.size());
  for (std::size_t i = 0; i < ratios.size(); ++i) ratios[i] = new_medians[i] / old_medians[i];
  return central_95(ratios);
}

std::string_view name_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::faster:
      return "faster";
    case Verdict::slower:
      return "slower";
    case Verdict::same:
      return "same";
    case Verdict::ambiguous:
      return "ambiguous";
  }
  return "";
}

RateChange compare_rates(const std::vector<double>& before, const std::vector<double>& now) {
  constexpr double smallest_change = 0.03;
  RateChange change;
  change.ratio = quantile(now, 0.5) / quantile(before, 0.5);
  change.interval = ratio_interval(before, now);
  const auto [low, high] = change.interval;
  if (low > 1 && change.ratio > 1 + smallest_change) {
    change.verdict = Verdict::faster;
  } else if (high < 1 && change.ratio < 1 - smallest_change) {
    change.verdict = Verdict::slower;
  } else if (low < 1 - smallest_change || high > 1 + smallest_change) {
    change.verdict = Verdict::ambiguous;
  }
  return change;
}

}  // namespace clvsim
