#include "host/io/h5.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace clvsim::h5 {
namespace {

std::recursive_mutex library_mutex;
bool forked_child = false;  // set once, by the only thread of a child

// The most links of a group and attributes of an object that stay inside its header: ours always do, which keeps the
// structures that a reader has to trust few.
constexpr unsigned max_compact = 512, min_dense = 256;
constexpr hsize_t max_chunk_bytes = hsize_t{1} << 20;
// Of indices, for every file, as they are stored: in memory they are ten times as large. Of chunks, for every dataset
// that is read: one of those that clvsim writes.
constexpr std::size_t index_cache_bytes = std::size_t{128} << 10, chunk_cache_bytes = std::size_t{256} << 10;

// The innermost message of the library's error stack, without addresses and file names.
std::string reason() {
  std::string found;
  H5Ewalk2(
      H5E_DEFAULT, H5E_WALK_UPWARD,
      [](unsigned n, const H5E_error2_t* error, void* out) -> herr_t {
        if (n == 0 && error->desc != nullptr) *static_cast<std::string*>(out) = error->desc;
        return 0;
      },
      &found);
  H5Eclear2(H5E_DEFAULT);
  constexpr std::string_view system = "error message = '";
  if (const auto at = found.find(system); at != std::string::npos) {
    const auto begin = at + system.size();
    return found.substr(begin, found.find('\'', begin) - begin);
  }
  return found.substr(0, found.find_first_of(",:"));
}

[[noreturn]] void fail(std::string_view what) {
  const std::string why = reason();
  throw Failure(why.empty() ? std::string(what) : fmt::format("{}: {}", what, why));
}

Handle property_list(hid_t type) { return {H5Pcreate(type), H5Pclose, "making a property list"}; }

Handle file_access() {
  Handle access = property_list(H5P_FILE_ACCESS);
  check(H5Pset_libver_bounds(access.get(), H5F_LIBVER_V18, H5F_LIBVER_V18), "choosing the format");
  // Files are written once under a temporary name: no reader meets a writer, and network file systems lack locks.
  check(H5Pset_file_locking(access.get(), false, true), "switching file locking off");
  // As it is, libhdf5 lets its cache of indices grow with the file, up to 32 MiB.
  H5AC_cache_config_t cache{};
  cache.version = H5AC__CURR_CACHE_CONFIG_VERSION;
  check(H5Pget_mdc_config(access.get(), &cache), "asking for the cache's size");
  cache.set_initial_size = true;
  cache.initial_size = cache.min_size = cache.max_size = index_cache_bytes;
  cache.incr_mode = H5C_incr__off;
  cache.flash_incr_mode = H5C_flash_incr__off;
  cache.decr_mode = H5C_decr__off;
  check(H5Pset_mdc_config(access.get(), &cache), "choosing the cache's size");
  return access;
}

// `bytes`: of chunks of a dataset that libhdf5 keeps between calls.
Handle dataset_access(std::size_t bytes) {
  Handle access = property_list(H5P_DATASET_ACCESS);
  constexpr std::size_t slots = 1;  // rows are read and written in their order: only the latest chunk matters
  check(H5Pset_chunk_cache(access.get(), slots, bytes, H5D_CHUNK_CACHE_W0_DEFAULT), "choosing the chunk cache");
  return access;
}

// The descriptor behind an open file.
int descriptor_of(hid_t file) {
  void* handle = nullptr;
  check(H5Fget_vfd_handle(file, H5P_DEFAULT, &handle), "finding the open file");
  return *static_cast<int*>(handle);
}

Handle simple_space(std::size_t rows, bool extendible) {
  const hsize_t size = rows, limit = H5S_UNLIMITED;
  return {H5Screate_simple(1, &size, extendible ? &limit : &size), H5Sclose, "making a data space"};
}

struct Selection {
  Handle in_file, in_memory;
};

// Selects rows [first, first + count) of the dataset's space, and as many in memory.
Selection select(hid_t dataset, std::size_t first, std::size_t count) {
  Handle in_file(H5Dget_space(dataset), H5Sclose, "finding a data space");
  const hsize_t start = first, n = count;
  check(H5Sselect_hyperslab(in_file.get(), H5S_SELECT_SET, &start, nullptr, &n, nullptr), "selecting rows");
  return {std::move(in_file), simple_space(count, false)};
}

// The type of a stored element, which must be `expected` exactly.
Type check_type(hid_t stored, Type expected, std::string_view where) {
  if (expected.kind == Type::Kind::text) {
    if (H5Tget_class(stored) != H5T_STRING || H5Tis_variable_str(stored) != 0)
      throw Failure(fmt::format("{} is no text of a fixed width", where));
    const std::size_t width = H5Tget_size(stored);
    if (width == 0 || width > max_text_bytes || (expected.width != 0 && expected.width != width))
      throw Failure(fmt::format("{} is a text of {} bytes", where, width));
    expected.width = width;
  }
  const Handle wanted = make_type(expected);
  if (H5Tequal(stored, wanted.get()) <= 0)
    throw Failure(fmt::format("{} is not of type {}", where, to_string(expected)));
  return expected;
}

Attribute read_attribute(hid_t object, const AttributeSpec& spec, const std::string& where) {
  const Handle id(H5Aopen(object, spec.name.c_str(), H5P_DEFAULT), H5Aclose, "opening " + where);
  const Handle stored(H5Aget_type(id.get()), H5Tclose, "finding the type of " + where);
  Attribute attribute{spec.name, check_type(stored.get(), spec.type, where), spec.scalar, {}};
  const Handle space(H5Aget_space(id.get()), H5Sclose, "finding the shape of " + where);
  std::size_t count = 1;
  if (spec.scalar) {
    if (H5Sget_simple_extent_type(space.get()) != H5S_SCALAR) throw Failure(where + " is no single value");
  } else {
    hsize_t size = 0;
    if (H5Sget_simple_extent_type(space.get()) != H5S_SIMPLE || H5Sget_simple_extent_ndims(space.get()) != 1 ||
        H5Sget_simple_extent_dims(space.get(), &size, nullptr) != 1 || size < 1 || size > spec.max_count)
      throw Failure(fmt::format("{} is no list of 1 to {} values", where, spec.max_count));
    count = size;
  }
  if (H5Aget_storage_size(id.get()) != count * attribute.type.width) throw Failure(where + " has a wrong size");
  attribute.values.resize(count * attribute.type.width);
  const Handle memory = make_type(attribute.type);
  check(H5Aread(id.get(), memory.get(), attribute.values.data()), "reading " + where);
  return attribute;
}

}  // namespace

LibraryLock::LibraryLock() {
  if (!forked_child) library_mutex.lock();
  static const bool once = [] {
    // Before anything else: after a full disk the library's handler at exit would crash the process.
    H5dont_atexit();
    H5open();
    H5PLset_loading_state(0);
    return true;
  }();
  static_cast<void>(once);
  // A thread-safe libhdf5 keeps this by thread.
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
}
LibraryLock::~LibraryLock() {
  if (!forked_child) library_mutex.unlock();
}
void abandon_lock_in_child() { forked_child = true; }

Handle::Handle(hid_t id, herr_t (*closer)(hid_t), std::string_view what) : id_(id), closer_(closer) {
  if (id_ < 0) fail(what);
}
Handle& Handle::operator=(Handle&& other) noexcept {
  if (this != &other) {
    close();
    id_ = std::exchange(other.id_, -1);
    closer_ = other.closer_;
  }
  return *this;
}
bool Handle::close() noexcept {
  if (id_ < 0) return true;
  return closer_(std::exchange(id_, -1)) >= 0;
}

void check(herr_t status, std::string_view what) {
  if (status < 0) fail(what);
}

std::string to_string(Type type) {
  switch (type.kind) {
    case Type::Kind::u8:
      return "uint8";
    case Type::Kind::i32:
      return "int32";
    case Type::Kind::u32:
      return "uint32";
    case Type::Kind::i64:
      return "int64";
    case Type::Kind::u64:
      return "uint64";
    case Type::Kind::f64:
      return "float64";
    case Type::Kind::text:
      break;
  }
  return fmt::format("text[{}]", type.width);
}

Handle make_type(Type type) {
  const auto copy = [](hid_t id) { return Handle(H5Tcopy(id), H5Tclose, "making a type"); };
  switch (type.kind) {
    case Type::Kind::u8:
      return copy(H5T_STD_U8LE);
    case Type::Kind::i32:
      return copy(H5T_STD_I32LE);
    case Type::Kind::u32:
      return copy(H5T_STD_U32LE);
    case Type::Kind::i64:
      return copy(H5T_STD_I64LE);
    case Type::Kind::u64:
      return copy(H5T_STD_U64LE);
    case Type::Kind::f64:
      return copy(H5T_IEEE_F64LE);
    case Type::Kind::text:
      break;
  }
  Handle text = copy(H5T_C_S1);
  check(H5Tset_size(text.get(), type.width), "making a text type");
  check(H5Tset_strpad(text.get(), H5T_STR_NULLPAD), "making a text type");
  check(H5Tset_cset(text.get(), H5T_CSET_UTF8), "making a text type");
  return text;
}

Attribute text_attribute(std::string name, std::string_view value) {
  Attribute attribute{std::move(name), text(std::max<std::size_t>(1, value.size())), true, {}};
  if (attribute.type.width > max_text_bytes)
    throw Error(ExitCode::internal, fmt::format("attribute {} has {} bytes, more than {}", attribute.name,
                                                attribute.type.width, max_text_bytes));
  attribute.values.assign(attribute.type.width, 0);
  std::copy(value.begin(), value.end(), attribute.values.begin());
  return attribute;
}

void write_attribute(hid_t object, const Attribute& attribute) {
  const Handle type = make_type(attribute.type);
  const Handle space = attribute.scalar ? Handle(H5Screate(H5S_SCALAR), H5Sclose, "making a data space")
                                        : simple_space(attribute.count(), false);
  const Handle id(H5Acreate2(object, attribute.name.c_str(), type.get(), space.get(), H5P_DEFAULT, H5P_DEFAULT),
                  H5Aclose, "creating an attribute");
  check(H5Awrite(id.get(), type.get(), attribute.values.data()), "writing an attribute");
}

std::vector<Attribute> read_attributes(hid_t object, const std::vector<AttributeSpec>& specs, std::string_view where) {
  std::vector<Attribute> attributes;
  for (const AttributeSpec& spec : specs) {
    const std::string what = fmt::format("attribute '{}' of {}", spec.name, where);
    const htri_t exists = H5Aexists(object, spec.name.c_str());
    if (exists > 0)
      attributes.push_back(read_attribute(object, spec, what));
    else if (exists < 0 || !spec.optional)
      throw Failure(what + " is missing");
  }
  H5O_info_t info;
  check(H5Oget_info2(object, &info, H5O_INFO_NUM_ATTRS), fmt::format("counting the attributes of {}", where));
  if (info.num_attrs != attributes.size()) throw Failure(fmt::format("{} has attributes that do not belong", where));
  return attributes;
}

void check_children(hid_t file, const std::string& group, const std::vector<std::string>& names) {
  const Handle id(H5Gopen2(file, group.c_str(), H5P_DEFAULT), H5Gclose, "opening group " + group);
  H5G_info_t info;
  check(H5Gget_info(id.get(), &info), "counting the members of " + group);
  for (const std::string& name : names) {
    H5L_info_t link;
    if (H5Lexists(id.get(), name.c_str(), H5P_DEFAULT) <= 0 ||
        H5Lget_info(id.get(), name.c_str(), &link, H5P_DEFAULT) < 0)
      throw Failure(fmt::format("group {} has no member '{}'", group, name));
    if (link.type != H5L_TYPE_HARD) throw Failure(fmt::format("'{}' of group {} is a link", name, group));
  }
  if (info.nlinks != names.size()) throw Failure(fmt::format("group {} has members that do not belong", group));
  if (group != "/") read_attributes(id.get(), {}, "group " + group);
}

Handle create_file(const std::filesystem::path& path, int descriptor) {
  const Handle creation = property_list(H5P_FILE_CREATE);
  check(H5Pset_userblock(creation.get(), seal_bytes), "reserving the seal");
  check(H5Pset_obj_track_times(creation.get(), false), "switching times off");
  check(H5Pset_link_phase_change(creation.get(), max_compact, min_dense), "choosing the group layout");
  check(H5Pset_attr_phase_change(creation.get(), max_compact, min_dense), "choosing the attribute layout");
  const Handle access = file_access();
  Handle file(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, creation.get(), access.get()), H5Fclose, "creating the file");
  const FileIdentity mine = identity_of(descriptor, path), theirs = identity_of(descriptor_of(file.get()), path);
  if (mine.inode != theirs.inode || mine.device != theirs.device)
    throw Failure("another process replaced the file while it was created");
  return file;
}

Handle open_file(const std::filesystem::path& path, const FileIdentity& identity) {
  const Handle access = file_access();
  Handle file(H5Fopen(path.c_str(), H5F_ACC_RDONLY, access.get()), H5Fclose, "opening the file");
  if (identity_of(descriptor_of(file.get()), path) != identity) throw Failure("it changed after it was checked");
  return file;
}

Handle create_group(hid_t file, const std::string& name) {
  const Handle creation = property_list(H5P_GROUP_CREATE);
  check(H5Pset_obj_track_times(creation.get(), false), "switching times off");
  check(H5Pset_link_phase_change(creation.get(), max_compact, min_dense), "choosing the group layout");
  return {H5Gcreate2(file, name.c_str(), H5P_DEFAULT, creation.get(), H5P_DEFAULT), H5Gclose, "creating a group"};
}

Handle create_dataset(hid_t file, const std::string& path, Type type, std::size_t rows, std::size_t chunk_rows) {
  const Handle creation = property_list(H5P_DATASET_CREATE);
  check(H5Pset_obj_track_times(creation.get(), false), "switching times off");
  check(H5Pset_attr_phase_change(creation.get(), max_compact, min_dense), "choosing the attribute layout");
  // What a last chunk has beyond the rows is zero, not what the memory held before.
  check(H5Pset_fill_time(creation.get(), chunk_rows > 0 ? H5D_FILL_TIME_ALLOC : H5D_FILL_TIME_NEVER),
        "choosing the fill");
  const Handle space = simple_space(rows, chunk_rows > 0);
  if (chunk_rows > 0) {
    const hsize_t chunk = chunk_rows;
    check(H5Pset_chunk(creation.get(), 1, &chunk), "choosing the chunks");
    check(H5Pset_fletcher32(creation.get()), "choosing the checksums");
  }
  const Handle id = make_type(type), access = dataset_access(0);  // chunks are written whole
  return {H5Dcreate2(file, path.c_str(), id.get(), space.get(), H5P_DEFAULT, creation.get(), access.get()), H5Dclose,
          "creating a dataset"};
}

void write_rows(hid_t dataset, Type type, std::size_t first, std::size_t count, const void* values) {
  if (count == 0) return;
  const Selection rows = select(dataset, first, count);
  const Handle memory = make_type(type);
  check(H5Dwrite(dataset, memory.get(), rows.in_memory.get(), rows.in_file.get(), H5P_DEFAULT, values), "writing rows");
}

void extend(hid_t dataset, std::size_t rows) {
  const hsize_t size = rows;
  check(H5Dset_extent(dataset, &size), "extending a dataset");
}

OpenDataset open_dataset(hid_t file, const std::string& path, Type expected, std::uint64_t payload_bytes) {
  OpenDataset dataset;
  const Handle access = dataset_access(chunk_cache_bytes);
  dataset.id = Handle(H5Dopen2(file, path.c_str(), access.get()), H5Dclose, "opening dataset " + path);
  const hid_t id = dataset.id.get();
  const Handle stored(H5Dget_type(id), H5Tclose, "finding the type of " + path);
  dataset.type = check_type(stored.get(), expected, path);

  const Handle space(H5Dget_space(id), H5Sclose, "finding the shape of " + path);
  hsize_t rows = 0;
  if (H5Sget_simple_extent_type(space.get()) != H5S_SIMPLE || H5Sget_simple_extent_ndims(space.get()) != 1 ||
      H5Sget_simple_extent_dims(space.get(), &rows, nullptr) != 1)
    throw Failure(path + " is not one-dimensional");
  if (rows > payload_bytes / dataset.type.width) throw Failure(path + " claims more rows than the file has bytes");
  dataset.rows = rows;

  const Handle creation(H5Dget_create_plist(id), H5Pclose, "finding the layout of " + path);
  const H5D_layout_t layout = H5Pget_layout(creation.get());
  const int filters = H5Pget_nfilters(creation.get());
  if (layout == H5D_CHUNKED) {
    hsize_t chunk = 0;
    if (H5Pget_chunk(creation.get(), 1, &chunk) != 1 || chunk < 1 || chunk > max_chunk_bytes / dataset.type.width)
      throw Failure(path + " has chunks of an unexpected size");
    for (int i = 0; i < filters; ++i) {
      unsigned flags = 0, config = 0;
      std::size_t n_values = 0;
      if (H5Pget_filter2(creation.get(), static_cast<unsigned>(i), &flags, &n_values, nullptr, 0, nullptr, &config) !=
          H5Z_FILTER_FLETCHER32)
        throw Failure(path + " has a filter other than Fletcher32");
    }
    if (filters > 1) throw Failure(path + " has more than one filter");
  } else if (layout != H5D_CONTIGUOUS || filters != 0) {
    throw Failure(path + " is stored in an unexpected layout");
  }
  if (H5Pget_external_count(creation.get()) != 0) throw Failure(path + " is stored outside the file");
  if (H5Dget_storage_size(id) < rows * dataset.type.width) throw Failure(path + " has fewer bytes than its rows need");
  return dataset;
}

void read_rows(const OpenDataset& dataset, std::size_t first, std::size_t count, void* values, std::string_view path) {
  if (first > dataset.rows || count > dataset.rows - first)
    throw Error(ExitCode::internal, fmt::format("rows {} to {} of {} were asked for, which has {}", first,
                                                first + count, path, dataset.rows));
  if (count == 0) return;
  const Selection rows = select(dataset.id.get(), first, count);
  const Handle memory = make_type(dataset.type);
  check(H5Dread(dataset.id.get(), memory.get(), rows.in_memory.get(), rows.in_file.get(), H5P_DEFAULT, values),
        fmt::format("reading {}", path));
}

}  // namespace clvsim::h5
