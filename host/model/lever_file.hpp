// Levers in a scenario's file, and in the text of a chain.
#pragma once

#include "host/base/toml_file.hpp"

#include <clvsim/migration_chain.hpp>

#include <string>
#include <vector>

namespace clvsim {

// The tables [[lever]] of a file, whose states are those of the chain.
[[nodiscard]] std::vector<Lever> read_levers(const TomlTable& root, const MigrationChain& chain);
// The tables [[regime]] of a file, likewise.
[[nodiscard]] std::vector<Regime> read_regimes(const TomlTable& root, const MigrationChain& chain);
// Of both.
void append_levers(std::string& text, const MigrationChain& chain);

}  // namespace clvsim
