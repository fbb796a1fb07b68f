/// \file
/// Customer histories in memory: the batch that flows from the store to the engine.
#pragma once

#include <clvsim/calendar.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace clvsim {

/// Money in minor units of the store's currency (cents where `decimals` is 2).
using MinorUnits = std::int64_t;

/// What a row of a history is.
enum class RowKind : std::uint8_t {
  purchase = 0,  ///< amount >= 0
  refund = 1,    ///< amount < 0: money back to the customer; never netted into a purchase, never counted in x
  // Of a contract book: amount is the charge a period, day the day on which a contract would have begun whose tenure
  // ends with observation.
  contract = 2,
  churned_contract = 3,
};

/// Currency of a store: an ISO 4217 code or any other label of at most 8 bytes, and its number of decimals (0 to 6).
struct Currency {
  std::string code = "";
  int decimals = 2;
};

/// Rows of several customers in compressed-sparse-row form; row r belongs to customer i when
/// offset[i] <= r < offset[i+1]. Rows of a customer are sorted by (day, kind, amount, cost, quantity).
struct History {
  std::vector<std::int64_t> offset{0};  ///< [n+1] row index, 0 first
  std::vector<std::int32_t> day;        ///< [rows] days since 1970-01-01
  std::vector<MinorUnits> amount;       ///< [rows] minor units
  std::vector<std::uint8_t> kind;       ///< [rows] RowKind
  std::vector<MinorUnits> cost;         ///< [rows] minor units, or empty where the log has no cost column
  std::vector<std::int64_t> quantity;   ///< [rows] in thousandths, or empty where the log has no quantity column

  void clear();
};

/// Structure of arrays for n customers that have at least one row of observation. Customers are in the order of their
/// keys' bytes. A customer without any purchase (refunds alone, a contract) has n_purchase_days = 0, x = 0, and its
/// first row as start.
struct CustomerBatch {
  std::int64_t first_index = 0;         ///< index of the first customer in the store
  std::size_t key_width = 0;            ///< bytes a key, padded with NUL
  std::vector<char> key;                ///< [n, key_width]
  std::vector<std::uint64_t> key_hash;  ///< [n] 56-bit hash of the key's bytes: the address of the customer's draws
  std::vector<std::int32_t> first_day;  ///< [n] day of the first purchase (of the first row, without one)
  std::vector<std::int32_t> last_purchase_day;  ///< [n] day of the last purchase (of the first row, without one)
  std::vector<std::int32_t> n_purchase_days;    ///< [n] days with a purchase of amount >= 0
  std::vector<std::int32_t> frequency;          ///< [n] x: purchase days after the first
  std::vector<std::int32_t> recency_days;       ///< [n] t_x: days from the first to the last purchase
  std::vector<std::int32_t> observed_days;      ///< [n] T: days from the first purchase to the end of observation
  std::vector<MinorUnits> spend_sum;            ///< [n] sum of purchases
  std::vector<MinorUnits> refund_sum;           ///< [n] sum of refunds, <= 0
  std::vector<std::uint32_t> segment;  ///< [n] index into StoreInfo::segments, 0 where there is no segment column
  std::vector<std::vector<double>> covariates;  ///< [StoreInfo::covariates][n] numbers that the log says of a customer
  History history;

  [[nodiscard]] std::size_t size() const { return key_hash.size(); }
  /// The key of customer i without its padding; valid while the batch lives.
  [[nodiscard]] std::string_view key_of(std::size_t i) const;
  void clear();
};

/// The 56-bit hash of a customer key that addresses its random draws: XXH3-64 of its bytes with seed `attempt`, its low
/// 8 bits dropped. The top 256 values are reserved for draws that belong to no customer; a hash among them, or taken by
/// another key of the store, moves on to the next attempt (import does so in the order of the keys).
[[nodiscard]] std::uint64_t customer_hash(std::string_view key, std::uint64_t attempt = 0);
/// The first of the 256 reserved hash values.
inline constexpr std::uint64_t first_reserved_hash = (std::uint64_t{1} << 56) - 256;

}  // namespace clvsim
