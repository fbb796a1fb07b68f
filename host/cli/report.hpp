// Results as text for people and as JSON for programs.
#pragma once

#include <clvsim/behaviour_fit.hpp>
#include <clvsim/fit.hpp>
#include <clvsim/holdout.hpp>
#include <clvsim/import.hpp>
#include <clvsim/simulate.hpp>

#include <nlohmann/json.hpp>

#include <string>

namespace clvsim::cli {

using Json = nlohmann::ordered_json;

Json to_json(const Ledger& ledger, int decimals);
Json to_json(const ImportReport& report);
Json to_json(const FitReport& report);
Json to_json(const BehaviourFit& fit, const StoreInfo& store);
Json to_json(const PurchaseSpend& spend);
Json to_json(const RunInfo& run);
Json to_json(const Estimate& estimate);
Json to_json(const HoldoutTotals& holdout, int decimals);
// One customer of a run's results, names as in the run file.
Json to_json(const CustomerResults& results, std::size_t i, const RunInfo& run);

std::string text_of(const ImportReport& report);
std::string text_of(const FitReport& report);
std::string text_of(const BehaviourFit& fit, const StoreInfo& store);
std::string text_of(const RunInfo& run);
// The forecast of undiscounted revenue beside what the log then shows.
std::string text_of(const RunInfo& run, const HoldoutTotals& holdout);

// Minor units as a decimal number without separators: exact as a JSON string, whatever a reader does with numbers.
std::string exact(MinorUnits amount, int decimals);
// "1,234.56"; NaN, the error or the moment that is infinite, as "infinite".
std::string number_text(double value, int decimals);
// "USD 1,234.56 +- 1.20".
std::string amount_text(const Estimate& estimate, const Currency& currency);

}  // namespace clvsim::cli
