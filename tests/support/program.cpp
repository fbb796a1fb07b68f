#include "tests/support/program.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace clvsim::test {
namespace {

// In the child between fork and exec.
void enter(const ProgramSetting& setting) {
  if (!setting.folder.empty() && ::chdir(setting.folder.c_str()) != 0) ::_exit(126);
  // libhdf5 leaks when a write fails; what clvsim leaks is still found.
  ::putenv(const_cast<char*>("LSAN_OPTIONS=suppressions=" CLVSIM_SOURCE_DIR
                             "/tests/support/libhdf5.supp:print_suppressions=0"));
  for (const std::string& variable : setting.environment) ::putenv(const_cast<char*>(variable.c_str()));
  if (setting.file_size_limit > 0) {
    const rlimit limit{static_cast<rlim_t>(setting.file_size_limit), static_cast<rlim_t>(setting.file_size_limit)};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  if (setting.user != 0 && (::setgid(setting.user) != 0 || ::setuid(setting.user) != 0)) ::_exit(126);
}

}  // namespace

ProgramResult run_program(const std::vector<std::string>& command, const ProgramSetting& setting) {
  std::array<int, 2> out{}, err{};
  if (::pipe2(out.data(), O_CLOEXEC) != 0 || ::pipe2(err.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe");
  std::vector<char*> arguments;
  for (const std::string& argument : command) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  const pid_t child = ::fork();
  if (child == 0) {
    enter(setting);
    ::dup2(out[1], STDOUT_FILENO);
    ::dup2(err[1], STDERR_FILENO);
    ::execvp(arguments[0], arguments.data());
    ::_exit(127);
  }
  ::close(out[1]);
  ::close(err[1]);
  ProgramResult result;
  std::array<pollfd, 2> pipes{pollfd{out[0], POLLIN, 0}, pollfd{err[0], POLLIN, 0}};
  std::array<std::string*, 2> texts{&result.out, &result.err};
  for (int open = 2; open > 0;) {
    ::poll(pipes.data(), pipes.size(), -1);
    for (std::size_t i = 0; i < pipes.size(); ++i) {
      if (pipes[i].fd < 0 || pipes[i].revents == 0) continue;
      std::array<char, 1 << 16> block{};
      const ssize_t n = ::read(pipes[i].fd, block.data(), block.size());
      if (n > 0) {
        texts[i]->append(block.data(), static_cast<std::size_t>(n));
      } else {
        ::close(pipes[i].fd);
        pipes[i].fd = -1;
        --open;
      }
    }
  }
  int status = 0;
  rusage usage{};
  ::wait4(child, &status, 0, &usage);
  result.peak_bytes = usage.ru_maxrss * 1024LL;
  result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return result;
}

ProgramResult run_clvsim(const std::vector<std::string>& arguments, const ProgramSetting& setting) {
  std::vector<std::string> command{CLVSIM_BINARY_DIR "/clvsim"};
  command.insert(command.end(), arguments.begin(), arguments.end());
  return run_program(command, setting);
}

std::filesystem::path data_folder() {
  const std::filesystem::path folder = std::filesystem::path(CLVSIM_SOURCE_DIR).parent_path() / "shared" / "data";
  return std::filesystem::is_directory(folder) ? folder : std::filesystem::path();
}

}  // namespace clvsim::test
