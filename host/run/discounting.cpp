#include "host/run/discounting.hpp"

#include "kernels/math/portable.hpp"

#include <clvsim/error.hpp>

#include <fmt/format.h>

#include <cstdint>

namespace clvsim {

namespace {

std::int64_t length_of(RatePeriod per) {
  switch (per) {
    case RatePeriod::day:
      return mean_length(PeriodUnit::day);
    case RatePeriod::week:
      return mean_length(PeriodUnit::week);
    case RatePeriod::month:
      return mean_length(PeriodUnit::month);
    case RatePeriod::year:
      break;
  }
  return mean_length(PeriodUnit::year);
}

// (1 + rate)^-(numerator / denominator): by multiplication where the exponent is whole, else by exp and log1p.
double power(double rate, std::int64_t numerator, std::int64_t denominator) {
  if (numerator % denominator != 0) {
    const double exponent = static_cast<double>(numerator) / static_cast<double>(denominator);
    return kernels::portable_exp(-exponent * kernels::portable_log1p(rate));
  }
  double growth = 1, base = 1 + rate;
  for (std::int64_t left = numerator / denominator; left != 0; left /= 2) {
    if (left % 2 != 0) growth *= base;
    base *= base;
  }
  return 1 / growth;
}

// (1 - exp(-x)) / x for x >= 0: the mean of exp(-s) over [0, x].
double mean_decay(double x) {
  if (x > 0.5) return (1 - kernels::portable_exp(-x)) / x;
  constexpr int terms = 18;  // 0.5^18 / 19! < 2^-70
  double sum = 1;
  for (int k = terms; k >= 1; --k) sum = 1 - x / (k + 1) * sum;
  return sum;
}

}  // namespace

std::string_view name_of(RatePeriod per) {
  switch (per) {
    case RatePeriod::day:
      return "day";
    case RatePeriod::week:
      return "week";
    case RatePeriod::month:
      return "month";
    case RatePeriod::year:
      return "year";
  }
  return "year";
}

void check(const Discounting& discounting) {
  constexpr double largest = 1000;  // as the --discount flag
  if (!(discounting.rate >= 0 && discounting.rate <= largest)) {
    throw ConfigError(
        fmt::format("discount rate {}: must be in 0 to {}; it is a fraction, so write 0.10 for 10 % per {}",
                    discounting.rate, largest, name_of(discounting.per)));
  }
}

std::vector<double> discount_factors(const Discounting& discounting, PeriodUnit unit, int horizon) {
  check(discounting);
  const std::int64_t period = mean_length(unit);
  const std::int64_t per = length_of(discounting.per);
  const double decay =
      mean_decay(static_cast<double>(period) / static_cast<double>(per) * kernels::portable_log1p(discounting.rate));
  std::vector<double> factors;
  factors.reserve(static_cast<std::size_t>(horizon));
  for (std::int64_t t = 1; t <= horizon; ++t) {
    switch (discounting.convention) {
      case DiscountConvention::first:
        factors.push_back(power(discounting.rate, (t - 1) * period, per));
        break;
      case DiscountConvention::end:
        factors.push_back(power(discounting.rate, t * period, per));
        break;
      case DiscountConvention::mid:
        factors.push_back(power(discounting.rate, (2 * t - 1) * period, 2 * per));
        break;
      case DiscountConvention::continuous:
        factors.push_back(power(discounting.rate, (t - 1) * period, per) * decay);
        break;
    }
  }
  return factors;
}

}  // namespace clvsim
