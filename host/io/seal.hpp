// The seal of a clvsim file: a 512-byte block before the HDF5 superblock that says what the file is, how long it is,
// and the digests of its bytes and of its content (docs/formats/sealed.md). It is checked before libhdf5 parses a byte.
#pragma once

#include <sys/types.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace clvsim {

// XXH3-128 in its canonical (big-endian) byte order.
struct Digest {
  std::array<unsigned char, 16> bytes{};
  bool operator==(const Digest&) const = default;
};
std::string to_hex(const Digest& digest);
// 32 lower-case hexadecimal digits, or nothing.
std::optional<Digest> parse_digest(std::string_view text);

// XXH3-128 of a stream of bytes.
class Hasher {
 public:
  Hasher();
  ~Hasher();
  Hasher(Hasher&&) noexcept;
  Hasher& operator=(Hasher&&) noexcept;
  void update(const void* bytes, std::size_t n);
  [[nodiscard]] Digest digest() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

inline constexpr std::size_t seal_bytes = 512;
inline constexpr std::int32_t format_major = 1;
inline constexpr std::int32_t format_minor = 0;

// Which bytes were checked: a file that was swapped or rewritten since differs.
struct FileIdentity {
  std::uint64_t device = 0, inode = 0, bytes = 0;
  std::int64_t modified_s = 0, modified_ns = 0;
  bool operator==(const FileIdentity&) const = default;
};
// Throws IoError.
FileIdentity identity_of(int descriptor, const std::filesystem::path& path);

struct SealInfo {
  std::string type;  // "store", "run"
  std::int32_t major = 0, minor = 0;
  std::uint64_t payload_bytes = 0;  // everything after the seal
  Digest payload_digest;
  Digest content_digest;
  FileIdentity identity;
};

// Reads the whole file once, in blocks, and checks everything that the seal says. Throws IoError (missing, a folder, no
// permission), FormatError (no clvsim file, newer version, truncated, altered).
SealInfo check_seal(const std::filesystem::path& path);
// The same, and FormatError where the file is of another type.
SealInfo check_seal(const std::filesystem::path& path, std::string_view type);

// Writes the seal of the payload that stands behind the first 512 bytes of an open file; `path` is for messages. Throws
// IoError.
void write_seal(int descriptor, const std::filesystem::path& path, std::string_view type, const Digest& content,
                std::int32_t major = format_major, std::int32_t minor = format_minor);
// Seals a file anew, e.g. after it was altered on purpose.
void write_seal(const std::filesystem::path& path, std::string_view type, const Digest& content,
                std::int32_t major = format_major, std::int32_t minor = format_minor);

}  // namespace clvsim
