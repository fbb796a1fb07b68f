// Latent classes from the log to the run, as a user asks for them.
#include "tests/support/program.hpp"

#include <clvsim/behaviour_model.hpp>
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

// MBG/NBD customers; three of ten buy three times as often and spend twice as much.
std::string drawn_log(int n) {
  std::mt19937_64 random(20261128);
  const auto gamma = [&](double shape, double rate) {
    return std::gamma_distribution<double>(shape, 1 / rate)(random);
  };
  const auto uniform = [&] { return std::uniform_real_distribution<double>()(random); };
  std::string text = "id,date,amount\n";
  for (int i = 0; i < n; ++i) {
    const bool often = uniform() < 0.3;
    const double rate = gamma(0.9, often ? 2.5 : 7.5), level = 1 / gamma(5, often ? 36 : 18);
    const double x = gamma(0.6, 1), drops = x / (x + gamma(2.2, 1));
    int before = 0;
    for (double week = 10 * uniform(); week < 52; week += gamma(1, rate)) {
      const int day = 19723 + static_cast<int>(7 * week);
      if (day != before)
        text += fmt::format("c{:05d},{},{:.2f}\n", i, to_string(Date{day}), 0.01 + gamma(6, 1) / level);
      before = day;
      if (uniform() < drops) break;
    }
  }
  return text;
}

TEST(ProgramClasses, FromALogToARun) {
  const TemporaryFolder folder;
  write_file(folder / "log.csv", drawn_log(5000));
  ASSERT_EQ(run_clvsim({"import", folder / "log.csv", "--customer", "id", "--observation-end", "2024-12-29", "-o",
                        folder / "c.h5"})
                .exit_code,
            0);
  const ProgramResult fitted =
      run_clvsim({"fit", folder / "c.h5", "--model", "mbg_nbd", "--classes", "2", "-o", folder / "m.toml", "--json"});
  ASSERT_EQ(fitted.exit_code, 0) << fitted.err;
  const auto fit = fitted.json();
  ASSERT_EQ(fit["classes"].size(), 2u);
  EXPECT_NEAR(fit["classes"][0]["share"].get<double>() + fit["classes"][1]["share"].get<double>(), 1, 1e-12);
  EXPECT_LT(fit["bic"].get<double>(), fit["one_class"]["bic"].get<double>() - 20) << "spend tells of purchases";
  const auto rate = [&](int c) {
    const auto& of = fit["classes"][static_cast<std::size_t>(c)];
    return of["parameters"]["r"].get<double>() / of["parameters"]["alpha"].get<double>();
  };
  EXPECT_GT(rate(0), 1.8 * rate(1)) << "the first class buys more often";

  const std::vector<std::string> simulation{"simulate", folder / "c.h5", "--model", folder / "m.toml", "--horizon",
                                            "26",       "--paths",       "300",     "--force",         "--json",
                                            "-o",       folder / "r.h5"};
  const ProgramResult run = run_clvsim(simulation);
  ASSERT_EQ(run.exit_code, 0) << run.err;
  // Means of all customers agree with the closed forms.
  const StoreReader store(folder / "c.h5");
  const RunReader reader(folder / "r.h5");
  CustomerResults results;
  reader.read(0, store.info().n_customers, results);
  double simulated = 0, expected = 0, variance = 0;
  for (std::size_t i = 0; i < results.size(); ++i) {
    simulated += results.transactions_mean[i];
    expected += results.expected_transactions[i];
    variance += results.transactions_se[i] * results.transactions_se[i];
  }
  EXPECT_LE(std::abs(simulated - expected), 4 * std::sqrt(variance));
  EXPECT_LE(std::sqrt(variance), 0.01 * expected);

  auto with_draws = simulation;
  with_draws.insert(with_draws.end(), {"--parameter-draws", "50"});
  EXPECT_EQ(run_clvsim(with_draws).exit_code, 0);
  // The file is written as it is read.
  const auto model = std::get<BehaviourModel>(read_any_model(folder / "m.toml"));
  EXPECT_EQ(model_toml(model), read_file(folder / "m.toml"));

  const auto refused = [&](std::vector<std::string> more, const char* words) {
    std::vector<std::string> arguments{"fit", folder / "c.h5", "-o", folder / "x.toml", "--classes", "2"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const ProgramResult result = run_clvsim(arguments);
    EXPECT_EQ(result.exit_code, 2) << result.out;
    EXPECT_THAT(result.err, HasSubstr(words));
  };
  refused({"--model", "mbg_nbd", "--spend", "log_normal"}, "--spend gamma_gamma");
  refused({"--model", "mbg_nbd", "--by-segment"}, "--by-segment");
  refused({}, "a setting of models of purchases");
}

}  // namespace
}  // namespace clvsim::test
