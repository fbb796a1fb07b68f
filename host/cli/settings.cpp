#include "host/cli/settings.hpp"

#include "host/base/text.hpp"
#include "host/base/toml_file.hpp"

#include <clvsim/error.hpp>

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

namespace clvsim::cli {
namespace {

using Kind = Setting::Kind;

double number(const std::string& text, double low, double high) {
  double value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end || !std::isfinite(value))
    throw ConfigError(fmt::format("'{}' is no number", text));
  if (value < low || value > high) throw ConfigError(fmt::format("{} is outside {} to {}", text, low, high));
  return value;
}

template <class Integer>
Integer integer(const std::string& text, Integer low, Integer high) {
  Integer value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error == std::errc::result_out_of_range || (error == std::errc() && stop == end && (value < low || value > high)))
    throw ConfigError(fmt::format("{} is outside {} to {}", text, low, high));
  if (error != std::errc() || stop != end) throw ConfigError(fmt::format("'{}' is no whole number", text));
  return value;
}

std::vector<std::string> split(const std::string& text) {
  if (text.empty()) throw ConfigError("the list is empty; give at least one value");
  std::vector<std::string> parts;
  std::size_t begin = 0;
  while (begin <= text.size()) {
    const std::size_t comma = std::min(text.find(',', begin), text.size());
    parts.push_back(text.substr(begin, comma - begin));
    begin = comma + 1;
  }
  return parts;
}

template <class Enum>
struct Named {
  std::string name;
  Enum value;
};

template <class Enum>
Enum choice(const std::string& text, const std::vector<Named<Enum>>& choices) {
  std::vector<std::string> names;
  for (const auto& [name, value] : choices) {
    if (text == name) return value;
    names.push_back(name);
  }
  throw ConfigError(fmt::format("'{}' is none of {}{}", text, fmt::join(names, ", "), did_you_mean(text, names)));
}

const std::vector<Named<DiscountConvention>>& conventions() {
  static const std::vector<Named<DiscountConvention>> all{{"first", DiscountConvention::first},
                                                          {"end", DiscountConvention::end},
                                                          {"mid", DiscountConvention::mid},
                                                          {"continuous", DiscountConvention::continuous}};
  return all;
}

const std::vector<Named<RatePeriod>>& rate_periods() {
  static const std::vector<Named<RatePeriod>> all{
      {"day", RatePeriod::day}, {"week", RatePeriod::week}, {"month", RatePeriod::month}, {"year", RatePeriod::year}};
  return all;
}

const std::vector<Named<StepSampler>>& samplers() {
  static const std::vector<Named<StepSampler>> all{{"auto", StepSampler::automatic},
                                                   {"alias", StepSampler::alias},
                                                   {"ordered", StepSampler::ordered},
                                                   {"event", StepSampler::event}};
  return all;
}

template <class Enum>
std::string_view name_in(const std::vector<Named<Enum>>& choices, Enum value) {
  for (const auto& named : choices)
    if (named.value == value) return named.name;
  return "";
}

char delimiter(const std::string& text) {
  if (text == "tab" || text == "\\t") return '\t';
  if (text.size() != 1 || std::string(",;|\t").find(text[0]) == std::string::npos)
    throw ConfigError(fmt::format("'{}' is none of , ; | tab", text));
  return text[0];
}

char decimal_mark(const std::string& text) {
  if (text != "." && text != ",") throw ConfigError(fmt::format("'{}' is neither . nor ,", text));
  return text[0];
}

Date date(const std::string& text) {
  try {
    return parse_iso_date(text);
  } catch (const DataError& error) {
    throw ConfigError(error.what());
  }
}

DeviceChoice device(const std::string& text) {
  if (text == "auto") return {};
  if (text == "cpu") return {DeviceChoice::Kind::cpu, {}, ""};
  if (text.rfind("cpu:", 0) == 0) {
    const std::vector<Named<std::string>> known{
        {"avx512", "avx512"}, {"avx2", "avx2"}, {"scalar", "scalar"}, {"reference", "reference"}};
    return {DeviceChoice::Kind::cpu, {}, choice(text.substr(4), known)};
  }
  if (text == "cuda") return {DeviceChoice::Kind::cuda, {0}, ""};
  if (text.rfind("cuda:", 0) == 0) {
    DeviceChoice chosen{DeviceChoice::Kind::cuda, {}, ""};
    for (const std::string& gpu : split(text.substr(5))) chosen.gpus.push_back(integer<int>(gpu, 0, 1023));
    return chosen;
  }
  throw ConfigError(fmt::format("'{}' is none of auto, cpu, cpu:INSTRUCTIONS, cuda, cuda:INDEX,INDEX...", text));
}

template <class Target>
std::function<void(const std::string&)> text_into(Target& target) {
  return [&target](const std::string& text) {
    if (text.empty()) throw ConfigError("the value is empty");
    target = text;
  };
}

constexpr double largest = std::numeric_limits<double>::max();
constexpr int most_texts = 1000;  // of a flag that may be repeated

using Season = TransitionCovariates::Season;

// "NAME=YYYY-MM-DD..YYYY-MM-DD", several of a name in any order.
std::vector<TransitionCovariates::Campaign> campaigns(const std::string& text) {
  std::vector<TransitionCovariates::Campaign> all;
  for (const std::string& part : split(text)) {
    const std::size_t equals = part.find('='), dots = part.find("..", std::min(equals, part.size()));
    if (equals == std::string::npos || equals == 0 || dots == std::string::npos)
      throw ConfigError(fmt::format("'{}' is not of the form NAME=2025-11-24..2025-11-30", part));
    const std::string name = part.substr(0, equals);
    const DateWindow window{date(part.substr(equals + 1, dots - equals - 1)), date(part.substr(dots + 2))};
    if (window.last_day < window.first_day) throw ConfigError(fmt::format("'{}' ends before it begins", part));
    auto at = std::find_if(all.begin(), all.end(), [&](const auto& campaign) { return campaign.name == name; });
    if (at == all.end()) at = all.insert(all.end(), {name, {}});
    at->windows.push_back(window);
  }
  for (auto& [name, windows] : all) {
    std::sort(windows.begin(), windows.end(),
              [](const DateWindow& a, const DateWindow& b) { return a.first_day < b.first_day; });
    for (std::size_t i = 1; i < windows.size(); ++i)
      if (windows[i].first_day <= windows[i - 1].last_day)
        throw ConfigError(fmt::format("'{}' has windows that overlap; give them apart, or as one", name));
  }
  return all;
}

}  // namespace

std::string_view name_of(DiscountConvention convention) { return name_in(conventions(), convention); }
std::string_view name_of(RatePeriod period) { return name_in(rate_periods(), period); }

DeviceChoice device_choice(const std::string& text) { return device(text); }

std::string file_key(const std::string& flag_key) {
  std::string key = flag_key;
  for (char& c : key)
    if (c == '-') c = '_';
  return key;
}

Settings import_settings(ImportOptions& o) {
  return Settings({
      {"customer", Kind::text, "COLUMN", "column of the customer id", "sniffed", text_into(o.customer_column)},
      {"date", Kind::text, "COLUMN", "column of the date, with or without time and offset", "sniffed",
       text_into(o.date_column)},
      {"amount", Kind::text, "COLUMN", "column of the amount; negative amounts are refunds", "sniffed",
       text_into(o.amount_column)},
      {"cost", Kind::text, "COLUMN", "column of the cost of a purchase", "none", text_into(o.cost_column)},
      {"quantity", Kind::text, "COLUMN", "column of the quantity", "none", text_into(o.quantity_column)},
      {"segment", Kind::text, "COLUMN", "column of the customer's segment", "none", text_into(o.segment_column)},
      {"kind", Kind::text, "COLUMN", "column that tells purchase from refund", "none", text_into(o.kind_column)},
      {"tenure", Kind::text, "COLUMN", "of a contract book: column of the renewals made, or up to the churn", "none",
       text_into(o.tenure_column)},
      {"churned", Kind::text, "COLUMN", "of a contract book: column that says whether a contract has churned", "none",
       text_into(o.churned_column)},
      {"count", Kind::text, "COLUMN", "of a contract book: column of how many contracts alike a row stands for", "none",
       text_into(o.count_column)},
      {"covariates", Kind::text, "COLUMN,COLUMN...",
       "columns of numbers, or of yes and no, for models with covariates; a customer has those of its latest row",
       "none", [&o](const std::string& text) { o.covariate_columns = split(text); }},
      {"unit", Kind::text, "UNIT", "period of the models: day, week, month or year", "week",
       [&o](const std::string& text) { o.unit = parse_period_unit(text); }},
      {"observation-end", Kind::text, "DATE", "last day of observation; later rows are the holdout",
       "last date of the log", [&o](const std::string& text) { o.observation_end = date(text); }},
      {"currency", Kind::text, "CODE", "currency of the amounts, e.g. USD", "not stated", text_into(o.currency)},
      {"decimals", Kind::integer, "N", "decimals of the currency, 0 to 6; more are rejected, never rounded", "2",
       [&o](const std::string& text) { o.decimals = integer<int>(text, 0, 6); }},
      {"delimiter", Kind::text, "CHAR", "one of , ; | tab", "sniffed",
       [&o](const std::string& text) { o.delimiter = delimiter(text); }},
      {"decimal-mark", Kind::text, "CHAR", ". or ,", "sniffed",
       [&o](const std::string& text) { o.decimal_mark = decimal_mark(text); }},
      {"date-order", Kind::text, "ORDER", "ymd, dmy or mdy", "sniffed",
       [&o](const std::string& text) {
         o.date_order =
             choice<DateOrder>(text, {{"ymd", DateOrder::ymd}, {"dmy", DateOrder::dmy}, {"mdy", DateOrder::mdy}});
       }},
      {"utc", Kind::switch_on, "", "take the day in UTC instead of local as written", "off",
       [&o](const std::string& text) { o.utc = text == "true"; }},
      {"keep-same-day", Kind::switch_on, "", "do not merge a customer's purchases of one day", "off",
       [&o](const std::string& text) { o.keep_same_day = text == "true"; }},
      {"hash-ids", Kind::switch_on, "", "store pseudonyms (HMAC-SHA-256) instead of customer ids", "off",
       [&o](const std::string& text) { o.hash_ids = text == "true"; }},
      {"hash-key", Kind::text, "FILE", "secret key of --hash-ids", "none", text_into(o.hash_key_file)},
      {"max-reject-share", Kind::number, "SHARE", "more rejected rows than this are an error", "0.01",
       [&o](const std::string& text) { o.max_reject_share = number(text, 0, 1); }},
      {"rejects", Kind::text, "FILE", "write every rejected row here, with line, column and reason", "none",
       text_into(o.rejects), false},
      {"temporary-folder", Kind::text, "FOLDER", "where a large log is sorted", "the output's folder",
       text_into(o.temporary_folder), false},
      {"sort-memory", Kind::integer, "MIB", "memory for sorting, in MiB", "192",
       [&o](const std::string& text) { o.sort_memory = integer<std::size_t>(text, 1, 1 << 20) << 20; }, false},
  });
}

Settings fit_settings(FitOptions& o) {
  return Settings({
      {"recency-cells", Kind::integer, "N", "single-period recency cells before the lapsed one, 1 to 64", "13",
       [&o](const std::string& text) { o.states.recency_cells = integer<int>(text, 1, 64); }},
      {"frequency-classes", Kind::list, "N,N...", "fewest purchase days of each frequency class, from 1", "1,2",
       [&o](const std::string& text) {
         o.states.class_from.clear();
         for (const std::string& part : split(text)) o.states.class_from.push_back(integer<int>(part, 1, 1000000));
         if (o.states.class_from.front() != 1) throw ConfigError("the first frequency class must start at 1");
         for (std::size_t i = 1; i < o.states.class_from.size(); ++i)
           if (o.states.class_from[i] <= o.states.class_from[i - 1]) throw ConfigError("the classes must ascend");
       }},
      {"prior-strength", Kind::number, "PERIODS", "pseudo-periods of the Dirichlet prior", "1",
       [&o](const std::string& text) { o.prior_strength = number(text, 1e-6, 1e6); }},
      {"min-periods", Kind::number, "PERIODS", "recency cells with fewer customer-periods are tied to their neighbours",
       "100", [&o](const std::string& text) { o.min_periods = number(text, 0, 1e12); }},
      {"heterogeneity", Kind::switch_on, "",
       "customers of a state differ: estimate how much, and the probabilities with it", "off",
       [&o](const std::string& text) { o.heterogeneity = text == "true"; }},
      {"season", Kind::text, "NAME", "effects of the calendar on purchases: none, month or quarter", "none",
       [&o](const std::string& text) {
         o.covariates.season =
             choice<Season>(text, {{"none", Season::none}, {"month", Season::month}, {"quarter", Season::quarter}});
       }},
      {"campaign", Kind::texts, "NAME=FIRST..LAST",
       "effects of campaigns on purchases, in windows of days, both included; repeat it, or separate by commas: a name "
       "may "
       "have several windows, also to come",
       "none", [&o](const std::string& text) { o.covariates.campaigns = campaigns(text); }},
      {"segment-effects", Kind::switch_on, "", "effects of the store's segments on purchases", "off",
       [&o](const std::string& text) { o.covariates.segments = text == "true"; }},
  });
}

Settings simulate_settings(SimulationOptions& o, const std::string& sampler) {
  return Settings({
      {"horizon", Kind::integer, "PERIODS", "periods to simulate, from the day after observation", "36",
       [&o](const std::string& text) { o.horizon = integer<int>(text, 1, 65535); }},
      {"paths", Kind::integer, "N", "paths a customer", "1000",
       [&o](const std::string& text) {
         o.n_paths = integer<std::uint32_t>(text, 2, std::numeric_limits<std::uint32_t>::max());
       }},
      {"seed", Kind::integer, "SEED", "seed; the same seed gives the same numbers", "1",
       [&o](const std::string& text) {
         o.seed = integer<std::uint64_t>(text, 0, std::numeric_limits<std::uint64_t>::max());
       }},
      {"discount", Kind::number, "RATE", "discount rate a discount period, e.g. 0.1 for 10 %", "0.1",
       [&o](const std::string& text) { o.discounting.rate = number(text, 0, 1000); }},
      {"discount-period", Kind::text, "UNIT", "span of the rate: day, week, month or year", "year",
       [&o](const std::string& text) { o.discounting.per = choice(text, rate_periods()); }},
      {"convention", Kind::text, "NAME", "exponent of period t: first t-1, end t, mid t-1/2, continuous", "first",
       [&o](const std::string& text) { o.discounting.convention = choice(text, conventions()); }},
      {"margin", Kind::number, "SHARE", "profit as a share of revenue", "the model's, or none: revenue is simulated",
       [&o](const std::string& text) { o.margin = number(text, -largest, largest); }},
      {"quantiles", Kind::list, "Q,Q...", "quantiles of a customer's value", "0.05,0.25,0.5,0.75,0.95",
       [&o](const std::string& text) {
         o.quantiles.clear();
         for (const std::string& part : split(text)) o.quantiles.push_back(number(part, 0, 1));
       }},
      {"cvar-level", Kind::number, "SHARE", "share of the worst paths that CVaR averages", "0.05",
       [&o](const std::string& text) { o.cvar_level = number(text, 0, 1); }},
      {"sampler", Kind::text, "NAME",
       "how steps are drawn: auto, alias, event, for long stays, or ordered, for comparing models whose states ascend",
       sampler, [&o](const std::string& text) { o.sampler = choice(text, samplers()); }},
      {"parameter-draws", Kind::integer, "N",
       "draws of the fitted parameters, one a path for all customers together: totals then hold the parameters' "
       "uncertainty",
       "0, the estimates as if they were known",
       [&o](const std::string& text) { o.parameter_draws = integer<std::uint32_t>(text, 0, 4096); }},
      {"first-day", Kind::text, "DATE", "of --customers: first day of period 1, for models with seasons or campaigns",
       "none, periods without dates", [&o](const std::string& text) { o.first_day = date(text); }},
      {"keep-paths", Kind::switch_on, "",
       "write the value of every path of every customer to the run file: 8 bytes each", "off",
       [&o](const std::string& text) { o.keep_paths = text == "true"; }},
      {"threads", Kind::integer, "N", "threads; 0 takes every core; results do not depend on it", "0",
       [&o](const std::string& text) { o.threads = integer<int>(text, 0, 4096); }, false},
      {"batch", Kind::integer, "N", "customers a batch; 0 chooses; results do not depend on it", "0",
       [&o](const std::string& text) { o.batch = integer<std::int64_t>(text, 0, std::int64_t{1} << 32); }, false},
      {"device", Kind::text, "DEVICE",
       "auto, cpu, cpu:avx512, cpu:avx2, cpu:scalar, cpu:reference, cuda, or cuda:INDEX,INDEX... for one GPU or"
       " several; results do not depend on it",
       "auto", [&o](const std::string& text) { o.device = device(text); }, false},
  });
}

Settings generate_settings(GenerateOptions& o) {
  constexpr std::int64_t most_rows = 100'000'000'000;
  return Settings({
      {"customers", Kind::integer, "N", "customers", "1000",
       [&o](const std::string& text) { o.n_customers = integer<std::int64_t>(text, 1, most_rows); }},
      {"rows", Kind::integer, "N", "add customers until there are at least this many rows", "0",
       [&o](const std::string& text) { o.n_rows = integer<std::int64_t>(text, 0, most_rows); }},
      {"seed", Kind::integer, "SEED", "seed", "1",
       [&o](const std::string& text) {
         o.seed = integer<std::uint64_t>(text, 0, std::numeric_limits<std::uint64_t>::max());
       }},
      {"start", Kind::text, "DATE", "first day of acquisition", "1997-01-01",
       [&o](const std::string& text) { o.start = date(text); }},
      {"acquisition-periods", Kind::integer, "N", "periods over which customers arrive", "12",
       [&o](const std::string& text) { o.acquisition_periods = integer<int>(text, 1, 10000); }},
      {"observed-periods", Kind::integer, "N", "periods from the start to the end of observation", "52",
       [&o](const std::string& text) { o.observed_periods = integer<int>(text, 1, 10000); }},
      {"holdout-periods", Kind::integer, "N", "periods after it", "26",
       [&o](const std::string& text) { o.holdout_periods = integer<int>(text, 0, 10000); }},
      {"truth", Kind::text, "FILE", "write each customer's true level and holdout spend here", "none",
       text_into(o.truth)},
  });
}

void Settings::add_flags(CLI::App& command, const std::string& group) {
  flag_values_.assign(table_.size(), {});
  flag_set_.assign(table_.size(), false);
  for (std::size_t i = 0; i < table_.size(); ++i) {
    const Setting& setting = table_[i];
    const std::string help = fmt::format("{} (default: {})", setting.help, setting.default_text);
    if (setting.kind == Kind::switch_on) {
      command
          .add_flag_callback(
              "--" + setting.key, [this, i] { flag_values_[i] = {"true"}; }, help)
          ->group(group);
    } else {
      command.add_option("--" + setting.key, flag_values_[i], help)
          ->type_name(setting.value_name)
          ->expected(1, setting.kind == Kind::texts ? most_texts : 1)
          ->allow_extra_args(false)
          ->group(group);
    }
  }
}

void Settings::apply_flags() {
  for (std::size_t i = 0; i < table_.size(); ++i) {
    if (flag_values_[i].empty()) continue;
    const Setting& setting = table_[i];
    const std::string value =
        setting.kind == Kind::texts ? fmt::format("{}", fmt::join(flag_values_[i], ",")) : flag_values_[i].back();
    try {
      setting.set(value);
    } catch (const ConfigError& error) {
      throw ConfigError(fmt::format("--{} {}: {}", setting.key, value, error.what()));
    }
    given_.insert(setting.key);
  }
}

void Settings::read(const TomlTable& table) {
  for (const Setting& setting : table_) {
    if (!setting.in_files) continue;
    const std::string key = file_key(setting.key);
    std::optional<std::string> value;
    switch (setting.kind) {
      case Kind::text:
        value = table.optional_string(key);
        break;
      case Kind::integer:
        if (const auto number = table.optional_integer(key)) value = fmt::format("{}", *number);
        break;
      case Kind::number:
        if (const auto number = table.optional_number(key)) value = fmt::format("{}", *number);
        break;
      case Kind::switch_on:
        if (const auto on = table.optional_boolean(key)) value = *on ? "true" : "false";
        break;
      case Kind::list:
        if (const auto numbers = table.optional_numbers(key)) value = fmt::format("{}", fmt::join(*numbers, ","));
        break;
      case Kind::texts:
        if (const auto texts = table.optional_strings(key)) value = fmt::format("{}", fmt::join(*texts, ","));
        break;
    }
    if (!value || given_.contains(setting.key)) continue;
    try {
      setting.set(*value);
    } catch (const ConfigError& error) {
      throw ConfigError(fmt::format("{}: {} = {}: {}", table.where(key), key, *value, error.what()));
    }
    given_.insert(setting.key);
  }
}

}  // namespace clvsim::cli
