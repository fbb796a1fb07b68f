#include <clvsim/ltv_table.hpp>

#include <clvsim/error.hpp>

#include <cmath>
#include <limits>

namespace clvsim {

std::vector<LtvRow> ltv_table(const RunInfo& run) {
  if (run.periods.empty())
    throw ConfigError("the run has no forecasts by period, which a table needs; simulate it with them");
  const std::vector<double> factors = discount_factors(run.options.discounting, run.unit, run.options.horizon);
  const auto n = static_cast<double>(run.n_customers);
  std::vector<LtvRow> rows;
  double active = n, cumulative = 0;
  for (std::size_t t = 0; t < run.periods.size(); ++t) {
    const PeriodForecast& period = run.periods[t];
    LtvRow row;
    row.customers = active;
    row.retention = active > 0 ? period.active.mean / active : std::numeric_limits<double>::quiet_NaN();
    row.transactions = period.transactions.mean;
    row.revenue = period.revenue.mean;
    row.profit = std::isnan(period.profit.mean) ? period.revenue : period.profit;
    row.factor = factors[t];
    row.npv = {row.profit.mean * row.factor, row.profit.se * row.factor};
    cumulative += row.npv.mean;
    row.cumulative = cumulative;
    row.ltv = cumulative / n;
    active = period.active.mean;
    rows.push_back(row);
  }
  return rows;
}

}  // namespace clvsim
