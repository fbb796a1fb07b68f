#include "host/run/dirichlet_program.hpp"

#include "host/run/segment_places.hpp"

namespace clvsim {
namespace {

using kernels::DirichletChain;

// Counts what a customer does in the states of its segment, from number `first` on.
struct CountSink {
  int first;
  const TransitionOutcomes& outcomes;
  const std::vector<std::vector<int>>& counts;
  std::vector<std::uint32_t>& own;

  void at_risk(int state, int n) { add(state, outcomes.aged(state), n); }
  void buys(int state, int class_after, std::int64_t) {
    add(state, outcomes.aged(state), -1);
    add(state, outcomes.bought(state, class_after), 1);
  }
  void add(int state, int outcome, int n) {
    if (outcome < 0) return;
    const int at = counts[static_cast<std::size_t>(first + state)][static_cast<std::size_t>(outcome)];
    if (at >= 0) own[static_cast<std::size_t>(at)] += static_cast<std::uint32_t>(n);
  }
};

}  // namespace

DirichletProgram::DirichletProgram(const MigrationChain& chain, const RunInfo& info, const StoreInfo* store)
    : chain_(chain),
      tables_(pack_dirichlet(chain, info.currency.decimals, value_weights(info))),
      grid_(info.observation_end, chain.unit),
      decimals_(info.currency.decimals) {
  if (store == nullptr) return;
  places_ = places_of(chain, store->segments);
  periods_.emplace(store->first_day, grid_);
  outcomes_.emplace(chain);
}

PathProgram DirichletProgram::program() const {
  return {tables_.view(), tables_.chain.max_cash, tables_.chain.max_purchases(), chain_.measure};
}

void DirichletProgram::add(const CustomerBatch& batch, std::size_t i, CustomerRows& rows) const {
  std::vector<std::uint32_t> own(tables_.n_counts);
  const auto first = static_cast<int>(places_[batch.segment[i]] * tables_.n_states);
  for_transitions(*chain_.recency_frequency, batch, i, *periods_, CountSink{first, *outcomes_, tables_.counts, own});
  SpendLevel level;
  if (chain_.spend) level = spend_level(*chain_.spend, chain_.frequency_class_of(batch, i), batch, i, decimals_);
  add(first + chain_.state_of(batch, i, grid_), level, own, batch.key_hash[i], rows);
}

void DirichletProgram::add(int state, const SpendLevel& level, std::span<const std::uint32_t> counts,
                           std::uint64_t hash, CustomerRows& rows) const {
  DirichletChain::Customer customer;
  customer.hash = hash;
  customer.level_mean = level.mean;
  customer.level_sd = level.sd;
  customer.state = static_cast<std::uint32_t>(state);
  tables_.add_customer(customer, counts, rows.of<DirichletChain::Customer>());
}

CustomerRows DirichletProgram::new_customer() const {
  SpendLevel level;
  if (chain_.spend) {
    const int frequency_class =
        chain_.recency_frequency ? chain_.start_state / (chain_.recency_frequency->recency_cells + 1) : 0;
    level = spend_level(*chain_.spend, frequency_class, 0, 0);
  }
  CustomerRows rows;
  add(chain_.start_state, level, std::vector<std::uint32_t>(tables_.n_counts), 0, rows);
  return rows;
}

}  // namespace clvsim
