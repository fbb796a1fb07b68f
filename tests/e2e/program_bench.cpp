// The bench command: what it measures, and that what it measured was right.
#include "tests/support/program.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace clvsim::test {
namespace {

using testing::HasSubstr;

nlohmann::json short_bench() {
  const ProgramResult result =
      run_clvsim({"bench", "--suite", "smoke", "--samples", "5", "--sample-seconds", "0.005", "--json", "--quiet"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  return result.json();
}

TEST(Bench, MeasuresTheEngineBesideTheMachine) {
  const nlohmann::json document = short_bench();
  EXPECT_EQ(document["schema"], "clvsim.bench/1");
  EXPECT_FALSE(document["context"]["instruction_sets"].empty());
  const std::string words = "philox_" + document["context"]["instruction_sets"][0].get<std::string>();
  std::map<std::string, nlohmann::json> cases;
  for (const nlohmann::json& item : document["benchmarks"]) cases[item["name"]] = item;
  ASSERT_TRUE(cases.contains(words));
  for (const auto& [name, item] : cases) {
    ASSERT_EQ(item["samples"].size(), 5U) << name;
    for (const nlohmann::json& rate : item["samples"]) EXPECT_GT(rate.get<double>(), 0) << name;
    EXPECT_FALSE(item["unit"].get<std::string>().empty()) << name;
    if (!name.starts_with("chain")) continue;
    EXPECT_EQ(item["limit"], words);
    EXPECT_GT(item["fraction_of_limit"].get<double>(), 0) << name;
  }
  EXPECT_TRUE(cases.contains("chain_6"));
}

// Change detectors: the results of the timed cases, the same on every machine. A new value needs a line under "Results
// changed" in CHANGELOG.md.
TEST(Bench, DigestsAreTheSameEverywhere) {
  std::map<std::string, std::string> digests;
  const nlohmann::json document = short_bench();
  for (const nlohmann::json& item : document["benchmarks"])
    if (item.contains("digest")) digests[item["name"]] = item["digest"];
  EXPECT_EQ(digests, (std::map<std::string, std::string>{{"chain_16", "2b7f81031de477b0e743157fc2db36a3"},
                                                         {"chain_6", "d67ac437d1c3efef8580eb5065594e97"}}));
}

TEST(Bench, RefusesWhatItCannotMeasure) {
  const ProgramResult suite = run_clvsim({"bench", "--suite", "smoek"});
  EXPECT_EQ(suite.exit_code, 2);
  EXPECT_THAT(suite.err, HasSubstr("'smoek'"));
  const ProgramResult samples = run_clvsim({"bench", "--samples", "2"});
  EXPECT_EQ(samples.exit_code, 2);
  EXPECT_THAT(samples.err, HasSubstr("at least 5"));
}

}  // namespace
}  // namespace clvsim::test
