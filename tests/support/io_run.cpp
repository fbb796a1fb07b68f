#include "tests/support/io_run.hpp"

#include "host/io/run_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

namespace clvsim::test {
namespace {

// A column: its values, and how many a customer has.
struct Field {
  std::vector<double> CustomerResults::*values;
  bool by_quantile, probability, signed_value;
};
constexpr Field fields[] = {{&CustomerResults::mean, false, false, true},
                            {&CustomerResults::se, false, false, false},
                            {&CustomerResults::sd, false, false, false},
                            {&CustomerResults::sd_se, false, false, false},
                            {&CustomerResults::quantile, true, false, true},
                            {&CustomerResults::quantile_se, true, false, false},
                            {&CustomerResults::cvar, false, false, true},
                            {&CustomerResults::cvar_se, false, false, false},
                            {&CustomerResults::p_nonpositive, false, true, false},
                            {&CustomerResults::p_nonpositive_se, false, true, false},
                            {&CustomerResults::p_active, false, true, false},
                            {&CustomerResults::p_active_se, false, true, false},
                            {&CustomerResults::transactions_mean, false, false, false},
                            {&CustomerResults::transactions_se, false, false, false},
                            {&CustomerResults::p_alive, false, true, false},
                            {&CustomerResults::expected_transactions, false, false, false},
                            {&CustomerResults::expected_spend, false, false, true},
                            {&CustomerResults::dert, false, false, false}};

bool is_dert(const Field& field) { return field.values == &CustomerResults::dert; }
bool is_closed(const Field& field) {
  return field.values == &CustomerResults::p_alive || field.values == &CustomerResults::expected_transactions ||
         field.values == &CustomerResults::expected_spend;
}

bool same(double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); }
bool same(const Estimate& a, const Estimate& b) { return same(a.mean, b.mean) && same(a.se, b.se); }
bool same(const Distribution& a, const Distribution& b) {
  return same(a.mean, b.mean) && same(a.sd, b.sd) && same(a.cvar, b.cvar) &&
         std::equal(a.quantiles.begin(), a.quantiles.end(), b.quantiles.begin(), b.quantiles.end(),
                    [](const Estimate& x, const Estimate& y) { return same(x, y); });
}

std::string differ(const RunInfo& a, const RunInfo& b) {
  const SimulationOptions &x = a.options, &y = b.options;
  if (a.measure_name != b.measure_name || a.currency.code != b.currency.code ||
      a.currency.decimals != b.currency.decimals || a.unit != b.unit || a.has_dates != b.has_dates ||
      a.observation_end != b.observation_end || a.n_customers != b.n_customers)
    return "info";
  if (x.horizon != y.horizon || x.n_paths != y.n_paths || x.seed != y.seed ||
      x.discounting.rate != y.discounting.rate || x.discounting.per != y.discounting.per ||
      x.discounting.convention != y.discounting.convention || x.margin != y.margin || x.quantiles != y.quantiles ||
      x.cvar_level != y.cvar_level || x.keep_paths != y.keep_paths)
    return "options";
  if (a.sampler != b.sampler || a.store_digest != b.store_digest || a.model_digest != b.model_digest) return "digests";
  if (!same(a.total, b.total) || !same(a.total_revenue, b.total_revenue)) return "portfolio";
  if (a.periods.size() != b.periods.size()) return "periods";
  for (std::size_t t = 0; t < a.periods.size(); ++t) {
    const PeriodForecast &p = a.periods[t], &q = b.periods[t];
    if (p.first_day != q.first_day || p.last_day != q.last_day || !same(p.active, q.active) ||
        !same(p.revenue, q.revenue) || !same(p.profit, q.profit) || !same(p.transactions, q.transactions))
      return "period " + std::to_string(t + 1);
  }
  if (a.segments.size() != b.segments.size()) return "segments";
  for (std::size_t s = 0; s < a.segments.size(); ++s) {
    const SegmentForecast &p = a.segments[s], &q = b.segments[s];
    if (p.name != q.name || p.n_customers != q.n_customers || !same(p.value, q.value) || !same(p.active, q.active) ||
        !same(p.transactions, q.transactions))
      return "segment " + std::to_string(s);
  }
  return "";
}

}  // namespace

TestRun make_test_run(const TestRunOptions& options) {
  TestRun run;
  RunInfo& info = run.info;
  info.measure_name = options.measure;
  info.currency = {"USD", 2};
  info.unit = PeriodUnit::week;
  info.has_dates = options.has_dates;
  if (options.has_dates) info.observation_end = {10134};
  info.n_customers = options.n_customers;
  info.has_closed_forms = options.has_closed_forms;
  info.has_dert = options.has_dert;
  info.options.horizon = options.horizon;
  info.options.n_paths = options.n_paths;
  info.options.seed = 0xfedcba9876543210;
  info.options.discounting = {0.1, RatePeriod::week, DiscountConvention::continuous};
  if (options.measure == "clv") info.options.margin = 0.3;
  info.options.quantiles = options.quantiles;
  info.sampler = "ordered-threshold 1";
  info.store_digest = options.has_dates ? "00112233445566778899aabbccddeeff" : "";
  info.model_digest = "ffeeddccbbaa99887766554433221100";
  std::mt19937_64 random(7);
  const auto uniform = [&] { return static_cast<double>(random() >> 11) * 0x1p-53; };
  const auto estimate = [&] { return Estimate{1000 * uniform() - 300, uniform()}; };
  for (Distribution* distribution : {&info.total, &info.total_revenue}) {
    distribution->mean = estimate();
    distribution->sd = estimate();
    distribution->cvar = estimate();
    for (std::size_t k = 0; k < options.quantiles.size(); ++k) distribution->quantiles.push_back(estimate());
  }
  for (int t = 0; t < options.horizon; ++t) {
    PeriodForecast period{{}, {}, estimate(), estimate(), {}, estimate()};
    if (options.has_dates) {
      period.first_day = {info.observation_end.days + 7 * t + 1};
      period.last_day = {period.first_day.days + 6};
    }
    const double unknown = std::numeric_limits<double>::quiet_NaN();
    period.profit = options.measure == "clv" ? estimate() : Estimate{unknown, unknown};
    info.periods.push_back(period);
  }
  CustomerResults& results = run.results;
  results.key_width = 9;
  if (options.has_segments)
    for (const char* name : {"", "north", "south of it"})
      info.segments.push_back({name, 0, estimate(), estimate(), estimate()});
  for (std::int64_t i = 0; i < options.n_customers; ++i) {
    const std::string key = fmt::format("C{:08d}", i);
    results.key.insert(results.key.end(), key.begin(), key.end());
    if (options.has_segments) {
      results.segment.push_back(static_cast<std::uint32_t>(random() % info.segments.size()));
      ++info.segments[results.segment.back()].n_customers;
    }
    for (const Field& field : fields) {
      if (is_dert(field) ? !options.has_dert : is_closed(field) && !options.has_closed_forms) continue;
      const std::size_t n = field.by_quantile ? options.quantiles.size() : 1;
      std::vector<double>& values = results.*field.values;
      for (std::size_t k = 0; k < n; ++k)
        values.push_back(field.probability ? uniform() : 1000 * uniform() - (field.signed_value ? 300 : 0));
      if (field.values == &CustomerResults::quantile)
        std::sort(values.end() - static_cast<std::ptrdiff_t>(n), values.end());
    }
  }
  for (std::uint32_t p = 0; p < options.n_paths; ++p) run.totals.push_back(static_cast<std::int64_t>(random()));
  info.options.keep_paths = options.keep_paths;
  if (!options.keep_paths) return run;
  std::fill(run.totals.begin(), run.totals.end(), 0);
  for (std::int64_t i = 0; i < options.n_customers; ++i)
    for (std::int64_t& total : run.totals) {
      results.path_value.push_back(static_cast<std::int64_t>(random() >> 20) - (std::int64_t{1} << 42));
      total += results.path_value.back();
    }
  return run;
}

std::string write_run(const TestRun& run, const std::filesystem::path& path, std::int64_t batch, bool overwrite) {
  RunInfo begun;
  begun.measure_name = run.info.measure_name;
  begun.currency = run.info.currency;
  begun.options = run.info.options;
  begun.n_customers = run.info.n_customers;
  begun.store_digest = run.info.store_digest;
  begun.has_dates = run.info.has_dates;
  begun.has_closed_forms = run.info.has_closed_forms;
  begun.has_dert = run.info.has_dert;
  for (const SegmentForecast& segment : run.info.segments) begun.segments.push_back({segment.name, 0, {}, {}, {}});
  RunWriter writer(path, begun, run.scale, overwrite);
  const std::int64_t n = run.info.n_customers;
  for (std::int64_t first = 0; first < n; first += batch)
    writer.append(slice(run.results, first, std::min(batch, n - first)));
  return writer.finish(run.info, run.totals);
}

CustomerResults slice(const CustomerResults& all, std::int64_t first, std::int64_t count) {
  CustomerResults part;
  part.key_width = all.key_width;
  const auto width = static_cast<std::int64_t>(all.key_width);
  const auto n_paths = static_cast<std::int64_t>(all.path_value.size() / std::max<std::size_t>(1, all.size()));
  part.path_value.assign(all.path_value.begin() + first * n_paths, all.path_value.begin() + (first + count) * n_paths);
  if (!all.segment.empty()) part.segment.assign(all.segment.begin() + first, all.segment.begin() + first + count);
  part.key.assign(all.key.begin() + first * width, all.key.begin() + (first + count) * width);
  for (const Field& field : fields) {
    const std::vector<double>& values = all.*field.values;
    const auto n = static_cast<std::int64_t>(values.size() / std::max<std::size_t>(1, all.size()));
    (part.*field.values).assign(values.begin() + first * n, values.begin() + (first + count) * n);
  }
  return part;
}

std::string difference(const TestRun& run, const std::filesystem::path& path, std::int64_t batch) {
  const RunReader reader(path);
  if (const std::string found = differ(run.info, reader.info()); !found.empty()) return found;
  if (reader.path_scale() != run.scale) return "scale";
  CustomerResults got;
  for (std::int64_t first = 0; first < run.info.n_customers; first += batch) {
    const std::int64_t count = std::min(batch, run.info.n_customers - first);
    reader.read(first, count, got);
    const CustomerResults want = slice(run.results, first, count);
    if (got.key != want.key || got.key_width != want.key_width) return "key";
    if (got.segment != want.segment) return "segment";
    if (run.info.options.keep_paths) {
      reader.read_paths(first, count, got.path_value);
      if (got.path_value != want.path_value) return "paths";
    }
    for (std::size_t f = 0; f < std::size(fields); ++f)
      if (got.*fields[f].values != want.*fields[f].values) return "field " + std::to_string(f);
  }
  return "";
}

}  // namespace clvsim::test
