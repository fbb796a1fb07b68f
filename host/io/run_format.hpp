// What a run file consists of (docs/formats/run.md): its columns and attributes, for writer, reader and CSV export.
#pragma once

#include "host/io/table.hpp"

#include <clvsim/simulate.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace clvsim::run_format {

inline constexpr std::string_view type = "run";

// A column of /customers and where CustomerResults has it: element i * stride + index of `values`.
struct ResultColumn {
  enum class Range : std::uint8_t { any, not_negative, probability };

  std::string name, long_name;
  bool money = true;
  Range range = Range::any;
  std::vector<double> CustomerResults::*values = nullptr;
  std::size_t stride = 1, index = 0;
  bool may_be_infinite = false;  // NaN then: a moment of the value, or the moment that its error needs

  [[nodiscard]] double at(const CustomerResults& results, std::size_t i) const {
    return (results.*values)[i * stride + index];
  }
};
// In the order of the file, without the key.
std::vector<ResultColumn> result_columns(const RunInfo& info);

// key, segment where there are segments, then result_columns.
std::vector<h5::Column> customer_columns(const RunInfo& info, std::size_t key_width);
// Of the table of segments: name, customers, then estimates of segment_estimates with their errors.
std::vector<h5::Column> segment_columns(const RunInfo& info, std::size_t width);
std::vector<Estimate SegmentForecast::*> segment_estimates();
std::vector<h5::Column> period_columns(const RunInfo& info);
std::vector<h5::Column> portfolio_columns(const RunInfo& info, std::size_t width);  // name, value, se
std::vector<h5::Column> total_columns(const RunInfo& info, double scale);           // total_by_path
std::vector<h5::Column> path_columns(const RunInfo& info, double scale);            // value, where paths are kept

// The estimates of a period in the order of period_columns, without its days.
std::vector<Estimate PeriodForecast::*> period_estimates(const RunInfo& info);

// The lines of /portfolio: mean, sd, quantiles, CVaR of the total, then of the undiscounted revenue.
struct PortfolioLine {
  std::string name;
  Estimate* value;
  bool may_be_infinite = false;  // as a ResultColumn
};
std::vector<PortfolioLine> portfolio_lines(RunInfo& info);

std::vector<std::pair<std::string, std::vector<std::string>>> groups(const RunInfo& info);
std::vector<h5::Attribute> root_attributes(const RunInfo& info);
std::vector<h5::AttributeSpec> root_attribute_specs();
// All but the portfolio and the periods. Throws Failure.
RunInfo info_from(const std::vector<h5::Attribute>& attributes);

// The writer refuses to write what a reader would refuse to read. The functions throw Failure.
void check_info(const RunInfo& info);
// Keys, finite values, ranges, order of the quantiles. `first` is the row of the first customer, `last_key` the key
// before it, updated; keys ascend where the run has a store.
void check_results(const RunInfo& info, const CustomerResults& results, std::int64_t first,
                   std::vector<char>& last_key);
void check_periods(const RunInfo& info);
void check_portfolio(const RunInfo& info);
void check_segments(const RunInfo& info);

}  // namespace clvsim::run_format
