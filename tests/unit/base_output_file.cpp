#include "host/base/output_file.hpp"
#include "tests/support/files.hpp"

#include <clvsim/error.hpp>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

namespace clvsim {
namespace {

class OutputFileTest : public testing::Test {
 protected:
  [[nodiscard]] std::size_t entries() const { return temporary_.entries().size(); }
  const test::TemporaryFolder temporary_;
  const std::filesystem::path folder_ = temporary_.path();
};

TEST_F(OutputFileTest, AppearsOnlyOnCommitAndOnlyForItsOwner) {
  const auto path = folder_ / "a";
  OutputFile file(path, false);
  file.write("hello");
  EXPECT_FALSE(std::filesystem::exists(path));
  file.commit();
  EXPECT_EQ(read_text(path), "hello");
  struct stat status {};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
  EXPECT_EQ(entries(), 1U);
}

TEST_F(OutputFileTest, LeavesNothingWithoutCommit) {
  { OutputFile(folder_ / "a", false).write("half"); }
  EXPECT_EQ(entries(), 0U);
}

TEST_F(OutputFileTest, RefusesAnExistingFileUnlessForced) {
  const auto path = folder_ / "a";
  {
    OutputFile file(path, false);
    file.write("old");
    file.commit();
  }
  EXPECT_THROW(OutputFile(path, false), IoError);
  OutputFile file(path, true);
  file.write("new");
  EXPECT_EQ(read_text(path), "old");
  file.commit();
  EXPECT_EQ(read_text(path), "new");
}

TEST_F(OutputFileTest, DoesNotReplaceAFileThatAppearedMeanwhile) {
  const auto path = folder_ / "a";
  OutputFile late(path, false);
  {
    OutputFile first(path, false);
    first.write("first");
    first.commit();
  }
  late.write("late");
  EXPECT_THROW(late.commit(), IoError);
  EXPECT_EQ(read_text(path), "first");
}

TEST_F(OutputFileTest, RefusesFoldersLinksAndMissingFolders) {
  EXPECT_THROW(OutputFile(folder_, true), IoError);
  EXPECT_THROW(OutputFile(folder_ / "no" / "such", true), IoError);
  std::filesystem::create_symlink("/etc/hostname", folder_ / "link");
  EXPECT_THROW(OutputFile(folder_ / "link", true), IoError);
  EXPECT_THROW(OutputFile("/dev/full", true), IoError);
  EXPECT_THROW((void)read_text(folder_), IoError);
  EXPECT_THROW((void)read_text(folder_ / "none"), IoError);
}

TEST_F(OutputFileTest, InterruptRemovesWhatIsUnfinished) {
  OutputFile file(folder_ / "a", false);
  ASSERT_EQ(entries(), 1U);
  remove_unfinished_outputs();
  EXPECT_EQ(entries(), 0U);
}

TEST_F(OutputFileTest, StagedFilesAppearTogetherOrNotAtAll) {
  const auto write = [](const std::filesystem::path& path, const char* text) {
    OutputFile file(path, false);
    file.write(text);
    file.commit();
  };
  {
    const StagedFiles files(folder_, {"a", "b"}, false);
    write(files.path("a"), "half");
  }
  EXPECT_EQ(entries(), 0U);
  write(folder_ / "b", "old");
  EXPECT_THROW(StagedFiles(folder_, {"a", "b"}, false), IoError);
  StagedFiles files(folder_, {"a", "b"}, true);
  write(files.path("a"), "new a");
  write(files.path("b"), "new b");
  EXPECT_EQ(read_text(folder_ / "b"), "old");
  files.commit();
  EXPECT_EQ(read_text(folder_ / "a"), "new a");
  EXPECT_EQ(read_text(folder_ / "b"), "new b");
}

TEST_F(OutputFileTest, InterruptRemovesWhatIsStaged) {
  const StagedFiles files(folder_, {"a"}, false);
  OutputFile(files.path("a"), false).commit();
  remove_unfinished_outputs();
  EXPECT_EQ(entries(), 0U);
}

TEST_F(OutputFileTest, AnOutputIsNoInputAndNoOtherOutput) {
  const auto here = folder_ / "a", again = folder_ / "." / "a", link = folder_ / "link";
  EXPECT_NO_THROW(check_distinct({here, ""}, {folder_ / "b", ""}));
  EXPECT_THROW(check_distinct({here}, {again}), ConfigError);
  EXPECT_THROW(check_distinct({}, {here, again}), ConfigError);
  OutputFile(here, false).commit();
  std::filesystem::create_hard_link(here, link);
  EXPECT_THROW(check_distinct({here}, {link}), ConfigError);
}

}  // namespace
}  // namespace clvsim
