#include "host/base/output_file.hpp"

#include <clvsim/error.hpp>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <system_error>

namespace clvsim {
namespace {

constexpr std::size_t buffer_bytes = std::size_t{1} << 20;

// Paths of unfinished files, readable from a signal handler: fixed slots, claimed by a compare-and-swap.
constexpr std::size_t path_bytes = 4096;
struct Slot {
  std::atomic<int> state{0};  // 0 free, 1 being written, 2 holds a file's path, 3 a folder's
  std::array<char, path_bytes> path{};
};
std::array<Slot, 16> unfinished;

// The slot that now holds `path`, or -1 where all are taken: then only a signal leaves the file behind.
int remember(const std::string& path, int state = 2) {
  if (path.size() >= path_bytes) return -1;
  for (std::size_t i = 0; i < unfinished.size(); ++i) {
    int expected = 0;
    if (!unfinished[i].state.compare_exchange_strong(expected, 1)) continue;
    std::memcpy(unfinished[i].path.data(), path.c_str(), path.size() + 1);
    unfinished[i].state.store(state);
    return static_cast<int>(i);
  }
  return -1;
}

void forget(int slot) {
  if (slot >= 0) unfinished[static_cast<std::size_t>(slot)].state.store(0);
}

std::string reason(int error) { return std::generic_category().message(error); }

std::string remedy(int error) {
  switch (error) {
    case ENOSPC:
    case EDQUOT:
      return "free space on that disk, or write to another";
    case EACCES:
    case EPERM:
    case EROFS:
      return "choose a folder that you may write to";
    case ENOENT:
      return "create the folder first";
    default:
      return "check the disk and the path";
  }
}

[[noreturn]] void fail(const std::string& what, const std::filesystem::path& path, int error) {
  throw IoError(fmt::format("{} '{}': {}; {}", what, path.string(), reason(error), remedy(error)));
}

std::filesystem::path folder_of(const std::filesystem::path& path) {
  return path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
}

}  // namespace

void check_output(const std::filesystem::path& path, bool overwrite) {
  if (path == "-") throw ConfigError("'-' is no file here; give a file name");
  if (path.empty() || !path.has_filename()) throw IoError("the output path is empty or a folder; give a file name");
  struct stat status {};
  if (::lstat(path.c_str(), &status) == 0) {
    if (!S_ISREG(status.st_mode))
      throw IoError(
          fmt::format("cannot write '{}': it exists and is no regular file; choose another name", path.string()));
    if (!overwrite)
      throw IoError(fmt::format("'{}' exists; give --force to replace it, or choose another name", path.string()));
  } else if (errno != ENOENT) {
    fail("cannot write", path, errno);
  }
  if (::access(folder_of(path).c_str(), W_OK | X_OK) != 0) fail("cannot write", path, errno);
}

void check_distinct(const std::vector<std::filesystem::path>& inputs,
                    const std::vector<std::filesystem::path>& outputs) {
  std::error_code ignored;
  const auto same = [&](const std::filesystem::path& a, const std::filesystem::path& b) {
    if (a.empty() || b.empty()) return false;
    return std::filesystem::equivalent(a, b, ignored) ||
           std::filesystem::weakly_canonical(a, ignored) == std::filesystem::weakly_canonical(b, ignored);
  };
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    for (const auto& input : inputs)
      if (same(input, outputs[i]))
        throw ConfigError(
            fmt::format("the output '{}' is the input '{}', which would be overwritten; choose another name",
                        outputs[i].string(), input.string()));
    for (std::size_t j = 0; j < i; ++j)
      if (same(outputs[i], outputs[j]))
        throw ConfigError(fmt::format("two outputs are the same file '{}'; choose another name", outputs[i].string()));
  }
}

StagedFiles::StagedFiles(const std::filesystem::path& folder, std::vector<std::string> names, bool overwrite)
    : folder_(folder), names_(std::move(names)), overwrite_(overwrite) {
  for (const std::string& name : names_) check_output(folder_ / name, overwrite_);
  staging_ = folder_ / fmt::format(".staged.{}.tmp", ::getpid());
  if (::mkdir(staging_.c_str(), 0700) != 0) fail("cannot create", staging_, errno);
  for (const std::string& name : names_) slots_.push_back(remember(path(name).string()));
  slots_.push_back(remember(staging_.string(), 3));
}

StagedFiles::~StagedFiles() {
  std::error_code ignored;
  std::filesystem::remove_all(staging_, ignored);
  for (const int slot : slots_) forget(slot);
}

void StagedFiles::commit() {
  for (const std::string& name : names_) check_output(folder_ / name, overwrite_);
  for (const std::string& name : names_)
    if (::rename(path(name).c_str(), (folder_ / name).c_str()) != 0) fail("cannot write", folder_ / name, errno);
}

OutputFile::OutputFile(std::filesystem::path final_path, bool overwrite)
    : final_(std::move(final_path)), overwrite_(overwrite) {
  check_output(final_, overwrite_);
  for (int attempt = 0; attempt < 100; ++attempt) {
    temporary_ = folder_of(final_) / fmt::format(".{}.{}.{}.tmp", final_.filename().string(), ::getpid(), attempt);
    descriptor_ = ::open(temporary_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (descriptor_ >= 0) break;
    if (errno != EEXIST) fail("cannot create", temporary_, errno);
  }
  if (descriptor_ < 0) fail("cannot create", temporary_, EEXIST);
  slot_ = remember(temporary_.string());
}

OutputFile::~OutputFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
  if (!committed_) ::unlink(temporary_.c_str());
  forget(slot_);
}

void OutputFile::write(std::string_view bytes) {
  buffer_.append(bytes);
  if (buffer_.size() >= buffer_bytes) flush();
}

void OutputFile::flush() {
  write_all(descriptor_, buffer_, final_);
  buffer_.clear();
}

void OutputFile::commit() {
  flush();
  if (::fsync(descriptor_) != 0) fail("cannot write", final_, errno);
  const int closing = descriptor_;
  descriptor_ = -1;
  if (::close(closing) != 0) fail("cannot write", final_, errno);
  if (overwrite_) {
    if (::rename(temporary_.c_str(), final_.c_str()) != 0) fail("cannot write", final_, errno);
  } else {
    // A link, not a rename: another process may have made the final path since it was checked.
    if (::link(temporary_.c_str(), final_.c_str()) != 0) {
      if (errno == EEXIST) check_output(final_, overwrite_);
      // Some file systems know no hard links.
      if (::rename(temporary_.c_str(), final_.c_str()) != 0) fail("cannot write", final_, errno);
    } else {
      ::unlink(temporary_.c_str());
    }
  }
  committed_ = true;
  const int folder = ::open(folder_of(final_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder >= 0) {
    ::fsync(folder);  // best effort: not every file system can
    ::close(folder);
  }
}

void write_all(int descriptor, std::string_view bytes, const std::filesystem::path& path) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t n = ::write(descriptor, bytes.data() + done, bytes.size() - done);
    if (n < 0) {
      if (errno == EINTR) continue;
      const int error = errno;
      throw IoError(fmt::format("cannot write '{}': {} after {} of {} bytes; {}", path.string(), reason(error), done,
                                bytes.size(), remedy(error)));
    }
    done += static_cast<std::size_t>(n);
  }
}

std::string read_text(const std::filesystem::path& path, std::size_t limit) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error))
    throw IoError(fmt::format("cannot read '{}': it is a folder; give a file", path.string()));
  std::FILE* file = std::fopen(path.c_str(), "rbe");
  if (file == nullptr) throw IoError(fmt::format("cannot read '{}': {}; check the path", path.string(), reason(errno)));
  std::string text;
  std::array<char, 1 << 16> block{};
  while (const std::size_t n = std::fread(block.data(), 1, block.size(), file)) {
    text.append(block.data(), n);
    if (text.size() > limit) break;
  }
  const bool failed = std::ferror(file) != 0;
  std::fclose(file);
  if (failed) throw IoError(fmt::format("cannot read '{}': {}", path.string(), reason(EIO)));
  if (text.size() > limit)
    throw FormatError(fmt::format("'{}' is larger than {} bytes; is it the right file?", path.string(), limit));
  return text;
}

void remove_unfinished_outputs() noexcept {
  for (Slot& slot : unfinished)
    if (slot.state.load() == 2) ::unlink(slot.path.data());
  for (Slot& slot : unfinished)
    if (slot.state.load() == 3) ::rmdir(slot.path.data());
}

}  // namespace clvsim
