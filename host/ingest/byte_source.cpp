#include "host/ingest/byte_source.hpp"

#include <clvsim/error.hpp>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <vector>

namespace clvsim {
namespace {

constexpr std::size_t input_bytes = std::size_t{1} << 18;
constexpr int gzip_window = 15 + 16;  // zlib: largest window, gzip framing alone
constexpr unsigned char gzip_magic[2] = {0x1f, 0x8b};

}  // namespace

struct ByteSource::Impl {
  std::filesystem::path path;
  std::string name;
  int descriptor = -1;
  std::int64_t consumed = 0, file_bytes = 0;
  bool gzip = false, file_ended = false, member_open = false, stream_ready = false;
  z_stream stream{};
  std::vector<unsigned char> input;
  std::size_t at = 0, end = 0;  // unread part of `input`

  ~Impl() {
    if (stream_ready) inflateEnd(&stream);
    if (descriptor >= 0) ::close(descriptor);
  }

  [[noreturn]] void fail(const char* what, int error) const {
    throw IoError(fmt::format("cannot {} '{}': {}; check the path and its permissions", what, path.string(),
                              std::generic_category().message(error)));
  }
  [[noreturn]] void corrupt(const char* why) const {
    throw DataError(fmt::format(
        "'{}' is a damaged gzip file: {}; copy it again, or test it with gzip -t, then import the whole file", name,
        why));
  }

  std::size_t read_raw(void* into, std::size_t n) {
    for (;;) {
      const ssize_t got = ::read(descriptor, into, n);
      if (got >= 0) {
        consumed += got;
        if (got == 0) file_ended = true;
        return static_cast<std::size_t>(got);
      }
      if (errno != EINTR) fail("read", errno);
    }
  }

  // At least `wanted` unread bytes in `input`, fewer at the end of the file alone.
  std::size_t ensure(std::size_t wanted) {
    while (end - at < wanted && !file_ended) {
      std::copy(input.begin() + static_cast<std::ptrdiff_t>(at), input.begin() + static_cast<std::ptrdiff_t>(end),
                input.begin());
      end -= at;
      at = 0;
      end += read_raw(input.data() + end, input.size() - end);
    }
    return end - at;
  }

  std::size_t inflate_into(char* into, std::size_t n) {
    stream.next_out = reinterpret_cast<Bytef*>(into);
    stream.avail_out = static_cast<uInt>(std::min<std::size_t>(n, std::size_t{1} << 30));
    const uInt room = stream.avail_out;
    while (stream.avail_out == room) {
      if (!member_open && !next_member()) return 0;
      if (ensure(1) == 0) corrupt("it ends in the middle of the data (truncated)");
      stream.next_in = input.data() + at;
      stream.avail_in = static_cast<uInt>(end - at);
      const int result = ::inflate(&stream, Z_NO_FLUSH);
      at = end - stream.avail_in;
      if (result == Z_STREAM_END)
        member_open = false;
      else if (result != Z_OK && result != Z_BUF_ERROR)
        corrupt(stream.msg != nullptr ? stream.msg : "its data cannot be inflated");
    }
    return room - stream.avail_out;
  }

  // Starts the next gzip member; false at the end of the file. Zero bytes after a member are padding.
  bool next_member() {
    while (ensure(1) > 0 && input[at] == 0 && stream_ready) ++at;
    if (ensure(2) == 0) return false;
    if (end - at < 2 || input[at] != gzip_magic[0] || input[at + 1] != gzip_magic[1])
      corrupt("something else follows its data");
    const int result = stream_ready ? ::inflateReset2(&stream, gzip_window) : ::inflateInit2(&stream, gzip_window);
    if (result != Z_OK) throw IoError(fmt::format("cannot inflate '{}': zlib has no memory left; free some", name));
    stream_ready = member_open = true;
    return true;
  }
};

ByteSource::ByteSource(const std::filesystem::path& path) : impl_(std::make_unique<Impl>()) {
  impl_->path = path;
  impl_->name = path.filename().string();
  // O_NONBLOCK: opening a pipe without a writer must not hang before it is refused below.
  impl_->descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (impl_->descriptor < 0) impl_->fail("open", errno);
  struct stat status {};
  if (::fstat(impl_->descriptor, &status) != 0) impl_->fail("read", errno);
  if (!S_ISREG(status.st_mode))
    throw IoError(fmt::format("cannot read '{}': it is a folder, pipe or device; a log is read twice, so give a file",
                              path.string()));
  impl_->file_bytes = status.st_size;
  impl_->input.resize(input_bytes);
  impl_->ensure(2);
  impl_->gzip = impl_->end >= 2 && impl_->input[0] == gzip_magic[0] && impl_->input[1] == gzip_magic[1];
}

ByteSource::~ByteSource() = default;
ByteSource::ByteSource(ByteSource&&) noexcept = default;

std::size_t ByteSource::read(char* into, std::size_t n) {
  if (n == 0) return 0;  // zlib would wait for room for ever
  if (impl_->gzip) return impl_->inflate_into(into, n);
  if (impl_->at < impl_->end) {
    const std::size_t taken = std::min(n, impl_->end - impl_->at);
    std::copy_n(impl_->input.data() + impl_->at, taken, reinterpret_cast<unsigned char*>(into));
    impl_->at += taken;
    return taken;
  }
  return impl_->read_raw(into, n);
}

std::int64_t ByteSource::consumed() const { return impl_->consumed; }
std::int64_t ByteSource::file_bytes() const { return impl_->file_bytes; }

}  // namespace clvsim
