// Imports every log named on standard input, one path a line, and prints what came of each as one JSON line: the ledger
// and every customer, or the error. Driven by csv_against_python.py.
#include <clvsim/error.hpp>
#include <clvsim/import.hpp>

#include <fmt/format.h>

#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

namespace {

using nlohmann::json;

std::string hex(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) text += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return text;
}

json line(const clvsim::LedgerLine& l) { return {l.rows, l.amount}; }

json import_one(const std::string& path, const clvsim::ImportOptions& flags) {
  clvsim::ImportOptions options = flags;
  options.logs = {path};
  try {
    const clvsim::ImportReport report = clvsim::import_logs(options);
    const clvsim::Ledger& ledger = report.store.ledger;
    json out = {{"read", line(ledger.read)},
                {"calibration", line(ledger.calibration)},
                {"holdout", line(ledger.holdout)},
                {"merged_calibration", line(ledger.merged_calibration)},
                {"merged_holdout", line(ledger.merged_holdout)},
                {"rejected", line(ledger.rejected)},
                {"refunds", line(ledger.refunds)},
                {"zero", ledger.zero_amount_rows}};
    const clvsim::StoreReader store(options.output);
    clvsim::CustomerBatch batch;
    store.read(0, store.info().n_customers, batch);
    json customers = json::array();
    for (std::size_t i = 0; i < batch.size(); ++i)
      customers.push_back({hex(batch.key_of(i)), batch.frequency[i], batch.first_day[i], batch.last_purchase_day[i],
                           batch.spend_sum[i], batch.refund_sum[i],
                           batch.history.offset[i + 1] - batch.history.offset[i]});
    out["customers"] = customers;
    return out;
  } catch (const clvsim::Error& error) {
    return {{"error", error.what()}, {"code", static_cast<int>(error.exit_code())}};
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) {
    std::cerr << "usage: ingest_batch DELIMITER DECIMAL_MARK DATE_ORDER SCRATCH_FOLDER < PATHS\n";
    return 2;
  }
  const std::filesystem::path scratch = argv[4];
  clvsim::ImportOptions options;
  options.customer_column = "customer_id";
  options.date_column = "date";
  options.amount_column = "amount";
  options.delimiter = argv[1][0];
  options.decimal_mark = argv[2][0];
  const std::string order = argv[3];
  options.date_order = order == "dmy"   ? clvsim::DateOrder::dmy
                       : order == "mdy" ? clvsim::DateOrder::mdy
                                        : clvsim::DateOrder::ymd;
  options.observation_end = clvsim::parse_iso_date("2020-06-30");
  options.max_reject_share = 1;
  options.sort_memory = 4096;
  options.output = scratch / "store.h5";
  options.rejects = scratch / "rejects.csv";
  options.overwrite = true;
  for (std::string path; std::getline(std::cin, path);) {
    std::filesystem::remove(*options.rejects);
    std::cout << import_one(path, options).dump(-1, ' ', false, json::error_handler_t::replace) << "\n" << std::flush;
  }
  return 0;
}
