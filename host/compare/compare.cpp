#include <clvsim/compare.hpp>

#include <clvsim/error.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

namespace clvsim {
namespace {

// Sums over the paths of one quantity in two runs.
class PairedSums {
 public:
  void add(double base, double other) {
    ++n_;
    const double d = other - base;
    update(base, base_mean_, base_squares_);
    update(other, other_mean_, other_squares_);
    update(d, mean_, squares_);
    better_ += d > 0;
  }
  [[nodiscard]] PairedDifference result() const {
    const auto se_of = [&](double squares) { return std::sqrt(squares / (n_ - 1) / n_); };
    PairedDifference of;
    of.base = base_mean_;
    of.other = other_mean_;
    of.difference = mean_;
    of.se = se_of(squares_);
    of.independent_se = std::hypot(se_of(base_squares_), se_of(other_squares_));
    of.p_better = better_ / n_;
    of.p_better_se = std::sqrt(of.p_better * (1 - of.p_better) / n_);
    return of;
  }

 private:
  // Welford 1962.
  void update(double x, double& mean, double& squares) const {
    const double before = x - mean;
    mean += before / n_;
    squares += before * (x - mean);
  }

  double n_ = 0, better_ = 0;
  double base_mean_ = 0, base_squares_ = 0, other_mean_ = 0, other_squares_ = 0, mean_ = 0, squares_ = 0;
};

template <class Value>
void require_same(const char* what, const Value& base, const Value& other) {
  if (base == other) return;
  throw ConfigError(
      fmt::format("the runs have {} {} and {}: they can be compared only where all but the scenario is the same; "
                  "simulate both anew, with the same settings",
                  what, base, other));
}

void require_comparable(const RunInfo& base, const RunInfo& other) {
  require_same("customers", base.n_customers, other.n_customers);
  require_same("the store", base.store_digest, other.store_digest);
  require_same("paths", base.options.n_paths, other.options.n_paths);
  require_same("the seed", base.options.seed, other.options.seed);
  require_same("the sampler", base.sampler, other.sampler);
  require_same("a horizon of", base.options.horizon, other.options.horizon);
  require_same("an observation up to", to_string(base.observation_end), to_string(other.observation_end));
  require_same("periods of", name_of(base.unit), name_of(other.unit));
  require_same("the currency", base.currency.code, other.currency.code);
  require_same("the currency's decimals", base.currency.decimals, other.currency.decimals);
  require_same("the measure", base.measure_name, other.measure_name);
  require_same("parameter draws", base.options.parameter_draws, other.options.parameter_draws);
  require_same("a discount rate of", base.options.discounting.rate, other.options.discounting.rate);
  require_same("the discount period", static_cast<int>(base.options.discounting.per),
               static_cast<int>(other.options.discounting.per));
  require_same("the discount convention", static_cast<int>(base.options.discounting.convention),
               static_cast<int>(other.options.discounting.convention));
}

std::vector<RunComparison::Measure> measures_of(const RunInfo& base, const RunInfo& other) {
  std::vector<RunComparison::Measure> all{{"sd", base.total.sd.mean, other.total.sd.mean}};
  for (std::size_t q = 0; q < base.options.quantiles.size() && base.options.quantiles == other.options.quantiles; ++q)
    all.push_back({fmt::format("q{:02g}", base.options.quantiles[q] * 100), base.total.quantiles[q].mean,
                   other.total.quantiles[q].mean});
  if (base.options.cvar_level == other.options.cvar_level)
    all.push_back(
        {fmt::format("cvar{:02g}", base.options.cvar_level * 100), base.total.cvar.mean, other.total.cvar.mean});
  return all;
}

// What a customer's row says without its paths.
PairedDifference of_row(const CustomerResults& base, const CustomerResults& other, std::size_t i) {
  const double unknown = std::numeric_limits<double>::quiet_NaN();
  PairedDifference of;
  of.base = base.mean[i];
  of.other = other.mean[i];
  of.difference = of.other - of.base;
  of.se = of.independent_se = std::hypot(base.se[i], other.se[i]);
  of.p_better = of.p_better_se = unknown;
  return of;
}

class Customers {
 public:
  Customers(const RunReader& base, const RunReader& other, bool has_paths)
      : base_(base), other_(other), n_paths_(base.info().options.n_paths), has_paths_(has_paths) {}

  // Adds the paths of the customers of each segment up, segment by segment.
  void compare(const CustomerDifferenceSink& sink, std::vector<std::vector<double>>& base_by_path,
               std::vector<std::vector<double>>& other_by_path) {
    constexpr std::int64_t rows_at_once = 1 << 14, values_at_once = 1 << 21;
    const std::int64_t n = base_.info().n_customers;
    const std::int64_t at_once =
        has_paths_ ? std::clamp(values_at_once / static_cast<std::int64_t>(n_paths_), std::int64_t{1}, rows_at_once)
                   : rows_at_once;
    CustomerResults base, other;
    std::vector<std::int64_t> base_values, other_values;
    for (std::int64_t first = 0; first < n; first += at_once) {
      const std::int64_t count = std::min(at_once, n - first);
      base_.read(first, count, base);
      other_.read(first, count, other);
      if (base.key != other.key)
        throw ConfigError("the runs are of other customers; simulate both from the same store");
      if (has_paths_) {
        base_.read_paths(first, count, base_values);
        other_.read_paths(first, count, other_values);
      }
      for (std::size_t i = 0; i < base.size(); ++i) {
        const std::uint32_t segment = base.segment.empty() ? 0 : base.segment[i];
        PairedDifference of = of_row(base, other, i);
        if (has_paths_) {
          PairedSums sums;
          for (std::size_t p = 0; p < n_paths_; ++p) {
            const double b = static_cast<double>(base_values[i * n_paths_ + p]) * base_.path_scale();
            const double o = static_cast<double>(other_values[i * n_paths_ + p]) * other_.path_scale();
            sums.add(b, o);
            if (segment < base_by_path.size()) {
              base_by_path[segment][p] += b;
              other_by_path[segment][p] += o;
            }
          }
          of = sums.result();
        }
        if (!sink) continue;
        const char* key = base.key.data() + i * base.key_width;
        sink({{key, ::strnlen(key, base.key_width)}, segment, of});
      }
    }
  }

 private:
  const RunReader& base_;
  const RunReader& other_;
  std::size_t n_paths_;
  bool has_paths_;
};

}  // namespace

RunComparison compare_runs(const RunReader& base, const RunReader& other, const CustomerDifferenceSink& sink) {
  require_comparable(base.info(), other.info());
  RunComparison comparison;
  PairedSums total;
  std::vector<std::int64_t> base_totals, other_totals;
  base.read_totals(base_totals);
  other.read_totals(other_totals);
  for (std::size_t p = 0; p < base_totals.size(); ++p)
    total.add(static_cast<double>(base_totals[p]) * base.path_scale(),
              static_cast<double>(other_totals[p]) * other.path_scale());
  comparison.total = total.result();
  comparison.measures = measures_of(base.info(), other.info());
  comparison.has_paths = base.info().options.keep_paths && other.info().options.keep_paths;

  const std::size_t n_segments = comparison.has_paths ? base.info().segments.size() : 0;
  std::vector<std::vector<double>> base_by_path(n_segments, std::vector<double>(base_totals.size()));
  std::vector<std::vector<double>> other_by_path = base_by_path;
  Customers(base, other, comparison.has_paths).compare(sink, base_by_path, other_by_path);
  for (std::size_t s = 0; s < n_segments; ++s) {
    PairedSums sums;
    for (std::size_t p = 0; p < base_totals.size(); ++p) sums.add(base_by_path[s][p], other_by_path[s][p]);
    comparison.segments.push_back({base.info().segments[s].name, base.info().segments[s].n_customers, sums.result()});
  }
  return comparison;
}

}  // namespace clvsim
