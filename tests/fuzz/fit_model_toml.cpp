// Mutated model files: each is read as a valid model or refused with an error of clvsim; nothing else.
#include "host/base/output_file.hpp"
#include "host/model/model_file.hpp"
#include "tests/support/places.hpp"

#include <clvsim/error.hpp>

#include <gtest/gtest.h>

#include <filesystem>
#include <random>

namespace clvsim {
namespace {

std::string mutate(std::string text, std::mt19937_64& random) {
  static const std::string pieces[] = {"nan",
                                       "inf",
                                       "-1",
                                       "1e999",
                                       "\"",
                                       "[",
                                       "]",
                                       "{",
                                       "}",
                                       "[[state]]",
                                       "\n",
                                       ".",
                                       "=",
                                       "'",
                                       "\"\"\"",
                                       "\\u0000",
                                       "\xff",
                                       "#",
                                       "999999999999999999999",
                                       "probability",
                                       "to",
                                       ",",
                                       "1979-05-27",
                                       "true"};
  const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  for (std::size_t n = 1 + below(4); n > 0 && !text.empty(); --n) {
    const std::size_t at = below(text.size()), length = std::min(1 + below(60), text.size() - at);
    switch (below(6)) {
      case 0:
        text[at] = static_cast<char>(random());
        break;
      case 1:
        text.insert(at, pieces[below(std::size(pieces))]);
        break;
      case 2:
        text.erase(at, length);
        break;
      case 3:
        text.insert(below(text.size()), text.substr(at, length));
        break;
      case 4:
        text.replace(at, 1, pieces[below(std::size(pieces))]);
        break;
      default:
        text[at] = static_cast<char>('0' + below(10));
    }
  }
  return text;
}

std::string toml_of(const AnyModel& model) {
  return std::visit([](const auto& one) { return model_toml(one); }, model);
}

TEST(FuzzModelToml, IsAModelOrAnError) {
  std::vector<std::string> seeds;
  for (const auto& entry : std::filesystem::directory_iterator(test::source_dir() + "/configs/models"))
    seeds.push_back(read_text(entry.path()));
  ASSERT_FALSE(seeds.empty());
  std::sort(seeds.begin(), seeds.end());
  constexpr int n_texts = 5000;
  std::mt19937_64 random(20240101);
  int accepted = 0;
  for (int i = 0; i < n_texts; ++i) {
    const std::string text = mutate(seeds[static_cast<std::size_t>(i) % seeds.size()], random);
    try {
      const AnyModel model = parse_any_model(text, "fuzz.toml");
      std::visit([](const auto& one) { check(one); }, model);
      // What was accepted can be written, and reads back as what it is.
      const std::string again = toml_of(model);
      ASSERT_EQ(toml_of(parse_any_model(again, "again.toml")), again) << text;
      ++accepted;
    } catch (const ConfigError& error) {
      ASSERT_EQ(std::string(error.what()).rfind("fuzz.toml", 0), 0u) << error.what();
    } catch (const FormatError&) {
      // another version
    }
  }
  // A fuzz that finds nothing, or breaks nothing, tests nothing.
  EXPECT_GT(accepted, n_texts / 50);
  EXPECT_LT(accepted, n_texts / 2);
}

}  // namespace
}  // namespace clvsim
