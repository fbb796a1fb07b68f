// Writing a run file (docs/formats/run.md); RunReader of clvsim/simulate.hpp reads it.
#pragma once

#include <clvsim/simulate.hpp>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace clvsim {

// Append the customers in the order of the store, in batches of any size (the file does not depend on them), then
// finish(). Nothing stands under the final name before finish() returns. Throws IoError; Error (internal) where results
// are not finite or their sizes disagree.
class RunWriter {
 public:
  // `info` gives the measure, the options (quantiles, CVaR level, paths and whether they are kept), the currency and
  // n_customers: the free space is checked before hours of work, not after. `path_scale`: currency units a unit of what
  // has one value a path (e.g. 1/256/100).
  RunWriter(const std::filesystem::path& path, const RunInfo& info, double path_scale, bool overwrite);
  ~RunWriter();
  RunWriter(const RunWriter&) = delete;
  RunWriter& operator=(const RunWriter&) = delete;

  // key_width must be the same in every batch.
  void append(const CustomerResults& results);
  // Writes periods, portfolio and attributes, closes, seals, renames; returns the content digest (32 hexadecimal
  // digits). `total_by_path` [n_paths]: the portfolio's discounted value of every path, fixed point.
  std::string finish(const RunInfo& info, const std::vector<std::int64_t>& total_by_path);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// "05" for 0.05, "50" for 0.5, "975" for 0.975: the digits of the decimal fraction, at least two. In (0, 1).
std::string fraction_digits(double fraction);

// The customer columns of a run in the order of the file and of the CSV export, without the key.
std::vector<std::string> run_column_names(const RunInfo& info);

}  // namespace clvsim
