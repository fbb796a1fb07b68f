#include "host/model/purchase_model.hpp"

#include <clvsim/error.hpp>

#include <fmt/format.h>

#include <cmath>

namespace clvsim {

std::string fault_of(const PurchaseHistory& h) {
  if (!std::isfinite(h.t_x) || !std::isfinite(h.T) || !std::isfinite(h.log_gaps))
    return "has a time that is no finite number";
  if (h.x < 0) return fmt::format("has x = {} repeat purchases; give at least 0", h.x);
  if (!(h.T >= 0)) return fmt::format("is observed for T = {}; give at least 0", h.T);
  if (!(h.t_x >= 0 && h.t_x <= h.T))
    return fmt::format("has its last purchase at t_x = {}, outside [0, T = {}]", h.t_x, h.T);
  if ((h.x == 0) != (h.t_x == 0))
    return fmt::format(
        "has x = {} repeat purchases and the last at t_x = {}; merge the purchases of the first day, which start it",
        h.x, h.t_x);
  return {};
}

std::string PurchaseModel::fault_of(const PurchaseHistory& history) const { return clvsim::fault_of(history); }

std::optional<double> PurchaseModel::dert(std::span<const double>, const PurchaseHistory&, double rate) const {
  check_rate(*this, rate);
  return std::nullopt;
}

void check_ahead(const PurchaseModel& model, double t) {
  if (t >= 0 && std::isfinite(t)) return;
  throw ConfigError(
      fmt::format("purchases of {} in the time t = {} ahead; give a finite t of at least 0, and for purchases without "
                  "end a discount "
                  "rate (dert)",
                  model.name(), t));
}

void check_counts(const PurchaseModel& model, double t, int n_max) {
  constexpr int most = 10'000;
  check_ahead(model, t);
  if (n_max >= 0 && n_max <= most) return;
  throw ConfigError(fmt::format("the distribution of purchases of {} up to n_max = {}; give 0 <= n_max <= {}",
                                model.name(), n_max, most));
}

void check_rate(const PurchaseModel& model, double rate) {
  if (rate > 0 && std::isfinite(rate)) return;
  throw ConfigError(fmt::format(
      "residual transactions of {} at the discount rate {}; give a finite rate above 0, and for purchases of a limited "
      "time their expectation (expected_purchases)",
      model.name(), rate));
}

std::unique_ptr<SimulatedModel> make_simulated_model(std::string_view name, int k) {
  constexpr int most_phases = 16;
  if (name == "pareto_nbd") return make_pareto_nbd();
  if (name == "bg_nbd") return make_bg_nbd(1, false);
  if (name == "mbg_nbd") return make_bg_nbd(1, true);
  if (name == "bg_bb") return make_bg_bb();
  if (name == "bg_cnbd_k" || name == "mbg_cnbd_k") {
    if (k < 1 || k > most_phases)
      throw ConfigError(fmt::format("{} with k = {}; give a regularity k of 1 to {}", name, k, most_phases));
    return make_bg_nbd(k, name == "mbg_cnbd_k");
  }
  throw ConfigError(fmt::format(
      "there is no purchase model '{}'; choose pareto_nbd, bg_nbd, mbg_nbd, bg_cnbd_k, mbg_cnbd_k or bg_bb", name));
}

std::unique_ptr<PurchaseModel> make_purchase_model(std::string_view name, int k) {
  return make_simulated_model(name, k);
}

}  // namespace clvsim
