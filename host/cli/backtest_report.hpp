// A backtest as text for people, and as JSON and CSV for programs.
#pragma once

#include <clvsim/backtest.hpp>

#include <nlohmann/json.hpp>

#include <string>

namespace clvsim::cli {

nlohmann::ordered_json to_json(const Backtest& test, const StoreInfo& store);
std::string text_of(const Backtest& test, const StoreInfo& store);

// All tables as CSV, a number a row: table,model,row,measure,value. Tables: models, coverage, total, periods, cohorts,
// frequency, spend; those that are of one model alone are of the chosen one.
std::string tables_csv(const Backtest& test);

nlohmann::ordered_json to_json(const ModelSelection& selection);
std::string text_of(const ModelSelection& selection, PeriodUnit unit);

}  // namespace clvsim::cli
