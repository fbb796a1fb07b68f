// sBG and BdW: ln S(t) = ln B(alpha, beta + u) - ln B(alpha, beta) with u = t^c, c = 1 in the sBG;
// P(churn at t) = S(t - 1) - S(t). (Fader & Hardie 2007, appendix A; Fader et al. 2018, equation 5.)
#include "host/math/special.hpp"

#include <clvsim/contract_models.hpp>
#include <clvsim/error.hpp>

#include <fmt/format.h>

#include <array>

namespace clvsim {
namespace {

enum Parameter : std::size_t { alpha, beta, c, n_parameters_of };
using Gradient = std::array<double, n_parameters_of>;

// ln S(t), and its gradient.
struct LogSurvival {
  double value = 0;
  Gradient gradient{};
};

class BetaContract final : public ContractModel {
 public:
  explicit BetaContract(bool weibull) : weibull_(weibull) {}
  [[nodiscard]] std::string_view name() const override { return weibull_ ? "bdw" : "sbg"; }
  [[nodiscard]] std::span<const std::string_view> parameter_names() const override {
    static constexpr std::array<std::string_view, n_parameters_of> names{"alpha", "beta", "c"};
    return {names.data(), n_parameters()};
  }

  [[nodiscard]] double log_likelihood(std::span<const double> p, std::span<const Tenure> tenures,
                                      std::span<double> gradient) const override {
    double sum = 0;
    Gradient slope{};
    const auto add = [&](double weight, double value, const Gradient& by) {
      sum += weight * value;
      for (std::size_t i = 0; i < n_parameters_of; ++i) slope[i] += weight * by[i];
    };
    for (const Tenure& tenure : tenures) {
      const LogSurvival there = log_survival(p, tenure.renewals);
      if (tenure.churned) {
        const LogSurvival before = log_survival(p, tenure.renewals - 1);
        const double kept = portable_exp(there.value - before.value),
                     left = -portable_expm1(there.value - before.value);
        Gradient by;
        for (std::size_t i = 0; i < n_parameters_of; ++i)
          by[i] = (before.gradient[i] - kept * there.gradient[i]) / left;
        add(tenure.weight, before.value + portable_log(left), by);
      } else {
        add(tenure.weight, there.value, there.gradient);
      }
      if (tenure.entered == 0) continue;
      const LogSurvival entered = log_survival(p, tenure.entered);
      add(-tenure.weight, entered.value, entered.gradient);
    }
    for (std::size_t i = 0; i < gradient.size(); ++i) gradient[i] = slope[i] * p[i];
    return sum;
  }

  [[nodiscard]] double survival(std::span<const double> p, double t) const override {
    return portable_exp(log_survival(p, t).value);
  }

 private:
  [[nodiscard]] std::size_t n_parameters() const { return weibull_ ? 3 : 2; }

  [[nodiscard]] LogSurvival log_survival(std::span<const double> p, double t) const {
    LogSurvival result;
    if (t == 0) return result;
    const double log_t = portable_log(t), exposure = weibull_ ? portable_exp(p[c] * log_t) : t;
    const double at = p[beta] + exposure, all = p[alpha] + p[beta];
    result.value = log_gamma_ratio(p[beta], p[alpha]) - log_gamma_ratio(at, p[alpha]);
    const double by_at = digamma(at), by_all_at = digamma(p[alpha] + at), by_all = digamma(all);
    result.gradient = {by_all - by_all_at, by_at - by_all_at - digamma(p[beta]) + by_all,
                       weibull_ ? (by_at - by_all_at) * exposure * log_t : 0};
    return result;
  }

  bool weibull_;
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

double ContractModel::retention(std::span<const double> parameters, std::int32_t t) const {
  return survival(parameters, t) / survival(parameters, t - 1);
}

double ContractModel::derl(std::span<const double> parameters, std::int32_t n, double rate) const {
  if (n < 1 || !(rate > 0))
    throw ConfigError(
        fmt::format("residual lifetime at opportunity {} with discount rate {}; give n >= 1, rate > 0", n, rate));
  const double there = survival(parameters, n - 1), v = 1 / (1 + rate);
  constexpr double negligible = 1e-16;
  double sum = 0, factor = 1;
  // What is left is at most factor * survival / (1 - v): survival never rises.
  constexpr std::int32_t most_terms = 10'000'000;
  for (std::int32_t t = n;; ++t, factor *= v) {
    if (t - n == most_terms)
      throw ModelError(
          fmt::format("residual lifetime at discount rate {} does not settle within {} renewals; give a larger "
                      "rate",
                      rate, most_terms));
    const double term = factor * survival(parameters, t);
    sum += term;
    if (term <= negligible * sum * (1 - v)) break;
  }
  return sum / there;
}

std::unique_ptr<ContractModel> make_contract_model(std::string_view name) {
  if (name == "sbg") return std::make_unique<BetaContract>(false);
  if (name == "bdw") return std::make_unique<BetaContract>(true);
  throw ConfigError(fmt::format("there is no contract model '{}'; choose sbg or bdw", name));
}

}  // namespace clvsim
