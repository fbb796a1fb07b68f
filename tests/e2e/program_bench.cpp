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
    EXPECT_TRUE(cases.contains(item["limit"])) << name;
    EXPECT_GT(item["fraction_of_limit"].get<double>(), 0) << name;
  }
  ASSERT_TRUE(cases.contains("chain_6"));
  EXPECT_EQ(cases["chain_6"]["limit"], words);
}

// Change detectors: the results of the timed cases, the same on every machine. A new value needs a line under "Results
// changed" in CHANGELOG.md.
TEST(Bench, DigestsAreTheSameEverywhere) {
  const nlohmann::json document = short_bench();
  std::map<std::string, std::string> digests;
  for (const nlohmann::json& item : document["benchmarks"]) {
    if (!item.contains("digest")) continue;
    // chain_6_periods, chain_6_avx2, ...: the customers of chain_6.
    const std::string name = item["name"];
    std::string key = name;
    for (const char* suffix : {"_periods", "_avx2", "_scalar"}) {
      if (key.ends_with(suffix)) key.resize(key.size() - std::string(suffix).size());
    }
    EXPECT_EQ(item["digest"], digests.try_emplace(key, item["digest"]).first->second) << name;
  }
  EXPECT_EQ(digests, (std::map<std::string, std::string>{{"chain_16", "88fa9ae666b04c8fbd7756128baf715d"},
                                                         {"chain_6", "fae7afccd501baed58cbe73e15d8b13b"},
                                                         {"chain_ar1", "c0508d1b731f45af1d66941b83aaa1a8"},
                                                         {"chain_regime", "badeb855a16beed0dba3a52980a4576a"},
                                                         {"chain_seasonal", "7c25f59922a1bba28a0c275c1b5ebfcf"},
                                                         {"event_16", "9e2373516876c09c9b65ef795a7b0ed0"},
                                                         {"event_6", "fc9bf2739efc96644dbeab2d90980ace"},
                                                         {"event_6_bare", "ad9e6504dabc15a551862232641b3c3a"},
                                                         {"event_6_dwell_20", "e793ba3c335654b78fbd71d1ae4bd575"}}));
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
