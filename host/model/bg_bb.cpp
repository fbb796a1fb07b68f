// BG/BB (Fader, Hardie & Shang 2010): at each of T opportunities a customer who is still there buys with probability
// p ~ Beta(alpha, beta); at the beginning of each it drops out with theta ~ Beta(gamma, delta). With n = T
//
//   A   = B(alpha + x, beta + n - x) B(gamma, delta + n)                     alive
//   D_i = B(alpha + x, beta + t_x - x + i) B(gamma + 1, delta + t_x + i)     left after t_x + i, 0 <= i < n - t_x
//   L   = (A + sum D_i) / (B(alpha, beta) B(gamma, delta))
#include "host/model/purchase_model.hpp"

#include <clvsim/error.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace clvsim {
namespace {

enum Parameter : std::size_t { alpha, beta, gamma, delta, n_parameters_of };
using Gradient = std::array<double, n_parameters_of>;

class BgBb final : public SimulatedModel {
 public:
  [[nodiscard]] std::string name() const override { return "bg_bb"; }
  [[nodiscard]] std::span<const std::string_view> parameter_names() const override {
    static constexpr std::array<std::string_view, n_parameters_of> names{"alpha", "beta", "gamma", "delta"};
    return names;
  }
  [[nodiscard]] std::string_view dropout() const override {
    return "the probability to drop out at an opportunity (gamma, delta)";
  }
  [[nodiscard]] std::string fault_of(const PurchaseHistory& h) const override {
    std::string fault = clvsim::fault_of(h);
    if (!fault.empty()) return fault;
    if (h.t_x != std::floor(h.t_x) || h.T != std::floor(h.T))
      return fmt::format("has t_x = {} and T = {}; bg_bb counts opportunities: give whole numbers", h.t_x, h.T);
    if (h.x > h.t_x)
      return fmt::format(
          "has x = {} repeat purchases by opportunity t_x = {}; bg_bb knows one at each: count opportunities with a "
          "purchase, or take a model of any number of purchases (pareto_nbd, mbg_nbd)",
          h.x, h.t_x);
    if (h.T > most_opportunities)
      return fmt::format("is observed for T = {} opportunities; give at most {}: count longer ones", h.T,
                         most_opportunities);
    return {};
  }
  [[nodiscard]] std::span<const CovariateEffect> covariate_effects() const override {
    static constexpr std::array<CovariateEffect, 2> effects{{{"purchase", alpha, 1}, {"dropout", gamma, 1}}};
    return effects;
  }
  [[nodiscard]] std::vector<double> start(std::span<const PurchaseHistory>) const override { return {1, 1, 0.5, 3}; }

  [[nodiscard]] double log_likelihood(std::span<const double> p, std::span<const PurchaseHistory> histories,
                                      std::span<double> gradient, std::span<double> each) const override {
    Tables tables(p);
    CompensatedSum sum;
    Gradient slope{};
    for (std::size_t at = 0; at < histories.size(); ++at) {
      const PurchaseHistory& h = histories[at];
      LogSum<n_parameters_of> mass;
      weigh(p, tables, h, [&](bool, double log_mass, const Gradient& by) { mass.add(log_mass, by); });
      sum.add(h.weight * mass.value());
      if (!each.empty()) each[at] = mass.value();
      if (gradient.empty()) continue;
      for (std::size_t i = 0; i < n_parameters_of; ++i) slope[i] += h.weight * mass.gradient(i);
    }
    for (std::size_t i = 0; i < gradient.size(); ++i) gradient[i] = slope[i] * p[i];
    return sum.value();
  }

  [[nodiscard]] double p_alive(std::span<const double> p, const PurchaseHistory& h) const override {
    Tables tables(p);
    double log_alive = minus_infinity, log_dead = minus_infinity;
    weigh(p, tables, h, [&](bool alive, double log_mass, const Gradient&) {
      double& log_sum = alive ? log_alive : log_dead;
      log_sum = log_add(log_sum, log_mass);
    });
    return 1 / (1 + portable_exp(log_dead - log_alive));
  }

  [[nodiscard]] double expected_purchases(std::span<const double> p, const PurchaseHistory& h,
                                          double t) const override {
    check_ahead(*this, t);
    if (t > most_ahead)
      throw ConfigError(
          fmt::format("purchases of bg_bb at t = {} opportunities ahead; give at most {}", t, most_ahead));
    double sum = 0, there = 1;
    for (int k = 1; k <= t; ++k) sum += there *= stays(p, h, k);
    return p_alive(p, h) * buys(p, h) * sum;
  }
  [[nodiscard]] double expected_of_new(std::span<const double> p, double t) const override {
    return expected_purchases(p, PurchaseHistory{}, t);
  }
  // Alive, it meets k of the opportunities ahead and buys beta-binomially often: alpha + x, beta + T - x.
  [[nodiscard]] std::vector<double> purchase_distribution(std::span<const double> p, const PurchaseHistory& h, double t,
                                                          int n_max) const override {
    check_counts(*this, t, n_max);
    if (t > most_opportunities)
      throw ConfigError(
          fmt::format("the distribution of purchases of bg_bb at t = {} opportunities ahead; give at most {}", t,
                      most_opportunities));
    const auto ahead = static_cast<std::size_t>(t), most = static_cast<std::size_t>(n_max);
    RisingTable buy(p[alpha] + h.x), pass(p[beta] + h.T - h.x), either(p[alpha] + p[beta] + h.T), factorial(1);
    std::vector<double> probability(most + 1);
    const double alive = p_alive(p, h);
    double there = alive;
    for (std::size_t k = 0; k <= ahead; ++k) {
      const double next = static_cast<double>(k) + 1, meets = there * (k < ahead ? goes(p, h, next) : 1);
      for (std::size_t n = 0; n <= std::min(k, most); ++n)
        probability[n] += meets * portable_exp(factorial.value(k) - factorial.value(n) - factorial.value(k - n) +
                                               buy.value(n) + pass.value(k - n) - either.value(k));
      there *= stays(p, h, next);
    }
    probability[0] += 1 - alive;
    return probability;
  }
  [[nodiscard]] std::optional<double> dert(std::span<const double> p, const PurchaseHistory& h,
                                           double rate) const override {
    check_rate(*this, rate);
    const double v = 1 / (1 + rate);
    double sum = 0, there = 1;
    for (int k = 1; k <= most_ahead; ++k) {
      sum += there *= v * stays(p, h, k);
      // What is left is at most there v / (1 - v).
      if (there <= 1e-17 * rate * sum) return p_alive(p, h) * buys(p, h) * sum;
    }
    throw ModelError(fmt::format(
        "residual transactions of bg_bb at the discount rate {} do not settle within {} opportunities; give "
        "a larger rate",
        rate, most_ahead));
  }

  void add_drawn(std::span<const double>, const kernels::DrawnSpend& spend, kernels::AnyDrawn& drawn) const override {
    add_drawn_of<kernels::BgBb>({}, spend, drawn);
  }
  void add_customer(std::span<const double> p, const PurchaseHistory& h, std::uint64_t hash,
                    const kernels::DrawnSpendCustomer& spend, kernels::AnyCustomers& customers) const override {
    const kernels::BgBb::Customer customer{p_alive(p, h), kernels::LogBetaSampler(p[alpha] + h.x, p[beta] + h.T - h.x),
                                           kernels::LogBetaSampler(p[gamma], p[delta] + h.T)};
    add_customer_of<kernels::BgBb>(customer, hash, spend, customers);
  }

 private:
  struct Tables {
    explicit Tables(std::span<const double> p)
        : buy(p[alpha]),
          pass(p[beta]),
          either(p[alpha] + p[beta]),
          stay(p[delta]),
          go_or_stay(p[gamma] + p[delta]),
          log_gamma_(portable_log(p[gamma])) {}
    RisingTable buy, pass, either, stay, go_or_stay;
    double log_gamma_;
  };

  // visit(alive, log of A or D_i over B(alpha, beta) B(gamma, delta), its gradient) for every term.
  template <class Visit>
  static void weigh(std::span<const double> p, Tables& tables, const PurchaseHistory& h, Visit&& visit) {
    const auto n = static_cast<std::size_t>(h.T), last = static_cast<std::size_t>(h.t_x);
    const auto x = static_cast<std::size_t>(h.x);
    // Of `seen` opportunities it bought at x, then stayed for `stayed` and, unless alive, left.
    const auto term = [&](bool alive, std::size_t seen) {
      double log_mass = tables.buy.value(x) + tables.pass.value(seen - x) - tables.either.value(seen);
      const double either = tables.either.slope(seen);
      Gradient by{tables.buy.slope(x) - either, tables.pass.slope(seen - x) - either, 0, 0};
      const std::size_t drawn = alive ? seen : seen + 1;
      log_mass += tables.stay.value(seen) - tables.go_or_stay.value(drawn) + (alive ? 0 : tables.log_gamma_);
      by[gamma] = -tables.go_or_stay.slope(drawn) + (alive ? 0 : 1 / p[gamma]);
      by[delta] = tables.stay.slope(seen) - tables.go_or_stay.slope(drawn);
      visit(alive, log_mass, by);
    };
    term(true, n);
    for (std::size_t seen = last; seen < n; ++seen) term(false, seen);
  }
  [[nodiscard]] static double buys(std::span<const double> p, const PurchaseHistory& h) {
    return (p[alpha] + h.x) / (p[alpha] + p[beta] + h.T);
  }
  // P(there at opportunity T + k | there at T + k - 1), and that it is not.
  [[nodiscard]] static double stays(std::span<const double> p, const PurchaseHistory& h, double k) {
    const double at = p[delta] + h.T + k - 1;
    return at / (p[gamma] + at);
  }
  [[nodiscard]] static double goes(std::span<const double> p, const PurchaseHistory& h, double k) {
    return p[gamma] / (p[gamma] + p[delta] + h.T + k - 1);
  }
  static constexpr int most_opportunities = 10'000;
  static constexpr int most_ahead = 10'000'000;
};

}  // namespace

std::unique_ptr<SimulatedModel> make_bg_bb() { return std::make_unique<BgBb>(); }

}  // namespace clvsim
