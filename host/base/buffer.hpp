// Buffers that are used again with another length.
#pragma once

#include <cstddef>
#include <vector>

namespace clvsim {

// Gives the memory back, which `buffer = {}` would keep.
template <class T>
void release(std::vector<T>& buffer) {
  std::vector<T>().swap(buffer);
}

// Gives `buffer` n elements of any value. Where it is too short it is freed first: resize() would hold the old elements
// and the new at once, and twice as many as wanted, so that the peak grew with the number of lengths that were tried.
template <class T>
void resize_anew(std::vector<T>& buffer, std::size_t n) {
  if (n > buffer.capacity()) release(buffer);
  buffer.resize(n);
}

}  // namespace clvsim
