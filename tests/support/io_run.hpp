// Run files for tests: drawn results that keep what a run file promises.
#pragma once

#include <clvsim/simulate.hpp>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace clvsim::test {

struct TestRun {
  RunInfo info;
  CustomerResults results;  // all of them
  std::vector<std::int64_t> totals;
  double scale = 1.0 / 256 / 100;
};

struct TestRunOptions {
  std::int64_t n_customers = 20;
  int horizon = 3;
  std::uint32_t n_paths = 10;
  bool has_dates = true;
  std::string measure = "clv";
  std::vector<double> quantiles{0.05, 0.5, 0.975};
  bool keep_paths = false;
  bool has_segments = false;
  bool has_closed_forms = false, has_dert = false;
};
TestRun make_test_run(const TestRunOptions& options);

// Writes in batches; returns the content digest.
std::string write_run(const TestRun& run, const std::filesystem::path& path, std::int64_t batch = 1 << 30,
                      bool overwrite = false);

CustomerResults slice(const CustomerResults& all, std::int64_t first, std::int64_t count);

// "" where a run file says the same as `run`; else what differs.
std::string difference(const TestRun& run, const std::filesystem::path& path, std::int64_t batch = 1 << 30);

}  // namespace clvsim::test
