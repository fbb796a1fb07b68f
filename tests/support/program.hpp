// Runs the built program as a user does.
#pragma once

#include "tests/support/files.hpp"

#include <nlohmann/json.hpp>

#include <filesystem>
#include <string>
#include <vector>

namespace clvsim::test {

struct ProgramResult {
  int exit_code = -1;  // 128 + signal where a signal ended it
  std::string out, err;
  // Largest resident memory of the program or of a child that it waited for; at least this process's when it started.
  long long peak_bytes = 0;

  [[nodiscard]] nlohmann::json json() const { return nlohmann::json::parse(out); }
};

struct ProgramSetting {
  std::filesystem::path folder;          // working folder; empty: this process's
  std::vector<std::string> environment;  // "NAME=value", added to this process's
  unsigned user = 0;                     // run as this user id; 0: unchanged
  long long file_size_limit = 0;         // RLIMIT_FSIZE in bytes; 0: none
};

// Runs `build/.../clvsim ARGUMENTS...`.
ProgramResult run_clvsim(const std::vector<std::string>& arguments, const ProgramSetting& setting = {});
// Runs any program of the PATH.
ProgramResult run_program(const std::vector<std::string>& command, const ProgramSetting& setting = {});

// The folder of public data sets beside the project; empty where it is absent.
std::filesystem::path data_folder();

}  // namespace clvsim::test
