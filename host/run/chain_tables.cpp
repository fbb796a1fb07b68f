#include "host/run/chain_tables.hpp"

#include "host/run/alias_row.hpp"

#include <clvsim/error.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numeric>
#include <span>
#include <utility>

namespace clvsim {

namespace {

using kernels::AliasCell;
using kernels::ChainPosition;

std::int64_t fixed(double minor_units) {
  const std::int64_t amount = kernels::round_to_fixed(minor_units * kernels::fixed_per_minor_unit);
  // A quarter, so that sums of the two amounts of a period stay within.
  if (amount > kernels::fixed_limit / 4 || amount < -kernels::fixed_limit / 4) {
    throw ModelError(fmt::format(
        "an amount of {} minor units is beyond the engine's fixed point of 2^60 / 256; check the amounts of the model "
        "and its currency's decimals",
        minor_units));
  }
  return amount;
}

// An outcome as the engine has it.
struct Outcome {
  std::uint16_t next = 0;   // position
  std::uint64_t until = 0;  // cumulative probability, of 2^48
};

// Outcomes of a state with any share: a row sums to 1 only within the rounding of its probabilities, so that the last
// outcome that has any takes the rest.
template <class Position>
std::vector<Outcome> outcomes_of(const ChainState& state, const Position& position) {
  std::vector<Outcome> row;
  double cumulative = 0;
  std::uint64_t before = 0;
  for (auto outcome = state.outcomes.begin(); outcome != state.outcomes.end(); ++outcome) {
    cumulative += outcome->probability;
    const bool last = std::all_of(outcome + 1, state.outcomes.end(),
                                  [](const ChainOutcome& later) { return later.probability <= 0; });
    const std::uint64_t until = last ? whole_mass : std::max(before, quantised(std::min(cumulative, 1.0), whole_mass));
    if (until == before) continue;
    before = until;
    row.push_back({position(*outcome), until});
  }
  return row;
}

// Of every outcome of a row, of 2^48.
std::vector<std::uint64_t> masses_of(const std::vector<Outcome>& row) {
  std::vector<std::uint64_t> mass;
  std::uint64_t before = 0;
  for (const Outcome& outcome : row) {
    mass.push_back(outcome.until - before);
    before = outcome.until;
  }
  return mass;
}

// The alias table of a row in 2^column_bits columns.
void add_alias_row(const std::vector<Outcome>& row, unsigned column_bits, std::vector<AliasCell>& cells) {
  std::vector<std::uint64_t> mass = masses_of(row);
  mass.resize(std::size_t{1} << column_bits);
  const std::vector<AliasColumn> columns = alias_row(std::move(mass));
  const auto next = [&](std::size_t k) { return row[std::min(k, row.size() - 1)].next; };
  for (std::size_t k = 0; k < columns.size(); ++k) {
    const std::uint64_t threshold = columns[k].threshold;
    cells.push_back({static_cast<std::uint32_t>(threshold), static_cast<std::uint16_t>(threshold >> 32), next(k),
                     next(columns[k].alias)});
  }
}

// The same masses in ascending order of the states that they lead to, those of one state as stated; filled up to
// `n_outcomes` with the last.
void add_ordered_row(const std::vector<Outcome>& row, const std::vector<ChainPosition>& positions,
                     std::size_t n_outcomes, std::vector<kernels::OrderedOutcome>& outcomes) {
  const std::vector<std::uint64_t> mass = masses_of(row);
  std::vector<std::size_t> order(row.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return positions[row[a].next].state < positions[row[b].next].state;
  });
  std::uint64_t until = 0;
  for (std::size_t k = 0; k < n_outcomes; ++k) {
    const std::size_t from = order[std::min(k, row.size() - 1)];
    until = k + 1 < row.size() ? until + mass[from] : whole_mass - 1;
    outcomes.push_back({static_cast<std::uint32_t>(until), static_cast<std::uint16_t>(until >> 32), row[from].next});
  }
}

void add_values(ChainTables& tables, const std::vector<double>& weight) {
  const std::size_t horizon = weight.size(), n = tables.positions.size();
  std::vector<double> exact(horizon * n), start(n);
  double largest = 0;
  const auto note = [&](double x) {
    largest = std::max(largest, std::abs(x));
    return x;
  };
  for (std::size_t i = 0; i < n; ++i) {
    const auto from = static_cast<double>(tables.positions[i].cash_from);
    const auto at = static_cast<double>(tables.positions[i].cash_at);
    start[i] = note(weight[0] * from);
    for (std::size_t t = 0; t < horizon; ++t) {
      exact[t * n + i] = note(weight[t] * at + (t + 1 < horizon ? weight[t + 1] * from : 0));
    }
  }
  if (!(largest * (static_cast<double>(horizon) + 1) < static_cast<double>(kernels::fixed_limit))) {
    throw ModelError(fmt::format(
        "the amounts of the model can sum up to more than the engine's fixed point of 2^62 / 256 minor units over {} "
        "periods; check the amounts, the currency's decimals, and the discounting",
        horizon));
  }
  // As fine as 27 bits allow: then the vector code adds 32-bit numbers. The amounts of drawn purchases have no bound.
  constexpr double narrow = 134217728.0;  // 2^27
  constexpr std::uint32_t most_extra_bits = 24;
  double scale = 1;
  while (!tables.has_spend && tables.extra_bits < most_extra_bits && largest * scale * 2 < narrow) {
    scale *= 2;
    ++tables.extra_bits;
  }
  for (const double x : exact) tables.value.push_back(kernels::round_to_fixed(x * scale));
  for (const double x : start) tables.start_value.push_back(kernels::round_to_fixed(x * scale));
  tables.weight = weight;
}

}  // namespace

double minor_units_per_unit(int decimals) {
  double factor = 1;
  for (int i = 0; i < decimals; ++i) factor *= 10;
  return factor;
}

kernels::MigrationChainView ChainTables::view(kernels::Sampler sampler) const {
  kernels::MigrationChainView view;
  view.positions = positions.data();
  view.cells = cells.data();
  view.outcomes = outcomes.data();
  view.position_of_state = position_of_state.data();
  view.value = value.empty() ? nullptr : value.data();
  view.start_value = start_value.data();
  view.weight = weight.data();
  view.n_positions = static_cast<std::uint32_t>(positions.size());
  view.n_states = static_cast<std::uint32_t>(position_of_state.size());
  view.row = row;
  view.column_bits = column_bits;
  view.extra_bits = extra_bits;
  view.sampler = sampler;
  view.has_spend = has_spend;
  view.spend = spend;
  view.spend.count_threshold = count_threshold.data();
  view.schedule = schedule;
  view.schedule.table_of = table_of.empty() ? nullptr : table_of.data();
  view.schedule.level = level.empty() ? nullptr : level.data();
  view.events = {dwells.data(), jumps.data(), continued.data(), dwell_bits, jump_bits};
  return view;
}

namespace {

// The positions of chains that differ in probabilities alone, and the rows of every chain.
void add_rows(std::span<const MigrationChain> chains, double scale, ChainTables& tables) {
  const MigrationChain& first = chains.front();
  const auto position_of = [&](int state, double amount, bool purchase) {
    const ChainState& to = first.states[static_cast<std::size_t>(state)];
    const ChainPosition wanted{fixed(to.amount * scale), fixed(amount * scale), static_cast<std::uint16_t>(state),
                               to.active, purchase};
    const auto found =
        std::find_if(tables.positions.begin(), tables.positions.end(), [&](const ChainPosition& position) {
          return position.state == wanted.state && position.cash_at == wanted.cash_at &&
                 position.purchase == wanted.purchase;
        });
    if (tables.positions.size() > std::numeric_limits<std::uint16_t>::max())
      throw ModelError("the model's states and amounts make more than 65,536 positions; give it fewer of them");
    const auto index = static_cast<std::uint16_t>(found - tables.positions.begin());
    if (found == tables.positions.end()) tables.positions.push_back(wanted);
    return index;
  };
  const auto after = [&](const ChainOutcome& outcome) {
    // Where amounts are drawn, a purchase has none of its own.
    return position_of(outcome.to, tables.has_spend && outcome.purchase ? 0 : outcome.amount, outcome.purchase);
  };
  std::vector<std::vector<Outcome>> rows;  // [chains, states]
  for (const MigrationChain& chain : chains) {
    for (const ChainState& state : chain.states) {
      rows.push_back(outcomes_of(state, after));
      tables.row = std::max(tables.row, static_cast<std::uint32_t>(rows.back().size()));
    }
  }
  while ((1U << tables.column_bits) < tables.row) ++tables.column_bits;
  const std::size_t n_states = first.states.size();
  for (std::size_t s = 0; s < n_states; ++s) {
    const auto at_state = std::find_if(tables.positions.begin(), tables.positions.end(),
                                       [&](const ChainPosition& position) { return position.state == s; });
    tables.position_of_state.push_back(at_state == tables.positions.end()
                                           ? position_of(static_cast<int>(s), 0, false)
                                           : static_cast<std::uint16_t>(at_state - tables.positions.begin()));
  }
  for (std::size_t s = 0; s < n_states && has_heterogeneity(first); ++s) {
    std::vector<std::uint16_t>& arrivals = tables.arrivals.emplace_back();
    for (const ChainOutcome& outcome : first.states[s].outcomes) arrivals.push_back(after(outcome));
  }
  for (std::size_t c = 0; c < chains.size(); ++c) {
    for (const ChainPosition& position : tables.positions) {
      const std::vector<Outcome>& row = rows[c * n_states + position.state];
      add_ordered_row(row, tables.positions, tables.row, tables.outcomes);
      add_alias_row(row, tables.column_bits, tables.cells);
    }
  }
}

ChainTables pack(std::span<const MigrationChain> chains, int decimals, const std::vector<double>& weight) {
  const MigrationChain& chain = chains.front();
  const double scale = minor_units_per_unit(decimals);
  ChainTables tables;
  tables.has_spend = chain.spend.has_value();
  add_rows(chains, scale, tables);
  std::uint64_t max_from = 0, max_at = 0;
  for (const ChainPosition& position : tables.positions) {
    max_from = std::max(max_from, kernels::distance(position.cash_from, 0));
    max_at = std::max(max_at, kernels::distance(position.cash_at, 0));
  }
  tables.max_cash = max_from + max_at;
  if (!weight.empty()) add_values(tables, weight);
  if (chain.spend) {
    const SpendModel& spend = *chain.spend;
    constexpr std::uint64_t whole = std::uint64_t{1} << 32;
    tables.spend.within_sd = spend.within_sd;
    tables.spend.scale = spend.smearing * scale;
    tables.spend.zero_threshold = quantised(spend.zero_share, whole);
    tables.spend.refund_threshold = quantised(spend.refund_rate, whole);
    tables.spend.refund_shift = spend.refund_log_shift;
    tables.spend.refund_sd = spend.refund_log_sd;
    double cumulative = 0;
    for (std::size_t k = 0; k + 1 < spend.purchases_in_period.size(); ++k) {
      cumulative += spend.purchases_in_period[k];
      const std::uint64_t threshold = quantised(std::min(cumulative, 1.0), whole);
      if (threshold >= whole) break;
      tables.count_threshold.push_back(static_cast<std::uint32_t>(threshold));
    }
    tables.spend.n_counts = static_cast<std::uint32_t>(tables.count_threshold.size()) + 1;
  }
  return tables;
}

}  // namespace

ChainTables pack(const MigrationChain& chain, int decimals, const std::vector<double>& weight) {
  return pack(std::span<const MigrationChain>(&chain, 1), decimals, weight);
}

ChainTables pack(const ChainProgram& program, int decimals, const std::vector<double>& weight) {
  ChainTables tables = pack(std::span<const MigrationChain>(program.chains), decimals, weight);
  tables.schedule = {nullptr,
                     nullptr,
                     static_cast<std::uint32_t>(program.chains.size()),
                     program.n_segments,
                     static_cast<std::uint32_t>(weight.size()),
                     program.n_levels,
                     program.n_worlds};
  tables.table_of = program.chain_of;
  tables.level = program.level;
  return tables;
}

}  // namespace clvsim
