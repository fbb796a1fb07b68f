// The words of PTX text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace clvsim::test::ptx {

struct Token {
  std::string text;
  std::uint32_t line = 0;
};

// Words (names, numbers, opcodes with their suffixes), strings, and single marks; comments are dropped.
[[nodiscard]] std::vector<Token> tokens_of(const std::string& text);

[[nodiscard]] std::vector<std::string> split(const std::string& text, char at);

// Bytes of a fundamental type, without its dot; 0: not one that can be stored.
[[nodiscard]] std::size_t bytes_of(const std::string& type);

// An integer, or 0d and 0f with the bits of a number in hexadecimal digits.
[[nodiscard]] std::optional<std::uint64_t> number(const std::string& word);

}  // namespace clvsim::test::ptx
