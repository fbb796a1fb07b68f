#include "host/io/table.hpp"

#include <algorithm>
#include <cstring>

namespace clvsim::h5 {
namespace {

constexpr std::size_t chunk_bytes = std::size_t{256} << 10;

// Rows of a chunk: at most 256 KiB, and a power of two, so that a block is a whole number of chunks.
std::size_t chunk_rows(Type type) {
  std::size_t rows = block_rows;
  while (rows > 1 && rows * type.width > chunk_bytes) rows /= 2;
  return rows;
}

std::string path_of(const std::string& group, const std::string& name) { return group + "/" + name; }

void put(std::string& out, std::uint64_t value) { out.append(reinterpret_cast<const char*>(&value), sizeof value); }
void put(std::string& out, std::string_view text) {
  put(out, std::uint64_t{text.size()});
  out.append(text);
}

const std::vector<AttributeSpec>& column_attributes() {
  static const std::vector<AttributeSpec> specs{
      {"units", text(0)}, {"long_name", text(0)}, {"scale", f64, true, 1, true}};
  return specs;
}

}  // namespace

std::vector<std::string> names_of(const std::vector<Column>& columns) {
  std::vector<std::string> names;
  names.reserve(columns.size());
  for (const Column& column : columns) names.push_back(column.name);
  return names;
}

void ContentDigest::add(const std::string& path, Type type, std::uint64_t rows,
                        const std::vector<Attribute>& attributes, const Digest& values) {
  std::map<std::string, const Attribute*> sorted;
  for (const Attribute& attribute : attributes)
    if (path != "/" || (attribute.name != "content_digest" && attribute.name != "program_version"))
      sorted[attribute.name] = &attribute;
  std::string entry;
  put(entry, path);
  put(entry, to_string(type));
  put(entry, rows);
  put(entry, std::uint64_t{sorted.size()});
  for (const auto& [name, attribute] : sorted) {
    put(entry, name);
    put(entry, to_string(attribute->type));
    put(entry, std::string_view(reinterpret_cast<const char*>(attribute->values.data()), attribute->values.size()));
  }
  entry.append(reinterpret_cast<const char*>(values.bytes.data()), values.bytes.size());
  entries_[path] = std::move(entry);
}

Digest ContentDigest::digest() const {
  Hasher hasher;
  for (const auto& [path, entry] : entries_) hasher.update(entry.data(), entry.size());
  return hasher.digest();
}

TableWriter::TableWriter(hid_t file, std::string group, std::vector<Column> columns)
    : file_(file),
      group_(std::move(group)),
      columns_(std::move(columns)),
      hashers_(columns_.size()),
      buffers_(columns_.size()) {}

void TableWriter::append(std::span<const void* const> columns, std::size_t rows) {
  if (columns.size() != columns_.size())
    throw Error(ExitCode::internal,
                fmt::format("{} columns for the {} of {}", columns.size(), columns_.size(), group_));
  for (std::size_t done = 0; done < rows;) {
    const std::size_t n = std::min(rows - done, room());
    for (std::size_t c = 0; c < columns.size(); ++c) {
      const std::size_t width = columns_[c].type.width;
      const char* source = static_cast<const char*>(columns[c]) + done * width;
      buffers_[c].insert(buffers_[c].end(), source, source + n * width);
    }
    held_ += n;
    done += n;
    if (held_ == block_rows) write_block();
  }
}

std::vector<Attribute> TableWriter::attributes(const Column& column) const {
  std::vector<Attribute> list{text_attribute("units", column.units), text_attribute("long_name", column.long_name)};
  if (column.scale != 0) list.push_back(attribute("scale", f64, column.scale));
  return list;
}

void TableWriter::write_block() {
  const bool first = datasets_.empty();
  for (std::size_t c = 0; c < columns_.size(); ++c) {
    const Type type = columns_[c].type;
    if (first) {
      // Short of a block means the end of the table: it is written as it is, without chunks.
      datasets_.push_back(create_dataset(file_, path_of(group_, columns_[c].name), type, held_,
                                         held_ < block_rows ? 0 : chunk_rows(type)));
      for (const Attribute& attribute : attributes(columns_[c])) write_attribute(datasets_[c].get(), attribute);
    } else {
      extend(datasets_[c].get(), written_ + held_);
    }
    write_rows(datasets_[c].get(), type, written_, held_, buffers_[c].data());
    hashers_[c].update(buffers_[c].data(), held_ * type.width);
    buffers_[c].clear();
  }
  written_ += held_;
  held_ = 0;
}

void TableWriter::finish(ContentDigest& digest) {
  if (held_ > 0 || datasets_.empty()) write_block();
  for (std::size_t c = 0; c < columns_.size(); ++c) {
    digest.add(path_of(group_, columns_[c].name), columns_[c].type, written_, attributes(columns_[c]),
               hashers_[c].digest());
    if (!datasets_[c].close()) check(-1, "closing a dataset");
  }
}

TableReader::TableReader(hid_t file, const std::string& group, const std::vector<Column>& columns,
                         std::uint64_t payload_bytes) {
  for (const Column& column : columns) {
    OpenColumn open;
    open.path = path_of(group, column.name);
    open.data = open_dataset(file, open.path, column.type, payload_bytes);
    open.attributes = read_attributes(open.data.id.get(), column_attributes(), open.path);
    if (!columns_.empty() && open.data.rows != rows())
      throw Failure(fmt::format("{} has {} rows, {} has {}", open.path, open.data.rows, columns_.front().path, rows()));
    columns_.push_back(std::move(open));
  }
}

double TableReader::scale(std::size_t column) const {
  const std::vector<Attribute>& attributes = columns_[column].attributes;
  return find(attributes, "scale") == nullptr ? 0 : value_of<double>(attributes, "scale");
}

void TableReader::read(std::size_t column, std::size_t first, std::size_t count, void* out) const {
  const OpenColumn& open = columns_[column];
  read_rows(open.data, first, count, out, open.path);
  if (hashers_.empty() || first > hashed_[column] || first + count <= hashed_[column]) return;
  const std::size_t width = open.data.type.width, known = hashed_[column] - first;
  hashers_[column].update(static_cast<const char*>(out) + known * width, (count - known) * width);
  hashed_[column] = first + count;
}

std::vector<std::string> TableReader::read_texts(std::size_t column) const {
  const std::size_t width = type(column).width;
  std::vector<char> bytes;
  read(column, 0, rows(), bytes);
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < rows(); ++i)
    texts.emplace_back(bytes.data() + i * width, ::strnlen(bytes.data() + i * width, width));
  return texts;
}

void TableReader::start_hashing() {
  hashers_.resize(columns_.size());
  hashed_.assign(columns_.size(), 0);
}

void TableReader::add_to(ContentDigest& digest) const {
  for (std::size_t c = 0; c < columns_.size(); ++c) {
    if (hashers_.empty() || hashed_[c] != rows()) throw Failure(columns_[c].path + " was not read to its end");
    digest.add(columns_[c].path, columns_[c].data.type, rows(), columns_[c].attributes, hashers_[c].digest());
  }
}

std::vector<TableReader::Description> TableReader::describe() const {
  std::vector<Description> list;
  for (const OpenColumn& column : columns_)
    list.push_back({column.path, column.data.type, column.data.rows, column.attributes});
  return list;
}

const Attribute* find(const std::vector<Attribute>& attributes, std::string_view name) {
  for (const Attribute& attribute : attributes)
    if (attribute.name == name) return &attribute;
  return nullptr;
}

std::string text_of(const std::vector<Attribute>& attributes, std::string_view name) {
  const Attribute* found = find(attributes, name);
  if (found == nullptr) throw Failure(fmt::format("attribute '{}' is missing", name));
  const char* begin = reinterpret_cast<const char*>(found->values.data());
  return {begin, ::strnlen(begin, found->values.size())};
}

template <class T>
std::vector<T> values_of(const std::vector<Attribute>& attributes, std::string_view name) {
  const Attribute* found = find(attributes, name);
  if (found == nullptr || found->type.width != sizeof(T))
    throw Failure(fmt::format("attribute '{}' is missing or of another type", name));
  std::vector<T> values(found->count());
  std::memcpy(values.data(), found->values.data(), found->values.size());
  return values;
}
template std::vector<std::int32_t> values_of(const std::vector<Attribute>&, std::string_view);
template std::vector<std::uint32_t> values_of(const std::vector<Attribute>&, std::string_view);
template std::vector<std::int64_t> values_of(const std::vector<Attribute>&, std::string_view);
template std::vector<std::uint64_t> values_of(const std::vector<Attribute>&, std::string_view);
template std::vector<double> values_of(const std::vector<Attribute>&, std::string_view);

}  // namespace clvsim::h5
