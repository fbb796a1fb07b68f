#include "host/cli/attribution_report.hpp"

#include "host/base/text.hpp"
#include "host/cli/report.hpp"

#include <fmt/format.h>

namespace clvsim::cli {
namespace {

Json of_estimate(const Estimate& of) { return {{"mean", of.mean}, {"se", of.se}}; }

}  // namespace

Json to_json(const Attribution& of) {
  Json levers = Json::array(), pairs = Json::array();
  for (const LeverPart& part : of.levers)
    levers.push_back({{"name", part.name},
                      {"shapley", of_estimate(part.shapley)},
                      {"alone", of_estimate(part.alone)},
                      {"last", of_estimate(part.last)}});
  for (const LeverInteraction& pair : of.pairs)
    pairs.push_back(
        {{"levers", {of.levers[pair.one].name, of.levers[pair.other].name}}, {"value", of_estimate(pair.value)}});
  return {{"base", of_estimate(of.base)},
          {"all", of_estimate(of.all)},
          {"difference", of_estimate(of.difference)},
          {"levers", std::move(levers)},
          {"interactions", std::move(pairs)}};
}

std::string text_of(const Attribution& of, int decimals) {
  const auto shown = [&](const Estimate& value) {
    return fmt::format("{:>18} +- {:<12}", number_text(value.mean, decimals), number_text(value.se, decimals));
  };
  std::string text = fmt::format("{:<30}{}\n{:<30}{}\n{:<30}{}\n", "without levers", shown(of.base), "with all",
                                 shown(of.all), "difference", shown(of.difference));
  text += fmt::format("\n{:<30}{:>18}{:>34}{:>34}\n", "lever", "Shapley value", "alone", "as the last");
  for (const LeverPart& part : of.levers)
    text += fmt::format("{:<30}{}{}{}\n", part.name, shown(part.shapley), shown(part.alone), shown(part.last));
  if (of.pairs.empty()) return text;
  text += "\ntwo levers: what both change less what each changes alone\n";
  for (const LeverInteraction& pair : of.pairs)
    text += fmt::format("{:<30}{}\n", of.levers[pair.one].name + " x " + of.levers[pair.other].name, shown(pair.value));
  return text;
}

}  // namespace clvsim::cli
