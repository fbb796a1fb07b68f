// One model on a panel.
#pragma once

#include <clvsim/count_law.hpp>

#include "host/backtest/panel.hpp"

namespace clvsim {

struct ScoredModel {
  ModelBacktest result;
  std::vector<PurchaseHistory> histories;  // those of the panel, as the model counts time
  std::vector<double> time_to;             // [periods] to the end of each, as the model counts time
  double time_ahead = 0;                   // to the end of the holdout
  std::vector<double> expected, variance;  // [histories] purchases in the holdout
  std::vector<int> law_size;               // [histories] counts that the law needed
  std::vector<double> crps;                // [cells]
};

std::unique_ptr<PurchaseModel> model_of(const ModelBacktest& result);

// A total that is a mixture of equally likely normals.
TotalForecast forecast_of(const std::vector<NormalPart>& parts);

// The law of a customer's purchases in the time ahead, `n_max` or more counts. Throws ModelError where 10,000 are not
// enough.
CountLaw law_of(const PurchaseModel& model, std::span<const double> parameters, const PurchaseHistory& history,
                double time_ahead, int n_max);

// Fits and scores; what is refused says so.
ScoredModel score_model(std::string_view model, const Panel& panel, const LikelihoodFitOptions& options = {});

// Fills in crps_excess and its error, of the models that are not refused, against the best of them: its index. Throws
// ModelError with every reason where all are refused.
std::size_t compare(std::vector<ScoredModel>& models, const Panel& panel);

// Mean and variance of the total by other parameters, customers independent.
NormalPart total_of(const ScoredModel& scored, const PurchaseModel& model, std::span<const double> parameters);

}  // namespace clvsim
