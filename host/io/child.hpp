// Looking at a file that nobody vouches for in a process of its own: libhdf5 may crash or hang on a malformed file.
#pragma once

#include "host/io/seal.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>

namespace clvsim {

struct ChildLimits {
  std::uint64_t memory_bytes = std::uint64_t{512} << 20;  // beyond what the process has mapped when it forks
  double seconds = 30;                                    // of processor and of wall-clock time
};

// Runs `inspect` in a forked child with bounded memory and time, no core file and no writing; returns where it returns,
// throws what it throws (IoError, FormatError), and FormatError where the child dies of anything else. The file at
// `path` is named in messages. Call it under h5::LibraryLock, so that no other thread is inside libhdf5 at the fork.
void inspect_in_child(const std::filesystem::path& path, const ChildLimits& limits,
                      const std::function<void()>& inspect);

// Runs `inspect` (which throws h5::Failure) on a file whose seal was checked, with limits that grow with its size,
// under the lock, and turns what it finds into FormatError.
void check_sealed_in_child(const std::filesystem::path& path, const SealInfo& seal,
                           const std::function<void()>& inspect);

}  // namespace clvsim
