// What a store file consists of (docs/formats/store.md): its groups, columns and attributes, for writer and reader.
#pragma once

#include "host/io/table.hpp"

#include <clvsim/store.hpp>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace clvsim::store_format {

// Sums of 64-bit amounts that cannot overflow.
__extension__ typedef __int128 WideSum;

inline constexpr std::string_view type = "store";
inline constexpr std::size_t max_key_bytes = 1024;

// Columns in the order of the file. The enumerators index them.
enum CustomerColumn : std::size_t {
  key,
  key_hash,
  first_day,
  last_purchase_day,
  n_purchase_days,
  frequency,
  recency,
  observed,
  spend_sum,
  refund_sum,
  segment,
  history_offset,
  covariates  // the first of them
};
std::vector<h5::Column> customer_columns(const StoreInfo& info);
std::vector<h5::Column> holdout_customer_columns(const StoreInfo& info);  // key, history_offset
// day, amount, kind, then cost and quantity where the store has them.
std::vector<h5::Column> history_columns(const StoreInfo& info);
std::vector<h5::Column> segment_columns(std::size_t width);                        // name
std::vector<h5::Column> covariate_columns(std::size_t width);                      // name
std::vector<h5::Column> ledger_columns(const StoreInfo& info, std::size_t width);  // name, rows, amount
std::vector<h5::Column> reject_columns(std::size_t width);                         // rejected_reason, rejected_rows

// The members of every group, "/" first.
std::vector<std::pair<std::string, std::vector<std::string>>> groups(const StoreInfo& info);

std::vector<h5::Attribute> root_attributes(const StoreInfo& info);
std::vector<h5::AttributeSpec> root_attribute_specs();
// Currency, unit, dates, flags, counts and digest. Throws Failure.
StoreInfo info_from(const std::vector<h5::Attribute>& attributes);

struct NamedLine {
  std::string name;
  LedgerLine line;
};
// The ledger as its table has it, and back (Failure where the names differ).
std::vector<NamedLine> lines_of(const Ledger& ledger);
Ledger ledger_from(const std::vector<std::string>& names, const std::vector<std::int64_t>& rows,
                   const std::vector<std::int64_t>& amounts);

// Everything that a store promises about its values, checked as it streams by: the writer refuses to write what a
// reader would refuse to read. The functions throw Failure.
class Checker {
 public:
  explicit Checker(const StoreInfo& info) : info_(info) {}
  void add(const CustomerBatch& batch, std::size_t n_segments);
  void add_holdout(const std::vector<char>& keys, const History& rows);
  // Counts, sums and dates against `info`, which has the ledger and the segments now.
  void finish(const StoreInfo& info) const;

 private:
  struct Totals {
    std::int64_t customers = 0, rows = 0, refunds = 0, zero_rows = 0;
    WideSum amount = 0, refund_amount = 0;
    std::vector<char> last_key;
  };
  void check_keys(std::span<const char> keys, std::size_t n, Totals& totals, std::string_view where) const;
  void check_rows(const History& rows, std::size_t i, Totals& totals, Date first, Date last,
                  std::string_view where) const;

  StoreInfo info_;
  Totals calibration_, holdout_;
};

}  // namespace clvsim::store_format
