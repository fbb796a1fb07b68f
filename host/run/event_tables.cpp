#include "host/run/event_tables.hpp"

#include "host/run/alias_row.hpp"
#include "kernels/math/wide.hpp"

#include <clvsim/error.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <utility>

namespace clvsim {

namespace {

// Where a position leads to, apart from itself, and the masses, in ascending order of the positions.
struct Exits {
  std::vector<std::pair<std::uint16_t, std::uint64_t>> to;
  std::uint64_t self = 0;  // mass of another arrival at the position
};

Exits exits_of(const ChainTables& tables, std::size_t position) {
  const std::uint64_t column = whole_mass >> tables.column_bits;
  std::vector<std::uint64_t> mass(tables.positions.size());
  for (std::size_t c = 0; c < std::size_t{1} << tables.column_bits; ++c) {
    const kernels::AliasCell& cell = tables.cells[(position << tables.column_bits) | c];
    const std::uint64_t own = std::uint64_t{cell.high} << 32 | cell.low;
    mass[cell.own] += own;
    mass[cell.alias] += column - own;
  }
  Exits exits;
  exits.self = std::exchange(mass[position], 0);
  for (std::size_t i = 0; i < mass.size(); ++i) {
    if (mass[i] != 0) exits.to.emplace_back(static_cast<std::uint16_t>(i), mass[i]);
  }
  return exits;
}

// The chance of another period at the position: 1 where nothing leads away.
double stay_of(const Exits& exits) { return static_cast<double>(exits.self) / static_cast<double>(whole_mass); }

double power(double q, std::size_t exponent) {
  double product = 1;
  for (std::size_t k = 0; k < exponent; ++k) product *= q;
  return product;
}

// P(D > k) of a law, k = 0 .. its length, the last 0.
std::vector<double> survival(const DwellLaw& law, const std::string& what) {
  std::vector<double> tail(law.size() + 1);
  for (std::size_t k = law.size(); k-- > 0;) {
    if (!(law[k] >= 0 && law[k] <= 1)) {
      throw ConfigError(fmt::format("{}: probability {} of {} periods; give a number in 0 to 1", what, law[k], k + 1));
    }
    tail[k] = tail[k + 1] + law[k];
  }
  constexpr double rounding = 1e-6;
  if (!(std::abs(tail[0] - 1) <= rounding)) {
    throw ConfigError(fmt::format("{}: the probabilities sum to {}; make them sum to 1", what, tail[0]));
  }
  while (tail.size() > 2 && tail[tail.size() - 2] == 0) tail.pop_back();
  return tail;
}

// A row of dwell classes: survives(k) is the chance of class k or a longer one, 1 for k = 0.
template <class Survives>
void add_dwell_row(std::vector<kernels::DwellCell>& cells, std::size_t n_classes, const Survives& survives) {
  std::vector<std::uint64_t> mass(n_classes);
  std::uint64_t before = 0;
  for (std::size_t k = 0; k + 1 < n_classes; ++k) {
    const std::uint64_t until = std::max(before, whole_mass - quantised(survives(k + 1), whole_mass));
    mass[k] = until - before;
    before = until;
  }
  mass.back() = whole_mass - before;
  for (const AliasColumn& column : alias_row(std::move(mass))) {
    cells.push_back({static_cast<std::uint32_t>(column.threshold), static_cast<std::uint16_t>(column.threshold >> 32),
                     static_cast<std::uint16_t>(column.alias)});
  }
}

void add_jump_row(std::vector<kernels::AliasCell>& cells, unsigned bits, std::size_t position, const Exits& exits) {
  kernels::u128 total = 0, cumulative = 0;
  for (const auto& exit : exits.to) total += exit.second;
  std::vector<std::uint64_t> mass(std::size_t{1} << bits);
  std::vector<std::uint16_t> value(mass.size(), static_cast<std::uint16_t>(position));
  if (total == 0) mass[0] = whole_mass;  // never left: the row is not asked
  std::uint64_t before = 0;
  for (std::size_t k = 0; total > 0 && k < exits.to.size(); ++k) {
    value[k] = exits.to[k].first;
    cumulative += exits.to[k].second;
    const auto until = static_cast<std::uint64_t>(((cumulative << mass_bits) + total / 2) / total);
    mass[k] = until - before;
    before = until;
  }
  const std::vector<AliasColumn> row = alias_row(std::move(mass));
  for (std::size_t k = 0; k < row.size(); ++k) {
    cells.push_back({static_cast<std::uint32_t>(row[k].threshold), static_cast<std::uint16_t>(row[k].threshold >> 32),
                     value[k], value[row[k].alias]});
  }
}

// A copy of a position, for what is left of a long stay.
void append_copy(ChainTables& tables, std::size_t position) {
  const auto append = [](auto& rows, std::size_t from, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) rows.push_back(rows[from + i]);
  };
  append(tables.positions, position, 1);
  append(tables.cells, position << tables.column_bits, std::size_t{1} << tables.column_bits);
  append(tables.outcomes, position * tables.row, tables.row);
  if (!tables.start_value.empty()) append(tables.start_value, position, 1);
}

// Nothing of a state with a law of its own may lead back to it.
void check_exits(const ChainTables& tables, const Exits& exits, std::size_t state, const std::string& what) {
  const bool leads_back = std::any_of(exits.to.begin(), exits.to.end(),
                                      [&](const auto& exit) { return tables.positions[exit.first].state == state; });
  if (!leads_back && exits.self == 0) return;
  throw ConfigError(what + ": an outcome of the state leads back to it; leave it out, the law has the stays");
}

constexpr std::size_t few_classes = 32;

// Whether stays are too long for few classes.
bool has_long_stays(const Exits& exits, const std::vector<double>& survives) {
  constexpr double often = 0.125;  // a chance of the longest class that asks for more of them
  if (!survives.empty()) return survives.size() > few_classes;
  return !exits.to.empty() && power(stay_of(exits), few_classes - 1) > often;
}

// A position with a share of its stay behind it.
struct Stage {
  std::size_t position = 0;  // of the chain as it was
  std::size_t gone = 0;      // periods
};

void repeat_values(ChainTables& tables, std::size_t n_before, const std::vector<Stage>& stages) {
  if (tables.value.empty()) return;
  std::vector<std::int64_t> value;
  for (std::size_t row = 0; row < tables.value.size(); row += n_before) {
    for (const Stage& stage : stages) value.push_back(tables.value[row + stage.position]);
  }
  tables.value = std::move(value);
}

}  // namespace

void add_event_tables(ChainTables& tables, const std::vector<DwellLaw>& laws) {
  if (tables.schedule.n_tables > 1) {
    throw ConfigError(
        "sampler 'event': the probabilities change with segment, period or world, and a stay is drawn for all its "
        "periods at once; use --sampler alias");
  }
  const std::size_t n = tables.positions.size();
  std::vector<Exits> exits;
  std::vector<std::vector<double>> survives(n);  // of positions whose state has a law
  std::vector<Stage> stages;
  tables.jump_bits = 1;
  tables.dwell_bits = 5;
  for (std::size_t i = 0; i < n; ++i) {
    exits.push_back(exits_of(tables, i));
    stages.push_back({i, 0});
    const std::size_t state = tables.positions[i].state;
    if (state < laws.size() && !laws[state].empty()) {
      const std::string what = fmt::format("dwell law of state {}", state + 1);
      survives[i] = survival(laws[state], what);
      check_exits(tables, exits[i], state, what);
    }
    while ((std::size_t{1} << tables.jump_bits) < exits[i].to.size()) ++tables.jump_bits;
    if (has_long_stays(exits[i], survives[i])) tables.dwell_bits = 6;
  }

  const std::size_t n_classes = std::size_t{1} << tables.dwell_bits, longest = n_classes - 1;
  tables.dwells.clear();
  tables.jumps.clear();
  tables.continued.clear();
  for (std::size_t i = 0; i < stages.size(); ++i) {
    const auto [position, gone] = stages[i];
    std::size_t next = i;
    if (survives[position].empty()) {
      const double q = stay_of(exits[position]);
      add_dwell_row(tables.dwells, n_classes, [q](std::size_t k) { return power(q, k); });
    } else {
      const std::vector<double>& tail = survives[position];
      const auto left = [&tail](std::size_t k) { return k < tail.size() ? tail[k] : 0.0; };
      const std::size_t from = gone;
      add_dwell_row(tables.dwells, n_classes, [&](std::size_t k) { return left(from + k) / tail[from]; });
      if (left(gone + longest) > 0) {
        next = stages.size();
        if (next > std::numeric_limits<std::uint16_t>::max()) {
          throw ConfigError("the dwell laws need more than 65535 positions; shorten them");
        }
        append_copy(tables, position);
        stages.push_back({position, gone + longest});
      }
    }
    tables.continued.push_back(static_cast<std::uint16_t>(next));
    add_jump_row(tables.jumps, tables.jump_bits, i, exits[position]);
  }
  repeat_values(tables, n, stages);
}

}  // namespace clvsim
