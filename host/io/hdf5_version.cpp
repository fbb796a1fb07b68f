#include "host/io/hdf5_version.hpp"

#include "host/io/h5.hpp"

namespace clvsim {

std::string hdf5_version() {
  const h5::LibraryLock lock;
  unsigned major = 0, minor = 0, release = 0;
  h5::check(H5get_libversion(&major, &minor, &release), "asking for the version of libhdf5");
  return fmt::format("{}.{}.{}", major, minor, release);
}

}  // namespace clvsim
