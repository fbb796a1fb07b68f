// Fitting a model of contracts to a contract book, as a whole and by segment.
#include "host/fit/behaviour_fit.hpp"
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

// The contracts of a book, or of a segment.
struct Book {
  std::vector<Tenure> tenures;
  std::vector<std::uint64_t> customers;
  CovariateTable covariates;
  std::int64_t n_churned = 0;

  void add(const Contract& contract, std::uint64_t customer) {
    tenures.push_back({contract.renewals, contract.churned});
    customers.push_back(customer);
    n_churned += contract.churned ? 1 : 0;
  }
};

struct ModelFit {
  std::string model;
  LikelihoodFit fit;
  std::string note;  // why it is another model than was asked for
};

// Where contracts do not differ, alpha and beta rise without end together, to one hazard.
std::string_view limit_of(std::string_view model) {
  if (model == "sbg") return "geometric";
  if (model == "bdw") return "discrete_weibull";
  return "";
}

// The model, or its limit where its likelihood has no maximum of its own.
ModelFit fit_or_limit(std::string_view model, const Book& book, LikelihoodFitOptions options) {
  const std::string_view limit = limit_of(model);
  options.bootstrap.customers = book.customers;
  try {
    return {std::string(model), fit_contract_model(*make_contract_model(model), book.covariates, book.tenures, options),
            ""};
  } catch (const ModelError&) {
    if (limit.empty()) throw;
  }
  return {std::string(limit), fit_contract_model(*make_contract_model(limit), book.covariates, book.tenures, options),
          fmt::format("the churn shows no differences between contracts, where {} has no maximum of its likelihood: "
                      "{} is its limit",
                      model, limit)};
}

// Without a holdout the models are compared by BIC.
ModelFit fit_best(std::string_view model, const Book& book, const LikelihoodFitOptions& options) {
  if (model != "auto") return fit_or_limit(model, book, options);
  ModelFit sbg = fit_or_limit("sbg", book, options), bdw = fit_or_limit("bdw", book, options);
  const std::string note =
      fmt::format("the lower BIC of {} {:.3f} and {} {:.3f}", sbg.model, sbg.fit.bic, bdw.model, bdw.fit.bic);
  ModelFit& best = bdw.fit.bic < sbg.fit.bic ? bdw : sbg;
  best.note = best.note.empty() ? note : best.note + "; " + note;
  return best;
}

SegmentFit fit_segment(std::string_view model, const std::string& name, const Book& book,
                       const LikelihoodFitOptions& options) {
  SegmentFit segment;
  segment.name = name;
  segment.n_customers = static_cast<std::int64_t>(book.tenures.size());
  segment.n_churned = book.n_churned;
  const auto refused = [&](const std::string& why) { segment.note = "has the parameters of all: " + why; };
  try {
    ModelFit best = fit_best(model, book, options);
    segment.model = best.model;
    segment.note = best.note;
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
  Book all;
  FitCovariates wanted(info, covariates, by_segment);
  std::vector<Book> segments(by_segment ? info.segments.size() : 0);
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
  ModelFit best = fit_best(model, all, options);
  BehaviourFit result;
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
