// Maximum likelihood: several starts on some of the data, the best polished on all of them, and the certificate.
#pragma once

#include <clvsim/likelihood_fit.hpp>

#include "host/math/maximise.hpp"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace clvsim {

// The log-likelihood at `parameters` and, where `gradient` is not empty, its gradient by their logarithms.
using LogLikelihood = std::function<double(std::span<const double> parameters, std::span<double> gradient)>;

struct LikelihoodProblem {
  std::string model;
  std::span<const std::string_view> names;
  std::vector<double> start;  // parameters, each in its unit
  std::size_t n_spread = 4;   // parameters that differ between the starts, at most 4: the first ones
  std::vector<double> unit;   // of the parameters here, in those of the result
  LogLikelihood some, all;
  // Of `all`, its rows weighing as much as this; and for every history the row that it became part of, and its weight.
  std::function<LogLikelihood(std::span<const double> weights)> weighted = {};
  std::vector<std::uint32_t> row_of = {};
  std::vector<double> weight_of = {};
  double constant = 0;  // of the log-likelihood of all, which `all` leaves out
  bool some_is_all = false;
  // Why a search may end at such parameters without a maximum and what to do, or empty; may be absent.
  std::function<std::string(std::span<const double> parameters)> explain;
  double n_customers = 0;
  std::int64_t n_unique = 0;
};

// Throws ConfigError for a number of starts or a subsample that is none.
void check(const LikelihoodFitOptions& options);

// Throws ModelError where no maximum is certified, saying what runs away and what to do.
[[nodiscard]] LikelihoodFit fit_likelihood(const LikelihoodProblem& problem, const LikelihoodFitOptions& options);

// A unit near `typical` > 0, a power of two: data divided by it keep all their digits. Parameters of data in such a
// unit are within the range of the search whatever they were measured in.
[[nodiscard]] double unit_near(double typical);

// Adds the weights of equal items up; ascending by `key`, so that the order of the customers does not matter.
template <class Item, class Key>
std::vector<Item> merge_equal(std::span<const Item> items, const Key& key) {
  std::vector<Item> all(items.begin(), items.end());
  std::sort(all.begin(), all.end(), [&](const Item& a, const Item& b) { return key(a) < key(b); });
  std::size_t n = 0;
  for (const Item& item : all) {
    if (n > 0 && key(all[n - 1]) == key(item)) {
      all[n - 1].weight += item.weight;
    } else {
      all[n++] = item;
    }
  }
  all.resize(n);
  return all;
}

// Where `items` ended up among what merge_equal made of them.
template <class Item, class Key>
void note_rows(std::span<const Item> items, const std::vector<Item>& merged, const Key& key,
               LikelihoodProblem& problem) {
  for (const Item& item : items) {
    const auto at = std::lower_bound(merged.begin(), merged.end(), item,
                                     [&](const Item& a, const Item& b) { return key(a) < key(b); });
    problem.row_of.push_back(static_cast<std::uint32_t>(at - merged.begin()));
    problem.weight_of.push_back(item.weight);
  }
}

// `likelihood(parameters, rows, gradient)` on `some`, on `all`, and on all by other weights. Both must outlive it.
template <class Item, class Likelihood>
void set_likelihood(const std::vector<Item>& some, const std::vector<Item>& all, const Likelihood& likelihood,
                    LikelihoodProblem& problem) {
  using Values = std::span<const double>;
  const auto on = [&likelihood](const std::vector<Item>& rows) -> LogLikelihood {
    return [likelihood, &rows](Values p, std::span<double> gradient) { return likelihood(p, rows, gradient); };
  };
  problem.some = on(some);
  problem.all = on(all);
  problem.some_is_all = some.size() == all.size();
  problem.n_unique = static_cast<std::int64_t>(all.size());
  problem.weighted = [likelihood, &all](Values weights) -> LogLikelihood {
    std::vector<Item> rows = all;
    for (std::size_t i = 0; i < rows.size(); ++i) rows[i].weight = weights[i];
    return [likelihood, rows = std::move(rows)](Values p, std::span<double> gradient) {
      return likelihood(p, rows, gradient);
    };
  };
}

// Some `wanted` > 0 of all: every k-th item, from the middle of the first k on; all where k would be 1.
template <class Item>
std::vector<Item> thin_out(const std::vector<Item>& all, std::int64_t wanted) {
  const std::size_t k = all.size() / static_cast<std::size_t>(wanted);
  if (k < 2) return all;
  std::vector<Item> some;
  for (std::size_t i = k / 2; i < all.size(); i += k) some.push_back(all[i]);
  return some;
}

}  // namespace clvsim
