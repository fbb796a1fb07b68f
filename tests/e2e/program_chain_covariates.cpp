// Season and campaign through the whole line, as a user runs it: a log of known effects, its fit, its forecast.
#include "tests/support/program.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace clvsim::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;

const std::filesystem::path configs = CLVSIM_SOURCE_DIR "/configs";

TEST(ProgramChainCovariates, FromALogToAForecastWithItsSeason) {
  TemporaryFolder folder;
  std::string model = read_file(configs / "models/generator_frequent.toml");
  model += R"(
[[covariate]]
name = "winter"
kind = "season"
months = [10, 11, 12]
effect = 1.1

[[covariate]]
name = "sale"
kind = "campaign"
windows = [{ first_day = "1997-03-01", last_day = "1997-04-15" }, { first_day = "1998-05-01", last_day = "1998-05-31" }]
effect = -0.9
)";
  write_file(folder / "truth.toml", model);
  ASSERT_EQ(run_clvsim({"generate", "--model", folder / "truth.toml", "--customers", "3000", "--observed-periods", "30",
                        "--acquisition-periods", "6", "-o", folder / "log.csv"})
                .exit_code,
            0);
  const ProgramResult imported = run_clvsim({"import", folder / "log.csv", "-o", folder / "customers.h5", "--unit",
                                             "month", "--observation-end", "1999-06-30"});
  ASSERT_EQ(imported.exit_code, 0) << imported.err;
  const std::vector<std::string> flags{"fit",
                                       folder / "customers.h5",
                                       "--season",
                                       "quarter",
                                       "--campaign",
                                       "sale=1998-05-01..1998-05-31",
                                       "--campaign",
                                       "sale=1997-03-01..1997-04-15,sale=1999-11-01..1999-11-30",
                                       "--recency-cells",
                                       "6",
                                       "-o",
                                       folder / "model.toml",
                                       "--force"};
  std::vector<std::string> as_json = flags;
  as_json.emplace_back("--json");
  const ProgramResult fitted = run_clvsim(as_json);
  ASSERT_EQ(fitted.exit_code, 0) << fitted.err;
  const auto fit = fitted.json()["covariates"];
  const std::vector<double> truth{0, 0, 1.1, -0.9};
  ASSERT_EQ(fit["effects"].size(), truth.size());
  for (std::size_t c = 0; c < truth.size(); ++c) {
    const double error = fit["effects"][c]["standard_error"];
    EXPECT_LT(std::abs(fit["effects"][c]["effect"].get<double>() - truth[c]), 4.5 * error);
    EXPECT_LT(error, 0.2);
  }
  EXPECT_GT(fit["log_likelihood"].get<double>(), fit["log_likelihood_without"].get<double>());
  EXPECT_LT(fit["decrement"].get<double>(), 1e-9);
  const std::string written = read_file(folder / "model.toml");
  EXPECT_THAT(written, AllOf(HasSubstr("first_day = \"1999-11-01\""), HasSubstr("months = [10, 11, 12]")));
  EXPECT_THAT(run_clvsim(flags).out, AllOf(HasSubstr("effect on the log-odds of purchases"),
                                           HasSubstr("note: effects of seasons are against quarter 1")));
  EXPECT_EQ(read_file(folder / "model.toml"), written);

  const ProgramResult run = run_clvsim({"simulate", folder / "customers.h5", "--model", folder / "model.toml",
                                        "--horizon", "12", "--paths", "100", "-o", folder / "run.h5", "--json"});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  const auto periods = run.json()["periods"];
  const auto purchases = [&](std::size_t t) { return periods[t]["transactions_mean"].get<double>(); };
  EXPECT_EQ(periods[0]["first_day"], "1999-07-01");
  EXPECT_GT(purchases(3), 1.05 * purchases(2)) << "October after September";
  EXPECT_LT(purchases(4), 0.98 * purchases(5)) << "the sale that costs purchases is in November";
}

TEST(ProgramChainCovariates, WhatCannotBeIsRefusedWithWords) {
  TemporaryFolder folder;
  const std::string model = configs / "models/seasonal_migration.toml";
  const ProgramResult no_dates = run_clvsim({"simulate", "--model", model, "--customers", "2", "--paths", "10"});
  EXPECT_EQ(no_dates.exit_code, 2);
  EXPECT_THAT(no_dates.err, HasSubstr("--first-day YYYY-MM-DD"));
  const ProgramResult reversed =
      run_clvsim({"fit", "none.h5", "--campaign", "sale=2025-11-30..2025-11-24", "-o", folder / "model.toml"});
  EXPECT_EQ(reversed.exit_code, 2);
  EXPECT_THAT(reversed.err, HasSubstr("ends before it begins"));
  const ProgramResult overlap =
      run_clvsim({"fit", "none.h5", "--campaign", "sale=2025-11-24..2025-11-30,sale=2025-11-30..2025-12-01", "-o",
                  folder / "model.toml"});
  EXPECT_THAT(overlap.err, HasSubstr("windows that overlap"));
  const ProgramResult other = run_clvsim({"fit", "none.h5", "--season", "weekly", "-o", folder / "model.toml"});
  EXPECT_THAT(other.err, HasSubstr("'weekly' is none of none, month, quarter"));
}

}  // namespace
}  // namespace clvsim::test
