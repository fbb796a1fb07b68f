// Splits delimited text into records and fields.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace clvsim {

// A record with a longer text, or with more fields, is refused.
inline constexpr std::size_t max_record_bytes = std::size_t{1} << 20;
inline constexpr std::size_t max_fields = 4096;

struct CsvRecord {
  std::vector<std::string_view> fields;  // unquoted; valid until the next record is read
  std::string_view raw;                  // as it stands in the file, without its line ending
  std::int64_t line = 0;                 // number of its first line, from 1
  bool bad_quoting = false;              // text follows a closing quote
};

// RFC 4180 with any delimiter: fields may stand in double quotes, and then hold delimiters, line breaks and, doubled,
// quotes. A quote inside an unquoted field is an ordinary byte. A record ends with LF, CR LF, CR, or the end of the
// text. Empty lines are no records. A UTF-8 byte order mark at the start is skipped. Throws DataError, with `name` and
// the line, for text that is UTF-16, no text at all, or holds NUL bytes, for a quote that is never closed, and for
// records above the two limits.
class CsvReader {
 public:
  // Puts up to n bytes at `into`; 0 at the end.
  using Read = std::function<std::size_t(char* into, std::size_t n)>;
  CsvReader(Read read, std::string name, char delimiter, std::size_t block_bytes = std::size_t{1} << 20);

  // False at the end.
  bool next(CsvRecord& record);

  [[nodiscard]] bool byte_order_mark() const { return byte_order_mark_; }
  // Whether the first record ended with CR LF.
  [[nodiscard]] bool crlf() const { return crlf_; }
  // Bytes of text read so far.
  [[nodiscard]] std::int64_t bytes_read() const { return bytes_read_; }

 private:
  enum class Scan { record, blank, partial };
  bool fill();
  void check_start();
  Scan scan(CsvRecord& record);
  const char* end_of_field(const char* at);
  bool scan_quoted(const char*& at, std::string_view& field, std::int64_t& line_breaks);

  Read read_;
  std::string name_;
  std::size_t block_bytes_;
  char delimiter_;
  std::size_t buffer_bytes_;
  std::unique_ptr<char[]> buffer_;
  std::size_t block_at_;             // the aligned block of the buffer that `block_ends_` is of
  std::uint64_t block_ends_ = 0;     // bit i: byte i of the block ends a field
  std::size_t begin_ = 0, end_ = 0;  // unread part of the buffer; buffer_[end_] is a line feed as a sentinel
  bool started_ = false, at_end_ = false, byte_order_mark_ = false, crlf_ = false, first_record_ = true;
  std::int64_t line_ = 1, bytes_read_ = 0;
  std::string unescaped_;  // fields that held doubled quotes
};

}  // namespace clvsim
