// An open store, as StoreReader, inspect and verify use it.
#pragma once

#include "host/io/store_format.hpp"

#include <clvsim/store.hpp>

#include <filesystem>

namespace clvsim {

// All functions throw Failure and want a LibraryLock.
class StoreFile {
 public:
  // Opens strictly: structure, types, sizes, attributes; the small tables are read.
  StoreFile(const std::filesystem::path& path, const SealInfo& seal);

  [[nodiscard]] const StoreInfo& info() const { return info_; }
  void read(std::int64_t first, std::int64_t count, CustomerBatch& batch) const;
  void read_holdout(std::int64_t first, std::int64_t count, std::vector<char>& keys, History& rows) const;

  // Reads every value, checks what a store promises (unless `values_checked` is false) and returns the content digest.
  Digest read_all(bool values_checked = true);

  [[nodiscard]] const std::vector<h5::Attribute>& attributes() const { return attributes_; }
  [[nodiscard]] std::vector<const h5::TableReader*> tables() const;

 private:
  h5::Handle file_;
  StoreInfo info_;
  std::vector<h5::Attribute> attributes_;
  h5::TableReader customers_, history_, holdout_customers_, holdout_, segments_, covariates_, ledger_, rejects_;
};

// Reads the whole file, whose seal was checked, in a child process. Takes the lock; throws IoError, FormatError.
void check_store(const std::filesystem::path& path, const SealInfo& seal);

}  // namespace clvsim
