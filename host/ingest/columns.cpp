// Which column of a log is what.
#include "host/ingest/columns.hpp"

#include "host/base/text.hpp"
#include "host/ingest/fields.hpp"

#include <clvsim/error.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <set>

namespace clvsim {
namespace {

// Well-known names, in lower case and without anything but letters and digits. A unit price is no amount: it is not
// among them; nor is a bare "id", which may be the order's.
const std::vector<std::string> customer_names = {
    "customerid",   "customer", "custid",  "cust",      "customerno", "customernumber", "customerkey",
    "customercode", "clientid", "client",  "userid",    "user",       "accountid",      "account",
    "memberid",     "member",   "buyerid", "shopperid", "kundenid",   "kundennr",       "kundennummer"};
const std::vector<std::string> date_names = {"date",
                                             "orderdate",
                                             "invoicedate",
                                             "transactiondate",
                                             "transdate",
                                             "txndate",
                                             "purchasedate",
                                             "salesdate",
                                             "saledate",
                                             "bookingdate",
                                             "paymentdate",
                                             "datetime",
                                             "orderdatetime",
                                             "timestamp",
                                             "ordertimestamp",
                                             "transactiondatetime",
                                             "transactiontimestamp",
                                             "purchasetimestamp",
                                             "orderpurchasetimestamp",
                                             "datum"};
const std::vector<std::string> amount_names = {"amount",
                                               "dollarvalue",
                                               "value",
                                               "pricetotal",
                                               "totalprice",
                                               "revenue",
                                               "sales",
                                               "sale",
                                               "total",
                                               "totalamount",
                                               "spend",
                                               "spent",
                                               "orderamount",
                                               "ordervalue",
                                               "ordertotal",
                                               "salesamount",
                                               "netamount",
                                               "netsales",
                                               "linetotal",
                                               "turnover",
                                               "transactionamount",
                                               "transactionvalue",
                                               "betrag",
                                               "umsatz"};

std::string normalised(std::string_view name) {
  std::string out;
  for (const char c : name) {
    if (c >= 'A' && c <= 'Z')
      out += static_cast<char>(c - 'A' + 'a');
    else if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || static_cast<unsigned char>(c) >= 0x80)
      out += c;
  }
  return out;
}

std::string lower(std::string_view name) {
  std::string out(name);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

bool reads_as_data(const std::string& name) {
  std::int32_t day = 0;
  MinorUnits amount = 0;
  CurrencySign sign = CurrencySign::none;
  return parse_day(name, {DateOrder::dmy, false, false}, day) == Reject::none ||
         parse_money(name, {'.', 2, {}}, amount, sign) == Reject::none;
}

// A log without a header has data in its place, which no message may show.
bool is_row(const std::vector<std::string>& names) { return std::any_of(names.begin(), names.end(), reads_as_data); }

std::string listed(const std::vector<std::string>& names) {
  if (is_row(names))
    return "not shown, because the first line looks like a row; a log must begin with a line of column names";
  constexpr std::size_t most = 40;
  std::string text;
  for (std::size_t i = 0; i < std::min(names.size(), most); ++i)
    text += fmt::format("{}'{}'", i == 0 ? "" : ", ", names[i]);
  if (names.size() > most) text += fmt::format(" and {} more", names.size() - most);
  return text;
}

// The column that an option names.
int named_column(const std::vector<std::string>& header, const std::string& name, const char* flag,
                 const std::string& file) {
  if (const auto exact = std::find(header.begin(), header.end(), name); exact != header.end())
    return static_cast<int>(exact - header.begin());
  int found = -1;
  for (std::size_t i = 0; i < header.size(); ++i) {
    if (lower(header[i]) != lower(name)) continue;
    if (found >= 0)
      throw ConfigError(fmt::format("{} '{}': '{}' has both '{}' and '{}'; write the name as it stands there", flag,
                                    name, file, header[static_cast<std::size_t>(found)], header[i]));
    found = static_cast<int>(i);
  }
  if (found < 0)
    throw ConfigError(fmt::format("{}: '{}' has no column '{}'{}; its columns are {}", flag, file, name,
                                  is_row(header) ? std::string() : did_you_mean(name, header), listed(header)));
  return found;
}

// `covariates`: columns that are none of these.
int known_column(const std::vector<std::string>& header, const std::vector<std::string>& names, const char* what,
                 const char* flag, const std::string& file, const std::vector<std::string>& covariates) {
  std::vector<std::string> found;
  int column = -1;
  for (std::size_t i = 0; i < header.size(); ++i) {
    if (std::find(names.begin(), names.end(), normalised(header[i])) == names.end()) continue;
    if (std::any_of(covariates.begin(), covariates.end(),
                    [&](const std::string& name) { return lower(name) == lower(header[i]); }))
      continue;
    found.push_back(header[i]);
    column = static_cast<int>(i);
  }
  if (found.empty())
    throw DataError(
        fmt::format("'{}' line 1: no column has a well-known name for the {}; its columns are {}; name it with {} "
                    "COLUMN (the first line of a log names its columns)",
                    file, what, listed(header), flag));
  if (found.size() > 1)
    throw DataError(
        fmt::format("'{}' line 1: {} could each be the {}; its columns are {}; name the right one with {} COLUMN", file,
                    listed(found), what, listed(header), flag));
  return column;
}

}  // namespace

std::string name_of_delimiter(char delimiter) { return delimiter == '\t' ? "tab" : std::string(1, delimiter); }

std::vector<std::string> header_names(const CsvRecord& record, const std::string& file) {
  if (record.bad_quoting)
    throw DataError(
        fmt::format("'{}' line {}: text follows a closing quote in the header; mend the line, or export the log again",
                    file, record.line));
  std::vector<std::string> names;
  for (const std::string_view field : record.fields) names.emplace_back(trimmed(field));
  std::vector<std::string> sorted = names;
  std::sort(sorted.begin(), sorted.end());
  // Several columns without a name can hardly be asked for by mistake.
  for (std::size_t i = 1; i < sorted.size(); ++i)
    if (!sorted[i].empty() && sorted[i] == sorted[i - 1])
      throw DataError(
          fmt::format("'{}' line {}: two columns have the same name, so it is not clear which is meant; rename "
                      "one in the header; its columns are {}",
                      file, record.line, listed(names)));
  return names;
}

Columns choose_columns(const ImportOptions& options, const std::vector<std::string>& header, const std::string& file) {
  const auto choose = [&](const std::optional<std::string>& name, const std::vector<std::string>& names,
                          const char* what, const char* flag) {
    return name ? named_column(header, *name, flag, file)
                : known_column(header, names, what, flag, file, options.covariate_columns);
  };
  const auto only_named = [&](const std::optional<std::string>& name, const char* flag) {
    return name ? named_column(header, *name, flag, file) : -1;
  };
  Columns columns;
  columns.customer = choose(options.customer_column, customer_names, "customer id", "--customer");
  columns.tenure = only_named(options.tenure_column, "--tenure");
  columns.churned = only_named(options.churned_column, "--churned");
  columns.count = only_named(options.count_column, "--count");
  if (columns.tenure < 0) columns.date = choose(options.date_column, date_names, "date", "--date");
  columns.amount = choose(options.amount_column, amount_names, "amount", "--amount");
  columns.cost = only_named(options.cost_column, "--cost");
  columns.quantity = only_named(options.quantity_column, "--quantity");
  columns.segment = only_named(options.segment_column, "--segment");
  columns.kind = only_named(options.kind_column, "--kind");
  for (const std::string& name : options.covariate_columns) {
    const int column = named_column(header, name, "--covariates", file);
    if (std::find(columns.covariates.begin(), columns.covariates.end(), column) != columns.covariates.end())
      throw ConfigError(fmt::format("--covariates names '{}' twice; give every column once", name));
    columns.covariates.push_back(column);
  }
  if (columns.customer == columns.date || columns.customer == columns.amount || columns.date == columns.amount)
    throw ConfigError("--customer, --date and --amount must name three different columns");
  if (columns.tenure >= 0 &&
      std::set<int>{columns.customer, columns.amount, columns.tenure, columns.churned}.size() != 4)
    throw ConfigError("--customer, --amount, --tenure and --churned must name four different columns");
  if (columns.count >= 0)
    for (const int column : {columns.customer, columns.amount, columns.tenure, columns.churned, columns.cost})
      if (column == columns.count) throw ConfigError("--count must name a column of its own");
  return columns;
}

Columns match_columns(const Layout& first, const std::vector<std::string>& header, const std::string& file) {
  // Nothing of it is shown: unsplit, a row cannot be told from column names.
  if (header.size() == 1 && first.header.size() > 1)
    throw DataError(
        fmt::format("'{}' line 1: its header does not split at {}, the delimiter of the first log; logs imported "
                    "together must have "
                    "the same delimiter and the same columns: export it again with {}, or import it apart",
                    file, name_of_delimiter(first.dialect.delimiter), name_of_delimiter(first.dialect.delimiter)));
  std::vector<std::string> ours = header, theirs = first.header, missing, extra;
  std::sort(ours.begin(), ours.end());
  std::sort(theirs.begin(), theirs.end());
  std::set_difference(theirs.begin(), theirs.end(), ours.begin(), ours.end(), std::back_inserter(missing));
  std::set_difference(ours.begin(), ours.end(), theirs.begin(), theirs.end(), std::back_inserter(extra));
  if (!missing.empty() || !extra.empty())
    throw DataError(fmt::format(
        "'{}' line 1: its columns differ from those of the first log{}{}; import logs of one layout together", file,
        missing.empty() ? "" : ": it lacks " + listed(missing),
        extra.empty() ? "" : (missing.empty() ? ": it also has " : ", it also has ") + listed(extra)));
  const auto same = [&](int column) {
    if (column < 0) return -1;
    return static_cast<int>(std::find(header.begin(), header.end(), first.header[static_cast<std::size_t>(column)]) -
                            header.begin());
  };
  Columns columns = first.columns;
  for (int* const column : {&columns.customer, &columns.date, &columns.amount, &columns.cost, &columns.quantity,
                            &columns.segment, &columns.kind, &columns.tenure, &columns.churned, &columns.count})
    *column = same(*column);
  for (int& column : columns.covariates) column = same(column);
  return columns;
}

}  // namespace clvsim
