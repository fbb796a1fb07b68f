// What each lever brings, as text for people and as JSON for programs.
#pragma once

#include <clvsim/attribution.hpp>

#include <nlohmann/json.hpp>

#include <string>

namespace clvsim::cli {

nlohmann::ordered_json to_json(const Attribution& attribution);
std::string text_of(const Attribution& attribution, int decimals);

}  // namespace clvsim::cli
