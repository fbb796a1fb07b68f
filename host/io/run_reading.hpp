// An open run file, as RunReader, inspect and verify use it.
#pragma once

#include "host/io/run_format.hpp"

#include <filesystem>

namespace clvsim {

// All functions throw Failure and want a LibraryLock.

class RunFile {
 public:
  // Opens strictly: structure, types, sizes, attributes; periods and portfolio are read.
  RunFile(const std::filesystem::path& path, const SealInfo& seal);

  [[nodiscard]] const RunInfo& info() const { return info_; }
  void read(std::int64_t first, std::int64_t count, CustomerResults& results) const;
  // Values [count, n_paths] of the kept paths of customers.
  void read_paths(std::int64_t first, std::int64_t count, std::vector<std::int64_t>& values) const;
  // Values [n_paths] of all customers together.
  void read_totals(std::vector<std::int64_t>& values) const { totals_.read(0, 0, totals_.rows(), values); }
  // Currency units a unit of what has one value a path.
  [[nodiscard]] double path_scale() const { return totals_.scale(0); }

  // Reads every value, checks what a run promises (unless `values_checked` is false) and returns the content digest.
  Digest read_all(bool values_checked = true);

  [[nodiscard]] const std::vector<h5::Attribute>& attributes() const { return attributes_; }
  [[nodiscard]] std::vector<const h5::TableReader*> tables() const;

 private:
  void read_segments();
  void check_range(std::int64_t first, std::int64_t count) const;
  // What has one value a path, to its end; the kept values of a path add up to the portfolio's.
  void read_all_paths(bool values_checked) const;

  h5::Handle file_;
  RunInfo info_;
  std::vector<run_format::ResultColumn> columns_;
  std::vector<h5::Attribute> attributes_;
  h5::TableReader customers_, periods_, portfolio_, totals_;
  h5::TableReader paths_;     // without columns where none are kept
  h5::TableReader segments_;  // without columns where there are none
};

// Reads the whole file, whose seal was checked, in a child process. Takes the lock; throws IoError, FormatError.
void check_run(const std::filesystem::path& path, const SealInfo& seal);

}  // namespace clvsim
