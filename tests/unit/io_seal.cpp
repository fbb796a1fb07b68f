// The seal finds every altered byte and every truncation before libhdf5 sees the file, and says what a file is that is
// not ours.
#include "host/io/describe.hpp"
#include "host/io/seal.hpp"
#include "tests/support/io_run.hpp"
#include "tests/support/io_store.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <hdf5.h>
#include <sys/stat.h>
#include <unistd.h>
#include <clvsim/error.hpp>
#include <nlohmann/json.hpp>

#include <random>

namespace clvsim {
namespace {

using test::TemporaryFolder;
using testing::HasSubstr;

class Seal : public testing::Test {
 protected:
  void SetUp() override {
    test::write_store(test::make_test_store({.n_customers = 10}), path);
    bytes = test::read_file(path);
  }
  // The message of opening the file with these bytes; "" where it opens.
  std::string refusal(std::string_view altered) {
    test::write_file(path, altered);
    try {
      const StoreReader reader(path);
    } catch (const FormatError& error) {
      return error.what();
    }
    return "";
  }
  bool finds_damage() {
    try {
      check_seal(path);
    } catch (const FormatError&) {
      return true;
    }
    return false;
  }

  TemporaryFolder folder;
  std::filesystem::path path = folder / "s.h5";
  std::string bytes;
};

TEST_F(Seal, SaysWhatItSealed) {
  const SealInfo seal = check_seal(path);
  EXPECT_EQ(seal.type, "store");
  EXPECT_EQ(seal.payload_bytes, bytes.size() - seal_bytes);
  EXPECT_EQ(to_hex(seal.content_digest), StoreReader(path).info().content_digest);
  EXPECT_EQ(parse_digest(to_hex(seal.content_digest)), seal.content_digest);
  EXPECT_FALSE(parse_digest("xyz"));
}

TEST_F(Seal, FindsAFlippedBitInEveryByte) {
  std::mt19937 random(1);
  const int file = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  std::size_t found = 0;
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    const char flipped = static_cast<char>(bytes[at] ^ (1 << (random() % 8)));
    ASSERT_EQ(::pwrite(file, &flipped, 1, static_cast<off_t>(at)), 1);
    found += finds_damage() ? 1 : 0;
    ASSERT_EQ(::pwrite(file, &bytes[at], 1, static_cast<off_t>(at)), 1);
  }
  ::close(file);
  EXPECT_EQ(found, bytes.size());
  EXPECT_FALSE(finds_damage());
}

TEST_F(Seal, FindsEveryTruncationAndAnyTail) {
  std::size_t found = 0;
  for (std::size_t size = bytes.size(); size-- > 0;) {
    ASSERT_EQ(::truncate(path.c_str(), static_cast<off_t>(size)), 0);
    found += finds_damage() ? 1 : 0;
  }
  EXPECT_EQ(found, bytes.size());
  EXPECT_THAT(refusal(bytes + '\0'), HasSubstr("bytes follow its seal"));
  EXPECT_THAT(refusal(bytes.substr(0, 1000)), HasSubstr("damaged"));
}

TEST_F(Seal, RefusesANewerVersionAndSaysToUpgrade) {
  const SealInfo seal = check_seal(path);
  for (const auto& [major, minor] : {std::pair{2, 0}, std::pair{1, 1}, std::pair{1000000, -5}}) {
    write_seal(path, "store", seal.content_digest, major, minor);
    EXPECT_THAT(refusal(test::read_file(path)), HasSubstr("upgrade clvsim"));
  }
  for (const auto& [major, minor] : {std::pair{0, 9}, std::pair{-1, 0}, std::pair{1, -1}}) {
    write_seal(path, "store", seal.content_digest, major, minor);
    EXPECT_THAT(refusal(test::read_file(path)), HasSubstr("never was"));
  }
}

TEST_F(Seal, RefusesOtherTypes) {
  const SealInfo seal = check_seal(path);
  write_seal(path, "run", seal.content_digest);
  EXPECT_THAT(refusal(test::read_file(path)), HasSubstr("is a clvsim run file, not a store file"));
  EXPECT_THROW(RunReader{path}, FormatError);  // sealed as a run, but none
  EXPECT_THROW(verify_file(path), FormatError);
  write_seal(path, "elephant", seal.content_digest);
  EXPECT_THROW(describe_file(path), FormatError);
}

TEST_F(Seal, SaysWhatAForeignFileIs) {
  EXPECT_THAT(refusal(""), HasSubstr("it is empty"));
  EXPECT_THAT(refusal("customer_id,date,amount\n"), HasSubstr("is no clvsim file"));
  EXPECT_THAT(refusal(std::string(5000, '\0')), HasSubstr("is no clvsim file"));
  EXPECT_THAT(refusal("\x1f\x8b\x08 and so on"), HasSubstr("gzip"));
  const hid_t foreign = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  H5Fclose(foreign);
  EXPECT_THAT(refusal(test::read_file(path)), HasSubstr("HDF5 file of another program"));
}

TEST_F(Seal, TellsFilesThatCannotBeReadFromDamagedOnes) {
  const auto io_error = [](const std::filesystem::path& where) -> std::string {
    try {
      const StoreReader reader(where);
    } catch (const IoError& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_THAT(io_error(folder / "absent.h5"), HasSubstr("No such file"));
  EXPECT_THAT(io_error(folder.path()), HasSubstr("a folder"));
  const std::filesystem::path pipe = folder / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_THAT(io_error(pipe), HasSubstr("no regular file"));
  if (::geteuid() != 0) {
    std::filesystem::permissions(path, std::filesystem::perms::none);
    EXPECT_THAT(io_error(path), HasSubstr("Permission denied"));
  }
}

TEST_F(Seal, NamesTheFileInEveryMessage) {
  EXPECT_THAT(refusal("x"), HasSubstr(path.string()));
  EXPECT_THAT(refusal(bytes.substr(0, 600)), HasSubstr(path.string()));
}

}  // namespace
}  // namespace clvsim
