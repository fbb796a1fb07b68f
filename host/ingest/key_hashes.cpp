#include "host/ingest/key_hashes.hpp"

#include "host/base/buffer.hpp"

#include <clvsim/customers.hpp>
#include <clvsim/error.hpp>

#include <fmt/format.h>
#include <thrust/execution_policy.h>
#include <thrust/sort.h>

#include <algorithm>

namespace clvsim {

std::uint64_t KeyHashes::assign(std::string_view key) {
  const std::uint64_t hash = customer_hash(key);
  if (!second_pass_) {
    any_reserved_ = any_reserved_ || hash >= first_reserved_hash;
    if (held_.size() == most_held_) spill();
    held_.push_back(hash);
    return std::min(hash, first_reserved_hash - 1);  // a reserved one calls for the second pass: anything valid will do
  }
  if (hash < first_reserved_hash) {
    const auto duplicate = duplicates_.find(hash);
    if (duplicate == duplicates_.end()) return hash;
    if (!duplicate->second) {
      duplicate->second = true;
      return hash;
    }
  }
  for (std::uint64_t attempt = 1;; ++attempt) {
    const std::uint64_t other = customer_hash(key, attempt);
    if (other >= first_reserved_hash || is_first(other)) continue;
    if (moved_.insert(other).second) return other;
  }
}

bool KeyHashes::settle() {
  if (second_pass_) return true;
  second_pass_ = true;
  if (!file_) {
    find_duplicates(held_);
  } else {
    spill();
    // Equal hashes are in one of as many ranges as make each fit in memory.
    const std::uint64_t n = static_cast<std::uint64_t>(file_->size()) / sizeof(std::uint64_t);
    const std::uint64_t n_ranges = n / most_held_ + 1;
    constexpr int hash_bits = 56, range_bits = 32;
    for (std::uint64_t range = 0; range < n_ranges; ++range) {
      held_.clear();
      for_spilled([&](std::uint64_t hash) {
        if ((hash >> (hash_bits - range_bits)) * n_ranges >> range_bits == range) held_.push_back(hash);
      });
      find_duplicates(held_);
    }
    release(held_);
  }
  return duplicates_.empty() && !any_reserved_;
}

void KeyHashes::spill() {
  if (!file_) file_.emplace(folder_);
  file_->append({reinterpret_cast<const char*>(held_.data()), held_.size() * sizeof(std::uint64_t)});
  held_.clear();
}

template <class F>
void KeyHashes::for_spilled(F&& f) const {
  std::vector<std::uint64_t> block(std::size_t{1} << 16);
  char* const bytes = reinterpret_cast<char*>(block.data());
  const std::size_t size = block.size() * sizeof(std::uint64_t);
  for (std::int64_t at = 0; at < file_->size();) {
    std::size_t n = 0;
    while (n < size) {
      const std::size_t got = file_->read(at + static_cast<std::int64_t>(n), bytes + n, size - n);
      if (got == 0) break;
      n += got;
    }
    for (std::size_t i = 0; i < n / sizeof(std::uint64_t); ++i) f(block[i]);
    at += static_cast<std::int64_t>(n);
    if (n < size && at < file_->size())
      throw IoError(
          fmt::format("a temporary file in '{}' was cut off; free space there, and import again", folder_.string()));
  }
}

bool KeyHashes::is_first(std::uint64_t hash) const {
  if (!file_) return std::binary_search(held_.begin(), held_.end(), hash);
  bool found = false;  // a pass over the file: few keys ever ask
  for_spilled([&](std::uint64_t other) { found = found || other == hash; });
  return found;
}

void KeyHashes::find_duplicates(std::vector<std::uint64_t>& hashes) {
  thrust::sort(thrust::host, hashes.begin(), hashes.end());
  for (std::size_t i = 1; i < hashes.size(); ++i)
    if (hashes[i] == hashes[i - 1]) duplicates_[hashes[i]] = false;
}

}  // namespace clvsim
