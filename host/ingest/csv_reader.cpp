#include "host/ingest/csv_reader.hpp"

#include <clvsim/error.hpp>

#include <fmt/format.h>

#include <bit>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace clvsim {
namespace {

constexpr char quote = '"';

// Bytes classified at once, one bit each.
constexpr std::size_t mask_bytes = 64;
constexpr std::size_t no_block = ~std::size_t{0};

// Bit i is set where byte i is the delimiter, LF or CR.
std::uint64_t ends_among(const char* bytes, char delimiter) {
  std::uint64_t mask = 0;
#if defined(__SSE2__)
  const __m128i d = _mm_set1_epi8(delimiter), lf = _mm_set1_epi8('\n'), cr = _mm_set1_epi8('\r');
  for (std::size_t i = 0; i < mask_bytes; i += sizeof(__m128i)) {
    const __m128i v = _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes + i));
    const __m128i hit = _mm_or_si128(_mm_cmpeq_epi8(v, d), _mm_or_si128(_mm_cmpeq_epi8(v, lf), _mm_cmpeq_epi8(v, cr)));
    mask |= static_cast<std::uint64_t>(static_cast<std::uint32_t>(_mm_movemask_epi8(hit))) << i;
  }
#else
  for (std::size_t i = 0; i < mask_bytes; ++i)
    mask |= static_cast<std::uint64_t>(bytes[i] == delimiter || bytes[i] == '\n' || bytes[i] == '\r') << i;
#endif
  return mask;
}

std::int64_t count_line_breaks(std::string_view text) {
  std::int64_t n = 0;
  for (std::size_t i = 0; i < text.size(); ++i)
    if (text[i] == '\n' || (text[i] == '\r' && (i + 1 == text.size() || text[i + 1] != '\n'))) ++n;
  return n;
}

}  // namespace

CsvReader::CsvReader(Read read, std::string name, char delimiter, std::size_t block_bytes)
    : read_(std::move(read)), name_(std::move(name)), block_bytes_(block_bytes), delimiter_(delimiter) {
  buffer_bytes_ = max_record_bytes + block_bytes_ + 2 * mask_bytes;
  buffer_ = std::make_unique_for_overwrite<char[]>(buffer_bytes_);  // most logs touch little of it
  block_at_ = no_block;
  // The views into `unescaped_` must survive its growth: no record has more text than this.
  unescaped_.reserve(buffer_bytes_);
}

bool CsvReader::fill() {
  if (at_end_) return false;
  if (end_ - begin_ > max_record_bytes)
    throw DataError(
        fmt::format("'{}' line {}: a row of more than {} bytes; is a quote not closed, or is this no table of "
                    "transactions? Mend the line, or export the log again",
                    name_, line_, max_record_bytes));
  std::memmove(buffer_.get(), buffer_.get() + begin_, end_ - begin_);
  end_ -= begin_;
  begin_ = 0;
  std::size_t got = 0;
  // The first bytes tell the encoding: wait for four of them.
  do {
    const std::size_t more = read_(buffer_.get() + end_ + got, block_bytes_);
    if (more == 0) at_end_ = true;
    got += more;
  } while (!started_ && !at_end_ && got < 4 && got + end_ + block_bytes_ < buffer_bytes_);
  bytes_read_ += static_cast<std::int64_t>(got);
  const std::size_t from = end_;
  end_ += got;
  if (!started_) check_start();
  started_ = true;
  if (const void* nul = std::memchr(buffer_.get() + from, 0, end_ - from)) {
    const std::int64_t position =
        bytes_read_ - static_cast<std::int64_t>(end_) + (static_cast<const char*>(nul) - buffer_.get());
    throw DataError(
        fmt::format("'{}' holds a NUL byte at byte {}: it is no text, or UTF-16; save it as UTF-8 text (\"CSV UTF-8\")",
                    name_, position + 1));
  }
  buffer_[end_] = '\n';
  block_at_ = no_block;
  return true;
}

// The first byte from `at` on that ends a field; the sentinel is one.
inline const char* CsvReader::end_of_field(const char* at) {
  for (;;) {
    const auto offset = static_cast<std::size_t>(at - buffer_.get());
    const std::size_t block = offset & ~(mask_bytes - 1);
    if (block != block_at_) {
      block_at_ = block;
      block_ends_ = ends_among(buffer_.get() + block, delimiter_);
    }
    const std::uint64_t ends = block_ends_ >> (offset - block);
    if (ends != 0) return at + std::countr_zero(ends);
    at = buffer_.get() + block + mask_bytes;
  }
}

void CsvReader::check_start() {
  const std::string_view start(buffer_.get(), end_);
  const auto begins = [&](std::string_view magic) { return start.substr(0, magic.size()) == magic; };
  if (begins("\xff\xfe") || begins("\xfe\xff"))
    throw DataError(
        fmt::format("'{}' is UTF-16 text; save it as UTF-8 (in Excel: \"CSV UTF-8\"), or convert it: iconv -f "
                    "UTF-16 -t UTF-8",
                    name_));
  if (begins("PK\x03\x04"))
    throw DataError(fmt::format(
        "'{}' is a zip archive or an Excel workbook; save the sheet as \"CSV UTF-8\", or unpack it", name_));
  if (begins("\x28\xb5\x2f\xfd") || begins("BZh") ||
      begins("\xfd"
             "7zX"))
    throw DataError(fmt::format("'{}' is compressed by something else than gzip; unpack it first", name_));
  if (begins("PAR1")) throw DataError(fmt::format("'{}' is a Parquet file; export it as CSV first", name_));
  if (begins("\xef\xbb\xbf")) {
    byte_order_mark_ = true;
    begin_ = 3;
  }
}

bool CsvReader::next(CsvRecord& record) {
  for (;;) {
    if (begin_ == end_ && at_end_) return false;
    if (begin_ == end_) {
      fill();
      continue;
    }
    switch (scan(record)) {
      case Scan::record:
        return true;
      case Scan::blank:
        break;
      case Scan::partial:
        fill();
        break;
    }
  }
}

// `at` is at the opening quote; afterwards behind the closing one. False where the buffer ends too early.
bool CsvReader::scan_quoted(const char*& at, std::string_view& field, std::int64_t& line_breaks) {
  const char* const end = buffer_.get() + end_;
  const char* const content = at + 1;
  const char* piece = content;
  const char* from = content;
  const std::size_t unescaped_before = unescaped_.size();
  for (;;) {
    const char* closing = static_cast<const char*>(std::memchr(from, quote, static_cast<std::size_t>(end - from)));
    if (closing == nullptr) {
      if (!at_end_) return false;
      throw DataError(fmt::format(
          "'{}' line {}: a quote is opened and never closed; mend the line, or export the log again", name_, line_));
    }
    if (closing + 1 == end && !at_end_) return false;
    if (closing[1] == quote) {  // the sentinel behind the end is no quote
      unescaped_.append(piece, closing + 1);
      piece = from = closing + 2;
      continue;
    }
    const std::string_view text(content, static_cast<std::size_t>(closing - content));
    if (text.find_first_of("\r\n") != std::string_view::npos) line_breaks += count_line_breaks(text);
    if (piece == content) {
      field = text;
    } else {
      unescaped_.append(piece, closing);
      field = std::string_view(unescaped_).substr(unescaped_before);
    }
    at = closing + 1;
    return true;
  }
}

CsvReader::Scan CsvReader::scan(CsvRecord& record) {
  const char* const begin = buffer_.get() + begin_;
  const char* const end = buffer_.get() + end_;
  const char* at = begin;
  std::int64_t line_breaks = 0;
  record.fields.clear();
  record.bad_quoting = false;
  unescaped_.clear();
  for (;;) {
    const char* const from = at;
    const bool is_quoted = *at == quote;
    std::string_view unquoted;
    if (is_quoted) {
      if (!scan_quoted(at, unquoted, line_breaks)) return Scan::partial;
      const char* const closed = at;
      at = end_of_field(closed);
      record.bad_quoting = record.bad_quoting || at != closed;
    } else {
      at = end_of_field(at);
    }
    if (at == end && !at_end_) return Scan::partial;
    if (record.fields.size() == max_fields)
      throw DataError(
          fmt::format("'{}' line {}: more than {} columns; is --delimiter right?", name_, line_, max_fields));
    if (is_quoted)
      record.fields.push_back(unquoted);
    else
      record.fields.emplace_back(from, static_cast<std::size_t>(at - from));
    if (at == end || *at != delimiter_) break;
    ++at;
  }
  if (at + 1 == end && *at == '\r' && !at_end_) return Scan::partial;
  const std::size_t length = static_cast<std::size_t>(at - begin);
  if (length > max_record_bytes)
    throw DataError(fmt::format("'{}' line {}: a row of more than {} bytes; mend the line, or export the log again",
                                name_, line_, max_record_bytes));
  record.raw = {begin, length};
  record.line = line_;
  line_ += line_breaks + 1;
  const bool two = at != end && *at == '\r' && at + 1 != end && at[1] == '\n';
  begin_ += length + (at == end ? 0 : two ? 2 : 1);
  if (length == 0) return Scan::blank;
  if (first_record_) crlf_ = two;
  first_record_ = false;
  return Scan::record;
}

}  // namespace clvsim
