#include "tests/support/ptx/tokens.hpp"

#include <algorithm>
#include <cctype>
#include <map>
#include <string_view>

namespace clvsim::test::ptx {

namespace {

bool is_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '$' || c == '%' || c == '.';
}

}  // namespace

std::vector<Token> tokens_of(const std::string& text) {
  std::vector<Token> tokens;
  std::uint32_t line = 1;
  for (std::size_t i = 0; i < text.size();) {
    const std::string_view rest = std::string_view(text).substr(i);
    std::size_t length = 1;
    if (rest.starts_with("//")) {
      length = std::min(rest.find('\n'), rest.size());
    } else if (rest.starts_with("/*")) {
      length = std::min(rest.find("*/", 2), rest.size() - 2) + 2;
    } else if (rest[0] == '"') {
      length = std::min(rest.find('"', 1), rest.size() - 1) + 1;
      tokens.push_back({std::string(rest.substr(0, length)), line});
    } else if (is_word(rest[0])) {
      const auto part_of_word = [&](std::size_t at) {
        if (is_word(rest[at])) return true;
        return rest[at] == ':' && (rest[at - 1] == ':' || (at + 1 < rest.size() && rest[at + 1] == ':'));
      };
      while (length < rest.size() && part_of_word(length)) ++length;
      tokens.push_back({std::string(rest.substr(0, length)), line});
    } else if (std::isspace(static_cast<unsigned char>(rest[0])) == 0) {
      tokens.push_back({std::string(rest.substr(0, 1)), line});
    }
    line +=
        static_cast<std::uint32_t>(std::count(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(length), '\n'));
    i += length;
  }
  return tokens;
}

std::vector<std::string> split(const std::string& text, char at) {
  std::vector<std::string> parts(1);
  for (const char c : text) {
    if (c == at) {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

std::size_t bytes_of(const std::string& type) {
  static const std::map<std::string, std::size_t> known = {{"u8", 1},  {"s8", 1},  {"b8", 1},  {"u16", 2}, {"s16", 2},
                                                           {"b16", 2}, {"u32", 4}, {"s32", 4}, {"b32", 4}, {"f32", 4},
                                                           {"u64", 8}, {"s64", 8}, {"b64", 8}, {"f64", 8}};
  const auto found = known.find(type);
  return found == known.end() ? 0 : found->second;
}

std::optional<std::uint64_t> number(const std::string& word) {
  if (word.empty() || std::isdigit(static_cast<unsigned char>(word[0])) == 0) return std::nullopt;
  const bool is_float = word.size() > 2 && word[0] == '0' && std::string_view("dDfF").find(word[1]) < 4;
  std::size_t used = 0;
  const std::uint64_t value = is_float ? std::stoull(word.substr(2), &used, 16) : std::stoull(word, &used, 0);
  if (is_float) used += 2;
  if (used < word.size() && word[used] == 'U') ++used;
  if (used != word.size()) return std::nullopt;
  return value;
}

}  // namespace clvsim::test::ptx
