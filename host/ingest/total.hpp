// Rows and the exact sum of their amounts.
#pragma once

#include <clvsim/error.hpp>
#include <clvsim/store.hpp>

#include <fmt/format.h>

#include <limits>

namespace clvsim {

__extension__ typedef __int128 Int128;

// Amounts have 18 digits at most, so 128 bits hold the sum of 2^64 of them.
struct Total {
  std::int64_t rows = 0;
  Int128 amount = 0;

  void add(MinorUnits value) {
    ++rows;
    amount += value;
  }
  // `n` rows of this amount.
  void add(MinorUnits value, std::int64_t n) {
    rows += n;
    amount += static_cast<Int128>(value) * n;
  }
  void add(const Total& other) {
    rows += other.rows;
    amount += other.amount;
  }
  // Throws DataError, naming `what` was summed, where the sum does not fit 64 bits.
  [[nodiscard]] LedgerLine line(const char* what) const {
    if (amount > std::numeric_limits<MinorUnits>::max() || amount < std::numeric_limits<MinorUnits>::min())
      throw DataError(
          fmt::format("the sum of {} exceeds 64 bits of minor units (about 9.2e18); are --decimals and the "
                      "amount column right?",
                      what));
    return {rows, static_cast<MinorUnits>(amount)};
  }
};

}  // namespace clvsim
