/// \file
/// From transaction logs or contract books (CSV, gzip) to a customer store.
#pragma once

#include <clvsim/store.hpp>

#include <functional>
#include <optional>

namespace clvsim {

/// How dates are written in a log.
enum class DateOrder : std::uint8_t { ymd, dmy, mdy };

/// What `clvsim import` can be told. Whatever is unset is sniffed from the first rows; what cannot be decided is
/// refused.
struct ImportOptions {
  std::vector<std::filesystem::path> logs;  ///< at least one; all of the same dialect and columns
  std::filesystem::path output;
  bool overwrite = false;

  std::optional<std::string> customer_column, date_column, amount_column;
  std::optional<std::string> cost_column, quantity_column, segment_column, kind_column;
  /// Both or neither: the log is a contract book, one row a contract. Tenure: renewals made, or where the contract has
  /// churned the opportunity at which it did, in periods of `unit`; churned: yes or no. Amount and cost are of a
  /// period.
  std::optional<std::string> tenure_column, churned_column;
  /// Of a contract book: how many contracts alike a row stands for. The store has each of them, with the id ID#1,
  /// ID#2, ...
  std::optional<std::string> count_column;
  /// Numbers that the log says of a customer, for models with covariates: at most most_covariates. A customer has those
  /// of its latest row of observation, of several rows of the day the greatest. yes and true are 1, no and false 0.
  std::vector<std::string> covariate_columns;
  std::optional<char> delimiter;     ///< one of , ; tab |
  std::optional<char> decimal_mark;  ///< '.' or ','
  std::optional<DateOrder> date_order;

  std::optional<PeriodUnit> unit;       ///< default: week; a contract book has none
  std::optional<Date> observation_end;  ///< default: the last date of the log; a contract book has none
  std::string currency = "";
  int decimals = 2;            ///< 0 to 6; an amount with more decimals is rejected, never rounded
  bool utc = false;            ///< convert times with an offset to UTC before taking the day; else local as written
  bool keep_same_day = false;  ///< do not merge purchases of a customer on the same day
  bool hash_ids = false;       ///< store HMAC-SHA-256 pseudonyms instead of the customer ids
  std::optional<std::filesystem::path> hash_key_file;  ///< the HMAC key; without it the key is empty
  double max_reject_share = 0.01;                      ///< more rejected rows than this share are an error
  std::optional<std::filesystem::path> rejects;        ///< CSV of every rejected row: file, line, column, reason, row
  std::optional<std::filesystem::path> temporary_folder;  ///< for the external sort; default: the output's folder
  std::size_t sort_memory = std::size_t{192} << 20;       ///< bytes of rows held before they are spilled, sorted
};

/// The dialect and columns that an import used, and the flags that say the same.
struct Dialect {
  char delimiter = ',';
  char quote = '"';
  char decimal_mark = '.';
  char thousands_mark = 0;  ///< 0: none
  bool byte_order_mark = false;
  bool crlf = false;
  DateOrder date_order = DateOrder::ymd;
  std::string customer_column, date_column, amount_column;
  std::string cost_column, quantity_column, segment_column, kind_column, tenure_column, churned_column,
      count_column;  ///< or empty
  std::vector<std::string> covariate_columns;
  std::vector<std::string> flags;  ///< e.g. "--customer", "customer_id", "--date", "date", ...
};

struct ImportReport {
  Dialect dialect;
  StoreInfo store;  ///< counts, dates and ledger
  bool observation_end_defaulted = false;
  std::int64_t bytes_read = 0;      ///< after decompression
  std::int64_t n_counted_rows = 0;  ///< rows of a contract book that stand for as many contracts as they count
  std::vector<std::string> notes;   ///< what was assumed, without any customer id
};

/// Called now and then with the bytes of the logs consumed so far and in all; may throw to stop.
using ByteProgress = std::function<void(std::int64_t done, std::int64_t total)>;

/// Sniffs the dialect and columns of the first log, without importing. Throws DataError, ConfigError, IoError.
[[nodiscard]] Dialect sniff(const ImportOptions& options);
/// Imports. Throws DataError (empty log, too many rejects, ambiguity), ConfigError (no such column), IoError.
/// Where it throws, no output stands; the rejects file stands where rows were rejected.
ImportReport import_logs(const ImportOptions& options, const ByteProgress& progress = {});

}  // namespace clvsim
