// What holds for every synthetic log.
#include "host/base/output_file.hpp"
#include "tests/support/places.hpp"
#include "tests/support/program.hpp"

#include <clvsim/error.hpp>
#include <clvsim/generate.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <cmath>
#include <map>
#include <set>
#include <sstream>

namespace clvsim {
namespace {

using test::read_file;
using testing::HasSubstr;

MigrationChain model(const std::string& name) {
  return read_model(test::source_dir() + "/configs/models/" + name + ".toml");
}

struct Row {
  std::string customer;
  Date date;
  MinorUnits amount = 0;
};

MinorUnits cents(const std::string& text) {
  const bool negative = text[0] == '-';
  const std::size_t mark = text.find('.');
  EXPECT_EQ(text.size() - mark, 3u) << text;
  const MinorUnits value =
      std::stoll(text.substr(negative ? 1 : 0, mark - (negative ? 1 : 0))) * 100 + std::stoll(text.substr(mark + 1));
  return negative ? -value : value;
}

std::vector<std::vector<std::string>> fields_of(const std::string& text) {
  std::vector<std::vector<std::string>> rows;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    rows.emplace_back();
    std::istringstream cells(line);
    for (std::string cell; std::getline(cells, cell, ',');) rows.back().push_back(cell);
  }
  return rows;
}

std::vector<Row> rows_of(const std::string& text) {
  const auto fields = fields_of(text);
  EXPECT_EQ(fields.at(0), (std::vector<std::string>{"customer_id", "date", "amount"}));
  std::vector<Row> rows;
  for (std::size_t i = 1; i < fields.size(); ++i)
    rows.push_back({fields[i].at(0), parse_iso_date(fields[i].at(1)), cents(fields[i].at(2))});
  return rows;
}

struct Made {
  GenerateReport report;
  std::string log, truth;
};

Made make(const MigrationChain& chain, GenerateOptions options, const std::string& name = "log.csv") {
  test::TemporaryFolder folder;
  options.output = folder / name;
  options.truth = folder / "truth.csv";
  Made made{generate(chain, options), {}, {}};
  made.log = read_file(options.output);
  made.truth = read_file(options.truth);
  return made;
}

TEST(Generate, SameOptionsSameBytes) {
  GenerateOptions options;
  options.n_customers = 300;
  const MigrationChain chain = model("generator_retail");
  const Made a = make(chain, options), b = make(chain, options);
  EXPECT_EQ(a.log, b.log);
  EXPECT_EQ(a.truth, b.truth);
  options.seed = 2;
  EXPECT_NE(make(chain, options).log, a.log);
}

TEST(Generate, GzipHoldsTheSameText) {
  GenerateOptions options;
  options.n_customers = 20000;
  const MigrationChain chain = model("generator_retail");
  const Made plain = make(chain, options), zipped = make(chain, options, "log.csv.gz");
  ASSERT_GT(plain.log.size(), std::size_t{1} << 20) << "several blocks";
  EXPECT_LT(zipped.log.size(), plain.log.size() / 2);
  EXPECT_EQ(zipped.truth, plain.truth);
  std::string text(plain.log.size() + 1, '\0');
  z_stream stream{};
  ASSERT_EQ(inflateInit2(&stream, 15 + 16), Z_OK);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(zipped.log.data()));
  stream.avail_in = static_cast<uInt>(zipped.log.size());
  stream.next_out = reinterpret_cast<Bytef*>(text.data());
  stream.avail_out = static_cast<uInt>(text.size());
  EXPECT_EQ(inflate(&stream, Z_FINISH), Z_STREAM_END);
  text.resize(stream.total_out);
  inflateEnd(&stream);
  EXPECT_EQ(text, plain.log);
}

TEST(Generate, RowsAreInOrderInRangeAndAddUp) {
  // Days: customers of a single day are not listed and sorted.
  for (const PeriodUnit unit : {PeriodUnit::day, PeriodUnit::week, PeriodUnit::month}) {
    MigrationChain chain = model("generator_retail");
    chain.unit = unit;
    chain.spend->purchases_in_period = {0.2, 0.2, 0.2, 0.2, 0.2};
    GenerateOptions options;
    options.n_customers = 2000;
    options.start = make_date(2020, 2, 1);
    options.acquisition_periods = 5;
    options.observed_periods = 20;
    options.holdout_periods = 7;
    const Made made = make(chain, options);
    const std::vector<Row> rows = rows_of(made.log);
    EXPECT_EQ(static_cast<std::int64_t>(rows.size()), made.report.n_rows);
    const PeriodGrid grid(made.report.observation_end, unit);
    EXPECT_EQ(grid.end(-20).days + 1, options.start.days);

    std::map<std::string, std::vector<Row>> by_customer;
    MinorUnits total = 0;
    std::string current;
    Date arrival{0};
    for (const Row& row : rows) {
      if (row.customer != current) {
        EXPECT_EQ(by_customer.count(row.customer), 0u) << "a customer's rows stand together";
        EXPECT_GE(row.date, arrival) << "customers come in the order of acquisition";
        current = row.customer;
        arrival = row.date;
        EXPECT_GE(row.date, options.start);
        EXPECT_LE(row.date, grid.end(-15)) << "arrives in the periods of acquisition";
      } else {
        EXPECT_GE(row.date, by_customer[row.customer].back().date);
      }
      EXPECT_LE(row.date, grid.end(7));
      by_customer[row.customer].push_back(row);
      total += row.amount;
    }
    EXPECT_EQ(static_cast<std::int64_t>(by_customer.size()), made.report.n_customers);
    EXPECT_EQ(total, made.report.amount);

    // The truth is what the log shows after the end of observation.
    const auto truth = fields_of(made.truth);
    ASSERT_EQ(truth.size(), by_customer.size() + 1);
    std::int64_t n_same_day = 0;
    for (std::size_t i = 1; i < truth.size(); ++i) {
      std::int64_t purchases = 0;
      MinorUnits amount = 0;
      std::set<Date> days;
      for (const Row& row : by_customer.at(truth[i].at(0))) {
        if (row.amount >= 0) n_same_day += !days.insert(row.date).second;
        if (row.date <= made.report.observation_end) continue;
        purchases += row.amount >= 0;
        amount += row.amount;
      }
      EXPECT_EQ(std::stoll(truth[i].at(2)), purchases);
      EXPECT_EQ(cents(truth[i].at(3)), amount);
      EXPECT_LT(std::abs(std::stod(truth[i].at(1)) - chain.spend->log_mean[0]), 6.5 * chain.spend->between_sd);
    }
    if (unit == PeriodUnit::day) continue;
    EXPECT_EQ(n_same_day, 0) << "purchases of a period fall on different days";
  }
}

TEST(Generate, MoreCustomersChangeNobody) {
  const MigrationChain chain = model("generator_retail");
  GenerateOptions options;
  options.n_customers = 100;
  const auto by_customer = [](const std::vector<Row>& rows) {
    std::map<std::string, std::string> text;
    for (const Row& row : rows) text[row.customer] += to_string(row.date) + " " + std::to_string(row.amount) + ";";
    return text;
  };
  const auto few = by_customer(rows_of(make(chain, options).log));
  options.n_customers = 250;
  const auto many = by_customer(rows_of(make(chain, options).log));
  EXPECT_EQ(many.size(), 250u);
  for (const auto& [customer, text] : few) EXPECT_EQ(many.at(customer), text);
}

TEST(Generate, RowsAskedForAreThere) {
  GenerateOptions options;
  options.n_customers = 1;
  options.n_rows = 5000;
  const Made made = make(model("generator_retail"), options);
  EXPECT_GE(made.report.n_rows, 5000);
  EXPECT_LT(made.report.n_rows, 5000 + 200);
  EXPECT_GT(made.report.n_customers, 100);
}

TEST(Generate, OneCustomerOfOnePeriod) {
  GenerateOptions options;
  options.n_customers = 1;
  options.acquisition_periods = options.observed_periods = 1;
  options.holdout_periods = 0;
  const std::vector<Row> rows = rows_of(make(model("generator_retail"), options).log);
  ASSERT_GE(rows.size(), 1u);
  EXPECT_EQ(rows[0].customer, "C0000001");
}

TEST(Generate, RefusesWhatCannotBe) {
  test::TemporaryFolder folder;
  const MigrationChain chain = model("generator_retail");
  const auto refusal = [&](const MigrationChain& stated, auto&& change) -> std::string {
    GenerateOptions options;
    options.output = folder / "log.csv";
    change(options);
    try {
      generate(stated, options);
    } catch (const ConfigError& error) {
      return error.what();
    } catch (const ModelError& error) {
      return error.what();
    }
    return "accepted";
  };
  EXPECT_THAT(refusal(chain, [](GenerateOptions& o) { o.n_customers = 0; }), HasSubstr("0 customers; give 1"));
  EXPECT_THAT(refusal(chain, [](GenerateOptions& o) { o.n_rows = -1; }), HasSubstr("-1 rows"));
  EXPECT_THAT(refusal(chain, [](GenerateOptions& o) { o.acquisition_periods = 53; }), HasSubstr("give 1 to 52"));
  EXPECT_THAT(refusal(chain, [](GenerateOptions& o) { o.observed_periods = 0; }),
              HasSubstr("0 periods of observation"));
  EXPECT_THAT(refusal(chain, [](GenerateOptions& o) { o.holdout_periods = 65530; }), HasSubstr("at most 65535"));
  EXPECT_THAT(refusal(chain, [](GenerateOptions& o) { o.start = make_date(2195, 1, 1); }), HasSubstr("1900 to 2199"));
  EXPECT_THAT(refusal(model("lifecycle_a_e"), [](GenerateOptions&) {}), HasSubstr("no [recency_frequency]"));
  MigrationChain without_spend = chain;
  without_spend.spend.reset();
  EXPECT_THAT(refusal(without_spend, [](GenerateOptions&) {}), HasSubstr("no [spend]"));
  MigrationChain huge = chain;
  huge.spend->log_mean = {45, 45};
  EXPECT_THAT(refusal(huge, [](GenerateOptions&) {}), HasSubstr("4.6e18"));
  EXPECT_TRUE(folder.entries().empty()) << "nothing is left behind";
}

}  // namespace
}  // namespace clvsim
