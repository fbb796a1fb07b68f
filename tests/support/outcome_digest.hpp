// The digest of everything that a backend gives, as tests/parity/digests.txt records it.
#pragma once

#include "tests/support/engine_outcome.hpp"

#include <cstdio>
#include <string>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace clvsim::test {

inline unsigned long long digest_of(const Outcome& outcome) {
  XXH64_hash_t hash = 0;
  const auto add = [&](const auto& numbers) {
    hash = XXH64(numbers.data(), numbers.size() * sizeof(numbers[0]), hash);
  };
  add(outcome.numbers);
  add(outcome.order);
  add(outcome.sums.total);
  add(outcome.sums.revenue);
  add(outcome.sums.active);
  add(outcome.sums.transactions);
  return hash;
}

// The line of case `number` of parity_cases(), from 1.
inline std::string digest_line(int number, bool periods, unsigned long long digest) {
  char line[64];
  std::snprintf(line, sizeof line, "%2d %-9s %016llx", number, periods ? "by_period" : "values", digest);
  return line;
}

}  // namespace clvsim::test
