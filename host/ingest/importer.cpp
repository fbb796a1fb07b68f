// The import of transaction logs: parse, sort by customer, write the store.
#include "host/ingest/byte_source.hpp"
#include "host/ingest/csv_reader.hpp"
#include "host/ingest/fields.hpp"
#include "host/ingest/pseudonym.hpp"
#include "host/ingest/rejects.hpp"
#include "host/ingest/row_sorter.hpp"
#include "host/ingest/sniffer.hpp"
#include "host/ingest/store_builder.hpp"
#include "host/ingest/total.hpp"

#include "host/base/output_file.hpp"
#include "host/base/text.hpp"

#include <clvsim/error.hpp>
#include <clvsim/import.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <numeric>
#include <unordered_map>
#include <utility>

namespace clvsim {
namespace {

constexpr std::size_t max_id_bytes = 256;
constexpr std::size_t max_segments = 65536;
constexpr std::size_t max_currency_bytes = 8;
constexpr int max_decimals = 6;
constexpr int quantity_decimals = 3;  // quantities are stored in thousandths
constexpr int sort_fan_in = 64;
constexpr std::size_t least_sort_memory = std::size_t{1} << 12;

bool same_file(const std::filesystem::path& a, const std::filesystem::path& b) {
  std::error_code error;
  return a == b || std::filesystem::equivalent(a, b, error);
}

// What a contract book needs, and what it has nothing for.
void check_book(const ImportOptions& options, bool writes) {
  const std::pair<bool, const char*> useless[] = {{options.date_column.has_value(), "--date"},
                                                  {options.quantity_column.has_value(), "--quantity"},
                                                  {options.kind_column.has_value(), "--kind"},
                                                  {options.date_order.has_value(), "--date-order"},
                                                  {options.utc, "--utc"},
                                                  {options.keep_same_day, "--keep-same-day"}};
  for (const auto& [given, flag] : useless)
    if (given)
      throw ConfigError(
          fmt::format("{} says nothing of a contract book, which has tenures instead of dates; leave it out", flag));
  if (!writes) return;
  if (!options.unit)
    throw ConfigError("a contract book needs --unit: the period that its tenures count, e.g. --unit month");
  if (!options.observation_end)
    throw ConfigError("a contract book needs --observation-end: the day up to which its tenures count");
}

// Looked at before anything is read.
void check_options(const ImportOptions& options, bool writes) {
  if (options.logs.empty()) throw ConfigError("no log to import; give at least one CSV file");
  if (options.delimiter && std::string_view(",;\t|").find(*options.delimiter) == std::string_view::npos)
    throw ConfigError(fmt::format("--delimiter '{}' is not possible; use , ; | or tab", *options.delimiter));
  if (options.decimal_mark && *options.decimal_mark != '.' && *options.decimal_mark != ',')
    throw ConfigError(fmt::format("--decimal-mark '{}' is not possible; use . or ,", *options.decimal_mark));
  if (options.decimals < 0 || options.decimals > max_decimals)
    throw ConfigError(fmt::format("--decimals {} is not possible; use 0 to {}", options.decimals, max_decimals));
  if (options.currency.size() > max_currency_bytes)
    throw ConfigError(fmt::format("--currency '{}' is too long; use an ISO 4217 code such as USD, at most {} bytes",
                                  options.currency, max_currency_bytes));
  if (std::any_of(options.currency.begin(), options.currency.end(), [](char c) {
        return (c >= '0' && c <= '9') || c == '.' || c == ',' || c == '-' || c == '+' ||
               static_cast<unsigned char>(c) <= ' ';
      }))
    throw ConfigError(fmt::format("--currency '{}' holds a digit, mark or space; use an ISO 4217 code such as USD",
                                  options.currency));
  if (!(options.max_reject_share >= 0 && options.max_reject_share <= 1))
    throw ConfigError(fmt::format("--max-reject-share {} is not possible; use a share from 0 to 1, e.g. 0.01",
                                  options.max_reject_share));
  if (options.tenure_column.has_value() != options.churned_column.has_value())
    throw ConfigError("a contract book has --tenure and --churned; give both, or neither for a log of transactions");
  if (options.tenure_column) check_book(options, writes);
  if (options.count_column && !options.tenure_column)
    throw ConfigError("--count is of contract books; give --tenure and --churned as well, or leave it out");
  if (options.covariate_columns.size() > most_covariates)
    throw ConfigError(fmt::format("--covariates names {} columns; a store has at most {}",
                                  options.covariate_columns.size(), most_covariates));
  if (options.hash_key_file && !options.hash_ids)
    throw ConfigError("--hash-key needs --hash-ids; give both or neither");
  for (std::size_t i = 0; i < options.logs.size(); ++i)
    for (std::size_t j = 0; j < i; ++j)
      if (same_file(options.logs[i], options.logs[j]))
        throw ConfigError(fmt::format("'{}' is given twice; its rows would count double; give each log once",
                                      options.logs[i].string()));
  if (!writes) return;
  check_output(options.output, options.overwrite);
  if (options.rejects) check_output(*options.rejects, options.overwrite);
  if (options.rejects && same_file(options.output, *options.rejects))
    throw ConfigError("the output and the rejects have the same path; give two names");
  for (const std::filesystem::path& log : options.logs)
    if (same_file(log, options.output) || (options.rejects && same_file(log, *options.rejects)))
      throw ConfigError(fmt::format("'{}' is a log and would be overwritten; give another output", log.string()));
}

// The sign that a currency code means, where it means one.
CurrencySign sign_of_code(std::string_view code) {
  if (code == "USD") return CurrencySign::dollar;
  if (code == "EUR") return CurrencySign::euro;
  if (code == "GBP") return CurrencySign::pound;
  if (code == "JPY" || code == "CNY") return CurrencySign::yen;
  return CurrencySign::none;
}

// Refuses a log in several currencies.
class CurrencyCheck {
 public:
  explicit CurrencyCheck(const std::string& code) : code_(code) {
    if (sign_of_code(code) != CurrencySign::none) expected_ = sign_of_code(code);
  }
  // `text` is the amount that `sign` was read from.
  void see(CurrencySign sign, std::string_view text, const std::string& file, std::int64_t line) {
    if (sign == CurrencySign::none) return;
    if (sign == CurrencySign::other_code) refuse_code(other_code(text, code_), file, line);
    if (sign == CurrencySign::code && sign_of_code(code_) != CurrencySign::none) sign = sign_of_code(code_);
    if (expected_ == CurrencySign::none) {
      expected_ = sign;
      file_ = file;
      line_ = line;
    }
    if (sign == expected_) return;
    refuse(text_of(sign),
           file_.empty() ? "--currency says " + code_
                         : fmt::format("'{}' line {} has {}", file_, line_, text_of(expected_)),
           file, line);
  }

 private:
  [[noreturn]] void refuse_code(std::string_view found, const std::string& file, std::int64_t line) const {
    if (!code_.empty()) refuse(found, "--currency says " + code_, file, line);
    throw DataError(
        fmt::format("'{}' line {}: the amount carries the code {}, and no currency is given; if that is the currency "
                    "of the log, give --currency {}",
                    file, line, found, found));
  }
  [[noreturn]] static void refuse(std::string_view found, const std::string& before, const std::string& file,
                                  std::int64_t line) {
    throw DataError(fmt::format(
        "'{}' line {}: the amount is in {}, but {}; a store has one currency: convert the amounts, or import the "
        "currencies apart",
        file, line, found, before));
  }

  std::string code_, file_;
  std::int64_t line_ = 0;
  CurrencySign expected_ = CurrencySign::none;
};

// Names of segments, numbered as they come.
class SegmentNames {
 public:
  std::uint32_t number_of(std::string_view name) {
    if (name.empty()) return 0;
    if (name == names_[last_]) return last_;
    const auto found = numbers_.find(std::string(name));
    if (found != numbers_.end()) return last_ = found->second;
    if (names_.size() > max_segments)
      throw DataError(
          fmt::format("the segment column has more than {} different values; is it the right column?", max_segments));
    last_ = static_cast<std::uint32_t>(names_.size());
    numbers_.emplace(name, last_);
    names_.emplace_back(name);
    return last_;
  }
  // Names in ascending order, "" first, and the place of each number among them.
  void sort(std::vector<std::string>& sorted, std::vector<std::uint32_t>& codes) const {
    std::vector<std::uint32_t> order(names_.size());
    std::iota(order.begin(), order.end(), 0u);
    std::sort(order.begin(), order.end(), [this](std::uint32_t a, std::uint32_t b) { return names_[a] < names_[b]; });
    codes.assign(names_.size(), 0);
    sorted.clear();
    for (const std::uint32_t number : order) {
      codes[number] = static_cast<std::uint32_t>(sorted.size());
      sorted.push_back(names_[number]);
    }
  }

 private:
  std::vector<std::string> names_{""};
  std::unordered_map<std::string, std::uint32_t> numbers_;
  std::uint32_t last_ = 0;
};

class Importer {
 public:
  Importer(const ImportOptions& options, const ByteProgress& progress)
      : options_(options),
        progress_(progress),
        layout_(sniff_layout(options)),
        rejects_(options.rejects, options.overwrite, options.decimals),
        sorter_({temporary_folder(options), std::max(options.sort_memory, least_sort_memory), sort_fan_in,
                 options.cost_column || options.quantity_column || options.segment_column,
                 options.covariate_columns.size()}),
        currency_(options.currency),
        money_{layout_.dialect.decimal_mark, options.decimals, options.currency},
        date_{layout_.dialect.date_order, options.date_order.has_value(), options.utc} {
    if (options.tenure_column) book_.emplace(*options.observation_end, *options.unit);
    if (options.hash_ids)
      pseudonymiser_.emplace(options.hash_key_file ? read_text(*options.hash_key_file) : std::string());
    for (const std::filesystem::path& log : options.logs) {
      std::error_code error;
      const auto size = std::filesystem::file_size(log, error);
      bytes_in_all_ += error ? 0 : static_cast<std::int64_t>(size);
    }
  }

  ImportReport run() {
    read_logs();
    check_rows();
    return write();
  }

 private:
  static std::filesystem::path temporary_folder(const ImportOptions& options) {
    if (options.temporary_folder) return *options.temporary_folder;
    return options.output.has_parent_path() ? options.output.parent_path() : std::filesystem::path(".");
  }

  void read_logs() {
    try {
      for (std::size_t i = 0; i < options_.logs.size(); ++i) read_log(i);
    } catch (...) {
      rejects_.commit();  // what was rejected so far may be what the user needs to see
      throw;
    }
    rejects_.commit();
  }

  void read_log(std::size_t index) {
    file_ = options_.logs[index].filename().string();
    ByteSource source(options_.logs[index]);
    CsvReader reader(
        [&](char* into, std::size_t n) {
          const std::size_t got = source.read(into, n);
          if (progress_)
            progress_(bytes_before_ + source.consumed(), std::max(bytes_in_all_, bytes_before_ + source.consumed()));
          return got;
        },
        file_, layout_.dialect.delimiter);
    CsvRecord record;
    if (!reader.next(record))
      throw DataError(fmt::format("'{}' is empty: it has neither a header line nor rows; export it again", file_));
    columns_ = match_columns(layout_, header_names(record, file_), file_);
    n_fields_ = record.fields.size();
    while (reader.next(record)) read_row(record);
    bytes_read_ += reader.bytes_read();
    bytes_before_ += source.consumed();
  }

  // A column of the row, or why it cannot be read.
  struct Fault {
    Role role = Role::row;
    Reject reason = Reject::none;
    int column = -1;
  };

  void read_row(const CsvRecord& record) {
    ++n_log_rows_;
    LogRow row;
    bool has_amount = false;
    const Fault fault = parse(record, row, has_amount);
    // A rejected row counts once: it may be its count that cannot be read.
    const std::int64_t n = columns_.count >= 0 && fault.reason == Reject::none ? count_ : 1;
    read_.add(has_amount ? row.amount : 0, n);
    if (fault.reason != Reject::none) {
      ++rejected_.rows;
      if (has_amount) rejected_.amount += row.amount;
      rejects_.add(file_, record.line, fault.column < 0 ? std::string_view() : column_name(fault.column), fault.role,
                   fault.reason, record.raw);
      return;
    }
    n_negated_ += sign_ == Sign::made_negative ? 1 : 0;
    n_negative_purchases_ += sign_ == Sign::negative_purchase ? 1 : 0;
    first_day_ = std::min(first_day_, row.day);
    last_day_ = std::max(last_day_, row.day);
    // What a customer became after the end of observation must not be known during it.
    if (columns_.segment >= 0 && !row.holdout) row.segment = segments_.number_of(field(record, columns_.segment));
    if (columns_.count >= 0)
      add_alike(row, n, record.line);
    else
      add(row);
  }

  void add(LogRow row) {
    if (pseudonymiser_) row.key = (*pseudonymiser_)(row.key);
    key_width_ = std::max(key_width_, row.key.size());
    sorter_.add(row);
  }

  // A row for `n` contracts alike: each has an id of its own.
  void add_alike(LogRow row, std::int64_t n, std::int64_t line) {
    ++n_counted_rows_;
    n_contracts_ += n;
    if (n_contracts_ > most_contracts)
      throw DataError(fmt::format(
          "'{}' line {}: the counts up to here add up to {} contracts; a book has at most {}: import it in parts, or "
          "give every contract of a sample a row",
          file_, line, with_separators(n_contracts_), with_separators(most_contracts)));
    const std::string id(row.key);
    std::string one;
    for (std::int64_t i = 1; i <= n; ++i) {
      one = fmt::format("{}#{}", id, i);
      row.key = one;
      add(row);
    }
  }

  [[nodiscard]] std::string_view column_name(int column) const {
    // The first log's header has the names; another log may have them in another order.
    const Columns& c = columns_;
    const Dialect& d = layout_.dialect;
    if (column == c.customer) return d.customer_column;
    if (column == c.date) return d.date_column;
    if (column == c.amount) return d.amount_column;
    if (column == c.cost) return d.cost_column;
    if (column == c.quantity) return d.quantity_column;
    if (column == c.segment) return d.segment_column;
    if (column == c.tenure) return d.tenure_column;
    if (column == c.count) return d.count_column;
    for (std::size_t k = 0; k < c.covariates.size(); ++k)
      if (column == c.covariates[k]) return d.covariate_columns[k];
    return column == c.churned ? d.churned_column : d.kind_column;
  }

  static std::string_view field(const CsvRecord& record, int column) {
    return trimmed(record.fields[static_cast<std::size_t>(column)]);
  }

  // Fills the row; the first fault, in the order of the checks below, decides. The amount is read in any case, for the
  // ledger.
  Fault parse(const CsvRecord& record, LogRow& row, bool& has_amount) {
    if (record.bad_quoting) return {Role::row, Reject::quoting};
    if (record.fields.size() != n_fields_) return {Role::row, Reject::n_fields};
    CurrencySign sign = CurrencySign::none;
    const Reject amount = parse_money(field(record, columns_.amount), money_, row.amount, sign);
    has_amount = amount == Reject::none;
    currency_.see(sign, field(record, columns_.amount), file_, record.line);
    Reject kind = Reject::none;
    if (columns_.kind >= 0) kind = apply_kind(field(record, columns_.kind), has_amount, row.amount);

    row.key = field(record, columns_.customer);
    if (row.key.empty()) return {Role::customer, Reject::empty, columns_.customer};
    if (row.key.size() > max_id_bytes) return {Role::customer, Reject::too_long, columns_.customer};
    if (book_) {
      if (const Fault fault = parse_contract(record, row); fault.reason != Reject::none) return fault;
    } else if (const Reject date = parse_day(field(record, columns_.date), date_, row.day); date != Reject::none) {
      return {Role::date, date, columns_.date};
    }
    row.holdout = !book_ && options_.observation_end && row.day > options_.observation_end->days;
    if (has_amount && book_ && row.amount < 0) return {Role::amount, Reject::negative, columns_.amount};
    if (!has_amount) return {Role::amount, amount, columns_.amount};
    if (kind == Reject::zero_refund) return {Role::amount, kind, columns_.amount};
    if (kind != Reject::none) return {Role::kind, kind, columns_.kind};
    if (columns_.cost >= 0) {
      sign = CurrencySign::none;
      const Reject cost = parse_money(field(record, columns_.cost), money_, row.cost, sign);
      currency_.see(sign, field(record, columns_.cost), file_, record.line);
      if (cost != Reject::none) return {Role::cost, cost, columns_.cost};
    }
    if (columns_.quantity >= 0) {
      sign = CurrencySign::none;
      Reject quantity = parse_money(field(record, columns_.quantity), {money_.decimal_mark, quantity_decimals, {}},
                                    row.quantity, sign);
      if (quantity == Reject::none && sign != CurrencySign::none) quantity = Reject::not_a_number;
      if (quantity != Reject::none) return {Role::quantity, quantity, columns_.quantity};
    }
    if (columns_.segment >= 0 && field(record, columns_.segment).size() > max_id_bytes)
      return {Role::segment, Reject::too_long, columns_.segment};
    return parse_covariates(record, row);
  }

  // What a customer became after the end of observation is not looked at.
  Fault parse_covariates(const CsvRecord& record, LogRow& row) {
    covariates_.assign(columns_.covariates.size(), 0);
    row.covariates = {reinterpret_cast<const char*>(covariates_.data()), covariates_.size() * sizeof(double)};
    for (std::size_t k = 0; k < covariates_.size() && !row.holdout; ++k) {
      const int column = columns_.covariates[k];
      const Reject bad = parse_covariate(field(record, column), money_.decimal_mark, covariates_[k]);
      if (bad != Reject::none) return {Role::covariate, bad, column};
    }
    return {};
  }

  // Tenure, churn and the number of contracts alike.
  Fault parse_contract(const CsvRecord& record, LogRow& row) {
    std::int32_t tenure = 0;
    if (const Reject bad = parse_tenure(field(record, columns_.tenure), tenure); bad != Reject::none)
      return {Role::tenure, bad, columns_.tenure};
    if (const Reject bad = parse_churned(field(record, columns_.churned), row.churned); bad != Reject::none)
      return {Role::churned, bad, columns_.churned};
    if (row.churned && tenure == 0) return {Role::tenure, Reject::churned_at_0, columns_.tenure};
    // Before the calendar is asked: nearly so long ago that it need not be.
    const std::int64_t most = sixteenths_a_day * (book_->observation_end().days - first_valid_date.days + 31);
    if (tenure * mean_length(book_->unit()) > most || book_->end(-tenure) < first_valid_date)
      return {Role::tenure, Reject::too_long_ago, columns_.tenure};
    row.day = book_->end(-tenure).days;
    if (columns_.count < 0) return {};
    if (const Reject bad = parse_count(field(record, columns_.count), count_); bad != Reject::none)
      return {Role::count, bad, columns_.count};
    if (row.key.size() + fmt::formatted_size("#{}", count_) > max_id_bytes)
      return {Role::customer, Reject::too_long, columns_.customer};
    return {};
  }

  // What the kind of the row says against the sign of its amount.
  enum class Sign : std::uint8_t { as_the_kind, made_negative, negative_purchase };

  Reject apply_kind(std::string_view text, bool has_amount, MinorUnits& amount) {
    constexpr std::size_t longest = 8;
    sign_ = Sign::as_the_kind;
    if (text.empty()) return Reject::empty;
    std::string word(text.substr(0, longest + 1));
    for (char& c : word)
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (word == "purchase" || word == "sale" || word == "order") {
      if (has_amount && amount < 0) sign_ = Sign::negative_purchase;
      return Reject::none;
    }
    if (word != "refund" && word != "return" && word != "credit") return Reject::unknown_kind;
    if (has_amount && amount == 0) return Reject::zero_refund;
    if (has_amount && amount > 0) {
      amount = -amount;
      sign_ = Sign::made_negative;
    }
    return Reject::none;
  }

  void check_rows() const {
    const std::string log =
        options_.logs.size() == 1 ? "'" + file_ + "'" : fmt::format("the {} logs", options_.logs.size());
    if (n_log_rows_ == 0)
      throw DataError(fmt::format("{}: no row follows the header line; export the transactions again", log));
    const double share = static_cast<double>(rejected_.rows) / static_cast<double>(n_log_rows_);
    const bool all = rejected_.rows == n_log_rows_;
    if (share > options_.max_reject_share || all) {
      std::string reasons;
      for (const auto& [reason, n] : rejects_.by_reason())
        reasons += fmt::format("{}{}: {}", reasons.empty() ? "" : ", ", reason, n);
      const std::string where = options_.rejects
                                    ? fmt::format("every rejected row is in '{}'", options_.rejects->string())
                                    : std::string("give --rejects FILE to get every rejected row with its line");
      throw DataError(
          fmt::format("{}: {} of {} rows are rejected ({}); {}{}", log, with_separators(rejected_.rows),
                      with_separators(n_log_rows_), reasons, where,
                      all ? ""
                          : fmt::format("; mend the log, or allow more than a share of {} with --max-reject-share",
                                        options_.max_reject_share)));
    }
    if (options_.observation_end && first_day_ > options_.observation_end->days)
      throw DataError(
          fmt::format("{}: observation ends on {}, before the first row ({}); give a later --observation-end", log,
                      to_string(*options_.observation_end), to_string(Date{first_day_})));
  }

  ImportReport write() {
    StoreBuild build;
    build.output = options_.output;
    build.overwrite = options_.overwrite;
    build.temporary_folder = temporary_folder(options_);
    StoreInfo& info = build.info;
    info.currency = {options_.currency, options_.decimals};
    info.unit = options_.unit.value_or(PeriodUnit::week);
    info.observation_end = options_.observation_end ? *options_.observation_end : Date{last_day_};
    info.first_day = {first_day_};
    info.last_day = book_ ? info.observation_end : Date{last_day_};
    info.contract_book = book_.has_value();
    info.has_cost = layout_.columns.cost >= 0;
    info.has_quantity = layout_.columns.quantity >= 0;
    info.same_day_merged = !options_.keep_same_day && !book_;
    info.ids_hashed = options_.hash_ids;
    info.covariates = layout_.dialect.covariate_columns;
    info.key_width = key_width_;
    build.ledger.read = read_.line("the amounts");
    build.ledger.rejected = rejected_.line("the rejected amounts");
    build.ledger.rejected_by_reason = rejects_.by_reason();
    segments_.sort(build.segments, build.segment_codes);
    ImportReport report;
    report.dialect = layout_.dialect;
    BuiltStore built = write_store(sorter_, build);
    report.store = std::move(built.info);
    report.observation_end_defaulted = !options_.observation_end;
    report.bytes_read = bytes_read_;
    report.n_counted_rows = n_counted_rows_;
    report.notes = notes(report.store);
    if (built.n_covariates_differ > 0)
      report.notes.push_back(fmt::format(
          "{} customers have several values of a covariate; the one of the latest row of observation counts",
          with_separators(built.n_covariates_differ)));
    if (!rejects_.remove_stale())
      report.notes.push_back(fmt::format("no row was rejected; '{}' is of an earlier import and cannot be removed",
                                         options_.rejects->string()));
    return report;
  }

  [[nodiscard]] std::vector<std::string> notes(const StoreInfo& info) const {
    std::vector<std::string> notes;
    const std::string end = to_string(info.observation_end);
    if (!options_.observation_end)
      notes.push_back(
          fmt::format("observation ends on {}, the last date of the log; --observation-end sets another day", end));
    else if (info.last_day < info.observation_end && !info.contract_book)
      notes.push_back(
          fmt::format("observation ends on {}, {} days after the last row: those days count as days without purchases",
                      end, info.observation_end.days - info.last_day.days));
    if (info.contract_book) {
      notes.push_back(
          fmt::format("a contract book: tenures count {}s up to {}; an active contract's are renewals made, "
                      "a churned contract's end with the opportunity at which it churned",
                      name_of(info.unit), end));
    }
    if (n_counted_rows_ > 0)
      notes.push_back(
          fmt::format("{} rows stand for {} contracts, each a customer with an id of its own (ID#1, ID#2, ...)",
                      with_separators(n_counted_rows_), with_separators(n_contracts_)));
    if (info.ledger.zero_amount_rows > 0 && !info.contract_book)
      notes.push_back(fmt::format("{} rows have the amount 0; they count as purchases",
                                  with_separators(info.ledger.zero_amount_rows)));
    if (n_negated_ > 0)
      notes.push_back(fmt::format("{} refunds had a positive amount in the log; it was made negative",
                                  with_separators(n_negated_)));
    if (n_negative_purchases_ > 0)
      notes.push_back(
          fmt::format("{} rows are purchases by their kind but have a negative amount; they are kept as refunds",
                      with_separators(n_negative_purchases_)));
    if (info.ledger.refunds.rows > 0)
      notes.push_back(fmt::format("{} refunds are kept as negative cash flows; they are not netted into purchases",
                                  with_separators(info.ledger.refunds.rows)));
    const std::int64_t merged = info.ledger.merged_calibration.rows + info.ledger.merged_holdout.rows;
    if (merged > 0)
      notes.push_back(fmt::format(
          "{} rows were merged into another purchase of the same customer and day; --keep-same-day keeps them apart",
          with_separators(merged)));
    if (options_.hash_ids && !options_.hash_key_file)
      notes.push_back(
          "customer ids are hashed without a key: whoever can guess an id can check it; give a secret key with "
          "--hash-key FILE");
    return notes;
  }

  const ImportOptions& options_;
  const ByteProgress& progress_;
  Layout layout_;
  Rejects rejects_;
  RowSorter sorter_;
  CurrencyCheck currency_;
  MoneyFormat money_;
  DateFormat date_;
  std::optional<PeriodGrid> book_;  // of a contract book: where tenures begin
  std::optional<Pseudonymiser> pseudonymiser_;
  SegmentNames segments_;

  std::string file_;  // the log being read, and its columns
  Columns columns_;
  std::size_t n_fields_ = 0;
  Sign sign_ = Sign::as_the_kind;   // of the row being read
  std::vector<double> covariates_;  // likewise
  std::int64_t count_ = 1;          // likewise, where it has one

  Total read_, rejected_;
  std::int32_t first_day_ = std::numeric_limits<std::int32_t>::max(),
               last_day_ = std::numeric_limits<std::int32_t>::min();
  std::size_t key_width_ = 1;
  std::int64_t n_log_rows_ = 0, n_counted_rows_ = 0, n_contracts_ = 0;
  std::int64_t n_negated_ = 0, n_negative_purchases_ = 0, bytes_read_ = 0, bytes_before_ = 0, bytes_in_all_ = 0;
};

}  // namespace

Dialect sniff(const ImportOptions& options) {
  check_options(options, false);
  return sniff_layout(options).dialect;
}

ImportReport import_logs(const ImportOptions& options, const ByteProgress& progress) {
  check_options(options, true);
  return Importer(options, progress).run();
}

}  // namespace clvsim
