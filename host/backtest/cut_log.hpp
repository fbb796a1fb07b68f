// The whole log of a store, observation and holdout together, cut at a day.
#pragma once

#include <clvsim/store.hpp>

#include "host/fit/fit.hpp"

#include <functional>

namespace clvsim {

class CutLog {
 public:
  // Rows up to `cut` are before, later ones up to `end` after; what is later still is not seen.
  CutLog(const StoreReader& store, Date cut, Date end) : store_(store), cut_(cut), end_(end) {}

  // Customers that have rows before, as if observation had ended at the cut (without costs and quantities), and their
  // rows after: `after.offset` [n + 1]. In the order of the keys.
  using Sink = std::function<void(const CustomerBatch& before, const History& after)>;
  // Rows [first, last) of `rows`: of a customer that has none before, and some after.
  using NewcomerSink = std::function<void(const History& rows, std::size_t first, std::size_t last)>;
  void for_batches(const Sink& sink, const NewcomerSink& newcomer = {}) const;

  // The part before alone. This must outlive it.
  [[nodiscard]] BatchSource before() const;

 private:
  const StoreReader& store_;
  Date cut_, end_;
};

}  // namespace clvsim
