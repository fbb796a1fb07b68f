// What this machine and this build are: for doctor, and beside every measurement.
#pragma once

#include <nlohmann/json.hpp>

namespace clvsim::cli {

// Version, commit, compiler, CPU, threads, memory, instruction sets that the engine can use, GPUs.
nlohmann::ordered_json machine();

}  // namespace clvsim::cli
