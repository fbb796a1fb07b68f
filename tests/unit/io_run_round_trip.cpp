// Runs are read as they were written, whatever the batches; the CSV export says the same; inspect describes both files.
#include "host/io/describe.hpp"
#include "host/io/run_file.hpp"
#include "tests/support/io_run.hpp"
#include "tests/support/io_store.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <clvsim/error.hpp>
#include <nlohmann/json.hpp>

#include <cmath>
#include <limits>
#include <sstream>

namespace clvsim {
namespace {

using test::difference;
using test::make_test_run;
using test::TemporaryFolder;
using test::TestRun;
using test::write_run;

constexpr std::int64_t block = 32768;

TEST(RunRoundTrip, KeepsEveryValue) {
  const TemporaryFolder folder;
  for (const std::int64_t n : {0, 1, 20, 1000}) {
    for (const char* measure : {"clv", "revenue"}) {
      for (const bool has_dates : {false, true}) {
        const TestRun run = make_test_run({.n_customers = n, .has_dates = has_dates, .measure = measure});
        const std::string digest = write_run(run, folder / "r.h5", 7, true);
        EXPECT_EQ(difference(run, folder / "r.h5"), "") << n << " customers, " << measure << ", dates " << has_dates;
        EXPECT_EQ(RunReader(folder / "r.h5").info().content_digest, digest);
      }
    }
  }
}

TEST(RunRoundTrip, KeepsClosedForms) {
  const TemporaryFolder folder;
  for (const bool has_dert : {false, true}) {
    TestRun run = make_test_run({.n_customers = 2000, .has_closed_forms = true, .has_dert = has_dert});
    write_run(run, folder / "r.h5", 333, true);
    EXPECT_EQ(difference(run, folder / "r.h5"), "") << has_dert;
    const RunInfo info = RunReader(folder / "r.h5").info();
    EXPECT_TRUE(info.has_closed_forms);
    EXPECT_EQ(info.has_dert, has_dert);
    export_csv(RunReader(folder / "r.h5"), folder / "r.csv", true);
    const std::string csv = test::read_file(folder / "r.csv"), head = csv.substr(0, csv.find('\r'));
    EXPECT_TRUE(head.ends_with(has_dert ? ",p_alive,expected_transactions,expected_spend,dert" : ",expected_spend"));
    run.results.expected_transactions[7] = std::numeric_limits<double>::quiet_NaN();  // a sum that did not settle
    write_run(run, folder / "r.h5", 333, true);
    run.results.p_alive[7] = 1.5;
    EXPECT_THROW(write_run(run, folder / "s.h5"), Error);
  }
}

TEST(RunRoundTrip, KeepsSegments) {
  const TemporaryFolder folder;
  for (const bool keep_paths : {false, true}) {
    const TestRun run =
        make_test_run({.n_customers = block + 9, .n_paths = 3, .keep_paths = keep_paths, .has_segments = true});
    write_run(run, folder / "r.h5", 1009, true);
    EXPECT_EQ(difference(run, folder / "r.h5", 10007), "") << keep_paths;
  }
  const auto refused = [&](auto&& spoil) {
    TestRun run = make_test_run({.has_segments = true});
    spoil(run);
    EXPECT_THROW(write_run(run, folder / "s.h5"), Error);
    EXPECT_FALSE(std::filesystem::exists(folder / "s.h5"));
  };
  refused([](TestRun& run) { run.results.segment[3] = 3; });
  refused([](TestRun& run) { run.info.segments[0].name = "none"; });
  refused([](TestRun& run) { run.info.segments[1].n_customers += 1; });
  refused([](TestRun& run) { run.info.segments[1].active.se = std::numeric_limits<double>::quiet_NaN(); });
}

TEST(RunRoundTrip, IsTheSameBytesInAnyBatches) {
  const TemporaryFolder folder;
  const TestRun run = make_test_run({.n_customers = block + 1, .n_paths = block + 1});
  write_run(run, folder / "whole.h5");
  EXPECT_EQ(difference(run, folder / "whole.h5", 10007), "");
  const std::string bytes = test::read_file(folder / "whole.h5");
  for (const std::int64_t batch : {std::int64_t{4999}, block}) {
    write_run(run, folder / "batches.h5", batch, true);
    EXPECT_TRUE(bytes == test::read_file(folder / "batches.h5")) << "by " << batch;
  }
}

TEST(RunRoundTrip, KeepsPathsOfAnyNumberInAnyBatches) {
  const TemporaryFolder folder;
  struct Shape {
    std::int64_t n_customers;
    std::uint32_t n_paths;
  };
  // Fewer values than a block; blocks of both tables ending apart, together, and many within a customer.
  for (const Shape shape :
       {Shape{0, 2}, Shape{5, 3}, Shape{block + 3, 3}, Shape{2 * block, 2}, Shape{3, 2 * block + 1}}) {
    const TestRun run = make_test_run(
        {.n_customers = shape.n_customers, .n_paths = shape.n_paths, .quantiles = {0.5}, .keep_paths = true});
    write_run(run, folder / "whole.h5", 1 << 30, true);
    EXPECT_EQ(difference(run, folder / "whole.h5", 10007), "") << shape.n_customers;
    const std::string bytes = test::read_file(folder / "whole.h5");
    for (const std::int64_t batch : {std::int64_t{4999}, block, block + 1}) {
      write_run(run, folder / "batches.h5", batch, true);
      EXPECT_TRUE(bytes == test::read_file(folder / "batches.h5")) << shape.n_customers << " by " << batch;
    }
  }
}

TEST(RunRoundTrip, ARunWithoutPathsSaysHowToKeepThem) {
  const TemporaryFolder folder;
  write_run(make_test_run({}), folder / "r.h5");
  const RunReader run(folder / "r.h5");
  std::vector<std::int64_t> values;
  EXPECT_THROW(run.read_paths(0, 1, values), ConfigError);
  EXPECT_THROW(export_paths_csv(run, folder / "p.csv", false), ConfigError);
  EXPECT_EQ(folder.entries(), std::vector<std::string>{"r.h5"});
}

TEST(RunRoundTrip, RefusesToWriteOtherPathsThanItKeeps) {
  const TemporaryFolder folder;
  TestRun run = make_test_run({.keep_paths = true});
  run.results.path_value.resize(run.results.size() * 9);
  EXPECT_THROW(write_run(run, folder / "r.h5"), Error);
  run = make_test_run({.keep_paths = true});
  run.info.options.keep_paths = false;
  EXPECT_THROW(write_run(run, folder / "r.h5"), Error);
  EXPECT_TRUE(folder.entries().empty());
}

// Paths take most of a disk: 8 bytes each, so many that no disk has them.
TEST(RunRoundTrip, SaysBeforehandWhatKeptPathsTake) {
  const TemporaryFolder folder;
  TestRun run = make_test_run({.n_customers = 0, .keep_paths = true});
  run.info.options.n_paths = 4'000'000'000;
  run.info.n_customers = 1'000'000'000;
  try {
    const RunWriter writer(folder / "r.h5", run.info, run.scale, false);
    FAIL() << "32 exabytes of room";
  } catch (const IoError& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("32000000000000 of them for the kept paths"));
    EXPECT_THAT(error.what(), testing::HasSubstr("keep no paths"));
  }
  EXPECT_TRUE(folder.entries().empty());
}

TEST(RunRoundTrip, DoesNotDependOnThreadsOrBatchOrDevice) {
  const TemporaryFolder folder;
  TestRun run = make_test_run({});
  write_run(run, folder / "a.h5");
  run.info.options.threads = 7;
  run.info.options.batch = 3;
  run.info.device = "cuda:0";
  write_run(run, folder / "b.h5");
  EXPECT_TRUE(test::read_file(folder / "a.h5") == test::read_file(folder / "b.h5"));
}

TEST(RunRoundTrip, RefusesToWriteWhatIsNoResult) {
  const TemporaryFolder folder;
  const auto refused = [&](auto&& spoil) {
    TestRun run = make_test_run({});
    spoil(run);
    EXPECT_THROW(write_run(run, folder / "r.h5"), Error);
    EXPECT_TRUE(folder.entries().empty());
  };
  refused([](TestRun& run) { run.results.mean[3] = std::numeric_limits<double>::quiet_NaN(); });
  refused([](TestRun& run) { run.results.se[3] = std::numeric_limits<double>::infinity(); });
  refused([](TestRun& run) { run.results.sd[3] = -1; });
  refused([](TestRun& run) { run.results.p_active[3] = 1.5; });
  refused([](TestRun& run) { std::swap(run.results.quantile[0], run.results.quantile[2]); });
  refused([](TestRun& run) { run.results.key[2 * 9 + 8] = '0'; });  // not ascending
  refused([](TestRun& run) { run.info.periods.pop_back(); });
  refused([](TestRun& run) { run.info.periods[1].first_day.days += 1; });
  refused([](TestRun& run) { run.totals.pop_back(); });
  refused([](TestRun& run) { run.info.n_customers += 1; });
  refused([](TestRun& run) { run.info.options.quantiles = {0.5, 0.5, 0.6}; });
  refused([](TestRun& run) { run.info.total.sd.se = std::numeric_limits<double>::infinity(); });
  refused([](TestRun& run) { run.info.total.quantiles[0].se = std::numeric_limits<double>::quiet_NaN(); });
  refused([](TestRun& run) { run.results.p_active_se[3] = std::numeric_limits<double>::quiet_NaN(); });
  refused([](TestRun& run) { run.info.options.parameter_draws = run.info.options.n_paths + 1; });
  refused([](TestRun& run) { run.scale = 0; });
}

// A spend without a second or fourth moment: its errors are infinite, and are no numbers in the file.
TEST(RunRoundTrip, KeepsWhatIsInfiniteAsNoNumber) {
  const TemporaryFolder folder;
  const double none = std::numeric_limits<double>::quiet_NaN();
  TestRun run = make_test_run({});
  run.results.se[3] = run.results.sd[3] = run.results.sd_se[3] = run.results.cvar_se[3] = none;
  run.info.total.mean.se = run.info.total.cvar.se = none;
  run.info.total.sd = {none, none};
  run.info.options.parameter_draws = 4;
  write_run(run, folder / "r.h5");
  const RunReader reader(folder / "r.h5");
  EXPECT_TRUE(std::isnan(reader.info().total.mean.se));
  EXPECT_TRUE(std::isnan(reader.info().total.sd.mean));
  EXPECT_EQ(reader.info().total.mean.mean, run.info.total.mean.mean);
  EXPECT_EQ(reader.info().options.parameter_draws, 4U);
  export_csv(reader, folder / "r.csv", false);
  const std::string text = test::read_file(folder / "r.csv");
  EXPECT_EQ(text.find("nan"), std::string::npos);
  EXPECT_NE(text.find(",,"), std::string::npos);
}

TEST(RunRoundTrip, NamesQuantilesByTheirDigits) {
  EXPECT_EQ(fraction_digits(0.05), "05");
  EXPECT_EQ(fraction_digits(0.5), "50");
  EXPECT_EQ(fraction_digits(0.975), "975");
  EXPECT_EQ(fraction_digits(0.0001), "0001");
  EXPECT_EQ(fraction_digits(1), "100");
  RunInfo info;
  info.measure_name = "clv";
  info.options.quantiles = {0.25};
  info.options.cvar_level = 0.1;
  EXPECT_EQ(run_column_names(info),
            (std::vector<std::string>{"clv_mean", "clv_se", "clv_sd", "clv_sd_se", "clv_q25", "clv_q25_se",
                                      "clv_cvar10", "clv_cvar10_se", "p_nonpositive", "p_nonpositive_se", "p_active",
                                      "p_active_se", "transactions_mean", "transactions_se"}));
}

TEST(ExportCsv, WritesEveryNumberSoThatItReadsBackExactly) {
  const TemporaryFolder folder;
  const TestRun run = make_test_run({.n_customers = 40000, .quantiles = {0.5}});
  write_run(run, folder / "r.h5");
  export_csv(RunReader(folder / "r.h5"), folder / "r.csv", false);
  std::istringstream text(test::read_file(folder / "r.csv"));
  std::string line, field;
  std::getline(text, line);
  EXPECT_EQ(line,
            "key,clv_mean,clv_se,clv_sd,clv_sd_se,clv_q50,clv_q50_se,clv_cvar05,clv_cvar05_se,p_nonpositive,"
            "p_nonpositive_se,p_active,p_active_se,transactions_mean,transactions_se\r");
  for (std::size_t i = 0; i < run.results.size(); ++i) {
    ASSERT_TRUE(std::getline(text, line));
    std::istringstream fields(line);
    std::getline(fields, field, ',');
    ASSERT_EQ(field, std::string(run.results.key.data() + i * 9, 9));
    for (const double value : {run.results.mean[i], run.results.se[i], run.results.sd[i], run.results.sd_se[i],
                               run.results.quantile[i], run.results.quantile_se[i]}) {
      std::getline(fields, field, ',');
      ASSERT_EQ(std::stod(field), value);
    }
  }
  EXPECT_FALSE(std::getline(text, line));
  EXPECT_THROW(export_csv(RunReader(folder / "r.h5"), folder / "r.csv", false), IoError);
}

TEST(ExportCsv, NamesTheSegmentAfterTheKey) {
  const TemporaryFolder folder;
  TestRun run = make_test_run({.n_customers = 50, .has_segments = true});
  run.info.segments[2].name = "=south, \"of it\"";
  write_run(run, folder / "r.h5");
  export_csv(RunReader(folder / "r.h5"), folder / "r.csv", false);
  std::istringstream text(test::read_file(folder / "r.csv"));
  std::string line;
  std::getline(text, line);
  EXPECT_EQ(line.substr(0, 21), "key,segment,clv_mean,");
  const std::string names[] = {",", ",north,", ",\"'=south, \"\"of it\"\"\","};
  for (std::size_t i = 0; i < run.results.size(); ++i) {
    ASSERT_TRUE(std::getline(text, line));
    const std::string head = std::string(run.results.key.data() + i * 9, 9) + names[run.results.segment[i]];
    EXPECT_EQ(line.substr(0, head.size()), head);
  }
}

TEST(ExportCsv, WritesEveryPathInCurrencyUnits) {
  const TemporaryFolder folder;
  for (const std::uint32_t n_paths : {3U, 200000U}) {  // several customers at once, and one
    TestRun run = make_test_run({.n_customers = 2, .n_paths = n_paths, .keep_paths = true});
    run.results.key[0] = '=';  // before "C..."
    write_run(run, folder / "r.h5", 1, true);
    export_paths_csv(RunReader(folder / "r.h5"), folder / "p.csv", true);
    std::istringstream text(test::read_file(folder / "p.csv"));
    std::string line;
    std::getline(text, line);
    EXPECT_EQ(line, "key,path,clv\r");
    for (std::size_t row = 0; row < run.results.path_value.size(); ++row) {
      ASSERT_TRUE(std::getline(text, line));
      const std::string key = row < n_paths ? "'=00000000" : "C00000001";
      const std::string head = key + "," + std::to_string(row % n_paths) + ",";
      ASSERT_EQ(line.substr(0, head.size()), head);
      ASSERT_EQ(std::stod(line.substr(head.size())), static_cast<double>(run.results.path_value[row]) * run.scale);
    }
    EXPECT_FALSE(std::getline(text, line));
  }
}

TEST(ExportCsv, DefusesFormulasAndQuotesAsRfc4180Says) {
  const TemporaryFolder folder;
  const std::vector<std::pair<std::string, std::string>> cases{
      {"=1+1", "'=1+1"},      {"+1", "'+1"},         {"-1", "'-1"},       {"@x", "'@x"}, {"\tx", "'\tx"},
      {"\rx", "\"'\rx\""},    {"a,b", "\"a,b\""},    {"a=b", "a=b"},      {"'x", "'x"},  {"'=x", "''=x"},
      {"a\"b", "\"a\"\"b\""}, {"=a,b", "\"'=a,b\""}, {"a\nb", "\"a\nb\""}};
  for (const auto& [id, written] : cases) {
    TestRun run = make_test_run({.n_customers = 1});
    run.results.key.assign(9, '\0');
    std::copy(id.begin(), id.end(), run.results.key.begin());
    write_run(run, folder / "r.h5", 1, true);
    export_csv(RunReader(folder / "r.h5"), folder / "r.csv", true);
    const std::string text = test::read_file(folder / "r.csv");
    EXPECT_EQ(text.substr(text.find('\n') + 1).rfind(written + ",", 0), 0U) << written;
  }
}

TEST(Describe, ShowsTypesUnitsAndLedgersOfBothFiles) {
  const TemporaryFolder folder;
  const test::TestStore store = test::make_test_store({.has_cost = true});
  test::write_store(store, folder / "s.h5");
  const nlohmann::json s = describe_file(folder / "s.h5");
  EXPECT_EQ(s["type"], "store");
  EXPECT_EQ(s["format_version"], "1.0");
  EXPECT_EQ(s["attributes"]["observation_end"], "1997-09-30");
  EXPECT_EQ(s["attributes"]["format_version"], (std::vector<int>{1, 0}));
  EXPECT_EQ(s["ledger"]["read"]["amount"], store.info.ledger.read.amount);
  EXPECT_EQ(s["ledger"]["rejected_by_reason"]["bad date"], 2);
  EXPECT_EQ(s["content_digest"], StoreReader(folder / "s.h5").info().content_digest);
  EXPECT_EQ(s["datasets"].size(), 12U + 4 + 2 + 4 + 1 + 1 + 3 + 2);
  for (const auto& dataset : s["datasets"]) {
    EXPECT_FALSE(dataset["units"].get<std::string>().empty());
    EXPECT_GE(dataset["long_name"].get<std::string>().size(), 4U);
  }
  EXPECT_EQ(s.dump().find("C0000"), std::string::npos) << "a customer id";

  const TestRun run = make_test_run({});
  write_run(run, folder / "r.h5");
  const nlohmann::json r = describe_file(folder / "r.h5");
  EXPECT_EQ(r["type"], "run");
  EXPECT_EQ(r["attributes"]["seed"], 0xfedcba9876543210);
  EXPECT_EQ(r["portfolio"]["clv_q975"]["value"], run.info.total.quantiles[2].mean);
  EXPECT_EQ(r["portfolio"]["undiscounted_revenue_mean"]["se"], run.info.total_revenue.mean.se);
  EXPECT_EQ(verify_file(folder / "r.h5")["content_digest"], r["content_digest"]);

  write_run(make_test_run({.keep_paths = true}), folder / "p.h5");
  const nlohmann::json p = describe_file(folder / "p.h5");
  EXPECT_EQ(p["datasets"].size(), r["datasets"].size() + 1);
  EXPECT_EQ(p["datasets"].back()["path"], "/paths/value");
  EXPECT_EQ(p["datasets"].back()["rows"], 200);
}

}  // namespace
}  // namespace clvsim
