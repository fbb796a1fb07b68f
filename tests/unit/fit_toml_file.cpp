// The strict TOML reader: what it gives, and the message of everything it refuses.
#include "host/base/toml_file.hpp"

#include <clvsim/error.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

namespace clvsim {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string message_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "no ConfigError";
}

TEST(TomlFile, GivesEveryType) {
  const TomlFile file = TomlFile::parse(R"(
name = "a"
count = 3
rate = 0.5
whole = 2
on = true
words = ["x", "y"]
integers = [1, 2]
numbers = [1, 2.5]
[sub]
deep = 1
[[row]]
v = 1
[[row]]
v = 2
[[row.inner]]
w = 5
)",
                                        "f.toml");
  const TomlTable root = file.root();
  EXPECT_EQ(root.string("name"), "a");
  EXPECT_EQ(root.integer("count", 0, 3), 3);
  EXPECT_EQ(root.number("rate", 0, 1), 0.5);
  EXPECT_EQ(root.number("whole"), 2.0);
  EXPECT_TRUE(root.boolean("on"));
  EXPECT_THAT(root.strings("words"), ElementsAre("x", "y"));
  EXPECT_THAT(root.integers("integers"), ElementsAre(1, 2));
  EXPECT_THAT(root.numbers("numbers"), ElementsAre(1.0, 2.5));
  EXPECT_EQ(root.table("sub").integer("deep"), 1);
  const auto rows = root.tables("row");
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].integer("v"), 1);
  EXPECT_EQ(rows[1].integer("v"), 2);
  ASSERT_EQ(rows[1].tables("inner").size(), 1u);
  EXPECT_EQ(rows[1].tables("inner")[0].integer("w"), 5);
  EXPECT_EQ(root.optional_integer("absent"), std::nullopt);
  EXPECT_EQ(root.optional_table("absent_table").has_value(), false);
  EXPECT_TRUE(root.tables("absent_rows").empty());
  EXPECT_THAT(root.keys(),
              ElementsAre("name", "count", "rate", "whole", "on", "words", "integers", "numbers", "sub", "row"));
  EXPECT_EQ(root.where("count"), "f.toml:3:1");
  file.finish();
}

struct Refusal {
  const char* text;
  std::function<void(const TomlTable&)> read;
  const char* message;
};

TEST(TomlFile, SaysWhatWhereWhyAndWhatToGive) {
  const auto nothing = [](const TomlTable&) {};
  const Refusal refusals[] = {
      {"a = 1\nb = ", nothing, "f.toml:2:"},
      {"a = 1\na = 2", nothing, "f.toml:2:"},
      {"a = \"\xff\"", nothing, "not valid TOML"},
      {"a = 1\n[=", nothing, "f.toml:2:2: not valid TOML"},
      {"[[.]]", nothing, "f.toml:1:3: not valid TOML"},
      {"\n a = \"x\"", [](const TomlTable& t) { (void)t.integer("a"); },
       "f.toml:2:2: 'a' in the top level is \"x\" (a string); give an integer"},
      {"a = 1", [](const TomlTable& t) { (void)t.string("a"); },
       "'a' in the top level is 1 (an integer); give a string"},
      {"a = 2.0", [](const TomlTable& t) { (void)t.integer("a"); }, "(a number); give an integer"},
      {"a = 7", [](const TomlTable& t) { (void)t.integer("a", 1, 6); }, "is 7; give an integer from 1 to 6"},
      {"a = 0", [](const TomlTable& t) { (void)t.integer("a", 1); }, "is 0; give an integer of at least 1"},
      {"a = 1.5", [](const TomlTable& t) { (void)t.number("a", 0, 1); }, "is 1.5; give a number from 0 to 1"},
      {"a = nan", [](const TomlTable& t) { (void)t.number("a"); }, "is nan, which is not finite"},
      {"a = -inf", [](const TomlTable& t) { (void)t.number("a"); }, "is -inf, which is not finite"},
      {"a = [1, inf]", [](const TomlTable& t) { (void)t.numbers("a"); }, "f.toml:1:9: 'a' in the top level is inf"},
      {"a = 1", [](const TomlTable& t) { (void)t.numbers("a"); }, "is 1 (an integer); give an array of numbers"},
      {"a = 1", [](const TomlTable& t) { (void)t.table("a"); }, "give a table [a]"},
      {"a = [1]", [](const TomlTable& t) { (void)t.tables("a"); }, "give an array of tables, [[a]]"},
      {"a = 1979-05-27", [](const TomlTable& t) { (void)t.string("a"); }, "is 1979-05-27 (a date); give a string"},
      {"a = true", [](const TomlTable& t) { (void)t.number("a"); }, "is true (a boolean); give a number"},
      {"b = 1", [](const TomlTable& t) { (void)t.number("rate"); }, "f.toml:1:1: 'rate' is missing in the top level"},
      {"[s]\nb = 1", [](const TomlTable& t) { (void)t.table("s").number("rate"); }, "'rate' is missing in [s]"},
      {"raet = 1", [](const TomlTable& t) { (void)t.number("rate"); },
       "unknown key 'raet' in the top level - did you mean 'rate'?"},
      {"rate = 1\nraet = 1", [](const TomlTable& t) { (void)t.number("rate"); },
       "f.toml:2:1: unknown key 'raet' in the top level - did you mean 'rate'?"},
      {"[s]\nrate = 1\n[s.x]", [](const TomlTable& t) { (void)t.table("s").number("rate"); },
       "f.toml:3:4: unknown key 'x' in [s]; it may have: rate"},
      {"[[s]]\nrate = 1\n[[s]]\nrate = 1\nzzzz = 1",
       [](const TomlTable& t) {
         for (const TomlTable& s : t.tables("s")) (void)s.number("rate");
       },
       "f.toml:5:1: unknown key 'zzzz' in [[s]] no. 2; it may have: rate"},
      {"a = 3", [](const TomlTable& t) { t.fail("a", "is odd"); }, "f.toml:1:1: 'a' in the top level is odd"},
  };
  for (const Refusal& refusal : refusals) {
    EXPECT_THAT(message_of([&] {
                  const TomlFile file = TomlFile::parse(refusal.text, "f.toml");
                  refusal.read(file.root());
                  file.finish();
                }),
                HasSubstr(refusal.message))
        << refusal.text;
  }
}

TEST(TomlFile, RefusesDeepAndLargeDocuments) {
  std::string dotted = "a";
  for (int i = 0; i < 100000; ++i) dotted += ".a";
  EXPECT_THAT(message_of([&] { (void)TomlFile::parse(dotted + " = 1", "f"); }), HasSubstr("more than 64 dots"));
  EXPECT_THAT(message_of([&] { (void)TomlFile::parse("a = " + std::string(100000, '['), "f"); }),
              HasSubstr("not valid TOML"));
  EXPECT_THAT(message_of([&] { (void)TomlFile::parse("a = \"" + std::string(5u << 20, 'x') + "\"", "f"); }),
              HasSubstr("more than the 4194304"));
}

TEST(TomlFile, NeverShowsAWholeValue) {
  const std::string text = message_of([&] {
    (void)TomlFile::parse("a = \"" + std::string(39, 'x') + "éé\\n" + std::string(999, 'y') + "\"", "f")
        .root()
        .integer("a");
  });
  EXPECT_LT(text.size(), 160u);
  EXPECT_THAT(text, HasSubstr("..."));
}

TEST(TomlFile, MissingFileIsAnIoError) { EXPECT_THROW(TomlFile("/nonexistent/model.toml"), IoError); }

}  // namespace
}  // namespace clvsim
