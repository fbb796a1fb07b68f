#include "host/generate/history.hpp"

#include "kernels/path/simulator.hpp"

#include <clvsim/error.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

namespace clvsim {
namespace {

using kernels::DrawIndex;
using kernels::PathDraws;
using kernels::Purpose;
using kernels::Words;

constexpr std::uint32_t history_path = std::numeric_limits<std::uint32_t>::max();

// Draws of Purpose::acquisition: block 0 the day, block 1 the first purchase, as Purpose::spend has it.
constexpr DrawIndex first_day_draw{Purpose::acquisition, 0, 0, 0};
constexpr DrawIndex first_spend_draw{Purpose::acquisition, 0, 0, 1};

// A number from 0 to n - 1 by the high half of a product (Lemire 2019, without rejection: n is at most some hundreds).
std::int32_t pick(std::uint32_t word, std::int32_t n) {
  return static_cast<std::int32_t>((static_cast<std::uint64_t>(word) * static_cast<std::uint64_t>(n)) >> 32);
}

int periods_of(const GenerateOptions& options) { return options.observed_periods + options.holdout_periods; }

// The grid that a fit and a simulation will use: it is anchored at the end of observation.
PeriodGrid grid_of(const MigrationChain& model, const GenerateOptions& options) {
  return {PeriodGrid({options.start.days - 1}, model.unit).end(options.observed_periods), model.unit};
}

// The tables of a model, one for every period from the start where they depend on it.
ChainTables tables_of(const MigrationChain& model, const GenerateOptions& options) {
  if (model.covariates.empty()) return pack(model, model.currency.decimals);
  const int n = periods_of(options);
  return pack(with_covariates(model, grid_of(model, options), -options.observed_periods, n, {""}),
              model.currency.decimals, std::vector<double>(static_cast<std::size_t>(n), 0));
}

}  // namespace

// Collects the rows of the walk; period t of the walk is period `first_period + t` from the start.
struct HistoryDrawer::Sink {
  const HistoryDrawer& drawer;
  const PathDraws& draws;
  int first_period;
  SyntheticHistory& history;
  std::size_t period_begin = 0;  // first row of the period
  std::uint8_t n_purchases = 0;  // of the period so far

  void purchase(std::uint32_t t, std::int64_t amount) {
    const auto period = static_cast<std::size_t>(first_period) + t;
    const std::int32_t first = drawer.period_end_[period] + 1;
    const std::int32_t length = drawer.period_end_[period + 1] - first + 1;
    std::int32_t at = pick(draws({Purpose::purchase_day, t, 0, n_purchases}).x, length);
    // A day of its own for each purchase, as long as the period has one: an import would merge them.
    const auto taken = [&](std::int32_t day) {
      for (std::size_t r = period_begin; r < history.rows.size(); ++r)
        if (history.rows[r].day == day) return true;
      return false;
    };
    for (std::int32_t tried = 0; tried < length && taken(first + at); ++tried) at = (at + 1) % length;
    ++n_purchases;
    add(t, first + at, amount);
    if (is_holdout(t)) ++history.holdout_purchases;
  }
  void refund(std::uint32_t t, std::int64_t amount) {
    if (amount > 0) add(t, history.rows.back().day, -amount);
  }
  void period_end(std::uint32_t, const kernels::PeriodOutcome&) {
    std::stable_sort(history.rows.begin() + static_cast<std::ptrdiff_t>(period_begin), history.rows.end(),
                     [](const SyntheticRow& a, const SyntheticRow& b) { return a.day < b.day; });
    period_begin = history.rows.size();
    n_purchases = 0;
  }

  void exhausted(std::uint32_t n) {
    if (n != 0)
      throw ModelError(
          "a row of a customer's probabilities cannot be drawn; check the concentrations and probabilities of the "
          "model");
  }

  bool is_holdout(std::uint32_t t) const { return first_period + static_cast<int>(t) >= drawer.observed_; }
  void add(std::uint32_t t, std::int32_t day, std::int64_t amount) {
    if (kernels::saturated(amount))
      throw ModelError(
          "the model draws an amount above 4.6e18 minor units; lower log_mean, between_sd or within_sd of [spend]");
    history.rows.push_back({day, amount});
    if (is_holdout(t) && __builtin_add_overflow(history.holdout_amount, amount, &history.holdout_amount))
      throw ModelError(
          "the holdout spend of a customer does not fit in 64 bits; lower log_mean, between_sd or within_sd of "
          "[spend]");
  }
};

HistoryDrawer::HistoryDrawer(const MigrationChain& model, const GenerateOptions& options)
    : tables_(tables_of(model, options)),
      chain_(tables_.view(kernels::Sampler::ordered)),
      level_mean_(model.spend->log_mean.front()),
      level_sd_(model.spend->between_sd),
      seed_(options.seed),
      acquisition_(options.acquisition_periods),
      observed_(options.observed_periods) {
  if (has_heterogeneity(model)) rows_ = pack_dirichlet(model, model.currency.decimals);
  const PeriodGrid grid = grid_of(model, options);
  for (int k = -observed_; k <= options.holdout_periods; ++k) period_end_.push_back(grid.end(k).days);
}

std::string HistoryDrawer::key_of(std::int64_t i) {
  // By hand: every pass over the customers makes every key.
  constexpr std::size_t least_digits = 7;
  std::array<char, 20> digits{};
  const char* const end = std::to_chars(digits.data(), digits.data() + digits.size(), i + 1).ptr;
  const auto n = static_cast<std::size_t>(end - digits.data());
  std::string key("C");
  key.append(n < least_digits ? least_digits - n : 0, '0');
  return key.append(digits.data(), n);
}

std::int32_t HistoryDrawer::acquisition_day(std::int64_t i) const {
  const PathDraws draws{seed_, customer_hash(key_of(i)), history_path};
  const auto period = static_cast<std::size_t>(acquisition_period(i));
  const std::int32_t length = period_end_[period + 1] - period_end_[period];
  return period_end_[period] + 1 + pick(draws(first_day_draw).x, length);
}

std::pair<std::int32_t, std::int32_t> HistoryDrawer::acquisition_days(int period) const {
  const auto at = static_cast<std::size_t>(period);
  return {period_end_[at] + 1, period_end_[at + 1]};
}

void HistoryDrawer::draw(std::int64_t i, SyntheticHistory& history) const {
  history.rows.clear();
  history.holdout_purchases = 0;
  history.holdout_amount = 0;
  const kernels::ChainCustomer customer{customer_hash(key_of(i)), level_mean_, level_sd_, 0};
  const PathDraws draws{seed_, customer.hash, history_path};
  // The level of the walk: its first draw.
  history.level = level_mean_ + level_sd_ * kernels::normal(draws({Purpose::spend_level}).x);
  history.first_day = acquisition_day(i);

  const int period = acquisition_period(i);
  Sink sink{*this, draws, period, history};
  // The first purchase: the walk begins when it has been made.
  const kernels::SpendEntry& spend = chain_.spend;
  const Words words = draws(first_spend_draw);
  std::int64_t amount = 0;
  if (words.x >= spend.zero_threshold)
    amount = kernels::round_to_fixed(kernels::portable_exp(history.level + spend.within_sd * kernels::normal(words.y)) *
                                     spend.scale);
  sink.add(0, history.first_day, amount);
  if (words.z < spend.refund_threshold)
    sink.refund(0, kernels::round_to_fixed(kernels::portable_exp(history.level + spend.refund_shift +
                                                                 spend.refund_sd * kernels::normal(words.w)) *
                                           spend.scale));
  sink.period_end(0, {});

  sink.first_period = period + 1;
  const std::size_t n_periods = period_end_.size() - 1;
  const auto horizon = static_cast<std::uint32_t>(n_periods - static_cast<std::size_t>(period) - 1);
  if (!rows_) {
    // Its period 0 is the one after the acquisition.
    kernels::MigrationChainView chain = chain_;
    if (chain.schedule.table_of != nullptr) chain.schedule.table_of += sink.first_period;
    return kernels::walk(chain, customer, history_path, seed_, horizon, sink);
  }
  kernels::DirichletChain::Customer differing;
  differing.hash = customer.hash;
  differing.level_mean = level_mean_;
  differing.level_sd = level_sd_;
  std::vector<kernels::DirichletChain::Customer> records;
  rows_->add_customer(differing, std::vector<std::uint32_t>(rows_->n_counts), records);
  kernels::PathSimulator<kernels::DirichletChain>::walk(rows_->view(), records.front(), history_path, seed_, horizon,
                                                        sink);
}

}  // namespace clvsim
