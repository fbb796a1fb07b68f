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

  // Reads every value, checks what a run promises (unless `values_checked` is false) and returns the content digest.
  Digest read_all(bool values_checked = true);

  [[nodiscard]] const std::vector<h5::Attribute>& attributes() const { return attributes_; }
  [[nodiscard]] std::vector<const h5::TableReader*> tables() const;

 private:
  h5::Handle file_;
  RunInfo info_;
  std::vector<run_format::ResultColumn> columns_;
  std::vector<h5::Attribute> attributes_;
  h5::TableReader customers_, periods_, portfolio_, paths_;
};

// Reads the whole file, whose seal was checked, in a child process. Takes the lock; throws IoError, FormatError.
void check_run(const std::filesystem::path& path, const SealInfo& seal);

}  // namespace clvsim
