// Checks of a discounting; discount_factors() itself is in clvsim/simulate.hpp.
#pragma once

#include <clvsim/simulate.hpp>

#include <string_view>

namespace clvsim {

[[nodiscard]] std::string_view name_of(RatePeriod per);

// Throws ConfigError unless the rate is in [0, 1000].
void check(const Discounting& discounting);

}  // namespace clvsim
