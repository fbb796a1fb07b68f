#include <clvsim/generate.hpp>

#include "host/generate/history.hpp"
#include "host/generate/log_writer.hpp"
#include "host/run/segment_places.hpp"

#include <clvsim/error.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace clvsim {
namespace {

constexpr std::int64_t max_customers = 1'000'000'000;
constexpr std::int64_t max_rows = 1'000'000'000'000;
constexpr int max_periods = 65535;  // of a walk
constexpr std::size_t flush_size = std::size_t{1} << 18;
constexpr std::int64_t progress_step = 1 << 14;
constexpr std::int64_t arrivals_at_once = 1 << 17;  // about: a slice is of whole days

void check_options(const MigrationChain& model, const GenerateOptions& options) {
  if (!model.recency_frequency || !model.spend)
    throw ConfigError(
        fmt::format("the model has no [{}], which a synthetic log needs; see configs/models/generator_retail.toml",
                    model.recency_frequency ? "spend" : "recency_frequency"));
  if (!model.levers.empty() || !model.regimes.empty())
    throw ConfigError(
        "the model has levers or regimes, which are of a forecast; generate a log from a model without them");
  const std::vector<std::string> segments = segments_of(model);
  if (segments.size() > 1)
    throw ConfigError(fmt::format(
        "the model tells the segment '{}' apart, and a synthetic log has no segments; generate a log for each segment "
        "from a model with its probabilities",
        segments.back()));
  if (options.n_customers < 1 || options.n_customers > max_customers)
    throw ConfigError(fmt::format("{} customers; give 1 to {}", options.n_customers, max_customers));
  if (options.n_rows < 0 || options.n_rows > max_rows)
    throw ConfigError(fmt::format("{} rows; give 0 (as many as the customers make) to {}", options.n_rows, max_rows));
  if (options.observed_periods < 1 || options.holdout_periods < 0 ||
      options.observed_periods > max_periods - options.holdout_periods)
    throw ConfigError(
        fmt::format("{} periods of observation and {} of holdout; give at least 1 and 0, together at most {}",
                    options.observed_periods, options.holdout_periods, max_periods));
  if (options.acquisition_periods < 1 || options.acquisition_periods > options.observed_periods)
    throw ConfigError(fmt::format("{} periods of acquisition; give 1 to {}, the periods of observation",
                                  options.acquisition_periods, options.observed_periods));
  const PeriodGrid grid({options.start.days - 1}, model.unit);
  const Date end = grid.end(options.observed_periods + options.holdout_periods);
  if (options.start < first_valid_date || end > last_valid_date || end < options.start)
    throw ConfigError(
        fmt::format("a log from {} of {} {} periods leaves the years 1900 to 2199; give a later start or fewer periods",
                    to_string(options.start), options.observed_periods + options.holdout_periods, name_of(model.unit)));
}

// Customers until their rows are enough.
std::int64_t customers_for(const HistoryDrawer& drawer, std::int64_t n_rows) {
  SyntheticHistory history;
  std::int64_t rows = 0, i = 0;
  for (; rows < n_rows; ++i) {
    drawer.draw(i, history);
    rows += static_cast<std::int64_t>(history.rows.size());
  }
  return i;
}

class LogAndTruth {
 public:
  LogAndTruth(const HistoryDrawer& drawer, const GenerateOptions& options, int decimals)
      : dates_(drawer.first_day(), drawer.last_day()), log_(options.output, options.overwrite), decimals_(decimals) {
    if (!options.truth.empty()) truth_.emplace(options.truth, options.overwrite);
    log_text_ = "customer_id,date,amount\n";
    truth_text_ = "customer_id,log_level,holdout_purchases,holdout_amount\n";
  }

  void add(std::int64_t i, const SyntheticHistory& history, GenerateReport& report) {
    const std::string key = HistoryDrawer::key_of(i);
    for (const SyntheticRow& row : history.rows) {
      log_text_ += key;
      log_text_ += ',';
      log_text_ += dates_.of(row.day);
      log_text_ += ',';
      append_money(log_text_, row.amount, decimals_);
      log_text_ += '\n';
      if (__builtin_add_overflow(report.amount, row.amount, &report.amount))
        throw ModelError(
            "the spend of all customers does not fit in 64 bits; generate fewer, or lower log_mean of [spend]");
    }
    report.n_rows += static_cast<std::int64_t>(history.rows.size());
    if (log_text_.size() >= flush_size) flush(log_, log_text_);
    if (!truth_) return;
    truth_text_ += fmt::format("{},{},{},", key, history.level, history.holdout_purchases);
    append_money(truth_text_, history.holdout_amount, decimals_);
    truth_text_ += '\n';
    if (truth_text_.size() >= flush_size) flush(*truth_, truth_text_);
  }

  void commit() {
    flush(log_, log_text_);
    if (truth_) {
      flush(*truth_, truth_text_);
      truth_->commit();
    }
    log_.commit();
  }

 private:
  static void flush(TextOutput& out, std::string& text) {
    out.write(text);
    text.clear();
  }

  DateTexts dates_;
  TextOutput log_;
  std::optional<TextOutput> truth_;
  std::string log_text_, truth_text_;
  int decimals_;
};

}  // namespace

GenerateReport generate(const MigrationChain& model, const GenerateOptions& options,
                        const std::function<void(std::int64_t, std::int64_t)>& progress) {
  check(model);
  check_options(model, options);
  const HistoryDrawer drawer(model, options);
  LogAndTruth out(drawer, options, model.currency.decimals);
  GenerateReport report;
  report.observation_end = drawer.observation_end();
  report.n_customers = options.n_customers;
  if (options.n_rows > 0) report.n_customers = std::max(report.n_customers, customers_for(drawer, options.n_rows));

  // By day of acquisition. Customers of a few days are listed and sorted; those of a single day come in the order of
  // their numbers, however many, without a list.
  SyntheticHistory history;
  std::int64_t done = 0;
  const auto write = [&](std::int64_t i) {
    drawer.draw(i, history);
    out.add(i, history, report);
    if (progress && ++done % progress_step == 0) progress(done, report.n_customers);
  };
  std::vector<std::pair<std::int32_t, std::int32_t>> arrivals;  // day, customer
  for (int period = 0; period < options.acquisition_periods; ++period) {
    const auto [first_day, last_day] = drawer.acquisition_days(period);
    const std::int64_t n_days = last_day - first_day + 1;
    const std::int64_t n_slices =
        std::min(n_days, report.n_customers / options.acquisition_periods / arrivals_at_once + 1);
    for (std::int64_t slice = 0; slice < n_slices; ++slice) {
      const std::int64_t from = first_day + n_days * slice / n_slices, to = first_day + n_days * (slice + 1) / n_slices;
      arrivals.clear();
      for (std::int64_t i = period; i < report.n_customers; i += options.acquisition_periods) {
        const std::int32_t day = drawer.acquisition_day(i);
        if (day < from || day >= to) continue;
        if (to - from == 1) {
          write(i);
        } else {
          arrivals.emplace_back(day, static_cast<std::int32_t>(i));
        }
      }
      std::sort(arrivals.begin(), arrivals.end());
      for (const auto& [day, i] : arrivals) write(i);
    }
  }
  out.commit();
  if (progress) progress(report.n_customers, report.n_customers);
  return report;
}

}  // namespace clvsim
