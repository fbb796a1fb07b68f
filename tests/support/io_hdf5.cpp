#include "tests/support/io_hdf5.hpp"

#include "host/io/run_reading.hpp"
#include "host/io/store_file.hpp"

#include <algorithm>
#include <stdexcept>
#include <vector>

namespace clvsim::test {
namespace {

hid_t valid(hid_t id) {
  if (id < 0) throw std::runtime_error("HDF5 call failed in a test");
  return id;
}

template <class F>
void for_each_name(hid_t group, F&& f) {
  H5G_info_t info;
  H5Gget_info(group, &info);
  for (hsize_t i = 0; i < info.nlinks; ++i) {
    char name[256] = {};
    H5Lget_name_by_idx(group, ".", H5_INDEX_NAME, H5_ITER_INC, i, name, sizeof name, H5P_DEFAULT);
    f(name);
  }
}

void copy_attributes(hid_t from, hid_t to) {
  const int n = H5Aget_num_attrs(from);
  for (int i = 0; i < n; ++i) {
    const hid_t a =
        H5Aopen_by_idx(from, ".", H5_INDEX_NAME, H5_ITER_INC, static_cast<hsize_t>(i), H5P_DEFAULT, H5P_DEFAULT);
    char name[256] = {};
    H5Aget_name(a, sizeof name, name);
    const hid_t type = H5Aget_type(a), space = H5Aget_space(a);
    std::vector<char> bytes(H5Aget_storage_size(a));
    H5Aread(a, type, bytes.data());
    const hid_t b = valid(H5Acreate2(to, name, type, space, H5P_DEFAULT, H5P_DEFAULT));
    H5Awrite(b, type, bytes.data());
    H5Aclose(b), H5Aclose(a), H5Tclose(type), H5Sclose(space);
  }
}

void copy_dataset(hid_t from, hid_t to, const char* name, hsize_t chunk) {
  const hid_t a = valid(H5Dopen2(from, name, H5P_DEFAULT));
  const hid_t type = H5Dget_type(a), space = H5Dget_space(a);
  hsize_t rows = 0;
  H5Sget_simple_extent_dims(space, &rows, nullptr);
  const hsize_t limit = H5S_UNLIMITED;
  const hid_t growing = H5Screate_simple(1, &rows, &limit);
  const hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
  H5Pset_obj_track_times(creation, false);
  H5Pset_chunk(creation, 1, &chunk);
  H5Pset_fletcher32(creation);
  const hid_t b = valid(H5Dcreate2(to, name, type, growing, H5P_DEFAULT, creation, H5P_DEFAULT));
  std::vector<char> bytes(rows * H5Tget_size(type) + 1);
  H5Dread(a, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes.data());
  H5Dwrite(b, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes.data());
  copy_attributes(a, b);
  H5Dclose(b), H5Dclose(a), H5Pclose(creation), H5Sclose(growing), H5Sclose(space), H5Tclose(type);
}

}  // namespace

void alter(const std::filesystem::path& path, const std::function<void(hid_t)>& f) {
  const SealInfo seal = check_seal(path);
  {
    const h5::LibraryLock lock;
    const hid_t file = valid(H5Fopen(path.c_str(), H5F_ACC_RDWR, H5P_DEFAULT));
    f(file);
    if (H5Fclose(file) < 0) throw std::runtime_error("closing an altered file failed");
  }
  write_seal(path, seal.type, seal.content_digest);
}

void renew_content_digest(const std::filesystem::path& path) {
  const SealInfo seal = check_seal(path);
  Digest digest;
  {
    const h5::LibraryLock lock;
    digest =
        seal.type == store_format::type ? StoreFile(path, seal).read_all(false) : RunFile(path, seal).read_all(false);
  }
  alter(path, [&](hid_t file) { set_text_attribute(file, "content_digest", to_hex(digest)); });
  write_seal(path, seal.type, digest);
}

void repack_in_chunks(const std::filesystem::path& from, const std::filesystem::path& to, hsize_t chunk) {
  const SealInfo seal = check_seal(from);
  {
    const h5::LibraryLock lock;
    const hid_t creation = H5Pcreate(H5P_FILE_CREATE), access = H5Pcreate(H5P_FILE_ACCESS);
    H5Pset_userblock(creation, seal_bytes);
    H5Pset_istore_k(creation, 2);  // small nodes
    H5Pset_libver_bounds(access, H5F_LIBVER_V18, H5F_LIBVER_V18);
    const hid_t source = valid(H5Fopen(from.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT));
    const hid_t target = valid(H5Fcreate(to.c_str(), H5F_ACC_TRUNC, creation, access));
    const hid_t source_root = H5Gopen2(source, "/", H5P_DEFAULT), target_root = H5Gopen2(target, "/", H5P_DEFAULT);
    copy_attributes(source_root, target_root);
    for_each_name(source_root, [&](const char* group) {
      const hid_t a = H5Gopen2(source, group, H5P_DEFAULT);
      const hid_t b = H5Gcreate2(target, group, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
      for_each_name(a, [&](const char* name) { copy_dataset(a, b, name, chunk); });
      H5Gclose(b), H5Gclose(a);
    });
    H5Gclose(target_root), H5Gclose(source_root), H5Fclose(source), H5Pclose(creation), H5Pclose(access);
    if (H5Fclose(target) < 0) throw std::runtime_error("closing a repacked file failed");
  }
  write_seal(to, seal.type, seal.content_digest);
}

void set_value(hid_t file, const char* dataset, hsize_t row, const void* value) {
  const hid_t id = valid(H5Dopen2(file, dataset, H5P_DEFAULT));
  const hid_t type = H5Dget_type(id), space = H5Dget_space(id), one = H5Screate(H5S_SCALAR);
  const hsize_t count = 1;
  H5Sselect_hyperslab(space, H5S_SELECT_SET, &row, nullptr, &count, nullptr);
  if (H5Dwrite(id, type, one, space, H5P_DEFAULT, value) < 0) throw std::runtime_error("altering a value failed");
  H5Sclose(one), H5Sclose(space), H5Tclose(type), H5Dclose(id);
}

void set_attribute(hid_t file, const char* name, hid_t type, const void* value) {
  const hid_t root = H5Gopen2(file, "/", H5P_DEFAULT), space = H5Screate(H5S_SCALAR);
  H5Adelete(root, name);
  const hid_t id = valid(H5Acreate2(root, name, type, space, H5P_DEFAULT, H5P_DEFAULT));
  H5Awrite(id, type, value);
  H5Aclose(id), H5Sclose(space), H5Gclose(root);
}

void set_text_attribute(hid_t file, const char* name, const std::string& value) {
  const h5::Handle type = h5::make_type(h5::text(std::max<std::size_t>(1, value.size())));
  set_attribute(file, name, type.get(), value.c_str());
}

}  // namespace clvsim::test
