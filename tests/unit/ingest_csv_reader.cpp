#include "host/ingest/csv_reader.hpp"

#include "host/ingest/byte_source.hpp"
#include "tests/support/ingest_files.hpp"

#include <clvsim/error.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

namespace clvsim {
namespace {

using test::message_of;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Fields = std::vector<std::string>;

struct Parsed {
  std::vector<Fields> records;
  std::vector<std::int64_t> lines;
  std::vector<std::string> raw;
  std::vector<bool> bad;
  bool crlf = false, byte_order_mark = false;
};

Parsed parse(std::string_view text, char delimiter = ',', std::size_t block = std::size_t{1} << 20) {
  std::size_t at = 0;
  CsvReader reader(
      [&](char* into, std::size_t n) {
        n = std::min(n, text.size() - at);
        std::memcpy(into, text.data() + at, n);
        at += n;
        return n;
      },
      "log.csv", delimiter, block);
  Parsed parsed;
  CsvRecord record;
  while (reader.next(record)) {
    parsed.records.emplace_back(record.fields.begin(), record.fields.end());
    parsed.lines.push_back(record.line);
    parsed.raw.emplace_back(record.raw);
    parsed.bad.push_back(record.bad_quoting);
  }
  parsed.crlf = reader.crlf();
  parsed.byte_order_mark = reader.byte_order_mark();
  return parsed;
}

TEST(CsvReader, SplitsPlainRecordsWithAnyLineEnding) {
  for (const std::string ending : {"\n", "\r\n", "\r"}) {
    const Parsed parsed = parse("a,b,c" + ending + "1,,3" + ending + ",," + ending);
    EXPECT_THAT(parsed.records, ElementsAre(Fields{"a", "b", "c"}, Fields{"1", "", "3"}, Fields{"", "", ""}));
    EXPECT_THAT(parsed.lines, ElementsAre(1, 2, 3));
    EXPECT_EQ(parsed.crlf, ending == "\r\n");
  }
}

TEST(CsvReader, NeedsNoLineEndingAtTheEnd) {
  EXPECT_THAT(parse("a,b\n1,2").records, ElementsAre(Fields{"a", "b"}, Fields{"1", "2"}));
  EXPECT_THAT(parse("a,b\n1,").records, ElementsAre(Fields{"a", "b"}, Fields{"1", ""}));
  EXPECT_THAT(parse("a\r").records, ElementsAre(Fields{"a"}));
  EXPECT_TRUE(parse("").records.empty());
  EXPECT_TRUE(parse("\n\r\n\r").records.empty());
}

TEST(CsvReader, UnquotesFields) {
  const Parsed parsed = parse("\"a,b\",\"say \"\"hi\"\"\",\"\"\n\"two\r\nlines\",\"x\",y\"z\n1,2,3\n");
  EXPECT_THAT(parsed.records,
              ElementsAre(Fields{"a,b", "say \"hi\"", ""}, Fields{"two\r\nlines", "x", "y\"z"}, Fields{"1", "2", "3"}));
  EXPECT_THAT(parsed.lines, ElementsAre(1, 2, 4));
  EXPECT_EQ(parsed.raw[0], "\"a,b\",\"say \"\"hi\"\"\",\"\"");
  EXPECT_THAT(parsed.bad, ElementsAre(false, false, false));
}

TEST(CsvReader, MarksTextAfterAClosingQuoteAndGoesOn) {
  const Parsed parsed = parse("\"a\"b,c\nd,e\n");
  EXPECT_THAT(parsed.bad, ElementsAre(true, false));
  EXPECT_THAT(parsed.records[1], ElementsAre("d", "e"));
}

TEST(CsvReader, SkipsEmptyLinesButCountsThem) {
  const Parsed parsed = parse("a\n\n\r\nb\n \n");
  EXPECT_THAT(parsed.records, ElementsAre(Fields{"a"}, Fields{"b"}, Fields{" "}));
  EXPECT_THAT(parsed.lines, ElementsAre(1, 4, 5));
}

TEST(CsvReader, SkipsAByteOrderMark) {
  const Parsed parsed = parse("\xef\xbb\xbf\"a\",b\n1,2\n");
  EXPECT_TRUE(parsed.byte_order_mark);
  EXPECT_THAT(parsed.records[0], ElementsAre("a", "b"));
  EXPECT_TRUE(parse("\xef\xbb\xbf").records.empty());
}

TEST(CsvReader, GivesTheSameForAnyBlockSize) {
  std::string text = "\xef\xbb\xbfid;date;amount\r\n";
  for (int i = 0; i < 300; ++i)
    text += fmt::format("{};\"{}\"\"x\r\n;\";{}{}", std::string(static_cast<std::size_t>(i % 90), 'k'), i, i,
                        i % 3 == 0   ? "\r"
                        : i % 3 == 1 ? "\n"
                                     : "\r\n");
  const Parsed whole = parse(text, ';');
  ASSERT_EQ(whole.records.size(), 301u);
  for (const std::size_t block : {1, 2, 3, 7, 63, 64, 65, 1000}) {
    const Parsed parts = parse(text, ';', block);
    EXPECT_EQ(parts.records, whole.records) << block;
    EXPECT_EQ(parts.lines, whole.lines) << block;
    EXPECT_EQ(parts.raw, whole.raw) << block;
  }
}

TEST(CsvReader, FieldsOfEveryLengthAroundABlockOfTheScan) {
  for (std::size_t length = 0; length < 200; ++length) {
    const std::string field(length, 'x');
    EXPECT_THAT(parse(field + "," + field + "\ny,z\n").records, ElementsAre(Fields{field, field}, Fields{"y", "z"}))
        << length;
  }
}

TEST(CsvReader, RefusesWhatIsNoText) {
  const auto refused = [](std::string_view text) { return message_of<DataError>([&] { (void)parse(text); }); };
  EXPECT_THAT(refused(std::string_view("\xff\xfe"
                                       "a\0,\0",
                                       6)),
              HasSubstr("UTF-16"));
  EXPECT_THAT(refused(std::string_view("a,b\n1,\0\n", 8)), HasSubstr("NUL byte at byte 7"));
  EXPECT_THAT(refused("PK\x03\x04..."), HasSubstr("Excel"));
  EXPECT_THAT(refused("\x28\xb5\x2f\xfd..."), HasSubstr("gzip"));
  EXPECT_THAT(refused("a,b\n1,\"2\n3,4\n"), HasSubstr("line 2: a quote is opened and never closed"));
}

TEST(CsvReader, RefusesRecordsAboveTheLimits) {
  const std::string longest = std::string(max_record_bytes, 'x');
  EXPECT_EQ(parse("a\n" + longest + "\nb\n").records.size(), 3u);
  for (const std::size_t block : {std::size_t{4096}, std::size_t{1} << 20})
    EXPECT_THAT(message_of<DataError>([&] { (void)parse("a\n" + longest + "x\nb\n", ',', block); }),
                HasSubstr("line 2: a row of more than 1048576 bytes"));
  EXPECT_EQ(parse(std::string(max_fields - 1, ',')).records[0].size(), max_fields);
  EXPECT_THAT(message_of<DataError>([&] { (void)parse(std::string(max_fields, ',')); }), HasSubstr("4096 columns"));
}

std::string read_all(const std::filesystem::path& path, std::size_t block) {
  ByteSource source(path);
  std::string text, buffer(block, '\0');
  while (const std::size_t n = source.read(buffer.data(), block)) text.append(buffer, 0, n);
  EXPECT_EQ(source.consumed(), source.file_bytes());
  return text;
}

TEST(ByteSource, ReadsPlainAndGzipOfSeveralMembers) {
  const test::LogFolder folder;
  std::string text;
  for (int i = 0; i < 100000; ++i) text += fmt::format("{},{}\n", i, i * 7919 % 1000);
  const auto plain = folder.write("a.csv", text);
  const auto members = folder.write("b.csv.gz", test::gzip(text.substr(0, 1000)) + test::gzip("") +
                                                    test::gzip(text.substr(1000)) + std::string(512, '\0'));
  for (const std::size_t block : {std::size_t{1000}, std::size_t{1} << 20}) {
    EXPECT_EQ(read_all(plain, block), text);
    EXPECT_EQ(read_all(members, block), text);
  }
  EXPECT_EQ(read_all(folder.write("empty.csv", ""), 100), "");
  EXPECT_EQ(read_all(folder.write("one.csv", "x"), 100), "x");
}

TEST(ByteSource, RefusesDamagedGzip) {
  const test::LogFolder folder;
  const std::string good = test::gzip("some text that is long enough to be cut anywhere");
  for (std::size_t size = 2; size < good.size(); ++size) {
    const auto path = folder.write("cut.gz", good.substr(0, size));
    EXPECT_THAT(message_of<DataError>([&] { read_all(path, 100); }), HasSubstr("'cut.gz' is a damaged gzip file"))
        << size;
  }
  std::string altered = good;
  altered[good.size() - 6] = static_cast<char>(altered[good.size() - 6] ^ 1);  // the checksum
  EXPECT_THAT(message_of<DataError>([&] { read_all(folder.write("altered.gz", altered), 100); }), HasSubstr("damaged"));
  EXPECT_THAT(message_of<DataError>([&] { read_all(folder.write("more.gz", good + "more"), 100); }),
              HasSubstr("something else follows"));
}

TEST(ByteSource, RefusesWhatIsNoFile) {
  const test::LogFolder folder;
  EXPECT_THAT(message_of<IoError>([&] { ByteSource(folder.path() / "absent.csv"); }), HasSubstr("No such file"));
  EXPECT_THAT(message_of<IoError>([&] { ByteSource{folder.path()}; }), HasSubstr("folder, pipe or device"));
}

}  // namespace
}  // namespace clvsim
