// Where tests find what they read: the source tree as of the build or, in a bundle (scripts/bundle), the folder that
// CLVSIM_TEST_ROOT names.
#pragma once

#include <cstdlib>
#include <string>

namespace clvsim::test {

inline std::string source_dir() {
  const char* moved = std::getenv("CLVSIM_TEST_ROOT");
  return moved != nullptr ? moved : CLVSIM_SOURCE_DIR;
}

}  // namespace clvsim::test
