#include <clvsim/count_law.hpp>

#include "host/math/special.hpp"

#include <clvsim/error.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace clvsim {
namespace {

double normal_below(double x, const NormalPart& part) {
  if (!(part.variance > 0)) return x < part.mean ? 0 : 1;
  return 0.5 * std::erfc((part.mean - x) / std::sqrt(2 * part.variance));
}

}  // namespace

CountLaw::CountLaw(std::vector<double> probability) : probability_(std::move(probability)) {
  constexpr double most_missing = 1e-9;
  CompensatedSum sum, mean;
  for (std::size_t n = 0; n < probability_.size(); ++n) {
    const double p = probability_[n];
    if (!(p >= 0 && std::isfinite(p)))
      throw ConfigError(fmt::format("the probability of {} in a law of counts is {}; give 0 or more", n, p));
    sum.add(p);
    mean.add(static_cast<double>(n) * p);
    cumulative_.push_back(std::min(sum.value(), 1.0));
  }
  if (!(std::abs(sum.value() - 1) <= most_missing))
    throw ConfigError(fmt::format("the probabilities of a law of counts add up to {}; give all of them", sum.value()));
  mean_ = mean.value();
  CompensatedSum variance;
  for (std::size_t n = 0; n < probability_.size(); ++n)
    variance.add(probability_[n] * (static_cast<double>(n) - mean_) * (static_cast<double>(n) - mean_));
  variance_ = variance.value();
}

double CountLaw::probability(int n) const {
  return n < 0 || static_cast<std::size_t>(n) >= size() ? 0 : probability_[static_cast<std::size_t>(n)];
}

double CountLaw::cumulative(int n) const {
  if (n < 0) return 0;
  return static_cast<std::size_t>(n) >= size() ? 1 : cumulative_[static_cast<std::size_t>(n)];
}

int CountLaw::quantile(double q) const {
  constexpr double rounding = 1e-12;
  const auto at = std::lower_bound(cumulative_.begin(), cumulative_.end(), q - rounding);
  return static_cast<int>(std::min(at - cumulative_.begin(), static_cast<std::ptrdiff_t>(size()) - 1));
}

CountInterval CountLaw::central(double level) const { return {quantile((1 - level) / 2), quantile((1 + level) / 2)}; }

double CountLaw::crps(int y) const {
  CompensatedSum sum;
  for (std::size_t n = 0; n < size(); ++n) {
    const double off = static_cast<int>(n) < y ? cumulative_[n] : 1 - cumulative_[n];
    sum.add(off * off);
  }
  return sum.value() + std::max(0, y - static_cast<int>(size()));  // beyond, P(Y <= n) is 1 and y still above
}

double CountLaw::log_score(int y) const {
  const double p = probability(y);
  return p > 0 ? -portable_log(p) : std::numeric_limits<double>::infinity();
}

double CountLaw::pit_share(int y, double level) const {
  const double from = cumulative(y - 1), to = cumulative(y), low = (1 - level) / 2, high = (1 + level) / 2;
  if (!(to > from)) return low <= to && to <= high ? 1 : 0;
  return std::max(0.0, std::min(to, high) - std::max(from, low)) / (to - from);
}

NormalPart moments_of(const std::vector<NormalPart>& parts) {
  const auto n = static_cast<double>(parts.size());
  NormalPart whole;
  for (const NormalPart& part : parts) whole.mean += part.mean / n;
  for (const NormalPart& part : parts)
    whole.variance += (part.variance + (part.mean - whole.mean) * (part.mean - whole.mean)) / n;
  return whole;
}

double quantile_of(const std::vector<NormalPart>& parts, double q) {
  constexpr double far = 40;  // standard deviations: beyond, a normal has no mass in a double
  double low = std::numeric_limits<double>::infinity(), high = -low;
  for (const NormalPart& part : parts) {
    const double sd = std::sqrt(part.variance);
    low = std::min(low, part.mean - far * sd);
    high = std::max(high, part.mean + far * sd);
  }
  const auto below = [&](double x) {
    double sum = 0;
    for (const NormalPart& part : parts) sum += normal_below(x, part);
    return sum / static_cast<double>(parts.size());
  };
  constexpr int halvings = 100;  // to the last bit
  for (int i = 0; i < halvings; ++i) {
    const double middle = low + (high - low) / 2;
    (below(middle) < q ? low : high) = middle;
  }
  return high;
}

}  // namespace clvsim
