/// \file
/// What the log shows after the end of observation: the yardstick of a forecast.
#pragma once

#include <clvsim/store.hpp>

namespace clvsim {

/// Sums of the holdout rows in the first `horizon` periods after the end of observation.
struct HoldoutTotals {
  std::int64_t purchases = 0;      ///< purchase rows of customers known at the end of observation
  MinorUnits revenue = 0;          ///< their purchases plus refunds
  std::int64_t new_customers = 0;  ///< customers first seen in those periods: no forecast covers them
  MinorUnits new_revenue = 0;
  Date log_end;           ///< last day of the log
  bool complete = false;  ///< the log reaches the last day of the horizon
};

/// Throws IoError, FormatError, DataError (a sum too large for 64 bits).
[[nodiscard]] HoldoutTotals holdout_totals(const StoreReader& store, int horizon);

/// The customers of a batch with their holdout: [n] net spend and purchases in the first `horizon` periods, 0 where
/// there is none. Batches must be read in the order of the store, each once.
class HoldoutJoin {
 public:
  HoldoutJoin(const StoreReader& store, int horizon);
  void join(const CustomerBatch& batch, std::vector<MinorUnits>& spend, std::vector<std::int64_t>& purchases);
  /// Call after the last batch: then the totals of the holdout customers that no batch had are complete.
  void finish();
  [[nodiscard]] std::int64_t unmatched_customers() const { return unmatched_customers_; }
  [[nodiscard]] MinorUnits unmatched_spend() const { return unmatched_spend_; }

 private:
  bool load();  // the next block of holdout customers; false at the end
  bool sum_rows(MinorUnits& spend, std::int64_t& purchases) const;  // whether there was a row in the horizon

  const StoreReader& store_;
  Date last_day_;
  std::int64_t next_block_ = 0;
  std::size_t at_ = 0, n_ = 0;
  std::vector<char> keys_;
  History rows_;
  std::int64_t unmatched_customers_ = 0;
  MinorUnits unmatched_spend_ = 0;
};

}  // namespace clvsim
