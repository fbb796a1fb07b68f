#include "host/ingest/sniffer.hpp"

#include "host/ingest/byte_source.hpp"
#include "host/ingest/csv_reader.hpp"
#include "host/ingest/fields.hpp"

#include <clvsim/error.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstring>

namespace clvsim {
namespace {

constexpr std::int64_t sample_rows = 20480;
constexpr std::int64_t most_sample_bytes = std::int64_t{64} << 20;
constexpr std::size_t head_bytes = std::size_t{256} << 10;
constexpr int head_records = 100;
constexpr char delimiters[] = {',', ';', '\t', '|'};

std::string_view name_of_order(DateOrder order) {
  switch (order) {
    case DateOrder::ymd:
      return "ymd";
    case DateOrder::dmy:
      return "dmy";
    case DateOrder::mdy:
      return "mdy";
  }
  return "";
}

std::string read_head(const std::filesystem::path& log) {
  ByteSource source(log);
  std::string head(head_bytes, '\0');
  std::size_t size = 0;
  while (const std::size_t n = source.read(head.data() + size, head.size() - size)) size += n;
  head.resize(size);
  return head;
}

CsvReader reader_of(const std::string& text, const std::string& file, char delimiter) {
  auto at = std::make_shared<std::size_t>(0);
  const auto read = [&text, at](char* into, std::size_t n) {
    n = std::min(n, text.size() - *at);
    std::memcpy(into, text.data() + *at, n);
    *at += n;
    return n;
  };
  return CsvReader(read, file, delimiter);
}

struct Candidate {
  char delimiter = 0;
  std::size_t n_fields = 0;
  int n_records = 0, n_alike = 0;
  // Half: a short log may have several faulty rows, which are then rejected one by one.
  [[nodiscard]] bool consistent() const { return 2 * n_alike >= n_records; }
};

Candidate try_delimiter(const std::string& head, const std::string& file, char delimiter) {
  CsvReader reader = reader_of(head, file, delimiter);
  CsvRecord record;
  Candidate candidate{delimiter};
  if (!reader.next(record))
    throw DataError(fmt::format("'{}' is empty: it has neither a header line nor rows; export it again", file));
  candidate.n_fields = record.fields.size();
  try {
    while (candidate.n_records < head_records && reader.next(record)) {
      ++candidate.n_records;
      candidate.n_alike += record.fields.size() == candidate.n_fields ? 1 : 0;
    }
  } catch (const DataError&) {
    // The head may end inside quotes; a quote that is really never closed is found when the log is read.
  }
  return candidate;
}

char sniff_delimiter(const std::string& head, const std::string& file) {
  constexpr std::size_t least_fields = 3;  // customer, date, amount
  Candidate best, second;
  for (const char delimiter : delimiters) {
    const Candidate candidate = try_delimiter(head, file, delimiter);
    if (candidate.n_fields < least_fields || !candidate.consistent()) continue;
    if (candidate.n_fields > best.n_fields) {
      second = best;
      best = candidate;
    } else if (candidate.n_fields > second.n_fields) {
      second = candidate;
    }
  }
  if (best.delimiter == 0)
    throw DataError(fmt::format(
        "'{}': none of comma, semicolon, tab and | splits its lines into the same number of columns, at least "
        "three (customer id, date, amount, named in the first line); give --delimiter",
        file));
  if (best.n_fields == second.n_fields)
    throw DataError(fmt::format("'{}': {} and {} both split its lines into {} columns; give --delimiter", file,
                                name_of_delimiter(best.delimiter), name_of_delimiter(second.delimiter), best.n_fields));
  return best.delimiter;
}

// The first row that says something, as text for a message.
struct Witness {
  std::int64_t line = 0;
  std::string text;
  void see(const CsvRecord& record, std::string_view field) {
    constexpr std::size_t most = 40;
    if (line == 0) {
      line = record.line;
      text = std::string(trimmed(field).substr(0, most));
    }
  }
  [[nodiscard]] bool seen() const { return line != 0; }
};

struct Sample {
  Witness point, comma, either_mark;
  Witness day_first, month_first, either_order;
  bool crlf = false, byte_order_mark = false;

  [[nodiscard]] bool open() const {
    return (either_mark.seen() && !point.seen() && !comma.seen()) ||
           (either_order.seen() && !day_first.seen() && !month_first.seen());
  }
};

Sample read_sample(const ImportOptions& options, const Layout& layout, const std::string& file) {
  ByteSource source(options.logs.front());
  CsvReader reader([&](char* into, std::size_t n) { return source.read(into, n); }, file, layout.dialect.delimiter);
  Sample sample;
  CsvRecord record;
  reader.next(record);
  const auto amount = static_cast<std::size_t>(layout.columns.amount);
  for (std::int64_t row = 0; reader.next(record); ++row) {
    if (row >= sample_rows && (!sample.open() || reader.bytes_read() >= most_sample_bytes)) break;
    if (record.fields.size() != layout.header.size() || record.bad_quoting) continue;
    switch (mark_evidence(record.fields[amount], options.currency)) {
      case MarkEvidence::none:
        break;
      case MarkEvidence::point:
        sample.point.see(record, record.fields[amount]);
        break;
      case MarkEvidence::comma:
        sample.comma.see(record, record.fields[amount]);
        break;
      case MarkEvidence::either:
        sample.either_mark.see(record, record.fields[amount]);
        break;
    }
    if (layout.columns.date < 0) continue;
    const std::string_view date = record.fields[static_cast<std::size_t>(layout.columns.date)];
    switch (order_evidence(date)) {
      case OrderEvidence::none:
      case OrderEvidence::year_first:
        break;
      case OrderEvidence::day_first:
        sample.day_first.see(record, date);
        break;
      case OrderEvidence::month_first:
        sample.month_first.see(record, date);
        break;
      case OrderEvidence::either:
        sample.either_order.see(record, date);
        break;
    }
  }
  sample.crlf = reader.crlf();
  sample.byte_order_mark = reader.byte_order_mark();
  return sample;
}

char decide_mark(const Sample& sample, const std::string& file) {
  if (sample.point.seen() && sample.comma.seen())
    throw DataError(
        fmt::format("'{}': the amount '{}' on line {} has a decimal point, '{}' on line {} a decimal comma; give "
                    "--decimal-mark . or --decimal-mark , (rows that contradict it are then rejected)",
                    file, sample.point.text, sample.point.line, sample.comma.text, sample.comma.line));
  if (sample.comma.seen()) return ',';
  if (sample.point.seen() || !sample.either_mark.seen()) return '.';
  throw DataError(fmt::format(
      "'{}': amounts such as '{}' on line {} can have a decimal mark or a thousands mark, and no other amount "
      "settles which; give --decimal-mark . or --decimal-mark ,",
      file, sample.either_mark.text, sample.either_mark.line));
}

DateOrder decide_order(const Sample& sample, const std::string& file) {
  if (sample.day_first.seen() && sample.month_first.seen())
    throw DataError(fmt::format(
        "'{}': the date '{}' on line {} has the day first, '{}' on line {} the month; give --date-order dmy or "
        "--date-order mdy (rows that contradict it are then rejected)",
        file, sample.day_first.text, sample.day_first.line, sample.month_first.text, sample.month_first.line));
  if (sample.day_first.seen()) return DateOrder::dmy;
  if (sample.month_first.seen()) return DateOrder::mdy;
  if (!sample.either_order.seen()) return DateOrder::ymd;
  throw DataError(fmt::format(
      "'{}': dates such as '{}' on line {} can be day/month or month/day, and no other date settles which; give "
      "--date-order dmy or --date-order mdy",
      file, sample.either_order.text, sample.either_order.line));
}

// The first thousands mark among the amounts of the head.
char find_thousands_mark(const std::string& head, const Layout& layout, const std::string& file) {
  CsvReader reader = reader_of(head, file, layout.dialect.delimiter);
  CsvRecord record;
  try {
    reader.next(record);
    while (reader.next(record)) {
      if (record.fields.size() != layout.header.size()) continue;
      const char mark =
          thousands_mark(record.fields[static_cast<std::size_t>(layout.columns.amount)], layout.dialect.decimal_mark);
      if (mark != 0) return mark;
    }
  } catch (const DataError&) {
    // As in try_delimiter.
  }
  return 0;
}

std::vector<std::string> flags_of(const Dialect& dialect) {
  std::vector<std::string> flags;
  const auto add = [&](const char* flag, const std::string& value) {
    if (!value.empty()) flags.insert(flags.end(), {flag, value});
  };
  add("--customer", dialect.customer_column);
  add("--date", dialect.date_column);
  add("--amount", dialect.amount_column);
  add("--cost", dialect.cost_column);
  add("--quantity", dialect.quantity_column);
  add("--segment", dialect.segment_column);
  add("--kind", dialect.kind_column);
  add("--tenure", dialect.tenure_column);
  add("--churned", dialect.churned_column);
  add("--count", dialect.count_column);
  add("--covariates", fmt::format("{}", fmt::join(dialect.covariate_columns, ",")));
  add("--delimiter", name_of_delimiter(dialect.delimiter));
  add("--decimal-mark", std::string(1, dialect.decimal_mark));
  if (!dialect.date_column.empty()) add("--date-order", std::string(name_of_order(dialect.date_order)));
  return flags;
}

}  // namespace

Layout sniff_layout(const ImportOptions& options) {
  const std::string file = options.logs.front().filename().string();
  const std::string head = read_head(options.logs.front());
  Layout layout;
  Dialect& dialect = layout.dialect;
  CsvRecord record;
  // Whatever is wrong with the file as a whole shows here.
  try_delimiter(head, file, ',');
  dialect.delimiter = options.delimiter ? *options.delimiter : sniff_delimiter(head, file);
  CsvReader reader = reader_of(head, file, dialect.delimiter);
  reader.next(record);
  layout.header = header_names(record, file);
  layout.columns = choose_columns(options, layout.header, file);
  const Sample sample = read_sample(options, layout, file);
  dialect.decimal_mark = options.decimal_mark ? *options.decimal_mark : decide_mark(sample, file);
  dialect.date_order = options.date_order ? *options.date_order : decide_order(sample, file);
  dialect.thousands_mark = find_thousands_mark(head, layout, file);
  dialect.crlf = sample.crlf;
  dialect.byte_order_mark = sample.byte_order_mark;
  const auto name = [&](int column) {
    return column < 0 ? std::string() : layout.header[static_cast<std::size_t>(column)];
  };
  dialect.customer_column = name(layout.columns.customer);
  dialect.date_column = name(layout.columns.date);
  dialect.amount_column = name(layout.columns.amount);
  dialect.cost_column = name(layout.columns.cost);
  dialect.quantity_column = name(layout.columns.quantity);
  dialect.segment_column = name(layout.columns.segment);
  dialect.kind_column = name(layout.columns.kind);
  dialect.tenure_column = name(layout.columns.tenure);
  dialect.churned_column = name(layout.columns.churned);
  dialect.count_column = name(layout.columns.count);
  for (const int column : layout.columns.covariates) dialect.covariate_columns.push_back(name(column));
  dialect.flags = flags_of(dialect);
  return layout;
}

}  // namespace clvsim
