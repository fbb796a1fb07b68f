// Draws of the parameters of a fitted model, for all customers of a path alike.
#include <clvsim/behaviour_model.hpp>

#include "host/math/special.hpp"
#include "kernels/math/gamma_draws.hpp"
#include "kernels/rng/address.hpp"

#include <clvsim/error.hpp>

#include <fmt/format.h>

#include <cmath>
#include <optional>

namespace clvsim {
namespace {

// Whose draws they are: the second of the hashes that belong to no customer.
constexpr std::uint64_t parameter_hash = first_reserved_hash + 1;

// The lower factor L of a covariance L L', row by row. Throws ConfigError where there is none.
std::vector<double> cholesky(const std::vector<double>& covariance, std::size_t n, const char* where) {
  std::vector<double> lower(n * n);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      double rest = covariance[i * n + j];
      for (std::size_t k = 0; k < j; ++k) rest -= lower[i * n + k] * lower[j * n + k];
      if (i != j) {
        lower[i * n + j] = rest / lower[j * n + j];
        continue;
      }
      if (!(rest > 0) || !std::isfinite(rest))
        throw ConfigError(
            fmt::format("{} log_covariance is no covariance: it is not positive definite; fit the model "
                        "again",
                        where));
      lower[i * n + i] = std::sqrt(rest);
    }
  }
  return lower;
}

// Parameters whose logarithms are normal. `first`: the number of the first of them among those that are drawn.
class LogNormal {
 public:
  LogNormal(std::vector<double> centre, const std::vector<double>& covariance, std::uint32_t first, const char* where)
      : centre_(std::move(centre)), lower_(cholesky(covariance, centre_.size(), where)), first_(first) {}

  [[nodiscard]] std::vector<double> draw(std::uint32_t d, std::uint64_t seed) const {
    const std::size_t n = centre_.size();
    const kernels::PathDraws draws{seed, parameter_hash, d};
    std::vector<double> normal(n), result(centre_);
    for (std::size_t j = 0; j < n; ++j) {
      const kernels::Words words = draws({kernels::Purpose::parameter, first_ + static_cast<std::uint32_t>(j)});
      normal[j] = kernels::elementary::normal_52<kernels::ScalarDoubles>(kernels::upper_52_bits(words.x, words.y));
    }
    for (std::size_t i = 0; i < n; ++i) {
      double shift = 0;
      for (std::size_t j = 0; j <= i; ++j) shift += lower_[i * n + j] * normal[j];
      result[i] *= portable_exp(shift);
    }
    return result;
  }

 private:
  std::vector<double> centre_, lower_;
  std::uint32_t first_;
};

void set_spend(const PurchaseSpend& of, const std::vector<double>& parameters, ParameterDraw& draw) {
  PurchaseSpend drawn;
  drawn.kind = of.kind;
  drawn.set_parameters(parameters);
  draw.law = drawn.law;
  draw.log_normal = drawn.log_normal;
}

// The numbers of a draw, in the order of all_parameters().
void set_behaviour(const BehaviourModel& of, const std::vector<double>& all, ParameterDraw& draw) {
  if (of.classes.empty()) {
    draw.parameters = all;
    return;
  }
  const std::size_t n = of.parameters.size();
  auto at = all.begin();
  const auto next = [&](std::size_t count) {
    const auto first = at;
    at += static_cast<std::ptrdiff_t>(count);
    return std::vector<double>(first, at);
  };
  draw.parameters = next(n);
  set_spend(*of.spend, next(3), draw);
  for (std::size_t c = 0; c < of.classes.size(); ++c) {
    ModelClass& one = draw.classes.emplace_back();
    one.parameters = next(n);
    one.spend = next(3);
    one.odds = next(1).front();
  }
}

// A drawn spend without a mean cannot be simulated.
void check_mean(double q, double estimate, std::uint32_t d) {
  if (q > 1) return;
  throw ModelError(
      fmt::format("draw {} of the parameters has q = {} of [spend]: at q <= 1 the mean spend of a new customer is "
                  "infinite. q = {} is too uncertain for draws: fit more customers, or simulate without "
                  "--parameter-draws",
                  d, q, estimate));
}

// The first n of the bootstrap's, which check() has found to be as many of every part.
std::vector<ParameterDraw> stored_draws(const BehaviourModel& model, std::uint32_t n) {
  const std::size_t width = all_parameters(model).size(), stored = model.fit->draws.size() / width;
  if (n > stored)
    throw ConfigError(
        fmt::format("the model {} has {} draws of its parameters ([fit] draws), not {}; ask for at most {}, or fit "
                    "it with more (clvsim fit --uncertainty bootstrap --draws {})",
                    model.model, stored, n, stored, n));
  const auto row = [](const std::vector<double>& draws, std::size_t d, std::size_t n_numbers) {
    const auto first = draws.begin() + static_cast<std::ptrdiff_t>(d * n_numbers);
    return std::vector<double>(first, first + static_cast<std::ptrdiff_t>(n_numbers));
  };
  std::vector<ParameterDraw> all(n);
  for (std::size_t d = 0; d < n; ++d) {
    set_behaviour(model, row(model.fit->draws, d, width), all[d]);
    for (const ModelSegment& segment : model.segments)
      all[d].segments.push_back(row(segment.fit->draws, d, segment.parameters.size()));
    if (model.spend && model.classes.empty()) set_spend(*model.spend, row(model.spend->draws, d, 3), all[d]);
  }
  return all;
}

}  // namespace

std::vector<ParameterDraw> draw_parameters(const BehaviourModel& model, std::uint32_t n, std::uint64_t seed) {
  check(model);
  if (model.fit && !model.fit->draws.empty()) return stored_draws(model, n);
  if (!model.fit || (model.spend && model.classes.empty() && model.spend->log_covariance.empty()))
    throw ConfigError(
        fmt::format("the model {} has no covariances of its parameters ([fit], [spend] log_covariance), so that their "
                    "uncertainty is not known; fit it to a store, or simulate without --parameter-draws",
                    model.model));
  const LogNormal behaviour(all_parameters(model), model.fit->log_covariance, 0, "[fit]");
  std::vector<LogNormal> segments;
  for (const ModelSegment& segment : model.segments) {
    if (!segment.fit)
      throw ConfigError(
          fmt::format("the segment '{}' of {} has no covariance of its parameters ([segment.fit] log_covariance), so "
                      "that their uncertainty is not known; fit it to a store, or simulate without --parameter-draws",
                      segment.name, model.model));
    constexpr std::size_t most_parameters = 4;
    segments.emplace_back(segment.parameters, segment.fit->log_covariance,
                          static_cast<std::uint32_t>((segments.size() + (model.spend ? 2 : 1)) * most_parameters),
                          "[segment.fit]");
  }
  std::optional<LogNormal> spend;
  if (model.spend && model.classes.empty()) {
    spend.emplace(model.spend->parameters(), model.spend->log_covariance,
                  static_cast<std::uint32_t>(all_parameters(model).size()), "[spend]");
  }
  std::vector<ParameterDraw> all;
  for (std::uint32_t d = 0; d < n; ++d) {
    ParameterDraw& draw = all.emplace_back();
    set_behaviour(model, behaviour.draw(d, seed), draw);
    for (const LogNormal& segment : segments) draw.segments.push_back(segment.draw(d, seed));
    if (spend) set_spend(*model.spend, spend->draw(d, seed), draw);
    if (model.spend && model.spend->kind == SpendLaw::gamma_gamma) check_mean(draw.law.q, model.spend->law.q, d);
    for (std::size_t c = 0; c < draw.classes.size(); ++c)
      check_mean(draw.classes[c].spend[1], model.classes[c].spend[1], d);
  }
  return all;
}

}  // namespace clvsim
