#include "host/run/segment_places.hpp"

#include "host/base/text.hpp"

#include <clvsim/error.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace clvsim {

std::vector<std::string> segments_of(const MigrationChain& chain) {
  std::vector<std::string> names{""};
  for (const ChainSegment& segment : chain.segments) names.push_back(segment.name);
  const auto add = [&](const std::string& name) {
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  };
  for (const ChainCovariate& covariate : chain.covariates)
    if (!covariate.dated()) add(covariate.segment);
  for (const Lever& lever : chain.levers)
    for (const std::string& name : lever.segments) add(name);
  return names;
}

std::vector<std::uint32_t> places_of(const MigrationChain& chain, const std::vector<std::string>& segments) {
  const std::vector<std::string> names = segments_of(chain);
  std::vector<std::uint32_t> places(segments.size(), 0);
  for (std::size_t n = 1; n < names.size(); ++n) {
    const auto found = std::find(segments.begin() + 1, segments.end(), names[n]);
    const bool of_covariate = std::any_of(chain.covariates.begin(), chain.covariates.end(),
                                          [&](const auto& c) { return !c.dated() && c.segment == names[n]; });
    const char* const table = n <= chain.segments.size() ? "[[segment]] out of the model"
                              : of_covariate             ? "[[covariate]] out of the model"
                                                         : "[[lever]] out of the scenario";
    if (found == segments.end())
      throw ConfigError(segments.size() == 1 ? fmt::format("the model or its scenario tells the segment '{}' apart, "
                                                           "and the store has no segments; import the log "
                                                           "with --segment COLUMN, or take the {}",
                                                           names[n], table)
                                             : fmt::format("the model or its scenario tells the segment '{}' apart, "
                                                           "which the store does not have{}; correct the "
                                                           "name, or take the {}",
                                                           names[n], did_you_mean(names[n], segments), table));
    places[static_cast<std::size_t>(found - segments.begin())] = static_cast<std::uint32_t>(n);
  }
  return places;
}

}  // namespace clvsim
