#include "bench/baselines/scalar_chain.hpp"

#include "kernels/rng/philox.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace clvsim::baseline {
namespace {

constexpr unsigned column_bits = 3, n_columns = 1U << column_bits;  // of an alias row
constexpr unsigned fraction_bits = 32 - column_bits;
constexpr std::uint32_t fraction_mask = (1U << fraction_bits) - 1;

// Cells of all rows: threshold << 3 | alias. A word of 32 bits has the column above and the fraction below.
using AliasTable = std::array<std::uint32_t, n_columns * n_columns>;

void build_row(const std::vector<double>& probability, std::uint32_t* cells) {
  std::array<double, n_columns> mass{};
  for (std::size_t s = 0; s < probability.size(); ++s) mass[s] = probability[s] * n_columns;
  std::array<unsigned, n_columns> alias{};
  std::vector<unsigned> small, large;
  for (unsigned k = 0; k < n_columns; ++k) {
    alias[k] = k;
    (mass[k] < 1 ? small : large).push_back(k);
  }
  while (!small.empty() && !large.empty()) {
    const unsigned k = small.back(), from = large.back();
    small.pop_back();
    alias[k] = from;
    mass[from] -= 1 - mass[k];
    if (mass[from] < 1) {
      large.pop_back();
      small.push_back(from);
    }
  }
  for (unsigned k = 0; k < n_columns; ++k) {
    // What is left over is full but for rounding, and its alias is its own.
    const double threshold = alias[k] == k ? 0 : std::round(mass[k] * (fraction_mask + 1.0));
    cells[k] = std::min(static_cast<std::uint32_t>(threshold), fraction_mask) << column_bits | alias[k];
  }
}

unsigned step(const AliasTable& table, unsigned state, std::uint32_t word) {
  const unsigned column = word >> fraction_bits;
  const std::uint32_t cell = table[state * n_columns + column];
  return (word & fraction_mask) < cell >> column_bits ? column : cell & (n_columns - 1);
}

// Reorders the values.
ChainEstimates estimate(std::vector<double>& values, const ChainInput& input) {
  const auto n = static_cast<double>(values.size());
  ChainEstimates result;
  double sum = 0, squares = 0;
  for (const double v : values) sum += v;
  result.mean = sum / n;
  for (const double v : values) squares += (v - result.mean) * (v - result.mean);
  result.sd = std::sqrt(squares / (n - 1));
  // From the left: what lies before a rank is not looked at again.
  auto begin = values.begin();
  for (const double q : input.quantiles) {
    const auto at = values.begin() + static_cast<std::ptrdiff_t>(q * (n - 1));
    std::nth_element(begin, at, values.end());
    result.quantiles.push_back(*at);
    begin = at;
  }
  const auto tail = values.begin() + static_cast<std::ptrdiff_t>(std::ceil(input.cvar_level * n));
  std::nth_element(values.begin(), tail - 1, values.end());
  double worst = 0;
  for (auto v = values.begin(); v != tail; ++v) worst += *v;
  result.cvar = worst / static_cast<double>(tail - values.begin());
  return result;
}

}  // namespace

ChainOutput simulate(const ChainInput& input) {
  const std::size_t horizon = input.discount.size(), n_states = input.amount.size();
  AliasTable table{};
  for (std::size_t s = 0; s < n_states; ++s) build_row(input.transition[s], table.data() + s * n_columns);
  std::vector<double> value(horizon * n_columns);  // [period, state]
  for (std::size_t t = 0; t < horizon; ++t) {
    for (std::size_t s = 0; s < n_states; ++s) value[t * n_columns + s] = input.discount[t] * input.amount[s];
  }
  ChainOutput output;
  std::vector<double> values(input.n_paths), total(input.n_paths);
  for (std::int64_t customer = 0; customer < input.n_customers; ++customer) {
    for (std::uint32_t path = 0; path < input.n_paths; ++path) {
      unsigned state = input.start;
      double sum = 0;
      for (std::size_t t = 0; t < horizon; t += 4) {
        const kernels::Words words = kernels::philox4x32_10(
            {path, static_cast<std::uint32_t>(t / 4), static_cast<std::uint32_t>(customer), 0}, input.seed);
        const std::size_t n_steps = std::min<std::size_t>(4, horizon - t);
        const std::uint32_t word[] = {words.x, words.y, words.z, words.w};
        for (std::size_t k = 0; k < n_steps; ++k) {
          sum += value[(t + k) * n_columns + state];
          state = step(table, state, word[k]);
        }
      }
      values[path] = sum;
      total[path] += sum;
    }
    output.customers.push_back(estimate(values, input));
  }
  output.total = estimate(total, input);
  return output;
}

}  // namespace clvsim::baseline
