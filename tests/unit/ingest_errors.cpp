// Bad input: the error says what, where, why and the remedy; no output stands.
#include "tests/support/ingest_files.hpp"

#include <clvsim/error.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace clvsim {
namespace {

using test::LogFolder;
using test::message_of;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

template <typename E>
std::string refused(const ImportOptions& options) {
  const std::string message = message_of<E>([&] { (void)import_logs(options); });
  EXPECT_FALSE(std::filesystem::exists(options.output)) << message;
  return message;
}

TEST(ImportErrors, TooManyRejectsKeepTheRejectsFileAlone) {
  const LogFolder folder;
  ImportOptions options =
      folder.import_of("customer,date,amount\nalice,2020-01-01,5\nalice,2020-01-01,inf\nbob,soon,5\n");
  EXPECT_THAT(refused<DataError>(options),
              AllOf(HasSubstr("2 of 3 rows are rejected"), HasSubstr("amount is not finite: 1, date is not a date: 1"),
                    HasSubstr("--rejects FILE"), HasSubstr("--max-reject-share"), Not(HasSubstr("alice"))));
  options.rejects = folder.path() / "rejects.csv";
  EXPECT_THAT(refused<DataError>(options), HasSubstr("rejects.csv"));
  EXPECT_THAT(folder.entries(), ElementsAre("log.csv", "rejects.csv"));
}

TEST(ImportErrors, TheShareIsALimitNotBelow) {
  const LogFolder folder;
  std::string text = "customer,date,amount\n";
  for (int i = 0; i < 99; ++i) text += fmt::format("{},2020-01-01,5\n", i);
  (void)import_logs(folder.import_of(text + "x,2020-01-01,?\n"));
  ImportOptions options = folder.import_of(text + "x,2020-01-01,?\nx,2020-01-01,?\n");
  options.output = folder.path() / "other.h5";
  EXPECT_THAT(refused<DataError>(options), HasSubstr("2 of 101 rows"));
}

TEST(ImportErrors, EmptyLogs) {
  const LogFolder folder;
  EXPECT_THAT(refused<DataError>(folder.import_of("")), HasSubstr("is empty"));
  EXPECT_THAT(refused<DataError>(folder.import_of("customer,date,amount\n\n")), HasSubstr("no row follows the header"));
  ImportOptions options = folder.import_of("customer,date,amount\nx,2020-01-01,?\n");
  options.max_reject_share = 1;
  EXPECT_THAT(refused<DataError>(options), HasSubstr("1 of 1 rows are rejected"));
}

TEST(ImportErrors, ObservationEndBeforeTheFirstRow) {
  const LogFolder folder;
  ImportOptions options = folder.import_of("customer,date,amount\nx,2020-01-01,5\n");
  options.observation_end = parse_iso_date("2019-12-31");
  EXPECT_THAT(refused<DataError>(options),
              AllOf(HasSubstr("2019-12-31"), HasSubstr("2020-01-01"), HasSubstr("--observation-end")));
}

TEST(ImportErrors, MixedCurrencies) {
  const LogFolder folder;
  ImportOptions options = folder.import_of(
      "customer,date,amount\nx,2020-01-01,$5.00\nx,2020-01-02,5.00\nx,2020-01-03,\xe2\x82\xac"
      "5.00\n");
  EXPECT_THAT(refused<DataError>(options),
              AllOf(HasSubstr("line 4"), HasSubstr("line 2"), HasSubstr("$"), HasSubstr("\xe2\x82\xac")));
  options = folder.import_of("customer,date,amount\nx,2020-01-01,$5.00\n");
  options.currency = "EUR";
  EXPECT_THAT(refused<DataError>(options), AllOf(HasSubstr("--currency says EUR"), HasSubstr("line 2")));
  options.currency = "USD";
  (void)import_logs(options);
}

TEST(ImportErrors, ASecondCurrencyWrittenAsACode) {
  const LogFolder folder;
  const auto refusal = [&](const std::string& currency, std::string_view text, std::string_view column = "") {
    ImportOptions options = folder.import_of(text);
    options.currency = currency;
    options.max_reject_share = 1;
    if (!column.empty()) options.cost_column = column;
    return refused<DataError>(options);
  };
  for (const char* amount : {"13 USD", "13USD", "USD 13.50", "-USD13", "13 USD-", "(USD 13)", "(13) USD", "$13 USD",
                             "USD 13 EUR", "13\xc2\xa0USD", "13.505 USD", "1.234,50 USD", " USD  1,234.50 "})
    EXPECT_THAT(refusal("EUR", fmt::format("customer|date|amount\nx|2020-01-01|12.5\nx|2020-01-02|{}\n", amount)),
                AllOf(HasSubstr("line 3"), HasSubstr("in USD"), HasSubstr("--currency says EUR")))
        << amount;
  EXPECT_THAT(refusal("USD", "customer,date,amount\nx,2020-01-01,12 USD\nx,2020-01-02,USD 1\n,never,13 EUR\n"),
              AllOf(HasSubstr("line 4"), HasSubstr("in EUR"), HasSubstr("--currency says USD")));
  EXPECT_THAT(refusal("EUR", "customer;date;amount\nx;2020-01-01;13,50 CHF\n"), HasSubstr("in CHF"))
      << "the decimal mark is known in spite of the code";
  EXPECT_THAT(refusal("CHF", "customer,date,amount,cost\nx,2020-01-01,13 CHF,12 EUR\n", "cost"), HasSubstr("in EUR"));
  // Without --currency the code asks for it.
  EXPECT_THAT(refusal("", "customer,date,amount\nx,2020-01-01,13.50 CHF\nx,2020-01-02,1 CHF\n"),
              AllOf(HasSubstr("line 2"), HasSubstr("CHF"), HasSubstr("--currency CHF")));
  // No codes: the row is rejected.
  for (const char* amount : {"NAN", "-INF", "5 NAN", "USD", "5 usd", "5 USDT", "5 US", "5x USD", "CHF 5 SEK"})
    EXPECT_THAT(refusal("EUR", fmt::format("customer,date,amount\nx,2020-01-01,{}\n", amount)),
                HasSubstr("1 of 1 rows are rejected"))
        << amount;
}

TEST(ImportErrors, TheCodeOfCurrencyIsNoSecondCurrency) {
  const LogFolder folder;
  const std::pair<const char*, const char*> cases[] = {{"EUR", "13 EUR"}, {"CAD$", "CAD$ 13"}, {"USDT", "13USDT"}};
  for (const auto& [currency, amount] : cases) {
    ImportOptions options = folder.import_of(fmt::format("customer,date,amount\nx,2020-01-01,{}\n", amount));
    options.currency = currency;
    options.overwrite = true;
    EXPECT_EQ(import_logs(options).store.ledger.read.amount, 1300) << amount;
  }
  ImportOptions options = folder.import_of("customer,date,amount,n\nx,2020-01-01,13,2\nx,2020-01-01,13,5 PCS\n");
  options.quantity_column = "n";
  options.max_reject_share = 0.5;
  options.overwrite = true;
  EXPECT_EQ(import_logs(options).store.ledger.rejected.rows, 1) << "a quantity has no currency";
}

TEST(ImportErrors, DamagedAndAbsentFiles) {
  const LogFolder folder;
  ImportOptions options = folder.import_of("");
  std::string text = "customer,date,amount\n";
  for (int i = 0; i < 20000; ++i) text += fmt::format("{},2020-01-01,{}\n", i, i * 7919 % 100000);
  const std::string packed = test::gzip(text);
  options.logs = {folder.write("cut.csv.gz", packed.substr(0, packed.size() - 100))};
  EXPECT_THAT(refused<DataError>(options), AllOf(HasSubstr("'cut.csv.gz'"), HasSubstr("truncated")));
  options.logs = {folder.path() / "absent.csv"};
  EXPECT_THAT(refused<IoError>(options), HasSubstr("absent.csv"));
  options.logs = {folder.path()};
  EXPECT_THAT(refused<IoError>(options), HasSubstr("folder"));
  options.logs.clear();
  EXPECT_THAT(refused<ConfigError>(options), HasSubstr("no log"));
}

TEST(ImportErrors, RejectsStandWhenALaterLogFails) {
  const LogFolder folder;
  ImportOptions options = folder.import_of("customer,date,amount\nx,2020-01-01,?\nx,2020-01-01,5\n");
  options.rejects = folder.path() / "rejects.csv";
  options.max_reject_share = 1;
  options.logs.push_back(folder.write("second.csv", "customer,date,total\nx,2020-01-01,5\n"));
  EXPECT_THAT(refused<DataError>(options),
              AllOf(HasSubstr("'second.csv' line 1"), HasSubstr("it lacks 'amount'"), HasSubstr("has 'total'")));
  EXPECT_THAT(test::read_file(*options.rejects), HasSubstr("log.csv,2,amount"));
}

TEST(ImportErrors, AnotherDelimiterInALaterLog) {
  const LogFolder folder;
  ImportOptions options = folder.import_of("customer,date,amount\nx,2020-01-01,5\n");
  options.logs.push_back(folder.write("second.csv", "customer;date;amount\nx;2020-01-01;5\n"));
  EXPECT_THAT(refused<DataError>(options),
              AllOf(HasSubstr("'second.csv' line 1"), HasSubstr("does not split at ,"), HasSubstr("same delimiter")));
  options = folder.import_of("customer\tdate\tamount\nx\t2020-01-01\t5\n");
  options.logs.push_back(folder.write("second.csv", "secret;2020-01-01;5\n"));
  EXPECT_THAT(refused<DataError>(options), AllOf(HasSubstr("does not split at tab"), Not(HasSubstr("secret"))));
}

TEST(ImportErrors, WrongColumnAndDuplicateHeader) {
  const LogFolder folder;
  ImportOptions options = folder.import_of("customer,date,amount\nx,2020-01-01,5\n");
  options.customer_column = "custmer";
  EXPECT_THAT(refused<ConfigError>(options), HasSubstr("did you mean 'customer'?"));
  options.customer_column = "date";
  EXPECT_THAT(refused<ConfigError>(options), HasSubstr("three different columns"));
  EXPECT_THAT(refused<DataError>(folder.import_of("customer,date,amount,amount\nx,2020-01-01,5,5\n")),
              HasSubstr("same name"));
  options = folder.import_of("Amount,customer,date,amount\n5,x,2020-01-01,5\n");
  options.amount_column = "AMOUNT";
  EXPECT_THAT(refused<ConfigError>(options), HasSubstr("both 'Amount' and 'amount'"));
}

TEST(ImportErrors, ALogWithoutAHeaderShowsNoId) {
  const LogFolder folder;
  for (const char* text : {"secret,2020-01-01,5\n", "secret,2020-01-01,5,secret\n"})
    EXPECT_THAT(refused<DataError>(folder.import_of(text)),
                AllOf(HasSubstr("looks like a row"), Not(HasSubstr("secret"))));
  ImportOptions options = folder.import_of("secret,2020-01-01,5\n");
  options.customer_column = "secre";
  EXPECT_THAT(refused<ConfigError>(options), AllOf(HasSubstr("looks like a row"), Not(HasSubstr("secret"))));
}

TEST(ImportErrors, ExistingOutputsAndImpossiblePaths) {
  const LogFolder folder;
  ImportOptions options = folder.import_of("customer,date,amount\nx,2020-01-01,5\n");
  folder.write("store.h5", "precious");
  EXPECT_THAT(message_of<IoError>([&] { (void)import_logs(options); }), HasSubstr("--force"));
  EXPECT_EQ(test::read_file(options.output), "precious");
  options.output = folder.path() / "no" / "such" / "folder.h5";
  EXPECT_THAT(refused<IoError>(options), HasSubstr("create the folder first"));
  options.output = folder.path() / "log.csv";
  options.overwrite = true;
  EXPECT_THAT(message_of<ConfigError>([&] { (void)import_logs(options); }), HasSubstr("would be overwritten"));
  EXPECT_THAT(test::read_file(options.output), HasSubstr("customer,date")) << "the log still stands";
  options.output = folder.path() / "new.h5";
  options.rejects = options.output;
  EXPECT_THAT(refused<ConfigError>(options), HasSubstr("same path"));
  options.rejects.reset();
  options.logs.push_back(folder.path() / "." / "log.csv");
  EXPECT_THAT(refused<ConfigError>(options), HasSubstr("given twice"));
}

TEST(ImportErrors, FailingImportKeepsTheOldStore) {
  const LogFolder folder;
  ImportOptions options = folder.import_of("customer,date,amount\nx,2020-01-01,5\n");
  (void)import_logs(options);
  const std::string before = test::read_file(options.output);
  folder.write("log.csv", "customer,date,amount\nx,2020-01-01,?\n");
  options.overwrite = true;
  EXPECT_THROW((void)import_logs(options), DataError);
  EXPECT_EQ(test::read_file(options.output), before);
  EXPECT_THAT(folder.entries(), ElementsAre("log.csv", "store.h5"));
}

TEST(ImportErrors, SumsBeyond64Bits) {
  const LogFolder folder;
  std::string text = "customer,date,amount\n";
  for (int i = 0; i < 12; ++i) text += fmt::format("x,2020-01-{:02},9999999999999999.99\n", i + 1);
  EXPECT_THAT(refused<DataError>(folder.import_of(text)), AllOf(HasSubstr("64 bits"), HasSubstr("--decimals")));
}

TEST(ImportErrors, TheProgressCallbackMayStop) {
  const LogFolder folder;
  ImportOptions options = folder.import_of("customer,date,amount\nx,2020-01-01,5\n");
  EXPECT_THROW((void)import_logs(options, [](std::int64_t, std::int64_t) { throw std::runtime_error("stop"); }),
               std::runtime_error);
  EXPECT_THAT(folder.entries(), ElementsAre("log.csv"));
}

TEST(ImportErrors, ImpossibleOptions) {
  const LogFolder folder;
  const ImportOptions good = folder.import_of("customer,date,amount\nx,2020-01-01,5\n");
  const auto with = [&](auto change) {
    ImportOptions options = good;
    change(options);
    return refused<ConfigError>(options);
  };
  EXPECT_THAT(with([](ImportOptions& o) { o.delimiter = 'x'; }), HasSubstr("--delimiter"));
  EXPECT_THAT(with([](ImportOptions& o) { o.decimal_mark = ';'; }), HasSubstr("--decimal-mark"));
  EXPECT_THAT(with([](ImportOptions& o) { o.decimals = 7; }), HasSubstr("--decimals 7"));
  EXPECT_THAT(with([](ImportOptions& o) { o.max_reject_share = 1.5; }), HasSubstr("--max-reject-share"));
  EXPECT_THAT(with([](ImportOptions& o) { o.currency = "DOUBLOONS"; }), HasSubstr("--currency"));
  EXPECT_THAT(with([](ImportOptions& o) { o.currency = "U5D"; }), HasSubstr("--currency"));
  EXPECT_THAT(with([](ImportOptions& o) { o.hash_key_file = "key"; }), HasSubstr("--hash-ids"));
}

}  // namespace
}  // namespace clvsim
