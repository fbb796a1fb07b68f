// The bench command: what it measures, that what it measured was right, and what it makes of an earlier measurement.
#include "tests/support/program.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>

namespace clvsim::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

ProgramResult bench(std::vector<std::string> arguments, const ProgramSetting& setting = {}) {
  const std::vector<std::string> quick{"bench", "--samples", "5", "--sample-seconds", "0.005", "--quiet"};
  arguments.insert(arguments.begin(), quick.begin(), quick.end());
  return run_clvsim(arguments, setting);
}

json document_of(const ProgramResult& result) {
  EXPECT_EQ(result.exit_code, 0) << result.err;
  return result.json();
}

std::map<std::string, json> cases_of(const json& document) {
  std::map<std::string, json> cases;
  for (const json& item : document["benchmarks"]) cases[item["name"]] = item;
  return cases;
}

// The fraction is what the document says it is: of the samples of the same number, the median.
void expect_fractions_of_samples(const std::map<std::string, json>& cases) {
  const json& chain = cases.at("chain_6");
  std::vector<double> fractions, speedups;
  for (std::size_t i = 0; i < 5; ++i) {
    const double rate = chain["samples"][i];
    double least_seconds = 0;
    for (const auto& part : chain["limit_work"].items())
      least_seconds += part.value().get<double>() / cases.at(part.key())["samples"][i].get<double>();
    fractions.push_back(least_seconds * rate / chain["work"].get<double>());
    speedups.push_back(rate / cases.at("baseline_scalar")["samples"][i].get<double>());
  }
  std::sort(fractions.begin(), fractions.end());
  std::sort(speedups.begin(), speedups.end());
  EXPECT_NEAR(chain["fraction_of_limit"].get<double>(), fractions[2], 1e-9);
  EXPECT_NEAR(chain["speedup"].get<double>(), speedups[2], 1e-9);
}

// Change detectors: the results of the timed cases, the same on every machine. A new value needs a line under "Results
// changed" in CHANGELOG.md.
void expect_digests(const std::map<std::string, json>& cases) {
  std::map<std::string, std::string> digests;
  for (const auto& [name, item] : cases) {
    if (!item.contains("digest")) continue;
    // chain_6_periods, chain_6_avx2, ...: the customers of chain_6.
    std::string key = name;
    for (const char* suffix : {"_periods", "_avx512", "_avx2", "_scalar"}) {
      if (key.ends_with(suffix)) key.resize(key.size() - std::string(suffix).size());
    }
    EXPECT_EQ(item["digest"], digests.try_emplace(key, item["digest"]).first->second) << name;
  }
  EXPECT_EQ(digests, (std::map<std::string, std::string>{{"chain_16", "88fa9ae666b04c8fbd7756128baf715d"},
                                                         {"chain_6", "fae7afccd501baed58cbe73e15d8b13b"},
                                                         {"chain_64", "8603d58d08ea20ad2dcdb5f52b52f6c9"},
                                                         {"chain_ar1", "262546ad617565231159b4319c3ae9c9"},
                                                         {"chain_default", "2e732d16073e1a9fa549747a278aba25"},
                                                         {"chain_posterior", "c4f2b1205168513f4f6a5eef82ead640"},
                                                         {"chain_regime", "badeb855a16beed0dba3a52980a4576a"},
                                                         {"chain_seasonal", "7c25f59922a1bba28a0c275c1b5ebfcf"},
                                                         {"event_16", "9e2373516876c09c9b65ef795a7b0ed0"},
                                                         {"event_6", "fc9bf2739efc96644dbeab2d90980ace"},
                                                         {"event_6_bare", "ad9e6504dabc15a551862232641b3c3a"},
                                                         {"event_6_dwell_20", "e793ba3c335654b78fbd71d1ae4bd575"},
                                                         {"exp", "0b12a3e85d663d66894770eebce30ad7"},
                                                         {"gamma", "e80862b57f7173de3bac2f98ccbc50d2"},
                                                         {"log", "aaee1bff5ed8d5d01dd3f4d85c3b30e6"},
                                                         {"normal", "994bc2dc3fac7da5692f93051a4e5ca0"},
                                                         {"statistics", "3aec73809b6ea6ecdac69b4f5ec284ff"}}));
}

TEST(Bench, MeasuresTheEngineBesideTheMachine) {
  const json document = document_of(bench({"--suite", "smoke", "--json"}));
  EXPECT_EQ(document["schema"], "clvsim.bench/1");
  EXPECT_FALSE(document["context"]["instruction_sets"].empty());
  for (const char* key : {"date_utc", "cpu", "threads", "compiler", "flags", "version", "commit", "kernel",
                          "memory_bytes", "gpus", "allowed_cpus"})
    EXPECT_TRUE(document["context"].contains(key)) << key;
  const std::string words = "philox_" + document["context"]["instruction_sets"][0].get<std::string>();
  const std::map<std::string, json> cases = cases_of(document);
  ASSERT_TRUE(cases.contains(words));
  for (const json& set : document["context"]["instruction_sets"]) {
    for (const char* function : {"exp_", "log_", "normal_", "gamma_"}) {
      EXPECT_TRUE(cases.contains(function + set.get<std::string>()));
    }
  }
  for (const auto& [name, item] : cases) {
    ASSERT_EQ(item["samples"].size(), 5U) << name;
    for (const json& rate : item["samples"]) EXPECT_GT(rate.get<double>(), 0) << name;
    EXPECT_LE(item["median_ci95"][0], item["median"]) << name;
    EXPECT_GE(item["median_ci95"][1], item["median"]) << name;
    EXPECT_LE(item["p5"], item["p95"]) << name;
    EXPECT_EQ(item["noisy"], item["noise"].get<double>() > 0.02) << name;
    EXPECT_FALSE(item["unit"].get<std::string>().empty()) << name;
    if (!name.starts_with("chain") && !name.starts_with("event")) continue;
    EXPECT_GT(item["fraction_of_limit"].get<double>(), 0) << name;
    EXPECT_FALSE(item["limit_work"].empty()) << name;
    for (const auto& part : item["limit_work"].items()) {
      EXPECT_TRUE(cases.contains(part.key())) << name;
      EXPECT_GT(part.value().get<double>(), 0) << name;
    }
  }
  ASSERT_TRUE(cases.contains("chain_6"));
  EXPECT_EQ(cases.at("chain_6")["limit"], words);
  EXPECT_EQ(cases.at("chain_6")["baseline"], "baseline_scalar");
  expect_fractions_of_samples(cases);
  expect_digests(cases);
}

// The content of files too: change detectors, as above.
TEST(Bench, MeasuresWhatGoesThroughFiles) {
  const TemporaryFolder folder;
  const ProgramResult result = bench({"--suite", "standard", "--filter", "^(import|store_read|run_write)$", "--json"},
                                     {.folder = folder.path(), .environment = {}});
  const std::map<std::string, json> cases = cases_of(document_of(result));
  for (const char* name : {"import", "store_read", "run_write"}) {
    ASSERT_TRUE(cases.contains(name));
    EXPECT_EQ(cases.at(name)["clock"], "wall");
    EXPECT_GT(cases.at(name)["fraction_of_limit"].get<double>(), 0) << name;
  }
  EXPECT_EQ(cases.at("import")["digest"], "4154b3864261d4d7a4752240e2638b35");
  EXPECT_EQ(cases.at("store_read")["digest"], cases.at("import")["digest"]);
  EXPECT_EQ(cases.at("run_write")["digest"], "4547e5d6d97b6fa66a9ac60498d18861");
  EXPECT_EQ(folder.entries(), std::vector<std::string>{});  // nothing is left
}

// As above: models of purchases and of contracts, checked against their closed forms.
TEST(Bench, MeasuresPurchases) {
  const TemporaryFolder folder;
  const ProgramResult result =
      bench({"--suite", "standard", "--filter", "^paths_", "--json"}, {.folder = folder.path(), .environment = {}});
  const std::map<std::string, json> cases = cases_of(document_of(result));
  const std::map<std::string, std::string> digests{{"paths_pareto_nbd", "fabf9631769920d9e306f993a50833d4"},
                                                   {"paths_bg_nbd", "eb13247b05ee99774b621e0c772b8f1e"},
                                                   {"paths_mbg_nbd", "59f1ccf036d6419bcdf1bf884ea0535b"},
                                                   {"paths_bg_cnbd_2", "ad36658a2b70bf51792b847b54bea0af"},
                                                   {"paths_bg_bb", "e30484b46768b431320834e5e253bda2"},
                                                   {"paths_sbg", "0f6b0865cb59a6ec239a95c6ce06923a"},
                                                   {"paths_dirichlet", "aa1afe25022b7c7e921f5b64c8de3e13"},
                                                   {"paths_mbg_cnbd_2", "01d0cb8aa463ddb53890dc536422fd04"},
                                                   {"paths_log_normal", "3b3bb893eb3a94b5855fed9be88e89ca"},
                                                   {"paths_classes", "3adb633ca156c495cc3d5053959370f2"},
                                                   {"paths_bdw", "ae3f9558a4ee748d0ae2ac4aefbec13e"},
                                                   {"paths_geometric", "1ea4ca7c1c0fc3382c1b96c8e669bc4d"},
                                                   {"paths_discrete_weibull", "f6eefbf7320134fdabd53af85fd50708"}};
  for (const auto& [name, digest] : digests) {
    ASSERT_TRUE(cases.contains(name)) << name;
    EXPECT_EQ(cases.at(name)["digest"], digest) << name;
    EXPECT_GT(cases.at(name)["fraction_of_limit"].get<double>(), 0) << name;
  }
}

// As above: maxima, checked against what their customers were drawn from.
TEST(Bench, MeasuresFits) {
  const TemporaryFolder folder;
  const ProgramResult result = bench({"--suite", "standard", "--filter", "^(fit|likelihood)_", "--json"},
                                     {.folder = folder.path(), .environment = {}});
  const std::map<std::string, json> cases = cases_of(document_of(result));
  const std::map<std::string, std::string> digests{
      {"fit_pareto_nbd", "3f4a88ce7110d205ac61fcc6bf9f6df9"}, {"fit_bg_nbd", "031d705fee065d1d59871e6c90276530"},
      {"fit_mbg_nbd", "d580d07501a28d88f2ce952ad92f3863"},    {"fit_gamma_gamma", "c3d6c87168ff49ee06bc76e7ef920588"},
      {"fit_bg_cnbd_k", "2798b92d736a40750471e10c15aeeee3"},  {"fit_mbg_cnbd_k", "bde61024cf0a3665c07c1d0b52a9a117"},
      {"fit_bg_bb", "4029c0c4b1092847b636a5337bcb790a"},      {"fit_log_normal", "c8f753ea7a78d30127c615ebba9b1ba5"},
      {"fit_sbg", "9985933c14f12cafda5733f0daa2a493"},        {"fit_bdw", "f947da47e5fa26e2bdfa874be30c9729"}};
  for (const auto& [name, digest] : digests) {
    ASSERT_TRUE(cases.contains(name)) << name;
    EXPECT_EQ(cases.at(name)["digest"], digest) << name;
  }
  for (const char* name : {"likelihood_pareto_nbd", "likelihood_bg_nbd"})
    EXPECT_GT(cases.at(name)["fraction_of_limit"].get<double>(), 0) << name;
}

TEST(Bench, MeasuresTheWholeLine) {
  const TemporaryFolder folder;
  const ProgramResult result = bench({"--suite", "standard", "--filter", "^end_to_end$", "--json"},
                                     {.folder = folder.path(), .environment = {}});
  const std::map<std::string, json> cases = cases_of(document_of(result));
  EXPECT_EQ(cases.at("end_to_end")["limit_work"].size(), 3U);
  EXPECT_EQ(cases.at("end_to_end")["digest"], "eb14326e37a7c6556b98ca9c26f97411");
  EXPECT_EQ(folder.entries(), std::vector<std::string>{});
}

TEST(Bench, NeedsAFolderThatItMayWriteTo) {
  const ProgramResult result =
      bench({"--suite", "standard", "--filter", "^file_write$"}, {.folder = "/proc", .environment = {}});
  EXPECT_EQ(result.exit_code, 5);
  EXPECT_EQ(result.out, "");
}

TEST(Bench, MeasuresMoreThreadsAndMoreCustomers) {
  const json document =
      document_of(bench({"--suite", "scaling", "--filter", "strong_1$|_weak_2$|customers_10000?$", "--json"}));
  const std::map<std::string, json> cases = cases_of(document);
  const std::string customers = cases.at("scaling_customers_1000")["digest"];
  for (const auto& [name, item] : cases) {
    EXPECT_EQ(item["clock"], "wall") << name;
    EXPECT_EQ(item["digest"], customers) << name;  // of the first customers: threads and their number change nothing
  }
  EXPECT_EQ(cases.at("scaling_customers_10000")["baseline"], "scaling_customers_1000");
  if (document["context"]["threads"] == 1) return;  // one thread has nothing to scale over
  const json& two = cases.at("scaling_weak_2");
  EXPECT_EQ(two["threads"], 2);
  EXPECT_NEAR(two["parallel_efficiency"].get<double>(), two["speedup"].get<double>() / 2, 1e-9);
}

// A GPU is measured where there is one, and named where there is none.
TEST(Bench, SkipsAGpuThatIsNotThere) {
  const ProgramResult result = bench({"--device", "cuda:1000", "--filter", "cuda", "--json"});
  for (const auto& [name, item] : cases_of(document_of(result))) {
    EXPECT_THAT(name, HasSubstr("cuda"));
    EXPECT_FALSE(item["skipped"].get<std::string>().empty()) << name;
    EXPECT_FALSE(item.contains("samples")) << name;
  }
  const ProgramResult text = bench({"--device", "cuda:1000", "--filter", "cuda"});
  EXPECT_THAT(text.out, HasSubstr("chain_6_cuda"));
  EXPECT_THAT(text.out, HasSubstr("skipped: "));
}

TEST(Bench, RunsSomeCasesWithWhatTheyAreMeasuredBy) {
  const std::map<std::string, json> cases = cases_of(document_of(bench({"--filter", "^chain_6$", "--json"})));
  EXPECT_EQ(cases.size(), 3U);
  EXPECT_TRUE(cases.contains("chain_6"));
  EXPECT_TRUE(cases.contains("baseline_scalar"));
  EXPECT_TRUE(cases.at("chain_6").contains("fraction_of_limit"));
  const ProgramResult text = bench({"--filter", "^statistics$"});
  EXPECT_EQ(text.exit_code, 0);
  EXPECT_THAT(text.out, HasSubstr("statistics "));
  EXPECT_THAT(text.out, HasSubstr("copy_cache"));
  EXPECT_THAT(text.out, Not(HasSubstr("chain_6")));
}

TEST(Bench, WritesTheDocumentWhole) {
  const TemporaryFolder folder;
  const std::string file = (folder / "now.json").string();
  const ProgramResult first = bench({"--filter", "^philox_scalar$", "--json", "--output", file});
  EXPECT_EQ(first.exit_code, 0) << first.err;
  EXPECT_EQ(first.out, read_file(file));
  EXPECT_EQ(folder.entries(), (std::vector<std::string>{"now.json"}));
  const ProgramResult again = bench({"--filter", "^philox_scalar$", "--output", file});
  EXPECT_EQ(again.exit_code, 5);
  EXPECT_THAT(again.err, HasSubstr("--force"));
  EXPECT_EQ(first.out, read_file(file));
  EXPECT_EQ(bench({"--filter", "^philox_scalar$", "--output", file, "--force"}).exit_code, 0);
  const ProgramResult same = bench({"--filter", "^philox_scalar$", "--output", file, "--force", "--compare", file});
  EXPECT_EQ(same.exit_code, 2);
  EXPECT_THAT(same.err, HasSubstr("is the input"));
}

class BenchComparison : public testing::Test {
 protected:
  // The document of a run, its rates multiplied.
  [[nodiscard]] std::string earlier(double factor, const std::string& cpu = "") const {
    json document = document_of(bench({"--filter", "^philox_scalar$", "--json"}));
    for (json& item : document["benchmarks"])
      for (json& rate : item["samples"]) rate = rate.get<double>() * factor;
    if (!cpu.empty()) document["context"]["cpu"] = cpu;
    return write(document.dump());
  }
  [[nodiscard]] std::string write(const std::string& text) const {
    const std::string path = (folder_ / "old.json").string();
    std::ofstream(path) << text;
    return path;
  }
  [[nodiscard]] ProgramResult against(const std::string& old, std::vector<std::string> more = {}) const {
    more.insert(more.end(), {"--filter", "^philox_scalar$", "--compare", old});
    return bench(more);
  }

 private:
  TemporaryFolder folder_;
};

// Factors far beyond what neighbours on the machine can do.
TEST_F(BenchComparison, TellsFasterFromSlower) {
  const json faster = document_of(against(earlier(0.1), {"--json"}))["comparison"];
  ASSERT_EQ(faster["cases"].size(), 1U);
  EXPECT_EQ(faster["cases"][0]["verdict"], "faster");
  EXPECT_GT(faster["cases"][0]["ratio"].get<double>(), 3);
  EXPECT_LE(faster["cases"][0]["ratio_ci95"][0], faster["cases"][0]["ratio"]);
  const std::string old = earlier(10);
  const ProgramResult slower = against(old);
  EXPECT_EQ(slower.exit_code, 0);
  EXPECT_THAT(slower.out, HasSubstr("slower"));
  const ProgramResult failed = against(old, {"--fail-if-slower"});
  EXPECT_EQ(failed.exit_code, 4);
  EXPECT_THAT(failed.out, HasSubstr("slower"));  // the measurement is shown all the same
  EXPECT_THAT(failed.err, HasSubstr("philox_scalar (0."));
  EXPECT_EQ(against(earlier(0.1), {"--fail-if-slower"}).exit_code, 0);
}

TEST_F(BenchComparison, GivesNoVerdictOnAnotherMachine) {
  const std::string old = earlier(10, "Another CPU");
  const ProgramResult result = against(old);
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.out, HasSubstr("ANOTHER MACHINE"));
  EXPECT_THAT(result.out, HasSubstr("Another CPU"));
  EXPECT_THAT(result.out, Not(HasSubstr("slower")));
  const json document = document_of(against(old, {"--json"}))["comparison"];
  EXPECT_EQ(document["device_differences"].size(), 1U);
  EXPECT_TRUE(document["cases"][0]["verdict"].is_null());
  const ProgramResult refused = against(old, {"--fail-if-slower"});
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.err, HasSubstr("another machine"));
  EXPECT_EQ(refused.out, "");
}

TEST_F(BenchComparison, RefusesWhatIsNoBenchmark) {
  const auto error_of = [&](const std::string& text) {
    const ProgramResult result = against(write(text));
    EXPECT_EQ(result.exit_code, 6) << text;
    EXPECT_EQ(result.out, "");
    return result.err;
  };
  EXPECT_THAT(error_of("not JSON"), HasSubstr("no document of clvsim bench"));
  EXPECT_THAT(error_of("{}"), HasSubstr("no document of clvsim bench"));
  EXPECT_THAT(error_of(R"({"schema": "clvsim.bench/9"})"), HasSubstr("clvsim.bench/9"));
  EXPECT_THAT(error_of(R"({"schema": "clvsim.bench/1", "context": {}, "benchmarks":
      [{"name": "philox_scalar", "unit": "words/s", "samples": [1, 0]}]})"),
              HasSubstr("not positive"));
  const ProgramResult absent = against("/nonexistent/old.json");
  EXPECT_EQ(absent.exit_code, 5);
  const ProgramResult alone = bench({"--fail-if-slower"});
  EXPECT_EQ(alone.exit_code, 2);
  EXPECT_THAT(alone.err, HasSubstr("--compare"));
}

TEST_F(BenchComparison, ComparesWhatBothHave) {
  const std::string old = write(
      R"({"schema": "clvsim.bench/1", "context": {}, "benchmarks": [{"name": "elsewhere", "unit": "words/s",
      "samples": [1]}, {"name": "philox_scalar", "unit": "furlongs/s", "samples": [1]}]})");
  const ProgramResult result = against(old);
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.out, HasSubstr("no case in common"));
}

TEST(Bench, RefusesWhatItCannotMeasure) {
  const ProgramResult suite = bench({"--suite", "smoek"});
  EXPECT_EQ(suite.exit_code, 2);
  EXPECT_THAT(suite.err, HasSubstr("'smoek'"));
  EXPECT_THAT(suite.err, HasSubstr("did you mean 'smoke'"));
  const ProgramResult samples = run_clvsim({"bench", "--samples", "2"});
  EXPECT_EQ(samples.exit_code, 2);
  EXPECT_THAT(samples.err, HasSubstr("at least 5"));
  const ProgramResult expression = bench({"--filter", "chain["});
  EXPECT_EQ(expression.exit_code, 2);
  EXPECT_THAT(expression.err, HasSubstr("no regular expression"));
  const ProgramResult nothing = bench({"--filter", "^chian"});
  EXPECT_EQ(nothing.exit_code, 2);
  EXPECT_THAT(nothing.err, HasSubstr("chain_6,"));
  const ProgramResult device = bench({"--device", "cpu:avx2"});
  EXPECT_EQ(device.exit_code, 2);
  EXPECT_THAT(device.err, HasSubstr("cuda:INDEX"));
}

}  // namespace
}  // namespace clvsim::test
