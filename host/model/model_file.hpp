// model.toml as text.
#pragma once

#include "host/base/toml_file.hpp"

#include <clvsim/behaviour_model.hpp>
#include <clvsim/migration_chain.hpp>

#include <string>
#include <string_view>

namespace clvsim {

// Reads the text of a model.toml; `name` stands for the file in messages. Throws ConfigError, FormatError as
// read_model.
MigrationChain parse_model(std::string_view text, const std::string& name);
// Of either kind, as read_any_model.
AnyModel parse_any_model(std::string_view text, const std::string& name);

// What both kinds of file share.
void check_format(const TomlTable& root);
void read_heading(const TomlTable& root, PeriodUnit& unit, Currency& currency);
[[nodiscard]] bool is_chain(const TomlTable& root);
[[nodiscard]] MigrationChain chain_of(const TomlFile& file);

}  // namespace clvsim
