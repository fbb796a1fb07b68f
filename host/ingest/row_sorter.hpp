// Sorts the accepted rows of a log by customer, in bounded memory.
#pragma once

#include <clvsim/customers.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string_view>

namespace clvsim {

// One accepted row. `key` and `covariates` are views. `key` is not empty, at most 65,535 bytes, and holds no NUL.
struct LogRow {
  std::string_view key;
  bool holdout = false;
  std::int32_t day = 0;
  MinorUnits amount = 0, cost = 0;
  std::int64_t quantity = 0;
  std::uint32_t segment = 0;
  bool churned = false;              // of a contract
  std::string_view covariates = {};  // the bytes of RowSorterOptions::n_covariates doubles
};

struct RowSorterOptions {
  std::filesystem::path temporary_folder;       // for rows that do not fit
  std::size_t memory = std::size_t{192} << 20;  // bytes of rows held before they are spilled
  int fan_in = 64;                              // runs merged at once
  bool extras = true;                           // rows have costs, quantities or segments; else these come back as 0
  std::size_t n_covariates = 0;
};

// Gives back the rows in the order of (holdout, key bytes, day, refund or purchase, amount, cost, quantity); rows that
// are equal in all of these come in any order. Rows beyond `memory` go, sorted, to an unlinked temporary file. Throws
// IoError.
class RowSorter {
 public:
  explicit RowSorter(const RowSorterOptions& options);
  ~RowSorter();
  RowSorter(const RowSorter&) = delete;
  RowSorter& operator=(const RowSorter&) = delete;

  void add(const LogRow& row);
  // Ends adding, or starts reading anew from the first row.
  void rewind();
  // The next row after rewind(), its views valid until the next call; false at the end.
  bool next(LogRow& row);

  [[nodiscard]] std::int64_t size() const;
  // Sorted runs written to the temporary file so far, those of intermediate merges included.
  [[nodiscard]] std::int64_t n_runs_written() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace clvsim
