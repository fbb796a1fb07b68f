// clvsim fit with draws of the parameters, and of BG/BB, as a user runs them.
#include "tests/support/drawn_log.hpp"
#include "tests/support/program.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace clvsim::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class ProgramFits : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new TemporaryFolder;
    const DrawnLogOptions drawn{.n_customers = 1200};
    write_file(*folder_ / "log.csv", drawn_log(drawn).csv);
    const ProgramResult imported =
        run_clvsim({"import", *folder_ / "log.csv", "-o", *folder_ / "customers.h5", "--unit", "week",
                    "--observation-end", to_string(calibration_end(drawn))});
    ASSERT_EQ(imported.exit_code, 0) << imported.err;
  }
  static void TearDownTestSuite() { delete folder_; }
  static ProgramResult fit(const std::string& model, const std::vector<std::string>& flags,
                           const std::string& store = "customers.h5") {
    std::vector<std::string> arguments{"fit", *folder_ / store,        "--model", model,
                                       "-o",  *folder_ / "model.toml", "--force"};
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    return run_clvsim(arguments);
  }
  static ProgramResult simulate(const std::vector<std::string>& flags, const std::string& store = "customers.h5") {
    std::vector<std::string> arguments{
        "simulate", *folder_ / store,    "--model", *folder_ / "model.toml", "--horizon", "12", "--paths", "60",
        "-o",       *folder_ / "run.h5", "--force"};
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    return run_clvsim(arguments);
  }
  static TemporaryFolder* folder_;
};
TemporaryFolder* ProgramFits::folder_ = nullptr;

TEST_F(ProgramFits, KeepDrawsOfABootstrapInTheModelAndSimulateWithThem) {
  const ProgramResult result =
      fit("mbg_nbd", {"--uncertainty", "bootstrap", "--draws", "30", "--threads", "1", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto document = result.json();
  EXPECT_EQ(document["uncertainty"]["method"], "bootstrap");
  EXPECT_EQ(document["uncertainty"]["draws"], 30);
  for (const auto& [name, error] : document["standard_errors"].items()) {
    const double ratio = document["uncertainty"]["standard_deviations"][name].get<double>() / error.get<double>();
    EXPECT_GT(ratio, 0.4) << name;
    EXPECT_LT(ratio, 2.5) << name;
  }
  const std::string written = read_file(*folder_ / "model.toml");
  const ProgramResult text = fit("mbg_nbd", {"--uncertainty", "bootstrap", "--draws", "30", "--threads", "3"});
  EXPECT_EQ(read_file(*folder_ / "model.toml"), written);
  EXPECT_THAT(text.out,
              AllOf(HasSubstr("bootstrap s.d."), HasSubstr("30 draws of the parameters, by Bayesian bootstrap")));

  const ProgramResult run = simulate({"--parameter-draws", "30", "--json"});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  const ProgramResult more = simulate({"--parameter-draws", "31"});
  EXPECT_EQ(more.exit_code, 2);
  EXPECT_THAT(more.err, HasSubstr("has 30 draws of its parameters"));
  // Other draws are other runs; none is asked for by default.
  EXPECT_NE(fit("mbg_nbd", {"--uncertainty", "bootstrap", "--draws", "30", "--seed", "2"}).out, text.out);
  EXPECT_NE(read_file(*folder_ / "model.toml"), written);
  EXPECT_EQ(fit("mbg_nbd", {"--json"}).json()["uncertainty"]["method"], "hessian");
}

TEST_F(ProgramFits, OfLogNormalSpendGoThroughTheFile) {
  const ProgramResult result = fit("mbg_nbd", {"--spend", "log_normal", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto spend = result.json()["spend"];
  EXPECT_EQ(spend["model"], "log_normal");
  for (const char* name : {"median", "between_sd", "within_sd", "smearing"}) EXPECT_GT(spend[name].get<double>(), 0);
  EXPECT_THAT(fit("mbg_nbd", {"--spend", "log_normal"}).out, HasSubstr("log_normal median"));
  const ProgramResult run = simulate({"--parameter-draws", "20", "--json"});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(fit("mbg_nbd", {"--spend", "pareto"}).exit_code, 2);
  const ProgramResult tested =
      run_clvsim({"backtest", *folder_ / "customers.h5", "--model", "mbg_nbd", "--spend", "log_normal", "--json"});
  ASSERT_EQ(tested.exit_code, 0) << tested.err;
  EXPECT_EQ(tested.json()["models"][0]["model"], "mbg_nbd");
}

TEST_F(ProgramFits, OfABootstrapRefuseWhatDoesNotGoTogether) {
  const auto expect = [](const ProgramResult& result, const std::string& words) {
    EXPECT_EQ(result.exit_code, 2) << result.out;
    EXPECT_THAT(result.err, HasSubstr(words));
  };
  expect(fit("mbg_nbd", {"--draws", "30"}), "--draws is a setting of --uncertainty bootstrap");
  expect(fit("mbg_nbd", {"--uncertainty", "hessian", "--seed", "3"}), "--seed is a setting of --uncertainty bootstrap");
  expect(fit("migration_chain", {"--uncertainty", "bootstrap"}),
         "--uncertainty is a setting of models with a likelihood");
  expect(fit("mbg_nbd", {"--uncertainty", "bootstrap", "--draws", "5000"}), "--draws");
  expect(fit("mbg_nbd", {"--uncertainty", "jackknife"}), "--uncertainty");
}

// A yearly appeal: donors of BG/BB with alpha 1.2, beta 0.75, gamma 0.66, delta 2.8, six appeals after the first gift.
TEST_F(ProgramFits, OfBgBbCountPeriods) {
  std::mt19937_64 random(6);
  const auto beta = [&](double a, double b) {
    const double x = std::gamma_distribution<double>(a)(random);
    return x / (x + std::gamma_distribution<double>(b)(random));
  };
  std::string log = "customer_id,date,amount\n";
  for (int i = 0; i < 8000; ++i) {
    const double gives = beta(1.2, 0.75), leaves = beta(0.66, 2.8),
                 level = 60 / std::gamma_distribution<double>(4)(random);
    for (int year = 2018; year <= 2024; ++year) {
      if (year > 2018 && std::uniform_real_distribution<double>()(random) < leaves) break;
      if (year > 2018 && std::uniform_real_distribution<double>()(random) >= gives) continue;
      log += fmt::format("d{},{}-{:02}-15,{:.2f}\n", i, year, 1 + i % 12,
                         0.01 + level * std::gamma_distribution<double>(5, 0.2)(random));
    }
  }
  write_file(*folder_ / "donors.csv", log);
  ASSERT_EQ(run_clvsim({"import", *folder_ / "donors.csv", "-o", *folder_ / "donors.h5", "--unit", "year",
                        "--observation-end", "2024-12-31"})
                .exit_code,
            0);
  const ProgramResult result = fit("bg_bb", {"--json"}, "donors.h5");
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto document = result.json();
  EXPECT_EQ(document["customers"], 8000);
  const std::pair<const char*, double> truth[] = {{"alpha", 1.2}, {"beta", 0.75}, {"gamma", 0.66}, {"delta", 2.8}};
  for (const auto& [name, value] : truth)
    EXPECT_NEAR(document["parameters"][name].get<double>(), value, 4 * document["standard_errors"][name].get<double>())
        << name;
  const ProgramResult run = simulate({"--json"}, "donors.h5");
  ASSERT_EQ(run.exit_code, 0) << run.err;

  // A log of customers who buy more often is no log of opportunities.
  const ProgramResult crowded = fit("bg_bb", {});
  EXPECT_EQ(crowded.exit_code, 3);
  EXPECT_THAT(crowded.err, AllOf(HasSubstr("customers bought more than once in a week"), HasSubstr("--unit"),
                                 HasSubstr("pareto_nbd")));
  ASSERT_EQ(fit("bg_bb", {}, "donors.h5").exit_code, 0);
  std::string model = read_file(*folder_ / "model.toml");
  model.replace(model.find("period = \"year\""), 15, "period = \"week\"");
  write_file(*folder_ / "model.toml", model);
  const ProgramResult refused = simulate({});
  EXPECT_EQ(refused.exit_code, 3);
  EXPECT_THAT(refused.err, AllOf(HasSubstr("customer 'c"), HasSubstr("bought more than once in a week")));
}

}  // namespace
}  // namespace clvsim::test
