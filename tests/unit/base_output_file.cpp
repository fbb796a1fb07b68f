#include "host/base/output_file.hpp"

#include <clvsim/error.hpp>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

namespace clvsim {
namespace {

class OutputFileTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "clvsim-test-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  [[nodiscard]] long entries() const {
    return std::distance(std::filesystem::directory_iterator(folder_), std::filesystem::directory_iterator());
  }
  std::filesystem::path folder_;
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
  EXPECT_EQ(entries(), 1);
}

TEST_F(OutputFileTest, LeavesNothingWithoutCommit) {
  { OutputFile(folder_ / "a", false).write("half"); }
  EXPECT_EQ(entries(), 0);
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
  ASSERT_EQ(entries(), 1);
  remove_unfinished_outputs();
  EXPECT_EQ(entries(), 0);
}

}  // namespace
}  // namespace clvsim
