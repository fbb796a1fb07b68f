// A strict reader of TOML files: typed getters that remember what was asked for, so that finish() can name every key
// that nobody knows.
#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace clvsim {

namespace detail {
struct TomlNode;
struct TomlDocument;
}  // namespace detail

// A table of a TomlFile: a light handle that keeps the whole document alive. Every getter throws ConfigError
// "FILE:LINE:COLUMN: 'KEY' in TABLE is VALUE: why, what to give" where the value has the wrong type or lies outside its
// range; the ones that are not optional_... also where the key is absent. Ranges include both ends. Numbers accept
// integers; NaN and infinities are never numbers.
class TomlTable {
 public:
  [[nodiscard]] bool has(std::string_view key) const;

  [[nodiscard]] std::string string(std::string_view key) const;
  [[nodiscard]] std::optional<std::string> optional_string(std::string_view key) const;

  [[nodiscard]] std::int64_t integer(std::string_view key, std::int64_t lowest = lowest_integer,
                                     std::int64_t highest = highest_integer) const;
  [[nodiscard]] std::optional<std::int64_t> optional_integer(std::string_view key, std::int64_t lowest = lowest_integer,
                                                             std::int64_t highest = highest_integer) const;

  [[nodiscard]] double number(std::string_view key, double lowest = lowest_number,
                              double highest = highest_number) const;
  [[nodiscard]] std::optional<double> optional_number(std::string_view key, double lowest = lowest_number,
                                                      double highest = highest_number) const;

  [[nodiscard]] bool boolean(std::string_view key) const;
  [[nodiscard]] std::optional<bool> optional_boolean(std::string_view key) const;

  // Arrays; the ranges hold for every element.
  [[nodiscard]] std::vector<std::string> strings(std::string_view key) const;
  [[nodiscard]] std::optional<std::vector<std::string>> optional_strings(std::string_view key) const;
  [[nodiscard]] std::vector<std::int64_t> integers(std::string_view key, std::int64_t lowest = lowest_integer,
                                                   std::int64_t highest = highest_integer) const;
  [[nodiscard]] std::optional<std::vector<std::int64_t>> optional_integers(
      std::string_view key, std::int64_t lowest = lowest_integer, std::int64_t highest = highest_integer) const;
  [[nodiscard]] std::vector<double> numbers(std::string_view key, double lowest = lowest_number,
                                            double highest = highest_number) const;
  [[nodiscard]] std::optional<std::vector<double>> optional_numbers(std::string_view key, double lowest = lowest_number,
                                                                    double highest = highest_number) const;

  // Sub-tables, and arrays of tables ([[key]] or key = [{...}, ...]); an absent array of tables is empty.
  [[nodiscard]] TomlTable table(std::string_view key) const;
  [[nodiscard]] std::optional<TomlTable> optional_table(std::string_view key) const;
  [[nodiscard]] std::vector<TomlTable> tables(std::string_view key) const;

  // The keys that the table has, in the order of the file (asking does not count as reading them).
  [[nodiscard]] std::vector<std::string> keys() const;
  // "FILE:LINE:COLUMN" of a key, or of the table where it has no such key.
  [[nodiscard]] std::string where(std::string_view key = {}) const;
  // Throws ConfigError "FILE:LINE:COLUMN: 'KEY' in TABLE MESSAGE": for rules that a getter cannot check.
  [[noreturn]] void fail(std::string_view key, std::string_view message) const;

  static constexpr std::int64_t lowest_integer = std::numeric_limits<std::int64_t>::min();
  static constexpr std::int64_t highest_integer = std::numeric_limits<std::int64_t>::max();
  static constexpr double lowest_number = std::numeric_limits<double>::lowest();
  static constexpr double highest_number = std::numeric_limits<double>::max();

 private:
  friend class TomlFile;
  TomlTable(std::shared_ptr<const detail::TomlDocument> document, const detail::TomlNode* node)
      : document_(std::move(document)), node_(node) {}
  const detail::TomlNode* find(std::string_view key) const;
  const detail::TomlNode* require(std::string_view key, std::string_view what) const;

  std::shared_ptr<const detail::TomlDocument> document_;
  const detail::TomlNode* node_;
};

// A parsed TOML document. Syntax errors, duplicate keys, invalid UTF-8, more than 4 MiB and more than 32 nested values
// are ConfigErrors; a file that cannot be read is an IoError.
class TomlFile {
 public:
  static constexpr std::size_t most_bytes = std::size_t{4} << 20;
  explicit TomlFile(const std::filesystem::path& path);
  // `name` stands for the file in messages.
  [[nodiscard]] static TomlFile parse(std::string_view text, const std::string& name);

  [[nodiscard]] TomlTable root() const;
  // Throws ConfigError for the first key of the file that no getter asked for, in any table, with the nearest key that
  // one did ask for.
  void finish() const;

 private:
  TomlFile() = default;
  std::shared_ptr<const detail::TomlDocument> document_;
};

// Text as a basic string of TOML, with its quotes.
[[nodiscard]] std::string toml_string(std::string_view text);

}  // namespace clvsim
