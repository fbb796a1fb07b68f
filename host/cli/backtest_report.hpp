// A backtest as text for people and as JSON for programs.
#pragma once

#include <clvsim/backtest.hpp>

#include <nlohmann/json.hpp>

#include <string>

namespace clvsim::cli {

nlohmann::ordered_json to_json(const Backtest& test, const StoreInfo& store);
std::string text_of(const Backtest& test, const StoreInfo& store);

nlohmann::ordered_json to_json(const ModelSelection& selection);
std::string text_of(const ModelSelection& selection, PeriodUnit unit);

}  // namespace clvsim::cli
