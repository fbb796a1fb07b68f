// Memory of every command does not grow with the number of customers.
#include "tests/support/program.hpp"

#include <gtest/gtest.h>

#include <map>

namespace clvsim::test {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool memory_is_the_programs = false;
#else
constexpr bool memory_is_the_programs = true;
#endif

using Peaks = std::map<std::string, long long>;  // bytes by command

// Runs every command on a generated log of so many customers. Short histories: it is the number of customers that
// counts.
void run_commands(int n_customers, const TemporaryFolder& folder, Peaks& peaks) {
  const auto run = [&](const std::string& name, const std::vector<std::string>& arguments) {
    const ProgramResult result = run_clvsim(arguments);
    ASSERT_EQ(result.exit_code, 0) << name << ": " << result.err;
    peaks[name] = result.peak_bytes;
  };
  const std::string log = folder / "log.csv", store = folder / "store.h5", model = folder / "model.toml",
                    file = folder / "run.h5", csv = folder / "run.csv", count = std::to_string(n_customers);
  run("generate",
      {"generate", "--model", CLVSIM_SOURCE_DIR "/configs/models/generator_retail.toml", "--customers", count,
       "--observed-periods", "6", "--holdout-periods", "2", "--acquisition-periods", "1", "-o", log, "--force"});
  run("import", {"import", log, "--observation-end", "1997-02-11", "--sort-memory", "1", "-o", store, "--force"});
  run("fit", {"fit", store, "-o", model, "--force"});
  run("simulate", {"simulate", store, "--model", model, "--paths", "16", "--horizon", "3", "-o", file, "--force"});
  run("export", {"export", file, "--csv", csv, "--force"});
  run("inspect", {"inspect", store});
  run("verify", {"verify", file});
  run("simulate --keep-paths",
      {"simulate", store, "--model", model, "--paths", "4", "--horizon", "3", "--keep-paths", "-o", file, "--force"});
  run("export --paths-csv", {"export", file, "--paths-csv", csv, "--force"});
}

// Half as many bytes a customer as the smallest thing that a command could keep of each by mistake, a number of 8
// bytes. At the smaller size every buffer is in use to its end: blocks of 2^15 rows, batches of 2^16 customers.
TEST(Memory, DoesNotGrowWithTheNumberOfCustomers) {
  if (!memory_is_the_programs) GTEST_SKIP() << "a sanitizer's memory grows with every allocation";
  constexpr int few = 100'000, many = 500'000;
  const TemporaryFolder folder;
  Peaks before, after;
  ASSERT_NO_FATAL_FAILURE(run_commands(few, folder, before));
  ASSERT_NO_FATAL_FAILURE(run_commands(many, folder, after));
  for (const auto& [name, peak] : after) {
    long long bytes_a_customer = 4;
    // The hashes of the first 2^21 keys are held, in a vector that doubles, and sorted with as much again.
    if (name == "import") bytes_a_customer += 3 * 8;
    const long long allowed = bytes_a_customer * (many - few);
    EXPECT_LE(peak - before[name], allowed) << name << ": " << before[name] << " bytes, then " << peak;
  }
}

}  // namespace
}  // namespace clvsim::test
