#include "host/io/child.hpp"

#include "host/io/h5.hpp"

#include <clvsim/error.hpp>

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string>
#include <system_error>

namespace clvsim {
namespace {

constexpr std::size_t max_message_bytes = 4096;
constexpr char sound = 0, no_memory = 'M';  // other verdicts are exit codes

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool address_space_limited = false;  // sanitizers map terabytes
#else
constexpr bool address_space_limited = true;
#endif

// Bytes of address space that this process has mapped.
std::uint64_t mapped_bytes() {
  std::uint64_t pages = 0;
  std::FILE* file = std::fopen("/proc/self/statm", "re");
  if (file == nullptr) return std::uint64_t{4} << 30;
  char text[64] = {};
  if (std::fgets(text, sizeof text, file) != nullptr) pages = std::strtoull(text, nullptr, 10);
  std::fclose(file);
  return pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

void limit(__rlimit_resource resource, std::uint64_t value) {
  rlimit wanted{};
  if (::getrlimit(resource, &wanted) != 0) return;
  wanted.rlim_cur = std::min<rlim_t>(value, wanted.rlim_max);
  wanted.rlim_max = wanted.rlim_cur;
  ::setrlimit(resource, &wanted);
}

void send(int pipe, const void* bytes, std::size_t n) {
  for (std::size_t done = 0; done < n;) {
    const ssize_t sent = ::write(pipe, static_cast<const char*>(bytes) + done, n - done);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return;
    done += static_cast<std::size_t>(sent);
  }
}

[[noreturn]] void run_child(int pipe, pid_t parent, const ChildLimits& limits, std::uint64_t mapped,
                            const std::function<void()>& inspect) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(1);
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  h5::abandon_lock_in_child();
  for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGINT, SIGTERM, SIGHUP})
    ::signal(signal, SIG_DFL);
  // What the C library says while it aborts is no message to the user.
  if (const int nowhere = ::open("/dev/null", O_RDWR | O_CLOEXEC); nowhere >= 0) {
    ::dup2(nowhere, STDOUT_FILENO);
    ::dup2(nowhere, STDERR_FILENO);
  }
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_FSIZE, 0);
  limit(RLIMIT_CPU, static_cast<std::uint64_t>(std::ceil(limits.seconds)));
  if (address_space_limited) limit(RLIMIT_AS, mapped + limits.memory_bytes);

  char verdict = sound;
  std::array<char, max_message_bytes> message{};
  const auto say = [&](int code, const char* text) {
    verdict = static_cast<char>(code);
    std::strncpy(message.data(), text, message.size() - 1);
  };
  try {
    inspect();
  } catch (const Error& error) {
    say(static_cast<int>(error.exit_code()), error.what());
  } catch (const std::bad_alloc&) {
    say(no_memory, "");
  } catch (const std::exception& error) {
    say(static_cast<int>(ExitCode::internal), error.what());
  }
  send(pipe, &verdict, 1);
  send(pipe, message.data(), ::strnlen(message.data(), message.size()));
  // Neither destructors nor exit handlers: the parent's files and libhdf5's state are not ours to touch.
  ::_exit(0);
}

// What the child said until it closed the pipe; false where time ran out.
bool listen(int pipe, double seconds, std::string& said) {
  using clock = std::chrono::steady_clock;
  const auto deadline = clock::now() + std::chrono::duration<double>(seconds);
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - clock::now()).count();
    if (left <= 0) return false;
    pollfd wait{pipe, POLLIN, 0};
    const int ready = ::poll(&wait, 1, static_cast<int>(std::min<std::int64_t>(left, 1'000'000)));
    if (ready <= 0) continue;  // time out or a signal: look at the clock again
    std::array<char, max_message_bytes> block;
    const ssize_t n = ::read(pipe, block.data(), block.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return true;
    said.append(block.data(), static_cast<std::size_t>(n));
  }
}

}  // namespace

void inspect_in_child(const std::filesystem::path& path, const ChildLimits& limits,
                      const std::function<void()>& inspect) {
  const auto cannot = [&](const char* what) {
    return IoError(fmt::format("cannot check '{}': {}: {}; close other programs and try again", path.string(), what,
                               std::generic_category().message(errno)));
  };
  const auto unsafe = [&](const std::string& why) {
    return FormatError(
        fmt::format("'{}' is damaged or unsafe: {}; copy it again, or make it anew", path.string(), why));
  };
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw cannot("no pipe");
  const std::uint64_t mapped = mapped_bytes();
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child < 0) {
    const int error = errno;
    ::close(ends[0]);
    ::close(ends[1]);
    errno = error;
    throw cannot("no process");
  }
  if (child == 0) {
    ::close(ends[0]);
    run_child(ends[1], parent, limits, mapped, inspect);
  }
  ::close(ends[1]);
  std::string said;
  const bool in_time = listen(ends[0], limits.seconds, said);
  ::close(ends[0]);
  if (!in_time) ::kill(child, SIGKILL);
  int status = 0;
  pid_t waited;
  do waited = ::waitpid(child, &status, 0);
  while (waited < 0 && errno == EINTR);

  if (!in_time) throw unsafe(fmt::format("checking it took more than {:.0f} s", limits.seconds));
  if (said.empty()) {
    if (waited == child && WIFSIGNALED(status))
      throw unsafe(fmt::format("the process that checked it died of signal {} ({})", WTERMSIG(status),
                               ::strsignal(WTERMSIG(status))));
    throw unsafe("the process that checked it died");
  }
  const char verdict = said[0];
  said.erase(0, 1);
  if (verdict == sound) return;
  if (verdict == no_memory) throw unsafe("it asks for more memory than its size justifies");
  if (verdict == static_cast<char>(ExitCode::io)) throw IoError(said);
  if (verdict == static_cast<char>(ExitCode::format)) throw FormatError(said);
  throw Error(ExitCode::internal, said);
}

void check_sealed_in_child(const std::filesystem::path& path, const SealInfo& seal,
                           const std::function<void()>& inspect) {
  // A sound file holds its values uncompressed: nothing in it needs more memory than its own bytes. The slowest disk
  // and processor in mind, it is read at 20 MB/s or more.
  ChildLimits limits;
  limits.memory_bytes += seal.payload_bytes;
  limits.seconds += static_cast<double>(seal.payload_bytes) / 20e6;
  const h5::LibraryLock lock;
  inspect_in_child(path, limits, [&] { h5::reading(path, inspect); });
}

}  // namespace clvsim
