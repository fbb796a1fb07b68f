// Which libhdf5 runs.
#pragma once

#include <string>

namespace clvsim {

// "major.minor.release" of the library that is loaded, which may be newer than the one compiled against.
std::string hdf5_version();

}  // namespace clvsim
