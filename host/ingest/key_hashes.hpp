// The hash of every customer key of a store, each taken once.
#pragma once

#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace clvsim {

// Gives each key its customer_hash. A pass calls assign() for every key in the order of the keys; settle() then says
// whether the hashes given were all different and none was reserved. Where not, a second pass over the same keys gives
// hashes that are: in the order of the keys, the first key of a hash keeps it, and every other, and every key whose
// hash is reserved, gets the hash of its first further attempt that is neither reserved, nor any key's first hash, nor
// given already. Eight bytes a key.
class KeyHashes {
 public:
  std::uint64_t assign(std::string_view key);
  [[nodiscard]] bool settle();
  // Keys that did not get their first hash.
  [[nodiscard]] std::int64_t n_moved() const { return static_cast<std::int64_t>(moved_.size()); }

 private:
  bool second_pass_ = false;
  std::vector<std::uint64_t> first_;                    // the first hash of every key; sorted once settled
  std::unordered_map<std::uint64_t, bool> duplicates_;  // hashes of several keys, and whether one of them has got it
  std::unordered_set<std::uint64_t> moved_;             // hashes of further attempts
};

}  // namespace clvsim
