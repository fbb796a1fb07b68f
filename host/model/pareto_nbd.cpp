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
#include "host/math/vector_math.hpp"
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

// A0 of a few histories, their functions computed on vector registers.
class DropoutIntegrals {
 public:
  explicit DropoutIntegrals(std::span<const double> p) : p_(p) {}

  void compute(std::span<const PurchaseHistory> histories, bool with_gradient, std::vector<Dropout>& result) {
    result.assign(histories.size(), {});
    begin(histories);
    place_nodes();
    grown_.be_exp_of(w_);
    for (std::size_t i = 0; i < integrands_.size(); ++i) {
      const Integrand& of = integrands_[i];
      for (std::size_t k = of.first; k < end_of(i); ++k) second_[k] = of.rho * (grown_[k] - 1);
    }
    log_second_.be_log1p_of(second_);
    for (std::size_t i = 0; i < integrands_.size(); ++i) {
      const Integrand& of = integrands_[i];
      for (std::size_t k = of.first; k < end_of(i); ++k)
        exponent_[k] = (1 - of.e1) * w_[k] - of.e2 * log_second_[k] - of.top;
    }
    mass_.be_exp_of(exponent_);
    for (std::size_t i = 0; i < integrands_.size(); ++i) add_up(i, with_gradient, result);
    log_sum_.be_log_of(sum_);
    for (std::size_t i = 0; i < integrands_.size(); ++i) {
      const Integrand& of = integrands_[i];
      if (of.exists) result[i].log_mass = log_sum_[i] + of.top + (1 - of.e1) * log_a1_[i] - of.e2 * log_a2_[i];
    }
  }

 private:
  struct Integrand {
    bool exists = false, alpha_first = false;
    double e1 = 0, e2 = 0, a1 = 1, a2 = 1, rho = 1, mode = 0, top = 0;
    std::size_t first = 0;  // node
  };
  [[nodiscard]] std::size_t end_of(std::size_t i) const {
    return i + 1 < integrands_.size() ? integrands_[i + 1].first : w_.size();
  }

  // Their ranges, and psi at the ends of these.
  void begin(std::span<const PurchaseHistory> histories) {
    const std::size_t n = histories.size();
    integrands_.assign(n, {});
    for (VectorBuffer* buffer : {&a1_, &a2_, &ratio_, &rise_, &sum_}) buffer->resize(n);
    for (std::size_t i = 0; i < n; ++i) {
      const PurchaseHistory& h = histories[i];
      Integrand& of = integrands_[i];
      const double purchases = p_[r] + h.x;
      of.exists = h.T > h.t_x;
      of.alpha_first = p_[alpha] <= p_[beta];
      a1_[i] = of.a1 = std::min(p_[alpha], p_[beta]) + h.t_x;
      a2_[i] = of.a2 = std::max(p_[alpha], p_[beta]) + h.t_x;
      of.e1 = of.alpha_first ? purchases : p_[s] + 1;
      of.e2 = of.alpha_first ? p_[s] + 1 : purchases;
      of.rho = of.a1 / of.a2;
      ratio_[i] = of.exists ? (h.T - h.t_x) / of.a1 : 1;
      sum_[i] = 1;
    }
    log_a1_.be_log_of(a1_);
    log_a2_.be_log_of(a2_);
    length_.be_log1p_of(ratio_);
    grown_.be_exp_of(length_);
    for (std::size_t i = 0; i < n; ++i) rise_[i] = integrands_[i].rho * (grown_[i] - 1);
    log_rise_.be_log1p_of(rise_);
  }

  void place_nodes() {
    w_.clear();
    weight_.clear();
    for (std::size_t i = 0; i < integrands_.size(); ++i) {
      Integrand& of = integrands_[i];
      of.first = w_.size();
      if (!of.exists) continue;
      const double length = length_[i];
      const auto psi = [&](double w) {
        return (1 - of.e1) * w - of.e2 * portable_log1p(of.rho * (portable_exp(w) - 1));
      };
      // psi' = (1 - e1) - e2 q(w), with q = rho e^w / (1 - rho + rho e^w) rising from rho: its zero, inside the range.
      if (1 - of.e1 > of.e2 * of.rho) {
        const double q = (1 - of.e1) / of.e2;
        of.mode = q < 1 ? std::clamp(portable_log(q * (1 - of.rho) / (of.rho * (1 - q))), 0.0, length) : length;
        of.top = psi(of.mode);
      }
      const double at_length = (1 - of.e1) * length - of.e2 * log_rise_[i];
      for_nodes(concave_panels(psi, of.mode, length, of.top, std::min(0.0, at_length)), [&](double w, double weight) {
        w_.push_back(w);
        weight_.push_back(weight);
      });
    }
    second_.resize(w_.size());
    exponent_.resize(w_.size());
  }

  void add_up(std::size_t i, bool with_gradient, std::vector<Dropout>& result) {
    const Integrand& of = integrands_[i];
    if (!of.exists) return;
    double sum = 0, by_e1 = 0, by_e2 = 0, by_a1 = 0, by_a2 = 0;
    for (std::size_t k = of.first; k < end_of(i); ++k) {
      const double mass = weight_[k] * mass_[k];
      sum += mass;
      if (!with_gradient) continue;
      by_e1 += mass * w_[k];
      by_e2 += mass * log_second_[k];
      by_a1 += mass / grown_[k];
      by_a2 += mass / (1 + second_[k]);
    }
    sum_[i] = sum;
    // Minus the means of ln(a1 + tau), ln(a2 + tau), e1 / (a1 + tau) and e2 / (a2 + tau) over the integrand.
    const double of_e1 = -log_a1_[i] - by_e1 / sum, of_e2 = -log_a2_[i] - by_e2 / sum;
    const double of_a1 = -of.e1 * by_a1 / (sum * of.a1), of_a2 = -of.e2 * by_a2 / (sum * of.a2);
    result[i].gradient = of.alpha_first ? Gradient{of_e1, of_a1, of_e2, of_a2} : Gradient{of_e2, of_a2, of_e1, of_a1};
  }

  std::span<const double> p_;
  std::vector<Integrand> integrands_;
  // A number a history.
  VectorBuffer a1_, a2_, log_a1_, log_a2_, ratio_, length_, rise_, log_rise_, sum_, log_sum_;
  // A number a node.
  VectorBuffer w_, weight_, grown_, second_, log_second_, exponent_, mass_;
};

class ParetoNbd final : public SimulatedModel {
 public:
  [[nodiscard]] std::string name() const override { return "pareto_nbd"; }
  [[nodiscard]] std::span<const std::string_view> parameter_names() const override {
    static constexpr std::array<std::string_view, n_parameters_of> names{"r", "alpha", "s", "beta"};
    return names;
  }
  [[nodiscard]] std::string_view dropout() const override { return "the drop-out rate (s, beta)"; }
  [[nodiscard]] bool is_time(std::size_t parameter) const override { return parameter == alpha || parameter == beta; }
  [[nodiscard]] std::span<const CovariateEffect> covariate_effects() const override {
    static constexpr std::array<CovariateEffect, 2> effects{{{"purchase_rate", alpha, -1}, {"dropout", beta, -1}}};
    return effects;
  }
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
                                      std::span<double> gradient, std::span<double> each) const override {
    constexpr std::size_t tile = 64;  // histories at once: their numbers stay in the first cache
    RisingTable rising(p[r]);
    const double log_alpha = portable_log(p[alpha]), log_beta_ = portable_log(p[beta]), log_s = portable_log(p[s]);
    DropoutIntegrals integrals(p);
    std::vector<Dropout> dropout;
    VectorBuffer buys, stays, log_buys, log_stays, gap, smaller, total, log_total;
    for (VectorBuffer* buffer : {&buys, &stays, &gap, &total}) buffer->resize(tile);
    CompensatedSum sum;
    Gradient slope{};
    for (std::size_t first = 0; first < histories.size(); first += tile) {
      const auto some = histories.subspan(first, std::min(tile, histories.size() - first));
      integrals.compute(some, !gradient.empty(), dropout);
      for (std::size_t i = 0; i < some.size(); ++i) {
        buys[i] = p[alpha] + some[i].T;
        stays[i] = p[beta] + some[i].T;
      }
      log_buys.be_log_of(buys);
      log_stays.be_log_of(stays);
      const auto alive = [&](std::size_t i) { return -(p[r] + some[i].x) * log_buys[i] - p[s] * log_stays[i]; };
      for (std::size_t i = 0; i < some.size(); ++i)
        gap[i] = std::max(-std::abs(dropout[i].log_mass + log_s - alive(i)), -1000.0);
      smaller.be_exp_of(gap);
      for (std::size_t i = 0; i < some.size(); ++i) total[i] = 1 + smaller[i];
      log_total.be_log_of(total);
      for (std::size_t i = 0; i < some.size(); ++i) {
        const PurchaseHistory& h = some[i];
        const double log_alive = alive(i), log_dead = dropout[i].log_mass + log_s;
        const auto n = static_cast<std::size_t>(h.x);
        const double value =
            rising.value(n) + p[r] * log_alpha + p[s] * log_beta_ + std::max(log_alive, log_dead) + log_total[i];
        sum.add(h.weight * value);
        if (!each.empty()) each[first + i] = value;
        if (gradient.empty()) continue;
        const double of_alive = (log_alive >= log_dead ? 1 : smaller[i]) / total[i],
                     of_dead = (log_alive >= log_dead ? smaller[i] : 1) / total[i];
        const Gradient by_alive{-log_buys[i], -(p[r] + h.x) / buys[i], -log_stays[i], -p[s] / stays[i]};
        const Gradient& by_dead = dropout[i].gradient;
        for (std::size_t k = 0; k < n_parameters_of; ++k)
          slope[k] += h.weight * (of_alive * by_alive[k] + of_dead * by_dead[k]);
        slope[r] += h.weight * (rising.slope(n) + log_alpha);
        slope[alpha] += h.weight * p[r] / p[alpha];
        slope[s] += h.weight * (log_beta_ + of_dead / p[s]);
        slope[beta] += h.weight * p[s] / p[beta];
      }
    }
    for (std::size_t i = 0; i < gradient.size(); ++i) gradient[i] = slope[i] * p[i];
    return sum.value();
  }

  [[nodiscard]] double p_alive(std::span<const double> p, const PurchaseHistory& h) const override {
    std::vector<Dropout> dropout;
    DropoutIntegrals(p).compute({&h, 1}, false, dropout);
    const double log_dead = dropout[0].log_mass + portable_log(p[s]);
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

  void add_drawn(std::span<const double>, const kernels::DrawnSpend& spend, kernels::AnyDrawn& drawn) const override {
    add_drawn_of<kernels::ParetoNbd>({}, spend, drawn);
  }
  void add_customer(std::span<const double> p, const PurchaseHistory& h, std::uint64_t hash,
                    const kernels::DrawnSpendCustomer& spend, kernels::AnyCustomers& customers) const override {
    const kernels::ParetoNbd::Customer customer{p_alive(p, h), 1 / p[s], p[beta] + h.T, portable_log(p[alpha] + h.T),
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
