// model.toml as text.
#pragma once

#include <clvsim/migration_chain.hpp>

#include <string>
#include <string_view>

namespace clvsim {

// Reads the text of a model.toml; `name` stands for the file in messages. Throws ConfigError, FormatError as
// read_model.
MigrationChain parse_model(std::string_view text, const std::string& name);

}  // namespace clvsim
