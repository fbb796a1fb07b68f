#include "host/run/dirichlet_tables.hpp"

#include <algorithm>
#include <cstddef>
#include <numeric>

namespace clvsim {

kernels::DirichletChainView DirichletTables::view() const {
  kernels::DirichletChainView view;
  view.chain = chain.view();
  view.chain.cells = nullptr;
  view.chain.outcomes = nullptr;
  view.rows = rows.data();
  view.shares = shares.data();
  view.next = next.data();
  view.n_outcomes = static_cast<std::uint32_t>(next.size());
  view.n_counts = n_counts;
  return view;
}

void DirichletTables::add_customer(const kernels::DirichletChain::Customer& customer,
                                   std::span<const std::uint32_t> own,
                                   std::vector<kernels::DirichletChain::Customer>& records) const {
  using Customer = kernels::DirichletChain::Customer;
  const std::size_t first = records.size();
  records.resize(first + kernels::DirichletChain::records(view()), customer);
  const std::size_t segment = customer.state / n_states;
  for (std::size_t s = segment * n_states; s < (segment + 1) * n_states; ++s) {
    const kernels::DirichletRow& row = rows[s];
    if (!row.drawn) continue;
    std::uint32_t from_here = 0;
    for (std::uint32_t k = row.n; k-- > 0;) {
      constexpr std::uint32_t most = 65535;
      const std::uint32_t i = row.count + k;
      from_here = std::min(from_here + std::min(own[i], most), most);
      records[first + i / Customer::n_counts].count[i % Customer::n_counts] = static_cast<std::uint16_t>(from_here);
    }
  }
}

namespace {

// The states of all segments, one after the other.
MigrationChain with_all_states(const MigrationChain& chain) {
  MigrationChain all = chain;
  all.segments.clear();
  for (const ChainSegment& segment : chain.segments) {
    const auto first = static_cast<int>(all.states.size());
    for (ChainState state : segment.states) {
      for (ChainOutcome& outcome : state.outcomes) outcome.to += first;
      if (state.row_of >= 0) state.row_of += first;
      all.states.push_back(std::move(state));
    }
  }
  return all;
}

// Of a state's outcomes those that have a probability, the likeliest first.
std::vector<std::size_t> order_of(const std::vector<ChainOutcome>& outcomes) {
  std::vector<std::size_t> order;
  for (std::size_t k = 0; k < outcomes.size(); ++k)
    if (outcomes[k].probability > 0) order.push_back(k);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return outcomes[a].probability > outcomes[b].probability; });
  return order;
}

}  // namespace

DirichletTables pack_dirichlet(const MigrationChain& model, int decimals, const std::vector<double>& weight) {
  const MigrationChain chain = with_all_states(model);
  DirichletTables tables;
  tables.chain = pack(chain, decimals, weight);
  tables.n_states = model.states.size();
  const std::size_t n_all = chain.states.size();
  tables.rows.resize(n_all);
  tables.counts.resize(n_all);
  std::vector<std::vector<std::size_t>> order(n_all);
  std::vector<std::uint32_t> most(tables.n_states);  // counts of a row, in any segment
  for (std::size_t s = 0; s < n_all; ++s) {
    const ChainState& state = chain.states[s];
    order[s] = order_of(state.outcomes);
    kernels::DirichletRow& row = tables.rows[s];
    row.first = static_cast<std::uint32_t>(tables.next.size());
    row.n = static_cast<std::uint16_t>(order[s].size());
    row.row =
        static_cast<std::uint16_t>((state.row_of >= 0 ? static_cast<std::size_t>(state.row_of) : s) % tables.n_states);
    row.drawn = state.concentration.has_value() && row.n > 1;
    if (row.drawn) most[row.row] = std::max(most[row.row], std::uint32_t{row.n});
    // From the last on, so that small numbers are added first.
    std::vector<kernels::DirichletShare> shares(row.n);
    double later = 0;
    for (std::size_t k = row.n; k-- > 0;) {
      const double p = state.outcomes[order[s][k]].probability;
      const double concentration = state.concentration.value_or(1);
      shares[k] = row.drawn ? kernels::DirichletShare{concentration * p, concentration * later}
                            : kernels::DirichletShare{p / (p + later), 0};
      later += p;
    }
    tables.shares.insert(tables.shares.end(), shares.begin(), shares.end());
    for (const std::size_t k : order[s]) tables.next.push_back(tables.chain.arrivals[s][k]);
  }
  std::vector<std::uint32_t> first_count;
  for (const std::uint32_t n : most) {
    first_count.push_back(tables.n_counts);
    tables.n_counts += n;
  }
  for (std::size_t s = 0; s < n_all; ++s) {
    kernels::DirichletRow& row = tables.rows[s];
    if (row.drawn) row.count = first_count[row.row];
    tables.counts[s].assign(chain.states[s].outcomes.size(), -1);
    for (std::size_t k = 0; k < order[s].size() && row.drawn; ++k)
      tables.counts[s][order[s][k]] = static_cast<int>(row.count + k);
  }
  return tables;
}

}  // namespace clvsim
