// Integrals of exp(psi) for concave psi, by Gauss-Legendre panels placed where the mass is.
#pragma once

#include "host/math/special.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

namespace clvsim {

// Nodes and weights of the Gauss-Legendre rule on (-1, 1) (Abramowitz & Stegun 1964, 25.4.29), by Newton's iteration.
template <std::size_t n>
struct GaussLegendre {
  std::array<double, n> node{}, weight{};
  GaussLegendre();
};

template <std::size_t n>
GaussLegendre<n>::GaussLegendre() {
  for (std::size_t i = 0; i < n; ++i) {
    // Close to sin(pi s), here by the first terms of its series.
    constexpr double pi = 3.14159265358979323846;
    const double angle = pi * ((static_cast<double>(i) + 0.75) / (static_cast<double>(n) + 0.5) - 0.5);
    const double square = angle * angle;
    double x = angle * (1 - square / 6 * (1 - square / 20 * (1 - square / 42 * (1 - square / 72)))), slope = 1;
    for (int step = 0; step < 12; ++step) {
      double p = 1, before = 0;
      for (std::size_t k = 0; k < n; ++k) {
        const double next =
            ((2 * static_cast<double>(k) + 1) * x * p - static_cast<double>(k) * before) / (static_cast<double>(k) + 1);
        before = p;
        p = next;
      }
      slope = static_cast<double>(n) * (x * p - before) / (x * x - 1);
      x -= p / slope;
    }
    node[i] = x;
    weight[i] = 2 / ((1 - x * x) * slope * slope);
  }
}

// Where exp(psi) has its mass on [0, length]: psi is concave with its maximum at `mode`, and beyond the cuts it is
// lower than that by `depth` or more. `n` panels lie between the cuts.
struct ConcavePanels {
  std::array<double, 5> cut{};
  int n = 1;
  bool narrow = false;  // 12 nodes are enough
};

// One panel of 12 or of 24 nodes is enough where psi varies by less than `_range`: of exp(-R t) over (0, 1), n nodes
// are off by R^(2n) (n!)^4 / ((2n + 1) (2n)!^3) (Abramowitz & Stegun 1964, 25.4.30), 2e-18 and 3e-24; and where the
// panel is shorter than `_length`: the integrands here have branch points at a distance of pi from the real axis.
inline constexpr double narrowest_range = 7, narrowest_length = 2.5;
inline constexpr double narrow_range = 24, narrow_length = 6;

// `top` is psi(mode), `lowest` the smaller of psi(0) and psi(length).
template <class Psi>
ConcavePanels concave_panels(const Psi& psi, double mode, double length, double top, double lowest) {
  constexpr double depth = 45;  // e^-45 is below the rounding of the sum
  constexpr int halvings = 20;  // of the search for a cut, which need not be sharp
  const auto cut_between = [&](double inside, double outside) {
    if (psi(outside) >= top - depth) return outside;
    for (int k = 0; k < halvings; ++k) {
      const double middle = 0.5 * (inside + outside);
      (psi(middle) >= top - depth ? inside : outside) = middle;
    }
    return outside;
  };
  ConcavePanels panels;
  const double range = top - lowest;
  if (range < narrow_range && length < narrow_length) {
    panels.cut = {0, length, length, length, length};
    panels.narrow = range < narrowest_range && length < narrowest_length;
    return panels;
  }
  const double left = mode > 0 ? cut_between(mode, 0) : 0, right = mode < length ? cut_between(mode, length) : length;
  panels.n = 0;
  panels.cut[0] = left;
  // At 12 % and 40 % of the way from the mode, where a density that falls from its mode bends most.
  for (const double to : {mode, mode + 0.12 * (right - mode), mode + 0.4 * (right - mode), right})
    if (to > panels.cut[static_cast<std::size_t>(panels.n)]) panels.cut[static_cast<std::size_t>(++panels.n)] = to;
  return panels;
}

template <class Psi>
ConcavePanels concave_panels(const Psi& psi, double mode, double length) {
  return concave_panels(psi, mode, length, psi(mode), std::min(psi(0.0), psi(length)));
}

// Calls visit(w, weight) for every node of the panels: the integral of exp(psi) is the sum of weight exp(psi(w)).
template <class Visit>
void for_nodes(const ConcavePanels& panels, Visit&& visit) {
  static const GaussLegendre<12> narrow;
  static const GaussLegendre<24> wide;
  const auto over = [&](const auto& rule, double from, double to) {
    const double half = 0.5 * (to - from), middle = 0.5 * (to + from);
    for (std::size_t i = 0; i < rule.node.size(); ++i) visit(middle + half * rule.node[i], half * rule.weight[i]);
  };
  if (panels.narrow) return over(narrow, panels.cut[0], panels.cut[1]);
  for (std::size_t k = 0; k < static_cast<std::size_t>(panels.n); ++k) over(wide, panels.cut[k], panels.cut[k + 1]);
}

}  // namespace clvsim
