// sBG and BdW: ln S(t) = ln B(alpha, beta + u) - ln B(alpha, beta) with u = t^c, c = 1 in the sBG;
// P(churn at t) = S(t - 1) - S(t). (Fader & Hardie 2007, appendix A; Fader et al. 2018, equation 5.) Where contracts do
// not differ, ln S(t) = - hazard u. (Nakagawa & Osaki 1975 is the discrete Weibull law.)
#include "host/math/concave_integral.hpp"
#include "host/math/special.hpp"

#include <clvsim/contract_models.hpp>
#include <clvsim/error.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace clvsim {
namespace {

enum Parameter : std::size_t { alpha, beta, c, n_parameters_of };
enum AlikeParameter : std::size_t { hazard = 0, scale = 0, shape };
using Gradient = std::array<double, n_parameters_of>;

// ln S(t), and its gradient.
struct LogSurvival {
  double value = 0;
  Gradient gradient{};
};

// Renewals up to which ln S is a sum.
constexpr std::int32_t most_summed = 4096;

// ln S(t) = - sum over u = 1 ... t of log1p(alpha / (beta + u - 1)): without the cancellation of log-gammas.
class SbgCurve {
 public:
  static constexpr std::string_view name = "sbg";
  static constexpr std::array<std::string_view, 2> parameters{"alpha", "beta"};
  static constexpr CovariateEffect churn{"churn", alpha, 1};
  explicit SbgCurve(std::span<const double> p) : alpha_(p[alpha]), beta_(p[beta]) {}

  // ln S(t - 1) - ln S(t)
  [[nodiscard]] double fall(double t) const { return portable_log1p(alpha_ / (beta_ + t - 1)); }

  [[nodiscard]] double log_survival(double t) const {
    const auto summed = static_cast<std::int32_t>(std::min(t, static_cast<double>(most_summed)));
    CompensatedSum sum;
    for (std::int32_t u = 1; u <= summed; ++u) sum.add(fall(u));
    return -sum.value() - (t > summed ? fall_between(summed, t) : 0);
  }

  [[nodiscard]] LogSurvival with_gradient(std::int32_t t) {
    const std::int32_t summed = std::min(t, most_summed);
    while (static_cast<std::int32_t>(table_.size()) <= summed) {
      const double at = beta_ + static_cast<double>(table_.size()) - 1, all = alpha_ + at;
      const Gradient& last = table_.back().gradient;
      sum_.add(portable_log1p(alpha_ / at));
      table_.push_back({-sum_.value(), {last[alpha] - 1 / all, last[beta] + alpha_ / (at * all), 0}});
    }
    LogSurvival result = table_[static_cast<std::size_t>(summed)];
    if (t == summed) return result;
    const double more = t - summed, from = beta_ + summed;
    result.value -= fall_between(summed, t);
    result.gradient[alpha] -= digamma_difference(alpha_ + from, more);
    result.gradient[beta] += digamma_difference(from, alpha_) - digamma_difference(from + more, alpha_);
    return result;
  }

 private:
  [[nodiscard]] double fall_between(double from, double to) const {
    return log_gamma_ratio(beta_ + to, alpha_) - log_gamma_ratio(beta_ + from, alpha_);
  }
  double alpha_, beta_;
  CompensatedSum sum_;
  std::vector<LogSurvival> table_{{}};
};

// Exposures u = t^c are kept as logarithms, since c ln t may be above 709: where u is that large, ln S falls by alpha
// for every unit of ln u.
class BdwCurve {
 public:
  static constexpr std::string_view name = "bdw";
  static constexpr std::array<std::string_view, 3> parameters{"alpha", "beta", "c"};
  static constexpr CovariateEffect churn{"churn", alpha, 1};
  explicit BdwCurve(std::span<const double> p) : alpha_(p[alpha]), beta_(p[beta]), c_(p[c]) {}

  // ln S(t - 1) - ln S(t): near opportunities by integrating its slope, as their difference would keep few digits.
  [[nodiscard]] double fall(double t) const {
    const double grown = -c_ * portable_log1p(-1 / t);  // ln u, from t - 1 to t
    if (!(grown <= narrowest_length)) return log_survival(t - 1) - log_survival(t);
    static const GaussLegendre<12> rule;
    const double half = 0.5 * grown, middle = c_ * portable_log(t) - half;
    double sum = 0;
    for (std::size_t i = 0; i < rule.node.size(); ++i) sum += rule.weight[i] * slope(middle + half * rule.node[i]);
    return half * sum;
  }

  [[nodiscard]] double log_survival(double t) const {
    if (t == 0) return 0;
    const double log_u = c_ * portable_log(t);
    return log_gamma_ratio(beta_, alpha_) -
           (log_u > most_log ? alpha_ * log_u : log_gamma_ratio(beta_ + portable_exp(log_u), alpha_));
  }

  [[nodiscard]] LogSurvival with_gradient(std::int32_t t) const {
    LogSurvival result{log_survival(t), {}};
    if (t == 0) return result;
    const double log_t = portable_log(t), log_u = c_ * log_t, all = alpha_ + beta_;
    const bool large = log_u > most_log;
    const double u = large ? 0 : portable_exp(log_u);
    result.gradient = {large ? digamma(all) - log_u : -digamma_difference(all, u),
                       digamma_difference(beta_, alpha_) - (large ? 0 : digamma_difference(beta_ + u, alpha_)),
                       -slope(log_u) * log_t};
    return result;
  }

 private:
  static constexpr double most_log = 600;
  // Minus the slope of ln S by ln u.
  [[nodiscard]] double slope(double log_u) const {
    if (log_u > most_log) return alpha_;
    const double u = portable_exp(log_u);
    return u * digamma_difference(beta_ + u, alpha_);
  }
  double alpha_, beta_, c_;
};

// One hazard for all.
class GeometricCurve {
 public:
  static constexpr std::string_view name = "geometric";
  static constexpr std::array<std::string_view, 1> parameters{"hazard"};
  static constexpr CovariateEffect churn{"churn", hazard, 1};
  explicit GeometricCurve(std::span<const double> p) : hazard_(p[hazard]) {}

  [[nodiscard]] double fall(double) const { return hazard_; }
  [[nodiscard]] double log_survival(double t) const { return -hazard_ * t; }
  [[nodiscard]] LogSurvival with_gradient(std::int32_t t) const {
    return {log_survival(t), {-static_cast<double>(t), 0, 0}};
  }

 private:
  double hazard_;
};

// ln S(t) = - (t / scale)^c: a scale in periods tells itself from c, a hazard hardly does.
class DiscreteWeibullCurve {
 public:
  static constexpr std::string_view name = "discrete_weibull";
  static constexpr std::array<std::string_view, 2> parameters{"scale", "c"};
  static constexpr CovariateEffect churn{"churn", scale, -1};
  explicit DiscreteWeibullCurve(std::span<const double> p) : scale_(p[scale]), c_(p[shape]) {}

  // Without the cancellation of a difference.
  [[nodiscard]] double fall(double t) const { return -exposure(t) * portable_expm1(c_ * portable_log1p(-1 / t)); }
  [[nodiscard]] double log_survival(double t) const { return t == 0 ? 0 : -exposure(t); }
  [[nodiscard]] LogSurvival with_gradient(std::int32_t t) const {
    if (t == 0) return {};
    const double u = exposure(t);
    return {-u, {u * c_ / scale_, -u * portable_log(t / scale_), 0}};
  }

 private:
  [[nodiscard]] double exposure(double t) const {
    constexpr double most_log = 600;
    return portable_exp(std::min(c_ * portable_log(t / scale_), most_log));
  }
  double scale_, c_;
};

template <class Curve>
class CurveContract final : public ContractModel {
 public:
  [[nodiscard]] std::string_view name() const override { return Curve::name; }
  [[nodiscard]] std::span<const std::string_view> parameter_names() const override { return Curve::parameters; }
  [[nodiscard]] std::span<const CovariateEffect> covariate_effects() const override { return {&Curve::churn, 1}; }

  [[nodiscard]] double log_likelihood(std::span<const double> p, std::span<const Tenure> tenures,
                                      std::span<double> gradient) const override {
    Curve curve(p);
    CompensatedSum sum;
    Gradient slope{};
    const auto add = [&](double weight, double value, const Gradient& by) {
      sum.add(weight * value);
      for (std::size_t i = 0; i < n_parameters_of; ++i) slope[i] += weight * by[i];
    };
    for (const Tenure& tenure : tenures) {
      const LogSurvival there = curve.with_gradient(tenure.renewals);
      if (tenure.churned) {
        const LogSurvival before = curve.with_gradient(tenure.renewals - 1);
        // ln(S(t - 1) - S(t)) = ln S(t - 1) + ln(1 - e^-fall)
        const double fall = curve.fall(tenure.renewals), odds = portable_expm1(fall);
        Gradient by;
        for (std::size_t i = 0; i < n_parameters_of; ++i)
          by[i] = before.gradient[i] + (before.gradient[i] - there.gradient[i]) / odds;
        add(tenure.weight, before.value + portable_log(-portable_expm1(-fall)), by);
      } else {
        add(tenure.weight, there.value, there.gradient);
      }
      if (tenure.entered == 0) continue;
      const LogSurvival entered = curve.with_gradient(tenure.entered);
      add(-tenure.weight, entered.value, entered.gradient);
    }
    for (std::size_t i = 0; i < gradient.size(); ++i) gradient[i] = slope[i] * p[i];
    return sum.value();
  }

  [[nodiscard]] double survival(std::span<const double> p, double t) const override {
    if (!(t >= 0) || !std::isfinite(t))
      throw ConfigError(fmt::format("survival of {} renewals of {}; give a finite number of at least 0", t, name()));
    return portable_exp(Curve(p).log_survival(t));
  }

  [[nodiscard]] double retention(std::span<const double> p, std::int32_t t) const override {
    if (t < 1) throw ConfigError(fmt::format("retention at renewal opportunity {} of {}; the first is 1", t, name()));
    return portable_exp(-Curve(p).fall(t));
  }
};

}  // namespace

std::vector<Tenure> tenures_of_cohort(std::span<const double> survivors) {
  if (survivors.size() < 2)
    throw DataError(fmt::format("a cohort of {} counts; give its size and the survivors of at least one renewal",
                                survivors.size()));
  std::vector<Tenure> tenures;
  for (std::size_t t = 1; t < survivors.size(); ++t) {
    const double lost = survivors[t - 1] - survivors[t];
    if (!(lost >= 0) || !(survivors[t] >= 0))
      throw DataError(fmt::format("the cohort has {} contracts after {} renewals and {} after {}; survivors never rise",
                                  survivors[t - 1], t - 1, survivors[t], t));
    if (lost > 0) tenures.push_back({static_cast<std::int32_t>(t), true, 0, lost});
  }
  const auto last = static_cast<std::int32_t>(survivors.size() - 1);
  if (survivors.back() > 0) tenures.push_back({last, false, 0, survivors.back()});
  return tenures;
}

double ContractModel::derl(std::span<const double> parameters, std::int32_t n, double rate) const {
  constexpr std::int32_t last_opportunity = 1'000'000'000;
  if (n < 1 || n > last_opportunity || !(rate > 0))
    throw ConfigError(
        fmt::format("residual lifetime at opportunity {} with discount rate {}; give 1 <= n <= {}, rate > 0", n, rate,
                    last_opportunity));
  const double v = 1 / (1 + rate);
  constexpr double negligible = 1e-16;
  double sum = 0, term = 1;
  // What is left is at most term / (1 - v): survival never rises.
  constexpr std::int32_t most_terms = 10'000'000;
  for (std::int32_t k = 0; k < most_terms; ++k, term *= v) {
    sum += term *= retention(parameters, n + k);
    if (term <= negligible * sum * (1 - v)) return sum;
  }
  throw ModelError(
      fmt::format("residual lifetime at discount rate {} does not settle within {} renewals; give a larger rate", rate,
                  most_terms));
}

std::span<const std::string_view> contract_models() {
  static constexpr std::array<std::string_view, 4> names{"sbg", "bdw", "geometric", "discrete_weibull"};
  return names;
}

std::unique_ptr<ContractModel> make_contract_model(std::string_view name) {
  if (name == SbgCurve::name) return std::make_unique<CurveContract<SbgCurve>>();
  if (name == BdwCurve::name) return std::make_unique<CurveContract<BdwCurve>>();
  if (name == GeometricCurve::name) return std::make_unique<CurveContract<GeometricCurve>>();
  if (name == DiscreteWeibullCurve::name) return std::make_unique<CurveContract<DiscreteWeibullCurve>>();
  throw ConfigError(
      fmt::format("there is no contract model '{}'; choose one of {}", name, fmt::join(contract_models(), ", ")));
}

}  // namespace clvsim
