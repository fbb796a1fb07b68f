#include "host/fit/class_fit.hpp"

#include "host/fit/likelihood.hpp"
#include "host/math/special.hpp"

#include <clvsim/error.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>
#include <tuple>

namespace clvsim {
namespace {

GammaGamma spend_at(std::span<const double> p) { return {p[0], p[1], p[2]}; }

auto times_and_spend(const JointHistory& h) {
  return std::tuple(h.purchases.x, h.purchases.t_x, h.purchases.T, h.spend.x, h.spend.mean);
}

// The histories ascending and merged, without log_gaps, whose share of the log-likelihood is `constant`.
std::vector<JointHistory> merge(const PurchaseModel& model, std::span<const JointHistory> histories, double& constant) {
  auto sorted = merge_equal(histories, [](const JointHistory& h) {
    return std::tuple_cat(times_and_spend(h), std::tuple(h.purchases.log_gaps));
  });
  CompensatedSum sum;
  for (JointHistory& h : sorted) {
    sum.add((model.regularity() - 1) * h.weight * h.purchases.log_gaps);
    h.purchases.log_gaps = 0;
  }
  constant += sum.value();
  return merge_equal(std::span<const JointHistory>(sorted), times_and_spend);
}

// Times and amounts in units near their means; the units of time and of money are returned.
std::pair<double, double> use_own_units(const PurchaseModel& model, std::vector<JointHistory>& all, double& constant) {
  double time = 0, n = 0, phases = 0, spent = 0, purchases = 0, n_spend = 0;
  for (const JointHistory& h : all) {
    n += h.weight;
    time += h.weight * h.purchases.T;
    phases += h.weight * model.regularity() * h.purchases.x;
    spent += h.weight * h.spend.x * h.spend.mean;
    purchases += h.weight * h.spend.x;
    n_spend += h.spend.x > 0 ? h.weight : 0;
  }
  bool has_times = false;
  for (std::size_t i = 0; i < model.n_parameters(); ++i) has_times = has_times || model.is_time(i);
  const double unit = has_times ? unit_near(time / n) : 1, money = unit_near(spent / purchases);
  for (JointHistory& h : all) {
    h.purchases.t_x /= unit;
    h.purchases.T /= unit;
    h.spend.mean /= money;
  }
  constant -= phases * portable_log(unit) + n_spend * portable_log(money);
  return {unit, money};
}

// Whether who buys more often spends more: 1, else -1.
int direction(std::span<const JointHistory> all) {
  double n = 0, x = 0, z = 0, product = 0;
  for (const JointHistory& h : all) {
    if (h.spend.x == 0) continue;
    const double rate = portable_log(h.purchases.x / h.purchases.T), level = portable_log(h.spend.mean);
    n += h.weight;
    x += h.weight * rate;
    z += h.weight * level;
    product += h.weight * rate * level;
  }
  return n > 0 && product < x * z / n ? -1 : 1;
}

// The parameters of all customers, and around them those of the classes: the first buys more often than the last.
std::vector<double> start_of(const PurchaseModel& model, std::size_t n_classes, std::span<const double> own,
                             const GammaGamma& spend, int sign) {
  constexpr double rate_apart = 0.7, spend_apart = 0.4;
  const CovariateEffect& rate = model.covariate_effects().front();
  std::vector<double> start;
  for (std::size_t c = 0; c < n_classes; ++c) {
    const double place = 1 - 2.0 * static_cast<double>(c) / static_cast<double>(n_classes - 1);  // 1 to -1
    const std::size_t first = start.size();
    start.insert(start.end(), own.begin(), own.end());
    start[first + rate.parameter] *= portable_exp(rate.sign * rate_apart * place);
    start.insert(start.end(), {spend.p, spend.q, spend.gamma * portable_exp(sign * spend_apart * place)});
    if (c > 0) start.push_back(1);
  }
  return start;
}

}  // namespace

double class_log_likelihood(const PurchaseModel& model, std::size_t n_classes, std::span<const double> p,
                            std::span<const JointHistory> rows, std::span<double> gradient) {
  const ClassLayout layout{model.n_parameters()};
  const auto own = [&](std::size_t c) { return p.subspan(layout.first_of(c), layout.n_own); };
  const auto spend = [&](std::size_t c) { return p.subspan(layout.first_of(c) + layout.n_own, layout.n_spend); };
  const auto odds = [&](std::size_t c) { return c == 0 ? 1 : p[layout.odds_of(c)]; };
  std::vector<PurchaseHistory> purchases;
  std::vector<SpendHistory> spends;
  std::vector<std::size_t> row_of;  // of the spends
  for (std::size_t i = 0; i < rows.size(); ++i) {
    purchases.push_back(rows[i].purchases);
    if (rows[i].spend.x == 0) continue;
    spends.push_back(rows[i].spend);
    row_of.push_back(i);
  }
  std::vector<std::vector<double>> share(n_classes, std::vector<double>(rows.size()));  // at first logarithms of masses
  std::vector<double> each(spends.size());
  double all_odds = 0;
  for (std::size_t c = 0; c < n_classes; ++c) {
    (void)model.log_likelihood(own(c), purchases, {}, share[c]);
    (void)spend_at(spend(c)).log_likelihood(spends, {}, each);
    for (std::size_t s = 0; s < spends.size(); ++s) share[c][row_of[s]] += each[s];
    const double log_odds = portable_log(odds(c));
    for (double& mass : share[c]) mass += log_odds;
    all_odds += odds(c);
  }
  CompensatedSum sum;
  const double log_all_odds = portable_log(all_odds);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    double top = share[0][i], total = 0;
    for (std::size_t c = 1; c < n_classes; ++c) top = std::max(top, share[c][i]);
    for (std::size_t c = 0; c < n_classes; ++c) total += share[c][i] = portable_exp(share[c][i] - top);
    for (std::size_t c = 0; c < n_classes; ++c) share[c][i] /= total;
    sum.add(rows[i].weight * (top + portable_log(total) - log_all_odds));
  }
  // The slope of a logarithm of a sum: the terms' slopes, weighted by their shares.
  for (std::size_t c = 0; c < n_classes && !gradient.empty(); ++c) {
    CompensatedSum by_odds;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      purchases[i].weight = rows[i].weight * share[c][i];
      by_odds.add(rows[i].weight * (share[c][i] - odds(c) / all_odds));
    }
    for (std::size_t s = 0; s < spends.size(); ++s) spends[s].weight = purchases[row_of[s]].weight;
    const std::size_t first = layout.first_of(c);
    (void)model.log_likelihood(own(c), purchases, gradient.subspan(first, layout.n_own));
    (void)spend_at(spend(c)).log_likelihood(spends, gradient.subspan(first + layout.n_own, layout.n_spend));
    if (c > 0) gradient[layout.odds_of(c)] = by_odds.value();
  }
  return sum.value();
}

LikelihoodFit fit_classes(const PurchaseModel& model, std::size_t n_classes, std::span<const JointHistory> histories,
                          const LikelihoodFit& purchases, const GammaGamma& spend,
                          const LikelihoodFitOptions& options) {
  check(options);
  if (n_classes < 2 || n_classes > most_classes)
    throw ConfigError(fmt::format("{} classes of customers; give 2 to {}", n_classes, most_classes));
  const ClassLayout layout{model.n_parameters()};
  LikelihoodProblem problem;
  auto all = merge(model, histories, problem.constant);
  if (options.bootstrap.n_draws > 0) note_rows(histories, all, times_and_spend, problem);
  for (const JointHistory& h : all) problem.n_customers += h.weight;
  const auto [time, money] = use_own_units(model, all, problem.constant);

  std::vector<double> own = purchases.parameters;
  std::vector<std::string> names;
  for (std::size_t c = 0; c < n_classes; ++c) {
    const std::string prefix = c == 0 ? "" : fmt::format("class_{}.", c + 1);
    for (std::size_t i = 0; i < layout.n_own; ++i) {
      names.push_back(prefix + std::string(model.parameter_names()[i]));
      problem.unit.push_back(model.is_time(i) ? time : 1);
    }
    for (const char* const name : {"p", "q", "gamma"}) names.push_back(prefix + name);
    problem.unit.insert(problem.unit.end(), {1, 1, money});
    if (c == 0) continue;
    names.push_back(prefix + "odds");
    problem.unit.push_back(1);
  }
  for (std::size_t i = 0; i < layout.n_own; ++i) own[i] /= problem.unit[i];
  const std::vector<std::string_view> views(names.begin(), names.end());
  problem.names = views;
  problem.model = fmt::format("{} of {} classes", model.name(), n_classes);
  problem.start = start_of(model, n_classes, own, {spend.p, spend.q, spend.gamma / money}, direction(all));
  constexpr std::int64_t more = 4;  // parameters need more customers
  const auto some = thin_out(all, more * options.subsample);
  const auto likelihood = [&](std::span<const double> p, const std::vector<JointHistory>& rows,
                              std::span<double> gradient) {
    return class_log_likelihood(model, n_classes, p, rows, gradient);
  };
  set_likelihood(some, all, likelihood, problem);
  problem.explain = [&](std::span<const double>) {
    return fmt::format(
        "the customers do not fall into {} classes by what they buy and spend; fit fewer classes (--classes), or none",
        n_classes);
  };
  LikelihoodFit fit = fit_likelihood(problem, options);
  const auto check_mean = [&](double q) {
    if (q > 1) return;
    throw ModelError(
        fmt::format("{} has a class with q = {:.6g}: at q <= 1 the mean spend of new customers is infinite; fit fewer "
                    "classes (--classes), or none",
                    problem.model, q));
  };
  for (std::size_t c = 0; c < n_classes; ++c) {
    const std::size_t at = layout.first_of(c) + layout.n_own + 1;
    check_mean(fit.parameters[at]);
    for (std::size_t d = 0; d < fit.n_draws(); ++d) check_mean(fit.draws[d * fit.parameters.size() + at]);
  }
  return fit;
}

std::vector<ModelClass> classes_of(const LikelihoodFit& fit, std::size_t n_own) {
  const ClassLayout layout{n_own};
  const auto part = [&](std::size_t first, std::size_t n) {
    const auto begin = fit.parameters.begin() + static_cast<std::ptrdiff_t>(first);
    return std::vector<double>(begin, begin + static_cast<std::ptrdiff_t>(n));
  };
  std::vector<ModelClass> classes;
  for (std::size_t c = 1; layout.first_of(c) < fit.parameters.size(); ++c)
    classes.push_back({fit.parameters[layout.odds_of(c)], part(layout.first_of(c), n_own),
                       part(layout.first_of(c) + n_own, layout.n_spend)});
  return classes;
}

}  // namespace clvsim
