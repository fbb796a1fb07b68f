/// \file
/// What was built.
#pragma once

#include <string_view>

namespace clvsim {

/// "major.minor.patch".
[[nodiscard]] std::string_view version();
/// The commit that was built, with "-dirty" where the tree had changes; "unknown" outside a repository.
[[nodiscard]] std::string_view commit();

}  // namespace clvsim
