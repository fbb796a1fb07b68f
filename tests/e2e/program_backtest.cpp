// clvsim backtest and fit --model auto, as a user runs them.
#include "tests/support/drawn_log.hpp"
#include "tests/support/program.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <map>
#include <sstream>
#include <string>
#include <vector>

namespace clvsim::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

const DrawnLogOptions drawn{.n_customers = 1200};

class ProgramBacktest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new TemporaryFolder;
    log_ = new DrawnLog(drawn_log(drawn));
    write_file(*folder_ / "log.csv", log_->csv);
    import_log("log.csv", "customers.h5");
  }
  static void TearDownTestSuite() {
    delete log_;
    delete folder_;
  }
  static void import_log(const std::string& log, const std::string& store) {
    const ProgramResult imported = run_clvsim({"import", *folder_ / log, "-o", *folder_ / store, "--currency", "EUR",
                                               "--observation-end", to_string(calibration_end(drawn)), "--force"});
    ASSERT_EQ(imported.exit_code, 0) << imported.err;
  }
  static ProgramResult backtest(const std::vector<std::string>& flags, const std::string& store = "customers.h5") {
    std::vector<std::string> arguments{"backtest", *folder_ / store, "--parameter-draws", "20"};
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    return run_clvsim(arguments);
  }
  static TemporaryFolder* folder_;
  static DrawnLog* log_;
};
TemporaryFolder* ProgramBacktest::folder_ = nullptr;
DrawnLog* ProgramBacktest::log_ = nullptr;

// No number is missing: what is not known is absent or null with a reason, and JSON has no NaN.
void expect_numbers(const nlohmann::json& value, const std::string& where) {
  if (value.is_structured()) {
    for (const auto& [key, item] : value.items()) expect_numbers(item, where + "/" + key);
  } else {
    EXPECT_TRUE(!value.is_null() || where == "/selection") << where;
  }
}

TEST_F(ProgramBacktest, ScoresEveryModelBesideWhatCame) {
  const ProgramResult result = backtest({"--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.err, "");
  const nlohmann::json document = result.json();
  EXPECT_EQ(document["schema"], "clvsim.backtest/1");
  expect_numbers(document, "");
  EXPECT_EQ(document["split"]["holdout_periods"], drawn.holdout_weeks);
  EXPECT_EQ(document["total"]["actual"], log_->later_days);
  ASSERT_EQ(document["models"].size(), 6U);
  int n_scored = 0, n_best = 0;
  for (const auto& model : document["models"]) {
    if (model.contains("refused")) continue;
    ++n_scored;
    const nlohmann::json& purchases = model["purchases"];
    n_best += purchases["crps_excess"] == 0 ? 1 : 0;
    EXPECT_EQ(purchases["coverage"].size(), 3U);
    EXPECT_TRUE(model.contains("spend"));
    if (model["model"] != document["chosen"]) continue;
    EXPECT_NEAR(document["periods"].back()["expected_cumulative"].get<double>(), purchases["expected"].get<double>(),
                1e-6);
  }
  EXPECT_GE(n_scored, 3);
  EXPECT_GE(n_best, 1);
  EXPECT_EQ(document["periods"].back()["actual_cumulative"], log_->later_days);
  std::int64_t by_cohort = 0, by_frequency = 0, customers = 0;
  for (const auto& group : document["cohorts"]) by_cohort += group["actual"].get<std::int64_t>();
  for (const auto& group : document["by_frequency"]) {
    by_frequency += group["actual"].get<std::int64_t>();
    customers += group["customers"].get<std::int64_t>();
  }
  EXPECT_EQ(by_cohort, log_->later_days);
  EXPECT_EQ(by_frequency, log_->later_days);
  EXPECT_EQ(customers, document["customers"]);
  EXPECT_EQ(document["new_customers"]["customers"], 1);  // the row that ends the log
  const nlohmann::json &known = document["total"]["given_parameters"],
                       &uncertain = document["total"]["uncertain_parameters"];
  EXPECT_GT(uncertain["sd"], known["sd"]);
  EXPECT_EQ(uncertain["draws"], 20);
}

TEST_F(ProgramBacktest, SaysTheSameInWords) {
  const ProgramResult result = backtest({});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, AllOf(HasSubstr("choice of the model: fitted up to "), HasSubstr("\nchosen: "),
                                HasSubstr("the lowest BIC among the models whose CRPS"), HasSubstr("out of sample: "),
                                HasSubstr("PIT in the band"), HasSubstr("parameters taken for true"),
                                HasSubstr("parameters uncertain, 20 draws"), HasSubstr("spend, EUR")));
  EXPECT_THAT(result.out, Not(HasSubstr("nan")));
  EXPECT_THAT(result.out,
              HasSubstr("note: 1 customers came in the holdout, with 1 purchases; no forecast covers them"));
}

TEST_F(ProgramBacktest, WritesARowACustomer) {
  const std::string csv = *folder_ / "scores.csv";
  const ProgramResult result = backtest({"--model", "mbg_nbd", "--csv", csv, "--force", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const nlohmann::json document = result.json();
  EXPECT_TRUE(document["selection"].is_null());
  ASSERT_EQ(document["models"].size(), 1U);
  std::istringstream lines(read_file(csv));
  std::string line;
  std::getline(lines, line);
  EXPECT_EQ(line,
            "key,x,t_x,T,actual,expected,sd,low50,high50,low80,high80,low90,high90,crps,log_score,pit_low,pit_high,"
            "actual_spend,expected_spend\r");
  double n = 0, actual = 0, expected = 0, crps = 0, inside = 0, spend = 0;
  while (std::getline(lines, line)) {
    std::vector<double> field;
    std::istringstream text(line.substr(line.find(',') + 1));
    for (std::string part; std::getline(text, part, ',');) field.push_back(std::stod(part));
    ASSERT_EQ(field.size(), 18U);
    ++n;
    actual += field[3];
    expected += field[4];
    inside += field[10] <= field[3] && field[3] <= field[11];
    crps += field[12];
    spend += field[17];
    EXPECT_LE(field[14], field[15]);
  }
  const nlohmann::json& purchases = document["models"][0]["purchases"];
  EXPECT_EQ(n, document["customers"]);
  EXPECT_EQ(actual, purchases["actual"]);
  EXPECT_NEAR(expected, purchases["expected"].get<double>(), 1e-6);
  EXPECT_NEAR(crps / n, purchases["crps"].get<double>(), 1e-9);
  EXPECT_NEAR(inside / n, purchases["coverage"][2]["interval"].get<double>(), 1e-12);
  EXPECT_NEAR(spend / document["models"][0]["spend"]["expected"].get<double>(), 1, 1e-9);
  EXPECT_TRUE(std::filesystem::exists(csv + ".log.json"));
  EXPECT_EQ(backtest({"--csv", csv}).exit_code, 5) << "the output exists";
  EXPECT_EQ(backtest({"--tables-csv", csv}).exit_code, 5) << "the output exists";
  EXPECT_EQ(backtest({"--csv", *folder_ / "customers.h5", "--force"}).exit_code, 2) << "it is the store";
}

// Every number of the tables is the one of the JSON.
TEST_F(ProgramBacktest, WritesAllTablesAsCsv) {
  const std::string file = *folder_ / "tables.csv";
  const ProgramResult result = backtest({"--tables-csv", file, "--force", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto document = result.json();
  std::map<std::string, std::string> values;  // by all but the value
  std::istringstream lines(read_file(file));
  std::string line;
  std::getline(lines, line);
  EXPECT_EQ(line, "table,model,row,measure,value\r");
  while (std::getline(lines, line)) {
    const std::size_t comma = line.rfind(',');
    EXPECT_TRUE(values.emplace(line.substr(0, comma), line.substr(comma + 1, line.size() - comma - 2)).second) << line;
  }
  const auto at = [&](const std::string& name) {
    return values.count(name) == 0 ? std::nan("") : std::stod(values[name]);
  };
  const auto label_of = [](const nlohmann::json& model) {
    const std::string name = model["model"];
    return model.contains("k") ? fmt::format("{} (k={})", name, model["k"].get<int>()) : name;
  };
  int n = 0;
  std::string chosen;
  for (const auto& model : document["models"]) {
    if (model.contains("refused")) continue;
    ++n;
    const std::string name = label_of(model);
    if (model["model"] == document["chosen"]) chosen = name;
    for (const char* measure : {"actual", "expected", "mae", "rmse", "crps", "crps_se", "crps_excess"})
      EXPECT_EQ(at("models," + name + ",," + measure), model["purchases"][measure]) << name << measure;
    EXPECT_EQ(at("models," + name + ",,log_likelihood"), model["log_likelihood"]);
    EXPECT_EQ(at("coverage," + name + ",80 %,pit"), model["purchases"]["coverage"][1]["pit"]);
    EXPECT_EQ(at("spend," + name + ",,mae"), model["spend"]["mae"]);
  }
  EXPECT_GE(n, 3);
  double actual = 0, expected = 0;
  for (const auto& period : document["periods"]) {
    const std::string row = fmt::format("periods,{},{},", chosen, period["last_day"].get<std::string>());
    EXPECT_EQ(at(row + "actual_cumulative"), period["actual_cumulative"]);
    actual += at(row + "actual");
    expected += at(row + "expected");
    EXPECT_EQ(actual, period["actual_cumulative"]);
    EXPECT_NEAR(expected, period["expected_cumulative"].get<double>(), 1e-9 * expected);
  }
  for (const auto& cohort : document["cohorts"])
    EXPECT_EQ(at(fmt::format("cohorts,{},{},expected", chosen, cohort["name"].get<std::string>())), cohort["expected"]);
}

// What comes after the cut decides nothing: with other rows there, the same model is chosen and fitted.
TEST_F(ProgramBacktest, ChoosesWithoutTheHoldout) {
  std::istringstream lines(log_->csv);
  std::string text, line;
  std::getline(lines, line);
  text = line + "\n";
  const std::string cut = to_string(calibration_end(drawn));
  int n_dropped = 0;
  while (std::getline(lines, line)) {
    const std::string date = line.substr(line.find(',') + 1, 10);
    if (date > cut && line[0] == 'c') {
      ++n_dropped;
      continue;
    }
    text += line + "\n";
  }
  ASSERT_GT(n_dropped, 100);
  text += "c000001," + to_string(log_end(drawn)) + ",5.00\n";
  write_file(*folder_ / "other.csv", text);
  import_log("other.csv", "other.h5");
  const nlohmann::json one = backtest({"--json"}).json(), other = backtest({"--json"}, "other.h5").json();
  EXPECT_EQ(one["selection"], other["selection"]);
  EXPECT_EQ(other["total"]["actual"], 1);
  for (std::size_t m = 0; m < one["models"].size(); ++m) {
    EXPECT_EQ(one["models"][m].value("parameters", nlohmann::json()),
              other["models"][m].value("parameters", nlohmann::json()));
  }
  EXPECT_NE(one["models"], other["models"]) << "this test could not fail";
}

TEST_F(ProgramBacktest, CutsWhereItIsTold) {
  const auto split = [&](const std::vector<std::string>& flags) {
    std::vector<std::string> all = flags;
    all.insert(all.end(), {"--model", "bg_nbd", "--json"});
    const ProgramResult result = backtest(all);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return result.json()["split"];
  };
  EXPECT_EQ(split({"--horizon", "10"})["calibration_end"], to_string(Date{log_end(drawn).days - 70}));
  const std::string early = to_string(Date{calibration_end(drawn).days - 30});
  const nlohmann::json at = split({"--split", early, "--horizon", "4"});
  EXPECT_EQ(at["calibration_end"], early);
  EXPECT_EQ(at["holdout_end"], to_string(Date{calibration_end(drawn).days - 2}));
}

TEST_F(ProgramBacktest, RefusesWithAReason) {
  const auto fails = [&](const std::vector<std::string>& flags, int exit_code, const std::string& word) {
    const ProgramResult result = backtest(flags);
    EXPECT_EQ(result.exit_code, exit_code) << result.out;
    EXPECT_THAT(result.err, HasSubstr(word));
    EXPECT_EQ(result.out, "");
  };
  fails({"--model", "bg-nbd"}, 2, "did you mean 'bg_nbd'");
  fails({"--model", "gamma_gamma"}, 2, "no such model");
  fails({"--split", "2024-13-01"}, 2, "--split 2024-13-01");
  fails({"--split", "2030-01-01"}, 2, "cannot be cut at 2030-01-01");
  fails({"--horizon", "1000"}, 2, "nothing before its last 1000 weeks");
  fails({"--horizon", "0"}, 2, "--horizon");
  fails({"--spend", "weibull"}, 2, "--spend");
}

// Too few customers, and customers who never leave: every model says why.
TEST_F(ProgramBacktest, SaysWhyAllModelsAreRefused) {
  TemporaryFolder folder;
  std::string text = "customer_id,date,amount\n";
  for (int i = 0; i < 10; ++i)
    for (int d = 1; d < 28; d += 3) text += fmt::format("c{},2024-0{}-{:02d},10\n", i, 1 + i % 6, d);
  write_file(folder / "log.csv", text);
  ASSERT_EQ(run_clvsim({"import", folder / "log.csv", "-o", folder / "customers.h5"}).exit_code, 0);
  const ProgramResult result = run_clvsim({"backtest", folder / "customers.h5", "--csv", folder / "scores.csv"});
  EXPECT_EQ(result.exit_code, 4);
  for (const char* word : {"no model can be tested", "pareto_nbd: ", "bg_nbd: ", "mbg_nbd: ", "bg_cnbd_k: ",
                           "mbg_cnbd_k: ", "customers are too few"})
    EXPECT_THAT(result.err, HasSubstr(word));
  EXPECT_FALSE(std::filesystem::exists(folder / "scores.csv"));
  const ProgramResult fit =
      run_clvsim({"fit", folder / "customers.h5", "--model", "auto", "-o", folder / "model.toml"});
  EXPECT_EQ(fit.exit_code, 4);
  EXPECT_FALSE(std::filesystem::exists(folder / "model.toml"));
}

TEST_F(ProgramBacktest, FitAutoIsTheFitOfWhatItChooses) {
  const std::string store = *folder_ / "customers.h5", by_choice = *folder_ / "auto.toml",
                    by_name = *folder_ / "named.toml";
  const ProgramResult chosen = run_clvsim({"fit", store, "--model", "auto", "-o", by_choice, "--json"});
  ASSERT_EQ(chosen.exit_code, 0) << chosen.err;
  const nlohmann::json document = chosen.json();
  EXPECT_EQ(document["schema"], "clvsim.fit/1");
  EXPECT_EQ(document["selection"]["chosen"], document["model"]);
  EXPECT_EQ(document["selection"]["models"].size(), 5U);
  EXPECT_LE(document["selection"]["split"]["holdout_end"].get<std::string>(), to_string(calibration_end(drawn)));
  ASSERT_EQ(run_clvsim({"fit", store, "--model", document["model"], "-o", by_name}).exit_code, 0);
  EXPECT_TRUE(read_file(by_choice) == read_file(by_name));
  const ProgramResult text = run_clvsim({"fit", store, "--model", "auto", "-o", by_choice, "--force"});
  EXPECT_THAT(text.out, AllOf(HasSubstr("choice of the model: fitted up to"), HasSubstr("chosen: "),
                              HasSubstr("log-likelihood")));
  EXPECT_EQ(run_clvsim({"fit", store, "--model", "auto", "-o", by_choice, "--recency-cells", "4", "--force"}).exit_code,
            2);
}

// The total of CDNOW's 39 weeks, which no interval of customers by themselves holds.
TEST(ProgramBacktestOfCdnow, PrintsIntervalsOfTheTotalBesideWhatCame) {
  const std::filesystem::path data = data_folder();
  if (data.empty() || !std::filesystem::exists(data / "cdnow_sample.csv"))
    GTEST_SKIP() << "the public data sets are not beside the project";
  const TemporaryFolder folder;
  const ProgramResult imported = run_clvsim({"import", data / "cdnow_sample.csv", "--customer", "customer_id",
                                             "--observation-end", "1997-09-30", "-o", folder / "cdnow.h5"});
  ASSERT_EQ(imported.exit_code, 0) << imported.err;
  const ProgramResult result = run_clvsim({"backtest", folder / "cdnow.h5", "--model", "pareto_nbd"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  std::istringstream lines(result.out);
  std::string line;
  while (std::getline(lines, line) && !line.starts_with("all purchases together")) continue;
  EXPECT_EQ(line, "all purchases together by pareto_nbd: 1,882 came");
  std::vector<bool> holds;
  for (const std::string name : {"  parameters taken for true ", "  parameters uncertain, 200 draws "}) {
    ASSERT_TRUE(std::getline(lines, line));
    EXPECT_TRUE(line.starts_with(name)) << line;
    for (const std::string level : {"50", "80", "90"}) {
      ASSERT_TRUE(std::getline(lines, line));
      SCOPED_TRACE(line);
      ASSERT_TRUE(line.starts_with("    " + level + " % interval "));
      std::istringstream words(line.substr(line.find("interval") + 8));
      double low = 0, high = 0;
      std::string to, verdict;
      ASSERT_TRUE(words >> low >> to >> high);
      std::getline(words, verdict);
      EXPECT_LT(low, high);
      EXPECT_EQ(verdict, low <= 1882 && 1882 <= high ? " holds what came" : " misses what came");
      holds.push_back(low <= 1882 && 1882 <= high);
    }
  }
  EXPECT_EQ(holds, (std::vector{false, false, false, false, false, true}));
}

}  // namespace
}  // namespace clvsim::test
