// Fitting a model of contracts to a contract book, as a whole and by segment.
#include "host/fit/behaviour_fit.hpp"
#include "host/fit/contract_choice.hpp"
#include "host/fit/fit.hpp"
#include "host/fit/margin.hpp"
#include "host/model/histories.hpp"
#include "host/run/chain_tables.hpp"

#include <clvsim/behaviour_fit.hpp>
#include <clvsim/error.hpp>

#include <fmt/format.h>

#include <utility>

namespace clvsim {
namespace {

// The model that was asked for, or the choice between models.
ContractFit fit_model(std::string_view model, const ContractBook& book, const LikelihoodFitOptions& options,
                      std::optional<ContractSelection>& selection) {
  if (model != "auto") return fit_or_limit(model, book, options);
  ContractSelection choice;
  ContractFit best = choose_contract_model(book, options, choice);
  selection = std::move(choice);
  return best;
}

SegmentFit fit_segment(std::string_view model, const std::string& name, const ContractBook& book,
                       const LikelihoodFitOptions& options) {
  SegmentFit segment;
  segment.name = name;
  segment.n_customers = static_cast<std::int64_t>(book.tenures.size());
  segment.n_churned = book.n_churned;
  const auto refused = [&](const std::string& why) { segment.note = "has the parameters of all: " + why; };
  try {
    ContractFit best = fit_model(model, book, options, segment.selection);
    segment.model = best.model;
    segment.note = best.note;
    if (segment.selection)
      segment.note +=
          (segment.note.empty() ? "" : "; ") +
          fmt::format("{}: {}", segment.selection->models[segment.selection->chosen].model, segment.selection->rule);
    segment.fit = std::move(best.fit);
  } catch (const DataError& error) {
    refused(error.what());
  } catch (const ModelError& error) {
    refused(error.what());
  }
  return segment;
}

}  // namespace

BehaviourFit fit_contracts(const StoreReader& store, std::string_view model, bool by_segment,
                           const LikelihoodFitOptions& options, std::span<const std::string> covariates) {
  const StoreInfo& info = store.info();
  require_contracts(info, std::string(model));
  check_segments(info, by_segment);
  const PeriodGrid grid(info.observation_end, info.unit);
  ContractBook all;
  FitCovariates wanted(info, covariates, by_segment);
  std::vector<ContractBook> segments(by_segment ? info.segments.size() : 0);
  MarginSums costs;
  double charges = 0;
  for_batches(store, [&](const CustomerBatch& batch) {
    for (std::size_t i = 0; i < batch.size(); ++i) {
      const Contract contract = contract_of(batch, i, grid);
      all.add(contract, batch.key_hash[i]);
      wanted.add(batch, i);
      if (by_segment) segments[contract.segment].add(contract, batch.key_hash[i]);
      charges += static_cast<double>(contract.charge);
    }
    costs.add(batch);
  });
  all.covariates = wanted.table(all.tenures);
  BehaviourFit result;
  ContractFit best = fit_model(model, all, options, result.selection);
  result.model = best.model;
  result.covariates =
      with_effects(all.covariates, make_contract_model(best.model)->covariate_effects().size(), best.fit);
  result.fit = std::move(best.fit);
  if (!best.note.empty()) result.notes.push_back("all contracts: " + best.note);
  result.margin = costs.margin(result.notes);
  result.charge = charges / minor_units_per_unit(info.currency.decimals) / static_cast<double>(all.tenures.size());
  for (std::size_t s = 0; s < segments.size(); ++s) {
    if (segments[s].tenures.empty()) continue;
    const SegmentFit& segment =
        result.segments.emplace_back(fit_segment(model, info.segments[s], segments[s], options));
    if (!segment.note.empty()) result.notes.push_back(fmt::format("segment '{}': {}", segment.name, segment.note));
  }
  return result;
}

}  // namespace clvsim
