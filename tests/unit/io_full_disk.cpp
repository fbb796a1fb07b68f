// A disk that fills up at any byte: IoError, no file left, the process lives and can go on writing.
#include "tests/support/io_run.hpp"
#include "tests/support/io_store.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>
#include <clvsim/error.hpp>

#include <csignal>
#include <functional>
#include <random>

// libhdf5 never frees what a failed write left in its caches: that is its own, not ours.
extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() { return "leak:libhdf5"; }

namespace clvsim {
namespace {

using test::TemporaryFolder;

// Writes fail beyond this many bytes of a file (EFBIG), as long as it lives.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    ::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() { ::setrlimit(RLIMIT_FSIZE, &before_); }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  rlimit before_{};
};

// "" where f throws IoError.
std::string not_io_error(const std::function<void()>& f) {
  try {
    f();
  } catch (const IoError&) {
    return "";
  } catch (const std::exception& error) {
    return error.what();
  }
  return "no exception";
}

// `write` writes a file of `size` bytes into the folder.
void fail_at_every_size(const TemporaryFolder& folder, std::uintmax_t size, const std::function<void()>& write) {
  std::vector<rlim_t> limits{0, 1, 100, 511, 512, 513, 600, 1024, 2048, 4096, 10000, size - 1, size - 100, size - 5000};
  std::mt19937_64 random(3);
  while (limits.size() < 80) limits.push_back(random() % size);
  for (const rlim_t limit : limits) {
    std::string wrong;
    {
      const FileSizeLimit limited(limit);
      wrong = not_io_error(write);
    }
    EXPECT_EQ(wrong, "") << "at " << limit << " of " << size << " bytes";
    EXPECT_TRUE(folder.entries().empty()) << "at " << limit;
  }
}

TEST(FullDisk, StoresFailCleanlyAtEverySize) {
  const TemporaryFolder folder;
  for (const std::int64_t n : {10, 40000}) {
    const test::TestStore store = test::make_test_store({.n_customers = n, .has_cost = true, .max_rows = 2});
    const std::filesystem::path path = folder / "s.h5";
    const auto write = [&] { test::write_store(store, path, 9999); };
    write();
    const std::uintmax_t size = std::filesystem::file_size(path);
    std::filesystem::remove(path);
    fail_at_every_size(folder, size, write);
    write();
    EXPECT_EQ(test::difference(store, path), "");
    std::filesystem::remove(path);
  }
}

TEST(FullDisk, RunsFailCleanlyAtEverySize) {
  const TemporaryFolder folder;
  for (const std::int64_t n : {10, 33000}) {
    const test::TestRun run = test::make_test_run({.n_customers = n, .quantiles = {0.5}});
    const std::filesystem::path path = folder / "r.h5";
    const auto write = [&] { test::write_run(run, path, 9999); };
    write();
    const std::uintmax_t size = std::filesystem::file_size(path);
    std::filesystem::remove(path);
    fail_at_every_size(folder, size, write);
    write();
    EXPECT_EQ(test::difference(run, path), "");
    export_csv(RunReader(path), folder / "r.csv", false);
    const std::uintmax_t csv_size = std::filesystem::file_size(folder / "r.csv");
    std::filesystem::remove(folder / "r.csv");
    for (const rlim_t limit : {rlim_t{0}, rlim_t{10}, rlim_t{csv_size / 2}, rlim_t{csv_size - 1}}) {
      const RunReader reader(path);
      std::string wrong;
      {
        const FileSizeLimit limited(limit);
        wrong = not_io_error([&] { export_csv(reader, folder / "r.csv", false); });
      }
      EXPECT_EQ(wrong, "") << "CSV at " << limit;
      EXPECT_EQ(folder.entries().size(), 1U);
    }
    std::filesystem::remove(path);
  }
}

TEST(FullDisk, AFailedWriteIsNamedByTheSystemsReason) {
  const TemporaryFolder folder;
  const test::TestStore store = test::make_test_store({.n_customers = 40000});
  std::string message;
  {
    const FileSizeLimit limited(1'000'000);
    try {
      test::write_store(store, folder / "s.h5");
    } catch (const IoError& error) {
      message = error.what();
    }
  }
  EXPECT_THAT(message, testing::HasSubstr("File too large"));
  EXPECT_THAT(message, testing::HasSubstr((folder / "s.h5").string()));
}

TEST(FullDisk, SmallFileSystemsFailCleanlyToo) {
  const TemporaryFolder folder;
  const std::filesystem::path disk = folder / "disk";
  std::filesystem::create_directory(disk);
  if (::mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=64k") != 0)
    GTEST_SKIP() << "mounting a small file system needs more rights";
  const test::TestStore store = test::make_test_store({.n_customers = 40000, .max_rows = 2});
  const test::TestRun run = test::make_test_run({.n_customers = 33000, .quantiles = {0.5}});
  std::string wrong;
  for (int kilobytes = 64; kilobytes <= 3072 && wrong.empty(); kilobytes += 188) {
    const std::string size = "size=" + std::to_string(kilobytes) + "k";
    if (::mount("tmpfs", disk.c_str(), "tmpfs", MS_REMOUNT, size.c_str()) != 0) wrong = "no remount";
    wrong += not_io_error([&] { test::write_store(store, disk / "s.h5", 9999); });
    wrong += not_io_error([&] { test::write_run(run, disk / "r.h5", 9999); });
    if (!std::filesystem::is_empty(disk)) wrong += "a file is left";
  }
  EXPECT_EQ(wrong, "");
  ::umount2(disk.c_str(), MNT_DETACH);
}

TEST(FullDisk, RunsThatCannotFitAreRefusedBeforeTheWork) {
  const TemporaryFolder folder;
  test::TestRun run = test::make_test_run({});
  run.info.n_customers = std::int64_t{1} << 52;
  EXPECT_EQ(not_io_error([&] { test::write_run(run, folder / "r.h5"); }), "");
  EXPECT_TRUE(folder.entries().empty());
}

TEST(FullDisk, ExistingOutputsAreKeptUnlessTheyMayBeReplaced) {
  const TemporaryFolder folder;
  const test::TestStore store = test::make_test_store({.n_customers = 40000, .max_rows = 2});
  test::write_file(folder / "s.h5", "precious");
  EXPECT_EQ(not_io_error([&] { test::write_store(store, folder / "s.h5"); }), "");
  std::string wrong;
  {
    const FileSizeLimit limited(500'000);
    wrong = not_io_error([&] { test::write_store(store, folder / "s.h5", 1 << 30, true); });
  }
  EXPECT_EQ(wrong, "");
  EXPECT_EQ(test::read_file(folder / "s.h5"), "precious");
  test::write_store(store, folder / "s.h5", 1 << 30, true);
  EXPECT_EQ(folder.entries().size(), 1U);
}

}  // namespace
}  // namespace clvsim
