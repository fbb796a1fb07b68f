// A contract book from import to distributions by contract type, as a user runs it.
#include "tests/support/drawn_log.hpp"
#include "tests/support/places.hpp"
#include "tests/support/program.hpp"

#include <clvsim/simulate.hpp>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <random>
#include <set>
#include <sstream>

namespace clvsim::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

// A book of two plans, both sBG: monthly (0.7, 4), yearly (0.5, 12); contracts begin within five years before the book
// is taken. A third plan has too few contracts for a fit.
std::string drawn_book(int n) {
  std::mt19937_64 random(20261126);
  const auto gamma = [&](double shape) { return std::gamma_distribution<double>(shape)(random); };
  std::string text = "id,months,gone,fee,plan\n";
  for (int i = 0; i < n; ++i) {
    const int plan = i < 12 ? 2 : i % 2;
    const double a = gamma(plan == 1 ? 0.5 : 0.7), b = gamma(plan == 1 ? 12 : 4), churn = a / (a + b);
    const int seen = static_cast<int>(random() % 61);
    int tenure = 0;
    bool churned = false;
    while (tenure < seen && !churned) {
      ++tenure;
      churned = std::uniform_real_distribution<double>()(random) < churn;
    }
    const char* const plans[] = {"monthly", "yearly", "trial"};
    text += fmt::format("c{},{},{},{}.50,{}\n", i, tenure, churned ? "yes" : "no", 10 + plan * 20, plans[plan]);
  }
  return text;
}

class ProgramContracts : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new TemporaryFolder;
    write_file(*folder_ / "book.csv", drawn_book(20000));
    const ProgramResult imported = run_clvsim({"import",
                                               *folder_ / "book.csv",
                                               "--customer",
                                               "id",
                                               "--tenure",
                                               "months",
                                               "--churned",
                                               "gone",
                                               "--amount",
                                               "fee",
                                               "--segment",
                                               "plan",
                                               "--unit",
                                               "month",
                                               "--observation-end",
                                               "2025-12-31",
                                               "--currency",
                                               "EUR",
                                               "-o",
                                               *folder_ / "book.h5"});
    ASSERT_EQ(imported.exit_code, 0) << imported.err;
  }
  static void TearDownTestSuite() { delete folder_; }
  static TemporaryFolder* folder_;
};
TemporaryFolder* ProgramContracts::folder_ = nullptr;

TEST_F(ProgramContracts, FitsFindTheTruthOfEverySegment) {
  const ProgramResult result = run_clvsim({"fit", *folder_ / "book.h5", "--model", "sbg", "--by-segment", "-o",
                                           *folder_ / "sbg.toml", "--force", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto fit = result.json();
  EXPECT_EQ(fit["model"], "sbg");
  EXPECT_EQ(fit["customers"], 20000);
  EXPECT_NEAR(fit["charge"], 20.5, 0.1);
  ASSERT_EQ(fit["segments"].size(), 3u);
  const auto expect_near = [&](const nlohmann::json& segment, double alpha, double beta) {
    const auto &at = segment["parameters"], &error = segment["standard_errors"];
    EXPECT_LE(std::abs(at["alpha"].get<double>() - alpha), 4 * error["alpha"].get<double>()) << segment;
    EXPECT_LE(std::abs(at["beta"].get<double>() - beta), 4 * error["beta"].get<double>()) << segment;
    EXPECT_LE(error["alpha"].get<double>(), 0.2 * alpha);
  };
  EXPECT_EQ(fit["segments"][0]["name"], "monthly");
  expect_near(fit["segments"][0], 0.7, 4);
  EXPECT_THAT(fit["segments"][1]["refused"].get<std::string>(), HasSubstr("has the parameters of all: 12 contracts"));
  expect_near(fit["segments"][2], 0.5, 12);
}

TEST_F(ProgramContracts, RunsTellTheSegmentsApart) {
  const ProgramResult fitted = run_clvsim(
      {"fit", *folder_ / "book.h5", "--model", "auto", "--by-segment", "-o", *folder_ / "auto.toml", "--force"});
  ASSERT_EQ(fitted.exit_code, 0) << fitted.err;
  EXPECT_THAT(fitted.out, AllOf(HasSubstr("choice of the model: fitted to the first"), HasSubstr("\n* sbg "),
                                HasSubstr("chosen: sbg, "), HasSubstr("segment 'yearly': sbg: ")));
  const std::vector<std::string> arguments{"simulate",   *folder_ / "book.h5",
                                           "--model",    *folder_ / "auto.toml",
                                           "--horizon",  "24",
                                           "--paths",    "200",
                                           "--json",     "--force",
                                           "--discount", "0.1",
                                           "-o",         *folder_ / "run.h5"};
  const ProgramResult result = run_clvsim(arguments);
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto run = result.json();
  ASSERT_EQ(run["segments"].size(), 3u);
  double value = 0, transactions = 0;
  for (const auto& segment : run["segments"]) {
    value += segment["value"]["mean"].get<double>();
    transactions += segment["transactions"]["mean"].get<double>();
    EXPECT_GT(segment["value"]["se"].get<double>(), 0);
  }
  EXPECT_NEAR(value / run["total"]["mean"].get<double>(), 1, 1e-9);
  double by_period = 0;
  for (const auto& period : run["periods"]) by_period += period["transactions_mean"].get<double>();
  EXPECT_NEAR(transactions / by_period, 1, 1e-9);

  const ProgramResult text = run_clvsim({"simulate", *folder_ / "book.h5", "--model", *folder_ / "auto.toml", "--paths",
                                         "200", "--parameter-draws", "50", "-o", *folder_ / "draws.h5"});
  ASSERT_EQ(text.exit_code, 0) << text.err;
  EXPECT_THAT(text.out, AllOf(HasSubstr("monthly"), HasSubstr("a customer"), HasSubstr("trial")));
  const ProgramResult csv = run_clvsim({"export", *folder_ / "run.h5", "--csv", *folder_ / "run.csv"});
  ASSERT_EQ(csv.exit_code, 0) << csv.err;
  std::istringstream lines(read_file(*folder_ / "run.csv"));
  std::string line;
  std::getline(lines, line);
  EXPECT_EQ(line.substr(0, 12), "key,segment,");
  std::getline(lines, line);
  EXPECT_EQ(line.substr(0, 9), "c0,trial,");
  EXPECT_EQ(run_clvsim({"verify", *folder_ / "run.h5"}).exit_code, 0);
}

// What is simulated is what the closed forms say, customer by customer.
void expect_closed_forms(const std::filesystem::path& path) {
  const RunReader reader(path);
  const RunInfo& info = reader.info();
  CustomerResults results;
  reader.read(0, info.n_customers, results);
  ASSERT_TRUE(info.has_closed_forms);
  double squares = 0, n = 0, simulated = 0, expected = 0, variance = 0;
  for (std::size_t i = 0; i < results.size(); ++i) {
    const double error = results.transactions_mean[i] - results.expected_transactions[i];
    simulated += results.transactions_mean[i];
    expected += results.expected_transactions[i];
    variance += results.transactions_se[i] * results.transactions_se[i];
    if (results.p_alive[i] == 0) {
      EXPECT_EQ(results.mean[i], 0);
    }
    if (results.expected_transactions[i] < 0.5 || results.transactions_se[i] == 0) continue;  // of few events
    squares += std::pow(error / results.transactions_se[i], 2);
    ++n;
  }
  EXPECT_LE(std::abs(simulated - expected), 4 * std::sqrt(variance));
  ASSERT_GT(n, 300);
  EXPECT_NEAR(squares / n, 1, 0.25);
  ASSERT_TRUE(info.has_dert);
  for (std::size_t i = 0; i < results.size(); ++i) EXPECT_GE(results.dert[i], 0);
}

TEST_F(ProgramContracts, ClosedFormsStandBesideTheSimulation) {
  ASSERT_EQ(run_clvsim(
                {"fit", *folder_ / "book.h5", "--model", "bdw", "--by-segment", "-o", *folder_ / "bdw.toml", "--force"})
                .exit_code,
            0);
  const ProgramResult result = run_clvsim({"simulate", *folder_ / "book.h5", "--model", *folder_ / "bdw.toml",
                                           "--horizon", "24", "--paths", "400", "-o", *folder_ / "closed.h5"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  expect_closed_forms(*folder_ / "closed.h5");
  // A new contract: its charge times its DERT is its value, where the horizon is long.
  const ProgramResult one = run_clvsim({"simulate", "--model", source_dir() + "/configs/models/sbg.toml", "--customers",
                                        "1", "--horizon", "600", "--discount", "0.1", "--paths", "20000", "--json"});
  ASSERT_EQ(one.exit_code, 0) << one.err;
  const auto customer = one.json()["customer"];
  EXPECT_NEAR(customer["revenue_mean"].get<double>(), 120 * customer["dert"].get<double>(),
              4 * customer["revenue_se"].get<double>());
}

TEST(ProgramPurchases, ClosedFormsStandBesideTheSimulation) {
  const TemporaryFolder folder;
  const DrawnLogOptions drawn{.n_customers = 3000};
  write_file(folder / "log.csv", drawn_log(drawn).csv);
  ASSERT_EQ(run_clvsim({"import", folder / "log.csv", "-o", folder / "log.h5", "--currency", "EUR", "--observation-end",
                        to_string(calibration_end(drawn))})
                .exit_code,
            0);
  ASSERT_EQ(run_clvsim({"fit", folder / "log.h5", "--model", "pareto_nbd", "-o", folder / "m.toml"}).exit_code, 0);
  const ProgramResult result = run_clvsim({"simulate", folder / "log.h5", "--model", folder / "m.toml", "--horizon",
                                           "39", "--paths", "1000", "-o", folder / "run.h5"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  expect_closed_forms(folder / "run.h5");
}

TEST_F(ProgramContracts, AreNoPurchasesAndPurchasesNoContracts) {
  const auto refused = [&](const std::vector<std::string>& arguments) {
    const ProgramResult result = run_clvsim(arguments);
    EXPECT_EQ(result.exit_code, 2) << result.out;
    return result.err;
  };
  const std::string book = *folder_ / "book.h5", out = *folder_ / "none.toml";
  for (const char* model : {"migration_chain", "pareto_nbd", "gamma_gamma"})
    EXPECT_THAT(refused({"fit", book, "--model", model, "-o", out}), HasSubstr("the store is a contract book"));
  EXPECT_THAT(refused({"fit", book, "--model", "sbg", "--spend", "none", "-o", out}), HasSubstr("--spend"));
  EXPECT_THAT(refused({"fit", book, "--by-segment", "-o", out}), HasSubstr("contract"));
  EXPECT_THAT(refused({"fit", book, "--model", "pareto_nbd", "--by-segment", "-o", out}),
              HasSubstr("the store is a contract book"));
  EXPECT_THAT(refused({"backtest", book}), HasSubstr("the store is a contract book"));
  EXPECT_THAT(refused({"simulate", book, "--model", source_dir() + "/configs/models/pareto_nbd.toml", "-o", out}),
              HasSubstr("the store is a contract book"));
  EXPECT_THAT(refused({"simulate", book, "--model", source_dir() + "/configs/models/cdnow.toml", "-o", out}),
              HasSubstr("the store is a contract book"));

  write_file(*folder_ / "log.csv", "customer,date,amount\na,2025-01-01,1.00\na,2025-02-01,1.00\n");
  const std::string log = *folder_ / "log.h5";
  ASSERT_EQ(run_clvsim({"import", *folder_ / "log.csv", "--unit", "month", "-o", log, "--force"}).exit_code, 0);
  EXPECT_THAT(refused({"fit", log, "--model", "sbg", "-o", out}), HasSubstr("the store has purchases"));
  EXPECT_THAT(refused({"simulate", log, "--model", source_dir() + "/configs/models/sbg.toml", "-o", out}),
              HasSubstr("the store has purchases"));
  EXPECT_FALSE(std::filesystem::exists(out));
}

TEST_F(ProgramContracts, NeedsTheUnitOfTheTenures) {
  const ProgramResult result =
      run_clvsim({"import", *folder_ / "book.csv", "--customer", "id", "--tenure", "months", "--churned", "gone",
                  "--amount", "fee", "--observation-end", "2025-12-31", "-o", *folder_ / "none.h5"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("--unit"));
}

// Cohort counts of Fader & Hardie 2007, seven renewals of 1,000 customers each, and their published fits.
TEST(ProgramCohorts, CountsGiveThePublishedFits) {
  const TemporaryFolder folder;
  const std::array<std::array<int, 8>, 2> survivors{
      {{1000, 869, 743, 653, 593, 551, 517, 491}, {1000, 631, 468, 382, 326, 289, 262, 241}}};
  const char* const names[] = {"high end", "regular"};
  std::string text = "row,years,gone,fee,kind,customers\n";
  for (std::size_t s = 0; s < 2; ++s) {
    for (std::size_t t = 1; t < 8; ++t)
      text +=
          fmt::format("{} {},{},yes,100.00,{},{}\n", names[s], t, t, names[s], survivors[s][t - 1] - survivors[s][t]);
    text += fmt::format("{} active,7,no,100.00,{},{}\n", names[s], names[s], survivors[s][7]);
  }
  write_file(folder / "cohorts.csv", text);
  const ProgramResult imported = run_clvsim({"import",
                                             folder / "cohorts.csv",
                                             "--customer",
                                             "row",
                                             "--tenure",
                                             "years",
                                             "--churned",
                                             "gone",
                                             "--amount",
                                             "fee",
                                             "--segment",
                                             "kind",
                                             "--count",
                                             "customers",
                                             "--unit",
                                             "year",
                                             "--currency",
                                             "USD",
                                             "-o",
                                             folder / "cohorts.h5",
                                             "--observation-end",
                                             "2025-12-31",
                                             "--json"});
  ASSERT_EQ(imported.exit_code, 0) << imported.err;
  EXPECT_EQ(imported.json()["customers"], 2000);
  EXPECT_EQ(imported.json()["counted_rows"], 16);
  EXPECT_EQ(imported.json()["ledger"]["read"]["rows"], 2000);
  EXPECT_EQ(imported.json()["ledger"]["calibration"]["amount"], "200000.00");
  EXPECT_EQ(run_clvsim({"verify", folder / "cohorts.h5"}).exit_code, 0);

  const ProgramResult fitted =
      run_clvsim({"fit", folder / "cohorts.h5", "--model", "sbg", "--by-segment", "-o", folder / "sbg.toml", "--json"});
  ASSERT_EQ(fitted.exit_code, 0) << fitted.err;
  const double alpha[] = {0.6680883, 0.7040773}, beta[] = {3.8060948, 1.1820431},
               log_likelihood[] = {-1611.158147, -1680.265188};
  for (std::size_t s = 0; s < 2; ++s) {
    const auto segment = fitted.json()["segments"][s];
    EXPECT_EQ(segment["name"], names[s]);
    EXPECT_EQ(segment["customers"], 1000);
    EXPECT_NEAR(segment["parameters"]["alpha"], alpha[s], 1e-6);
    EXPECT_NEAR(segment["parameters"]["beta"], beta[s], 4e-6);
    EXPECT_NEAR(segment["log_likelihood"], log_likelihood[s], 1e-5);
  }

  // The first five years of the cohorts alone leave nothing to forecast.
  std::string young = "row,years,gone,fee,kind,customers\n";
  for (std::size_t t = 1; t < 5; ++t)
    young += fmt::format("{},{},yes,100.00,a,{}\n", t, t, survivors[0][t - 1] - survivors[0][t]);
  young += fmt::format("active,4,no,100.00,a,{}\n", survivors[0][4]);
  write_file(folder / "young.csv", young);
  ASSERT_EQ(run_clvsim({"import", folder / "young.csv", "--customer", "row", "--tenure", "years", "--churned", "gone",
                        "--amount", "fee", "--count", "customers", "--unit", "year", "--observation-end", "2025-12-31",
                        "-o", folder / "young.h5"})
                .exit_code,
            0);
  const ProgramResult by_bic =
      run_clvsim({"fit", folder / "young.h5", "--model", "auto", "-o", folder / "young.toml", "--json"});
  ASSERT_EQ(by_bic.exit_code, 0) << by_bic.err;
  EXPECT_TRUE(by_bic.json()["selection"]["split"].is_null());
  EXPECT_THAT(by_bic.json()["selection"]["rule"].get<std::string>(),
              HasSubstr("the lower BIC, as the book is too young to cut: 0 contracts churned after renewal 4"));
  EXPECT_EQ(by_bic.json()["selection"]["models"].size(), 2u);

  const ProgramResult simulated =
      run_clvsim({"simulate", folder / "cohorts.h5", "--model", folder / "sbg.toml", "--horizon", "5", "--discount",
                  "0.1", "--paths", "400", "-o", folder / "run.h5", "--json"});
  ASSERT_EQ(simulated.exit_code, 0) << simulated.err;
  EXPECT_EQ(simulated.json()["customers"], 2000);
  // Those alike have the same law and other paths.
  const RunReader run(folder / "run.h5");
  CustomerResults results;
  run.read(0, 2000, results);
  std::set<double> means;
  double sum = 0;
  for (std::size_t i = 0; i < 2000; ++i) {
    if (results.p_alive[i] == 0 || results.mean[i] == 0) continue;
    means.insert(results.mean[i]);
    sum += results.mean[i];
  }
  EXPECT_GT(means.size(), 300u);
  EXPECT_NEAR(sum / simulated.json()["total"]["mean"].get<double>(), 1, 1e-9);
}

// The public churn data of a telephone company: optima found by another program (a simplex search in Python).
TEST(ProgramTelco, GivesDistributionsByContractType) {
  if (data_folder().empty()) GTEST_SKIP() << "the public data sets are not here";
  const TemporaryFolder folder;
  const ProgramResult imported = run_clvsim({"import",
                                             data_folder() / "telco_customer_churn.csv",
                                             "--customer",
                                             "customerID",
                                             "--tenure",
                                             "tenure",
                                             "--churned",
                                             "Churn",
                                             "--amount",
                                             "MonthlyCharges",
                                             "--segment",
                                             "Contract",
                                             "--unit",
                                             "month",
                                             "--observation-end",
                                             "2025-12-31",
                                             "--currency",
                                             "USD",
                                             "-o",
                                             folder / "telco.h5",
                                             "--json"});
  ASSERT_EQ(imported.exit_code, 0) << imported.err;
  EXPECT_EQ(imported.json()["customers"], 7043);
  EXPECT_EQ(imported.json()["ledger"]["calibration"]["amount"], "456116.60");

  const auto fit = [&](const std::string& model) {
    const ProgramResult result = run_clvsim(
        {"fit", folder / "telco.h5", "--model", model, "--by-segment", "-o", folder / (model + ".toml"), "--json"});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return result.json();
  };
  EXPECT_NEAR(fit("sbg")["log_likelihood"], -10465.424707, 1e-5);
  const auto best = fit("auto");
  EXPECT_EQ(best["model"], "discrete_weibull");
  const auto& selection = best["selection"];
  EXPECT_EQ(selection["chosen"], "bdw");
  EXPECT_EQ(selection["split"]["renewals"], 20);
  EXPECT_EQ(selection["split"]["contracts"], 4165);  // with a tenure above 20
  EXPECT_EQ(selection["split"]["churned"], 618);
  EXPECT_GT(selection["log_score_excess"].get<double>(), 5 * selection["log_score_excess_se"].get<double>());
  for (const auto& segment : best["segments"]) EXPECT_EQ(segment["selection"]["chosen"], "bdw") << segment;
  EXPECT_NEAR(best["log_likelihood"], -10309.649705, 1e-5);
  EXPECT_NEAR(best["charge"], 456116.60 / 7043, 1e-9);
  struct Optimum {
    const char* name;
    int contracts, churned;
    double log_likelihood, scale, c;
  };
  const Optimum optima[] = {{"Month-to-month", 3875, 1655, -7537.451835, 57.724751, 0.604295},
                            {"One year", 1473, 166, -1072.617675, 110.321244, 2.624571},
                            {"Two year", 1695, 48, -350.621614, 108.448853, 6.924989}};
  for (std::size_t s = 0; s < 3; ++s) {
    const auto& segment = best["segments"][s];
    EXPECT_EQ(segment["name"], optima[s].name);
    EXPECT_EQ(segment["customers"], optima[s].contracts);
    EXPECT_EQ(segment["churned"], optima[s].churned);
    EXPECT_EQ(segment["model"], "discrete_weibull");
    EXPECT_NEAR(segment["log_likelihood"], optima[s].log_likelihood, 1e-5);
    EXPECT_NEAR(segment["parameters"]["scale"], optima[s].scale, 2e-4);
    EXPECT_NEAR(segment["parameters"]["c"], optima[s].c, 2e-6);
  }

  const ProgramResult simulated =
      run_clvsim({"simulate", folder / "telco.h5", "--model", folder / "auto.toml", "--horizon", "60", "--discount",
                  "0.1", "--paths", "400", "-o", folder / "run.h5", "--json"});
  ASSERT_EQ(simulated.exit_code, 0) << simulated.err;
  const auto run = simulated.json();
  ASSERT_EQ(run["segments"].size(), 3u);
  const auto a_customer = [&](std::size_t s) {
    return run["segments"][s]["value"]["mean"].get<double>() / run["segments"][s]["customers"].get<double>();
  };
  EXPECT_GT(a_customer(1), 1.5 * a_customer(0)) << "a year's contract is worth more than a month's";
  EXPECT_GT(a_customer(2), 1.5 * a_customer(0));
}

}  // namespace
}  // namespace clvsim::test
