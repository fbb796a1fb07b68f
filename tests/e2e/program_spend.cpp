// Free purchases, refunds and costs from the log to the simulated value, as a user runs it.
#include "host/model/histories.hpp"
#include "tests/support/drawn_log.hpp"
#include "tests/support/program.hpp"

#include <clvsim/behaviour_model.hpp>
#include <clvsim/simulate.hpp>
#include <clvsim/store.hpp>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <sstream>
#include <string>

namespace clvsim::test {
namespace {

// What the log has up to the end of calibration.
struct Counts {
  double purchases = 0, repeats = 0, free_repeats = 0, positive = 0, refunds = 0;
  double bought = 0, refunded = 0, costs = 0;
};

// A tenth of the purchases is free, and a quarter is followed by a refund of 60 % of an amount. Costs are half as much
// again as the amount.
std::string with_refunds_and_costs(const std::string& drawn, Date end, Counts& counts) {
  std::mt19937_64 random(12);
  const auto uniform = [&] { return std::uniform_real_distribution<double>()(random); };
  std::istringstream rows(drawn);
  std::string row, log = "customer_id,date,amount,cost\n", before;
  std::getline(rows, row);
  while (std::getline(rows, row)) {
    const std::size_t comma = row.find(',');
    const std::string customer = row.substr(0, comma), date = row.substr(comma + 1, 10);
    const double drawn_amount = std::stod(row.substr(comma + 12));
    const double amount = uniform() < 0.1 ? 0 : drawn_amount, cost = std::round(150 * amount) / 100;
    const double refund = uniform() < 0.25 ? std::round(60 * drawn_amount + 1) / 100 : 0;
    log += fmt::format("{},{},{:.2f},{:.2f}\n", customer, date, amount, cost);
    if (refund > 0) log += fmt::format("{},{},{:.2f},0.00\n", customer, date, -refund);
    const bool repeat = customer == before;
    before = customer;
    if (parse_iso_date(date) > end) continue;
    counts.purchases += 1;
    counts.repeats += repeat ? 1 : 0;
    counts.free_repeats += repeat && amount == 0 ? 1 : 0;
    counts.positive += amount > 0 ? 1 : 0;
    counts.refunds += refund > 0 ? 1 : 0;
    counts.bought += amount;
    counts.refunded += refund;
    counts.costs += cost;
  }
  return log;
}

class ProgramSpend : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new TemporaryFolder;
    const DrawnLogOptions drawn{.n_customers = 1500};
    write_file(*folder_ / "log.csv", with_refunds_and_costs(drawn_log(drawn).csv, calibration_end(drawn), counts_));
    for (const bool costs : {false, true}) {
      std::vector<std::string> arguments{"import",
                                         *folder_ / "log.csv",
                                         "-o",
                                         *folder_ / (costs ? "costs.h5" : "revenue.h5"),
                                         "--observation-end",
                                         to_string(calibration_end(drawn))};
      if (costs) arguments.insert(arguments.end(), {"--cost", "cost"});
      const ProgramResult imported = run_clvsim(arguments);
      ASSERT_EQ(imported.exit_code, 0) << imported.err;
    }
  }
  static void TearDownTestSuite() { delete folder_; }
  static nlohmann::json fit(const std::string& store) {
    const ProgramResult result =
        run_clvsim({"fit", *folder_ / store, "--model", "mbg_nbd", "-o", *folder_ / "m.toml", "--force", "--json"});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return result.json();
  }
  static nlohmann::json simulate(const std::string& store) {
    const ProgramResult result =
        run_clvsim({"simulate", *folder_ / store, "--model", *folder_ / "m.toml", "--horizon", "26", "--paths", "1000",
                    "--discount", "0", "-o", *folder_ / "r.h5", "--force", "--json"});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return result.json();
  }
  static TemporaryFolder* folder_;
  static Counts counts_;
};
TemporaryFolder* ProgramSpend::folder_ = nullptr;
Counts ProgramSpend::counts_;

TEST_F(ProgramSpend, IsNetOfRefundsAndFreePurchases) {
  const nlohmann::json spend = fit("revenue.h5")["spend"];
  const double zero_share = counts_.free_repeats / counts_.repeats, refund_rate = counts_.refunds / counts_.purchases,
               refund_ratio = counts_.refunded / counts_.refunds / (counts_.bought / counts_.positive);
  EXPECT_NEAR(spend["zero_share"].get<double>(), zero_share, 1e-12);
  EXPECT_NEAR(spend["refund_rate"].get<double>(), refund_rate, 1e-12);
  EXPECT_NEAR(spend["refund_ratio"].get<double>(), refund_ratio, 1e-9);

  const nlohmann::json run = simulate("revenue.h5");
  EXPECT_EQ(run["measure"], "revenue");
  // Purchases by the closed form, each with the positive amount that the law expects of the customer.
  const auto model = std::get<BehaviourModel>(read_any_model(*folder_ / "m.toml"));
  const StoreReader store(*folder_ / "revenue.h5");
  CustomerBatch batch;
  store.read(0, store.info().n_customers, batch);
  CustomerResults results;
  RunReader(*folder_ / "r.h5").read(0, store.info().n_customers, results);
  double gross = 0;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const SpendHistory history = spend_history(batch, i, 100);
    gross += results.expected_transactions[i] * model.spend->law.expected_spend(history.x, history.mean);
  }
  const double net = (1 - zero_share - refund_rate * refund_ratio) * gross, se = run["total"]["mean_se"].get<double>();
  EXPECT_NEAR(run["total"]["mean"].get<double>(), net, 4 * se);
  EXPECT_GT(refund_rate * refund_ratio * gross, 40 * se) << "too few paths to see refunds";
  EXPECT_GT(zero_share * gross, 20 * se) << "too few paths to see free purchases";
}

TEST_F(ProgramSpend, IsWorthLessThanNothingWhereCostsExceedRevenue) {
  const double margin = 1 - counts_.costs / counts_.bought;
  EXPECT_NEAR(margin, -0.5, 1e-3);
  EXPECT_NEAR(fit("costs.h5")["margin"].get<double>(), margin, 1e-9);
  const nlohmann::json run = simulate("costs.h5");
  EXPECT_EQ(run["measure"], "clv");
  const double value = run["total"]["mean"].get<double>(), revenue = run["total_revenue"]["mean"].get<double>();
  EXPECT_GT(revenue, 0);
  EXPECT_LT(value, -40 * run["total"]["mean_se"].get<double>());
  EXPECT_NEAR(value / revenue, margin, 1e-6);
}

}  // namespace
}  // namespace clvsim::test
