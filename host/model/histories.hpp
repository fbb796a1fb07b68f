// What the models know of a customer of a store.
#pragma once

#include <clvsim/contract_models.hpp>
#include <clvsim/customers.hpp>
#include <clvsim/gamma_gamma.hpp>
#include <clvsim/purchase_models.hpp>
#include <clvsim/store.hpp>

#include <cstddef>
#include <string>

namespace clvsim {

// Of a period, by its mean length: a week is 7, a year 365.25, a month 365.25 / 12.
[[nodiscard]] double days_of(PeriodUnit unit);

// Customer i, times in periods of `days` each. `with_gaps`: log_gaps as well.
[[nodiscard]] PurchaseHistory purchase_history(const CustomerBatch& batch, std::size_t i, double days, bool with_gaps);
// Its repeat purchases with a positive amount, in currency units; x = 0 where there is none.
[[nodiscard]] SpendHistory spend_history(const CustomerBatch& batch, std::size_t i, double minor_units_per_unit);

// The same by opportunities: times count the grid's periods after that of the first purchase.
[[nodiscard]] PurchaseHistory opportunity_history(const CustomerBatch& batch, std::size_t i, const PeriodGrid& grid);
// Whether customer i bought more than once in a period, which is more than an opportunity can hold.
[[nodiscard]] bool crowded(const CustomerBatch& batch, std::size_t i, const PeriodGrid& grid);

// Calls visit(r) for every purchase of a customer after its first day.
template <class Visit>
void for_repeats(const CustomerBatch& batch, std::size_t i, Visit&& visit) {
  const History& rows = batch.history;
  const auto end = static_cast<std::size_t>(rows.offset[i + 1]);
  for (auto r = static_cast<std::size_t>(rows.offset[i]); r < end; ++r)
    if (rows.kind[r] == static_cast<std::uint8_t>(RowKind::purchase) && rows.day[r] > batch.first_day[i]) visit(r);
}

// The contract of customer i of a contract book; `grid`: of the store.
Contract contract_of(const CustomerBatch& batch, std::size_t i, const PeriodGrid& grid);

// Throw ConfigError where the store is of the other kind. `model`: who asks.
void require_purchases(const StoreInfo& store, const std::string& model);
void require_contracts(const StoreInfo& store, const std::string& model);

}  // namespace clvsim
