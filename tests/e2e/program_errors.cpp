// Bad input: the documented exit code, a message that says what, where, why and what to do, and nothing left behind.
#include "tests/support/program.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <set>
#include <utility>

namespace clvsim::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr const char* good_log =
    "customer_id,date,amount\n"
    "alice,2024-01-01,10.00\nbob,2024-01-02,20.00\nalice,2024-02-01,30.00\n";

class ProgramErrors : public testing::Test {
 protected:
  // Imports `text`, expects failure with `exit_code` and the words, and nothing in the folder but the log.
  void expect_rejected(const std::string& text, int exit_code, const std::vector<std::string>& words,
                       const std::vector<std::string>& more_flags = {}, const std::string& name = "log.csv") {
    TemporaryFolder folder;
    write_file(folder / name, text);
    std::vector<std::string> arguments{"import", folder / name, "-o", folder / "customers.h5"};
    arguments.insert(arguments.end(), more_flags.begin(), more_flags.end());
    const ProgramResult result = run_clvsim(arguments);
    EXPECT_EQ(result.exit_code, exit_code) << result.out << result.err;
    EXPECT_THAT(result.err, testing::StartsWith("error: "));
    for (const std::string& word : words) EXPECT_THAT(result.err, HasSubstr(word));
    EXPECT_THAT(result.err, Not(HasSubstr("alice"))) << "a customer id in a message";
    EXPECT_EQ(folder.entries(), std::vector<std::string>{name});
  }
};

TEST_F(ProgramErrors, MissingLog) {
  TemporaryFolder folder;
  const ProgramResult result = run_clvsim({"import", folder / "none.csv", "-o", folder / "customers.h5"});
  EXPECT_EQ(result.exit_code, 5);
  EXPECT_THAT(result.err, AllOf(HasSubstr("none.csv"), HasSubstr("No such file")));
  EXPECT_TRUE(folder.entries().empty());
}

TEST_F(ProgramErrors, EmptyLogs) {
  expect_rejected("", 3, {"empty"});
  expect_rejected("customer_id,date,amount\n", 3, {"log.csv"});
}

TEST_F(ProgramErrors, WrongColumnNamesTheNearest) {
  expect_rejected(good_log, 2, {"'amonut'", "did you mean 'amount'"}, {"--amount", "amonut"});
}

TEST_F(ProgramErrors, DuplicateHeader) {
  expect_rejected("customer_id,date,amount,amount\nalice,2024-01-01,1,2\n", 3, {"amount"});
}

TEST_F(ProgramErrors, NotANumberIsARejectedRowAndTooManyAreAnError) {
  expect_rejected("customer_id,date,amount\nalice,2024-01-01,NaN\nalice,2024-01-02,inf\nbob,2024-01-02,5\n", 3,
                  {"2", "--rejects"});
  TemporaryFolder folder;
  write_file(folder / "log.csv",
             "customer_id,date,amount\nalice,2024-01-01,NaN\nalice,2024-01-02,inf\nbob,2024-01-02,5\n");
  const ProgramResult result = run_clvsim({"import", folder / "log.csv", "-o", folder / "customers.h5",
                                           "--max-reject-share", "0.9", "--rejects", folder / "rejects.csv", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.json()["ledger"]["rejected"]["rows"], 2);
  EXPECT_EQ(result.json()["ledger"]["calibration"]["rows"], 1);
  EXPECT_THAT(read_file(folder / "rejects.csv"), HasSubstr("log.csv,2,"));
}

TEST_F(ProgramErrors, DatesOutsideTheCalendar) {
  expect_rejected("customer_id,date,amount\nalice,1899-12-31,1\nbob,2200-01-01,1\nbob,2024-01-01,1\n", 3, {"2"});
}

TEST_F(ProgramErrors, AmbiguousDatesAndAmountsNameTheFlag) {
  expect_rejected("customer_id,date,amount\nalice,03/04/2024,1\nbob,05/06/2024,2\n", 3, {"--date-order"});
  expect_rejected("customer_id;date;amount\nalice;2024-01-02;1.234\nbob;2024-01-03;5.678\n", 3, {"--decimal-mark"});
}

TEST_F(ProgramErrors, TruncatedGzip) {
  TemporaryFolder folder;
  std::string text = good_log;
  for (int i = 0; i < 20000; ++i)
    text += "c" + std::to_string(i * 7919) + ",2024-01-03," + std::to_string(i % 977) + ".25\n";
  write_file(folder / "log.csv", text);
  ASSERT_EQ(run_program({"gzip", folder / "log.csv"}).exit_code, 0);
  const std::string whole = read_file(folder / "log.csv.gz");
  write_file(folder / "log.csv.gz", whole.substr(0, whole.size() / 2));
  const ProgramResult result = run_clvsim({"import", folder / "log.csv.gz", "-o", folder / "customers.h5"});
  EXPECT_EQ(result.exit_code, 3) << result.err;
  EXPECT_THAT(result.err, HasSubstr("log.csv.gz"));
  EXPECT_EQ(folder.entries(), std::vector<std::string>{"log.csv.gz"});
}

TEST_F(ProgramErrors, AThinLogImportsButCannotBeFitted) {
  TemporaryFolder folder;
  write_file(folder / "log.csv", good_log);
  ASSERT_EQ(run_clvsim({"import", folder / "log.csv", "-o", folder / "customers.h5"}).exit_code, 0);
  const ProgramResult result = run_clvsim({"fit", folder / "customers.h5", "-o", folder / "model.toml"});
  EXPECT_EQ(result.exit_code, 4) << result.err;
  EXPECT_FALSE(std::filesystem::exists(folder / "model.toml"));
}

class StoreErrors : public testing::Test {
 protected:
  void SetUp() override {
    write_file(folder_ / "log.csv", good_log);
    ASSERT_EQ(run_clvsim({"import", folder_ / "log.csv", "-o", store_}).exit_code, 0);
    bytes_ = read_file(store_);
  }
  // Every command that reads a store or run refuses the file with code 6 and a reason.
  void expect_refused(const std::string& what) {
    for (const std::vector<std::string>& command : {std::vector<std::string>{"verify", store_},
                                                    {"inspect", store_},
                                                    {"fit", store_, "-o", folder_ / "model.toml"}}) {
      const ProgramResult result = run_clvsim(command);
      EXPECT_EQ(result.exit_code, 6) << what << ": " << command[0] << ": " << result.out << result.err;
      EXPECT_THAT(result.err, HasSubstr("customers.h5"));
    }
    EXPECT_FALSE(std::filesystem::exists(folder_ / "model.toml"));
  }
  TemporaryFolder folder_;
  std::string store_ = folder_ / "customers.h5";
  std::string bytes_;
};

TEST_F(StoreErrors, TruncatedAlteredForeignAndNewerFiles) {
  write_file(store_, bytes_.substr(0, bytes_.size() - 1));
  expect_refused("truncated by a byte");
  write_file(store_, bytes_.substr(0, 100));
  expect_refused("cut inside the header");
  std::string altered = bytes_;
  altered[altered.size() / 2] = static_cast<char>(altered[altered.size() / 2] ^ 1);
  write_file(store_, altered);
  expect_refused("one bit flipped");
  write_file(store_, "not a store at all, just some text that is long enough to look at\n");
  expect_refused("text");
  write_file(store_, "");
  expect_refused("empty");
}

TEST_F(StoreErrors, AnExistingOutputIsKeptUnlessForced) {
  const ProgramResult refused = run_clvsim({"import", folder_ / "log.csv", "-o", store_});
  EXPECT_EQ(refused.exit_code, 5);
  EXPECT_THAT(refused.err, HasSubstr("--force"));
  EXPECT_TRUE(read_file(store_) == bytes_);
  EXPECT_EQ(run_clvsim({"import", folder_ / "log.csv", "-o", store_, "--force"}).exit_code, 0);
  EXPECT_TRUE(read_file(store_) == bytes_);
}

TEST_F(StoreErrors, AFullDiskIsAMessageAndLeavesNothing) {
  const std::string full = folder_ / "full";
  std::filesystem::create_directory(full);
  // A limit on the size of a file fails a write as a full disk does.
  for (const long long limit : {1LL, 600LL, 2048LL, 5000LL, 10000LL}) {
    ProgramSetting setting;
    setting.file_size_limit = limit;
    const ProgramResult result = run_clvsim({"import", folder_ / "log.csv", "-o", full + "/customers.h5"}, setting);
    EXPECT_EQ(result.exit_code, 5) << limit << ": " << result.err;
    EXPECT_TRUE(std::filesystem::is_empty(full)) << limit;
  }
}

TEST_F(StoreErrors, ASmallFileSystemIsAMessageAndLeavesNothing) {
  const std::string full = folder_ / "full";
  std::filesystem::create_directory(full);
  if (::geteuid() != 0) GTEST_SKIP() << "only root can mount a small file system";
  if (run_program({"mount", "-t", "tmpfs", "-o", "size=8k", "tmpfs", full}).exit_code != 0)
    GTEST_SKIP() << "this machine mounts no tmpfs";
  const ProgramResult result = run_clvsim({"import", folder_ / "log.csv", "-o", full + "/customers.h5"});
  const bool empty = std::filesystem::is_empty(full);
  run_program({"umount", full});
  EXPECT_EQ(result.exit_code, 5) << result.err;
  EXPECT_THAT(result.err, HasSubstr("space"));
  EXPECT_TRUE(empty);
}

TEST_F(StoreErrors, NoPermission) {
  // Other users may not be able to enter the build folder: they run a copy.
  const std::string program = folder_ / "clvsim";
  std::filesystem::copy_file(CLVSIM_BINARY_DIR "/clvsim", program);
  std::filesystem::permissions(program, std::filesystem::perms{0755});
  ProgramSetting setting;
  if (::geteuid() == 0) {
    setting.user = 65534;  // nobody: root may write anywhere
    ASSERT_EQ(::chmod((folder_ / "log.csv").c_str(), 0644), 0);
  } else {
    ::chmod(folder_.path().c_str(), 0555);
  }
  const ProgramResult result =
      run_program({program, "import", folder_ / "log.csv", "-o", folder_ / "other.h5"}, setting);
  const ProgramResult unreadable = run_program({program, "verify", store_}, setting);
  ::chmod(folder_.path().c_str(), 0755);
  EXPECT_EQ(result.exit_code, 5) << result.err;
  EXPECT_THAT(result.err, HasSubstr("Permission denied"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "other.h5"));
  if (setting.user != 0) {
    EXPECT_EQ(unreadable.exit_code, 5) << "a store is its owner's alone: " << unreadable.err;
  }
}

TEST_F(StoreErrors, NoCommandOverwritesItsInput) {
  const std::string model = folder_ / "model.toml", log = folder_ / "log.csv";
  std::filesystem::copy(CLVSIM_SOURCE_DIR "/configs/models/generator_retail.toml", model);
  write_file(
      folder_ / "f.toml",
      "format = \"clvsim-forecast\"\nversion = 1\n[import]\nlogs = [\"customers.csv\"]\n[output]\nfolder = \".\"\n");
  write_file(folder_ / "customers.csv", good_log);
  for (const std::vector<std::string>& command : std::vector<std::vector<std::string>>{
           {"import", log, "-o", log},
           {"fit", store_, "-o", store_},
           {"simulate", store_, "--model", model, "-o", store_},
           {"simulate", store_, "--model", model, "-o", model},
           {"generate", "--model", model, "-o", model},
           {"generate", "--model", model, "-o", folder_ / "g.csv", "--truth", folder_ / "g.csv"},
           {"export", store_, "--csv", store_},
           {"forecast", folder_ / "f.toml"}}) {
    std::vector<std::string> arguments = command;
    arguments.push_back("--force");
    const std::vector<std::string> before = folder_.entries();
    const ProgramResult result = run_clvsim(arguments);
    EXPECT_EQ(result.exit_code, 2) << command[0] << result.err;
    EXPECT_EQ(folder_.entries(), before) << command[0];
  }
  EXPECT_TRUE(read_file(store_) == bytes_);
  EXPECT_EQ(read_file(log), good_log);
  EXPECT_EQ(read_file(folder_ / "customers.csv"), good_log);
}

TEST_F(StoreErrors, ARefusedForecastLeavesNothingAndTouchesNothing) {
  const std::string head =
      "format = \"clvsim-forecast\"\nversion = 1\n[import]\nlogs = [\"log.csv\"]\n[output]\nfolder = \"out\"\n";
  write_file(folder_ / "thin.toml", head);
  write_file(folder_ / "bad.toml", head + "[simulate]\nquantiles = [0.9, 0.5]\n");
  write_file(folder_ / "new.toml", "format = \"clvsim-forecast\"\nversion = 2\n");
  std::filesystem::create_directory(folder_ / "out");
  write_file(folder_ / "out/run.h5", "yesterday");
  EXPECT_EQ(run_clvsim({"forecast", folder_ / "thin.toml", "--force"}).exit_code, 4);
  EXPECT_EQ(run_clvsim({"forecast", folder_ / "bad.toml", "--force"}).exit_code, 2);
  EXPECT_EQ(run_clvsim({"forecast", folder_ / "new.toml", "--force"}).exit_code, 6);
  EXPECT_EQ(read_file(folder_ / "out/run.h5"), "yesterday");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_ / "out"), {}), 1);
}

TEST(ProgramUsage, UnknownWordsNameTheNearest) {
  const ProgramResult subcommand = run_clvsim({"simulat"});
  EXPECT_EQ(subcommand.exit_code, 2);
  EXPECT_THAT(subcommand.err, HasSubstr("did you mean 'simulate'"));
  const ProgramResult flag = run_clvsim({"simulate", "--model", "m.toml", "--horizn", "3"});
  EXPECT_EQ(flag.exit_code, 2);
  EXPECT_THAT(flag.err, HasSubstr("did you mean '--horizon'"));
  const ProgramResult value =
      run_clvsim({"simulate", "--model", "m.toml", "--customers", "1", "--convention", "frist"});
  EXPECT_EQ(value.exit_code, 2);
  EXPECT_THAT(value.err, HasSubstr("did you mean 'first'"));
  EXPECT_EQ(run_clvsim({}).exit_code, 2);
}

TEST(ProgramUsage, HelpHasExamplesAndExitCodes) {
  for (const char* command : {"import", "fit", "backtest", "simulate", "forecast", "export", "inspect", "verify",
                              "generate", "bench", "doctor"}) {
    const ProgramResult help = run_clvsim({"help", command});
    EXPECT_EQ(help.exit_code, 0) << command << help.err;
    EXPECT_THAT(help.out,
                AllOf(HasSubstr(std::string("clvsim ") + command), HasSubstr("Exit codes:"), HasSubstr("--json")));
  }
}

// The sampler is part of a run's key: the run file names it. The report says whether it was asked for as well.
TEST(ProgramUsage, TheRunFileNamesTheSampler) {
  TemporaryFolder folder;
  const std::string model = CLVSIM_SOURCE_DIR "/configs/models/lifecycle_a_e.toml";
  std::set<std::string> digests;
  for (const auto& [sampler, name] : {std::pair<std::string, std::string>{"auto", "philox4x32-10 alias 1"},
                                      {"alias", "philox4x32-10 alias 1"},
                                      {"ordered", "philox4x32-10 ordered-threshold 3"},
                                      {"event", "philox4x32-10 event 1"}}) {
    const std::string file = folder / (sampler + ".h5");
    const ProgramResult run = run_clvsim({"simulate", "--sampler", sampler, "--customers", "3", "--paths", "100",
                                          "--model", model, "-o", file, "--json"});
    ASSERT_EQ(run.exit_code, 0) << run.err;
    EXPECT_EQ(run.json()["sampler"], name);
    EXPECT_EQ(run.json()["sampler_choice"], sampler == "auto" ? "automatic" : "given");
    EXPECT_THAT(run_clvsim({"inspect", file, "--json"}).out, HasSubstr(name));
    digests.insert(run.json()["content_digest"].get<std::string>());
  }
  EXPECT_EQ(digests.size(), 3U);  // auto is alias
  const std::vector<std::string> simulate{"simulate", "--customers", "3", "--paths", "100", "--model", model};
  EXPECT_THAT(run_clvsim(simulate).out, HasSubstr("\nsampler philox4x32-10 alias 1, chosen automatically"));
  std::vector<std::string> event = simulate;
  event.insert(event.end(), {"--sampler", "event"});
  EXPECT_THAT(run_clvsim(event).out, HasSubstr("\nsampler philox4x32-10 event 1, as asked for\n"));
}

// What it cannot draw is refused with what to use instead.
TEST(ProgramUsage, TheEventSamplerRefusesDrawnSpend) {
  TemporaryFolder folder;
  const std::string models = CLVSIM_SOURCE_DIR "/configs/models/";
  const std::vector<std::string> simulate{"simulate", "--sampler", "event", "--customers",    "3",
                                          "--paths",  "100",       "-o",    folder / "run.h5"};
  const auto with = [&](const std::string& model) {
    std::vector<std::string> arguments = simulate;
    arguments.insert(arguments.end(), {"--model", models + model});
    return run_clvsim(arguments);
  };
  const ProgramResult spend = with("generator_retail.toml");
  EXPECT_EQ(spend.exit_code, 2) << spend.out;
  EXPECT_THAT(spend.err, HasSubstr("use --sampler alias"));
  EXPECT_TRUE(folder.entries().empty());
}

// Only what was fitted knows how uncertain its parameters are.
TEST(ProgramUsage, ParameterDrawsNeedCovariances) {
  const std::string models = CLVSIM_SOURCE_DIR "/configs/models/";
  const auto with = [&](const std::string& model) {
    return run_clvsim(
        {"simulate", "--model", models + model, "--customers", "3", "--paths", "100", "--parameter-draws", "10"});
  };
  const ProgramResult chain = with("lifecycle_a_e.toml"), by_hand = with("pareto_nbd.toml");
  EXPECT_EQ(chain.exit_code, 2) << chain.out;
  EXPECT_THAT(chain.err, HasSubstr("leave --parameter-draws out"));
  EXPECT_EQ(by_hand.exit_code, 2) << by_hand.out;
  EXPECT_THAT(by_hand.err, HasSubstr("fit it to a store, or simulate without --parameter-draws"));
}

// A drawn amount beyond the fixed point is counted and fails the run; no file is left.
TEST(ProgramUsage, SaturationIsExitFour) {
  TemporaryFolder folder;
  const std::string model = read_file(CLVSIM_SOURCE_DIR "/configs/models/generator_retail.toml");
  const std::string level = "log_mean = [3.4, 3.4]";
  const std::size_t at = model.find(level);
  ASSERT_NE(at, std::string::npos);
  const auto simulate = [&](const std::string& new_level) {
    std::string text = model;
    write_file(folder / "m.toml", text.replace(at, level.size(), new_level));
    return run_clvsim({"simulate", "--model", folder / "m.toml", "--customers", "3", "--paths", "100", "--horizon",
                       "12", "-o", folder / "run.h5", "--quiet"});
  };
  // exp(36) units of 100 minor units are 4.3e17, twenty times what 2^62 / 256 holds.
  const ProgramResult result = simulate("log_mean = [36, 36]");
  EXPECT_EQ(result.exit_code, 4) << result.err;
  EXPECT_THAT(result.err, AllOf(HasSubstr("customer row 1: "), HasSubstr("beyond the engine's fixed point"),
                                HasSubstr("check the amounts")));
  EXPECT_EQ(result.out, "");
  EXPECT_EQ(folder.entries(), std::vector<std::string>{"m.toml"});
  EXPECT_EQ(simulate(level).exit_code, 0) << "but for that the model can be run";
}

TEST(ProgramUsage, KeptPathsNeedAFileAndAreNeededForTheirExport) {
  TemporaryFolder folder;
  const std::string model = CLVSIM_SOURCE_DIR "/configs/models/dwyer_migration.toml", run = folder / "run.h5";
  const auto with = [&](const std::vector<std::string>& flags, const char* n_customers = "5") {
    std::vector<std::string> arguments{"simulate", "--model", model, "--customers", n_customers, "--horizon", "3"};
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    return run_clvsim(arguments);
  };
  const ProgramResult without_file = with({"--keep-paths"});
  EXPECT_EQ(without_file.exit_code, 2);
  EXPECT_THAT(without_file.err, HasSubstr("--keep-paths needs --output"));
  const ProgramResult too_many = with({"--paths", "30000000", "--keep-paths", "-o", run}, "1000000000");
  EXPECT_EQ(too_many.exit_code, 5);
  EXPECT_THAT(too_many.err, AllOf(HasSubstr("240000000000 of them for the kept paths"), HasSubstr("MB free")));
  ASSERT_EQ(with({"-o", run}).exit_code, 0);
  const ProgramResult not_kept = run_clvsim({"export", run, "--paths-csv", folder / "p.csv"});
  EXPECT_EQ(not_kept.exit_code, 2);
  EXPECT_THAT(not_kept.err, HasSubstr("--keep-paths"));
  const ProgramResult nothing = run_clvsim({"export", run});
  EXPECT_EQ(nothing.exit_code, 2);
  EXPECT_THAT(nothing.err, HasSubstr("--csv"));
  EXPECT_FALSE(std::filesystem::exists(folder / "p.csv"));
}

TEST(ProgramUsage, AGpuThatIsNotThereIsExitSeven) {
  if (!run_clvsim({"doctor", "--json"}).json()["gpus"].empty()) GTEST_SKIP() << "this machine has a GPU";
  const auto on = [](const std::string& device) {
    return run_clvsim({"simulate", "--model", CLVSIM_SOURCE_DIR "/configs/models/dwyer_retention.toml", "--customers",
                       "1", "--horizon", "3", "--device", device});
  };
  for (const char* device : {"cuda", "cuda:0", "cuda:0,1"}) {
    const ProgramResult result = on(device);
    EXPECT_EQ(result.exit_code, 7) << result.err;
    EXPECT_THAT(result.err, testing::ContainsRegex("--device (cpu|auto)"));
  }
  for (const char* device : {"cuda:", "cuda:0,", "cuda:0,x", "cuda:-1", "gpu"}) {
    EXPECT_EQ(on(device).exit_code, 2) << device;
  }
}

}  // namespace
}  // namespace clvsim::test
