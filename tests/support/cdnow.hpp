// The published CDNOW logs, where they lie beside the project, as the purchase models see them: weeks of 7 days,
// purchases of a day merged, calibration to 1997-09-30.
#pragma once

#include "tests/support/places.hpp"

#include <clvsim/calendar.hpp>
#include <clvsim/purchase_models.hpp>

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace clvsim::test {

inline std::filesystem::path public_data(const std::string& name) {
  return std::filesystem::path(source_dir()) / "../shared/data" / name;
}

inline std::vector<std::string> fields_of(const std::string& line) {
  std::vector<std::string> fields;
  std::istringstream text(line);
  for (std::string field; std::getline(text, field, ',');) fields.push_back(field);
  return fields;
}

struct CdnowCustomer {
  std::string id;
  PurchaseHistory history;
  int holdout = 0;                        // purchase days in the 39 weeks after
  double mean_spend = 0;                  // of repeat purchases, a day's together; 0 without one
  std::int32_t first_day = 0;             // from 1997-01-01 on, which is 0
  std::vector<std::int32_t> repeat_days;  // of the whole log
};

// In the order of the ids. The sample's id is its second column.
inline std::vector<CdnowCustomer> read_cdnow(const std::string& name) {
  const bool sample = name == "cdnow_sample.csv";
  const auto day_of = [](const std::string& text) { return parse_iso_date(text).days; };
  std::ifstream file(public_data(name));
  std::string line;
  std::getline(file, line);
  std::map<std::string, std::map<std::int32_t, double>> days;
  while (std::getline(file, line)) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    const auto field = fields_of(line);
    const std::size_t shift = sample ? 1 : 0;
    days[field.at(shift)][day_of(field.at(shift + 1))] += std::stod(field.at(shift + 3));
  }
  const std::int32_t end = day_of("1997-09-30"), origin = day_of("1997-01-01");
  std::vector<CdnowCustomer> customers;
  for (const auto& [id, spend] : days) {
    CdnowCustomer customer;
    customer.id = id;
    const std::int32_t first = spend.begin()->first;
    customer.first_day = first - origin;
    std::int32_t before = first;
    for (const auto& [day, amount] : spend) {
      if (day == first) continue;
      customer.repeat_days.push_back(day - origin);
      if (day > end) {
        ++customer.holdout;
        continue;
      }
      ++customer.history.x;
      customer.history.t_x = (day - first) / 7.0;
      customer.history.log_gaps += std::log((day - before) / 7.0);
      customer.mean_spend += amount;
      before = day;
    }
    if (customer.history.x > 0) customer.mean_spend /= customer.history.x;
    customer.history.T = (end - first) / 7.0;
    customers.push_back(customer);
  }
  return customers;
}

inline std::vector<PurchaseHistory> histories_of(const std::vector<CdnowCustomer>& customers) {
  std::vector<PurchaseHistory> histories;
  for (const CdnowCustomer& customer : customers) histories.push_back(customer.history);
  return histories;
}

}  // namespace clvsim::test
