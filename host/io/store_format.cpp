#include "host/io/store_format.hpp"

#include <clvsim/calendar.hpp>
#include <clvsim/version.hpp>

#include <array>
#include <cmath>

namespace clvsim::store_format {
namespace {

using h5::Column;

// 10^-decimals: the nearest double to it.
double minor_unit(const Currency& currency) {
  constexpr std::array<double, 7> scales{1, 0.1, 0.01, 0.001, 0.0001, 0.00001, 0.000001};
  return scales.at(static_cast<std::size_t>(currency.decimals));
}

// "0.01 EUR": what an integer amount counts.
std::string money_units(const Currency& currency) {
  return fmt::format("{:.{}f} {}", minor_unit(currency), currency.decimals,
                     currency.code.empty() ? "currency unit" : currency.code);
}

constexpr const char* day_units = "days since 1970-01-01";

Column money_column(std::string name, const StoreInfo& info, std::string long_name) {
  return {std::move(name), h5::i64, money_units(info.currency), std::move(long_name), minor_unit(info.currency)};
}

const std::array<const char*, 5> flag_names{"has_cost", "has_quantity", "same_day_merged", "ids_hashed",
                                            "contract_book"};

std::int64_t count_of(const std::vector<h5::Attribute>& attributes, std::string_view name) {
  const auto count = h5::value_of<std::int64_t>(attributes, name);
  if (count < 0) throw h5::Failure(fmt::format("attribute '{}' is negative", name));
  return count;
}

Date date_of(const std::vector<h5::Attribute>& attributes, std::string_view name) {
  try {
    return parse_iso_date(h5::text_of(attributes, name));
  } catch (const Error&) {
    throw h5::Failure(fmt::format("attribute '{}' is no date", name));
  }
}

}  // namespace

std::vector<Column> customer_columns(const StoreInfo& info) {
  std::vector<Column> columns{
      {"key", h5::text(info.key_width), "1", "customer identifier, or its pseudonym"},
      {"key_hash", h5::u64, "1", "56-bit hash of the key: the address of the customer's random draws"},
      {"first_day", h5::i32, day_units, "day of the first purchase (of the first row, without one)"},
      {"last_purchase_day", h5::i32, day_units, "day of the last purchase (of the first row, without one)"},
      {"n_purchase_days", h5::i32, "1", "days with a purchase"},
      {"frequency", h5::i32, "1", "x: purchase days after the first"},
      {"recency", h5::i32, "days", "t_x: days from the first to the last purchase"},
      {"observed", h5::i32, "days", "T: days from the first purchase to the end of observation"},
      money_column("spend_sum", info, "sum of purchases"),
      money_column("refund_sum", info, "sum of refunds, at most 0"),
      {"segment", h5::u32, "1", "row of /segments/name; 0: no segment"},
      {"history_offset", h5::i64, "1", "first row of the customer in /history; the next customer's ends it"}};
  for (std::size_t k = 0; k < info.covariates.size(); ++k)
    columns.push_back({fmt::format("covariate_{}", k), h5::f64, "1", fmt::format("row {} of /covariates/name", k)});
  return columns;
}

std::vector<Column> holdout_customer_columns(const StoreInfo& info) {
  return {{"key", h5::text(info.key_width), "1", "customer identifier, or its pseudonym"},
          {"history_offset", h5::i64, "1", "first row of the customer in /holdout; the next customer's ends it"}};
}

std::vector<Column> history_columns(const StoreInfo& info) {
  std::vector<Column> columns{{"day", h5::i32, day_units, "day of the row"},
                              money_column("amount", info, "amount: purchases at least 0, refunds negative"),
                              {"kind", h5::u8, "1", "0: purchase, 1: refund, 2: contract, 3: churned contract"}};
  if (info.has_cost) columns.push_back(money_column("cost", info, "cost of the row"));
  if (info.has_quantity) columns.push_back({"quantity", h5::i64, "0.001", "quantity of the row", 0.001});
  return columns;
}

std::vector<Column> segment_columns(std::size_t width) {
  return {{"name", h5::text(width), "1", "name of the segment; row 0 is no segment"}};
}

std::vector<Column> covariate_columns(std::size_t width) {
  return {{"name", h5::text(width), "1", "name of the covariate"}};
}

std::vector<Column> ledger_columns(const StoreInfo& info, std::size_t width) {
  return {{"name", h5::text(width), "1", "where rows of the log went"},
          {"rows", h5::i64, "1", "rows of the log"},
          money_column("amount", info, "sum of the rows' amounts")};
}

std::vector<Column> reject_columns(std::size_t width) {
  return {{"rejected_reason", h5::text(width), "1", "why rows were rejected"},
          {"rejected_rows", h5::i64, "1", "rows rejected for the reason"}};
}

std::vector<std::pair<std::string, std::vector<std::string>>> groups(const StoreInfo& info) {
  std::vector<std::string> ledger = names_of(ledger_columns(info, 1));
  for (const std::string& name : names_of(reject_columns(1))) ledger.push_back(name);
  return {{"/", {"customers", "history", "holdout_customers", "holdout", "segments", "covariates", "ledger"}},
          {"/customers", names_of(customer_columns(info))},
          {"/history", names_of(history_columns(info))},
          {"/holdout_customers", names_of(holdout_customer_columns(info))},
          {"/holdout", names_of(history_columns(info))},
          {"/segments", names_of(segment_columns(1))},
          {"/covariates", names_of(covariate_columns(1))},
          {"/ledger", std::move(ledger)}};
}

std::vector<h5::Attribute> root_attributes(const StoreInfo& info) {
  const std::array<bool, 5> flags{info.has_cost, info.has_quantity, info.same_day_merged, info.ids_hashed,
                                  info.contract_book};
  std::vector<h5::Attribute> list{
      h5::text_attribute("filetype", "clvsim-store"),
      h5::array_attribute("format_version", h5::i32, std::vector<std::int32_t>{format_major, format_minor}),
      h5::text_attribute("program_version", version()),
      h5::text_attribute("Conventions", "CLV-1.0"),
      h5::text_attribute("title", "Customer histories from a transaction log"),
      h5::text_attribute("currency", info.currency.code),
      h5::attribute("decimals", h5::i32, static_cast<std::int32_t>(info.currency.decimals)),
      h5::text_attribute("unit", name_of(info.unit)),
      h5::text_attribute("observation_end", to_string(info.observation_end)),
      h5::text_attribute("first_day", to_string(info.first_day)),
      h5::text_attribute("last_day", to_string(info.last_day))};
  for (std::size_t i = 0; i < flags.size(); ++i)
    list.push_back(h5::attribute(flag_names[i], h5::i32, std::int32_t{flags[i]}));
  list.push_back(h5::attribute("n_customers", h5::i64, info.n_customers));
  list.push_back(h5::attribute("n_rows", h5::i64, info.n_rows));
  list.push_back(h5::attribute("n_holdout_customers", h5::i64, info.n_holdout_customers));
  list.push_back(h5::attribute("n_holdout_rows", h5::i64, info.n_holdout_rows));
  list.push_back(h5::attribute("n_covariates", h5::i64, static_cast<std::int64_t>(info.covariates.size())));
  return list;
}

std::vector<h5::AttributeSpec> root_attribute_specs() {
  std::vector<h5::AttributeSpec> specs{{"filetype", h5::text(0)},
                                       {"format_version", h5::i32, false, 2},
                                       {"program_version", h5::text(0)},
                                       {"Conventions", h5::text(0)},
                                       {"title", h5::text(0)},
                                       {"currency", h5::text(0)},
                                       {"decimals", h5::i32},
                                       {"unit", h5::text(0)},
                                       {"observation_end", h5::text(0)},
                                       {"first_day", h5::text(0)},
                                       {"last_day", h5::text(0)},
                                       {"n_customers", h5::i64},
                                       {"n_rows", h5::i64},
                                       {"n_holdout_customers", h5::i64},
                                       {"n_holdout_rows", h5::i64},
                                       {"n_covariates", h5::i64},
                                       {"content_digest", h5::text(0)}};
  for (const char* flag : flag_names) specs.push_back({flag, h5::i32});
  return specs;
}

StoreInfo info_from(const std::vector<h5::Attribute>& attributes) {
  if (h5::text_of(attributes, "filetype") != "clvsim-store")
    throw h5::Failure("attribute 'filetype' is not clvsim-store");
  if (h5::values_of<std::int32_t>(attributes, "format_version") !=
      std::vector<std::int32_t>{format_major, format_minor})
    throw h5::Failure("attribute 'format_version' differs from the seal");
  StoreInfo info;
  info.currency.code = h5::text_of(attributes, "currency");
  info.currency.decimals = h5::value_of<std::int32_t>(attributes, "decimals");
  if (info.currency.decimals < 0 || info.currency.decimals > 6) throw h5::Failure("attribute 'decimals' is not 0 to 6");
  if (info.currency.code.size() > 8) throw h5::Failure("attribute 'currency' is longer than 8 bytes");
  try {
    info.unit = parse_period_unit(h5::text_of(attributes, "unit"));
  } catch (const Error&) {
    throw h5::Failure("attribute 'unit' is no period");
  }
  info.observation_end = date_of(attributes, "observation_end");
  info.first_day = date_of(attributes, "first_day");
  info.last_day = date_of(attributes, "last_day");
  bool* const flags[] = {&info.has_cost, &info.has_quantity, &info.same_day_merged, &info.ids_hashed,
                         &info.contract_book};
  for (std::size_t i = 0; i < flag_names.size(); ++i) {
    const auto value = h5::value_of<std::int32_t>(attributes, flag_names[i]);
    if (value != 0 && value != 1) throw h5::Failure(fmt::format("attribute '{}' is neither 0 nor 1", flag_names[i]));
    *flags[i] = value == 1;
  }
  info.n_customers = count_of(attributes, "n_customers");
  info.n_rows = count_of(attributes, "n_rows");
  info.n_holdout_customers = count_of(attributes, "n_holdout_customers");
  info.n_holdout_rows = count_of(attributes, "n_holdout_rows");
  const std::int64_t n_covariates = count_of(attributes, "n_covariates");
  if (n_covariates > static_cast<std::int64_t>(most_covariates))
    throw h5::Failure(fmt::format("attribute 'n_covariates' is above {}", most_covariates));
  info.covariates.resize(static_cast<std::size_t>(n_covariates));
  info.content_digest = h5::text_of(attributes, "content_digest");
  return info;
}

std::vector<NamedLine> lines_of(const Ledger& ledger) {
  return {{"read", ledger.read},
          {"calibration", ledger.calibration},
          {"holdout", ledger.holdout},
          {"merged_calibration", ledger.merged_calibration},
          {"merged_holdout", ledger.merged_holdout},
          {"rejected", ledger.rejected},
          {"refunds", ledger.refunds},
          {"zero_amount", {ledger.zero_amount_rows, 0}}};
}

Ledger ledger_from(const std::vector<std::string>& names, const std::vector<std::int64_t>& rows,
                   const std::vector<std::int64_t>& amounts) {
  const std::vector<NamedLine> expected = lines_of({});
  if (names.size() != expected.size()) throw h5::Failure("the ledger has a wrong number of lines");
  for (std::size_t i = 0; i < names.size(); ++i)
    if (names[i] != expected[i].name) throw h5::Failure("the ledger has other lines than it should");
  const auto line = [&](std::size_t i) { return LedgerLine{rows[i], amounts[i]}; };
  Ledger ledger;
  ledger.read = line(0);
  ledger.calibration = line(1);
  ledger.holdout = line(2);
  ledger.merged_calibration = line(3);
  ledger.merged_holdout = line(4);
  ledger.rejected = line(5);
  ledger.refunds = line(6);
  ledger.zero_amount_rows = rows[7];
  if (amounts[7] != 0) throw h5::Failure("the ledger's rows of amount 0 have an amount");
  return ledger;
}

}  // namespace clvsim::store_format
