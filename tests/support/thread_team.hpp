// A team of host threads: runs the block-parallel code of the GPU, with its barriers and atomics, on the host.
#pragma once

#include <atomic>
#include <barrier>
#include <cstdint>
#include <thread>
#include <vector>

namespace clvsim::test {

class ThreadTeam {
 public:
  ThreadTeam(std::barrier<>& all, std::uint32_t rank, std::uint32_t size) : all_(&all), rank_(rank), size_(size) {}
  [[nodiscard]] std::uint32_t rank() const { return rank_; }
  [[nodiscard]] std::uint32_t size() const { return size_; }
  void barrier() { all_->arrive_and_wait(); }
  template <class T>
  void add(T& slot, T x) {
    std::atomic_ref<T>(slot).fetch_add(x);
  }
  std::uint32_t next(std::uint32_t& slot) { return std::atomic_ref<std::uint32_t>(slot).fetch_add(1); }
  template <class T>
  void add_all(T& slot, T x) {
    add(slot, x);
  }
  template <class T>
  void min_all(T& slot, T x) {
    std::atomic_ref<T> shared(slot);
    for (T now = shared.load(); x < now && !shared.compare_exchange_weak(now, x);) {
    }
  }
  template <class T>
  void max_all(T& slot, T x) {
    std::atomic_ref<T> shared(slot);
    for (T now = shared.load(); x > now && !shared.compare_exchange_weak(now, x);) {
    }
  }
  template <class T>
  void add_global(T& slot, T x) {
    add(slot, x);
  }

 private:
  std::barrier<>* all_;
  std::uint32_t rank_, size_;
};

// Calls task(team) in every member of a team of `size` and waits for all.
template <class Task>
void run_team(std::uint32_t size, const Task& task) {
  std::barrier<> all(size);
  std::vector<std::jthread> threads;
  for (std::uint32_t rank = 0; rank < size; ++rank) {
    threads.emplace_back([&all, &task, rank, size] {
      ThreadTeam team(all, rank, size);
      task(team);
    });
  }
}

}  // namespace clvsim::test
