// What an import cannot hold in memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string_view>

namespace clvsim {

// An unlinked temporary file that only this process can read. The functions throw IoError.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::filesystem::path& folder);
  ~TemporaryFile();
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  void append(std::string_view bytes);
  // Bytes read at `offset`: fewer than n only at the end of the file or where the system says so.
  std::size_t read(std::int64_t offset, char* into, std::size_t n) const;
  [[nodiscard]] std::int64_t size() const { return size_; }

 private:
  [[noreturn]] void fail(const char* what, int error) const;
  std::filesystem::path folder_;
  int descriptor_ = -1;
  std::int64_t size_ = 0;
};

}  // namespace clvsim
