#include "host/io/run_format.hpp"

#include "host/io/run_file.hpp"

#include <clvsim/calendar.hpp>
#include <clvsim/version.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstring>
#include <iterator>
#include <limits>

namespace clvsim {

std::string fraction_digits(double fraction) {
  std::array<char, 400> text{};
  const char* end = std::to_chars(text.data(), text.data() + text.size(), fraction, std::chars_format::fixed).ptr;
  const std::string_view number(text.data(), static_cast<std::size_t>(end - text.data()));
  if (!number.starts_with("0.")) return std::string(number) + "00";  // 1 is 100 %
  std::string digits(number.substr(2));
  if (digits.size() < 2) digits += '0';
  return digits;
}

std::vector<std::string> run_column_names(const RunInfo& info) {
  std::vector<std::string> names;
  for (const auto& column : run_format::result_columns(info)) names.push_back(column.name);
  return names;
}

namespace run_format {
namespace {

using h5::Column;
using h5::Failure;
using Range = ResultColumn::Range;

constexpr std::array<const char*, 4> convention_names{"first", "end", "mid", "continuous"};
constexpr std::array<const char*, 4> rate_period_names{"day", "week", "month", "year"};
constexpr std::size_t max_quantiles = 16;

std::string money_units(const RunInfo& info) {
  return info.currency.code.empty() ? "currency unit" : info.currency.code;
}

std::string number(double value) { return fmt::format("{}", value); }

// `money`: its error may be infinite, and so NaN; then a standard deviation may be as well.
bool is_estimate(const Estimate& estimate, bool money) {
  if (money && std::isnan(estimate.se)) return !std::isinf(estimate.mean);
  return std::isfinite(estimate.mean) && std::isfinite(estimate.se) && estimate.se >= 0;
}

template <class Names>
std::size_t index_of(const Names& names, const std::vector<h5::Attribute>& attributes, std::string_view attribute) {
  const auto found = std::find(names.begin(), names.end(), h5::text_of(attributes, attribute));
  if (found == names.end()) throw Failure(fmt::format("attribute '{}' has a value that there is not", attribute));
  return static_cast<std::size_t>(found - names.begin());
}

}  // namespace

std::vector<ResultColumn> result_columns(const RunInfo& info) {
  const std::string& m = info.measure_name;
  const std::string what = m == "revenue" ? "discounted revenue" : "customer lifetime value";
  std::vector<ResultColumn> list{
      {m + "_mean", "mean " + what, true, Range::any, &CustomerResults::mean},
      {m + "_se", "Monte Carlo standard error of the mean", true, Range::not_negative, &CustomerResults::se},
      {m + "_sd", "standard deviation of " + what, true, Range::not_negative, &CustomerResults::sd},
      {m + "_sd_se", "its Monte Carlo standard error", true, Range::not_negative, &CustomerResults::sd_se}};
  const std::vector<double>& quantiles = info.options.quantiles;
  for (std::size_t k = 0; k < quantiles.size(); ++k) {
    const std::string name = m + "_q" + fraction_digits(quantiles[k]);
    list.push_back({name, fmt::format("{} quantile of {}", number(quantiles[k]), what), true, Range::any,
                    &CustomerResults::quantile, quantiles.size(), k});
    list.push_back({name + "_se", "its Monte Carlo standard error", true, Range::not_negative,
                    &CustomerResults::quantile_se, quantiles.size(), k});
  }
  const std::string cvar = m + "_cvar" + fraction_digits(info.options.cvar_level);
  list.push_back({cvar, fmt::format("mean of the worst {} of the paths", number(info.options.cvar_level)), true,
                  Range::any, &CustomerResults::cvar});
  list.push_back(
      {cvar + "_se", "its Monte Carlo standard error", true, Range::not_negative, &CustomerResults::cvar_se});
  const auto add = [&](const char* name, const char* long_name, std::vector<double> CustomerResults::*values,
                       const char* se_name, std::vector<double> CustomerResults::*se, Range range) {
    list.push_back({name, long_name, false, range, values});
    list.push_back({se_name, "its Monte Carlo standard error", false, Range::not_negative, se});
  };
  for (ResultColumn& column : list) {
    for (const auto member :
         {&CustomerResults::se, &CustomerResults::sd, &CustomerResults::sd_se, &CustomerResults::cvar_se})
      column.may_be_infinite = column.may_be_infinite || column.values == member;
  }
  add("p_nonpositive", "probability that the value is at most 0", &CustomerResults::p_nonpositive, "p_nonpositive_se",
      &CustomerResults::p_nonpositive_se, Range::probability);
  add("p_active", "probability of being active at the horizon", &CustomerResults::p_active, "p_active_se",
      &CustomerResults::p_active_se, Range::probability);
  add("transactions_mean", "mean number of transactions over the horizon", &CustomerResults::transactions_mean,
      "transactions_se", &CustomerResults::transactions_se, Range::not_negative);
  if (!info.has_closed_forms) return list;
  const auto add_closed = [&](const char* name, const char* long_name, bool money, Range range,
                              std::vector<double> CustomerResults::*values) {
    list.push_back({name, long_name, money, range, values, 1, 0, true});
  };
  add_closed("p_alive", "P(alive at the end of observation), closed form", false, Range::probability,
             &CustomerResults::p_alive);
  add_closed("expected_transactions", "expected transactions over the horizon, closed form", false, Range::not_negative,
             &CustomerResults::expected_transactions);
  add_closed("expected_spend", "expected amount of a transaction, closed form", true, Range::any,
             &CustomerResults::expected_spend);
  if (info.has_dert)
    add_closed("dert", "discounted expected residual transactions without a horizon, closed form", false,
               Range::not_negative, &CustomerResults::dert);
  return list;
}

std::vector<Column> customer_columns(const RunInfo& info, std::size_t key_width) {
  std::vector<Column> columns{{"key", h5::text(key_width), "1", "customer identifier, or its pseudonym"}};
  if (!info.segments.empty()) columns.push_back({"segment", h5::u32, "1", "row of /segments"});
  for (const ResultColumn& column : result_columns(info))
    columns.push_back({column.name, h5::f64, column.money ? money_units(info) : "1", column.long_name});
  return columns;
}

std::vector<Column> segment_columns(const RunInfo& info, std::size_t width) {
  std::vector<Column> columns{{"name", h5::text(width), "1", "name of the segment; row 0 is no segment"},
                              {"customers", h5::i64, "1", "customers of the segment"}};
  const auto add = [&](const std::string& name, const std::string& units, const std::string& long_name) {
    columns.push_back({name + "_mean", h5::f64, units, long_name});
    columns.push_back({name + "_se", h5::f64, units, "its Monte Carlo standard error, or a bound of it"});
  };
  add(info.measure_name, money_units(info), "sum of the customers' means");
  add("active", "1", "mean number of customers active at the horizon");
  add("transactions", "1", "mean number of transactions over the horizon");
  return columns;
}

std::vector<Estimate SegmentForecast::*> segment_estimates() {
  return {&SegmentForecast::value, &SegmentForecast::active, &SegmentForecast::transactions};
}

std::vector<Column> period_columns(const RunInfo& info) {
  std::vector<Column> columns;
  if (info.has_dates) {
    columns.push_back({"first_day", h5::i32, "days since 1970-01-01", "first day of the period"});
    columns.push_back({"last_day", h5::i32, "days since 1970-01-01", "last day of the period"});
  }
  const auto add = [&](const std::string& name, const std::string& units, const std::string& long_name) {
    columns.push_back({name + "_mean", h5::f64, units, long_name});
    columns.push_back({name + "_se", h5::f64, units, "its Monte Carlo standard error"});
  };
  add("active", "1", "mean number of customers active at the end of the period");
  add("revenue", money_units(info), "mean revenue of the period, undiscounted");
  if (info.measure_name != "revenue") add("profit", money_units(info), "mean profit of the period, undiscounted");
  add("transactions", "1", "mean number of transactions of the period");
  return columns;
}

std::vector<Estimate PeriodForecast::*> period_estimates(const RunInfo& info) {
  std::vector<Estimate PeriodForecast::*> list{&PeriodForecast::active, &PeriodForecast::revenue};
  if (info.measure_name != "revenue") list.push_back(&PeriodForecast::profit);
  list.push_back(&PeriodForecast::transactions);
  return list;
}

std::vector<Column> portfolio_columns(const RunInfo& info, std::size_t width) {
  return {{"name", h5::text(width), "1", "statistic of the distribution of all customers' total over paths"},
          {"value", h5::f64, money_units(info), "its value"},
          {"se", h5::f64, money_units(info), "its Monte Carlo standard error"}};
}

std::vector<Column> total_columns(const RunInfo& info, double scale) {
  return {{"total_by_path", h5::i64, number(scale) + " " + money_units(info),
           "discounted value of all customers by path; times scale in currency units", scale}};
}

std::vector<Column> path_columns(const RunInfo& info, double scale) {
  return {{"value", h5::i64, number(scale) + " " + money_units(info),
           "discounted value of every path, customer by customer; times scale in currency units", scale}};
}

std::vector<PortfolioLine> portfolio_lines(RunInfo& info) {
  std::vector<PortfolioLine> lines;
  const auto add = [&](const std::string& name, Distribution& distribution) {
    const std::vector<double>& levels = info.options.quantiles;
    distribution.quantiles.resize(levels.size());
    lines.push_back({name + "_mean", &distribution.mean, true});
    lines.push_back({name + "_sd", &distribution.sd, true});
    for (std::size_t k = 0; k < levels.size(); ++k)
      lines.push_back({name + "_q" + fraction_digits(levels[k]), &distribution.quantiles[k]});
    lines.push_back({name + "_cvar" + fraction_digits(info.options.cvar_level), &distribution.cvar, true});
  };
  add(info.measure_name, info.total);
  add("undiscounted_revenue", info.total_revenue);
  return lines;
}

std::vector<std::pair<std::string, std::vector<std::string>>> groups(const RunInfo& info) {
  std::vector<std::string> portfolio = names_of(portfolio_columns(info, 1));
  portfolio.push_back("total_by_path");
  std::vector<std::pair<std::string, std::vector<std::string>>> list{
      {"/", {"customers", "periods", "portfolio"}},
      {"/customers", names_of(customer_columns(info, 1))},
      {"/periods", names_of(period_columns(info))},
      {"/portfolio", std::move(portfolio)}};
  if (!info.segments.empty()) {
    list.front().second.emplace_back("segments");
    list.emplace_back("/segments", names_of(segment_columns(info, 1)));
  }
  if (info.options.keep_paths) {
    list.front().second.emplace_back("paths");
    list.emplace_back("/paths", names_of(path_columns(info, 1)));
  }
  return list;
}

std::vector<h5::Attribute> root_attributes(const RunInfo& info) {
  const SimulationOptions& options = info.options;
  const auto at = [](const auto& names, auto value) { return names.at(static_cast<std::size_t>(value)); };
  return {h5::text_attribute("filetype", "clvsim-run"),
          h5::array_attribute("format_version", h5::i32, std::vector<std::int32_t>{format_major, format_minor}),
          h5::text_attribute("program_version", version()),
          h5::text_attribute("Conventions", "CLV-1.0"),
          h5::text_attribute("title", info.measure_name == "revenue" ? "Simulated revenue by customer"
                                                                     : "Simulated customer lifetime value"),
          h5::text_attribute("measure", info.measure_name),
          h5::text_attribute("currency", info.currency.code),
          h5::attribute("decimals", h5::i32, static_cast<std::int32_t>(info.currency.decimals)),
          h5::text_attribute("unit", name_of(info.unit)),
          h5::text_attribute("observation_end", info.has_dates ? to_string(info.observation_end) : ""),
          h5::attribute("n_customers", h5::i64, info.n_customers),
          h5::attribute("horizon", h5::i32, static_cast<std::int32_t>(options.horizon)),
          h5::attribute("n_paths", h5::u32, options.n_paths),
          h5::attribute("seed", h5::u64, options.seed),
          h5::text_attribute("sampler", info.sampler),
          h5::attribute("parameter_draws", h5::u32, options.parameter_draws),
          h5::attribute("discount_rate", h5::f64, options.discounting.rate),
          h5::text_attribute("discount_per", at(rate_period_names, options.discounting.per)),
          h5::text_attribute("discount_convention", at(convention_names, options.discounting.convention)),
          h5::attribute("margin", h5::f64, options.margin.value_or(std::numeric_limits<double>::quiet_NaN())),
          h5::array_attribute("quantiles", h5::f64, options.quantiles),
          h5::attribute("cvar_level", h5::f64, options.cvar_level),
          h5::text_attribute("store_digest", info.store_digest),
          h5::text_attribute("model_digest", info.model_digest)};
}

std::vector<h5::AttributeSpec> root_attribute_specs() {
  std::vector<h5::AttributeSpec> specs{{"format_version", h5::i32, false, 2},
                                       {"decimals", h5::i32},
                                       {"n_customers", h5::i64},
                                       {"horizon", h5::i32},
                                       {"n_paths", h5::u32},
                                       {"seed", h5::u64},
                                       {"parameter_draws", h5::u32},
                                       {"discount_rate", h5::f64},
                                       {"margin", h5::f64},
                                       {"quantiles", h5::f64, false, max_quantiles},
                                       {"cvar_level", h5::f64}};
  for (const char* name :
       {"filetype", "program_version", "Conventions", "title", "measure", "currency", "unit", "observation_end",
        "sampler", "discount_per", "discount_convention", "store_digest", "model_digest", "content_digest"})
    specs.push_back({name, h5::text(0)});
  return specs;
}

RunInfo info_from(const std::vector<h5::Attribute>& attributes) {
  if (h5::text_of(attributes, "filetype") != "clvsim-run") throw Failure("attribute 'filetype' is not clvsim-run");
  if (h5::values_of<std::int32_t>(attributes, "format_version") !=
      std::vector<std::int32_t>{format_major, format_minor})
    throw Failure("attribute 'format_version' differs from the seal");
  RunInfo info;
  info.measure_name = h5::text_of(attributes, "measure");
  info.currency.code = h5::text_of(attributes, "currency");
  info.currency.decimals = h5::value_of<std::int32_t>(attributes, "decimals");
  const std::string end = h5::text_of(attributes, "observation_end");
  info.has_dates = !end.empty();
  try {
    info.unit = parse_period_unit(h5::text_of(attributes, "unit"));
    if (info.has_dates) info.observation_end = parse_iso_date(end);
  } catch (const Error&) {
    throw Failure("attribute 'unit' is no period, or 'observation_end' no date");
  }
  info.n_customers = h5::value_of<std::int64_t>(attributes, "n_customers");
  SimulationOptions& options = info.options;
  options.horizon = h5::value_of<std::int32_t>(attributes, "horizon");
  options.n_paths = h5::value_of<std::uint32_t>(attributes, "n_paths");
  options.seed = h5::value_of<std::uint64_t>(attributes, "seed");
  info.sampler = h5::text_of(attributes, "sampler");
  options.parameter_draws = h5::value_of<std::uint32_t>(attributes, "parameter_draws");
  options.discounting.rate = h5::value_of<double>(attributes, "discount_rate");
  options.discounting.per = static_cast<RatePeriod>(index_of(rate_period_names, attributes, "discount_per"));
  options.discounting.convention =
      static_cast<DiscountConvention>(index_of(convention_names, attributes, "discount_convention"));
  const double margin = h5::value_of<double>(attributes, "margin");
  if (!std::isnan(margin)) options.margin = margin;
  options.quantiles = h5::values_of<double>(attributes, "quantiles");
  options.cvar_level = h5::value_of<double>(attributes, "cvar_level");
  info.store_digest = h5::text_of(attributes, "store_digest");
  info.model_digest = h5::text_of(attributes, "model_digest");
  info.content_digest = h5::text_of(attributes, "content_digest");
  check_info(info);
  return info;
}

void check_info(const RunInfo& info) {
  const SimulationOptions& options = info.options;
  if (info.measure_name != "clv" && info.measure_name != "revenue")
    throw Failure("the measure is neither clv nor revenue");
  if (info.currency.code.size() > 8 || info.currency.decimals < 0 || info.currency.decimals > 6)
    throw Failure("the currency's code is longer than 8 bytes, or its decimals are not 0 to 6");
  if (info.n_customers < 0) throw Failure("n_customers is negative");
  if (options.horizon < 1 || options.horizon > 65535) throw Failure("the horizon is not 1 to 65535");
  if (options.n_paths < 1) throw Failure("there are no paths");
  if (options.parameter_draws > options.n_paths) throw Failure("there are more parameter draws than paths");
  if (!std::isfinite(options.discounting.rate) || (options.margin && !std::isfinite(*options.margin)))
    throw Failure("the discount rate or the margin is not finite");
  const std::vector<double>& q = options.quantiles;
  if (q.empty() || q.size() > max_quantiles || !(q.front() > 0) || !(q.back() < 1) ||
      std::adjacent_find(q.begin(), q.end(), [](double a, double b) { return !(a < b); }) != q.end())
    throw Failure(fmt::format("the quantiles are not 1 to {} ascending numbers between 0 and 1", max_quantiles));
  if (!(options.cvar_level > 0 && options.cvar_level <= 1)) throw Failure("the CVaR level is not in (0, 1]");
}

void check_results(const RunInfo& info, const CustomerResults& results, std::int64_t first,
                   std::vector<char>& last_key) {
  const std::size_t n = results.size(), width = results.key_width;
  if (width < 1 || results.key.size() != n * width) throw Failure("/customers has keys of a wrong width");
  if (results.segment.size() != (info.segments.empty() ? 0 : n) ||
      std::any_of(results.segment.begin(), results.segment.end(),
                  [&](std::uint32_t segment) { return segment >= info.segments.size(); }))
    throw Failure("/customers/segment has a wrong length, or a segment that there is not");
  const std::vector<ResultColumn> columns = result_columns(info);
  for (const ResultColumn& column : columns) {
    if ((results.*column.values).size() != n * column.stride)
      throw Failure(fmt::format("/customers/{} has a wrong length", column.name));
    for (std::size_t i = 0; i < n; ++i) {
      const double value = column.at(results, i);
      if (column.may_be_infinite && std::isnan(value)) continue;
      if (!std::isfinite(value) || (column.range != Range::any && value < 0) ||
          (column.range == Range::probability && value > 1))
        throw Failure(fmt::format("/customers/{} of row {} is {}, out of its range", column.name,
                                  first + static_cast<std::int64_t>(i), value));
    }
  }
  const std::size_t k = info.options.quantiles.size();
  for (std::size_t i = 0; i < n; ++i) {
    const std::int64_t row = first + static_cast<std::int64_t>(i);
    const auto quantiles = results.quantile.begin() + static_cast<std::ptrdiff_t>(i * k);
    if (!std::is_sorted(quantiles, quantiles + static_cast<std::ptrdiff_t>(k)))
      throw Failure(fmt::format("the quantiles of row {} of /customers descend", row));
    const char* key = results.key.data() + i * width;
    const std::size_t length = ::strnlen(key, width);
    if (length == 0 || !std::all_of(key + length, key + width, [](char c) { return c == '\0'; }))
      throw Failure(fmt::format("row {} of /customers has an empty or broken key", row));
    const char* before = i > 0 ? key - width : last_key.empty() ? nullptr : last_key.data();
    if (before != nullptr && !info.store_digest.empty() && std::memcmp(before, key, width) >= 0)
      throw Failure(fmt::format("row {} of /customers has a key that does not come after the one before", row));
  }
  if (n > 0) last_key.assign(results.key.end() - static_cast<std::ptrdiff_t>(width), results.key.end());
}

void check_periods(const RunInfo& info) {
  if (info.periods.size() != static_cast<std::size_t>(info.options.horizon))
    throw Failure(fmt::format("there are {} periods for a horizon of {}", info.periods.size(), info.options.horizon));
  std::int32_t day = info.observation_end.days;
  for (std::size_t t = 0; t < info.periods.size(); ++t) {
    const PeriodForecast& period = info.periods[t];
    for (const auto estimate : period_estimates(info))
      if (!is_estimate(period.*estimate, estimate == &PeriodForecast::revenue || estimate == &PeriodForecast::profit))
        throw Failure(fmt::format("an estimate of period {} is not finite", t + 1));
    if (!info.has_dates) continue;
    if (period.first_day.days != day + 1 || period.last_day < period.first_day)
      throw Failure(fmt::format("period {} does not begin the day after the one before", t + 1));
    day = period.last_day.days;
  }
}

void check_portfolio(const RunInfo& info) {
  RunInfo copy = info;
  for (const PortfolioLine& line : portfolio_lines(copy))
    if (!is_estimate(*line.value, line.may_be_infinite))
      throw Failure(fmt::format("{} of the portfolio is not finite", line.name));
}

void check_segments(const RunInfo& info) {
  if (info.segments.empty()) return;
  if (!info.segments.front().name.empty()) throw Failure("segment 0 has a name");
  std::int64_t n = 0;
  for (const SegmentForecast& segment : info.segments) {
    if (segment.n_customers < 0 || segment.n_customers > info.n_customers - n)
      throw Failure("the segments' customers are not those of the run");
    n += segment.n_customers;
    for (const auto estimate : segment_estimates())
      if (!is_estimate(segment.*estimate, estimate == &SegmentForecast::value))
        throw Failure(fmt::format("an estimate of segment '{}' is not finite", segment.name));
  }
  if (n != info.n_customers) throw Failure("the segments' customers are not those of the run");
}

}  // namespace run_format
}  // namespace clvsim
