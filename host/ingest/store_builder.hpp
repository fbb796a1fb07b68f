// From sorted rows to the histories of a customer store.
#pragma once

#include "host/ingest/row_sorter.hpp"

#include <clvsim/store.hpp>

namespace clvsim {

struct StoreBuild {
  std::filesystem::path output;
  bool overwrite = false;
  std::filesystem::path temporary_folder;  // for what does not fit in memory
  StoreInfo info;  // currency, unit, dates, flags, covariates and key_width, as StoreWriter wants them
  Ledger ledger;   // `read` and the rejects; the rest is filled in
  std::vector<std::string> segments;         // names by code, sorted, the first ""
  std::vector<std::uint32_t> segment_codes;  // code by LogRow::segment
};

struct BuiltStore {
  StoreInfo info;                        // what the store says about itself
  std::int64_t n_covariates_differ = 0;  // customers whose rows of observation say different covariates
};

// Throws DataError where a sum does not fit 64 bits, IoError.
BuiltStore write_store(RowSorter& rows, const StoreBuild& build);

}  // namespace clvsim
