#include "host/io/seal.hpp"

#include <clvsim/error.hpp>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <vector>

#define XXH_INLINE_ALL
#include <xxhash.h>

static_assert(std::endian::native == std::endian::little, "clvsim files are read and written as little-endian memory");

namespace clvsim {
namespace {

// As PNG's: a transfer that translates line ends, or stops at a control-Z, damages the magic itself.
constexpr std::string_view magic{"CLVSIM\r\n\x1a\n", 10};
constexpr std::string_view hdf5_signature{"\x89HDF\r\n\x1a\n", 8};

// Offsets in the seal (docs/formats/sealed.md).
constexpr std::size_t type_at = 10, type_bytes = 22, major_at = 32, minor_at = 36, length_at = 40, payload_at = 48,
                      content_at = 64, padding_at = 80, checksum_at = seal_bytes - 8;
constexpr std::size_t block_bytes = std::size_t{1} << 20;

using Block = std::array<unsigned char, seal_bytes>;

class Descriptor {
 public:
  Descriptor(const std::filesystem::path& path, int flags) : fd_(::open(path.c_str(), flags | O_CLOEXEC)) {
    if (fd_ < 0)
      throw IoError(fmt::format("cannot open '{}': {}; check the path and its permissions", path.string(),
                                std::generic_category().message(errno)));
  }
  ~Descriptor() { ::close(fd_); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

// Bytes read at `offset`: fewer than n only at the end of the file.
std::size_t read_at(int descriptor, void* out, std::size_t n, std::uint64_t offset, const std::filesystem::path& path) {
  std::size_t done = 0;
  while (done < n) {
    const ssize_t got =
        ::pread(descriptor, static_cast<char*>(out) + done, n - done, static_cast<off_t>(offset + done));
    if (got < 0) {
      if (errno == EINTR) continue;
      throw IoError(fmt::format("cannot read '{}' at byte {}: {}; check the disk", path.string(), offset + done,
                                std::generic_category().message(errno)));
    }
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  return done;
}

Digest hash_payload(int descriptor, const std::filesystem::path& path, std::uint64_t& length) {
  std::vector<char> block(block_bytes);
  Hasher hasher;
  length = 0;
  while (const std::size_t n = read_at(descriptor, block.data(), block.size(), seal_bytes + length, path)) {
    hasher.update(block.data(), n);
    length += n;
  }
  return hasher.digest();
}

template <class T>
void put(Block& block, std::size_t at, T value) {
  std::memcpy(block.data() + at, &value, sizeof value);
}
template <class T>
T get(const Block& block, std::size_t at) {
  T value;
  std::memcpy(&value, block.data() + at, sizeof value);
  return value;
}

FormatError damaged(const std::filesystem::path& path, std::string_view why) {
  return FormatError(fmt::format("'{}' is damaged: {}; copy it again, or make it anew", path.string(), why));
}

std::string looks_like(std::string_view head) {
  if (head.empty()) return "it is empty";
  if (head.starts_with(hdf5_signature)) return "it is an HDF5 file of another program";
  if (head.starts_with("\x1f\x8b")) return "it is gzip-compressed";
  return "it does not begin with the magic bytes of clvsim";
}

}  // namespace

struct Hasher::State {
  XXH3_state_t xxh;
};
Hasher::Hasher() : state_(std::make_unique<State>()) { XXH3_128bits_reset(&state_->xxh); }
Hasher::~Hasher() = default;
Hasher::Hasher(Hasher&&) noexcept = default;
Hasher& Hasher::operator=(Hasher&&) noexcept = default;
void Hasher::update(const void* bytes, std::size_t n) { XXH3_128bits_update(&state_->xxh, bytes, n); }
Digest Hasher::digest() const {
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(&state_->xxh));
  Digest digest;
  std::memcpy(digest.bytes.data(), canonical.digest, digest.bytes.size());
  return digest;
}

std::string to_hex(const Digest& digest) {
  std::string text;
  for (const unsigned char byte : digest.bytes) text += fmt::format("{:02x}", byte);
  return text;
}

std::optional<Digest> parse_digest(std::string_view text) {
  Digest digest;
  if (text.size() != 2 * digest.bytes.size()) return std::nullopt;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::size_t digit = std::string_view("0123456789abcdef").find(text[i]);
    if (digit == std::string_view::npos) return std::nullopt;
    digest.bytes[i / 2] = static_cast<unsigned char>(digest.bytes[i / 2] * 16 + digit);
  }
  return digest;
}

FileIdentity identity_of(int descriptor, const std::filesystem::path& path) {
  struct stat status {};
  if (::fstat(descriptor, &status) != 0)
    throw IoError(fmt::format("cannot read '{}': {}", path.string(), std::generic_category().message(errno)));
  return {status.st_dev, status.st_ino, static_cast<std::uint64_t>(status.st_size), status.st_mtim.tv_sec,
          status.st_mtim.tv_nsec};
}

SealInfo check_seal(const std::filesystem::path& path) {
  // Without O_NONBLOCK, opening a pipe would wait for its writer.
  const Descriptor file(path, O_RDONLY | O_NONBLOCK);
  struct stat status {};
  if (::fstat(file.get(), &status) == 0 && !S_ISREG(status.st_mode))
    throw IoError(fmt::format("cannot read '{}': it is {}; give a file that clvsim wrote", path.string(),
                              S_ISDIR(status.st_mode) ? "a folder" : "no regular file"));

  SealInfo info;
  info.identity = identity_of(file.get(), path);
  Block block{};
  const std::size_t n = read_at(file.get(), block.data(), block.size(), 0, path);
  const std::string_view head(reinterpret_cast<const char*>(block.data()), n);
  if (!head.starts_with(magic))
    throw FormatError(
        fmt::format("'{}' is no clvsim file: {}; give a file that clvsim wrote", path.string(), looks_like(head)));
  if (n < seal_bytes) throw damaged(path, fmt::format("it is cut off after {} of at least {} bytes", n, seal_bytes));
  if (get<std::uint64_t>(block, checksum_at) != XXH3_64bits(block.data(), checksum_at))
    throw damaged(path, "the checksum of its first 512 bytes does not match");

  const std::string_view type(head.data() + type_at, type_bytes);
  info.type = type.substr(0, type.find('\0'));
  info.major = get<std::int32_t>(block, major_at);
  info.minor = get<std::int32_t>(block, minor_at);
  if (info.major > format_major || (info.major == format_major && info.minor > format_minor))
    throw FormatError(
        fmt::format("'{}' has format version {}.{}, newer than {}.{}, the newest that this clvsim "
                    "reads; upgrade clvsim",
                    path.string(), info.major, info.minor, format_major, format_minor));
  if (info.major != format_major || info.minor < 0)
    throw damaged(path, fmt::format("it has format version {}.{}, which never was", info.major, info.minor));
  if (std::any_of(block.begin() + padding_at, block.begin() + checksum_at, [](unsigned char c) { return c != 0; }))
    throw damaged(path, "its seal has bytes where none belong");

  const auto claimed = get<std::uint64_t>(block, length_at);
  std::memcpy(info.payload_digest.bytes.data(), block.data() + payload_at, info.payload_digest.bytes.size());
  std::memcpy(info.content_digest.bytes.data(), block.data() + content_at, info.content_digest.bytes.size());
  if (info.identity.bytes - seal_bytes != claimed)
    throw damaged(
        path, fmt::format("{} bytes follow its seal where {} were written", info.identity.bytes - seal_bytes, claimed));
  const Digest found = hash_payload(file.get(), path, info.payload_bytes);
  if (info.payload_bytes != claimed || found != info.payload_digest)
    throw damaged(path, "its bytes do not match its digest");
  if (info.identity != identity_of(file.get(), path)) throw damaged(path, "it changed while it was read");
  return info;
}

SealInfo check_seal(const std::filesystem::path& path, std::string_view type) {
  SealInfo info = check_seal(path);
  if (info.type != type)
    throw FormatError(fmt::format("'{}' is a clvsim {} file, not a {} file; give the file of that kind", path.string(),
                                  info.type, type));
  return info;
}

void write_seal(int descriptor, const std::filesystem::path& path, std::string_view type, const Digest& content,
                std::int32_t major, std::int32_t minor) {
  if (type.empty() || type.size() >= type_bytes) throw Error(ExitCode::internal, "a file type has 1 to 21 bytes");
  std::uint64_t length = 0;
  const Digest payload = hash_payload(descriptor, path, length);
  Block block{};
  std::memcpy(block.data(), magic.data(), magic.size());
  std::memcpy(block.data() + type_at, type.data(), type.size());
  put(block, major_at, major);
  put(block, minor_at, minor);
  put(block, length_at, length);
  std::memcpy(block.data() + payload_at, payload.bytes.data(), payload.bytes.size());
  std::memcpy(block.data() + content_at, content.bytes.data(), content.bytes.size());
  put(block, checksum_at, static_cast<std::uint64_t>(XXH3_64bits(block.data(), checksum_at)));
  std::size_t done = 0;
  while (done < block.size()) {
    const ssize_t n = ::pwrite(descriptor, block.data() + done, block.size() - done, static_cast<off_t>(done));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0)
      throw IoError(fmt::format("cannot write '{}': {}; free space on that disk, or write to another", path.string(),
                                std::generic_category().message(errno)));
    done += static_cast<std::size_t>(n);
  }
}

void write_seal(const std::filesystem::path& path, std::string_view type, const Digest& content, std::int32_t major,
                std::int32_t minor) {
  const Descriptor file(path, O_RDWR);
  write_seal(file.get(), path, type, content, major, minor);
}

}  // namespace clvsim
