// Altering sealed files with bare HDF5, as an attacker could.
#pragma once

#include <hdf5.h>

#include <filesystem>
#include <functional>
#include <string>

namespace clvsim::test {

// Opens the file for writing, runs f on it, and seals it with the content digest that it had.
void alter(const std::filesystem::path& path, const std::function<void(hid_t)>& f);

// Gives the file the content digest of the values that it has now, in the seal and in the attribute. The file's
// structure must be sound.
void renew_content_digest(const std::filesystem::path& path);

// Writes a copy of a store or run whose datasets lie in chunks of `chunk` rows with Fletcher32 checksums: another
// layout, the same content and digest.
void repack_in_chunks(const std::filesystem::path& from, const std::filesystem::path& to, hsize_t chunk);

// Overwrites element `row` of a dataset.
void set_value(hid_t file, const char* dataset, hsize_t row, const void* value);
// Replaces an attribute of the root.
void set_text_attribute(hid_t file, const char* name, const std::string& value);
void set_attribute(hid_t file, const char* name, hid_t type, const void* value);

}  // namespace clvsim::test
