// A progress line on stderr: bar, share, rate, time left. Silent unless stderr is a terminal and a second has passed.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace clvsim::cli {

class Progress {
 public:
  // `what` is done to `things`, e.g. "simulating", "customers".
  Progress(std::string what, std::string things, bool quiet);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void update(std::int64_t done, std::int64_t total);

 private:
  std::string what_, things_;
  bool enabled_;
  bool shown_ = false;
  std::chrono::steady_clock::time_point start_, last_;
};

}  // namespace clvsim::cli
