// The CSV texts of a synthetic log, plain or gzip.
#pragma once

#include "host/base/output_file.hpp"

#include <clvsim/customers.hpp>

#include <zlib.h>

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace clvsim {

// Text to a file that appears whole or not at all; gzip where the name ends in .gz, without a time in its header.
class TextOutput {
 public:
  TextOutput(const std::filesystem::path& path, bool overwrite);
  ~TextOutput();
  TextOutput(const TextOutput&) = delete;
  TextOutput& operator=(const TextOutput&) = delete;

  void write(std::string_view text);
  void commit();

 private:
  void deflate_all(std::string_view text, int flush);

  OutputFile file_;
  bool gzip_;
  z_stream stream_{};
  std::vector<unsigned char> compressed_;
};

// Appends minor units as a decimal number with exactly `decimals` decimals and no thousands marks.
void append_money(std::string& text, MinorUnits amount, int decimals);

// "YYYY-MM-DD" of every day from `first` to `last`, by table.
class DateTexts {
 public:
  DateTexts(Date first, Date last);
  [[nodiscard]] std::string_view of(std::int32_t day) const {
    return std::string_view(text_).substr(static_cast<std::size_t>(day - first_) * length, length);
  }

 private:
  static constexpr std::size_t length = 10;
  std::int32_t first_;
  std::string text_;
};

}  // namespace clvsim
