// A clvsim file while it is written: HDF5 behind a seal that is still empty, under a temporary name; finish() writes
// the root's attributes, digests and seals the content, and gives the file its final name. Without it nothing stays.
#pragma once

#include "host/base/output_file.hpp"
#include "host/io/table.hpp"

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace clvsim::h5 {

// Make it under a LibraryLock, and before the TableWriters of the file, so that they are destroyed first.
class SealedWriter {
 public:
  // Creates the file with these groups (of which "/" is there already). Throws Failure, IoError.
  SealedWriter(const std::filesystem::path& path, bool overwrite,
               const std::vector<std::pair<std::string, std::vector<std::string>>>& groups);
  ~SealedWriter();

  [[nodiscard]] hid_t id() const { return file_.get(); }
  [[nodiscard]] const std::filesystem::path& path() const { return output_.final_path(); }
  // Writes a whole table, one pointer a column. Throws Failure.
  void write_table(const std::string& group, const std::vector<Column>& columns, const std::vector<const void*>& values,
                   std::size_t rows);
  // What tables that are written in parts add themselves to.
  [[nodiscard]] ContentDigest& digest() { return digest_; }
  // Once all tables are finished. Throws Failure, IoError.
  Digest finish(std::string_view type, const std::vector<Attribute>& root_attributes);

 private:
  OutputFile output_;
  Handle file_;
  ContentDigest digest_;
  bool committed_ = false;
};

// Runs f, which checks what a caller hands over: what a reader would refuse is a mistake of the caller, not of the
// disk. `what`: "a store", "a run".
template <class F>
void checked(std::string_view what, F&& f) {
  try {
    f();
  } catch (const Failure& failure) {
    throw Error(ExitCode::internal, fmt::format("{} that no reader would accept: {}", what, failure.what()));
  }
}

}  // namespace clvsim::h5
