// The JSON document of a benchmark (docs/formats/bench.md), and an older one beside it.
#pragma once

#include "host/bench/bench.hpp"
#include "host/bench/statistics.hpp"

#include <nlohmann/json.hpp>

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace clvsim::cli {

inline constexpr const char* bench_schema = "clvsim.bench/1";

// Everything below the schema and the version: suite, context (this machine, now), benchmarks.
[[nodiscard]] nlohmann::ordered_json bench_document(const BenchOptions& options, const std::vector<BenchCase>& cases);

// An earlier document of --output or --json.
struct OldBench {
  struct Case {
    std::string unit, digest;
    std::vector<double> rate;
  };
  std::filesystem::path path;
  nlohmann::ordered_json context;
  std::map<std::string, Case> cases;
};
// Throws IoError; FormatError where it is no benchmark, or of a schema that this program does not know.
[[nodiscard]] OldBench read_bench(const std::filesystem::path& path);

// What differs between the machines that two contexts describe (CPU, instruction sets, threads, GPUs): one text each,
// e.g. "cpu: 'A' then, 'B' now". Empty: the same hardware, as far as they tell.
[[nodiscard]] std::vector<std::string> device_differences(const nlohmann::ordered_json& before,
                                                          const nlohmann::ordered_json& now);

// A case that both have, in the same unit.
struct CaseChange {
  std::string name;
  RateChange rate;
  bool results_differ = false;  // another digest
};
[[nodiscard]] std::vector<CaseChange> compare_bench(const OldBench& before, const std::vector<BenchCase>& now);

}  // namespace clvsim::cli
