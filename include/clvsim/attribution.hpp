/// \file
/// What each lever of a scenario brings, where several are on.
#pragma once

#include <clvsim/simulate.hpp>

#include <string>
#include <vector>

namespace clvsim {

/// Of one lever: what it changes alone, as the last that is switched on, and its Shapley value, the mean of what it
/// changes over all orders of switching on (Shapley 1953, "A value for n-person games"), by which the levers' parts sum
/// to the whole.
struct LeverPart {
  std::string name;
  Estimate alone, last, shapley;
};

/// Of two levers: what both change less what each changes alone.
struct LeverInteraction {
  std::size_t one = 0, other = 0;  ///< indices of the levers
  Estimate value;
};

struct Attribution {
  Estimate base, all;  ///< without levers; with all
  Estimate difference;
  std::vector<LeverPart> levers;
  std::vector<LeverInteraction> pairs;
};

inline constexpr std::size_t most_attributed_levers = 6;

/// `totals` [2^levers][paths]: of each path with the levers on whose bits are set in the index, drawn with the same
/// random numbers. All errors are over paths of differences. Throws ConfigError for other sizes, or more levers than
/// most_attributed_levers.
[[nodiscard]] Attribution attribute_levers(const std::vector<std::string>& names,
                                           const std::vector<std::vector<double>>& totals);

}  // namespace clvsim
