// BG/NBD (Fader, Hardie & Lee 2005), MBG/NBD (Batislam, Denizel & Filiztekin 2007) and their Erlang-k forms
// (Reutterer, Platzer & Schroeder 2020).
//
// Purchases come after Erlang-k times of rate lambda ~ Gamma(r, alpha); after each, a customer drops out with
// probability p ~ Beta(a, b). m = 1 where the first purchase counts as well, else 0. Given the history, the customer is
// alive with j = 0 ... k - 1 phases of the next time over, or dropped out at the last purchase:
//
//   A_j = B(a, b + x + m) Gamma(r + kx + j) / j! (T - t_x)^j / (alpha + T)^(r + kx + j)
//   D   = B(a + 1, b + x - 1 + m) Gamma(r + kx) / (alpha + t_x)^(r + kx)               none where x + m = 0
//   L   = (sum A_j + D) alpha^r / (Gamma(r) B(a, b)) prod (gap^(k-1)) / (k-1)!^x
#include "host/math/vector_math.hpp"
#include "host/model/purchase_model.hpp"

#include <clvsim/error.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace clvsim {
namespace {

enum Parameter : std::size_t { r, alpha, a, b, n_parameters_of };
using Gradient = std::array<double, n_parameters_of>;

// Probabilities of i = 0, 1, ... phases to come, one after the other: negative binomial, p(stop) = 1 / (1 + odds).
class Phases {
 public:
  Phases(double shape, double odds) : shape_(shape) {
    log_mass_ = -shape * portable_log1p(odds);
    mass_ = portable_exp(log_mass_);
    log_go_ = portable_log(odds) - portable_log1p(odds);
    go_ = portable_exp(log_go_);
  }
  [[nodiscard]] double log_mass() const { return log_mass_; }
  [[nodiscard]] double mass() const { return mass_; }
  void next() {
    log_mass_ += portable_log((shape_ + i_) / (i_ + 1)) + log_go_;
    mass_ = portable_exp(log_mass_);
    ++i_;
  }
  // Whether all that follows adds less than `share` x `to`: from here on masses fall at least geometrically.
  [[nodiscard]] bool settled(double share, double to) const {
    const double falls = 1 - (shape_ + i_) / (i_ + 1) * go_;
    return falls > 0 && mass_ <= share * to * falls;
  }

 private:
  double shape_, log_mass_, mass_, log_go_, go_, i_ = 0;
};

class BgNbd final : public SimulatedModel {
 public:
  BgNbd(int k, bool after_first) : k_(k), m_(after_first ? 1 : 0) {}

  [[nodiscard]] std::string name() const override {
    const std::string family = m_ == 1 ? "mbg" : "bg";
    return k_ == 1 ? family + "_nbd" : fmt::format("{}_cnbd_{}", family, k_);
  }
  [[nodiscard]] std::span<const std::string_view> parameter_names() const override {
    static constexpr std::array<std::string_view, n_parameters_of> names{"r", "alpha", "a", "b"};
    return names;
  }
  [[nodiscard]] std::string_view dropout() const override {
    return "the probability to drop out after a purchase (a, b)";
  }
  [[nodiscard]] bool is_time(std::size_t parameter) const override { return parameter == alpha; }
  [[nodiscard]] int regularity() const override { return k_; }
  // Odds of dropping out are, in the mean over customers, a / (b - 1).
  [[nodiscard]] std::span<const CovariateEffect> covariate_effects() const override {
    static constexpr std::array<CovariateEffect, 2> effects{{{"purchase_rate", alpha, -1}, {"dropout", a, 1}}};
    return effects;
  }

  // The rate by the mean number of purchases over the mean time of observation.
  [[nodiscard]] std::vector<double> start(std::span<const PurchaseHistory> histories) const override {
    double purchases = 0, time = 0;
    for (const PurchaseHistory& h : histories) {
      purchases += h.weight * h.x;
      time += h.weight * h.T;
    }
    const double rate = std::max(k_ * purchases, 1.0) / std::max(time, 1e-9);
    return {0.5, 0.5 / rate / 2, 1, 2};
  }

  [[nodiscard]] double log_likelihood(std::span<const double> parameters, std::span<const PurchaseHistory> histories,
                                      std::span<double> gradient, std::span<double> each) const override {
    constexpr std::size_t tile = 64;  // histories at once, so that functions are computed on vector registers
    Tables tables(parameters);
    const double log_alpha = portable_log(parameters[alpha]), log_gamma_k = log_gamma(k_);
    const auto n_terms = static_cast<std::size_t>(k_) + 1;  // of a history: phases, and dropped out
    VectorBuffer until_end, until_last, log_until_end, log_until_last, term, mass, total, log_total;
    std::vector<Gradient> by(tile * n_terms);
    std::array<double, tile> top{};
    CompensatedSum sum;
    Gradient slope{};
    for (std::size_t first = 0; first < histories.size(); first += tile) {
      const auto some = histories.subspan(first, std::min(tile, histories.size() - first));
      for (VectorBuffer* buffer : {&until_end, &until_last, &total}) buffer->resize(some.size());
      term.resize(some.size() * n_terms);
      for (std::size_t i = 0; i < some.size(); ++i) {
        until_end[i] = parameters[alpha] + some[i].T;
        until_last[i] = parameters[alpha] + some[i].t_x;
      }
      log_until_end.be_log_of(until_end);
      log_until_last.be_log_of(until_last);
      for (std::size_t i = 0; i < some.size(); ++i) {
        const std::size_t begin = i * n_terms;
        top[i] = term[begin + n_terms - 1] = minus_infinity;
        weigh(parameters, tables, some[i], {log_until_end[i], log_until_last[i]},
              [&](int j, double log_mass, const Gradient& gradient_of) {
                const std::size_t at = begin + (j < 0 ? n_terms - 1 : static_cast<std::size_t>(j));
                term[at] = log_mass;
                by[at] = gradient_of;
                top[i] = std::max(top[i], log_mass);
              });
        for (std::size_t j = 0; j < n_terms; ++j) term[begin + j] = std::max(term[begin + j] - top[i], -1000.0);
      }
      mass.be_exp_of(term);
      for (std::size_t i = 0; i < some.size(); ++i) {
        total[i] = 0;
        for (std::size_t j = 0; j < n_terms; ++j) total[i] += mass[i * n_terms + j];
      }
      log_total.be_log_of(total);
      for (std::size_t i = 0; i < some.size(); ++i) {
        const PurchaseHistory& h = some[i];
        const double value =
            top[i] + log_total[i] + parameters[r] * log_alpha + (k_ - 1) * h.log_gaps - h.x * log_gamma_k;
        sum.add(h.weight * value);
        if (!each.empty()) each[first + i] = value;
        if (gradient.empty()) continue;
        for (std::size_t j = 0; j < n_terms; ++j) {
          const double share = h.weight * mass[i * n_terms + j] / total[i];
          if (share == 0) continue;
          for (std::size_t k = 0; k < n_parameters_of; ++k) slope[k] += share * by[i * n_terms + j][k];
        }
        slope[r] += h.weight * log_alpha;
        slope[alpha] += h.weight * parameters[r] / parameters[alpha];
      }
    }
    for (std::size_t i = 0; i < gradient.size(); ++i) gradient[i] = slope[i] * parameters[i];
    return sum.value();
  }

  [[nodiscard]] double p_alive(std::span<const double> parameters, const PurchaseHistory& history) const override {
    return posterior(parameters, history).p_alive;
  }

  // sum over n >= 1 of P(Y >= n): a customer that would buy so often, had it not dropped out before.
  [[nodiscard]] double expected_purchases(std::span<const double> parameters, const PurchaseHistory& history,
                                          double t) const override {
    check_ahead(*this, t);
    const Posterior now = posterior(parameters, history);
    return now.p_alive * purchases_while_alive(parameters, history, now.phase, t);
  }

  // Of N purchases that an immortal customer would make, it makes n < N where it drops out after the n-th.
  [[nodiscard]] std::vector<double> purchase_distribution(std::span<const double> p, const PurchaseHistory& h, double t,
                                                          int n_max) const override {
    check_counts(*this, t, n_max);
    const Posterior now = posterior(p, h);
    std::vector<double> probability(static_cast<std::size_t>(n_max) + 1);
    if (t == 0) {
      probability[0] = 1;
      return probability;
    }
    const double kept = p[b] + h.x + m_;
    std::vector<double> survives(probability.size(), 1);  // the first n purchases: B(a, kept + n) / B(a, kept)
    for (std::size_t n = 1; n < survives.size(); ++n)
      survives[n] = survives[n - 1] * (kept + static_cast<double>(n) - 1) / (p[a] + kept + static_cast<double>(n) - 1);
    for (int j = 0; j < k_; ++j) {
      // exactly[n]: P(N = n), the phases k n - j ... k n - j + k - 1 to come.
      std::vector<double> exactly(probability.size());
      double more = 0;  // P(N > n)
      Phases phases = phases_ahead(p, h, j, t);
      for (int i = 0;; ++i, phases.next()) {
        check_settles(i, t);
        const int n = (i + j) / k_;
        (n <= n_max ? exactly[static_cast<std::size_t>(n)] : more) += phases.mass();
        if (n > n_max && phases.settled(1e-17, more)) break;
      }
      const double share = now.p_alive * now.phase[static_cast<std::size_t>(j)];
      for (std::size_t n = exactly.size(); n-- > 1;) {
        const double drops_out = p[a] / (p[a] + kept + static_cast<double>(n) - 1);
        probability[n] += share * survives[n - 1] * (exactly[n] + more * drops_out);
        more += exactly[n];
      }
      probability[0] += share * exactly[0];
    }
    probability[0] += 1 - now.p_alive;
    return probability;
  }

  [[nodiscard]] double expected_of_new(std::span<const double> parameters, double t) const override {
    return expected_purchases(parameters, PurchaseHistory{}, t);
  }

  void add_drawn(std::span<const double>, const kernels::DrawnSpend& spend, kernels::AnyDrawn& drawn) const override {
    add_drawn_of<kernels::BgNbd>({static_cast<std::uint32_t>(k_)}, spend, drawn);
  }
  void add_customer(std::span<const double> p, const PurchaseHistory& h, std::uint64_t hash,
                    const kernels::DrawnSpendCustomer& spend, kernels::AnyCustomers& customers) const override {
    const Posterior now = posterior(p, h);
    kernels::BgNbd::Customer customer;
    double until = 0;
    for (std::size_t j = 0; j < now.phase.size(); ++j) customer.until[j] = until += now.p_alive * now.phase[j];
    customer.rate_shape = p[r] + static_cast<double>(k_) * h.x;
    customer.log_exposure = portable_log(p[alpha] + h.T);
    customer.rate = kernels::LogGammaSampler(customer.rate_shape);
    customer.dropout = kernels::LogBetaSampler(p[a], p[b] + h.x + m_);
    add_customer_of<kernels::BgNbd>(customer, hash, spend, customers);
  }

 private:
  struct Tables {
    explicit Tables(std::span<const double> p) : rate(p[r]), keep(p[b]), all(p[a] + p[b]), log_a(portable_log(p[a])) {}
    RisingTable rate, keep, all;
    double log_a;
  };
  struct Posterior {
    double p_alive = 1;
    std::vector<double> phase;  // [k] given that it is alive
  };

  // Of alpha + T and alpha + t_x.
  struct LogTimes {
    double until_end, until_last;
  };
  // visit(j, log of A_j / (Gamma(r) B(a, b)), its gradient) for every phase, then the same of D with j = -1.
  template <class Visit>
  void weigh(std::span<const double> p, Tables& tables, const PurchaseHistory& h, LogTimes log, Visit&& visit) const {
    const auto kept = static_cast<std::size_t>(h.x + m_);
    const auto phases = static_cast<std::size_t>(k_) * static_cast<std::size_t>(h.x);
    // B(a, b + kept) / B(a, b)
    const double log_kept = tables.keep.value(kept) - tables.all.value(kept);
    const double log_exposure = log.until_end;
    double log_silent = 0;  // of (T - t_x)^j / j!
    for (int j = 0; j < k_; ++j) {
      if (j > 0) log_silent += h.T > h.t_x ? portable_log((h.T - h.t_x) / j) : minus_infinity;
      const double shape = p[r] + static_cast<double>(phases) + j;
      const auto n = phases + static_cast<std::size_t>(j);
      visit(j, log_kept + tables.rate.value(n) + log_silent - shape * log_exposure,
            Gradient{tables.rate.slope(n) - log_exposure, -shape / (p[alpha] + h.T), -tables.all.slope(kept),
                     tables.keep.slope(kept) - tables.all.slope(kept)});
    }
    if (kept == 0) return;
    // B(a + 1, b + kept - 1) / B(a, b)
    const double shape = p[r] + static_cast<double>(phases), log_until_last = log.until_last;
    visit(-1,
          tables.log_a + tables.keep.value(kept - 1) - tables.all.value(kept) + tables.rate.value(phases) -
              shape * log_until_last,
          Gradient{tables.rate.slope(phases) - log_until_last, -shape / (p[alpha] + h.t_x),
                   1 / p[a] - tables.all.slope(kept), tables.keep.slope(kept - 1) - tables.all.slope(kept)});
  }

  [[nodiscard]] Posterior posterior(std::span<const double> p, const PurchaseHistory& h) const {
    Tables tables(p);
    std::vector<double> log_phase;
    double log_alive = minus_infinity, log_dead = minus_infinity;
    const LogTimes log{portable_log(p[alpha] + h.T), portable_log(p[alpha] + h.t_x)};
    weigh(p, tables, h, log, [&](int j, double log_mass, const Gradient&) {
      if (j < 0) {
        log_dead = log_mass;
      } else {
        log_phase.push_back(log_mass);
        log_alive = log_add(log_alive, log_mass);
      }
    });
    Posterior now;
    if (h.x + m_ > 0) {
      // Of the ratio of the largest terms alpha cancels: its logarithm keeps its digits where x is large.
      if (k_ == 1)
        log_dead = log_alive + portable_log(p[a] / (p[b] + h.x + m_ - 1)) +
                   (p[r] + h.x) * portable_log1p((h.T - h.t_x) / (p[alpha] + h.t_x));
      now.p_alive = 1 / (1 + portable_exp(log_dead - log_alive));
    }
    for (const double log_mass : log_phase) now.phase.push_back(portable_exp(log_mass - log_alive));
    return now;
  }

  // Expected purchases in (T, T + t] of a customer alive at T. Phases to come are negative binomial: shape
  // r + kx + j, probability (alpha + T) / (alpha + T + t).
  [[nodiscard]] double purchases_while_alive(std::span<const double> p, const PurchaseHistory& h,
                                             const std::vector<double>& phase, double t) const {
    if (t == 0) return 0;
    const double kept = p[b] + h.x + m_;
    double sum = 0;
    for (int j = 0; j < k_; ++j) {
      Phases phases = phases_ahead(p, h, j, t);
      double tail = -portable_expm1(phases.log_mass());  // P(phases > i)
      double survives = 1, expected = 0;                 // B(a, kept + n - 1) / B(a, kept)
      for (int i = 0, n = 1;; ++i) {
        check_settles(i, t);
        // P(N >= k n - j) is wanted.
        if (i + 1 == k_ * n - j) {
          expected += tail * survives;
          survives *= (kept + n - 1) / (p[a] + kept + n - 1);
          ++n;
        }
        phases.next();
        tail = std::max(tail - phases.mass(), 0.0);
        if (phases.settled(1e-18, 1)) break;
      }
      sum += phase[static_cast<std::size_t>(j)] * expected;
    }
    return sum;
  }

  [[nodiscard]] Phases phases_ahead(std::span<const double> p, const PurchaseHistory& h, int j, double t) const {
    return {p[r] + static_cast<double>(k_) * h.x + j, t / (p[alpha] + h.T)};
  }
  void check_settles(int phases, double t) const {
    constexpr int most_phases = 10'000'000;
    if (phases < most_phases) return;
    throw ModelError(
        fmt::format("purchases of {} in the time t = {} ahead do not settle within {} phases; give a shorter time",
                    name(), t, most_phases));
  }

  int k_, m_;
};

}  // namespace

std::unique_ptr<SimulatedModel> make_bg_nbd(int k, bool after_first) { return std::make_unique<BgNbd>(k, after_first); }

}  // namespace clvsim
