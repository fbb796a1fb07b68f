// Covariates from the log to every customer's distribution, as a user runs it.
#include "tests/support/program.hpp"

#include <clvsim/behaviour_model.hpp>
#include <clvsim/purchase_models.hpp>
#include <clvsim/simulate.hpp>
#include <clvsim/store.hpp>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <string>

namespace clvsim::test {
namespace {

using testing::HasSubstr;

// MBG/NBD customers of two kinds: members buy more often and drop out less.
std::string drawn_log(int n) {
  std::mt19937_64 random(20261128);
  const auto gamma = [&](double shape, double rate) {
    return std::gamma_distribution<double>(shape, 1 / rate)(random);
  };
  const auto uniform = [&] { return std::uniform_real_distribution<double>()(random); };
  std::string text = "id,date,amount,visits,member\n";
  for (int i = 0; i < n; ++i) {
    const bool member = uniform() < 0.4;
    const double visits = std::round(10 * std::normal_distribution<double>(3, 1)(random)) / 10;
    const double rate = gamma(0.9, 8 * std::exp(-0.3 * (visits - 3) - (member ? 0.5 : 0)));
    const double x = gamma(0.7 * (member ? 0.6 : 1), 1), drops = x / (x + gamma(2.2, 1)), level = 60 / gamma(4, 1);
    int before = 0;
    for (double week = 10 * uniform(); week < 52; week += gamma(1, rate)) {
      const int day = 19723 + static_cast<int>(7 * week);
      if (day != before)
        text += fmt::format("c{:05d},{},{:.2f},{},{}\n", i, to_string(Date{day}), 0.01 + level * gamma(5, 5), visits,
                            member ? "yes" : "no");
      before = day;
      if (uniform() < drops) break;
    }
  }
  return text;
}

class ProgramCovariates : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new TemporaryFolder;
    write_file(*folder_ / "log.csv", drawn_log(4000));
    const ProgramResult imported =
        run_clvsim({"import", *folder_ / "log.csv", "--customer", "id", "--covariates", "visits,member",
                    "--observation-end", "2024-12-29", "-o", *folder_ / "c.h5"});
    ASSERT_EQ(imported.exit_code, 0) << imported.err;
    const ProgramResult fitted = run_clvsim(
        {"fit", *folder_ / "c.h5", "--model", "mbg_nbd", "--covariates", "all", "-o", *folder_ / "m.toml", "--json"});
    ASSERT_EQ(fitted.exit_code, 0) << fitted.err;
    fit_ = new nlohmann::json(fitted.json());
  }
  static void TearDownTestSuite() {
    delete folder_;
    delete fit_;
  }
  static std::vector<std::string> simulation(const std::string& store, const std::string& model) {
    return {"simulate", store,    "--model", model,        "--horizon", "26", "--paths",
            "400",      "--json", "--force", "--discount", "0",         "-o", *folder_ / "r.h5"};
  }
  static TemporaryFolder* folder_;
  static nlohmann::json* fit_;
};
TemporaryFolder* ProgramCovariates::folder_ = nullptr;
nlohmann::json* ProgramCovariates::fit_ = nullptr;

TEST_F(ProgramCovariates, FitsFindTheEffects) {
  const auto& effects = (*fit_)["covariates"];
  ASSERT_EQ(effects.size(), 4u);
  const auto expect_near = [&](int i, const char* name, const char* on, double truth) {
    const auto& effect = effects[static_cast<std::size_t>(i)];
    EXPECT_EQ(effect["name"], name);
    EXPECT_EQ(effect["on"], on);
    EXPECT_LE(std::abs(effect["effect"].get<double>() - truth), 4 * effect["standard_error"].get<double>()) << effect;
    EXPECT_LE(effect["standard_error"].get<double>(), 0.15);
  };
  expect_near(0, "visits", "purchase_rate", 0.3);
  expect_near(1, "visits", "dropout", 0);
  expect_near(2, "member", "purchase_rate", 0.5);
  expect_near(3, "member", "dropout", std::log(0.6));
  EXPECT_EQ((*fit_)["parameters"].size(), 4u) << "the model's own";
}

// Every customer is simulated with its own parameters: the means are those of the closed forms, which are the
// library's at these.
TEST_F(ProgramCovariates, EveryCustomerHasItsOwnParameters) {
  ASSERT_EQ(run_clvsim(simulation(*folder_ / "c.h5", *folder_ / "m.toml")).exit_code, 0);
  const auto model = std::get<BehaviourModel>(read_any_model(*folder_ / "m.toml"));
  const StoreReader store(*folder_ / "c.h5");
  const auto law = make_purchase_model("mbg_nbd");
  const std::vector<double> all = all_parameters(model);
  const CovariateParameters parameters(4, law->covariate_effects(), 2);
  CustomerBatch batch;
  store.read(0, store.info().n_customers, batch);
  const RunReader run(*folder_ / "r.h5");
  CustomerResults results;
  run.read(0, store.info().n_customers, results);
  double chi_squared = 0;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const std::vector<double> z{batch.covariates[0][i] - model.covariates[0].centre,
                                batch.covariates[1][i] - model.covariates[1].centre};
    const PurchaseHistory history{batch.frequency[i], batch.recency_days[i] / 7.0, batch.observed_days[i] / 7.0};
    const std::vector<double> own = parameters.of(all, z);
    ASSERT_NEAR(results.p_alive[i], law->p_alive(own, history), 1e-12);
    ASSERT_NEAR(results.expected_transactions[i], law->expected_purchases(own, history, 26), 1e-9);
    // Of a customer that hardly ever buys no error is known from 400 paths.
    const double se = std::max(results.transactions_se[i], 0.02);
    chi_squared += std::pow((results.transactions_mean[i] - results.expected_transactions[i]) / se, 2);
  }
  const auto n = static_cast<double>(batch.size());
  EXPECT_LT(chi_squared, n + 5 * std::sqrt(2 * n));
  EXPECT_GT(chi_squared, 0.2 * n);
}

TEST_F(ProgramCovariates, DrawsHoldTheUncertaintyOfTheEffects) {
  const auto run = [&](const char* file, bool draws) {
    auto arguments = simulation(*folder_ / "c.h5", *folder_ / file);
    arguments[5] = "156";  // the more of the total depends on the parameters, the longer the horizon
    arguments[7] = "1000";
    if (draws) arguments.insert(arguments.end(), {"--parameter-draws", "100"});
    const ProgramResult result = run_clvsim(arguments);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return result.json()["total"]["sd"].get<double>();
  };
  ASSERT_EQ(run_clvsim({"fit", *folder_ / "c.h5", "--model", "mbg_nbd", "--covariates", "visits,member",
                        "--uncertainty", "bootstrap", "--draws", "100", "-o", *folder_ / "b.toml"})
                .exit_code,
            0);
  const double normal = run("m.toml", true), bootstrap = run("b.toml", true), plain = run("m.toml", false);
  // Each has a standard error of some 7 %, of 100 draws of the parameters: three of the ratio's.
  EXPECT_NEAR(normal / bootstrap, 1, 0.3);
  EXPECT_LT(plain, 0.9 * normal) << "the parameters as if they were known";
}

TEST_F(ProgramCovariates, SaysWhatIsMissing) {
  ASSERT_EQ(run_clvsim({"import", *folder_ / "log.csv", "--customer", "id", "--observation-end", "2024-12-29", "-o",
                        *folder_ / "plain.h5"})
                .exit_code,
            0);
  const auto refused = [](const std::vector<std::string>& arguments, const char* words) {
    const ProgramResult result = run_clvsim(arguments);
    EXPECT_EQ(result.exit_code, 2) << result.out;
    EXPECT_THAT(result.err, HasSubstr(words));
  };
  refused(simulation(*folder_ / "plain.h5", *folder_ / "m.toml"), "import --covariates visits");
  refused({"fit", *folder_ / "plain.h5", "--model", "mbg_nbd", "--covariates", "all", "-o", *folder_ / "x.toml"},
          "the store has none");
  refused({"fit", *folder_ / "c.h5", "--model", "mbg_nbd", "--covariates", "age", "-o", *folder_ / "x.toml"},
          "it has visits, member");
  refused({"fit", *folder_ / "c.h5", "--covariates", "visits", "-o", *folder_ / "x.toml"},
          "a setting of models with a likelihood");
  // A new customer is one at the centres.
  const ProgramResult fresh = run_clvsim({"simulate", "--model", *folder_ / "m.toml", "--customers", "100", "--horizon",
                                          "26", "--paths", "100", "-o", *folder_ / "new.h5", "--json"});
  EXPECT_EQ(fresh.exit_code, 0) << fresh.err;
}

}  // namespace
}  // namespace clvsim::test
