#include <clvsim/attribution.hpp>

#include <clvsim/error.hpp>

#include <fmt/format.h>

#include <bit>
#include <cmath>

namespace clvsim {
namespace {

using Totals = std::vector<std::vector<double>>;

// Mean over paths of a sum of weighted runs, and its error.
struct Weighted {
  std::size_t run;
  double weight;
};

Estimate estimate(const Totals& totals, const std::vector<Weighted>& terms) {
  const std::size_t n = totals.front().size();
  double mean = 0, squares = 0;
  for (std::size_t p = 0; p < n; ++p) {
    double x = 0;
    for (const Weighted& term : terms) x += term.weight * totals[term.run][p];
    const double before = x - mean;  // Welford 1962
    mean += before / static_cast<double>(p + 1);
    squares += before * (x - mean);
  }
  const auto count = static_cast<double>(n);
  return {mean, std::sqrt(squares / (count - 1) / count)};
}

// Orders of n things in which a given one comes after `before` given others, of all n!.
double share_of_orders(std::size_t before, std::size_t n) {
  double share = 1.0 / static_cast<double>(n);
  // 1 / (n C(n - 1, before))
  for (std::size_t k = 1; k <= before; ++k) share *= static_cast<double>(k) / static_cast<double>(n - k);
  return share;
}

}  // namespace

Attribution attribute_levers(const std::vector<std::string>& names, const Totals& totals) {
  const std::size_t n = names.size();
  if (n == 0 || n > most_attributed_levers)
    throw ConfigError(
        fmt::format("{} levers cannot be told apart; give 1 to {}, or join some", n, most_attributed_levers));
  const std::size_t all = (std::size_t{1} << n) - 1;
  if (totals.size() != all + 1 || totals.front().size() < 2)
    throw ConfigError(
        fmt::format("{} runs of {} levers; {} are needed, of two paths at least", totals.size(), n, all + 1));
  Attribution result;
  result.base = estimate(totals, {{0, 1}});
  result.all = estimate(totals, {{all, 1}});
  result.difference = estimate(totals, {{all, 1}, {0, -1}});
  for (std::size_t l = 0; l < n; ++l) {
    const std::size_t bit = std::size_t{1} << l;
    std::vector<Weighted> terms;
    for (std::size_t others = 0; others <= all; ++others) {
      if ((others & bit) != 0) continue;
      const double share = share_of_orders(static_cast<std::size_t>(std::popcount(others)), n);
      terms.push_back({others | bit, share});
      terms.push_back({others, -share});
    }
    result.levers.push_back({names[l], estimate(totals, {{bit, 1}, {0, -1}}),
                             estimate(totals, {{all, 1}, {all & ~bit, -1}}), estimate(totals, terms)});
  }
  for (std::size_t one = 0; one < n; ++one)
    for (std::size_t other = one + 1; other < n; ++other) {
      const std::size_t a = std::size_t{1} << one, b = std::size_t{1} << other;
      result.pairs.push_back({one, other, estimate(totals, {{a | b, 1}, {a, -1}, {b, -1}, {0, 1}})});
    }
  return result;
}

}  // namespace clvsim
