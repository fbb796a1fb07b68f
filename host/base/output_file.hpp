// A file that appears whole under its final name, or not at all.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace clvsim {

// Creates a temporary file beside `final_path` (O_EXCL, mode 0600) on construction; commit() syncs it and renames it to
// the final name; without commit() the destructor removes it. Refuses an existing final path unless `overwrite`, and a
// final path that is neither absent nor a regular file. Throws IoError with path and remedy.
class OutputFile {
 public:
  OutputFile(std::filesystem::path final_path, bool overwrite);
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  [[nodiscard]] int descriptor() const { return descriptor_; }
  [[nodiscard]] const std::filesystem::path& temporary_path() const { return temporary_; }
  [[nodiscard]] const std::filesystem::path& final_path() const { return final_; }

  void write(std::string_view bytes);  // buffered
  void flush();
  void commit();

 private:
  std::filesystem::path final_, temporary_;
  bool overwrite_;
  int descriptor_ = -1;
  int slot_ = -1;  // in the list of unfinished files
  bool committed_ = false;
  std::string buffer_;
};

// Throws IoError when `path` exists and may not be overwritten, is no regular file, or its folder does not exist or is
// not writable: called before hours of work, not after.
void check_output(const std::filesystem::path& path, bool overwrite);

// Throws ConfigError where an output is also an input, or two outputs are the same file: --force must not eat what it
// reads.
void check_distinct(const std::vector<std::filesystem::path>& inputs,
                    const std::vector<std::filesystem::path>& outputs);

// Several files that appear together: written in a hidden folder beside their final names, moved there by commit().
// Without commit() the destructor removes them.
class StagedFiles {
 public:
  // Checks every final path as OutputFile does.
  StagedFiles(const std::filesystem::path& folder, std::vector<std::string> names, bool overwrite);
  ~StagedFiles();
  StagedFiles(const StagedFiles&) = delete;
  StagedFiles& operator=(const StagedFiles&) = delete;

  // Where to write file `name` until commit().
  [[nodiscard]] std::filesystem::path path(const std::string& name) const { return staging_ / name; }
  void commit();

 private:
  std::filesystem::path folder_, staging_;
  std::vector<std::string> names_;
  std::vector<int> slots_;  // of the files, then of the staging folder
  bool overwrite_;
};

// Writes all bytes to a descriptor; throws IoError naming `path` and how many bytes of how many were written.
void write_all(int descriptor, std::string_view bytes, const std::filesystem::path& path);

// Reads a whole (small) file; throws IoError, and FormatError over `limit` bytes.
std::string read_text(const std::filesystem::path& path, std::size_t limit = std::size_t{64} << 20);

// Removes the temporary files of every OutputFile and StagedFiles alive: for a signal handler (async-signal-safe).
void remove_unfinished_outputs() noexcept;

}  // namespace clvsim
