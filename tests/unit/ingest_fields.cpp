#include "host/ingest/fields.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <ostream>

namespace clvsim {
namespace {

struct MoneyCase {
  const char* text;
  char mark;
  int decimals;
  MinorUnits value;
};

TEST(ParseMoney, ReadsExactly) {
  const MoneyCase cases[] = {
      {"0", '.', 2, 0},
      {"12.5", '.', 2, 1250},
      {"12.50", '.', 2, 1250},
      {"-12.50", '.', 2, -1250},
      {"+12.50", '.', 2, 1250},
      {"12.50-", '.', 2, -1250},
      {"(12.50)", '.', 2, -1250},
      {"( 12.50 )", '.', 2, -1250},
      {"\xe2\x88\x92"
       "12.50",
       '.', 2, -1250},
      {".5", '.', 2, 50},
      {"5.", '.', 2, 500},
      {"-0", '.', 2, 0},
      {"007", '.', 2, 700},
      {"12.5000000", '.', 2, 1250},
      {"12.0", '.', 0, 12},
      {"1.234567", '.', 6, 1234567},
      {"12,5", ',', 2, 1250},
      {"1.234,5", ',', 2, 123450},
      {"1.234", ',', 2, 123400},
      {"1,234", '.', 2, 123400},
      {"1,234,567.89", '.', 2, 123456789},
      {"1'234'567.89", '.', 2, 123456789},
      {"1 234 567,89", ',', 2, 123456789},
      {"1\xc2\xa0"
       "234,5",
       ',', 2, 123450},
      {"1\xe2\x80\xaf"
       "234,5",
       ',', 2, 123450},
      {"1\xe2\x80\x99"
       "234.5",
       '.', 2, 123450},
      {"1\xa0"
       "234,5",
       ',', 2, 123450},
      {"$12.50", '.', 2, 1250},
      {"-$12.50", '.', 2, -1250},
      {"$-12.50", '.', 2, -1250},
      {"$ 1,234.50", '.', 2, 123450},
      {"($12.50)", '.', 2, -1250},
      {"12,50 \xe2\x82\xac", ',', 2, 1250},
      {"12,50\xc2\xa0\xe2\x82\xac", ',', 2, 1250},
      {"12,50\x80", ',', 2, 1250},
      {"\xc2\xa3"
       "7",
       '.', 2, 700},
      {"\xc2\xa5"
       "700",
       '.', 0, 700},
      {"EUR 12.50", '.', 2, 1250},
      {"12.50 EUR", '.', 2, 1250},
      {"-12.50EUR", '.', 2, -1250},
      {"  12.50\t", '.', 2, 1250},
      {"9999999999999999.99", '.', 2, 999999999999999999},
      {"-9999999999999999.99", '.', 2, -999999999999999999},
      {"00000000000000000000001.25", '.', 2, 125},
      {"999999999999999999", '.', 0, 999999999999999999},
      {"123456789012345", '.', 2, 12345678901234500},
  };
  for (const MoneyCase& c : cases) {
    MinorUnits value = 77;
    CurrencySign sign = CurrencySign::none;
    EXPECT_EQ(parse_money(c.text, {c.mark, c.decimals, "EUR"}, value, sign), Reject::none) << c.text;
    EXPECT_EQ(value, c.value) << c.text;
  }
}

TEST(ParseMoney, RejectsWithTheReason) {
  const std::pair<const char*, Reject> cases[] = {
      {"", Reject::empty},
      {"   ", Reject::empty},
      {"abc", Reject::not_a_number},
      {"-", Reject::not_a_number},
      {"$", Reject::not_a_number},
      {".", Reject::not_a_number},
      {"()", Reject::not_a_number},
      {"--5", Reject::not_a_number},
      {"-5-", Reject::not_a_number},
      {"(-5)", Reject::not_a_number},
      {"+-5", Reject::not_a_number},
      {"$5$", Reject::not_a_number},
      {"5 USD", Reject::not_a_number},
      {"1/2", Reject::not_a_number},
      {"12.5x", Reject::not_a_number},
      {"0x10", Reject::not_a_number},
      {"1_000", Reject::not_a_number},
      {"\xd9\xa1\xd9\xa2", Reject::not_a_number},  // Arabic-Indic digits
      {"nan", Reject::not_finite},
      {"NaN", Reject::not_finite},
      {"-inf", Reject::not_finite},
      {"Infinity", Reject::not_finite},
      {"1e3", Reject::exponent},
      {"1.5E-2", Reject::exponent},
      {"-2e+10", Reject::exponent},
      {"12.345", Reject::too_many_decimals},
      {"0.001", Reject::too_many_decimals},
      {"1,23", Reject::wrong_groups},
      {"12,34,567", Reject::wrong_groups},
      {"1,2345", Reject::wrong_groups},
      {"1234,567", Reject::wrong_groups},
      {"0,123", Reject::wrong_groups},
      {",123", Reject::wrong_groups},
      {"1,,234", Reject::wrong_groups},
      {"1,234'567", Reject::wrong_groups},
      {"1,234,", Reject::wrong_groups},
      {"1.2.3", Reject::wrong_groups},
      {"1.234,5", Reject::wrong_groups},
      {"1  234", Reject::wrong_groups},
      {"99999999999999999.99", Reject::too_large},
      {"9223372036854775808", Reject::too_large},
      {"123456789012345678901234567890", Reject::too_large},
  };
  for (const auto& [text, reason] : cases) {
    MinorUnits value = 0;
    CurrencySign sign = CurrencySign::none;
    EXPECT_EQ(parse_money(text, {'.', 2, "EUR"}, value, sign), reason)
        << text << ": " << phrase(parse_money(text, {'.', 2, "EUR"}, value, sign));
  }
}

TEST(ParseMoney, TellsTheCurrency) {
  const auto sign_in = [](const char* text) {
    MinorUnits value = 0;
    CurrencySign sign = CurrencySign::none;
    EXPECT_EQ(parse_money(text, {'.', 2, "CHF"}, value, sign), Reject::none) << text;
    return sign;
  };
  EXPECT_EQ(sign_in("5"), CurrencySign::none);
  EXPECT_EQ(sign_in("$5"), CurrencySign::dollar);
  EXPECT_EQ(sign_in("5 \xe2\x82\xac"), CurrencySign::euro);
  EXPECT_EQ(sign_in("\xa3"
                    "5"),
            CurrencySign::pound);
  EXPECT_EQ(sign_in("CHF5"), CurrencySign::code);
}

TEST(MarkEvidence, SettlesOnlyWhatIsSettled) {
  const std::pair<const char*, MarkEvidence> cases[] = {{"12.5", MarkEvidence::point},
                                                        {"12,5", MarkEvidence::comma},
                                                        {"1.234,5", MarkEvidence::comma},
                                                        {"1,234.5", MarkEvidence::point},
                                                        {"1.234", MarkEvidence::either},
                                                        {"1,234", MarkEvidence::either},
                                                        {"-$1,234", MarkEvidence::either},
                                                        {"0.125", MarkEvidence::point},
                                                        {"1234.567", MarkEvidence::point},
                                                        {"1.234.567", MarkEvidence::comma},
                                                        {"1,234,567", MarkEvidence::point},
                                                        {"1'234.567", MarkEvidence::point},
                                                        {"12", MarkEvidence::none},
                                                        {"1 234", MarkEvidence::none},
                                                        {"", MarkEvidence::none},
                                                        {"abc", MarkEvidence::none},
                                                        {"1.2.3", MarkEvidence::none},
                                                        {".123", MarkEvidence::point},
                                                        {"12,5 \xe2\x82\xac", MarkEvidence::comma},
                                                        {"12,5 SEK", MarkEvidence::comma}};
  for (const auto& [text, evidence] : cases) EXPECT_EQ(mark_evidence(text, "SEK"), evidence) << text;
}

std::string day_or_reason(std::string_view text, DateFormat format) {
  std::int32_t days = 0;
  const Reject reason = parse_day(text, format, days);
  return reason == Reject::none ? to_string(Date{days}) : std::string(phrase(reason));
}

struct DayCase {
  const char* text;
  DateOrder order;
  const char* expected;
};

TEST(ParseDay, ReadsEveryForm) {
  using enum DateOrder;
  const DayCase cases[] = {
      {"1997-01-31", ymd, "1997-01-31"},
      {"1997/1/3", ymd, "1997-01-03"},
      {"1997.01.31", ymd, "1997-01-31"},
      {"19970131", ymd, "1997-01-31"},
      {"1997-01-31", dmy, "1997-01-31"},
      {" 1997-01-31 ", mdy, "1997-01-31"},
      {"31.01.1997", dmy, "1997-01-31"},
      {"31/1/1997", dmy, "1997-01-31"},
      {"3/1/1997", dmy, "1997-01-03"},
      {"3/1/1997", mdy, "1997-03-01"},
      {"01-31-1997", mdy, "1997-01-31"},
      {"2000-02-29", ymd, "2000-02-29"},
      {"1900-01-01", ymd, "1900-01-01"},
      {"2199-12-31", ymd, "2199-12-31"},
      {"1997-01-31T23:59:59", ymd, "1997-01-31"},
      {"1997-01-31 23:59", ymd, "1997-01-31"},
      {"1997-01-31 1:05", ymd, "1997-01-31"},
      {"1997-01-31T23:59:59.123456Z", ymd, "1997-01-31"},
      {"1997-01-31 00:30:00+02:00", ymd, "1997-01-31"},
      {"1997-01-31 00:30:00 UTC", ymd, "1997-01-31"},
      {"1997-01-31T00:30:00-0530", ymd, "1997-01-31"},
      {"1997-01-31T00:30:00+02", ymd, "1997-01-31"},
      {"31.01.1997 10:00", dmy, "1997-01-31"},
      {"19970131T1000", ymd, "has no valid time of day"},
      {"19970131 10:00", ymd, "1997-01-31"},
      {"", ymd, "is empty"},
      {" ", ymd, "is empty"},
      {"yesterday", ymd, "is not a date"},
      {"1997", ymd, "is not a date"},
      {"1997-01", ymd, "is not a date"},
      {"1997-01/31", ymd, "is not a date"},
      {"1997-01-31x", ymd, "is not a date"},
      {"1997-01-3 1", ymd, "has no valid time of day"},
      {"1997-001-31", ymd, "is not a date"},
      {"35433", ymd, "is not a date"},
      {"856000000", ymd, "is not a date"},
      {"31.01.97", dmy, "has a year of two digits"},
      {"1/3/97", mdy, "has a year of two digits"},
      {"1997-02-29", ymd, "is no calendar day"},
      {"1900-02-29", ymd, "is no calendar day"},
      {"1997-13-01", ymd, "is no calendar day"},
      {"1997-00-10", ymd, "is no calendar day"},
      {"1997-04-31", ymd, "is no calendar day"},
      {"19971301", ymd, "is no calendar day"},
      {"00/10/1997", dmy, "is no calendar day"},
      {"1899-12-31", ymd, "is outside 1900-2199"},
      {"2200-01-01", ymd, "is outside 1900-2199"},
      {"0000-01-01", ymd, "is outside 1900-2199"},
      {"01/02/1899", dmy, "is outside 1900-2199"},
      {"03/04/1997", ymd, "contradicts the date order"},
      {"13/01/1997", mdy, "contradicts the date order"},
      {"01/13/1997", dmy, "contradicts the date order"},
      {"03.04.1997", mdy, "contradicts the date order"},
      {"1997-01-31T24:00", ymd, "has no valid time of day"},
      {"1997-01-31 10:60", ymd, "has no valid time of day"},
      {"1997-01-31 10:00:61", ymd, "has no valid time of day"},
      {"1997-01-31 10:00:00+25:00", ymd, "has no valid time of day"},
      {"1997-01-31 10:00:00+", ymd, "has no valid time of day"},
      {"1997-01-31 10:00:00 CET", ymd, "has no valid time of day"},
      {"1997-01-31 10", ymd, "has no valid time of day"},
      {"1997-01-31 10:00:00.", ymd, "has no valid time of day"},
  };
  for (const DayCase& c : cases) EXPECT_EQ(day_or_reason(c.text, {c.order, false, false}), c.expected) << c.text;
}

TEST(ParseDay, FollowsAGivenOrderForDottedDates) {
  EXPECT_EQ(day_or_reason("03.04.1997", {DateOrder::mdy, true, false}), "1997-03-04");
}

TEST(ParseDay, ConvertsToUtcWhereAsked) {
  const auto utc = [](const char* text) { return day_or_reason(text, {DateOrder::ymd, false, true}); };
  EXPECT_EQ(utc("1997-01-31 00:30:00+02:00"), "1997-01-30");
  EXPECT_EQ(utc("1997-01-31 23:30:00-01:00"), "1997-02-01");
  EXPECT_EQ(utc("1997-01-31 23:30:00-0030"), "1997-02-01");
  EXPECT_EQ(utc("1997-01-31 23:29:59-00:30"), "1997-01-31");
  EXPECT_EQ(utc("1997-01-31 02:00:00+02:00"), "1997-01-31");
  EXPECT_EQ(utc("1997-01-31 00:30:00"), "1997-01-31");
  EXPECT_EQ(utc("1997-01-31 00:30:00Z"), "1997-01-31");
  EXPECT_EQ(utc("1900-01-01 00:30:00+02:00"), "is outside 1900-2199");
  EXPECT_EQ(utc("2199-12-31 23:30:00-02:00"), "is outside 1900-2199");
}

TEST(ParseDay, AgreesWithTheCalendarOnEveryDay) {
  for (std::int32_t day = first_valid_date.days; day <= last_valid_date.days; ++day) {
    std::int32_t parsed = 0;
    ASSERT_EQ(parse_day(to_string(Date{day}), {}, parsed), Reject::none) << day;
    ASSERT_EQ(parsed, day);
  }
}

TEST(OrderEvidence, SettlesOnlyWhatIsSettled) {
  const std::pair<const char*, OrderEvidence> cases[] = {{"1997-01-31", OrderEvidence::year_first},
                                                         {"19970131", OrderEvidence::year_first},
                                                         {"31/01/1997", OrderEvidence::day_first},
                                                         {"01/31/1997", OrderEvidence::month_first},
                                                         {"03/04/1997", OrderEvidence::either},
                                                         {"03-04-1997", OrderEvidence::either},
                                                         {"03.04.1997", OrderEvidence::day_first},
                                                         {"3/4/1997 10:00", OrderEvidence::either},
                                                         {"01.31.1997", OrderEvidence::month_first},
                                                         {"40/50/1997", OrderEvidence::none},
                                                         {"", OrderEvidence::none},
                                                         {"soon", OrderEvidence::none}};
  for (const auto& [text, evidence] : cases) EXPECT_EQ(order_evidence(text), evidence) << text;
}

}  // namespace
}  // namespace clvsim
