#include <clvsim/version.hpp>

namespace clvsim {

std::string_view version() { return CLVSIM_VERSION; }
std::string_view commit() { return CLVSIM_COMMIT; }

}  // namespace clvsim
