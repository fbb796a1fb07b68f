// Arguments that try an elementary function over its whole range: every exponent, the ends, the neighbours of the
// points where a reduction changes, and random ones.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

namespace clvsim::test {

class Points {
 public:
  explicit Points(std::uint64_t seed) : bits_(seed) {}

  // x and `n` neighbours on either side.
  void around(double x, int n) {
    double below = x, above = x;
    add(x);
    for (int i = 0; i < n; ++i) {
      below = std::nextafter(below, -std::numeric_limits<double>::infinity());
      above = std::nextafter(above, std::numeric_limits<double>::infinity());
      add(below);
      add(above);
    }
  }
  // n numbers in [low, high).
  void random(double low, double high, std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) add(low + (high - low) * unit());
  }
  // +-2^exponent (1 + random).
  void scaled(int exponent, double sign, int n) {
    for (int i = 0; i < n; ++i) add(sign * std::ldexp(1 + unit(), exponent));
  }
  // 0, the infinities, NaN, and what lies next to them.
  void ends() {
    using Limits = std::numeric_limits<double>;
    for (const double sign : {1.0, -1.0}) {
      for (const double x : {0.0, Limits::denorm_min(), Limits::min(), Limits::max(), Limits::infinity(), 1.0}) {
        around(sign * x, 2);
      }
    }
    add(Limits::quiet_NaN());
  }
  [[nodiscard]] const std::vector<double>& all() const { return points_; }

 private:
  void add(double x) { points_.push_back(x); }
  double unit() { return static_cast<double>(bits_() >> 11) * 0x1p-53; }

  std::mt19937_64 bits_;
  std::vector<double> points_;
};

inline std::vector<double> log_points(int n) {
  Points points(1);
  for (int e = -1074; e < 1024; ++e) {
    points.around(std::ldexp(1, e), 2);
    points.around(std::ldexp(std::sqrt(0.5), e), 2);  // where the exponent steps
    points.scaled(e, 1, n / 2000);
  }
  points.around(1, 200);
  points.random(0.5, 2, n);
  points.ends();
  return points.all();
}

inline std::vector<double> exp_points(int n) {
  Points points(2);
  for (int k = -2152; k <= 2050; ++k) points.around(k * std::log(2.0) / 2, 2);  // where the power of two steps
  for (int e = -1074; e < 10; ++e) {
    points.scaled(e, 1, n / 2000);
    points.scaled(e, -1, n / 2000);
  }
  points.random(-746, 711, n);
  points.random(-1, 1, n);
  for (const double end : {709.782712893383973, -708.396418532264107, -745.133219101941108}) points.around(end, 50);
  points.ends();
  return points.all();
}

inline std::vector<double> log1p_points(int n) {
  Points points(3);
  for (int e = -1074; e < 1024; ++e) {
    points.around(std::ldexp(1, e) - 1, 2);
    points.around(std::ldexp(std::sqrt(0.5), e) - 1, 2);
    points.scaled(e, 1, n / 2000);
    if (e < -1) points.scaled(e, -1, n / 2000);
  }
  points.random(-1, 3, n);
  points.ends();
  return points.all();
}

inline std::vector<double> log_gamma_points(int n) {
  Points points(4);
  for (int e = -1074; e < 1024; ++e) {
    points.around(std::ldexp(1, e), 2);
    points.scaled(e, 1, n / 2000);
  }
  for (const double end : {0.5, 1.0, 2.0, 2.5}) points.around(end, 200);  // of the ranges, and the zeros
  for (int e = -50; e < -3; ++e) {
    for (const double zero : {1.0, 2.0}) {
      points.around(zero + std::ldexp(1, e), 20);
      points.around(zero - std::ldexp(1, e), 20);
    }
  }
  points.random(0, 3, n);
  points.random(0, 50, n);
  points.ends();
  return points.all();
}

}  // namespace clvsim::test
