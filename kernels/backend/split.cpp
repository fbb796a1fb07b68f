#include "kernels/backend/split.hpp"

#include "kernels/backend/workers.hpp"

#include <clvsim/error.hpp>

#include <algorithm>
#include <utility>

namespace clvsim::kernels {

namespace {

class SplitBackend final : public Backend {
 public:
  explicit SplitBackend(std::vector<std::unique_ptr<Backend>> parts) : parts_(std::move(parts)) {}

  void run(const CustomerSpan& customers, std::span<CustomerSummary> summaries, std::span<std::int64_t> order,
           std::span<std::int64_t> values) override {
    const std::size_t n = summaries.size();
    if (n == 0) return;
    const std::size_t n_ranks = order.size() / n, n_values = values.size() / n, records = size_of(customers) / n;
    // Of equal parts each takes two ranges; of unequal ones the fast part waits for at most one range of the slow.
    const std::size_t ranges = 2 * parts_.size();
    for_groups(n, (n + ranges - 1) / ranges, parts_.size(), [&](std::size_t p, std::size_t first, std::size_t size) {
      on_part(p, [&](Backend& part) {
        part.run(part_of(customers, first * records, size * records), summaries.subspan(first, size),
                 order.subspan(first * n_ranks, size * n_ranks), values.subspan(first * n_values, size * n_values));
      });
    });
  }

  void gather(PathSums& sums) override {
    for (std::size_t p = 0; p < parts_.size(); ++p) {
      PathSums own;
      on_part(p, [&](Backend& part) { part.gather(own); });
      if (p == 0) {
        sums = std::move(own);
        continue;
      }
      add_to(sums.total, own.total);
      add_to(sums.revenue, own.revenue);
      add_to(sums.active, own.active);
      add_to(sums.transactions, own.transactions);
    }
  }

  [[nodiscard]] std::string description() const override {
    std::string all;
    for (const auto& part : parts_) all += (all.empty() ? "" : " + ") + part->description();
    return all;
  }

  [[nodiscard]] std::size_t batch_size() const override {
    std::size_t sum = 0;
    for (const auto& part : parts_) sum += part->batch_size();
    return sum;
  }

 private:
  template <class F>
  void on_part(std::size_t p, const F& f) {
    try {
      f(*parts_[p]);
    } catch (const DeviceError& error) {
      throw DeviceError("device " + std::to_string(p + 1) + " of " + std::to_string(parts_.size()) + ", " +
                        parts_[p]->description() + ": " + error.what());
    }
  }

  std::vector<std::unique_ptr<Backend>> parts_;
};

}  // namespace

std::unique_ptr<Backend> make_split_backend(std::vector<std::unique_ptr<Backend>> parts) {
  return std::make_unique<SplitBackend>(std::move(parts));
}

}  // namespace clvsim::kernels
