#include "host/run/pipeline.hpp"

#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>

namespace clvsim {

namespace {

class Pipeline {
 public:
  Pipeline(std::int64_t n_batches, const PipelineSteps& steps) : n_batches_(n_batches), steps_(steps) {}

  void run() {
    {
      const std::jthread io([this] { guard([this] { read_and_write(); }); });
      guard([this] { compute(); });
    }
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  using Lock = std::unique_lock<std::mutex>;

  template <class F>
  void guard(F&& f) noexcept {
    try {
      f();
    } catch (...) {
      const Lock lock(mutex_);
      if (!failure_) failure_ = std::current_exception();
      changed_.notify_all();
    }
  }

  // Does a step of the batch that `count` has come to, without the lock, and counts it.
  void advance(Lock& lock, const PipelineSteps::Step& step, std::int64_t& count) {
    const std::int64_t batch = count;
    lock.unlock();
    step(batch, static_cast<std::size_t>(batch) % pipeline_slots);
    lock.lock();
    ++count;
    changed_.notify_all();
  }

  void compute() {
    Lock lock(mutex_);
    while (n_computed_ < n_batches_) {
      changed_.wait(lock, [this] { return failure_ || n_computed_ < n_read_; });
      if (failure_) return;
      advance(lock, steps_.compute, n_computed_);
    }
  }

  void read_and_write() {
    Lock lock(mutex_);
    while (n_written_ < n_batches_) {
      const auto can_write = [this] { return n_written_ < n_computed_; };
      const auto can_read = [this] {
        return n_read_ < n_batches_ && n_read_ < n_written_ + static_cast<std::int64_t>(pipeline_slots);
      };
      changed_.wait(lock, [&] { return failure_ || can_write() || can_read(); });
      if (failure_) return;
      const bool compute_waits = n_computed_ == n_read_;
      if (can_read() && (compute_waits || !can_write())) {
        advance(lock, steps_.read, n_read_);
      } else {
        advance(lock, steps_.write, n_written_);
      }
    }
  }

  const std::int64_t n_batches_;
  const PipelineSteps& steps_;
  std::mutex mutex_;
  std::condition_variable changed_;
  // Batches that a step is done with; guarded, as all below, by the mutex.
  std::int64_t n_read_ = 0, n_computed_ = 0, n_written_ = 0;
  std::exception_ptr failure_;
};

}  // namespace

void run_pipeline(std::int64_t n_batches, const PipelineSteps& steps) { Pipeline(n_batches, steps).run(); }

}  // namespace clvsim
