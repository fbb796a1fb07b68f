// Scenarios and their comparison, as a finance team runs them.
#include "tests/support/places.hpp"
#include "tests/support/program.hpp"

#include <clvsim/migration_chain.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <sstream>

namespace clvsim::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;

const std::filesystem::path configs = CLVSIM_SOURCE_DIR "/configs";

class ProgramScenarios : public testing::Test {
 protected:
  // A synthetic log, its fit, and a run of the base.
  static void SetUpTestSuite() {
    folder_ = new TemporaryFolder;
    ASSERT_EQ(run_clvsim({"generate", "--model", configs / "models/generator_frequent.toml", "--customers", "800",
                          "--observed-periods", "24", "--acquisition-periods", "12", "-o", *folder_ / "log.csv"})
                  .exit_code,
              0);
    // Every third customer came by the web.
    std::istringstream lines(read_file(*folder_ / "log.csv"));
    std::string text, line;
    std::getline(lines, line);
    text = "customer_id,date,amount,channel\n";
    while (std::getline(lines, line)) text += line + ((line[7] - '0') % 3 == 0 ? ",web\n" : ",shop\n");
    write_file(*folder_ / "channels.csv", text);
    ASSERT_EQ(run_clvsim({"import", *folder_ / "channels.csv", "-o", *folder_ / "customers.h5", "--unit", "month",
                          "--segment", "channel", "--observation-end", "1998-12-31"})
                  .exit_code,
              0);
    ASSERT_EQ(
        run_clvsim({"fit", *folder_ / "customers.h5", "--recency-cells", "3", "-o", *folder_ / "model.toml"}).exit_code,
        0);
    ASSERT_EQ(simulate("base.h5", "").exit_code, 0);
  }
  static void TearDownTestSuite() { delete folder_; }

  static ProgramResult simulate(const std::string& run, const std::string& levers,
                                const std::vector<std::string>& flags = {}) {
    std::vector<std::string> arguments{"simulate",     *folder_ / "customers.h5",
                                       "--model",      *folder_ / "model.toml",
                                       "--paths",      "200",
                                       "--sampler",    "ordered",
                                       "--keep-paths", "-o",
                                       *folder_ / run, "--force"};
    const auto by_default = [&](const std::string& flag, const std::string& value) {
      if (std::find(flags.begin(), flags.end(), flag) == flags.end()) arguments.insert(arguments.end(), {flag, value});
    };
    by_default("--horizon", "12");
    by_default("--discount", "0.1");
    if (!levers.empty()) {
      write_file(*folder_ / "scenario.toml", "format = \"clvsim-scenario\"\nversion = 1\n" + levers);
      arguments.insert(arguments.end(), {"--scenario", *folder_ / "scenario.toml"});
    }
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    return run_clvsim(arguments);
  }
  static ProgramResult compare(const std::string& run, const std::vector<std::string>& flags = {}) {
    std::vector<std::string> arguments{"compare", *folder_ / "base.h5", *folder_ / run};
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    return run_clvsim(arguments);
  }
  static std::string lever(const std::string& rest) { return "\n[[lever]]\nname = \"programme\"\n" + rest; }
  static TemporaryFolder* folder_;
};
TemporaryFolder* ProgramScenarios::folder_ = nullptr;

TEST_F(ProgramScenarios, CompareOnCommonRandomNumbers) {
  const ProgramResult run = simulate("kept.h5", lever("target = \"churn\"\noperation = \"multiply\"\nvalue = 0.9\n"));
  ASSERT_EQ(run.exit_code, 0) << run.err;
  const ProgramResult compared = compare("kept.h5", {"--json", "--csv", *folder_ / "differences.csv", "--force"});
  ASSERT_EQ(compared.exit_code, 0) << compared.err;
  const auto document = compared.json();
  const auto comparison = document["comparisons"][0];
  const auto total = comparison["total"];
  EXPECT_GT(total["difference"].get<double>(), 0);
  EXPECT_GT(total["independent_over_paired_se"].get<double>(), 5);
  EXPECT_NEAR(total["other"].get<double>() - total["base"].get<double>(), total["difference"].get<double>(), 1e-6);
  // Segments and customers add up to the total, path by path.
  ASSERT_EQ(comparison["segments"].size(), 2U);
  double of_segments = 0, of_customers = 0, base = 0;
  int n = 0;
  for (const auto& segment : comparison["segments"]) of_segments += segment["value"]["difference"].get<double>();
  EXPECT_NEAR(of_segments, total["difference"].get<double>(), 1e-6);
  std::istringstream lines(read_file(*folder_ / "differences.csv"));
  std::string line;
  std::getline(lines, line);
  EXPECT_EQ(line, "key,segment,run,base,other,difference,se,p_better\r");
  while (std::getline(lines, line)) {
    std::vector<std::string> field;
    std::istringstream text(line);
    for (std::string part; std::getline(text, part, ',');) field.push_back(part);
    ASSERT_EQ(field.size(), 8U) << line;
    ++n;
    base += std::stod(field[3]);
    of_customers += std::stod(field[5]);
    EXPECT_TRUE(field[1] == "web" || field[1] == "shop");
  }
  EXPECT_EQ(n, document["customers"]);
  EXPECT_NEAR(of_customers, total["difference"].get<double>(), 1e-6);
  EXPECT_NEAR(base, total["base"].get<double>(), 1e-4);
  EXPECT_THAT(compare("kept.h5").out, AllOf(HasSubstr("all customers"), HasSubstr("web"), HasSubstr("cvar05")));
}

TEST_F(ProgramScenarios, ALeverWithoutEffectGivesExactlyZero) {
  for (const char* levers : {"target = \"churn\"\noperation = \"multiply\"\nvalue = 1\n",
                             "target = \"purchase\"\noperation = \"add\"\nvalue = 0\nfirst_period = 3\n",
                             "target = \"spend\"\noperation = \"multiply\"\nvalue = 1\n"}) {
    ASSERT_EQ(simulate("same.h5", lever(levers)).exit_code, 0);
    const auto total = compare("same.h5", {"--json"}).json()["comparisons"][0]["total"];
    EXPECT_EQ(total["difference"], 0.0) << levers;
    EXPECT_EQ(total["se"], 0.0) << levers;
    EXPECT_EQ(total["p_better"], 0.0) << levers;
  }
}

// A window that is not yet open, and a segment that is not a customer's, leave it as it is.
TEST_F(ProgramScenarios, LeversAreOnWhereTheyShouldBe) {
  const ProgramResult never =
      simulate("late.h5", lever("target = \"purchase\"\noperation = \"logit\"\nvalue = 0.3\nfirst_period = 13\n"));
  EXPECT_EQ(never.exit_code, 2);
  EXPECT_THAT(never.err, HasSubstr("begins in period 13, after the horizon of 12"));
  ASSERT_EQ(simulate("late.h5", lever("target = \"purchase\"\noperation = \"logit\"\nvalue = 0.3\nfirst_period = 12\n"))
                .exit_code,
            0);
  const auto late = compare("late.h5", {"--json"}).json();
  EXPECT_GT(late["comparisons"][0]["total"]["difference"].get<double>(), 0);
  // Two levers on segments of their own do not contradict each other.
  const std::string set = "target = \"purchase\"\noperation = \"set\"\nvalue = 0.3\n";
  const ProgramResult both = simulate("both.h5", lever(set + "segments = [\"web\"]\n") +
                                                     "[[lever]]\nname = \"other\"\n" + set + "segments = [\"shop\"]\n");
  EXPECT_EQ(both.exit_code, 0) << both.err;
  const ProgramResult web =
      simulate("web.h5", lever("target = \"purchase\"\noperation = \"logit\"\nvalue = 0.5\nsegments = [\"web\"]\n"));
  ASSERT_EQ(web.exit_code, 0) << web.err;
  const auto document = compare("web.h5", {"--json"}).json();
  for (const auto& segment : document["comparisons"][0]["segments"]) {
    if (segment["name"] == "web")
      EXPECT_GT(segment["value"]["difference"].get<double>(), 10 * segment["value"]["se"].get<double>());
    else
      EXPECT_EQ(segment["value"]["difference"], 0.0);
  }
  const ProgramResult typo =
      simulate("never.h5", lever("target = \"purchase\"\noperation = \"logit\"\nvalue = 0.5\nsegments = [\"wbe\"]\n"));
  EXPECT_EQ(typo.exit_code, 2);
  EXPECT_THAT(typo.err, AllOf(HasSubstr("'wbe'"), HasSubstr("[[lever]] out of the scenario")));
  EXPECT_FALSE(std::filesystem::exists(*folder_ / "never.h5"));
}

TEST_F(ProgramScenarios, SpendIsAFactorOfEveryAmount) {
  ASSERT_EQ(simulate("dearer.h5", lever("target = \"spend\"\noperation = \"multiply\"\nvalue = 1.25\n")).exit_code, 0);
  const auto total = compare("dearer.h5", {"--json"}).json()["comparisons"][0]["total"];
  EXPECT_NEAR(total["other"].get<double>() / total["base"].get<double>(), 1.25, 1e-6);
  EXPECT_EQ(total["p_better"], 1.0);
}

TEST_F(ProgramScenarios, InheritFromABase) {
  write_file(*folder_ / "cheap.toml", "format = \"clvsim-scenario\"\nversion = 1\n[simulate]\nhorizon = 5\n" +
                                          lever("target = \"spend\"\noperation = \"multiply\"\nvalue = 0.5\n") +
                                          "[[lever]]\nname = \"visits\"\ntarget = \"purchase\"\noperation = "
                                          "\"multiply\"\nvalue = 1\n");
  write_file(*folder_ / "own.toml", "format = \"clvsim-scenario\"\nversion = 1\nbase = \"cheap.toml\"\n" +
                                        lever("target = \"spend\"\noperation = \"multiply\"\nvalue = 2\n"));
  const auto mean = [&](const std::vector<std::string>& flags) {
    std::vector<std::string> arguments{"simulate", *folder_ / "customers.h5",
                                       "--model",  *folder_ / "model.toml",
                                       "--paths",  "50",
                                       "-o",       *folder_ / "run.h5",
                                       "--force",  "--json"};
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    const ProgramResult result = run_clvsim(arguments);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    const auto document = result.json();
    EXPECT_EQ(document["periods"].size(), 5U);
    return document["total"]["mean"].get<double>();
  };
  const double plain = mean({"--horizon", "5"}), own = mean({"--scenario", *folder_ / "own.toml"});
  EXPECT_NEAR(own / plain, 2, 1e-6) << "the base's lever of the same name is left out";
}

TEST_F(ProgramScenarios, OtherRunsAreNotCompared) {
  ASSERT_EQ(simulate("seed.h5", "", {"--seed", "2"}).exit_code, 0);
  const ProgramResult seed = compare("seed.h5");
  EXPECT_EQ(seed.exit_code, 2);
  EXPECT_THAT(seed.err, HasSubstr("the runs have the seed 1 and 2"));
  ASSERT_EQ(simulate("short.h5", "", {"--horizon", "6"}).exit_code, 0);
  EXPECT_THAT(compare("short.h5").err, HasSubstr("a horizon of 12 and 6"));
  ASSERT_EQ(simulate("rate.h5", "", {"--discount", "0.2"}).exit_code, 0);
  EXPECT_THAT(compare("rate.h5").err, HasSubstr("a discount rate of 0.1 and 0.2"));
  EXPECT_EQ(compare("none.h5").exit_code, 5);
}

// 2,000 customers in 4,000 worlds: the total varies as the pair covariances say, and not as independent customers do.
TEST(ProgramRegimes, AreARiskThatDoesNotAverageOut) {
  const ProgramResult run =
      run_clvsim({"simulate", "--model", configs / "models/two_regimes.toml", "--customers", "2000", "--horizon", "60",
                  "--paths", "4000", "--discount", "0.05", "--discount-period", "month", "--json"});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  const auto total = run.json()["total"], one = run.json()["closed_form"];
  const MigrationChain chain = read_model(configs / "models/two_regimes.toml");
  std::vector<double> discount;
  for (int t = 0; t < 60; ++t) discount.push_back(std::pow(1.05, -t));
  const PeriodGrid grid(Date{0}, chain.unit);
  const PortfolioMoments exact = exact_portfolio(chain, {2000, 0, 0}, discount, grid);
  EXPECT_NEAR(total["mean"].get<double>(), exact.mean, 4 * total["mean_se"].get<double>());
  EXPECT_NEAR(total["sd"].get<double>(), exact.sd, 4 * total["sd_se"].get<double>());
  EXPECT_GT(exact.sd, 5 * exact.sd_independent);
  EXPECT_NEAR(one["mean"].get<double>(), exact.mean / 2000, 1e-9);
}

TEST(ProgramLevers, OfSegmentsNeedAStore) {
  TemporaryFolder folder;
  write_file(folder / "gold.toml",
             "format = \"clvsim-scenario\"\nversion = 1\n[[lever]]\nname = \"x\"\ntarget = \"churn\"\noperation = "
             "\"multiply\"\nvalue = 0.5\nsegments = [\"gold\"]\n");
  const ProgramResult result = run_clvsim({"simulate", "--model", configs / "models/subscription.toml", "--customers",
                                           "2", "--scenario", folder / "gold.toml"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("customers without a store have none"));
  EXPECT_EQ(
      run_clvsim({"simulate", "--model", configs / "models/pareto_nbd.toml", "--customers", "2", "--no-side-effects"})
          .exit_code,
      2);
  const ProgramResult twice = run_clvsim({"simulate", "--model", configs / "models/pareto_nbd.toml", "--customers", "2",
                                          "--parameter-uncertainty", "--parameter-draws", "7"});
  EXPECT_EQ(twice.exit_code, 2);
  EXPECT_THAT(twice.err, HasSubstr("give one of the two"));
}

TEST(ProgramLevers, SideEffectsCanBeLeftOut) {
  const auto exact = [](const std::vector<std::string>& flags) {
    std::vector<std::string> arguments{"simulate",    "--model",    configs / "models/subscription.toml",
                                       "--customers", "1",          "--horizon",
                                       "1500",        "--paths",    "20",
                                       "--discount",  "0.01",       "--discount-period",
                                       "month",       "--scenario", configs / "scenarios/lever_plan_optimisation.toml",
                                       "--json"};
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    const ProgramResult result = run_clvsim(arguments);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return result.json()["closed_form"]["mean"].get<double>();
  };
  EXPECT_NEAR(exact({}), 1485.29, 5e-3);
  EXPECT_NEAR(exact({"--no-side-effects"}), 1782.35, 5e-3);
  const ProgramResult other = run_clvsim({"simulate", "--model", configs / "models/pareto_nbd.toml", "--customers", "2",
                                          "--scenario", configs / "scenarios/lever_plan_optimisation.toml"});
  EXPECT_EQ(other.exit_code, 2);
  EXPECT_THAT(other.err, HasSubstr("is of migration chains"));
}

// Two levers on one chain, against closed forms of every set of them.
TEST(ProgramAttribute, SharesWhatAScenarioChanges) {
  const std::vector<std::string> arguments{"attribute",
                                           "--model",
                                           configs / "models/lifecycle_a_e.toml",
                                           "--scenario",
                                           configs / "scenarios/fewer_lost_dearer.toml",
                                           "--customers",
                                           "50",
                                           "--horizon",
                                           "30",
                                           "--paths",
                                           "2000",
                                           "--discount",
                                           "0.1",
                                           "--json"};
  const ProgramResult result = run_clvsim(arguments);
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto document = result.json();
  const auto levers = document["levers"];
  ASSERT_EQ(levers.size(), 2U);
  EXPECT_NEAR(levers[0]["shapley"]["mean"].get<double>() + levers[1]["shapley"]["mean"].get<double>(),
              document["difference"]["mean"].get<double>(), 1e-9 * document["all"]["mean"].get<double>());
  MigrationChain chain = read_model(configs / "models/lifecycle_a_e.toml");
  std::vector<double> discount;
  for (int t = 0; t < 30; ++t) discount.push_back(std::pow(1.1, -t / 12.0));
  const PeriodGrid grid(Date{0}, chain.unit);
  const double base = 50 * exact_moments(chain, 0, discount, grid).mean;
  chain.levers.push_back(
      {"retention programme", {{LeverTarget::churn, LeverOperation::multiply, 0.9}}, 4, {}, {}, {}, 0});
  const double kept = 50 * exact_moments(chain, 0, discount, grid).mean;
  for (const auto& lever : levers)
    if (lever["name"] == "retention programme") {
      EXPECT_NEAR(lever["alone"]["mean"].get<double>(), kept - base, 4 * lever["alone"]["se"].get<double>());
    }
  EXPECT_NEAR(document["base"]["mean"].get<double>(), base, 4 * document["base"]["se"].get<double>());
  std::vector<std::string> text = arguments;
  text.pop_back();
  EXPECT_THAT(run_clvsim(text).out, AllOf(HasSubstr("Shapley value"), HasSubstr("price rise")));
  const ProgramResult none = run_clvsim({"attribute", "--model", configs / "models/lifecycle_a_e.toml", "--scenario",
                                         configs / "scenarios/three_years.toml", "--customers", "2"});
  EXPECT_EQ(none.exit_code, 2);
  EXPECT_THAT(none.err, HasSubstr("1 to 6 levers"));
  std::vector<std::string> unused = arguments;
  unused.insert(unused.end(), {"--quantiles", "0.1,0.9"});
  EXPECT_THAT(run_clvsim(unused).err, HasSubstr("--quantiles: attribute gives means alone"));
}

// 10,000 customers acquired: a loss of 12 each in year 1, 66.08 after three.
TEST(ProgramLtvTable, HasTheRowsOfTheThreeYearTable) {
  TemporaryFolder folder;
  const ProgramResult run =
      run_clvsim({"simulate", "--model", configs / "models/ltv_three_years.toml", "--customers", "10000", "--horizon",
                  "3", "--discount", "0.2", "--paths", "400", "-o", folder / "run.h5", "--json"});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  const ProgramResult table = run_clvsim({"ltv-table", folder / "run.h5", "--csv", folder / "table.csv", "--json"});
  ASSERT_EQ(table.exit_code, 0) << table.err;
  const auto rows = table.json()["rows"];
  ASSERT_EQ(rows.size(), 3U);
  struct Row {
    double customers, profit, factor, npv, ltv;
  };
  const std::vector<Row> expected{{10000, -120000, 1, -120000, -12},
                                  {6000, 552000, 1 / 1.2, 460000, 34},
                                  {4200, 462000, 1 / 1.44, 320833.33, 66.0833}};
  for (std::size_t t = 0; t < 3; ++t) {
    const auto of = [&](const char* key) { return rows[t][key].get<double>(); };
    EXPECT_NEAR(of("profit"), expected[t].profit, 4.5 * of("profit_se") + 1e-6) << t;
    EXPECT_NEAR(of("npv"), expected[t].npv, 4.5 * of("npv_se") + 5e-3) << t;
    EXPECT_NEAR(of("factor"), expected[t].factor, 1e-12) << t;
    EXPECT_NEAR(of("customers"), expected[t].customers, 4.5 * 50 / 20) << t;  // sd of a path at most 50, 400 paths
    EXPECT_NEAR(of("ltv"), expected[t].ltv, 4.5 * 69.2814 / std::sqrt(10000.0 * 400)) << t;
  }
  // Shares of 10,000 and 6,000 customers, of 400 paths: standard errors 2.4e-4 and 3.0e-4.
  EXPECT_NEAR(rows[0]["retention"].get<double>(), 0.6, 4.5 * 2.4e-4);
  EXPECT_NEAR(rows[1]["retention"].get<double>(), 0.7, 4.5 * 3.0e-4);
  EXPECT_NEAR(rows[2]["cumulative_npv"].get<double>(), run.json()["total"]["mean"].get<double>(),
              10000 * 0.01 / 256);  // a customer's path is rounded to a 256th of a cent
  EXPECT_THAT(read_file(folder / "table.csv"), HasSubstr("period,customers,retention"));
  EXPECT_THAT(run_clvsim({"ltv-table", folder / "run.h5"}).out, HasSubstr("cumulative NPV"));
  EXPECT_EQ(run_clvsim({"ltv-table", folder / "run.h5", "--csv", folder / "table.csv"}).exit_code, 5);
}

}  // namespace
}  // namespace clvsim::test
