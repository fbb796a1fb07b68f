// The fits of models of purchases and of spend, from wherever the customers come.
#pragma once

#include <clvsim/behaviour_fit.hpp>

#include "host/fit/fit.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace clvsim {

// The covariates that a fit takes from a store.
class FitCovariates {
 public:
  // Throws ConfigError for a name that the store has not, or that stands twice, and beside --by-segment.
  FitCovariates(const StoreInfo& store, std::span<const std::string> names, bool by_segment);
  void add(const CustomerBatch& batch, std::size_t i);
  // Of the customers that were added, in this order; `items` are theirs.
  template <class Item>
  [[nodiscard]] CovariateTable table(std::vector<Item>& items) const {
    std::vector<std::uint32_t> row_of;
    if (names_.empty()) return {};
    CovariateTable table = covariate_table(names_, values_, row_of);
    for (std::size_t i = 0; i < items.size(); ++i) items[i].covariates = row_of[i];
    return table;
  }

 private:
  std::vector<std::string> names_;
  std::vector<std::size_t> at_;              // of the store
  std::vector<std::vector<double>> values_;  // [covariates][customers]
};
// The table's covariates with the effects of a fit.
std::vector<ModelCovariate> with_effects(const CovariateTable& table, std::size_t n_effects, const LikelihoodFit& fit);

// A model of purchases alone: of bg_cnbd_k and mbg_cnbd_k the k with the highest likelihood. Of the result, n_left_out
// is 0. Throws what fit_purchase_model does.
BehaviourFit fit_purchases(std::string_view model, std::span<const PurchaseHistory> histories,
                           const LikelihoodFitOptions& options, const CovariateTable& covariates = {});

// Throws ConfigError where there are no segments to fit on their own, or too many of them.
void check_segments(const StoreInfo& store, bool by_segment);

// Positive repeat purchases, and what stands beside them. `law` is not none. Throws what fit_gamma_gamma
// and fit_log_normal do.
SpendFit fit_spend(const BatchSource& source, SpendLaw law, int decimals, const LikelihoodFitOptions& options);

}  // namespace clvsim
