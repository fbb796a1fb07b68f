// The alias table of a distribution (Walker 1977; Vose 1991, "A linear algorithm for generating random numbers with a
// given distribution", IEEE Trans. Software Eng. 17), in exact integers and a fixed order: the same on every machine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace clvsim {

inline constexpr unsigned mass_bits = 48;  // of a probability in the alias tables
inline constexpr std::uint64_t whole_mass = std::uint64_t{1} << mass_bits;

// A column of a row of 2^b columns of equal probability: its own value below `threshold` of 2^(mass_bits - b), else the
// value whose number is `alias`.
struct AliasColumn {
  std::uint64_t threshold = 0;
  std::size_t alias = 0;
};

// mass [2^b], b <= 16, which sum to whole_mass: of every value.
[[nodiscard]] std::vector<AliasColumn> alias_row(std::vector<std::uint64_t> mass);

// scale * p, rounded, for 0 <= p <= 1; scale below 2^52.
[[nodiscard]] std::uint64_t quantised(double p, std::uint64_t scale);

}  // namespace clvsim
