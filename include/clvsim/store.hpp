/// \file
/// The customer store: customers.h5, written once by `clvsim import`, read by every later stage
/// (docs/formats/store.md).
#pragma once

#include <clvsim/customers.hpp>

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace clvsim {

/// Rows and the sum of their amounts, in minor units.
struct LedgerLine {
  std::int64_t rows = 0;
  MinorUnits amount = 0;
};

/// Where every row of a log went. Conserved exactly, rows and amounts:
/// read = calibration + holdout + merged_calibration + merged_holdout + rejected.
/// The amount of a merged row is in the store, inside the row that it was merged into: the store's calibration total is
/// calibration + merged_calibration.
struct Ledger {
  LedgerLine read;                ///< data rows of the log; amounts of the rows whose amount could be read
  LedgerLine calibration;         ///< rows up to the end of observation
  LedgerLine holdout;             ///< rows after it
  LedgerLine merged_calibration;  ///< same-day purchases added to another row of the day, by their own amounts
  LedgerLine merged_holdout;
  LedgerLine rejected;  ///< amounts of the rejected rows whose amount could be read
  std::map<std::string, std::int64_t> rejected_by_reason;
  LedgerLine refunds;  ///< of calibration and holdout: rows with a negative amount
  std::int64_t zero_amount_rows = 0;
};

inline constexpr std::size_t most_covariates = 64;

/// What a store says about itself.
struct StoreInfo {
  Currency currency;
  PeriodUnit unit = PeriodUnit::week;
  Date observation_end;
  Date first_day;  ///< earliest row of observation
  Date last_day;   ///< latest row of the log, holdout included
  bool has_cost = false;
  bool has_quantity = false;
  bool same_day_merged = true;
  bool ids_hashed = false;
  bool contract_book = false;  ///< every customer is one contract (RowKind::contract, churned_contract): no purchases
  std::size_t key_width = 1;
  std::int64_t n_customers = 0;
  std::int64_t n_rows = 0;               ///< history rows of observation
  std::int64_t n_holdout_customers = 0;  ///< customers with rows after the end of observation
  std::int64_t n_holdout_rows = 0;
  std::vector<std::string> segments{""};  ///< names by code; code 0 is "no segment"
  std::vector<std::string> covariates;    ///< names of the numbers that the log says of a customer; at most 64
  Ledger ledger;
  std::string content_digest;  ///< 32 hexadecimal digits, of the values alone: the same for the same customers
};

/// Writes a store: add every customer in the order of the keys, then the holdout likewise, then finish().
/// Nothing stands under the final name before finish() returns. Throws IoError.
class StoreWriter {
 public:
  /// `info` gives the currency, unit, dates, flags, covariates and key_width; the counts, segments and the ledger come
  /// with finish().
  StoreWriter(const std::filesystem::path& path, const StoreInfo& info, bool overwrite);
  ~StoreWriter();
  StoreWriter(const StoreWriter&) = delete;
  StoreWriter& operator=(const StoreWriter&) = delete;

  /// Appends the batch's customers and their histories. Precondition: keys ascending, across calls too.
  void append(const CustomerBatch& batch);
  /// Appends holdout rows: keys [n, key_width] ascending, and their rows.
  void append_holdout(const std::vector<char>& keys, const History& rows);
  /// Writes segments and ledger, closes, seals with the digests, and renames to the final name.
  void finish(const Ledger& ledger, const std::vector<std::string>& segments);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Reads a store. Opening checks the seal (length and XXH3-128 of the whole file) before libhdf5 parses a byte, and
/// then the structure and the content digest in a child process with limited memory and time. Throws IoError,
/// FormatError.
class StoreReader {
 public:
  explicit StoreReader(const std::filesystem::path& path);
  ~StoreReader();
  StoreReader(StoreReader&&) noexcept;
  StoreReader& operator=(StoreReader&&) noexcept;

  [[nodiscard]] const StoreInfo& info() const;
  /// Reads customers [first, first + count) and their histories, replacing the batch's content. Any order of calls.
  void read(std::int64_t first, std::int64_t count, CustomerBatch& batch) const;
  /// Reads the holdout of holdout customers [first, first + count): keys [n, key_width] and rows.
  void read_holdout(std::int64_t first, std::int64_t count, std::vector<char>& keys, History& rows) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace clvsim
