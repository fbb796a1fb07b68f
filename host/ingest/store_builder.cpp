#include "host/ingest/store_builder.hpp"

#include "host/base/customers.hpp"
#include "host/base/text.hpp"
#include "host/ingest/key_hashes.hpp"
#include "host/ingest/total.hpp"
#include "host/io/seal.hpp"

#include <clvsim/error.hpp>

#include <fmt/format.h>

#include <cstring>
#include <limits>
#include <utility>

namespace clvsim {
namespace {

// History rows, or customers, after which a batch goes to the writer.
constexpr std::size_t batch_rows = std::size_t{1} << 18;
constexpr std::int64_t batch_customers = std::int64_t{1} << 16;

[[noreturn]] void too_large(const char* what) {
  throw DataError(fmt::format(
      "the sum of {} exceeds 64 bits of minor units (about 9.2e18); are --decimals and the amount column right?",
      what));
}

std::int64_t checked_sum(std::int64_t a, std::int64_t b, const char* what) {
  std::int64_t sum = 0;
  if (__builtin_add_overflow(a, b, &sum)) too_large(what);
  return sum;
}

// Where the rows of one part (calibration or holdout) went.
struct PartLedger {
  Total kept, merged, refunds;
  std::int64_t zero_rows = 0;
};

class Builder {
 public:
  explicit Builder(const StoreBuild& build) : build_(build) {
    batch_.key_width = build.info.key_width;
    batch_.clear();
  }

  // One pass over all rows. The hashes settle afterwards.
  void run(RowSorter& rows, KeyHashes& hashes, StoreWriter& writer) {
    LogRow row;
    bool open = false, holdout = false;
    rows.rewind();
    while (rows.next(row)) {
      const bool same = open && row.holdout == holdout && row.key == key_;
      if (!same) {
        if (open) end_customer(holdout, hashes);
        if (batch_.history.day.size() >= batch_rows || n_keys_ >= batch_customers || row.holdout != holdout)
          flush(writer, holdout);
        holdout = row.holdout;
        key_.assign(row.key);
        open = true;
        begin_customer();
      }
      add(row, holdout ? holdout_ : calibration_);
    }
    if (open) end_customer(holdout, hashes);
    flush(writer, holdout);
  }

  // Rows of a contract book whose customer has an earlier one.
  [[nodiscard]] std::int64_t n_again() const { return n_again_; }
  // Customers whose rows say different covariates.
  [[nodiscard]] std::int64_t n_with_several() const { return n_with_several_; }
  // What the store says about itself, but for its digest.
  [[nodiscard]] StoreInfo info() const {
    StoreInfo info = build_.info;
    info.segments = build_.segments;
    info.ledger = ledger();
    info.n_customers = n_customers_;
    info.n_rows = calibration_.kept.rows;
    info.n_holdout_customers = n_holdout_customers_;
    info.n_holdout_rows = holdout_.kept.rows;
    return info;
  }

 private:
  [[nodiscard]] Ledger ledger() const {
    Ledger ledger = build_.ledger;
    ledger.calibration = calibration_.kept.line("the calibration rows");
    ledger.merged_calibration = calibration_.merged.line("the merged calibration rows");
    ledger.holdout = holdout_.kept.line("the holdout rows");
    ledger.merged_holdout = holdout_.merged.line("the merged holdout rows");
    Total refunds = calibration_.refunds;
    refunds.add(holdout_.refunds);
    ledger.refunds = refunds.line("the refunds");
    ledger.zero_amount_rows = calibration_.zero_rows + holdout_.zero_rows;
    return ledger;
  }

  void begin_customer() {
    first_row_ = batch_.history.day.size();
    segment_day_ = std::numeric_limits<std::int32_t>::min();
    segment_ = 0;
    covariate_.assign(build_.info.covariates.size(), 0);
    covariates_differ_ = false;
  }

  // Those of the latest day, of several rows of the day the greatest of each: the order of the rows does not matter.
  void note_covariates(const LogRow& row) {
    const bool first = batch_.history.day.size() == first_row_;
    for (std::size_t k = 0; k < covariate_.size(); ++k) {
      double value = 0;
      std::memcpy(&value, row.covariates.data() + k * sizeof value, sizeof value);
      covariates_differ_ = covariates_differ_ || (!first && value != covariate_[k]);
      if (first || row.day > covariate_day_ || value > covariate_[k]) covariate_[k] = value;
    }
    covariate_day_ = row.day;
  }

  void add(const LogRow& row, PartLedger& part) {
    History& history = batch_.history;
    const bool refund = row.amount < 0, contract = build_.info.contract_book;
    const RowKind kind = contract ? (row.churned ? RowKind::churned_contract : RowKind::contract)
                         : refund ? RowKind::refund
                                  : RowKind::purchase;
    if (contract && history.day.size() > first_row_) {
      ++n_again_;
      return;
    }
    if (row.amount == 0) ++part.zero_rows;
    // Codes order like the names, so the greatest code of the latest day does not depend on the order of the rows.
    const std::uint32_t code = build_.segment_codes[row.segment];
    if (row.day > segment_day_ || (row.day == segment_day_ && code > segment_)) {
      segment_day_ = row.day;
      segment_ = code;
    }
    if (!covariate_.empty() && !row.holdout) note_covariates(row);
    const std::size_t n = history.day.size();
    if (build_.info.same_day_merged && !refund && n > first_row_ && history.day[n - 1] == row.day &&
        history.kind[n - 1] == static_cast<std::uint8_t>(RowKind::purchase)) {
      part.merged.add(row.amount);
      history.amount[n - 1] = checked_sum(history.amount[n - 1], row.amount, "a customer's purchases of a day");
      if (build_.info.has_cost)
        history.cost[n - 1] = checked_sum(history.cost[n - 1], row.cost, "a customer's costs of a day");
      if (build_.info.has_quantity)
        history.quantity[n - 1] =
            checked_sum(history.quantity[n - 1], row.quantity, "a customer's quantities of a day");
      return;
    }
    part.kept.add(row.amount);
    if (refund) part.refunds.add(row.amount);
    history.day.push_back(row.day);
    history.amount.push_back(row.amount);
    history.kind.push_back(static_cast<std::uint8_t>(kind));
    if (build_.info.has_cost) history.cost.push_back(row.cost);
    if (build_.info.has_quantity) history.quantity.push_back(row.quantity);
  }

  void end_customer(bool holdout, KeyHashes& hashes) {
    std::vector<char>& keys = holdout ? holdout_keys_ : batch_.key;
    keys.insert(keys.end(), key_.begin(), key_.end());
    keys.insert(keys.end(), batch_.key_width - key_.size(), '\0');
    ++n_keys_;
    if (holdout)
      batch_.history.offset.push_back(static_cast<std::int64_t>(batch_.history.day.size()));
    else
      add_summary(hashes);
  }

  void add_summary(KeyHashes& hashes) {
    append_summary(batch_, first_row_, build_.info.observation_end);
    batch_.key_hash.push_back(hashes.assign(key_));
    batch_.segment.push_back(segment_);
    batch_.covariates.resize(covariate_.size());
    for (std::size_t k = 0; k < covariate_.size(); ++k) batch_.covariates[k].push_back(covariate_[k]);
    n_with_several_ += covariates_differ_ ? 1 : 0;
  }

  void flush(StoreWriter& writer, bool holdout) {
    if (n_keys_ == 0) return;
    if (holdout)
      writer.append_holdout(holdout_keys_, batch_.history);
    else
      writer.append(batch_);
    (holdout ? n_holdout_customers_ : n_customers_) += n_keys_;
    batch_.clear();
    batch_.first_index = n_customers_;
    holdout_keys_.clear();
    n_keys_ = 0;
  }

  const StoreBuild& build_;
  CustomerBatch batch_;
  std::vector<char> holdout_keys_;
  std::int64_t n_again_ = 0;
  std::int64_t n_keys_ = 0;                                 // in the batch
  std::int64_t n_customers_ = 0, n_holdout_customers_ = 0;  // written
  std::string key_;
  std::size_t first_row_ = 0;
  std::int32_t segment_day_ = 0;
  std::uint32_t segment_ = 0;
  std::vector<double> covariate_;  // of the customer
  std::int32_t covariate_day_ = 0;
  bool covariates_differ_ = false;   // between its rows
  std::int64_t n_with_several_ = 0;  // customers whose rows differ
  PartLedger calibration_, holdout_;
};

}  // namespace

BuiltStore write_store(RowSorter& rows, const StoreBuild& build) {
  KeyHashes hashes(build.temporary_folder);
  for (;;) {
    StoreWriter writer(build.output, build.info, build.overwrite);
    Builder builder(build);
    builder.run(rows, hashes, writer);
    if (builder.n_again() > 0)
      throw DataError(
          fmt::format("{} rows have the customer id of another row; a contract book has one row a contract: name the "
                      "column of the contract's id with --customer",
                      with_separators(builder.n_again())));
    // Two keys with one hash: fewer than one store of ten million customers in a thousand. It is written again.
    if (!hashes.settle()) continue;
    StoreInfo info = builder.info();
    writer.finish(info.ledger, info.segments);
    info.content_digest = to_hex(check_seal(build.output).content_digest);
    return {std::move(info), builder.n_with_several()};
  }
}

}  // namespace clvsim
