#include "host/generate/log_writer.hpp"

#include <clvsim/error.hpp>

#include <fmt/format.h>

#include <array>

namespace clvsim {
namespace {

constexpr std::size_t block_size = std::size_t{1} << 18;
constexpr int gzip_window = 15 + 16;  // zlib: the largest window, with a gzip header
constexpr int gzip_memory = 8;        // zlib's default
constexpr int gzip_level = 1;         // synthetic digits hardly compress further

}  // namespace

TextOutput::TextOutput(const std::filesystem::path& path, bool overwrite)
    : file_(path, overwrite), gzip_(path.extension() == ".gz") {
  if (!gzip_) return;
  compressed_.resize(block_size);
  if (deflateInit2(&stream_, gzip_level, Z_DEFLATED, gzip_window, gzip_memory, Z_DEFAULT_STRATEGY) != Z_OK)
    throw IoError(fmt::format("cannot write '{}': zlib has no memory for a gzip stream", path.string()));
}

TextOutput::~TextOutput() {
  if (gzip_) deflateEnd(&stream_);
}

void TextOutput::write(std::string_view text) {
  if (gzip_) {
    deflate_all(text, Z_NO_FLUSH);
  } else {
    file_.write(text);
  }
}

void TextOutput::commit() {
  if (gzip_) deflate_all({}, Z_FINISH);
  file_.commit();
}

void TextOutput::deflate_all(std::string_view text, int flush) {
  // zlib reads through this pointer and never writes.
  stream_.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(text.data()));
  stream_.avail_in = static_cast<uInt>(text.size());
  do {
    stream_.next_out = compressed_.data();
    stream_.avail_out = static_cast<uInt>(compressed_.size());
    deflate(&stream_, flush);
    file_.write({reinterpret_cast<const char*>(compressed_.data()), compressed_.size() - stream_.avail_out});
  } while (stream_.avail_out == 0);
}

void append_money(std::string& text, MinorUnits amount, int decimals) {
  constexpr std::size_t longest = 32;  // 19 digits, the mark and the sign
  std::array<char, longest> buffer{};
  std::size_t at = longest;
  std::uint64_t rest = amount < 0 ? -static_cast<std::uint64_t>(amount) : static_cast<std::uint64_t>(amount);
  for (int i = 0; i < decimals; ++i, rest /= 10) buffer[--at] = static_cast<char>('0' + rest % 10);
  if (decimals > 0) buffer[--at] = '.';
  do {
    buffer[--at] = static_cast<char>('0' + rest % 10);
    rest /= 10;
  } while (rest > 0);
  if (amount < 0) buffer[--at] = '-';
  text.append(buffer.data() + at, longest - at);
}

DateTexts::DateTexts(Date first, Date last) : first_(first.days) {
  for (std::int32_t day = first.days; day <= last.days; ++day) text_ += to_string(Date{day});
}

}  // namespace clvsim
