/// \file
/// Simulating the lifetime value of customers; the run file (docs/formats/run.md).
#pragma once

#include <clvsim/behaviour_model.hpp>
#include <clvsim/migration_chain.hpp>
#include <clvsim/store.hpp>

#include <functional>

namespace clvsim {

/// Which exponent discounts period t = 1, 2, ...: `first` t-1 (the first period undiscounted), `end` t, `mid` t-1/2;
/// `continuous`: cash arrives evenly through the period, factor = integral of exp(-delta s) over (t-1, t], delta =
/// ln(1+d).
enum class DiscountConvention : std::uint8_t { first, end, mid, continuous };
/// The span of time that the discount rate is quoted for.
enum class RatePeriod : std::uint8_t { day, week, month, year };

struct Discounting {
  double rate = 0.10;
  RatePeriod per = RatePeriod::year;
  DiscountConvention convention = DiscountConvention::first;
};
/// Factors [horizon] of periods 1..horizon. Lengths: a year is 12 months is 365.25 days, a week 7 days.
[[nodiscard]] std::vector<double> discount_factors(const Discounting& discounting, PeriodUnit unit, int horizon);

/// Where to simulate. `automatic` takes the first usable GPU, else the CPU; `cuda` splits the customers over `gpus`.
/// Results do not depend on it.
struct DeviceChoice {
  enum class Kind : std::uint8_t { automatic, cpu, cuda } kind = Kind::automatic;
  std::vector<int> gpus;     ///< 1 to 64 indices of GPUs; one that stands there twice runs two batches at a time
  std::string instructions;  ///< of the CPU: "avx512", "avx2", "scalar", "reference"; empty: the fastest it has
};

/// How the steps of a migration chain are drawn (docs/theory/engine.md); part of what makes a run reproducible.
/// `alias`: Walker's alias method on 16 bits a step, exact; the fastest. `ordered`: inverse cdf on 16 bits a step,
/// exact, over the states in the model's order, so that runs of two models with one seed stay close. `event`: from one
/// change of state to the next, 32 bits each, exact; faster where stays are long; not for models that draw spend.
/// `automatic` is alias.
enum class StepSampler : std::uint8_t { automatic, alias, ordered, event };

struct SimulationOptions {
  int horizon = 36;              ///< periods, 1 to 65535
  std::uint32_t n_paths = 1000;  ///< 2 to 2^32 - 1
  std::uint64_t seed = 1;
  Discounting discounting;
  std::optional<double> margin;                                ///< profit share of revenue; overrides the model's
  std::vector<double> quantiles{0.05, 0.25, 0.5, 0.75, 0.95};  ///< each in (0, 1), ascending, 1 to 16
  double cvar_level = 0.05;                                    ///< share of the worst paths whose mean is the CVaR
  int threads = 0;                                             ///< 0: all cores
  std::int64_t batch = 0;                                      ///< customers a batch; 0: chosen
  DeviceChoice device;
  StepSampler sampler = StepSampler::automatic;
  bool periods = true;  ///< forecasts by period and the undiscounted revenue; without them a run is faster
  /// Draws of the model's parameters, one a path and the same for all customers of a path: path p has draw p mod
  /// parameter_draws. 0: the estimates, as if they were known. At most n_paths, and 4096.
  std::uint32_t parameter_draws = 0;
  /// First day of period 1 of customers without a store, where the model has seasons or campaigns. A store's periods
  /// begin the day after its observation ends.
  std::optional<Date> first_day;
  /// Whether the value of every path of every customer is kept: 8 bytes each.
  bool keep_paths = false;
};
/// Throws ConfigError for options that no run can have: ranges of horizon, paths, discount rate, margin, CVaR level,
/// threads, batch and GPU index; quantiles that do not ascend within (0, 1). Needs no model; what depends on one (a
/// margin where amounts are profit already) is checked when a run begins.
void check(const SimulationOptions& options);

/// An estimate and its Monte Carlo standard error.
struct Estimate {
  double mean = 0, se = 0;
};

/// The distribution of a total over paths, in currency units.
struct Distribution {
  Estimate mean, sd;
  std::vector<Estimate> quantiles;  ///< as SimulationOptions::quantiles
  Estimate cvar;                    ///< mean of the worst share cvar_level
};

struct PeriodForecast {
  Date first_day, last_day;
  Estimate active;   ///< customers active at the end of the period
  Estimate revenue;  ///< currency units, undiscounted; the model's amounts, whatever their measure
  Estimate profit;   ///< currency units, undiscounted; NaN where neither costs nor a margin are known
  Estimate transactions;
};

/// The customers of a segment of the store, in all.
struct SegmentForecast {
  std::string name;  ///< empty: no segment
  std::int64_t n_customers = 0;
  /// Sums over the customers: discounted value, active at the horizon, transactions over it. Their errors take the
  /// customers for independent; with draws of the parameters, which all share, they are bounds: the sums of the errors.
  Estimate value, active, transactions;
};

/// Everything about a run that is not a customer's row.
struct RunInfo {
  std::string measure_name;  ///< "clv", or "revenue" where neither costs nor a margin are known
  Currency currency;
  PeriodUnit unit = PeriodUnit::month;
  Date observation_end;  ///< 1970-01-01 without a store
  bool has_dates = false;
  std::int64_t n_customers = 0;
  SimulationOptions options;            ///< as resolved: margin, seed, ...
  std::string sampler;                  ///< name and version: part of what makes a run reproducible
  std::string store_digest;             ///< content digest of the store, empty without one
  std::string model_digest;             ///< XXH3-128 of the model's text
  Distribution total;                   ///< discounted value of all customers, independent given the model
  Distribution total_revenue;           ///< undiscounted revenue of the whole horizon; NaN without options.periods
  std::vector<PeriodForecast> periods;  ///< [horizon]; empty without options.periods
  /// Whether the customers have closed forms (of models with a likelihood), and a DERT among them.
  bool has_closed_forms = false, has_dert = false;
  std::vector<SegmentForecast> segments;  ///< as StoreInfo::segments; empty where the store has none
  std::string content_digest;
  /// [paths] Discounted value of all customers, in currency units; not of a file, which RunReader::read_totals reads.
  std::vector<double> total_by_path;
  std::size_t n_regimes = 0;  ///< that all customers of a path share; not in the run file
  std::string device;         ///< what it ran on; not in the run file
  /// Draws that no attempt of their rejection loop gave, of all paths: a run of which there is one throws. Not in the
  /// file.
  std::uint64_t n_exhausted_draws = 0;
};

/// Per-customer columns of a run, each [n], currency units. Quantiles are [n, quantiles].
struct CustomerResults {
  std::size_t key_width = 0;
  std::vector<char> key;
  std::vector<std::uint32_t> segment;  ///< [n] index into RunInfo::segments; empty where there are none
  std::vector<double> mean, se, sd, sd_se;
  std::vector<double> quantile, quantile_se;
  std::vector<double> cvar, cvar_se;
  std::vector<double> p_nonpositive, p_nonpositive_se;  ///< P(value <= 0)
  std::vector<double> p_active, p_active_se;            ///< P(active at the horizon)
  std::vector<double> transactions_mean, transactions_se;
  /// What the model says without a simulation, at the estimates of its parameters, where RunInfo has closed forms:
  /// P(alive at the end of observation), expected transactions over the horizon, expected amount of a transaction, and
  /// discounted expected residual transactions without a horizon (PurchaseModel::dert, ContractModel::derl). NaN where
  /// a sum does not settle.
  std::vector<double> p_alive, expected_transactions, expected_spend, dert;
  /// [n, paths] discounted value of every path, fixed point: times RunReader::path_scale() it is in currency units.
  /// Empty without SimulationOptions::keep_paths.
  std::vector<std::int64_t> path_value;

  [[nodiscard]] std::size_t size() const { return mean.size(); }
  void clear();
};

/// Customers done so far and in all; may throw to stop.
using CustomerProgress = std::function<void(std::int64_t done, std::int64_t total)>;

/// Simulates every customer of a store and writes the run file; none where `output` is empty. Throws Config-, Io-,
/// Format-, DeviceError.
RunInfo simulate(const StoreReader& store, const MigrationChain& model, const SimulationOptions& options,
                 const std::filesystem::path& output, bool overwrite, const CustomerProgress& progress = {});
RunInfo simulate(const StoreReader& store, const BehaviourModel& model, const SimulationOptions& options,
                 const std::filesystem::path& output, bool overwrite, const CustomerProgress& progress = {});
/// Simulates n customers without a history (in the chain's start state), keys "1" to "n", without a store. `output` may
/// be empty: no file then. Kept paths are in `results` only without a file.
RunInfo simulate_customers(std::int64_t n_customers, const MigrationChain& model, const SimulationOptions& options,
                           const std::filesystem::path& output, bool overwrite, CustomerResults* results = nullptr,
                           const CustomerProgress& progress = {});
RunInfo simulate_customers(std::int64_t n_customers, const BehaviourModel& model, const SimulationOptions& options,
                           const std::filesystem::path& output, bool overwrite, CustomerResults* results = nullptr,
                           const CustomerProgress& progress = {});

/// Reads a run file, checked as a store is. Throws IoError, FormatError.
class RunReader {
 public:
  explicit RunReader(const std::filesystem::path& path);
  ~RunReader();
  RunReader(RunReader&&) noexcept;
  RunReader& operator=(RunReader&&) noexcept;
  [[nodiscard]] const RunInfo& info() const;
  /// Replaces `results`, but for path_value, which becomes empty.
  void read(std::int64_t first, std::int64_t count, CustomerResults& results) const;
  /// Replaces `values` [count, paths] by the values of the paths of customers [first, first + count). Throws
  /// ConfigError where the run has kept none.
  void read_paths(std::int64_t first, std::int64_t count, std::vector<std::int64_t>& values) const;
  /// Replaces `values` [paths] by the discounted totals of all customers, path by path, in units of path_value.
  void read_totals(std::vector<std::int64_t>& values) const;
  /// Currency units a unit of path_value and of totals.
  [[nodiscard]] double path_scale() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Writes one CSV row a customer, RFC 4180; ids that a spreadsheet would run as a formula are prefixed with '. Throws
/// IoError.
void export_csv(const RunReader& run, const std::filesystem::path& path, bool overwrite);
/// Writes one CSV row a customer and path, as export_csv does: key, path (0, 1, ...) and value in currency units.
/// Throws IoError; ConfigError where the run has kept no paths.
void export_paths_csv(const RunReader& run, const std::filesystem::path& path, bool overwrite);

}  // namespace clvsim
