#include "host/math/maximise.hpp"

#include <algorithm>
#include <cmath>

namespace clvsim {
namespace {

using Vector = std::vector<double>;

double dot(const Vector& a, const Vector& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

Vector times(const SmallMatrix& m, const Vector& v) {
  Vector result(v.size(), 0);
  for (std::size_t i = 0; i < m.n; ++i)
    for (std::size_t j = 0; j < m.n; ++j) result[i] += m(i, j) * v[j];
  return result;
}

// The objective with its counter, inside its range.
class Search {
 public:
  Search(const Objective& objective, const MaximiseOptions& options, std::span<const double> start)
      : objective_(objective), options_(options) {
    result.at.assign(start.begin(), start.end());
    result.gradient.resize(start.size());
    result.value = evaluate(result.at, result.gradient);
  }

  double evaluate(const Vector& at, Vector& gradient) {
    ++result.n_evaluations;
    return objective_(at, gradient);
  }

  [[nodiscard]] double tolerance() const {
    return std::max(options_.decrement, options_.relative * std::abs(result.value));
  }

  // Moves along `direction` as far as the value rises enough (Armijo); false where it does not.
  bool move(const Vector& direction) {
    constexpr double longest = 2;  // of a coordinate: a factor of e^2 of a parameter
    constexpr double enough = 1e-4;
    double size = 1;
    for (const double d : direction) size = std::min(size, longest / std::max(std::abs(d), 1e-300));
    const double slope = dot(result.gradient, direction);
    Vector at(result.at.size()), gradient(result.at.size());
    for (int k = 0; k < 30; ++k, size *= k < 2 ? 0.5 : 0.25) {
      for (std::size_t i = 0; i < at.size(); ++i)
        at[i] = std::clamp(result.at[i] + size * direction[i], options_.lowest, options_.highest);
      const double value = evaluate(at, gradient);
      const bool finite = std::isfinite(value) &&
                          std::all_of(gradient.begin(), gradient.end(), [](double g) { return std::isfinite(g); });
      if (!finite || value < result.value + enough * size * slope - 1e-15 * std::abs(result.value)) continue;
      result.at.swap(at);
      result.gradient.swap(gradient);
      result.value = value;
      return true;
    }
    return false;
  }

  void quasi_newton() {
    const std::size_t n = result.at.size();
    SmallMatrix inverse(n);
    const auto reset = [&] {
      const double scale = 1 / std::max(1.0, std::sqrt(dot(result.gradient, result.gradient)));
      for (std::size_t i = 0; i < n; ++i)
        for (std::size_t j = 0; j < n; ++j) inverse(i, j) = i == j ? scale : 0;
    };
    reset();
    bool fresh = true;
    for (int step = 0; step < options_.most_steps; ++step) {
      const Vector direction = times(inverse, result.gradient);
      const double expected = dot(direction, result.gradient);
      if (!fresh && expected < tolerance()) return;
      const Vector before = result.at, gradient = result.gradient;
      if (!move(direction)) {
        if (fresh) return;
        reset();
        fresh = true;
        continue;
      }
      Vector s(n), y(n);
      for (std::size_t i = 0; i < n; ++i) {
        s[i] = result.at[i] - before[i];
        y[i] = gradient[i] - result.gradient[i];
      }
      const double sy = dot(s, y), yy = dot(y, y);
      if (!(sy > 1e-10 * std::sqrt(dot(s, s) * yy))) continue;
      if (fresh)
        for (std::size_t i = 0; i < n; ++i) inverse(i, i) = sy / yy;
      fresh = false;
      const Vector by = times(inverse, y);
      const double scale = (1 + dot(y, by) / sy) / sy;
      for (std::size_t i = 0; i < n; ++i)
        for (std::size_t j = 0; j < n; ++j) inverse(i, j) += scale * s[i] * s[j] - (by[i] * s[j] + s[i] * by[j]) / sy;
    }
  }

  void differentiate() {
    constexpr double h = 1e-4;  // error h^2 of the difference beside rounding / h
    const std::size_t n = result.at.size();
    result.information = SmallMatrix(n);
    Vector at = result.at, up(n), down(n);
    for (std::size_t j = 0; j < n; ++j) {
      at[j] = result.at[j] + h;
      evaluate(at, up);
      at[j] = result.at[j] - h;
      evaluate(at, down);
      at[j] = result.at[j];
      for (std::size_t i = 0; i < n; ++i) result.information(i, j) = (down[i] - up[i]) / (2 * h);
    }
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j < i; ++j)
        result.information(i, j) = result.information(j, i) =
            0.5 * (result.information(i, j) + result.information(j, i));
  }

  void newton() {
    constexpr int most = 8;
    for (int step = 0; step < most; ++step) {
      differentiate();
      const Vector spectrum = eigenvalues(result.information);
      result.smallest_eigenvalue = spectrum.front();
      result.largest_eigenvalue = spectrum.back();
      // Levenberg's shift makes a direction of ascent where the information is not positive definite.
      SmallMatrix shifted = result.information, lower;
      const double least = 1e-10 * std::max(std::abs(spectrum.back()), 1e-300);
      if (spectrum.front() < least)
        for (std::size_t i = 0; i < shifted.n; ++i) shifted(i, i) += least - 2 * std::min(spectrum.front(), 0.0);
      if (!cholesky(shifted, lower)) return;
      const Vector direction = times(inverse_of(lower), result.gradient);
      result.decrement = 0.5 * dot(direction, result.gradient);
      if (spectrum.front() >= least && result.decrement < tolerance()) {
        result.certified = true;
        return;
      }
      if (!move(direction)) return;
    }
  }

  // Newton steps by the information of a function that differs from this one by a factor, and a little.
  void approach(const SmallMatrix& information) {
    constexpr int most = 6;
    SmallMatrix lower;
    if (!cholesky(information, lower)) return quasi_newton();
    const SmallMatrix inverse = inverse_of(lower);
    double scale = 1;  // of this function's curvature, from the last step
    for (int step = 0; step < most; ++step) {
      Vector direction = times(inverse, result.gradient);
      for (double& d : direction) d *= scale;
      if (dot(direction, result.gradient) < tolerance()) return;
      const Vector before = result.at, gradient = result.gradient;
      if (!move(direction)) return;
      Vector s(before.size()), y(before.size());
      for (std::size_t i = 0; i < s.size(); ++i) {
        s[i] = result.at[i] - before[i];
        y[i] = gradient[i] - result.gradient[i];
      }
      const double curved = dot(s, y);
      if (curved > 0) scale = dot(s, times(information, s)) / curved;
    }
  }

  Maximum finish() {
    constexpr double close = 1e-3;
    for (std::size_t i = 0; i < result.at.size(); ++i)
      if (result.at[i] < options_.lowest + close || result.at[i] > options_.highest - close)
        result.at_bound = static_cast<int>(i);
    if (result.at_bound >= 0) result.certified = false;
    return std::move(result);
  }

  Maximum result;

 private:
  const Objective& objective_;
  const MaximiseOptions& options_;
};

}  // namespace

bool cholesky(const SmallMatrix& matrix, SmallMatrix& lower) {
  lower = SmallMatrix(matrix.n);
  for (std::size_t i = 0; i < matrix.n; ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      double sum = matrix(i, j);
      for (std::size_t k = 0; k < j; ++k) sum -= lower(i, k) * lower(j, k);
      if (i != j) {
        lower(i, j) = sum / lower(j, j);
      } else {
        if (!(sum > 0)) return false;
        lower(i, i) = std::sqrt(sum);
      }
    }
  }
  return true;
}

SmallMatrix inverse_of(const SmallMatrix& lower) {
  const std::size_t n = lower.n;
  SmallMatrix inverse(n);
  for (std::size_t column = 0; column < n; ++column) {
    Vector x(n, 0);
    for (std::size_t i = 0; i < n; ++i) {
      double sum = i == column ? 1 : 0;
      for (std::size_t k = 0; k < i; ++k) sum -= lower(i, k) * x[k];
      x[i] = sum / lower(i, i);
    }
    for (std::size_t i = n; i-- > 0;) {
      for (std::size_t k = i + 1; k < n; ++k) x[i] -= lower(k, i) * x[k];
      x[i] /= lower(i, i);
      inverse(i, column) = x[i];
    }
  }
  return inverse;
}

std::vector<double> eigenvalues(SmallMatrix m) {
  const std::size_t n = m.n;
  for (int sweep = 0; sweep < 60; ++sweep) {
    double off = 0, all = 0;
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j < n; ++j) (i == j ? all : off) += m(i, j) * m(i, j);
    if (off <= 1e-30 * all) break;
    for (std::size_t p = 0; p < n; ++p) {
      for (std::size_t q = p + 1; q < n; ++q) {
        if (m(p, q) == 0) continue;
        const double theta = (m(q, q) - m(p, p)) / (2 * m(p, q));
        const double t = (theta >= 0 ? 1 : -1) / (std::abs(theta) + std::sqrt(theta * theta + 1));
        const double c = 1 / std::sqrt(t * t + 1), s = t * c;
        for (std::size_t k = 0; k < n; ++k) {
          const double a = m(k, p), b = m(k, q);
          m(k, p) = c * a - s * b;
          m(k, q) = s * a + c * b;
        }
        for (std::size_t k = 0; k < n; ++k) {
          const double a = m(p, k), b = m(q, k);
          m(p, k) = c * a - s * b;
          m(q, k) = s * a + c * b;
        }
      }
    }
  }
  std::vector<double> values(n);
  for (std::size_t i = 0; i < n; ++i) values[i] = m(i, i);
  std::sort(values.begin(), values.end());
  return values;
}

Maximum maximise(const Objective& objective, std::span<const double> start, const MaximiseOptions& options) {
  Search search(objective, options, start);
  if (std::isfinite(search.result.value)) {
    search.quasi_newton();
    search.newton();
  }
  return search.finish();
}

Maximum polish(const Objective& objective, const Maximum& near, const MaximiseOptions& options) {
  Search search(objective, options, near.at);
  if (std::isfinite(search.result.value)) {
    search.approach(near.information);
    search.newton();
  }
  return search.finish();
}

}  // namespace clvsim
