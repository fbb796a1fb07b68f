// Functions of many numbers at once, on the widest vector registers that this machine has: the bits of special.hpp's.
#pragma once

#include "kernels/lanes/lanes.hpp"

#include <cstddef>
#include <vector>

namespace clvsim {

// Numbers in a buffer that is as long as vector code needs it.
class VectorBuffer {
 public:
  void clear() { values_.clear(); }
  void push_back(double value) { values_.push_back(value); }
  void resize(std::size_t n) { values_.resize(n); }
  [[nodiscard]] std::size_t size() const { return values_.size(); }
  double& operator[](std::size_t i) { return values_[i]; }
  double operator[](std::size_t i) const { return values_[i]; }

  void be_log_of(VectorBuffer& x) { be(kernels::lane_kernels().front()->math.log, x); }
  void be_exp_of(VectorBuffer& x) { be(kernels::lane_kernels().front()->math.exp, x); }
  void be_log1p_of(VectorBuffer& x) { be(kernels::lane_kernels().front()->math.log1p, x); }

 private:
  // Whole registers: what stands beyond the numbers is 1, which is in every function's domain.
  void be(kernels::LaneMath::Function function, VectorBuffer& x) {
    const std::size_t n = x.size(),
                      padded = (n + kernels::lane_numbers - 1) / kernels::lane_numbers * kernels::lane_numbers;
    x.values_.resize(padded, 1);
    values_.resize(padded);
    function(x.values_.data(), padded, values_.data());
    x.values_.resize(n);
    values_.resize(n);
  }
  std::vector<double> values_;
};

}  // namespace clvsim
