// [[covariate]] tables of model.toml.
#pragma once

#include "host/base/toml_file.hpp"

#include <clvsim/migration_chain.hpp>

#include <functional>
#include <string>
#include <vector>

namespace clvsim {

// The index of a state by the name under a key of a table; throws where there is none.
using StateIndex = std::function<int(const TomlTable&, std::string_view)>;

// The covariates of the tables [[covariate]] of the root, unchecked but for types and dates.
[[nodiscard]] std::vector<ChainCovariate> read_covariates(const TomlTable& root, const StateIndex& state_of,
                                                          const MigrationChain& chain);

void append_covariates(std::string& text, const MigrationChain& chain);

}  // namespace clvsim
