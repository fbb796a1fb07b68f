// The fits of models of purchases and of spend, from wherever the customers come.
#pragma once

#include <clvsim/behaviour_fit.hpp>

#include "host/fit/fit.hpp"

#include <span>
#include <string_view>

namespace clvsim {

// A model of purchases alone: of bg_cnbd_k and mbg_cnbd_k the k with the highest likelihood. Of the result, n_left_out
// is 0. Throws what fit_purchase_model does.
BehaviourFit fit_purchases(std::string_view model, std::span<const PurchaseHistory> histories,
                           const LikelihoodFitOptions& options);

// Throws ConfigError where there are no segments to fit on their own, or too many of them.
void check_segments(const StoreInfo& store, bool by_segment);

// Positive repeat purchases, and what stands beside them. `law` is not none. Throws what fit_gamma_gamma
// and fit_log_normal do.
SpendFit fit_spend(const BatchSource& source, SpendLaw law, int decimals, const LikelihoodFitOptions& options);

}  // namespace clvsim
