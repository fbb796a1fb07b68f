// Which column of a log is what.
#pragma once

#include "host/ingest/csv_reader.hpp"

#include <clvsim/import.hpp>

#include <string>
#include <vector>

namespace clvsim {

// Indices of the columns that an import reads; -1 where there is none.
struct Columns {
  int customer = -1, date = -1, amount = -1, cost = -1, quantity = -1, segment = -1, kind = -1;
  int tenure = -1, churned = -1, count = -1;  // of a contract book, which has no date
  std::vector<int> covariates;
};

// How a log is laid out.
struct Layout {
  Dialect dialect;
  std::vector<std::string> header;
  Columns columns;
};

// As it is written on the command line.
std::string name_of_delimiter(char delimiter);

// The names of a header line, trimmed. Throws DataError for a name that stands there twice, and for bad quoting.
std::vector<std::string> header_names(const CsvRecord& record, const std::string& file);

// The columns that the options name (exactly, else regardless of case), and of the others the only one with a
// well-known name. Throws ConfigError for a name that the header lacks, DataError where no name or several could be
// meant.
Columns choose_columns(const ImportOptions& options, const std::vector<std::string>& header, const std::string& file);

// The columns of a further log by the names of the first. Throws DataError where it has other columns or
// does not split at the delimiter of the first.
Columns match_columns(const Layout& first, const std::vector<std::string>& header, const std::string& file);

}  // namespace clvsim
