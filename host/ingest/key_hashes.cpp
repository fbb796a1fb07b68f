#include "host/ingest/key_hashes.hpp"

#include <clvsim/customers.hpp>

#include <thrust/execution_policy.h>
#include <thrust/sort.h>

#include <algorithm>

namespace clvsim {

std::uint64_t KeyHashes::assign(std::string_view key) {
  const std::uint64_t hash = customer_hash(key);
  if (!second_pass_) {
    first_.push_back(hash);
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
    if (other >= first_reserved_hash || std::binary_search(first_.begin(), first_.end(), other)) continue;
    if (moved_.insert(other).second) return other;
  }
}

bool KeyHashes::settle() {
  if (second_pass_) return true;
  thrust::sort(thrust::host, first_.begin(), first_.end());
  for (std::size_t i = 1; i < first_.size(); ++i)
    if (first_[i] == first_[i - 1]) duplicates_[first_[i]] = false;
  second_pass_ = true;
  return duplicates_.empty() && (first_.empty() || first_.back() < first_reserved_hash);
}

}  // namespace clvsim
