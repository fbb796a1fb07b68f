#include "host/ingest/temporary_file.hpp"

#include "host/base/output_file.hpp"

#include <clvsim/error.hpp>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string>
#include <system_error>

namespace clvsim {

TemporaryFile::TemporaryFile(const std::filesystem::path& folder) : folder_(folder) {
  std::string name = (folder / ".clvsim-sort-XXXXXX").string();
  descriptor_ = ::mkostemp(name.data(), O_CLOEXEC);  // mode 0600
  if (descriptor_ < 0) fail("create a temporary file in", errno);
  ::unlink(name.c_str());
}

TemporaryFile::~TemporaryFile() { ::close(descriptor_); }

void TemporaryFile::append(std::string_view bytes) {
  write_all(descriptor_, bytes, folder_ / "(temporary file of the sort)");
  size_ += static_cast<std::int64_t>(bytes.size());
}

std::size_t TemporaryFile::read(std::int64_t offset, char* into, std::size_t n) const {
  for (;;) {
    const ssize_t got = ::pread(descriptor_, into, n, offset);
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno != EINTR) fail("read a temporary file in", errno);
  }
}

void TemporaryFile::fail(const char* what, int error) const {
  throw IoError(fmt::format("cannot {} '{}': {}; give another folder with --temporary-folder", what, folder_.string(),
                            std::generic_category().message(error)));
}

}  // namespace clvsim
