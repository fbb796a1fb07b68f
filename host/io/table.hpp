// Tables of equally long columns, one 1-D dataset a column, and the digest of what they and the attributes say.
#pragma once

#include "host/base/buffer.hpp"
#include "host/io/h5.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace clvsim::h5 {

struct Column {
  std::string name;
  Type type;
  std::string units;      // UDUNITS-like; "1" where there is none
  std::string long_name;  // one line for people
  double scale = 0;       // times this, a value is in units without their factor; 0: no such attribute
};

std::vector<std::string> names_of(const std::vector<Column>& columns);

// XXH3-128 over everything that a file says, whatever its layout: of every dataset the path, type, length, attributes
// and values, of the root the attributes; objects in the order of their paths' bytes, attributes of their names'. Left
// out: the root's content_digest (itself) and program_version (the same values have the same digest from any version).
class ContentDigest {
 public:
  void add_root(const std::vector<Attribute>& attributes) { add("/", {}, 0, attributes, {}); }
  void add(const std::string& path, Type type, std::uint64_t rows, const std::vector<Attribute>& attributes,
           const Digest& values);
  [[nodiscard]] Digest digest() const;

 private:
  std::map<std::string, std::string> entries_;  // by path
};

// Rows that are held back until a block of this many is complete. All columns of a table are written block by block, in
// the order of the columns, so that the file's bytes do not depend on how rows were handed over.
inline constexpr std::size_t block_rows = 32768;

class TableWriter {
 public:
  // `group` exists or is created by the caller; the datasets are created with the first block.
  TableWriter(hid_t file, std::string group, std::vector<Column> columns);
  // One pointer a column, each to `rows` elements.
  void append(std::span<const void* const> columns, std::size_t rows);
  // Writes what is held back; a table shorter than a block is contiguous. Adds every column to the digest.
  void finish(ContentDigest& digest);
  [[nodiscard]] std::uint64_t rows() const { return written_ + held_; }
  // Rows until the block that is being filled is complete: 1 to block_rows.
  [[nodiscard]] std::size_t room() const { return block_rows - held_; }

 private:
  void write_block();
  std::vector<Attribute> attributes(const Column& column) const;

  hid_t file_;
  std::string group_;
  std::vector<Column> columns_;
  std::vector<Handle> datasets_;
  std::vector<Hasher> hashers_;
  std::vector<std::vector<char>> buffers_;
  std::size_t held_ = 0;
  std::uint64_t written_ = 0;
};

class TableReader {
 public:
  TableReader() = default;
  // Opens the columns strictly (h5.hpp) and checks that they are equally long. Throws Failure.
  TableReader(hid_t file, const std::string& group, const std::vector<Column>& columns, std::uint64_t payload_bytes);

  [[nodiscard]] std::size_t rows() const { return columns_.empty() ? 0 : columns_.front().data.rows; }
  [[nodiscard]] Type type(std::size_t column) const { return columns_[column].data.type; }
  // The attribute `scale`; 0 where there is none.
  [[nodiscard]] double scale(std::size_t column) const;
  // Reads `count` rows from `first` on. Throws Failure.
  void read(std::size_t column, std::size_t first, std::size_t count, void* out) const;
  template <class T>
  void read(std::size_t column, std::size_t first, std::size_t count, std::vector<T>& out) const {
    resize_anew(out, count * (columns_[column].data.type.width / sizeof(T)));
    read(column, first, count, out.data());
  }
  // A column of texts, without their padding.
  [[nodiscard]] std::vector<std::string> read_texts(std::size_t column) const;

  // From now on what is read, in the order of the rows, is hashed: the digest is of the values that a reader got.
  void start_hashing();
  // Adds every column; throws Failure where one was not read to its end.
  void add_to(ContentDigest& digest) const;

  struct Description {
    std::string path;
    Type type;
    std::uint64_t rows = 0;
    std::vector<Attribute> attributes;
  };
  [[nodiscard]] std::vector<Description> describe() const;

 private:
  struct OpenColumn {
    std::string path;
    OpenDataset data;
    std::vector<Attribute> attributes;
  };
  std::vector<OpenColumn> columns_;
  mutable std::vector<Hasher> hashers_;      // empty: not hashing
  mutable std::vector<std::size_t> hashed_;  // rows
};

// The value of an attribute that read_attributes() checked.
const Attribute* find(const std::vector<Attribute>& attributes, std::string_view name);
std::string text_of(const std::vector<Attribute>& attributes, std::string_view name);
template <class T>
std::vector<T> values_of(const std::vector<Attribute>& attributes, std::string_view name);
template <class T>
T value_of(const std::vector<Attribute>& attributes, std::string_view name) {
  return values_of<T>(attributes, name).at(0);
}

}  // namespace clvsim::h5
