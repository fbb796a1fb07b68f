// Statistics of samples.
#pragma once

#include <vector>

namespace clvsim {

// The q-quantile of at least one value, q in [0, 1], between its neighbours by linear interpolation (Hyndman & Fan
// 1996, type 7).
[[nodiscard]] double quantile(std::vector<double> values, double q);

}  // namespace clvsim
