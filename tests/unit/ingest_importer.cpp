#include "tests/support/ingest_files.hpp"

#include <clvsim/error.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace clvsim {
namespace {

using test::customers_of;
using test::LogFolder;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

LedgerLine line(std::int64_t rows, MinorUnits amount) { return {rows, amount}; }
MATCHER_P(Is, expected, "") { return arg.rows == expected.rows && arg.amount == expected.amount; }

constexpr std::string_view small_log =
    "customer,date,amount\n"
    "b,2020-01-05,10.00\n"
    "a,2020-01-01,5.00\n"
    "a,2020-01-03,2.50\n"
    "a,2020-01-03,1.25\n"
    "a,2020-01-03,-0.75\n"
    "a,2020-01-09,0\n"
    "c,2020-02-01,7.00\n"
    "a,2020-02-02,9.00\n"
    "a,2020-02-02,1.00\n"
    "d,2020-01-04,-3.00\n";

ImportOptions small_options(const LogFolder& folder) {
  ImportOptions options = folder.import_of(small_log);
  options.observation_end = parse_iso_date("2020-01-31");
  return options;
}

TEST(Import, BuildsHistoriesAndTheLedger) {
  const LogFolder folder;
  const ImportReport report = import_logs(small_options(folder));
  const Ledger& ledger = report.store.ledger;
  EXPECT_THAT(ledger.read, Is(line(10, 3200)));
  EXPECT_THAT(ledger.calibration, Is(line(6, 500 + 125 - 75 + 0 + 1000 - 300)));
  EXPECT_THAT(ledger.merged_calibration, Is(line(1, 250)));
  EXPECT_THAT(ledger.holdout, Is(line(2, 700 + 100)));
  EXPECT_THAT(ledger.merged_holdout, Is(line(1, 900)));
  EXPECT_THAT(ledger.rejected, Is(line(0, 0)));
  EXPECT_THAT(ledger.refunds, Is(line(2, -375)));
  EXPECT_EQ(ledger.zero_amount_rows, 1);
  EXPECT_FALSE(report.observation_end_defaulted);
  EXPECT_EQ(to_string(report.store.first_day), "2020-01-01");
  EXPECT_EQ(to_string(report.store.last_day), "2020-02-02");
  EXPECT_EQ(report.bytes_read, static_cast<std::int64_t>(small_log.size()));

  const CustomerBatch batch = customers_of(folder.path() / "store.h5");
  ASSERT_EQ(batch.size(), 3u) << "c has rows of the holdout alone";
  EXPECT_EQ(batch.key_of(0), "a");
  EXPECT_EQ(batch.key_of(2), "d");
  EXPECT_THAT(batch.n_purchase_days, ElementsAre(3, 1, 0));
  EXPECT_THAT(batch.frequency, ElementsAre(2, 0, 0));
  EXPECT_THAT(batch.recency_days, ElementsAre(8, 0, 0));
  EXPECT_THAT(batch.observed_days, ElementsAre(30, 26, 27));
  EXPECT_THAT(batch.spend_sum, ElementsAre(875, 1000, 0));
  EXPECT_THAT(batch.refund_sum, ElementsAre(-75, 0, -300));
  EXPECT_THAT(batch.history.amount, ElementsAre(500, 375, -75, 0, 1000, -300));
  EXPECT_THAT(batch.history.kind, ElementsAre(0, 0, 1, 0, 0, 1));
  EXPECT_EQ(batch.key_hash[0], customer_hash("a"));

  std::vector<char> keys;
  History rows;
  StoreReader(folder.path() / "store.h5").read_holdout(0, 2, keys, rows);
  EXPECT_EQ(std::string(keys.begin(), keys.end()), "ac");
  EXPECT_THAT(rows.amount, ElementsAre(1000, 700));
}

TEST(Import, ReportsWhatTheStoreSays) {
  const LogFolder folder;
  const StoreInfo reported = import_logs(small_options(folder)).store;
  const StoreReader store(folder.path() / "store.h5");
  const StoreInfo& stored = store.info();
  EXPECT_EQ(reported.n_customers, stored.n_customers);
  EXPECT_EQ(reported.n_rows, stored.n_rows);
  EXPECT_EQ(reported.n_holdout_customers, stored.n_holdout_customers);
  EXPECT_EQ(reported.n_holdout_rows, stored.n_holdout_rows);
  EXPECT_EQ(reported.key_width, stored.key_width);
  EXPECT_EQ(reported.segments, stored.segments);
  EXPECT_EQ(reported.content_digest, stored.content_digest);
  EXPECT_EQ(reported.content_digest.size(), 32u);
  EXPECT_THAT(stored.ledger.read, Is(reported.ledger.read));
  EXPECT_THAT(stored.ledger.merged_holdout, Is(reported.ledger.merged_holdout));
}

TEST(Import, KeepsSameDayRowsWhereAsked) {
  const LogFolder folder;
  ImportOptions options = small_options(folder);
  options.keep_same_day = true;
  const ImportReport report = import_logs(options);
  EXPECT_THAT(report.store.ledger.calibration, Is(line(7, 1500)));
  EXPECT_THAT(report.store.ledger.merged_calibration, Is(line(0, 0)));
  const CustomerBatch batch = customers_of(options.output);
  EXPECT_THAT(batch.n_purchase_days, ElementsAre(3, 1, 0)) << "days, not rows";
  EXPECT_THAT(batch.history.amount, ElementsAre(500, 125, 250, -75, 0, 1000, -300));
}

TEST(Import, EndsObservationWithTheLastDateByDefaultAndSaysSo) {
  const LogFolder folder;
  const ImportReport report = import_logs(folder.import_of(small_log));
  EXPECT_TRUE(report.observation_end_defaulted);
  EXPECT_EQ(to_string(report.store.observation_end), "2020-02-02");
  EXPECT_THAT(report.store.ledger.holdout, Is(line(0, 0)));
  EXPECT_THAT(report.notes, Contains(HasSubstr("observation ends on 2020-02-02, the last date of the log")));
}

TEST(Import, StartsWithTheFirstPurchaseNotARefundBeforeIt) {
  const LogFolder folder;
  (void)import_logs(
      folder.import_of("customer,date,amount\na,2020-01-01,-1\na,2020-01-05,4\na,2020-01-07,-2\na,2020-01-11,1\n"));
  const CustomerBatch batch = customers_of(folder.path() / "store.h5");
  EXPECT_EQ(batch.first_day[0], parse_iso_date("2020-01-05").days);
  EXPECT_EQ(batch.frequency[0], 1);
  EXPECT_EQ(batch.recency_days[0], 6);
}

TEST(Import, AddsCostsAndQuantitiesOfMergedRows) {
  const LogFolder folder;
  ImportOptions options = folder.import_of(
      "customer,date,amount,cost,n\na,2020-01-01,5.00,1.00,2\na,2020-01-01,5.00,0.50,0.125\nb,2020-01-01,1,-1,1\n");
  options.cost_column = "cost";
  options.quantity_column = "n";
  const ImportReport report = import_logs(options);
  EXPECT_TRUE(report.store.has_cost && report.store.has_quantity);
  const CustomerBatch batch = customers_of(options.output);
  EXPECT_THAT(batch.history.amount, ElementsAre(1000, 100));
  EXPECT_THAT(batch.history.cost, ElementsAre(150, -100));
  EXPECT_THAT(batch.history.quantity, ElementsAre(2125, 1000));
}

TEST(Import, TakesTheLatestSegmentOfObservation) {
  const LogFolder folder;
  ImportOptions options = folder.import_of(
      "customer,date,amount,tier\na,2020-01-02,5,silver\na,2020-01-01,5,gold\nb,2020-01-01,1,bronze\nb,2020-01-01,-1,"
      "gold\n"
      "c,2020-01-01,1,\na,2020-03-01,5,platinum\n");
  options.segment_column = "tier";
  options.observation_end = parse_iso_date("2020-01-31");
  const ImportReport report = import_logs(options);
  EXPECT_THAT(report.store.segments, ElementsAre("", "bronze", "gold", "silver"));
  EXPECT_THAT(customers_of(options.output).segment, ElementsAre(3u, 2u, 0u));
}

TEST(Import, TakesTheLatestCovariatesOfObservation) {
  const LogFolder folder;
  ImportOptions options = folder.import_of(
      "customer,date,amount,age,member\na,2020-01-02,5,41,no\na,2020-01-01,5,40,YES\na,2020-01-02,5,-1e2,yes\n"
      "b,2020-01-01,1,+30.5,false\na,2020-03-01,5,unknown,\n");
  options.covariate_columns = {"member", "age"};
  options.observation_end = parse_iso_date("2020-01-31");
  const ImportReport report = import_logs(options);
  EXPECT_EQ(report.store.ledger.rejected.rows, 0) << "rows of the holdout say nothing";
  EXPECT_THAT(report.store.covariates, ElementsAre("member", "age"));
  EXPECT_THAT(report.dialect.flags, Contains("member,age"));
  EXPECT_THAT(report.notes, Contains(HasSubstr("1 customers have several values of a covariate")));
  const CustomerBatch batch = customers_of(options.output);
  ASSERT_EQ(batch.covariates.size(), 2u);
  EXPECT_THAT(batch.covariates[0], ElementsAre(1, 0));
  EXPECT_THAT(batch.covariates[1], ElementsAre(41, 30.5));
}

TEST(Import, RejectsRowsWithoutACovariate) {
  const LogFolder folder;
  ImportOptions options = folder.import_of(
      "customer;date;amount;age\na;2020-01-02;5,00;40,5\nb;2020-01-01;5,00;\nc;2020-01-01;1,00;old\n"
      "d;2020-01-01;1,00;40.5\ne;2020-01-01;1,00;1e999\nf;2020-01-01;1,00;nan\n");
  options.covariate_columns = {"AGE"};
  options.max_reject_share = 0.9;
  const ImportReport report = import_logs(options);
  const auto& reasons = report.store.ledger.rejected_by_reason;
  EXPECT_EQ(report.store.ledger.rejected.rows, 5);
  EXPECT_EQ(reasons.at("covariate is empty"), 1);
  EXPECT_EQ(reasons.at("covariate is not a number"), 2);
  EXPECT_THAT(customers_of(options.output).covariates, ElementsAre(ElementsAre(40.5)));

  options.covariate_columns = {"age", "Age"};
  options.overwrite = true;
  EXPECT_THROW(import_logs(options), ConfigError) << "twice";
  options.covariate_columns = {"height"};
  EXPECT_THROW(import_logs(options), ConfigError);
}

TEST(Import, ReadsKindsAndNegatesPositiveRefunds) {
  const LogFolder folder;
  ImportOptions options = folder.import_of(
      "customer,date,amount,kind\na,2020-01-01,5,Sale\na,2020-01-02,5,REFUND\na,2020-01-03,-2,return\nb,2020-01-01,1,"
      "gift\n");
  options.kind_column = "kind";
  options.max_reject_share = 0.5;
  const ImportReport report = import_logs(options);
  EXPECT_THAT(report.store.ledger.read, Is(line(4, 500 - 500 - 200 + 100)));
  EXPECT_THAT(report.store.ledger.refunds, Is(line(2, -700)));
  EXPECT_THAT(report.store.ledger.rejected, Is(line(1, 100)));
  EXPECT_THAT(report.notes, Contains(HasSubstr("1 refunds had a positive amount")));
}

TEST(Import, RejectsARefundOfZero) {
  const LogFolder folder;
  ImportOptions options = folder.import_of(
      "customer,date,amount,kind\na,2020-01-01,5,sale\na,2020-01-02,0.00,Refund\na,2020-01-03,-0,credit\n"
      "a,2020-01-04,0,sale\n");
  options.kind_column = "kind";
  options.max_reject_share = 0.5;
  options.rejects = folder.path() / "rejects.csv";
  const ImportReport report = import_logs(options);
  EXPECT_THAT(report.store.ledger.rejected, Is(line(2, 0)));
  EXPECT_EQ(report.store.ledger.zero_amount_rows, 1);
  EXPECT_THAT(customers_of(options.output).n_purchase_days, ElementsAre(2));
  const std::map<std::string, std::int64_t> reasons = {
      {"a refund of 0 is neither a purchase nor a negative cash flow", 2}};
  EXPECT_EQ(report.store.ledger.rejected_by_reason, reasons);
  EXPECT_THAT(test::read_file(*options.rejects), HasSubstr("log.csv,3,amount,a refund of 0 is"));
}

TEST(Import, CountsNegativePurchasesAmongTheRefundsAndSaysSo) {
  const LogFolder folder;
  ImportOptions options = folder.import_of(
      "customer,date,amount,kind\na,2020-01-01,5,sale\na,2020-01-02,-2,Purchase\na,2020-01-03,-1,order\n"
      "a,2020-01-03,-1,refund\na,never,-1,order\na,never,1,refund\n");
  options.kind_column = "kind";
  options.max_reject_share = 0.5;
  const ImportReport report = import_logs(options);
  EXPECT_THAT(report.store.ledger.refunds, Is(line(3, -400)));
  EXPECT_THAT(report.notes, Contains(HasSubstr("2 rows are purchases by their kind but have a negative amount")));
  EXPECT_THAT(report.notes, Not(Contains(HasSubstr("positive amount")))) << "that row is rejected";
}

TEST(Import, WritesEveryRejectedRowWithLineColumnAndReason) {
  const LogFolder folder;
  std::string text = "customer,date,amount,note\n";
  text += ",2020-01-01,5.00,x\n";                          // 2
  text += "a,2020-02-30,5.00,x\n";                         // 3
  text += "a,2020-01-01,5.001,x\n";                        // 4
  text += "a,2020-01-01,nan,\"two\nlines \"\"q\"\"\"\n";   // 5 and 6
  text += "a,2020-01-01,1e3,x\n";                          // 7
  text += "a,2020-01-01\n";                                // 8
  text += "\"a\"b,2020-01-01,5.00,x\n";                    // 9
  text += std::string(257, 'k') + ",2020-01-01,5.00,x\n";  // 10
  text += "a,2020-01-01,,x\n";                             // 11
  text += "good,2020-01-01,5.00,x\n";                      // 12
  ImportOptions options = folder.import_of(text);
  options.max_reject_share = 0.95;
  options.rejects = folder.path() / "rejects.csv";
  const ImportReport report = import_logs(options);
  EXPECT_THAT(report.store.ledger.rejected, Is(line(9, 1500))) << "the readable amounts of lines 2, 3 and 10";
  EXPECT_THAT(report.store.ledger.read, Is(line(10, 2000)));
  const std::string expected =
      "file,line,column,reason,row\n"
      "log.csv,2,customer,customer id is empty,\",2020-01-01,5.00,x\"\n"
      "log.csv,3,date,date is no calendar day,\"a,2020-02-30,5.00,x\"\n"
      "log.csv,4,amount,amount has more than 2 decimals,\"a,2020-01-01,5.001,x\"\n"
      "log.csv,5,amount,amount is not finite,\"a,2020-01-01,nan,\"\"two\nlines \"\"\"\"q\"\"\"\"\"\"\"\n"
      "log.csv,7,amount,amount is written with an exponent,\"a,2020-01-01,1e3,x\"\n"
      "log.csv,8,,wrong number of fields,\"a,2020-01-01\"\n"
      "log.csv,9,,text after a closing quote,\"\"\"a\"\"b,2020-01-01,5.00,x\"\n"
      "log.csv,10,customer,customer id is longer than 256 bytes,\"" +
      std::string(257, 'k') +
      ",2020-01-01,5.00,x\"\n"
      "log.csv,11,amount,amount is empty,\"a,2020-01-01,,x\"\n";
  EXPECT_EQ(test::read_file(*options.rejects), expected);
  const std::map<std::string, std::int64_t> reasons = {{"customer id is empty", 1},
                                                       {"date is no calendar day", 1},
                                                       {"amount has more than 2 decimals", 1},
                                                       {"amount is not finite", 1},
                                                       {"amount is written with an exponent", 1},
                                                       {"wrong number of fields", 1},
                                                       {"text after a closing quote", 1},
                                                       {"customer id is longer than 256 bytes", 1},
                                                       {"amount is empty", 1}};
  EXPECT_EQ(report.store.ledger.rejected_by_reason, reasons);
}

TEST(Import, WritesNoRejectsFileWithoutRejects) {
  const LogFolder folder;
  ImportOptions options = small_options(folder);
  options.rejects = folder.path() / "rejects.csv";
  (void)import_logs(options);
  EXPECT_THAT(folder.entries(), ElementsAre("log.csv", "store.h5"));
}

TEST(Import, RemovesTheRejectsOfAnEarlierRunWhereNoneAreLeft) {
  const LogFolder folder;
  ImportOptions options = small_options(folder);
  options.rejects = folder.write("rejects.csv", "of an earlier run");
  EXPECT_THROW((void)import_logs(options), IoError) << "overwriting is not allowed";
  EXPECT_EQ(test::read_file(*options.rejects), "of an earlier run");
  options.overwrite = true;
  options.observation_end = parse_iso_date("2019-01-01");
  EXPECT_THROW((void)import_logs(options), DataError);
  EXPECT_EQ(test::read_file(*options.rejects), "of an earlier run") << "the import failed";
  options.observation_end.reset();
  (void)import_logs(options);
  EXPECT_THAT(folder.entries(), ElementsAre("log.csv", "store.h5"));
}

TEST(Import, MakesPrivateFiles) {
  const LogFolder folder;
  ImportOptions options = folder.import_of(std::string(small_log) + "x,never,1\n");
  options.max_reject_share = 0.5;
  options.rejects = folder.path() / "rejects.csv";
  (void)import_logs(options);
  for (const char* name : {"store.h5", "rejects.csv"})
    EXPECT_EQ(std::filesystem::status(folder.path() / name).permissions(),
              std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

TEST(Import, ReadsSeveralLogsWithColumnsInAnyOrderPlainOrCompressed) {
  const LogFolder folder;
  ImportOptions options = folder.import_of("customer,date,amount\na,2020-01-01,5\n");
  options.logs.push_back(
      folder.write("more.csv.gz", test::gzip("amount,customer,date\n7,a,2020-01-02\n1,b,2020-01-03\n")));
  const ImportReport report = import_logs(options);
  EXPECT_THAT(report.store.ledger.read, Is(line(3, 1300)));
  EXPECT_THAT(customers_of(options.output).spend_sum, ElementsAre(1200, 100));
}

TEST(Import, PseudonymisesIds) {
  const LogFolder folder;
  ImportOptions options = folder.import_of("customer,date,amount\nWhat Do Ya Want,2020-01-01,5\n");
  options.hash_ids = true;
  options.hash_key_file = folder.write("key", "Jefe");
  const ImportReport report = import_logs(options);
  EXPECT_TRUE(report.store.ids_hashed);
  const std::string stored = test::read_file(options.output);
  EXPECT_EQ(stored.find("What Do"), std::string::npos);
  EXPECT_EQ(customers_of(options.output).key_of(0).size(), 32u);
  options.hash_key_file.reset();
  options.overwrite = true;
  EXPECT_THAT(import_logs(options).notes, Contains(AllOf(HasSubstr("without a key"), HasSubstr("--hash-key FILE"))));
}

TEST(Import, TakesTheUtcDayWhereAsked) {
  const LogFolder folder;
  ImportOptions options = folder.import_of("customer,date,amount\na,2020-01-01T00:30:00+02:00,5\n");
  (void)import_logs(options);
  EXPECT_EQ(customers_of(options.output).first_day[0], parse_iso_date("2020-01-01").days);
  options.utc = options.overwrite = true;
  (void)import_logs(options);
  EXPECT_EQ(customers_of(options.output).first_day[0], parse_iso_date("2019-12-31").days);
}

constexpr std::string_view small_book =
    "contract;fee;months;churn;plan\n"
    "c;20,00;3;No;yearly\n"
    "a;10,50;0;no;\n"
    "b;0;12;YES;monthly\n"
    "d;5,00;72;false;monthly\n";

ImportOptions book_options(const LogFolder& folder, std::string_view text = small_book) {
  ImportOptions options = folder.import_of(text);
  options.customer_column = "contract";
  options.amount_column = "fee";
  options.tenure_column = "months";
  options.churned_column = "churn";
  options.segment_column = "plan";
  options.unit = PeriodUnit::month;
  options.observation_end = parse_iso_date("2024-02-29");
  return options;
}

// A tenure is kept as the day from which it counts, the last of its month here, and comes back exactly.
TEST(ImportOfABook, KeepsOneContractACustomer) {
  const LogFolder folder;
  const ImportReport report = import_logs(book_options(folder));
  EXPECT_TRUE(report.store.contract_book);
  EXPECT_EQ(report.dialect.decimal_mark, ',');
  EXPECT_THAT(report.dialect.flags, AllOf(Contains("--tenure"), Contains("--churned"), Not(Contains("--date-order"))));
  EXPECT_THAT(report.notes, ElementsAre(HasSubstr("tenures count months up to 2024-02-29")));
  EXPECT_THAT(report.store.ledger.calibration, Is(line(4, 3550)));
  EXPECT_EQ(to_string(report.store.first_day), "2018-02-28");
  EXPECT_EQ(to_string(report.store.last_day), "2024-02-29");
  EXPECT_THAT(report.store.segments, ElementsAre("", "monthly", "yearly"));

  const CustomerBatch batch = customers_of(folder.path() / "store.h5");
  ASSERT_EQ(batch.size(), 4u);
  EXPECT_THAT(batch.history.kind, ElementsAre(2, 3, 2, 2));
  EXPECT_THAT(batch.history.amount, ElementsAre(1050, 0, 2000, 500));
  EXPECT_THAT(batch.segment, ElementsAre(0, 1, 2, 1));
  EXPECT_THAT(batch.n_purchase_days, ElementsAre(0, 0, 0, 0));
  EXPECT_THAT(batch.spend_sum, ElementsAre(0, 0, 0, 0));
  const PeriodGrid grid(report.store.observation_end, PeriodUnit::month);
  std::vector<int> tenures;
  for (const std::int32_t day : batch.first_day) tenures.push_back(grid.periods_ago({day}));
  EXPECT_THAT(tenures, ElementsAre(0, 12, 3, 72));
}

// Every tenure comes back, whatever the unit and the day on which the book was taken.
TEST(ImportOfABook, KeepsEveryTenure) {
  for (const char* end : {"2023-01-31", "2024-02-29", "2024-03-30", "2024-12-15"}) {
    for (const PeriodUnit unit : {PeriodUnit::day, PeriodUnit::week, PeriodUnit::month, PeriodUnit::year}) {
      const PeriodGrid grid(parse_iso_date(end), unit);
      for (int tenure = 0; grid.end(-tenure) >= first_valid_date; ++tenure)
        ASSERT_EQ(grid.periods_ago(grid.end(-tenure)), tenure) << end << ' ' << name_of(unit);
    }
  }
}

TEST(ImportOfABook, RejectsWhatIsNoContract) {
  const LogFolder folder;
  ImportOptions options = book_options(folder,
                                       "contract;fee;months;churn;plan\n"
                                       "a;1;3;No;\n"
                                       "b;-1;3;No;\n"
                                       "c;1;-3;No;\n"
                                       "d;1;3.5;No;\n"
                                       "e;1;;No;\n"
                                       "f;1;3;maybe;\n"
                                       "g;1;3;;\n"
                                       "h;1;0;Yes;\n"
                                       "i;1;1491;No;\n"
                                       "j;1;1489;No;\n"
                                       "k;1;9999999999;No;\n"
                                       "l;1;999999999;No;\n"
                                       "m;one;3;No;\n");
  options.decimal_mark = ',';
  options.max_reject_share = 0.99;
  const ImportReport report = import_logs(options);
  EXPECT_EQ(report.store.n_customers, 2);
  const std::map<std::string, std::int64_t> expected{{"amount is negative", 1},
                                                     {"amount is not a number", 1},
                                                     {"churned is empty", 1},
                                                     {"churned is neither yes nor no", 1},
                                                     {"tenure goes back before 1900", 2},
                                                     {"tenure is 0 though the contract has churned: the first "
                                                      "opportunity is 1",
                                                      1},
                                                     {"tenure is empty", 1},
                                                     {"tenure is negative", 1},
                                                     {"tenure is not a whole number of periods", 1},
                                                     {"tenure is too large", 1}};
  EXPECT_EQ(report.store.ledger.rejected_by_reason, expected);
}

TEST(ImportOfABook, RefusesTwoContractsOfACustomer) {
  const LogFolder folder;
  const std::string message = test::message_of<DataError>([&] {
    import_logs(book_options(folder, "contract;fee;months;churn;plan\nsecret;1;3;No;\nsecret;1;4;No;\nb;1;4;No;\n"));
  });
  EXPECT_THAT(message, AllOf(HasSubstr("1 rows have the customer id of another row"), HasSubstr("--customer"),
                             Not(HasSubstr("secret"))));
  EXPECT_FALSE(std::filesystem::exists(folder.path() / "store.h5"));
}

// A row that counts contracts alike gives the store of the same contracts one by one, and the ledger counts them.
TEST(ImportOfABook, WritesEveryContractThatARowCounts) {
  const LogFolder folder;
  ImportOptions options = book_options(folder,
                                       "contract;fee;months;churn;plan;n\n"
                                       "c;20,00;3;No;yearly;2\n"
                                       "a;10,50;0;no;;1\n"
                                       "e;1,00;2;no;;0\n"
                                       "b;0;12;YES;monthly;11\n");
  options.count_column = "n";
  options.max_reject_share = 0.5;
  const ImportReport report = import_logs(options);
  EXPECT_EQ(report.n_counted_rows, 3);
  EXPECT_THAT(report.dialect.flags, Contains("--count"));
  EXPECT_THAT(report.notes, Contains(HasSubstr("3 rows stand for 14 contracts")));
  const Ledger& ledger = report.store.ledger;
  EXPECT_THAT(ledger.read, Is(line(15, 1050 + 2 * 2000 + 100)));
  EXPECT_THAT(ledger.calibration, Is(line(14, 1050 + 2 * 2000)));
  EXPECT_THAT(ledger.rejected, Is(line(1, 100)));
  EXPECT_EQ(ledger.zero_amount_rows, 11);
  EXPECT_EQ(report.store.n_customers, 14);
  const CustomerBatch batch = customers_of(folder.path() / "store.h5");
  EXPECT_EQ(batch.key_of(0), "a#1");
  EXPECT_EQ(batch.key_of(1), "b#1");
  EXPECT_EQ(batch.key_of(2), "b#10");
  EXPECT_EQ(batch.key_of(13), "c#2");
  EXPECT_THAT(batch.history.amount, ElementsAre(1050, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2000, 2000));

  const LogFolder other;
  std::string single = "contract;fee;months;churn;plan\n";
  for (int i = 1; i <= 11; ++i) single += "b#" + std::to_string(i) + ";0;12;YES;monthly\n";
  single += "c#2;20,00;3;No;yearly\na#1;10,50;0;no;\nc#1;20,00;3;No;yearly\n";
  EXPECT_EQ(import_logs(book_options(other, single)).n_counted_rows, 0);
  const CustomerBatch one_by_one = customers_of(other.path() / "store.h5");
  EXPECT_EQ(one_by_one.key, batch.key);
  EXPECT_EQ(one_by_one.key_hash, batch.key_hash);
  EXPECT_EQ(one_by_one.segment, batch.segment);
  EXPECT_EQ(one_by_one.history.day, batch.history.day);
  EXPECT_EQ(one_by_one.history.kind, batch.history.kind);
  EXPECT_EQ(one_by_one.history.amount, batch.history.amount);
}

TEST(ImportOfABook, RejectsCountsOfNoContracts) {
  const LogFolder folder;
  const std::string long_id(250, 'i');
  ImportOptions options = book_options(folder,
                                       "contract;fee;months;churn;plan;n\n"
                                       "a;1;3;No;;5\n"
                                       "b;1;3;No;;0\n"
                                       "c;1;3;No;;-2\n"
                                       "d;1;3;No;;2,0\n"
                                       "e;1;3;No;;\n"
                                       "f;1;3;No;;10000001\n"
                                       "g;1;3;No;;99999999999\n"
                                       "h;1;3;No;;many\n" +
                                           long_id + ";1;3;No;;99999\n" + long_id + "x;1;3;No;;100000\n");
  options.count_column = "n";
  options.decimal_mark = ',';
  options.max_reject_share = 0.99;
  const ImportReport report = import_logs(options);
  EXPECT_EQ(report.store.n_customers, 5 + 99999);
  const std::map<std::string, std::int64_t> expected{{"count is 0: such a row stands for no contract", 1},
                                                     {"count is empty", 1},
                                                     {"count is negative", 1},
                                                     {"count is not a whole number", 2},
                                                     {"count is too large", 2},
                                                     {"customer id is longer than 256 bytes", 1}};
  EXPECT_EQ(report.store.ledger.rejected_by_reason, expected);
}

TEST(ImportOfABook, RefusesMoreContractsThanABookMayHave) {
  const LogFolder folder;
  ImportOptions options =
      book_options(folder, "contract;fee;months;churn;plan;n\na;1;3;No;;1\nb;1;3;No;;10000000\nc;1;3;No;;10000000\n");
  options.count_column = "n";
  EXPECT_THAT(test::message_of<DataError>([&] { import_logs(options); }),
              AllOf(HasSubstr("line 3"), HasSubstr("10,000,001 contracts"), HasSubstr("at most 10,000,000")));
  EXPECT_FALSE(std::filesystem::exists(folder.path() / "store.h5"));
}

TEST(ImportOfABook, AsksForWhatItNeedsAndRefusesTheRest) {
  const LogFolder folder;
  const auto refused = [&](auto&& change) {
    ImportOptions options = book_options(folder);
    change(options);
    return test::message_of<ConfigError>([&] { import_logs(options); });
  };
  EXPECT_THAT(refused([](ImportOptions& o) { o.unit.reset(); }), HasSubstr("--unit"));
  EXPECT_THAT(refused([](ImportOptions& o) { o.observation_end.reset(); }), HasSubstr("--observation-end"));
  EXPECT_THAT(refused([](ImportOptions& o) { o.churned_column.reset(); }), HasSubstr("--tenure and --churned"));
  EXPECT_THAT(refused([](ImportOptions& o) { o.date_column = "months"; }), HasSubstr("--date"));
  EXPECT_THAT(refused([](ImportOptions& o) { o.kind_column = "plan"; }), HasSubstr("--kind"));
  EXPECT_THAT(refused([](ImportOptions& o) { o.quantity_column = "fee"; }), HasSubstr("--quantity"));
  EXPECT_THAT(refused([](ImportOptions& o) { o.keep_same_day = true; }), HasSubstr("--keep-same-day"));
  EXPECT_THAT(refused([](ImportOptions& o) { o.churned_column = "months"; }), HasSubstr("four different columns"));
  EXPECT_THAT(refused([](ImportOptions& o) { o.tenure_column = "month"; }), HasSubstr("'months'"));
  EXPECT_THAT(refused([](ImportOptions& o) { o.count_column = "months"; }), HasSubstr("a column of its own"));
  EXPECT_THAT(refused([](ImportOptions& o) {
                o.count_column = "fee";
                o.tenure_column.reset();
                o.churned_column.reset();
              }),
              HasSubstr("--count is of contract books"));
}

TEST(Import, ReportsProgressUpToTheWholeFile) {
  const LogFolder folder;
  std::int64_t last = 0, whole = 0;
  (void)import_logs(small_options(folder), [&](std::int64_t done, std::int64_t total) {
    EXPECT_GE(done, last);
    last = done;
    whole = total;
  });
  EXPECT_EQ(last, static_cast<std::int64_t>(small_log.size()));
  EXPECT_EQ(whole, last);
}

}  // namespace
}  // namespace clvsim
