// clvsim fit with draws of the parameters, and of BG/BB, as a user runs them.
#include "tests/support/drawn_log.hpp"
#include "tests/support/program.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <sstream>
#include <utility>

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
  EXPECT_EQ(run.json()["exhausted_draws"], 0);
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
  const ProgramResult short_for = simulate({"--parameter-uncertainty"});
  EXPECT_EQ(short_for.exit_code, 2);
  EXPECT_THAT(short_for.err, HasSubstr("200 parameter draws of 60 paths"));
  EXPECT_EQ(fit("mbg_nbd", {"--spend", "pareto"}).exit_code, 2);
  const ProgramResult tested =
      run_clvsim({"backtest", *folder_ / "customers.h5", "--model", "mbg_nbd", "--spend", "log_normal", "--json"});
  ASSERT_EQ(tested.exit_code, 0) << tested.err;
  EXPECT_EQ(tested.json()["models"][0]["model"], "mbg_nbd");
}

// Levels of q = .64 and .25: a few customers spend nearly all.
TEST_F(ProgramFits, OfGammaGammaRefuseAnInfiniteMean) {
  for (const auto& [q, found] : {std::pair(0.64, "q = 0.6"), std::pair(0.25, "q = 0.2")}) {
    SCOPED_TRACE(q);
    std::mt19937_64 random(9);
    const auto gamma = [&](double shape) { return std::gamma_distribution<double>(shape)(random); };
    std::string log = "customer_id,date,amount\n";
    for (int i = 0; i < 800; ++i) {
      const double level = 20 / gamma(q);
      for (int day = 1; day <= 2 + i % 5; ++day)
        log += fmt::format("c{},2025-01-{:02},{:.2f}\n", i, day, 0.01 + level * gamma(4));
    }
    write_file(*folder_ / "wild.csv", log);
    const ProgramResult imported = run_clvsim({"import", *folder_ / "wild.csv", "-o", *folder_ / "wild.h5", "--force"});
    ASSERT_EQ(imported.exit_code, 0) << imported.err;
    const ProgramResult result = fit("gamma_gamma", {}, "wild.h5");
    EXPECT_EQ(result.exit_code, 4);
    EXPECT_EQ(result.out, "");
    EXPECT_THAT(result.err, AllOf(HasSubstr(found), HasSubstr("at q <= 1 the mean spend of new customers is infinite"),
                                  HasSubstr("--spend log_normal")));
  }
}

TEST_F(ProgramFits, OfCustomersThatDifferGoThroughTheFile) {
  const ProgramResult result = fit("migration_chain", {"--recency-cells", "4", "--heterogeneity", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto document = result.json();
  int n = 0;
  for (const auto& row : document["heterogeneity"]) {
    ASSERT_NE(row.contains("concentration"), row.contains("note")) << row;
    if (!row.contains("concentration")) continue;
    ++n;
    EXPECT_GT(row["concentration"].get<double>(), 0);
    EXPECT_GT(row["standard_error"].get<double>(), 0);
    EXPECT_GE(row["log_likelihood"].get<double>(), row["log_likelihood_alike"].get<double>());
  }
  EXPECT_GE(n, 2);
  EXPECT_THAT(read_file(*folder_ / "model.toml"), HasSubstr("\nconcentration = "));
  const ProgramResult run = simulate({"--json"});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(run.json()["sampler"], "philox4x32-10 dirichlet 1");
  EXPECT_EQ(run.json()["exhausted_draws"], 0);
  for (const std::vector<std::string>& flags :
       {std::vector<std::string>{"--sampler", "event"}, std::vector<std::string>{"--parameter-draws", "10"}}) {
    const ProgramResult refused = simulate(flags);
    EXPECT_EQ(refused.exit_code, 2);
    EXPECT_THAT(refused.err, AllOf(HasSubstr(flags.front()), HasSubstr("customers of the model differ")));
  }
  const ProgramResult text = fit("migration_chain", {"--recency-cells", "4", "--heterogeneity"});
  EXPECT_THAT(text.out,
              AllOf(HasSubstr("customers differ in"), HasSubstr("cannot be told: no customer was there twice")));
  EXPECT_EQ(fit("pareto_nbd", {"--heterogeneity"}).exit_code, 2);
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

// Two channels, of one of which customers buy twice as often; and a third of ten customers.
TEST_F(ProgramFits, BySegmentTellChannelsApart) {
  std::string log = "customer_id,date,amount,channel\n";
  const DrawnLogOptions slow{.n_customers = 2500, .r = 0.8, .alpha = 12},
      fast{.n_customers = 2500, .r = 1.2, .alpha = 6};
  DrawnLogOptions few = slow;
  few.n_customers = 10;
  for (const auto& [options, channel] : {std::pair(slow, "shop"), std::pair(fast, "web"), std::pair(few, "fair")}) {
    std::istringstream rows(drawn_log(options).csv);
    std::string row;
    std::getline(rows, row);
    while (std::getline(rows, row)) log += fmt::format("{}{},{}\n", channel, row, channel);
  }
  write_file(*folder_ / "channels.csv", log);
  ASSERT_EQ(run_clvsim({"import", *folder_ / "channels.csv", "-o", *folder_ / "channels.h5", "--unit", "week",
                        "--segment", "channel", "--observation-end", to_string(calibration_end(slow))})
                .exit_code,
            0);
  const std::vector<std::string> flags{"--by-segment", "--uncertainty", "bootstrap", "--draws", "10", "--json"};
  const ProgramResult result = fit("mbg_nbd", flags, "channels.h5");
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto segments = result.json()["segments"];
  ASSERT_EQ(segments.size(), 3U);
  EXPECT_EQ(segments[0]["name"], "fair");
  EXPECT_THAT(segments[0]["refused"].get<std::string>(), HasSubstr("has the parameters of all"));
  const auto expect_near = [&](const nlohmann::json& segment, const char* name, const std::string& what, double truth) {
    EXPECT_EQ(segment["name"], name);
    EXPECT_NEAR(segment["parameters"][what].get<double>(), truth, 4 * segment["standard_errors"][what].get<double>());
  };
  expect_near(segments[1], "shop", "alpha", slow.alpha);
  expect_near(segments[1], "shop", "r", slow.r);
  expect_near(segments[2], "web", "alpha", fast.alpha);
  expect_near(segments[2], "web", "r", fast.r);

  // What is simulated of a segment is what its own parameters say, by the closed forms.
  const ProgramResult run = simulate({"--json"}, "channels.h5");
  ASSERT_EQ(run.exit_code, 0) << run.err;
  ASSERT_EQ(run_clvsim({"export", *folder_ / "run.h5", "--csv", *folder_ / "run.csv", "--force"}).exit_code, 0);
  std::map<std::string, double> expected;
  std::istringstream rows(read_file(*folder_ / "run.csv"));
  std::string row;
  std::getline(rows, row);
  std::vector<std::string> names;
  const auto fields_of = [](const std::string& line) {
    std::vector<std::string> fields;
    std::istringstream text(line);
    for (std::string field; std::getline(text, field, ',');) fields.push_back(field);
    return fields;
  };
  names = fields_of(row);
  const auto at =
      static_cast<std::size_t>(std::find(names.begin(), names.end(), "expected_transactions") - names.begin());
  while (std::getline(rows, row)) {
    const auto fields = fields_of(row);
    expected[fields.at(1)] += std::stod(fields.at(at));
  }
  const auto segments_of_run = run.json()["segments"];
  for (const auto& segment : segments_of_run) {
    if (segment["customers"] == 0) continue;
    EXPECT_NEAR(segment["transactions"]["mean"].get<double>(), expected.at(segment["name"]),
                4 * segment["transactions"]["se"].get<double>())
        << segment["name"];
  }
  EXPECT_GT(expected.at("web"), 1.5 * expected.at("shop"));
  EXPECT_EQ(simulate({"--parameter-draws", "10"}, "channels.h5").exit_code, 0);
  EXPECT_EQ(fit("mbg_nbd", {"--by-segment"}).exit_code, 2);  // a store without segments
  EXPECT_EQ(fit("gamma_gamma", {"--by-segment"}, "channels.h5").exit_code, 2);
  EXPECT_THAT(fit("mbg_nbd", {"--by-segment"}, "channels.h5").out, AllOf(HasSubstr("web"), HasSubstr("customers")));

  // A chain has rows of its own in each channel, with concentrations of their own.
  const std::vector<std::string> chain{"--recency-cells", "4", "--heterogeneity", "--by-segment"};
  EXPECT_THAT(fit("migration_chain", chain, "channels.h5").out, AllOf(HasSubstr("own rows"), HasSubstr("log-lik. +")));
  const ProgramResult rows_fit =
      fit("migration_chain", {"--recency-cells", "4", "--heterogeneity", "--by-segment", "--json"}, "channels.h5");
  ASSERT_EQ(rows_fit.exit_code, 0) << rows_fit.err;
  const auto of_segments = rows_fit.json()["segments"];
  ASSERT_EQ(of_segments.size(), 3U);
  EXPECT_LE(of_segments[0]["rows"].get<int>(), 2) << "few customers";
  for (const std::size_t s : {1U, 2U}) {
    EXPECT_GT(of_segments[s]["rows"].get<int>(), 3);
    EXPECT_GT(of_segments[s]["log_likelihood"].get<double>(), of_segments[s]["log_likelihood_of_all"].get<double>());
    EXPECT_EQ(of_segments[s]["heterogeneity"].size(), of_segments[s]["rows"].get<std::size_t>());
  }
  EXPECT_THAT(read_file(*folder_ / "model.toml"),
              AllOf(HasSubstr("[[segment]]\nname = \"shop\""), HasSubstr("[[segment]]\nname = \"web\"")));
  const ProgramResult chain_run = simulate({"--json"}, "channels.h5");
  ASSERT_EQ(chain_run.exit_code, 0) << chain_run.err;
  std::map<std::string, double> purchases;
  const auto segments_of_chain_run = chain_run.json()["segments"];
  for (const auto& segment : segments_of_chain_run)
    purchases[segment["name"]] = segment["transactions"]["mean"].get<double>();
  EXPECT_GT(purchases.at("web"), 1.5 * purchases.at("shop"));
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
