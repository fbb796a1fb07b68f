// Fits of models of contracts to a book, or to a segment of it, and the choice between them.
#pragma once

#include <clvsim/behaviour_fit.hpp>
#include <clvsim/contract_models.hpp>
#include <clvsim/covariates.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace clvsim {

// The contracts of a book, or of a segment.
struct ContractBook {
  std::vector<Tenure> tenures;
  std::vector<std::uint64_t> customers;  // of a bootstrap; may be empty
  CovariateTable covariates;
  std::int64_t n_churned = 0;

  void add(const Contract& contract, std::uint64_t customer) {
    tenures.push_back({contract.renewals, contract.churned});
    customers.push_back(customer);
    n_churned += contract.churned ? 1 : 0;
  }
};

struct ContractFit {
  std::string model;
  LikelihoodFit fit;
  std::string note;  // why it is another model than was asked for
};

// The model, or where its likelihood has no maximum of its own its limit. Throws what fit_contract_model does.
ContractFit fit_or_limit(std::string_view model, const ContractBook& book, LikelihoodFitOptions options);

// What happened to the contracts up to opportunity `renewals`, and of those that made so many what followed.
struct CutBook {
  ContractBook known;
  std::vector<Tenure> later;
  std::int64_t n_later_churned = 0;
};
CutBook cut_book(const ContractBook& book, std::int32_t renewals);

// Of models that are scored: the better score, but the model of fewer parameters where the other's is not better by two
// standard errors. Sets `chosen` and `rule`.
void decide(ContractSelection& selection);

// sbg or bdw, by the forecasts of what followed a cut, or where the book cannot be cut by BIC: the fit to the whole
// book. Throws what fit_or_limit does.
ContractFit choose_contract_model(const ContractBook& book, const LikelihoodFitOptions& options,
                                  ContractSelection& selection);

}  // namespace clvsim
