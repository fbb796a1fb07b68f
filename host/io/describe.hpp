// What `clvsim inspect` and `clvsim verify` show of a clvsim file.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <filesystem>

namespace clvsim {

// Type, versions, digests, attributes, datasets (path, type, rows, units, long name); a store's ledger, a run's
// portfolio. No customer's row. The file is checked first. Throws IoError, FormatError.
nlohmann::json describe_file(const std::filesystem::path& path);

// Checks everything: seal, structure, content digest, every promise about the values; what was checked. Throws IoError,
// FormatError.
nlohmann::json verify_file(const std::filesystem::path& path);

}  // namespace clvsim
