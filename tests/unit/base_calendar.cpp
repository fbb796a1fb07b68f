#include <clvsim/calendar.hpp>
#include <clvsim/error.hpp>

#include <gtest/gtest.h>

namespace clvsim {
namespace {

TEST(Calendar, DatesCountFrom1970AndRoundTrip) {
  EXPECT_EQ(make_date(1970, 1, 1).days, 0);
  EXPECT_EQ(make_date(1900, 1, 1), first_valid_date);
  EXPECT_EQ(make_date(2199, 12, 31), last_valid_date);
  EXPECT_EQ(make_date(2000, 2, 29).days, make_date(2000, 2, 28).days + 1);
  for (std::int32_t day = first_valid_date.days; day <= last_valid_date.days; day += 13)
    EXPECT_EQ(parse_iso_date(to_string(Date{day})).days, day);
}

TEST(Calendar, RefusesDaysThatDoNotExist) {
  EXPECT_THROW((void)make_date(1900, 2, 29), DataError);  // 1900 is no leap year
  EXPECT_THROW((void)make_date(2100, 2, 29), DataError);
  EXPECT_THROW((void)make_date(2001, 4, 31), DataError);
  for (const char* text : {"2001-13-01", "2001-00-10", "2001-1-01", "20010101", "", "2001-01-0a", "1899-12-31",
                           "2200-01-01", "-001-01-01"})
    EXPECT_THROW((void)parse_iso_date(text), DataError) << text;
}

TEST(PeriodGrid, WeeksAreSevenDaysOnBothSidesOfTheEnd) {
  const PeriodGrid grid(make_date(1997, 9, 30), PeriodUnit::week);
  EXPECT_EQ(grid.end(39), make_date(1998, 6, 30));
  EXPECT_EQ(grid.index_of(make_date(1997, 9, 30)), 0);
  EXPECT_EQ(grid.index_of(make_date(1997, 9, 24)), 0);
  EXPECT_EQ(grid.index_of(make_date(1997, 9, 23)), -1);
  EXPECT_EQ(grid.index_of(make_date(1997, 10, 1)), 1);
  EXPECT_EQ(grid.index_of(make_date(1997, 10, 7)), 1);
  EXPECT_EQ(grid.index_of(make_date(1997, 10, 8)), 2);
}

TEST(PeriodGrid, MonthsAreCalendarMonths) {
  const PeriodGrid last(make_date(2024, 1, 31), PeriodUnit::month);
  EXPECT_EQ(last.end(1), make_date(2024, 2, 29));
  EXPECT_EQ(last.end(2), make_date(2024, 3, 31));
  const PeriodGrid sticky(make_date(2023, 2, 28), PeriodUnit::month);  // the last day of its month
  EXPECT_EQ(sticky.end(1), make_date(2023, 3, 31));
  const PeriodGrid middle(make_date(2024, 1, 30), PeriodUnit::month);
  EXPECT_EQ(middle.end(1), make_date(2024, 2, 29));
  EXPECT_EQ(middle.end(2), make_date(2024, 3, 30));
  EXPECT_EQ(middle.index_of(make_date(2024, 3, 1)), 2);
  EXPECT_EQ(middle.index_of(make_date(2024, 2, 29)), 1);
}

class PeriodGridPartition : public testing::TestWithParam<PeriodUnit> {};

TEST_P(PeriodGridPartition, EveryDayIsInExactlyOnePeriod) {
  for (const Date end :
       {make_date(2024, 2, 29), make_date(2023, 12, 31), make_date(2021, 1, 30), make_date(2022, 8, 15)}) {
    const PeriodGrid grid(end, GetParam());
    for (std::int32_t offset = -1200; offset <= 1200; ++offset) {
      const Date day{end.days + offset};
      const int k = grid.index_of(day);
      ASSERT_LT(grid.end(k - 1), day);
      ASSERT_LE(day, grid.end(k));
      ASSERT_EQ(offset > 0, k > 0);
    }
  }
}
INSTANTIATE_TEST_SUITE_P(AllUnits, PeriodGridPartition,
                         testing::Values(PeriodUnit::day, PeriodUnit::week, PeriodUnit::month, PeriodUnit::year));

}  // namespace
}  // namespace clvsim
