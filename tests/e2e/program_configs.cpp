// Every file in configs/: the good ones are accepted, the bad ones refused with the code and the words of their first
// line.
#include "tests/support/program.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace clvsim::test {
namespace {

namespace fs = std::filesystem;
const fs::path configs = CLVSIM_SOURCE_DIR "/configs";

std::vector<fs::path> files_in(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.path().extension() == ".toml") files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

// How each kind of file is run; `folder` is for outputs.
std::vector<std::string> command_for(const std::string& kind, const fs::path& file, const TemporaryFolder& folder) {
  if (kind == "models")
    return {"simulate", "--model", file,  "--customers", "3",         "--horizon",
            "3",        "--paths", "100", "--first-day", "2025-10-01"};
  if (kind == "scenarios")
    return {"simulate", "--model", configs / "models/lifecycle_a_e.toml", "--customers", "3", "--scenario", file};
  return {"forecast", file, "--output-folder", folder / "out"};
}

TEST(Configs, EveryModelAndScenarioRuns) {
  TemporaryFolder folder;
  for (const char* kind : {"models", "scenarios"}) {
    const auto files = files_in(configs / kind);
    EXPECT_FALSE(files.empty());
    for (const fs::path& file : files) {
      const ProgramResult result = run_clvsim(command_for(kind, file, folder));
      EXPECT_EQ(result.exit_code, 0) << file << result.err;
    }
  }
}

// Stays, seasons, regimes and all: where a model has a closed form, its paths agree with it.
TEST(Configs, SimulationsOfEveryModelAgreeWithItsClosedForm) {
  int n = 0;
  for (const fs::path& file : files_in(configs / "models")) {
    const ProgramResult result = run_clvsim({"simulate", "--model", file, "--customers", "1", "--horizon", "24",
                                             "--paths", "40000", "--first-day", "2025-10-01", "--json"});
    ASSERT_EQ(result.exit_code, 0) << file << result.err;
    const nlohmann::json document = result.json();
    if (!document.contains("closed_form")) continue;
    ++n;
    const nlohmann::json &exact = document["closed_form"], &total = document["total"];
    // Paths are rounded to a 256th of a minor unit.
    EXPECT_NEAR(total["mean"].get<double>(), exact["mean"].get<double>(), 4.5 * total["mean_se"].get<double>() + 1e-4)
        << file;
    EXPECT_NEAR(total["sd"].get<double>(), exact["sd"].get<double>(), 4.5 * total["sd_se"].get<double>() + 1e-4)
        << file;
  }
  EXPECT_GE(n, 9);
}

TEST(Configs, EveryForecastFileIsTested) {
  std::vector<std::string> names;
  for (const fs::path& file : files_in(configs / "forecasts")) names.push_back(file.filename());
  EXPECT_EQ(names, (std::vector<std::string>{"cdnow.toml", "quickstart.toml"})) << "Forecast.* runs these";
}

TEST(Configs, EveryInvalidFileIsRefusedAsItSays) {
  std::size_t n = 0;
  for (const char* kind : {"models", "scenarios", "forecasts"}) {
    for (const fs::path& file : files_in(configs / "invalid" / kind)) {
      TemporaryFolder folder;
      const std::string text = read_file(file);
      const std::string first = text.substr(0, text.find('\n'));
      const std::string mark = "# expect ";
      ASSERT_EQ(first.rfind(mark, 0), 0U) << file << " must begin with '# expect CODE: WORDS'";
      const std::size_t colon = first.find(": ");
      const ProgramResult result = run_clvsim(command_for(kind, file, folder));
      EXPECT_EQ(std::to_string(result.exit_code), first.substr(mark.size(), colon - mark.size())) << file << result.err;
      EXPECT_THAT(result.err, testing::HasSubstr(first.substr(colon + 2))) << file;
      EXPECT_THAT(result.err,
                  testing::HasSubstr(file.filename().string() == "missing_log.toml" ? "" : file.filename().string()));
      ++n;
    }
  }
  EXPECT_GE(n, 10U);
}

}  // namespace
}  // namespace clvsim::test
