// Finds out how a log is written: delimiter, columns, decimal mark, date order.
#pragma once

#include "host/ingest/columns.hpp"

namespace clvsim {

// Sniffs what the options leave open from the first log: from its first 20,480 rows, and further on, up to 64 MiB,
// while they leave the decimal mark or the date order open. Throws DataError where something cannot be decided,
// ConfigError for a column that the log does not have, IoError.
Layout sniff_layout(const ImportOptions& options);

}  // namespace clvsim
