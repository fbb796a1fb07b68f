// A corpus of small logs: what the sniffer makes of each, or why it refuses.
#include "tests/support/ingest_files.hpp"

#include <clvsim/error.hpp>

#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>

namespace clvsim {
namespace {

using test::message_of;
using ::testing::HasSubstr;

struct SniffCase {
  const char* name;
  const char* text;
  const char* flags;  // behind --customer C --date D --amount A
};

std::ostream& operator<<(std::ostream& out, const SniffCase& c) { return out << c.name; }

class SniffCorpus : public ::testing::TestWithParam<SniffCase> {};

TEST_P(SniffCorpus, IsUnderstood) {
  const test::LogFolder folder;
  const Dialect dialect = sniff(folder.import_of(GetParam().text));
  EXPECT_EQ(fmt::format("{}", fmt::join(dialect.flags, " ")), GetParam().flags);
}

INSTANTIATE_TEST_SUITE_P(
    Logs, SniffCorpus,
    ::testing::Values(
        SniffCase{"plain", "customer_id,date,amount\n1,2020-01-02,3.50\n",
                  "--customer customer_id --date date --amount amount --delimiter , --decimal-mark . --date-order ymd"},
        SniffCase{
            "cdnow", "customer_id,date,number_of_cds,dollar_value\n00001,1997-01-01,1,11.77\n",
            "--customer customer_id --date date --amount dollar_value --delimiter , --decimal-mark . --date-order ymd"},
        SniffCase{"semicolon_and_decimal_comma", "Kunden-Nr;Datum;Betrag\n1;31.12.2020;3,50\n2;01.02.2020;1.234,00\n",
                  "--customer Kunden-Nr --date Datum --amount Betrag --delimiter ; --decimal-mark , --date-order dmy"},
        SniffCase{"tab", "CustomerID\tInvoiceDate\tTotalPrice\n1\t2020-01-02T10:00:00Z\t5\n",
                  "--customer CustomerID --date InvoiceDate --amount TotalPrice --delimiter tab --decimal-mark . "
                  "--date-order ymd"},
        SniffCase{
            "bar", "user_id|timestamp|revenue\n1|2020/01/02|5\n",
            "--customer user_id --date timestamp --amount revenue --delimiter | --decimal-mark . --date-order ymd"},
        SniffCase{
            "quoted_with_delimiters_inside",
            "\"cust_id\",\"order_date\",\"sales\"\n\"a;b;c;d\",\"2020-01-02\",\"1,234.50\"\n",
            "--customer cust_id --date order_date --amount sales --delimiter , --decimal-mark . --date-order ymd"},
        SniffCase{"order_of_months_first", "customer,date,value\n1,1/2/2020,3\n2,1/13/2020,3\n",
                  "--customer customer --date date --amount value --delimiter , --decimal-mark . --date-order mdy"},
        SniffCase{"order_of_days_first", "customer,date,value\n1,1/2/2020,3\n2,13/1/2020 10:15,3\n",
                  "--customer customer --date date --amount value --delimiter , --decimal-mark . --date-order dmy"},
        SniffCase{"order_of_dotted_dates", "customer;date;value\n1;01.02.2020;3\n",
                  "--customer customer --date date --amount value --delimiter ; --decimal-mark . --date-order dmy"},
        SniffCase{"mark_settled_by_another_row", "customer,date,value\n1,2020-01-02,1.234\n2,2020-01-02,1.5\n",
                  "--customer customer --date date --amount value --delimiter , --decimal-mark . --date-order ymd"},
        SniffCase{"mark_settled_by_two_groups", "customer,date,value\n1,2020-01-02,1.234\n2,2020-01-02,1.234.567\n",
                  "--customer customer --date date --amount value --delimiter , --decimal-mark , --date-order ymd"},
        SniffCase{"one_bad_row_does_not_confuse",
                  "customer,date,value\n1,2020-01-02,1.50,extra,fields,3,5\n2,2020-01-03,2.50\n"
                  "3,2020-01-03,2.50\n4,2020-01-03,2.50\n5,2020-01-03,2.50\n6,2020-01-03,2.50\n"
                  "7,2020-01-03,2.50\n8,2020-01-03,2.50\n9,2020-01-03,2.50\n10,2020-01-03,2\n",
                  "--customer customer --date date --amount value --delimiter , --decimal-mark . --date-order ymd"}),
    [](const auto& test) { return test.param.name; });

TEST(Sniff, TellsMarksAndLineEndings) {
  const test::LogFolder folder;
  const Dialect dialect = sniff(folder.import_of("\xef\xbb\xbfuser;date;total\r\n1;2020-01-02;1'234,50\r\n"));
  EXPECT_TRUE(dialect.byte_order_mark);
  EXPECT_TRUE(dialect.crlf);
  EXPECT_EQ(dialect.decimal_mark, ',');
  EXPECT_EQ(dialect.thousands_mark, '\'');
  EXPECT_EQ(dialect.customer_column, "user");
}

TEST(Sniff, TakesNamedColumnsRegardlessOfCase) {
  const test::LogFolder folder;
  ImportOptions options = folder.import_of("Who,When,Paid,Cost,Note\nx,2020-01-02,5,1,\n");
  options.customer_column = "who";
  options.date_column = "When";
  options.amount_column = "PAID";
  options.cost_column = "cost";
  const Dialect dialect = sniff(options);
  EXPECT_EQ(dialect.customer_column, "Who");
  EXPECT_EQ(dialect.amount_column, "Paid");
  EXPECT_EQ(dialect.cost_column, "Cost");
  EXPECT_EQ(dialect.quantity_column, "");
  EXPECT_THAT(fmt::format("{}", fmt::join(dialect.flags, " ")), HasSubstr("--cost Cost"));
}

TEST(Sniff, ReadsOnUntilTheDateOrderIsSettled) {
  const test::LogFolder folder;
  std::string text = "customer,date,value\n";
  for (int i = 0; i < 30000; ++i) text += fmt::format("{},0{}/0{}/2020,5\n", i, 1 + i % 9, 1 + i % 7);
  EXPECT_THAT(message_of<DataError>([&] { (void)sniff(folder.import_of(text)); }), HasSubstr("--date-order"));
  EXPECT_EQ(sniff(folder.import_of(text + "x,25/01/2020,5\n")).date_order, DateOrder::dmy);
}

struct RefusedCase {
  const char* name;
  const char* text;
  std::vector<const char*> message;
};

std::ostream& operator<<(std::ostream& out, const RefusedCase& c) { return out << c.name; }

class RefusedCorpus : public ::testing::TestWithParam<RefusedCase> {};

TEST_P(RefusedCorpus, IsRefusedWithTheRemedy) {
  const test::LogFolder folder;
  const std::string message = message_of<DataError>([&] { (void)sniff(folder.import_of(GetParam().text)); });
  EXPECT_THAT(message, HasSubstr("'log.csv'"));
  for (const char* part : GetParam().message) EXPECT_THAT(message, HasSubstr(part));
}

INSTANTIATE_TEST_SUITE_P(
    Logs, RefusedCorpus,
    ::testing::Values(
        RefusedCase{"ambiguous_dates",
                    "customer,date,value\n1,03/04/1997,5\n2,1997-01-31,5\n",
                    {"03/04/1997", "line 2", "--date-order dmy", "--date-order mdy"}},
        RefusedCase{"contradicting_dates",
                    "customer,date,value\n1,13/04/1997,5\n2,04/13/1997,5\n",
                    {"line 2", "line 3", "--date-order"}},
        RefusedCase{"ambiguous_point",
                    "customer,date,value\n1,1997-01-31,1.234\n2,1997-01-31,12\n",
                    {"1.234", "line 2", "--decimal-mark"}},
        RefusedCase{"ambiguous_comma", "customer;date;value\n1;1997-01-31;-1,234\n", {"1,234", "--decimal-mark"}},
        RefusedCase{"contradicting_marks",
                    "customer;date;value\n1;1997-01-31;1,5\n2;1997-01-31;1.5\n",
                    {"line 2", "line 3", "--decimal-mark"}},
        RefusedCase{
            "no_known_amount", "customer,date,x\n1,1997-01-31,5\n", {"amount", "'customer', 'date', 'x'", "--amount"}},
        RefusedCase{"unit_price_is_no_amount", "customer,date,quantity,unit_price\n1,1997-01-31,5,2\n", {"--amount"}},
        RefusedCase{"no_header", "1,1997-01-31,5\n2,1997-01-31,5\n", {"customer id", "--customer", "first line"}},
        RefusedCase{"two_dates",
                    "customer,order_date,invoice_date,value\n1,1997-01-31,1997-01-31,5\n",
                    {"'order_date', 'invoice_date'", "--date"}},
        RefusedCase{"twice_the_same_name",
                    "customer,date,value,date\n1,1997-01-31,5,1997-01-31\n",
                    {"same name", "'date', 'value', 'date'"}},
        RefusedCase{
            "bad_quoting_in_the_header", "customer,\"date\"x,value\n1,1997-01-31,5\n", {"line 1", "closing quote"}},
        RefusedCase{"one_column", "customer\n1\n", {"--delimiter"}},
        RefusedCase{"two_delimiters", "customer,date,value;x;y\n1,1,1;2;2\n", {"--delimiter"}},
        RefusedCase{"empty", "", {"is empty"}}, RefusedCase{"line_feeds_alone", "\n\n", {"is empty"}},
        RefusedCase{"workbook", "PK\x03\x04xxxxxxxx", {"Excel", "CSV UTF-8"}}),
    [](const auto& test) { return test.param.name; });

TEST(Sniff, FlagsSettleWhatIsAmbiguous) {
  const test::LogFolder folder;
  ImportOptions options = folder.import_of("customer,date,value\n1,03/04/1997,1.234\n");
  options.date_order = DateOrder::dmy;
  options.decimal_mark = ',';
  const Dialect dialect = sniff(options);
  EXPECT_EQ(dialect.date_order, DateOrder::dmy);
  EXPECT_EQ(dialect.thousands_mark, '.');
}

TEST(Sniff, SuggestsTheColumnThatWasMeant) {
  const test::LogFolder folder;
  ImportOptions options = folder.import_of("customer,date,value\n1,1997-04-03,1.2\n");
  options.amount_column = "valeu";
  const std::string message = message_of<ConfigError>([&] { (void)sniff(options); });
  EXPECT_THAT(message, HasSubstr("did you mean 'value'?"));
  EXPECT_THAT(message, HasSubstr("'customer', 'date', 'value'"));
}

}  // namespace
}  // namespace clvsim
