#include "host/cli/progress.hpp"

#include "host/base/text.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace clvsim::cli {
namespace {

using namespace std::chrono_literals;
constexpr auto silence = 1s;
constexpr auto interval = 200ms;
constexpr int bar_width = 30;

}  // namespace

Progress::Progress(std::string what, std::string things, bool quiet)
    : what_(std::move(what)),
      things_(std::move(things)),
      enabled_(!quiet && ::isatty(STDERR_FILENO) == 1),
      start_(std::chrono::steady_clock::now()),
      last_(start_) {}

Progress::~Progress() {
  if (shown_) std::fputs("\r\033[K", stderr);
}

void Progress::update(std::int64_t done, std::int64_t total) {
  if (!enabled_ || total <= 0) return;
  const auto now = std::chrono::steady_clock::now();
  if (now - start_ < silence || now - last_ < interval) return;
  last_ = now;
  shown_ = true;
  const double share = std::clamp(static_cast<double>(done) / static_cast<double>(total), 0.0, 1.0);
  const double elapsed = std::chrono::duration<double>(now - start_).count();
  const int filled = static_cast<int>(share * bar_width);
  const std::string left = share > 0 ? fmt::format("{:.0f} s left", elapsed / share - elapsed) : std::string();
  fmt::print(stderr, "\r\033[K{} [{:#<{}}{:.<{}}] {:3.0f} %  {} {}/s  {}", what_, "", filled, "", bar_width - filled,
             share * 100, with_separators(static_cast<long long>(static_cast<double>(done) / elapsed)), things_, left);
  std::fflush(stderr);
}

}  // namespace clvsim::cli
