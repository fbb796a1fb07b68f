// A few threads over many items, and what they have added up.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <exception>
#include <mutex>
#include <thread>
#include <type_traits>
#include <vector>

namespace clvsim::kernels {

// Calls f(worker, first, count) for consecutive groups of at most `group` >= 1 of n items, on up to n_workers threads
// (the caller is worker 0); each takes the next group when it is done with one. Throws the first exception of any
// thread, once all of them have ended; groups that had not begun are left out then.
template <class F>
void for_groups(std::size_t n, std::size_t group, std::size_t n_workers, F&& f) {
  const std::size_t n_groups = (n + group - 1) / group;
  std::atomic<std::size_t> next{0};
  std::mutex mutex;
  std::exception_ptr failure;
  const auto work = [&](std::size_t worker) noexcept {
    try {
      for (std::size_t g = next++; g < n_groups; g = next++) {
        f(worker, g * group, std::min(group, n - g * group));
      }
    } catch (...) {
      next = n_groups;
      const std::lock_guard lock(mutex);
      if (!failure) failure = std::current_exception();
    }
  };
  {
    std::vector<std::jthread> threads;
    for (std::size_t w = 1; w < std::min(n_workers, n_groups); ++w) threads.emplace_back(work, w);
    work(0);
  }
  if (failure) std::rethrow_exception(failure);
}

// Adds sums of as many elements.
template <class T>
void add_to(std::vector<T>& sum, const std::vector<T>& other) {
  for (std::size_t i = 0; i < sum.size(); ++i) {
    // Unsigned: the caller has bounded the sums, and refuses the run where they could overflow.
    using U = std::make_unsigned_t<T>;
    sum[i] = static_cast<T>(static_cast<U>(sum[i]) + static_cast<U>(other[i]));
  }
}

}  // namespace clvsim::kernels
