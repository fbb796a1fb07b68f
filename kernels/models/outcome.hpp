// What every behaviour model of the engine gives.
#pragma once

#include <cstdint>

namespace clvsim::kernels {

// Values and cash are counted in 2^-8 minor units: the run-wide fixed point.
inline constexpr double fixed_per_minor_unit = 256.0;

// A period that does not come.
inline constexpr std::uint32_t never_due = 0xFFFFFFFF;

// What a period brought, as a sink sees it. Money is fixed point, refunds subtracted.
struct PeriodOutcome {
  std::uint32_t state = 0;  // at the end of the period, of models that have states
  bool active = false;      // at the end of the period
  std::uint32_t n_purchases = 0;
  std::int64_t cash = 0;          // undiscounted
  std::int64_t drawn = 0;         // the part of cash that was drawn
  std::int64_t value = 0;         // what it adds to the path's value, with the model's extra bits
  std::uint32_t n_saturated = 0;  // numbers at the limit of the fixed point
};

}  // namespace clvsim::kernels
