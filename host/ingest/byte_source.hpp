// The bytes of a log file, plain or gzip.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

namespace clvsim {

// Reads a regular file from its start, inflating it where it begins with the gzip magic bytes (several members are read
// as one). Throws IoError where the file cannot be opened or read, DataError where a gzip stream is truncated or
// corrupt.
class ByteSource {
 public:
  explicit ByteSource(const std::filesystem::path& path);
  ~ByteSource();
  ByteSource(ByteSource&&) noexcept;

  // Up to n bytes into `into`; 0 at the end alone.
  std::size_t read(char* into, std::size_t n);
  // Bytes of the file itself: read so far, and in all.
  [[nodiscard]] std::int64_t consumed() const;
  [[nodiscard]] std::int64_t file_bytes() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace clvsim
