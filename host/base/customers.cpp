#include <clvsim/customers.hpp>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <cstring>

namespace clvsim {

void History::clear() {
  offset.assign(1, 0);
  day.clear();
  amount.clear();
  kind.clear();
  cost.clear();
  quantity.clear();
}

std::string_view CustomerBatch::key_of(std::size_t i) const {
  const char* begin = key.data() + i * key_width;
  return {begin, ::strnlen(begin, key_width)};
}

void CustomerBatch::clear() {
  const std::size_t width = key_width;
  *this = CustomerBatch{};
  key_width = width;
}

std::uint64_t customer_hash(std::string_view key, std::uint64_t attempt) {
  return XXH3_64bits_withSeed(key.data(), key.size(), attempt) >> 8;
}

}  // namespace clvsim
