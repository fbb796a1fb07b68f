// Pareto/NBD (Schmittlein, Morrison & Colombo 1987): purchases of rate lambda ~ Gamma(r, alpha) until a silent
// drop-out of rate mu ~ Gamma(s, beta). With
//
//   A0 = integral over (t_x, T] of (alpha + tau)^-(r + x) (beta + tau)^-(s + 1) dtau
//   L  = Gamma(r + x) alpha^r beta^s / Gamma(r) ((alpha + T)^-(r + x) (beta + T)^-s + s A0)
//
// A0 is integrated numerically, as differences of hypergeometric functions lose everything where T is near t_x. Of
// a1 = min(alpha, beta) with exponent e1, a2 = max with e2, and w = ln((a1 + tau) / (a1 + t_x)):
//
//   A0 = (a1 + t_x)^(1 - e1) (a2 + t_x)^-e2 integral over (0, log1p((T - t_x) / (a1 + t_x))] of exp(psi(w)) dw
//   psi(w) = -(e1 - 1) w - e2 log1p(rho (e^w - 1)),  rho = (a1 + t_x) / (a2 + t_x)          (concave)
#include "host/math/concave_integral.hpp"
#include "host/model/purchase_model.hpp"

#include <clvsim/error.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace clvsim {
namespace {

enum Parameter : std::size_t { r, alpha, s, beta, n_parameters_of };
using Gradient = std::array<double, n_parameters_of>;

// ln A0, and its gradient by (r, alpha, s, beta).
struct Dropout {
  double log_mass = minus_infinity;
  Gradient gradient{};
};

Dropout integrate_dropout(std::span<const double> p, const PurchaseHistory& h, bool with_gradient) {
  Dropout result;
  if (!(h.T > h.t_x)) return result;
  const double purchases = p[r] + h.x;
  const bool alpha_first = p[alpha] <= p[beta];
  const double a1 = std::min(p[alpha], p[beta]) + h.t_x, a2 = std::max(p[alpha], p[beta]) + h.t_x;
  const double e1 = alpha_first ? purchases : p[s] + 1, e2 = alpha_first ? p[s] + 1 : purchases;
  const double rho = a1 / a2, length = portable_log1p((h.T - h.t_x) / a1);
  const auto log_second = [&](double w) { return portable_log1p(rho * (portable_exp(w) - 1)); };
  const auto psi = [&](double w) { return (1 - e1) * w - e2 * log_second(w); };
  // psi' = (1 - e1) - e2 q(w), with q = rho e^w / (1 - rho + rho e^w) rising from rho: its zero, inside the range.
  double mode = 0;
  if (1 - e1 > e2 * rho) {
    const double q = (1 - e1) / e2;
    mode = q < 1 ? std::clamp(portable_log(q * (1 - rho) / (rho * (1 - q))), 0.0, length) : length;
  }
  const double top = psi(mode);
  double sum = 0, by_e1 = 0, by_e2 = 0, by_a1 = 0, by_a2 = 0;
  for_nodes(concave_panels(psi, mode, length), [&](double w, double weight) {
    const double grown = portable_exp(w), second = portable_log1p(rho * (grown - 1));
    const double mass = weight * portable_exp((1 - e1) * w - e2 * second - top);
    sum += mass;
    if (!with_gradient) return;
    by_e1 += mass * w;
    by_e2 += mass * second;
    by_a1 += mass / grown;
    by_a2 += mass / (1 + rho * (grown - 1));
  });
  const double log_a1 = portable_log(a1), log_a2 = portable_log(a2);
  result.log_mass = portable_log(sum) + top + (1 - e1) * log_a1 - e2 * log_a2;
  // Minus the means of ln(a1 + tau), ln(a2 + tau), e1 / (a1 + tau) and e2 / (a2 + tau) over the integrand.
  const double of_e1 = -log_a1 - by_e1 / sum, of_e2 = -log_a2 - by_e2 / sum;
  const double of_a1 = -e1 * by_a1 / (sum * a1), of_a2 = -e2 * by_a2 / (sum * a2);
  result.gradient = alpha_first ? Gradient{of_e1, of_a1, of_e2, of_a2} : Gradient{of_e2, of_a2, of_e1, of_a1};
  return result;
}

class ParetoNbd final : public SimulatedModel {
 public:
  [[nodiscard]] std::string name() const override { return "pareto_nbd"; }
  [[nodiscard]] std::span<const std::string_view> parameter_names() const override {
    static constexpr std::array<std::string_view, n_parameters_of> names{"r", "alpha", "s", "beta"};
    return names;
  }
  [[nodiscard]] std::string_view dropout() const override { return "the drop-out rate (s, beta)"; }
  [[nodiscard]] bool is_time(std::size_t parameter) const override { return parameter == alpha || parameter == beta; }
  [[nodiscard]] std::vector<double> start(std::span<const PurchaseHistory> histories) const override {
    double purchases = 0, time = 0, n = 0;
    for (const PurchaseHistory& h : histories) {
      purchases += h.weight * h.x;
      time += h.weight * h.T;
      n += h.weight;
    }
    const double rate = std::max(purchases, 1.0) / std::max(time, 1e-9), mean_time = time / std::max(n, 1.0);
    return {0.5, 0.5 / rate / 2, 0.5, mean_time / 3};
  }

  [[nodiscard]] double log_likelihood(std::span<const double> p, std::span<const PurchaseHistory> histories,
                                      std::span<double> gradient) const override {
    RisingTable rising(p[r]);
    const double log_alpha = portable_log(p[alpha]), log_beta_ = portable_log(p[beta]), log_s = portable_log(p[s]);
    CompensatedSum sum;
    Gradient slope{};
    for (const PurchaseHistory& h : histories) {
      const double purchases = p[r] + h.x;
      const double log_buys = portable_log(p[alpha] + h.T), log_stays = portable_log(p[beta] + h.T);
      const Dropout dropout = integrate_dropout(p, h, !gradient.empty());
      Gradient dead = dropout.gradient;
      dead[s] += 1 / p[s];
      LogSum<n_parameters_of> mass;
      mass.add(-purchases * log_buys - p[s] * log_stays,
               {-log_buys, -purchases / (p[alpha] + h.T), -log_stays, -p[s] / (p[beta] + h.T)});
      mass.add(dropout.log_mass + log_s, dead);
      const auto n = static_cast<std::size_t>(h.x);
      sum.add(h.weight * (rising.value(n) + p[r] * log_alpha + p[s] * log_beta_ + mass.value()));
      if (gradient.empty()) continue;
      for (std::size_t i = 0; i < n_parameters_of; ++i) slope[i] += h.weight * mass.gradient(i);
      slope[r] += h.weight * (rising.slope(n) + log_alpha);
      slope[alpha] += h.weight * p[r] / p[alpha];
      slope[s] += h.weight * log_beta_;
      slope[beta] += h.weight * p[s] / p[beta];
    }
    for (std::size_t i = 0; i < gradient.size(); ++i) gradient[i] = slope[i] * p[i];
    return sum.value();
  }

  [[nodiscard]] double p_alive(std::span<const double> p, const PurchaseHistory& h) const override {
    const double log_dead = integrate_dropout(p, h, false).log_mass + portable_log(p[s]);
    const double log_alive = -(p[r] + h.x) * portable_log(p[alpha] + h.T) - p[s] * portable_log(p[beta] + h.T);
    return 1 / (1 + portable_exp(log_dead - log_alive));
  }

  [[nodiscard]] double expected_purchases(std::span<const double> p, const PurchaseHistory& h,
                                          double t) const override {
    check_ahead(*this, t);
    return p_alive(p, h) * rate(p, h) * lifetime_within(p, h, t);
  }
  // Alive at T, it leaves after w or stays for all of t; within, purchases are negative binomial. All n share the
  // nodes: of w = c (e^z - 1), c the smaller of alpha + T and beta + T, the logarithms of the integrands vary by less
  // than `narrow_range` in a panel, but for w^n near w = 0, which is a polynomial where it is not negligible.
  [[nodiscard]] std::vector<double> purchase_distribution(std::span<const double> p, const PurchaseHistory& h, double t,
                                                          int n_max) const override {
    check_counts(*this, t, n_max);
    const double shape = p[r] + h.x, of_buys = p[alpha] + h.T, of_stays = p[beta] + h.T;
    const double c = std::min(of_buys, of_stays), length = portable_log1p(t / c);
    const double steepest = shape + p[s] + n_max + 2;
    constexpr double most_panels = 1e6;
    const double n_panels = std::ceil(length * std::max(steepest / narrow_range, 1 / narrowest_length));
    if (n_panels > most_panels)
      throw ModelError(fmt::format(
          "the distribution of purchases of pareto_nbd after x = {} purchases and in the time t = {} ahead takes {} "
          "panels; give a shorter time, or merge purchases",
          h.x, t, n_panels));
    std::vector<double> probability(static_cast<std::size_t>(n_max) + 1);
    add_counts(shape, of_buys, t, -p[s] * portable_log1p(t / of_stays), probability);
    static const GaussLegendre<24> rule;
    const double half = 0.5 * length / n_panels;
    for (int panel = 0; panel < n_panels; ++panel) {
      for (std::size_t i = 0; i < rule.node.size(); ++i) {
        const double z = half * (2 * panel + 1 + rule.node[i]), w = c * portable_expm1(z);
        add_counts(
            shape, of_buys, w,
            portable_log(half * rule.weight[i] * c * p[s] / of_stays) + z - (p[s] + 1) * portable_log1p(w / of_stays),
            probability);
      }
    }
    const double alive = p_alive(p, h);
    for (double& of_n : probability) of_n *= alive;
    probability[0] += 1 - alive;
    return probability;
  }
  [[nodiscard]] double expected_of_new(std::span<const double> p, double t) const override {
    return expected_purchases(p, PurchaseHistory{}, t);
  }

  // P(alive) E[lambda] integral of exp(-delta w) (1 + w / (beta + T))^-s dw over the residual life, which is
  // (beta + T) exp(z) U(s, s; z)'s in closed form (Fader, Hardie & Lee 2005b, z = delta (beta + T)). Of w = (beta + T)
  // (e^y - 1) the integrand's logarithm is concave in y.
  [[nodiscard]] std::optional<double> dert(std::span<const double> p, const PurchaseHistory& h,
                                           double delta) const override {
    check_rate(*this, delta);
    const double scale = p[beta] + h.T, z = delta * scale;
    const auto psi = [&](double y) { return (1 - p[s]) * y - z * (portable_exp(y) - 1); };
    const double mode = p[s] < 1 ? std::max(portable_log((1 - p[s]) / z), 0.0) : 0;
    // Beyond, exp(psi) is below e^-45 of its value at the mode: z (e^y - 1) alone takes it there.
    const double most = portable_log1p(100 / z + portable_exp(mode) * 100);
    const double top = psi(mode);
    double sum = 0;
    for_nodes(concave_panels(psi, mode, most),
              [&](double y, double weight) { sum += weight * portable_exp(psi(y) - top); });
    const double result = p_alive(p, h) * rate(p, h) * scale * sum * portable_exp(top);
    if (!std::isfinite(result))
      throw ModelError(fmt::format(
          "residual transactions of pareto_nbd at the discount rate {} are beyond a double; give a larger rate",
          delta));
    return result;
  }

  void add_drawn(std::span<const double> p, const kernels::GammaSpend& spend, kernels::AnyDrawn& drawn) const override {
    add_drawn_of<kernels::ParetoNbd>({1 / p[s]}, spend, drawn);
  }
  void add_customer(std::span<const double> p, const PurchaseHistory& h, std::uint64_t hash,
                    const kernels::GammaSpendCustomer& spend, kernels::AnyCustomers& customers) const override {
    const kernels::ParetoNbd::Customer customer{p_alive(p, h), p[beta] + h.T, portable_log(p[alpha] + h.T),
                                                kernels::LogGammaSampler(p[r] + h.x)};
    add_customer_of<kernels::ParetoNbd>(customer, hash, spend, customers);
  }

 private:
  // Adds e^log_weight times the probabilities of 0, 1, ... purchases in the time w.
  static void add_counts(double shape, double of_buys, double w, double log_weight, std::span<double> probability) {
    constexpr double large = 1e100, log_large = 230.25850929940456840;
    const double buys = w / (of_buys + w);
    double log_scale = log_weight - shape * portable_log1p(w / of_buys), scale = portable_exp(log_scale), mass = 1;
    for (std::size_t n = 0; n < probability.size(); ++n) {
      probability[n] += scale * mass;
      mass *= (shape + static_cast<double>(n)) / (static_cast<double>(n) + 1) * buys;
      if (mass < large) continue;
      mass /= large;  // the scale may be too small for a double at n = 0
      scale = portable_exp(log_scale += log_large);
    }
  }
  [[nodiscard]] static double rate(std::span<const double> p, const PurchaseHistory& h) {
    return (p[r] + h.x) / (p[alpha] + h.T);
  }
  // Expected time alive in (T, T + t] of a customer alive at T: (beta + T) (1 - e^(-(s - 1) l)) / (s - 1).
  [[nodiscard]] static double lifetime_within(std::span<const double> p, const PurchaseHistory& h, double t) {
    const double l = portable_log1p(t / (p[beta] + h.T)), u = (p[s] - 1) * l;
    const double share = u == 0 ? 1 : -portable_expm1(-u) / u;
    return (p[beta] + h.T) * l * share;
  }
};

}  // namespace

std::unique_ptr<SimulatedModel> make_pareto_nbd() { return std::make_unique<ParetoNbd>(); }

}  // namespace clvsim
