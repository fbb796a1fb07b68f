// The hash of every customer key of a store, each taken once.
#pragma once

#include "host/ingest/temporary_file.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

namespace clvsim {

// Gives each key its customer_hash. A pass calls assign() for every key in the order of the keys; settle() then says
// whether the hashes given were all different and none was reserved. Where not, a second pass over the same keys gives
// hashes that are: in the order of the keys, the first key of a hash keeps it, and every other, and every key whose
// hash is reserved, gets the hash of its first further attempt that is neither reserved, nor any key's first hash, nor
// given already. Eight bytes a key: `most_held` of them in memory, more in a temporary file in `folder`. Throws
// IoError.
class KeyHashes {
 public:
  static constexpr std::size_t held_by_default = std::size_t{1} << 21;
  explicit KeyHashes(std::filesystem::path folder, std::size_t most_held = held_by_default)
      : folder_(std::move(folder)), most_held_(most_held) {}

  std::uint64_t assign(std::string_view key);
  [[nodiscard]] bool settle();
  // Keys that did not get their first hash.
  [[nodiscard]] std::int64_t n_moved() const { return static_cast<std::int64_t>(moved_.size()); }

 private:
  void spill();
  // Calls f with every first hash in the file.
  template <class F>
  void for_spilled(F&& f) const;
  [[nodiscard]] bool is_first(std::uint64_t hash) const;
  void find_duplicates(std::vector<std::uint64_t>& hashes);

  std::filesystem::path folder_;
  std::size_t most_held_;
  bool second_pass_ = false, any_reserved_ = false;
  std::vector<std::uint64_t> held_;                     // first hashes of the keys; sorted once settled without a file
  std::optional<TemporaryFile> file_;                   // where there are too many: all of them, once settled
  std::unordered_map<std::uint64_t, bool> duplicates_;  // hashes of several keys, and whether one of them has got it
  std::unordered_set<std::uint64_t> moved_;             // hashes of further attempts
};

}  // namespace clvsim
