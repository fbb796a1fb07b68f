#include "host/base/toml_file.hpp"

#include "host/base/output_file.hpp"
#include "host/base/text.hpp"

#include <clvsim/error.hpp>

#include <fmt/format.h>
#define TOML_MAX_NESTED_VALUES 32
// One assertion of toml++ 3.3 ends the program at a table header like [=], which the code behind it refuses with its
// place in the file: every build has its assertions off.
#ifndef NDEBUG
#define NDEBUG
#endif
#include <toml++/toml.h>

#include <algorithm>
#include <cmath>

namespace clvsim {
namespace detail {

// Our own small tree: it keeps toml++ out of the header, and remembers what was read.
struct TomlNode {
  enum class Kind { string, integer, number, boolean, date, array, table } kind = Kind::table;
  std::uint32_t line = 0, column = 0;  // of the key, or of the element of an array
  std::string text;                    // of a string or a date
  std::int64_t integer = 0;
  double number = 0;
  bool boolean = false;
  std::string title;                                                       // of a table: how messages call it
  std::string header;                                                      // of a table: its dotted name
  std::vector<std::unique_ptr<TomlNode>> elements;                         // of an array
  std::vector<std::pair<std::string, std::unique_ptr<TomlNode>>> members;  // of a table, in the order of the file
  mutable bool read = false;
  mutable std::vector<std::string> asked;  // of a table: the keys that getters know
};

struct TomlDocument {
  std::string name;
  std::unique_ptr<TomlNode> root;
};

}  // namespace detail

namespace {

using detail::TomlDocument;
using detail::TomlNode;
using Kind = TomlNode::Kind;

constexpr std::size_t size_limit = TomlFile::most_bytes;
// A dotted key nests as deep as it has dots, which no limit of the parser sees.
constexpr int dots_limit = 64;

std::string_view name_of(Kind kind) {
  switch (kind) {
    case Kind::string:
      return "a string";
    case Kind::integer:
      return "an integer";
    case Kind::number:
      return "a number";
    case Kind::boolean:
      return "a boolean";
    case Kind::date:
      return "a date";
    case Kind::array:
      return "an array";
    case Kind::table:
      return "a table";
  }
  return "";
}

// What a message shows of a value: never a whole file.
std::string shown(const TomlNode& node) {
  constexpr std::size_t longest = 40;
  switch (node.kind) {
    case Kind::string: {
      std::string text;
      for (const char c : node.text.substr(0, longest))
        text += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
      // Never cut a character of several bytes in two.
      if (node.text.size() > longest) {
        while (!text.empty() && (static_cast<unsigned char>(node.text[text.size()]) & 0xc0) == 0x80) text.pop_back();
        text += "...";
      }
      return fmt::format("\"{}\"", text);
    }
    case Kind::integer:
      return fmt::format("{}", node.integer);
    case Kind::number:
      return fmt::format("{}", node.number);
    case Kind::boolean:
      return node.boolean ? "true" : "false";
    case Kind::date:
      return node.text;
    case Kind::array:
    case Kind::table:
      break;
  }
  return std::string(name_of(node.kind));
}

std::string place(const TomlDocument& document, const TomlNode& node) {
  return fmt::format("{}:{}:{}", document.name, std::max(node.line, 1u), std::max(node.column, 1u));
}

template <class Value>
std::string text_of(const Value& value) {
  std::ostringstream out;
  out << value;
  return out.str();
}

std::unique_ptr<TomlNode> convert(const toml::node& from, const toml::source_position& at, const std::string& header,
                                  std::string title) {
  auto node = std::make_unique<TomlNode>();
  node->line = at.line;
  node->column = at.column;
  if (const auto* string = from.as_string()) {
    node->kind = Kind::string;
    node->text = string->get();
  } else if (const auto* integer = from.as_integer()) {
    node->kind = Kind::integer;
    node->integer = integer->get();
  } else if (const auto* number = from.as_floating_point()) {
    node->kind = Kind::number;
    node->number = number->get();
  } else if (const auto* boolean = from.as_boolean()) {
    node->kind = Kind::boolean;
    node->boolean = boolean->get();
  } else if (const auto* date = from.as_date()) {
    node->kind = Kind::date;
    node->text = text_of(date->get());
  } else if (const auto* time = from.as_time()) {
    node->kind = Kind::date;
    node->text = text_of(time->get());
  } else if (const auto* date_time = from.as_date_time()) {
    node->kind = Kind::date;
    node->text = text_of(date_time->get());
  } else if (const auto* array = from.as_array()) {
    node->kind = Kind::array;
    std::size_t n = 0;
    for (const toml::node& element : *array) {
      const toml::source_position begin = element.source().begin;
      node->elements.push_back(
          convert(element, begin.line > 0 ? begin : at, header, fmt::format("[[{}]] no. {}", header, ++n)));
    }
  } else if (const auto* table = from.as_table()) {
    node->kind = Kind::table;
    node->header = header;
    node->title = std::move(title);
    for (const auto& [key, value] : *table) {
      const std::string name(key.str());
      const std::string path = header.empty() ? name : fmt::format("{}.{}", header, name);
      const toml::source_position begin = key.source().begin;
      node->members.emplace_back(name, convert(value, begin.line > 0 ? begin : at, path, fmt::format("[{}]", path)));
    }
    // toml++ sorts by key; messages and keys() want the order of the file.
    std::stable_sort(node->members.begin(), node->members.end(), [](const auto& a, const auto& b) {
      return std::pair(a.second->line, a.second->column) < std::pair(b.second->line, b.second->column);
    });
  }
  return node;
}

void check_dots(std::string_view text, const std::string& name) {
  int dots = 0, line = 1;
  for (const char c : text) {
    if (c == '.') {
      if (++dots > dots_limit)
        throw ConfigError(
            fmt::format("{}:{}:1: more than {} dots in one key or value; a configuration nests a few levels", name,
                        line, dots_limit));
    } else if (c == '\n' || c == '=' || c == ',' || c == '[' || c == ']' || c == '{' || c == '}') {
      dots = 0;
      line += c == '\n';
    }
  }
}

std::shared_ptr<const TomlDocument> parse_document(std::string_view text, const std::string& name) {
  if (text.size() > size_limit)
    throw ConfigError(
        fmt::format("{}: {} bytes, more than the {} that a configuration may have; is this the right file?", name,
                    text.size(), size_limit));
  check_dots(text, name);
  auto document = std::make_shared<TomlDocument>();
  document->name = name;
  try {
    const toml::table table = toml::parse(text, std::string_view(name));
    document->root = convert(table, toml::source_position{1, 1}, "", "the top level");
  } catch (const toml::parse_error& error) {
    const toml::source_position at = error.source().begin;
    throw ConfigError(fmt::format("{}:{}:{}: not valid TOML: {}", name, std::max(at.line, 1u), std::max(at.column, 1u),
                                  error.description()));
  }
  return document;
}

std::string read_limited(const std::filesystem::path& path) {
  try {
    return read_text(path, size_limit);
  } catch (const FormatError& error) {
    throw ConfigError(error.what());
  }
}

void find_unread(const TomlNode& table, const TomlNode*& first, const TomlNode*& its_table, std::string& its_key) {
  const auto earlier = [](const TomlNode& a, const TomlNode& b) {
    return std::pair(a.line, a.column) < std::pair(b.line, b.column);
  };
  for (const auto& [key, value] : table.members) {
    if (!value->read) {
      if (first == nullptr || earlier(*value, *first)) {
        first = value.get();
        its_table = &table;
        its_key = key;
      }
    } else if (value->kind == Kind::table) {
      find_unread(*value, first, its_table, its_key);
    } else if (value->kind == Kind::array) {
      for (const auto& element : value->elements)
        if (element->kind == Kind::table) find_unread(*element, first, its_table, its_key);
    }
  }
}

[[noreturn]] void refuse(const TomlDocument& document, const TomlNode& at, const TomlNode& table, std::string_view key,
                         const std::string& message) {
  throw ConfigError(fmt::format("{}: '{}' in {} {}", place(document, at), key, table.title, message));
}

[[noreturn]] void refuse_kind(const TomlDocument& document, const TomlNode& at, const TomlNode& table,
                              std::string_view key, std::string_view wanted) {
  const bool scalar = at.kind != Kind::array && at.kind != Kind::table;
  refuse(document, at, table, key,
         scalar ? fmt::format("is {} ({}); give {}", shown(at), name_of(at.kind), wanted)
                : fmt::format("is {}; give {}", name_of(at.kind), wanted));
}

// How a scalar is taken from its node: one function a type, used alone and for the elements of arrays.
struct Scalar {
  const TomlDocument& document;
  const TomlNode& table;
  std::string_view key;

  std::string string(const TomlNode& node) const {
    if (node.kind != Kind::string) refuse_kind(document, node, table, key, "a string in double quotes");
    return node.text;
  }
  std::int64_t integer(const TomlNode& node, std::int64_t lowest, std::int64_t highest) const {
    if (node.kind != Kind::integer) refuse_kind(document, node, table, key, "an integer");
    if (node.integer < lowest || node.integer > highest)
      refuse(document, node, table, key,
             fmt::format("is {}; give an integer {}", node.integer,
                         range(lowest, highest, TomlTable::lowest_integer, TomlTable::highest_integer)));
    return node.integer;
  }
  double number(const TomlNode& node, double lowest, double highest) const {
    double value = 0;
    if (node.kind == Kind::integer) {
      value = static_cast<double>(node.integer);
    } else if (node.kind == Kind::number) {
      value = node.number;
    } else {
      refuse_kind(document, node, table, key, "a number");
    }
    if (!std::isfinite(value))
      refuse(document, node, table, key, fmt::format("is {}, which is not finite; give a finite number", value));
    if (value < lowest || value > highest)
      refuse(document, node, table, key,
             fmt::format("is {}; give a number {}", value,
                         range(lowest, highest, TomlTable::lowest_number, TomlTable::highest_number)));
    return value;
  }
  bool boolean(const TomlNode& node) const {
    if (node.kind != Kind::boolean) refuse_kind(document, node, table, key, "true or false");
    return node.boolean;
  }
  template <class Take>
  auto array(const TomlNode& node, std::string_view wanted, Take&& take) const {
    if (node.kind != Kind::array) refuse_kind(document, node, table, key, wanted);
    std::vector<decltype(take(node))> values;
    values.reserve(node.elements.size());
    for (const auto& element : node.elements) values.push_back(take(*element));
    return values;
  }

 private:
  template <class Value>
  static std::string range(Value lowest, Value highest, Value no_lowest, Value no_highest) {
    if (highest == no_highest) return fmt::format("of at least {}", lowest);
    if (lowest == no_lowest) return fmt::format("of at most {}", highest);
    return fmt::format("from {} to {}", lowest, highest);
  }
};

}  // namespace

const TomlNode* TomlTable::find(std::string_view key) const {
  if (std::find(node_->asked.begin(), node_->asked.end(), key) == node_->asked.end()) node_->asked.emplace_back(key);
  for (const auto& [name, value] : node_->members) {
    if (name == key) {
      value->read = true;
      return value.get();
    }
  }
  return nullptr;
}

const TomlNode* TomlTable::require(std::string_view key, std::string_view what) const {
  const TomlNode* node = find(key);
  if (node == nullptr) {
    // A misspelt key is the likeliest reason for a missing one.
    for (const auto& [name, value] : node_->members) {
      if (!value->read && nearest(name, {std::string(key)}))
        throw ConfigError(fmt::format("{}: unknown key '{}' in {} - did you mean '{}'?", place(*document_, *value),
                                      name, node_->title, key));
    }
    throw ConfigError(
        fmt::format("{}: '{}' is missing in {}; give {}", place(*document_, *node_), key, node_->title, what));
  }
  return node;
}

bool TomlTable::has(std::string_view key) const {
  return std::any_of(node_->members.begin(), node_->members.end(),
                     [&](const auto& member) { return member.first == key; });
}

std::string TomlTable::string(std::string_view key) const {
  return Scalar{*document_, *node_, key}.string(*require(key, "a string"));
}
std::optional<std::string> TomlTable::optional_string(std::string_view key) const {
  return find(key) ? std::optional(string(key)) : std::nullopt;
}

std::int64_t TomlTable::integer(std::string_view key, std::int64_t lowest, std::int64_t highest) const {
  return Scalar{*document_, *node_, key}.integer(*require(key, "an integer"), lowest, highest);
}
std::optional<std::int64_t> TomlTable::optional_integer(std::string_view key, std::int64_t lowest,
                                                        std::int64_t highest) const {
  return find(key) ? std::optional(integer(key, lowest, highest)) : std::nullopt;
}

double TomlTable::number(std::string_view key, double lowest, double highest) const {
  return Scalar{*document_, *node_, key}.number(*require(key, "a number"), lowest, highest);
}
std::optional<double> TomlTable::optional_number(std::string_view key, double lowest, double highest) const {
  return find(key) ? std::optional(number(key, lowest, highest)) : std::nullopt;
}

bool TomlTable::boolean(std::string_view key) const {
  return Scalar{*document_, *node_, key}.boolean(*require(key, "true or false"));
}
std::optional<bool> TomlTable::optional_boolean(std::string_view key) const {
  return find(key) ? std::optional(boolean(key)) : std::nullopt;
}

std::vector<std::string> TomlTable::strings(std::string_view key) const {
  const Scalar scalar{*document_, *node_, key};
  const std::string_view wanted = "an array of strings";
  return scalar.array(*require(key, wanted), wanted, [&](const TomlNode& node) { return scalar.string(node); });
}
std::optional<std::vector<std::string>> TomlTable::optional_strings(std::string_view key) const {
  return find(key) ? std::optional(strings(key)) : std::nullopt;
}

std::vector<std::int64_t> TomlTable::integers(std::string_view key, std::int64_t lowest, std::int64_t highest) const {
  const Scalar scalar{*document_, *node_, key};
  const std::string_view wanted = "an array of integers";
  return scalar.array(*require(key, wanted), wanted,
                      [&](const TomlNode& node) { return scalar.integer(node, lowest, highest); });
}
std::optional<std::vector<std::int64_t>> TomlTable::optional_integers(std::string_view key, std::int64_t lowest,
                                                                      std::int64_t highest) const {
  return find(key) ? std::optional(integers(key, lowest, highest)) : std::nullopt;
}

std::vector<double> TomlTable::numbers(std::string_view key, double lowest, double highest) const {
  const Scalar scalar{*document_, *node_, key};
  const std::string_view wanted = "an array of numbers";
  return scalar.array(*require(key, wanted), wanted,
                      [&](const TomlNode& node) { return scalar.number(node, lowest, highest); });
}
std::optional<std::vector<double>> TomlTable::optional_numbers(std::string_view key, double lowest,
                                                               double highest) const {
  return find(key) ? std::optional(numbers(key, lowest, highest)) : std::nullopt;
}

TomlTable TomlTable::table(std::string_view key) const {
  const TomlNode* node = require(key, "a table");
  if (node->kind != Kind::table) refuse_kind(*document_, *node, *node_, key, fmt::format("a table [{}]", key));
  return {document_, node};
}
std::optional<TomlTable> TomlTable::optional_table(std::string_view key) const {
  return find(key) ? std::optional(table(key)) : std::nullopt;
}

std::vector<TomlTable> TomlTable::tables(std::string_view key) const {
  std::vector<TomlTable> all;
  const TomlNode* node = find(key);
  if (node == nullptr) return all;
  const std::string wanted = fmt::format("an array of tables, [[{}]]", key);
  if (node->kind != Kind::array) refuse_kind(*document_, *node, *node_, key, wanted);
  for (const auto& element : node->elements) {
    if (element->kind != Kind::table) refuse_kind(*document_, *element, *node_, key, wanted);
    all.push_back(TomlTable(document_, element.get()));
  }
  return all;
}

std::vector<std::string> TomlTable::keys() const {
  std::vector<std::string> names;
  for (const auto& member : node_->members) names.push_back(member.first);
  return names;
}

std::string TomlTable::where(std::string_view key) const {
  for (const auto& [name, value] : node_->members)
    if (name == key) return place(*document_, *value);
  return place(*document_, *node_);
}

void TomlTable::fail(std::string_view key, std::string_view message) const {
  throw ConfigError(fmt::format("{}: '{}' in {} {}", where(key), key, node_->title, message));
}

TomlFile::TomlFile(const std::filesystem::path& path)
    : document_(parse_document(read_limited(path), path.filename().string())) {}

TomlFile TomlFile::parse(std::string_view text, const std::string& name) {
  TomlFile file;
  file.document_ = parse_document(text, name);
  return file;
}

TomlTable TomlFile::root() const { return {document_, document_->root.get()}; }

void TomlFile::finish() const {
  const TomlNode *unread = nullptr, *table = nullptr;
  std::string key;
  find_unread(*document_->root, unread, table, key);
  if (unread == nullptr) return;
  std::string known;
  const std::string hint = did_you_mean(key, table->asked);
  if (hint.empty() && !table->asked.empty()) known = fmt::format("; it may have: {}", fmt::join(table->asked, ", "));
  throw ConfigError(
      fmt::format("{}: unknown key '{}' in {}{}{}", place(*document_, *unread), key, table->title, hint, known));
}

std::string toml_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(static_cast<unsigned char>(c)));
    } else {
      out += c;
    }
  }
  return out + '"';
}

}  // namespace clvsim
