#include "host/run/alias_row.hpp"

#include "kernels/math/portable.hpp"

#include <algorithm>

namespace clvsim {

std::uint64_t quantised(double p, std::uint64_t scale) {
  const std::int64_t rounded = kernels::round_to_fixed(p * static_cast<double>(scale));
  return static_cast<std::uint64_t>(std::clamp<std::int64_t>(rounded, 0, static_cast<std::int64_t>(scale)));
}

std::vector<AliasColumn> alias_row(std::vector<std::uint64_t> mass) {
  const std::uint64_t column = whole_mass / mass.size();
  std::vector<AliasColumn> made(mass.size());
  std::vector<std::size_t> small, large;
  for (std::size_t k = 0; k < mass.size(); ++k) {
    made[k].alias = k;  // a full column: its alias is its own, whatever is drawn
    (mass[k] < column ? small : large).push_back(k);
  }
  while (!small.empty()) {  // some column is large as long as one is small: they sum to the whole
    const std::size_t k = small.back(), from = large.back();
    small.pop_back();
    made[k] = {mass[k], from};
    mass[from] -= column - mass[k];
    if (mass[from] < column) {
      large.pop_back();
      small.push_back(from);
    }
  }
  return made;
}

}  // namespace clvsim
