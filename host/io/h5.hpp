// A thin wrapper over the HDF5 C API: one lock, handles that close themselves, errors as exceptions, and the few types,
// attributes and layouts that clvsim files have. Nothing outside host/io includes it.
#pragma once

#include "host/io/seal.hpp"

#include <fmt/format.h>
#include <hdf5.h>
#include <clvsim/error.hpp>

#include <filesystem>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace clvsim::h5 {

// A call of libhdf5 that failed, or a file that is not as it must be. It never leaves host/io: writing() and reading()
// turn it into IoError or FormatError with the path.
struct Failure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Held around every use of libhdf5: one thread at a time, and none inside it while a process forks. Recursive, so that
// owners of handles may lock in their destructors. The first one sets the library up.
class LibraryLock {
 public:
  LibraryLock();
  ~LibraryLock();
  LibraryLock(const LibraryLock&) = delete;
  LibraryLock& operator=(const LibraryLock&) = delete;
};
// In a forked child, which has one thread and must not touch the parent's lock: locks do nothing from now on.
void abandon_lock_in_child();

// An identifier of libhdf5 and how it is closed. Make, use and destroy it under a LibraryLock.
class Handle {
 public:
  Handle() = default;
  // Throws Failure where id < 0, saying that `what` failed.
  Handle(hid_t id, herr_t (*closer)(hid_t), std::string_view what);
  ~Handle() { close(); }
  Handle(Handle&& other) noexcept : id_(std::exchange(other.id_, -1)), closer_(other.closer_) {}
  Handle& operator=(Handle&& other) noexcept;
  [[nodiscard]] hid_t get() const { return id_; }
  [[nodiscard]] bool open() const { return id_ >= 0; }
  // False where closing fails, as it does when what was left to write could not be written.
  bool close() noexcept;

 private:
  hid_t id_ = -1;
  herr_t (*closer_)(hid_t) = nullptr;
};

// Throws Failure with the library's own reason (e.g. "No space left on device") where status < 0.
void check(herr_t status, std::string_view what);

// Runs f under the lock; a Failure becomes IoError.
template <class F>
auto writing(const std::filesystem::path& path, F&& f) {
  const LibraryLock lock;
  try {
    return f();
  } catch (const Failure& failure) {
    throw IoError(fmt::format("cannot write '{}': {}; free space on that disk, or write to another", path.string(),
                              failure.what()));
  }
}
// Runs f under the lock; a Failure becomes FormatError.
template <class F>
auto reading(const std::filesystem::path& path, F&& f) {
  const LibraryLock lock;
  try {
    return f();
  } catch (const Failure& failure) {
    throw FormatError(
        fmt::format("'{}' is damaged or unsafe: {}; copy it again, or make it anew", path.string(), failure.what()));
  }
}

// Destroys an owner of handles under the lock.
template <class T>
void destroy(std::unique_ptr<T>& owner) {
  const LibraryLock lock;
  owner.reset();
}

// The element types of clvsim files, all little-endian. A text has a fixed width in bytes, padded with NUL.
struct Type {
  enum class Kind : std::uint8_t { u8, i32, u32, i64, u64, f64, text } kind = Kind::u8;
  std::size_t width = 1;  // bytes an element; of a text, 0 in a schema: any from 1 to max_text_bytes
  bool operator==(const Type&) const = default;
};
inline constexpr Type u8{Type::Kind::u8, 1}, i32{Type::Kind::i32, 4}, u32{Type::Kind::u32, 4}, i64{Type::Kind::i64, 8},
    u64{Type::Kind::u64, 8}, f64{Type::Kind::f64, 8};
constexpr Type text(std::size_t width) { return {Type::Kind::text, width}; }
inline constexpr std::size_t max_text_bytes = 4096;
// "int32", "text[12]", ...
std::string to_string(Type type);
// The HDF5 type of an element, in the file and in memory.
Handle make_type(Type type);

struct Attribute {
  std::string name;
  Type type;
  bool scalar = true;  // else a 1-D array
  std::vector<unsigned char> values;

  [[nodiscard]] std::size_t count() const { return values.size() / type.width; }
};
Attribute text_attribute(std::string name, std::string_view value);
template <class T>
Attribute attribute(std::string name, Type type, const T& value) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(&value);
  return {std::move(name), type, true, {bytes, bytes + sizeof value}};
}
template <class T>
Attribute array_attribute(std::string name, Type type, const std::vector<T>& values) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(values.data());
  return {std::move(name), type, false, {bytes, bytes + values.size() * sizeof(T)}};
}
void write_attribute(hid_t object, const Attribute& attribute);

// What an attribute must be: of exactly this type (a text of any width up to the limit), scalar, or 1 to max_count
// long.
struct AttributeSpec {
  std::string name;
  Type type;
  bool scalar = true;
  std::size_t max_count = 1;
  bool optional = false;
};
// The attributes of an object, which must be those of `specs` and no others. Throws Failure.
std::vector<Attribute> read_attributes(hid_t object, const std::vector<AttributeSpec>& specs, std::string_view where);

// A group must hold exactly these names, all of them hard links. Throws Failure.
void check_children(hid_t file, const std::string& group, const std::vector<std::string>& names);

// Creates the file (truncating what stands there) with an empty seal; the new file must be the one behind `descriptor`.
Handle create_file(const std::filesystem::path& path, int descriptor);
// Opens for reading; the file must still be the one that was checked.
Handle open_file(const std::filesystem::path& path, const FileIdentity& identity);
Handle create_group(hid_t file, const std::string& name);

// Creates a 1-D dataset: contiguous where `rows` is its final length; else (chunk_rows > 0) extendible in chunks with
// Fletcher32 checksums.
Handle create_dataset(hid_t file, const std::string& path, Type type, std::size_t rows, std::size_t chunk_rows);
void write_rows(hid_t dataset, Type type, std::size_t first, std::size_t count, const void* values);
void extend(hid_t dataset, std::size_t rows);

// A dataset of a file that nobody vouches for: 1-D, exactly of the type (a text's width is found out), no filter but
// Fletcher32, no external or virtual storage, not larger than its stored bytes nor than the file. Throws Failure.
struct OpenDataset {
  Handle id;
  Type type;
  std::size_t rows = 0;
};
OpenDataset open_dataset(hid_t file, const std::string& path, Type expected, std::uint64_t payload_bytes);
void read_rows(const OpenDataset& dataset, std::size_t first, std::size_t count, void* values, std::string_view path);

}  // namespace clvsim::h5
