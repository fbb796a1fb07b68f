// What goes through files: import, reading a store, writing a run, and the whole line, in wall time. The files lie in a
// hidden folder of the working directory, whose file system is what is measured.
#include "host/base/output_file.hpp"
#include "host/bench/cases.hpp"
#include "host/io/run_file.hpp"

#include <clvsim/error.hpp>
#include <clvsim/generate.hpp>
#include <clvsim/import.hpp>

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <optional>

namespace clvsim {
namespace {

constexpr const char* write_ceiling = "file_write";

// A stated model for synthetic logs, all numbers made up: customers with one purchase and with more, by periods since
// the last one, up to 4; the longer ago, the rarer the next.
MigrationChain shop() {
  constexpr int recency_cells = 4;
  constexpr double first_repeat = 0.15, first_more = 0.3, decay = 0.7;
  MigrationChain chain;
  chain.currency = {"USD", 2};
  chain.recency_frequency = RecencyFrequency{recency_cells, {1, 2}};
  SpendModel spend;
  spend.log_mean = {3.4, 3.4};
  spend.between_sd = 0.6;
  spend.within_sd = 0.5;
  spend.zero_share = 0.01;
  spend.purchases_in_period = {0.85, 0.15};
  spend.refund_rate = 0.03;
  spend.refund_log_shift = -0.4;
  spend.refund_log_sd = 0.5;
  chain.spend = spend;
  for (int more = 0; more < 2; ++more) {
    double purchase = more == 1 ? first_more : first_repeat;
    for (int recency = 0; recency <= recency_cells; ++recency, purchase *= decay) {
      const int row = more * (recency_cells + 1);
      ChainState state;
      state.name = fmt::format("{} purchases, recency {}", more == 1 ? "2+" : "1", recency);
      state.active = recency < recency_cells;
      ChainOutcome buys, waits;
      buys.to = recency_cells + 1;  // more purchases, recency 0
      buys.probability = purchase;
      buys.purchase = true;
      waits.to = row + std::min(recency + 1, recency_cells);
      waits.probability = 1 - purchase;
      state.outcomes = {buys, waits};
      chain.states.push_back(std::move(state));
    }
  }
  return chain;
}

double bytes_of(const std::filesystem::path& path) { return static_cast<double>(std::filesystem::file_size(path)); }

[[noreturn]] void fail_wrong(const std::string& name, const std::string& what) {
  throw ModelError(fmt::format("{}: {}: a wrong result has no speed; please report it", name, what));
}

// The files that the cases share, made when the first case asks for them.
class Workspace {
 public:
  static constexpr std::int64_t n_customers = 30000;

  std::filesystem::path path(const std::string& name) {
    if (!files_)
      files_.emplace(".", std::vector<std::string>{log_name, store_name, "line.csv", "line.h5", "run.h5", "written"},
                     true);
    return files_->path(name);
  }
  const std::filesystem::path& log() {
    if (log_.empty()) {
      report_ = make_log(path(log_name));
      log_ = path(log_name);
    }
    return log_;
  }
  const GenerateReport& report() {
    static_cast<void>(log());
    return report_;
  }
  const std::filesystem::path& store() {
    if (store_.empty()) {
      static_cast<void>(make_store(log(), path(store_name)));
      store_ = path(store_name);
    }
    return store_;
  }

  static GenerateReport make_log(const std::filesystem::path& output, std::int64_t n = n_customers) {
    GenerateOptions options;
    options.n_customers = n;
    options.observed_periods = 24;
    options.holdout_periods = 6;
    options.output = output;
    options.overwrite = true;
    return generate(shop(), options);
  }
  static ImportReport make_store(const std::filesystem::path& log, const std::filesystem::path& output) {
    ImportOptions options;
    options.logs = {log};
    options.output = output;
    options.overwrite = true;
    options.unit = PeriodUnit::month;
    return import_logs(options);
  }

  static constexpr const char *log_name = "log.csv", *store_name = "store.h5";

 private:
  std::optional<StagedFiles> files_;  // never committed: removed at the end, and by a signal
  std::filesystem::path log_, store_;
  GenerateReport report_;
};

PlannedCase file_case(const std::string& name, const std::string& unit, std::vector<LimitingWork> limit) {
  PlannedCase planned;
  planned.suite = BenchSuite::standard;
  planned.result.name = name;
  planned.result.unit = unit;
  planned.result.clock = BenchClock::wall;
  planned.result.limit = std::move(limit);
  return planned;
}

// As every output is written: a megabyte at a time, and at the end to the disk.
PlannedCase write_case(const std::shared_ptr<Workspace>& workspace) {
  constexpr std::size_t block = std::size_t{1} << 20, n_blocks = 64;
  PlannedCase planned = file_case(write_ceiling, "bytes", {});
  planned.result.work = static_cast<double>(block * n_blocks);
  planned.prepare = [workspace](BenchCase&) {
    return [path = workspace->path("written"), text = std::string(block, 'x')] {
      OutputFile file(path, true);
      for (std::size_t i = 0; i < n_blocks; ++i) write_all(file.descriptor(), text, path);
      file.commit();
    };
  };
  return planned;
}

PlannedCase import_case(const std::shared_ptr<Workspace>& workspace) {
  PlannedCase planned = file_case("import", "bytes", {{memory_ceiling, 0}, {write_ceiling, 0}});
  planned.prepare = [workspace](BenchCase& result) {
    const std::filesystem::path log = workspace->log(), store = workspace->path(Workspace::store_name);
    const ImportReport report = Workspace::make_store(log, store);
    const GenerateReport& truth = workspace->report();
    const Ledger& ledger = report.store.ledger;
    if (ledger.read.rows != truth.n_rows || ledger.read.amount != truth.amount || ledger.rejected.rows != 0)
      fail_wrong(result.name, "rows or amounts are not those that were generated");
    result.digest = report.store.content_digest;
    result.work = bytes_of(log);
    result.limit = {{memory_ceiling, result.work}, {write_ceiling, bytes_of(store)}};  // read once, written once
    return [log, store] { static_cast<void>(Workspace::make_store(log, store)); };
  };
  return planned;
}

PlannedCase store_read_case(const std::shared_ptr<Workspace>& workspace) {
  PlannedCase planned = file_case("store_read", "bytes", {{memory_ceiling, 0}});
  planned.prepare = [workspace](BenchCase& result) {
    const std::filesystem::path store = workspace->store();
    const auto read = [store] {
      constexpr std::int64_t batch_size = 4096;
      const StoreReader reader(store);
      CustomerBatch batch;
      std::int64_t n_rows = 0;
      for (std::int64_t first = 0; first < reader.info().n_customers; first += batch_size) {
        reader.read(first, std::min(batch_size, reader.info().n_customers - first), batch);
        n_rows += static_cast<std::int64_t>(batch.history.day.size());
      }
      return n_rows;
    };
    const StoreReader reader(store);
    if (read() != reader.info().n_rows) fail_wrong(result.name, "rows are not those of the store");
    result.digest = reader.info().content_digest;
    result.work = bytes_of(store);
    result.limit = {{memory_ceiling, result.work}};  // from the page cache
    return [read] { static_cast<void>(read()); };
  };
  return planned;
}

// Every column of every customer, equal bit by bit.
void check_read_back(const std::string& name, const std::filesystem::path& path, const CustomerResults& written) {
  const RunReader reader(path);
  CustomerResults read;
  reader.read(0, reader.info().n_customers, read);
  if (read.key != written.key || read.mean != written.mean || read.se != written.se || read.sd != written.sd ||
      read.quantile != written.quantile || read.cvar != written.cvar || read.p_active != written.p_active)
    fail_wrong(name, "what was read back is not what was written");
}

PlannedCase run_write_case(const std::shared_ptr<Workspace>& workspace) {
  PlannedCase planned = file_case("run_write", "bytes", {{write_ceiling, 0}});
  planned.prepare = [workspace](BenchCase& result) {
    constexpr std::int64_t n_customers = 100000;
    SimulationOptions options = bench_simulation();
    options.horizon = 12;
    options.n_paths = 128;
    const auto results = std::make_shared<CustomerResults>();
    const RunInfo info = simulate_customers(n_customers, dense_chain(6, 0.875), options, {}, false, results.get());
    const std::filesystem::path path = workspace->path("run.h5");
    const auto write = [results, info, path] {
      RunWriter writer(path, info, 1, true);
      writer.append(*results);
      return writer.finish(info, std::vector<std::int64_t>(info.options.n_paths));
    };
    result.digest = write();
    check_read_back(result.name, path, *results);
    result.work = bytes_of(path);
    result.limit = {{write_ceiling, result.work}};
    return [write] { static_cast<void>(write()); };
  };
  return planned;
}

// generate, import, simulate to a run file, on one thread. At least: a random word a step, the log read, and every file
// written.
PlannedCase end_to_end_case(const std::shared_ptr<Workspace>& workspace) {
  const std::string words = words_ceiling(*kernels::lane_kernels().front());
  PlannedCase planned = file_case("end_to_end", "customers", {{words, 0}, {memory_ceiling, 0}, {write_ceiling, 0}});
  planned.prepare = [workspace, words](BenchCase& result) {
    constexpr std::int64_t n_customers = 2000;
    const std::filesystem::path log = workspace->path("line.csv"), store = workspace->path("line.h5"),
                                run = workspace->path("run.h5");
    SimulationOptions options = bench_simulation();
    options.horizon = 36;
    options.n_paths = 100;
    const auto line = [log, store, run](const SimulationOptions& how) {
      static_cast<void>(Workspace::make_log(log, n_customers));
      static_cast<void>(Workspace::make_store(log, store));
      return simulate(StoreReader(store), shop(), how, run, true).content_digest;
    };
    SimulationOptions other = options;
    other.threads = 2;
    other.batch = 777;
    other.device.instructions = "reference";
    result.digest = line(options);
    if (line(other) != result.digest) fail_wrong(result.name, "threads, batches or instructions change the run");
    result.work = static_cast<double>(n_customers);
    result.limit = {{words, result.work * options.n_paths * options.horizon},
                    {memory_ceiling, bytes_of(log) + bytes_of(store)},
                    {write_ceiling, bytes_of(log) + bytes_of(store) + bytes_of(run)}};
    return [line, options] { static_cast<void>(line(options)); };
  };
  return planned;
}

}  // namespace

void add_file_cases(PlannedCases& cases) {
  const auto workspace = std::make_shared<Workspace>();
  cases.push_back(write_case(workspace));
  cases.push_back(import_case(workspace));
  cases.push_back(store_read_case(workspace));
  cases.push_back(run_write_case(workspace));
  cases.push_back(end_to_end_case(workspace));
}

}  // namespace clvsim
